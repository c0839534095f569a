#include "scheduler/journal.h"

#include "lib/hash.h"
#include "lib/mem.h"

#include <string.h>

#define HEAD 8 /* length and checksum */

/* ---- the members of each kind ------------------------------------------------------------------------ */

enum member { END, CLUSTER, KEY, VALUE, TEXT, CREATE, MOD, WALL, NOW, HASH, INDEX, COMMITTED };

static const enum member members[][6] = {
    [JOURNAL_BEGIN] = {CLUSTER, TEXT, WALL},
    [JOURNAL_PUT] = {KEY, VALUE, CREATE, MOD},
    [JOURNAL_DELETE] = {KEY},
    [JOURNAL_LEAD] = {END},
    [JOURNAL_STEP] = {NOW, WALL, HASH, TEXT},
    [JOURNAL_FATE] = {INDEX, COMMITTED},
    [JOURNAL_END] = {TEXT},
};

static struct journal_text *text_of(struct journal_entry *e, enum member m)
{
    switch (m) {
    case CLUSTER:
        return &e->cluster;
    case KEY:
        return &e->key;
    case VALUE:
        return &e->value;
    case TEXT:
        return &e->text;
    default:
        return NULL;
    }
}

static uint64_t number_of(const struct journal_entry *e, enum member m)
{
    switch (m) {
    case CREATE:
        return (uint64_t)e->create;
    case MOD:
        return (uint64_t)e->mod;
    case WALL:
        return (uint64_t)e->wall;
    case NOW:
        return e->now;
    case HASH:
        return e->hash;
    case INDEX:
        return e->index;
    default:
        return e->committed;
    }
}

static void set_number(struct journal_entry *e, enum member m, uint64_t x)
{
    switch (m) {
    case CREATE:
        e->create = (int64_t)x;
        break;
    case MOD:
        e->mod = (int64_t)x;
        break;
    case WALL:
        e->wall = (int64_t)x;
        break;
    case NOW:
        e->now = x;
        break;
    case HASH:
        e->hash = x;
        break;
    case INDEX:
        e->index = x;
        break;
    default:
        e->committed = x;
    }
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static void put_number(struct orc_buf *b, uint64_t x)
{
    unsigned char bytes[10];
    size_t n = 0;

    do {
        bytes[n++] = (unsigned char)((x & 127) | (x > 127 ? 128 : 0));
        x >>= 7;
    } while (x);
    orc_buf_add(b, bytes, n);
}

static void put_text(struct orc_buf *b, struct journal_text t)
{
    put_number(b, t.n);
    orc_buf_add(b, t.n ? t.at : "", t.n);
    orc_buf_add(b, "", 1);
}

static void put_u32(unsigned char *p, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        p[i] = (unsigned char)(x >> (8 * i));
}

static uint32_t get_u32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;

    return u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
}

static uint32_t checksum(uint64_t place, const char *body, size_t n)
{
    return (uint32_t)orc_hash64(place, body, n);
}

struct journal_text journal_text(const char *s)
{
    return (struct journal_text){s ? s : "", s ? strlen(s) : 0};
}

static size_t size_at_most(const struct journal_entry *e)
{
    return 64 + e->cluster.n + e->key.n + e->value.n + e->text.n;
}

