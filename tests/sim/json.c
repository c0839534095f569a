/* json.c - documents that were read or written lately are not read again.
 *
 * A value of the store comes to every process that watches it, and again with every listing: reading the same
 * text took a third of a run. Stands before the real orc_json_parse() and orc_json_text() (linked with
 * --wrap): what is not remembered is read by the real one. Whoever gets a document only looks at it, and
 * nobody changes one that he has written out, so that all may share it.
 */
#include "lib/json.h"

#define PLACES 128 /* a power of two */

struct document {
    uint64_t hash;
    size_t n;
    char *text;
    json_t *json;
};
static struct document documents[PLACES];

json_t *__real_orc_json_parse(const char *text, size_t n, struct orc_err *err);
json_t *__wrap_orc_json_parse(const char *text, size_t n, struct orc_err *err);
char *__real_orc_json_text(const json_t *j);
char *__wrap_orc_json_text(const json_t *j);

/* FNV-1a's mixing (Fowler, Noll, Vo), eight bytes at a time: it only chooses the place. */
static uint64_t hash_of(const char *text, size_t n)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325) ^ n, word;

    for (; n >= sizeof word; text += sizeof word, n -= sizeof word) {
        memcpy(&word, text, sizeof word);
        h = (h ^ word) * UINT64_C(0x100000001b3);
        h ^= h >> 29;
    }
    for (; n; n--)
        h = (h ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
    return h ^ (h >> 32);
}

static void keep(struct document *d, uint64_t hash, const char *text, size_t n, json_t *json)
{
    json_decref(d->json);
    free(d->text);
    *d = (struct document){hash, n, orc_strndup(text, n), json};
}

json_t *__wrap_orc_json_parse(const char *text, size_t n, struct orc_err *err)
{
    uint64_t hash = hash_of(text, n);
    struct document *d = &documents[hash & (PLACES - 1)];
    json_t *json;

    if (d->json && d->hash == hash && d->n == n && memcmp(d->text, text, n) == 0)
        return json_incref(d->json);
    json = __real_orc_json_parse(text, n, err);
    if (json)
        keep(d, hash, text, n, json_incref(json));
    return json;
}

char *__wrap_orc_json_text(const json_t *j)
{
    char *text = __real_orc_json_text(j);
    size_t n = strlen(text);
    uint64_t hash = hash_of(text, n);

    keep(&documents[hash & (PLACES - 1)], hash, text, n, json_incref((json_t *)(uintptr_t)j));
    return text;
}
