#include "scheduler/replay.h"

#include "lib/hash.h"
#include "scheduler/core.h"
#include "scheduler/journal.h"
#include "scheduler/plan_write.h"

struct replay {
    struct core *core;
    struct journal_text cluster;
    uint64_t now;
    struct plan plan; /* of the last step */
    const struct replay_opts *opts;
    struct replay_result *ret;
};

/* ---- a plan as one number ---------------------------------------------------------------------------- */

static void hash_text(uint64_t *h, const char *what, const char *text)
{
    *h = orc_hash64_str(*h, what);
    *h = orc_hash64(*h, text, strlen(text) + 1);
}

static void hash_guard(uint64_t *h, const char *what, const char *key, int64_t revision)
{
    hash_text(h, what, key);
    *h = orc_hash64(*h, &revision, sizeof revision);
}

static void if_create(const char *key, int64_t revision, void *arg)
{
    hash_guard(arg, "create", key, revision);
}

static void if_mod(const char *key, int64_t revision, void *arg)
{
    hash_guard(arg, "mod", key, revision);
}

static void put(const char *key, const char *value, void *arg)
{
    hash_text(arg, "put", key);
    hash_text(arg, "to", value);
}

static void del(const char *key, void *arg)
{
    hash_text(arg, "delete", key);
}

uint64_t replay_hash(const struct plan *p, const char *cluster)
{
    uint64_t h = 0;
    const struct plan_sink sink = {
        .if_create = if_create, .if_mod = if_mod, .put = put, .del = del, .arg = &h};
    const struct plan_txn *t;
    const struct plan_event *e;

    orc_vec_each (t, &p->txns) {
        hash_text(&h, "txn", t->app);
        plan_write(t, cluster, &sink);
    }
    orc_vec_each (e, &p->events) {
        hash_text(&h, "event", e->object);
        hash_text(&h, e->type, e->message);
    }
    return h;
}

/* ---- telling ----------------------------------------------------------------------------------------- */

static void say(const struct replay *r, const char *fmt, ...) ORC_PRINTF(2, 3);
static void say(const struct replay *r, const char *fmt, ...)
{
    orc_auto_free char *text = NULL;
    va_list ap;

    va_start(ap, fmt);
    text = orc_vprintf(fmt, ap);
    va_end(ap);
    r->opts->line(text, r->opts->arg);
}

static void say_plan(const struct replay *r, const char *before, const char *text)
{
    while (*text) {
        int n = (int)strcspn(text, "\n");

        say(r, "%s%.*s", before, n, text);
        text += n + (text[n] == '\n');
    }
}

static void say_difference(const struct replay *r, const struct journal_entry *e, const char *text)
{
    say(r, "step %llu at %llu ms, byte %zu of the recording, was decided otherwise",
        (unsigned long long)r->ret->steps, (unsigned long long)e->now, e->place);
    if (strcmp(e->text.at, text) == 0)
        say(r, "  the same operations, with other guards or values");
    say_plan(r, "  then: ", e->hash && !e->text.n ? "(its text was too long to be kept)" : e->text.at);
    say_plan(r, "  now:  ", text);
}

/* ---- running ----------------------------------------------------------------------------------------- */

static bool find_key(const struct replay *r, const struct journal_entry *e, struct key *ret)
{
    return key_parse(r->cluster.at, e->key.at, ret) != KEY_UNKNOWN && core_wants(ret->kind);
}

static void feed(struct replay *r, const struct journal_entry *e)
{
    struct orc_err ignored = ORC_ERR_INIT; /* what can't be read was unreadable then, too */
    struct key key;

    r->ret->changes++;
    if (!find_key(r, e, &key))
        return;
    if (e->kind == JOURNAL_PUT)
        core_feed_value(r->core, &key, e->value.at, e->value.n, e->create, e->mod, &ignored);
    else
        core_feed_delete(r->core, &key);
}

static void step(struct replay *r, const struct journal_entry *e)
{
    orc_auto_free char *text = NULL;
    uint64_t hash;

    plan_release(&r->plan);
    r->now = e->now;
    core_step(r->core, e->now, e->wall, &r->plan);
    hash = replay_hash(&r->plan, r->cluster.at);
    r->ret->steps++;
    r->ret->decisions += hash || e->hash;
    text = plan_text(&r->plan);
    if (hash != e->hash) {
        if (!r->ret->differ++)
            r->ret->differs_at = e->place;
        say_difference(r, e, text);
    } else if (hash) {
        say(r, "step %llu at %llu ms", (unsigned long long)r->ret->steps, (unsigned long long)e->now);
        say_plan(r, "  ", text);
    }
}

/* Of a decision that was committed nothing is said here: it comes back as changes. */
static void settle_fate(struct replay *r, const struct journal_entry *e)
{
    if (!e->committed && e->index < r->plan.txns.n)
        core_retry(r->core, &r->plan.txns.at[e->index]);
}

/* The core's clock never goes back, and is above 0. */
static int check_clock(const struct replay *r, const struct journal_entry *e, struct orc_err *err)
{
    if (e->kind != JOURNAL_STEP || (e->now > 0 && e->now >= r->now && e->now < UINT64_C(1) << 41))
        return 0;
    return orc_fail(err, -EINVAL, "the recording is damaged at byte %zu: its clock goes from %llu to %llu ms",
                    e->place, (unsigned long long)r->now, (unsigned long long)e->now);
}

static void run_entry(struct replay *r, const struct journal_entry *e)
{
    switch (e->kind) {
    case JOURNAL_BEGIN:
        r->cluster = e->cluster;
        break;
    case JOURNAL_PUT:
    case JOURNAL_DELETE:
        feed(r, e);
        break;
    case JOURNAL_LEAD:
        core_lead(r->core);
        break;
    case JOURNAL_STEP:
        step(r, e);
        break;
    case JOURNAL_FATE:
        settle_fate(r, e);
        break;
    case JOURNAL_END:
        say(r, "the recording ends: %s", e->text.at);
        break;
    }
}

int replay_run(const void *data, size_t n, const struct replay_opts *opts, struct replay_result *ret,
               struct orc_err *err)
{
    struct replay r = {.opts = opts, .ret = ret};
    struct journal_entry e;
    struct journal j;
    int more;

    *ret = (struct replay_result){0};
    if (journal_open(&j, data, n, err) < 0)
        return -EINVAL;
    r.core = core_new();
    core_set_zones(r.core, opts->zones);
    while ((more = journal_next(&j, &e, err)) > 0 && (more = check_clock(&r, &e, err)) == 0)
        run_entry(&r, &e);
    plan_release(&r.plan);
    core_free(r.core);
    return more;
}
