/* json.c - documents that were read or written lately are not read again.
 *
 * A value of the store comes to every process that watches it, and again with every listing: reading the same
 * text took a third of a run. Stands before the real orc_json_parse() and codec_text() (linked with --wrap):
 * what is not remembered is read by the real one. A record is remembered as it is written, by a tree of its
 * members: jansson would take five times as long to read it. Whoever gets a document only looks at it, so
 * that all may share it.
 */
#include "tests/sim/codec_tree.h"
#include "tests/sim/world.h"

#define PLACES 128 /* a power of two */
#define ONE_IN 64  /* records that are written are read, too */

struct document {
    uint64_t hash;
    size_t n;
    char *text;
    json_t *json;
};
static struct document documents[PLACES];

json_t *__real_orc_json_parse(const char *text, size_t n, struct orc_err *err);
json_t *__wrap_orc_json_parse(const char *text, size_t n, struct orc_err *err);
char *__real_codec_text(const struct codec *c, const void *obj);
char *__wrap_codec_text(const struct codec *c, const void *obj);

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

static bool is_kept(const struct document *d, uint64_t hash, const char *text, size_t n)
{
    return d->json && d->hash == hash && d->n == n && memcmp(d->text, text, n) == 0;
}

json_t *__wrap_orc_json_parse(const char *text, size_t n, struct orc_err *err)
{
    uint64_t hash = hash_of(text, n);
    struct document *d = &documents[hash & (PLACES - 1)];
    json_t *json;

    if (is_kept(d, hash, text, n))
        return json_incref(d->json);
    json = __real_orc_json_parse(text, n, err);
    if (json)
        keep(d, hash, text, n, json_incref(json));
    return json;
}

/* The tree stands for what is written: now and then that is read after all. */
static void hold_against(json_t *tree, const char *text, size_t n)
{
    orc_auto_json json_t *read = __real_orc_json_parse(text, n, NULL);

    if (!read || !json_equal(read, tree))
        sim_broken("record-text", "what is written is not the record: %.200s", text);
}

char *__wrap_codec_text(const struct codec *c, const void *obj)
{
    char *text = __real_codec_text(c, obj);
    size_t n = strlen(text);
    uint64_t hash = hash_of(text, n);
    struct document *d = &documents[hash & (PLACES - 1)];

    if (!is_kept(d, hash, text, n)) {
        keep(d, hash, text, n, codec_tree(c, obj));
        if ((hash >> 32) % ONE_IN == 0)
            hold_against(d->json, text, n);
    }
    return text;
}
