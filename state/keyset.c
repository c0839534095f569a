#include "state/keyset.h"

#include "lib/mem.h"

#include <uthash.h>

struct entry {
    UT_hash_handle hh;
    int64_t mod_revision;
    uint64_t round; /* of the last put */
    char key[];
};

struct keyset {
    struct entry *entries;
    uint64_t round;
    struct entry *cursor; /* of keyset_take_vanished() */
};

struct keyset *keyset_new(void)
{
    return orc_new(struct keyset);
}

struct keyset *keyset_free(struct keyset *k)
{
    struct entry *e, *next;

    if (!k)
        return NULL;
    HASH_ITER (hh, k->entries, e, next) {
        HASH_DEL(k->entries, e);
        free(e);
    }
    free(k);
    return NULL;
}

/* One that is new has no mod revision: etcd's begin at 1. */
static struct entry *get(struct keyset *k, const char *key)
{
    size_t n = strlen(key);
    struct entry *e;

    HASH_FIND(hh, k->entries, key, n, e);
    if (!e) {
        e = orc_calloc(1, sizeof *e + n + 1);
        memcpy(e->key, key, n + 1);
        HASH_ADD_KEYPTR(hh, k->entries, e->key, n, e);
    }
    e->round = k->round;
    return e;
}

bool keyset_put(struct keyset *k, const char *key, int64_t mod_revision)
{
    struct entry *e = get(k, key);
    bool changed = e->mod_revision != mod_revision;

    e->mod_revision = mod_revision;
    return changed;
}

void keyset_expect(struct keyset *k, const char *key)
{
    get(k, key);
}

static void drop(struct keyset *k, struct entry *e)
{
    if (k->cursor == e)
        k->cursor = e->hh.next;
    HASH_DEL(k->entries, e);
    free(e);
}

bool keyset_delete(struct keyset *k, const char *key)
{
    struct entry *e;

    HASH_FIND(hh, k->entries, key, strlen(key), e);
    if (!e)
        return false;
    drop(k, e);
    return true;
}

void keyset_forget(struct keyset *k)
{
    for (struct entry *e = k->entries; e; e = e->hh.next)
        e->mod_revision = 0;
}

void keyset_begin(struct keyset *k)
{
    k->round++;
    k->cursor = NULL;
}

char *keyset_take_vanished(struct keyset *k)
{
    struct entry *e = k->cursor ? k->cursor : k->entries;

    while (e && e->round == k->round)
        e = e->hh.next;
    if (!e) {
        k->cursor = NULL;
        return NULL;
    }
    k->cursor = e;
    {
        char *name = orc_strdup(e->key);

        drop(k, e);
        return name;
    }
}
