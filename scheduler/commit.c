#include "scheduler/commit.h"

#include "scheduler/plan_write.h"

#define IN_FLIGHT_MAX 16
/* What one app's services are to become goes into one transaction of etcd's as long as it is below these. */
#define GROUP_OPS_MAX 120             /* compares, and operations; etcd's limit, less the leader's compare */
#define GROUP_BYTES_MAX (256u * 1024) /* before the last one joins */

struct slot_call {
    struct commit *c;
    size_t first, end;      /* what of `ready` it carries */
    struct etcd_call *call; /* NULL: free */
};

struct commit {
    struct etcd *etcd;
    struct commit_opts opts;
    char *cluster;
    const struct election *election; /* NULL: send nothing more */
    struct plan plan;
    ORC_VEC(size_t) ready;          /* its transactions that may be sent, and those that were */
    size_t next;                    /* the first not yet sent, in `ready` */
    struct orc_strv refused, alone; /* apps of which something was: in this plan, in the one before */
    int flying;
    struct slot_call calls[IN_FLIGHT_MAX];
    struct commit_result res;
    char error_text[256];
    bool busy;
};

struct commit *commit_new(struct etcd *e, const struct commit_opts *opts)
{
    struct commit *c = orc_new(struct commit);

    c->etcd = e;
    c->opts = *opts;
    c->cluster = orc_strdup(opts->cluster);
    return c;
}

/* ---- one transaction --------------------------------------------------------------------------------- */

struct group {
    struct etcd_txn *txn;
    struct echo *echo;
};

static void if_create(const char *key, int64_t revision, void *arg)
{
    etcd_txn_if_create_revision(((struct group *)arg)->txn, key, revision);
}

static void if_mod(const char *key, int64_t revision, void *arg)
{
    etcd_txn_if_mod_revision(((struct group *)arg)->txn, key, revision);
}

static void put(const char *key, const char *value, void *arg)
{
    etcd_txn_put(((struct group *)arg)->txn, key, value, 0);
}

static void del(const char *key, void *arg)
{
    etcd_txn_delete(((struct group *)arg)->txn, key);
}

static void wrote(const char *key, const char *value, const struct plan_task *task, void *arg)
{
    echo_expect(((struct group *)arg)->echo, key, value, task);
}

/* At most: a created task is compared besides its guards, a collected one is two deletions. */
static size_t ops_of(const struct plan_txn *t)
{
    return t->guards.n + 2 * t->nodes.n + 2 * t->ops.n;
}

static const struct plan_txn *ready_txn(const struct commit *c, size_t i)
{
    return &c->plan.txns.at[c->ready.at[i]];
}

static bool names(const struct orc_strv *apps, const char *app)
{
    for (size_t i = 0; i < apps->n; i++)
        if (strcmp(apps->at[i], app) == 0)
            return true;
    return false;
}

/* Whether the next one may ride along. It stands or falls with the same app's key in most cases; where
 * something was refused the last time, each goes alone, so that one that never holds keeps nobody (behaviour
 * 33). */
static bool joins(const struct commit *c, const struct etcd_txn *txn, size_t first, size_t next)
{
    const struct plan_txn *a, *b;

    if (next >= c->ready.n)
        return false;
    a = ready_txn(c, first);
    b = ready_txn(c, next);
    return a->app[0] && strcmp(a->app, b->app) == 0 && !names(&c->alone, a->app) &&
           etcd_txn_n_compares(txn) + ops_of(b) <= GROUP_OPS_MAX &&
           etcd_txn_n_ops(txn) + ops_of(b) <= GROUP_OPS_MAX && etcd_txn_bytes(txn) <= GROUP_BYTES_MAX;
}

/* Those ready from c->next on, as many as ride together. */
static struct etcd_txn *take_group(struct commit *c)
{
    struct etcd_txn *txn = etcd_txn_new();
    struct group group = {txn, c->opts.echo};
    struct plan_sink sink = {if_create, if_mod, put, del, &group, wrote};
    size_t first = c->next;

    election_guard(c->election, txn);
    do
        plan_write(ready_txn(c, c->next++), c->cluster, &sink);
    while (joins(c, txn, first, c->next));
    return txn;
}

