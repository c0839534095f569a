#include "lib/hash.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* The finaliser of MurmurHash3 (public domain): every input bit reaches every output bit. */
static uint64_t mix(uint64_t h)
{
    h ^= h >> 33;
    h *= UINT64_C(0xff51afd7ed558ccd);
    h ^= h >> 33;
    h *= UINT64_C(0xc4ceb9fe1a85ec53);
    h ^= h >> 33;
    return h;
}

uint64_t orc_hash64(uint64_t seed, const void *data, size_t n)
{
    const unsigned char *p = data;
    uint64_t h = FNV_OFFSET ^ seed;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * FNV_PRIME;
    return mix(h);
}

uint64_t orc_hash64_str(uint64_t seed, const char *s)
{
    return orc_hash64(seed, s, strlen(s));
}

static void to_hex(const unsigned char *bytes, size_t digits, char *ret)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < digits; i++)
        ret[i] = hex[i % 2 ? bytes[i / 2] & 15 : bytes[i / 2] >> 4];
    ret[digits] = '\0';
}

static void die(const char *what)
{
    fprintf(stderr, "orc: %s\n", what);
    abort();
}

void orc_sha256_hex(const void *data, size_t n, char ret[ORC_SHA256_HEX])
{
    unsigned char digest[32];

    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, data, n, digest) != 0)
        die("GnuTLS refuses to compute SHA-256");
    to_hex(digest, 2 * sizeof digest, ret);
}

void orc_random_hex(size_t n, char *ret)
{
    unsigned char bytes[32];
    size_t want, have = 0;

    if (n > 2 * sizeof bytes)
        die("more than 64 random digits were asked for");
    for (want = (n + 1) / 2; have < want;) {
        ssize_t got = getrandom(bytes + have, want - have, 0);

        if (got < 0 && errno != EINTR)
            die("the kernel gives no random bytes");
        if (got > 0)
            have += (size_t)got;
    }
    to_hex(bytes, n, ret);
}