int journal_write(struct orc_buf *b, uint64_t place, const struct journal_entry *e)
{
    struct journal_entry copy = *e;
    unsigned char head[HEAD] = {0}, kind = (unsigned char)e->kind;
    size_t at = b->len;

    if (size_at_most(e) > JOURNAL_ENTRY_MAX)
        return -EMSGSIZE;
    orc_buf_add(b, head, HEAD);
    orc_buf_add(b, &kind, 1);
    for (const enum member *m = members[e->kind]; *m != END; m++) {
        if (text_of(&copy, *m))
            put_text(b, *text_of(&copy, *m));
        else
            put_number(b, number_of(e, *m));
    }
    put_u32(head, (uint32_t)(b->len - at - HEAD));
    put_u32(head + 4, checksum(place, b->data + at + HEAD, b->len - at - HEAD));
    memcpy(b->data + at, head, HEAD);
    return 0;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

struct body {
    const char *at;
    size_t n;
};

static bool take_number(struct body *b, uint64_t *ret)
{
    uint64_t x = 0;

    for (unsigned shift = 0; shift < 64 && b->n; shift += 7) {
        unsigned char c = (unsigned char)*b->at;

        b->at++;
        b->n--;
        x |= (uint64_t)(c & 127) << shift;
        if (c < 128) {
            *ret = x;
            return true;
        }
    }
    return false;
}

static bool take_text(struct body *b, struct journal_text *ret)
{
    uint64_t n;

    if (!take_number(b, &n) || n >= b->n || b->at[n])
        return false;
    *ret = (struct journal_text){b->at, n};
    b->at += n + 1;
    b->n -= n + 1;
    return true;
}

static bool take_members(struct body *b, struct journal_entry *e)
{
    for (const enum member *m = members[e->kind]; *m != END; m++) {
        struct journal_text *t = text_of(e, *m);
        uint64_t x;

        if (t ? !take_text(b, t) : !take_number(b, &x))
            return false;
        if (!t)
            set_number(e, *m, x);
    }
    return b->n == 0;
}

static int damaged(const struct journal *j, const char *how, struct orc_err *err)
{
    return orc_fail(err, -EINVAL, "the recording is damaged at byte %zu of %zu: %s", j->at, j->n, how);
}

int journal_open(struct journal *j, const void *data, size_t n, struct orc_err *err)
{
    size_t magic = sizeof JOURNAL_MAGIC - 1;

    if (n < magic || memcmp(data, JOURNAL_MAGIC, magic) != 0)
        return orc_fail(err, -EINVAL,
                        "it is no recording of this version: one begins with \"orc-journal 1\" (byte 0)");
    *j = (struct journal){.data = data, .n = n, .at = magic};
    return 0;
}

/* Whether the entry may stand here: one beginning, one end. */
static const char *out_of_order(const struct journal *j, const struct journal_entry *e)
{
    if (!j->begun && e->kind != JOURNAL_BEGIN)
        return "its beginning is missing";
    return j->begun && e->kind == JOURNAL_BEGIN ? "it begins a second time" : NULL;
}

static int read_entry(struct journal *j, size_t length, struct journal_entry *ret, struct orc_err *err)
{
    struct body b = {j->data + j->at + HEAD, length};
    struct journal_entry e = {.place = j->at};
    const char *why;

    if (checksum(j->at, b.at, length) != get_u32(j->data + j->at + 4))
        return damaged(j, "its checksum does not match", err);
    e.kind = length ? (enum journal_kind)(unsigned char)*b.at : 0;
    if (e.kind < JOURNAL_BEGIN || e.kind > JOURNAL_END)
        return damaged(j, "an entry of an unknown kind", err);
    b.at++;
    b.n--;
    if (!take_members(&b, &e))
        return damaged(j, "an entry whose members don't fit its length", err);
    why = out_of_order(j, &e);
    if (why)
        return damaged(j, why, err);
    j->begun = true;
    j->ended = e.kind == JOURNAL_END;
    j->at += HEAD + length;
    *ret = e;
    return 1;
}

int journal_next(struct journal *j, struct journal_entry *ret, struct orc_err *err)
{
    size_t left = j->n - j->at, length;

    if (j->ended)
        return left ? damaged(j, "something follows its end", err) : 0;
    if (left < HEAD)
        return orc_fail(err, -EINVAL, "the recording is cut off at byte %zu: its end is missing", j->at);
    length = get_u32(j->data + j->at);
    if (length > JOURNAL_ENTRY_MAX)
        return damaged(j, "an entry that is too long", err);
    if (left - HEAD < length)
        return orc_fail(
            err, -EINVAL,
            "the recording is cut off at byte %zu: the entry there has %zu bytes and %zu are left", j->at,
            length, left - HEAD);
    return read_entry(j, length, ret, err);
}