static void pump(struct commit *c);

static void finish_if_done(struct commit *c)
{
    struct plan done = c->plan;

    if (!c->busy || c->flying || c->next < c->ready.n)
        return;
    c->busy = false;
    c->res.error_text = c->error_text;
    c->opts.on_done(&c->res, c->opts.arg);
    if (!c->busy)
        memset(&c->plan, 0, sizeof c->plan);
    plan_release(&done);
}

static void account(struct commit *c, const struct etcd_result *res)
{
    if (res->error) {
        if (!c->res.failed++)
            snprintf(c->error_text, sizeof c->error_text, "%s", res->error_text);
    } else if (!res->succeeded) {
        c->res.refused++;
    } else if (res->revision > c->res.revision) {
        c->res.revision = res->revision;
    }
}

/* The fate of one; of those that follow it, too, when that is settled with it. */
static void tell(struct commit *c, size_t i, bool committed)
{
    const char *app = c->plan.txns.at[i].app;
    bool head = !c->plan.txns.at[i].follows;

    if (!committed && app[0] && !names(&c->refused, app))
        orc_strv_add(&c->refused, app);
    c->opts.on_txn(&c->plan.txns.at[i], i, committed, c->opts.arg);
    while (head && ++i < c->plan.txns.n && c->plan.txns.at[i].follows) {
        if (committed) {
            orc_vec_push(&c->ready, i);
            continue;
        }
        c->res.refused++;
        c->opts.on_txn(&c->plan.txns.at[i], i, false, c->opts.arg);
    }
}

static void on_result(const struct etcd_result *res, void *arg)
{
    struct slot_call *s = arg;
    struct commit *c = s->c;

    s->call = NULL;
    c->flying--;
    account(c, res);
    for (size_t i = s->first; i < s->end; i++)
        tell(c, c->ready.at[i], !res->error && res->succeeded);
    pump(c);
    finish_if_done(c);
}

static void send_group(struct commit *c, struct slot_call *s)
{
    struct etcd_txn *txn;

    s->c = c;
    s->first = c->next;
    txn = take_group(c);
    s->end = c->next;
    c->flying++;
    s->call = etcd_txn_commit(c->etcd, txn, on_result, s);
}

static void drop_rest(struct commit *c)
{
    while (c->next < c->ready.n) {
        c->res.refused++;
        tell(c, c->ready.at[c->next++], false);
    }
}

static void pump(struct commit *c)
{
    if (!c->election || !election_is_leader(c->election))
        drop_rest(c);
    for (size_t i = 0; i < IN_FLIGHT_MAX && c->next < c->ready.n; i++)
        if (!c->calls[i].call)
            send_group(c, &c->calls[i]);
}

/* ---- a plan ------------------------------------------------------------------------------------------ */

bool commit_busy(const struct commit *c)
{
    return c->busy;
}

const struct plan *commit_plan(const struct commit *c)
{
    return &c->plan;
}

void commit_start(struct commit *c, struct plan *p, const struct election *el)
{
    c->plan = *p;
    memset(p, 0, sizeof *p);
    echo_clear(c->opts.echo);
    c->next = c->ready.n = 0;
    orc_strv_release(&c->alone);
    c->alone = c->refused;
    memset(&c->refused, 0, sizeof c->refused);
    for (size_t i = 0; i < c->plan.txns.n; i++)
        if (!c->plan.txns.at[i].follows)
            orc_vec_push(&c->ready, i);
    memset(&c->res, 0, sizeof c->res);
    c->error_text[0] = '\0';
    c->election = el;
    c->busy = true;
    pump(c);
    finish_if_done(c); /* no leader any more: nothing was sent */
}

void commit_stop(struct commit *c)
{
    c->election = NULL;
}

struct commit *commit_free(struct commit *c)
{
    if (!c)
        return NULL;
    c->election = NULL;
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++)
        if (c->calls[i].call)
            etcd_cancel(c->calls[i].call);
    plan_release(&c->plan);
    orc_vec_release(&c->ready);
    orc_strv_release(&c->refused);
    orc_strv_release(&c->alone);
    free(c->cluster);
    free(c);
    return NULL;
}
