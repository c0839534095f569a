#include "scheduler/echo.h"

#include <string.h>
#include <uthash.h>

struct written {
    UT_hash_handle hh;
    char *key, *value;
    struct plan_task task;
};

struct echo {
    struct written *by_key;
};

struct echo *echo_new(void)
{
    return orc_new(struct echo);
}

struct echo *echo_free(struct echo *e)
{
    if (e)
        echo_clear(e);
    free(e);
    return NULL;
}

static void forget(struct echo *e, struct written *w)
{
    HASH_DEL(e->by_key, w);
    plan_task_drop(&w->task);
    free(w->key);
    free(w->value);
    free(w);
}

void echo_clear(struct echo *e)
{
    struct written *w, *next;

    HASH_ITER (hh, e->by_key, w, next)
        forget(e, w);
}

/* It comes back from the text as it is: neither cut nor mended (specs/codec.h). */
static bool is_kept(const struct share_text *t)
{
    const char *s = share_text_str(t);
    size_t n = 0;

    while (s && s[n] >= ' ' && s[n] <= '~')
        n++;
    return !s || (!s[n] && n <= RECORD_REASON_MAX);
}

void echo_expect(struct echo *e, const char *key, const char *value, const struct plan_task *t)
{
    struct written *w;

    HASH_FIND_STR(e->by_key, key, w);
    if (w)
        forget(e, w);
    if (HASH_COUNT(e->by_key) >= ECHO_MAX || t->odd_address || !is_kept(t->reason) ||
        !is_kept(t->stop_reason))
        return;
    w = orc_new(struct written);
    w->key = orc_strdup(key);
    w->value = orc_strdup(value);
    w->task = *t;
    plan_task_ref(&w->task);
    HASH_ADD_KEYPTR(hh, e->by_key, w->key, strlen(w->key), w);
}

bool echo_feed(struct echo *e, struct core *c, const char *name, const struct key *key, const char *value,
               size_t n, int64_t create, int64_t mod)
{
    struct record_task r;
    struct written *w;
    char address[16];
    bool same;

    HASH_FIND_STR(e->by_key, name, w);
    if (!w)
        return false;
    same = strlen(w->value) == n && memcmp(w->value, value, n) == 0;
    if (same) {
        r = plan_task_record(&w->task, address);
        core_feed_put(c, key, &r, create, mod);
    }
    forget(e, w);
    return same;
}
