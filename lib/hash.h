/* hash.h - hashes and random ids. */
#ifndef LIB_HASH_H
#define LIB_HASH_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a, 64 bit (RFC 9923), finished with a multiply-xor mix so that low bits are usable; seed 0 to start.
 */
uint64_t orc_hash64(uint64_t seed, const void *data, size_t n);
uint64_t orc_hash64_str(uint64_t seed, const char *s);

/* SHA-256 as 64 lower-case hex digits and a NUL. */
#define ORC_SHA256_HEX 65
void orc_sha256_hex(const void *data, size_t n, char ret[ORC_SHA256_HEX]);

/* n hex digits of randomness from the kernel, then a NUL; n at most 64. */
void orc_random_hex(size_t n, char *ret);

#endif
