#include "scheduler/commit.h"

#include "scheduler/plan_write.h"

#define IN_FLIGHT_MAX 16

struct slot_call {
    struct commit *c;
    size_t index;
    struct etcd_call *call; /* NULL: free */
};

struct commit {
    struct etcd *etcd;
    struct commit_opts opts;
    char *cluster;
    const struct election *election; /* NULL: send nothing more */
    struct plan plan;
    size_t next; /* first transaction not yet sent */
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

static void if_create(const char *key, int64_t revision, void *arg)
{
    etcd_txn_if_create_revision(arg, key, revision);
}

static void if_mod(const char *key, int64_t revision, void *arg)
{
    etcd_txn_if_mod_revision(arg, key, revision);
}

static void put(const char *key, const char *value, void *arg)
{
    etcd_txn_put(arg, key, value, 0);
}

static void del(const char *key, void *arg)
{
    etcd_txn_delete(arg, key);
}

static struct etcd_txn *txn_of(const struct commit *c, const struct plan_txn *t)
{
    struct etcd_txn *txn = etcd_txn_new();
    struct plan_sink sink = {if_create, if_mod, put, del, txn};

    election_guard(c->election, txn);
    plan_write(t, c->cluster, &sink);
    return txn;
}

static void pump(struct commit *c);

static void finish_if_done(struct commit *c)
{
    struct plan done = c->plan;

    if (!c->busy || c->flying || c->next < c->plan.txns.n)
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

static void on_result(const struct etcd_result *res, void *arg)
{
    struct slot_call *s = arg;
    struct commit *c = s->c;

    s->call = NULL;
    c->flying--;
    account(c, res);
    c->opts.on_txn(&c->plan.txns.at[s->index], s->index, !res->error && res->succeeded, c->opts.arg);
    pump(c);
    finish_if_done(c);
}

static void pump(struct commit *c)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX && c->next < c->plan.txns.n; i++) {
        if (c->calls[i].call)
            continue;
        if (!c->election || !election_is_leader(c->election)) {
            c->res.refused++;
            c->opts.on_txn(&c->plan.txns.at[c->next], c->next, false, c->opts.arg);
            c->next++;
            i--;
            continue;
        }
        c->calls[i].c = c;
        c->calls[i].index = c->next;
        c->flying++;
        c->calls[i].call =
            etcd_txn_commit(c->etcd, txn_of(c, &c->plan.txns.at[c->next++]), on_result, &c->calls[i]);
    }
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
    c->next = 0;
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
    free(c->cluster);
    free(c);
    return NULL;
}
