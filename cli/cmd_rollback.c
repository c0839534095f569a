/* cmd_rollback.c - `orc rollback APP/SERVICE [REVISION]`: asks for an earlier revision again (behaviours 48,
 * 53). */
#include "cli/verb.h"
#include "lib/units.h"

/* Where "back" is when no number is given: the last revision that was complete, if it is not the wanted one;
 * else the highest one below. 0: nowhere. */
static int64_t previous(const struct cluster *c, const char *app, const char *service, int64_t wanted)
{
    const struct cluster_entry *ro = cluster_find(c, key_rollout(c->name, app, service));
    struct cluster_entry *e, *next;
    int64_t best = 0;

    if (ro && ro->as.rollout.complete && ro->as.rollout.complete != wanted)
        return ro->as.rollout.complete;
    HASH_ITER (hh, c->entries, e, next)
        if (e->key.kind == KEY_REVISION && !e->problem && orc_streq(e->key.app, app) &&
            orc_streq(e->key.service, service) && e->key.n < wanted && e->key.n > best)
            best = e->key.n;
    return best;
}

/* Says which there are, or why the one that is there can't be used. */
static int no_revision(const struct cluster *c, const char *app, const char *service, int64_t n,
                       struct orc_err *err)
{
    const char *problem = cluster_problem(c, key_revision(c->name, app, service, n));
    int64_t low = 0, high = 0;

    if (problem)
        return orc_fail(err, -EIO,
                        "revision %lld of %s/%s can't be read (%s): choose another one from `orc history "
                        "%s/%s`, or apply the "
                        "file that it was made of",
                        (long long)n, app, service, problem, app, service);
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next) {
        if (e->key.kind != KEY_REVISION || e->problem || !orc_streq(e->key.app, app) ||
            !orc_streq(e->key.service, service))
            continue;
        low = !low || e->key.n < low ? e->key.n : low;
        high = e->key.n > high ? e->key.n : high;
    }
    return orc_fail(
        err, -ENOENT,
        "%s/%s has no revision %lld; those kept lie between %lld and %lld: `orc history %s/%s` lists them",
        app, service, (long long)n, (long long)low, (long long)high, app, service);
}

static int switch_to(struct verb *v, const char *app, const char *service, int64_t n, struct orc_err *err)
{
    struct record_app next;
    int r;

    if (!cluster_spec(&v->cluster, app, service, n))
        return no_revision(&v->cluster, app, service, n, err);
    change_copy(&v->cluster, app, &next);
    change_service(&next, service)->revision = n;
    r = change_app(&v->s, &v->cluster, app, &next, etcd_txn_new(), NULL, err);
    if (r == 0) {
        out_line(&v->s.out, "%s/%s: back to revision %lld", app, service, (long long)n);
        wait_add(&v->targets, app, service, WAIT_COMPLETE)->generation = next.generation;
    }
    record_app_release(&next);
    return r;
}

static int act(struct verb *v, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    const struct record_app_service *now;
    int64_t n = 0;

    if (session_split(v->words->at[0], false, app, service, err) < 0)
        return -EINVAL;
    if (v->words->n > 1 && orc_parse_int(v->words->at[1], 1, 99999999, &n, err) < 0) {
        orc_wrap(err, "revision");
        return -EINVAL;
    }
    now = cluster_wanted(&v->cluster, app, service);
    if (!now)
        return change_no_service(&v->cluster, app, service, err);
    if (!n)
        n = previous(&v->cluster, app, service, now->revision);
    if (!n)
        return orc_fail(
            err, -ENOENT,
            "%s/%s has no earlier revision than %lld, which it is at: apply a file with what it shall be",
            app, service, (long long)now->revision);
    if (n == now->revision)
        return orc_fail(
            err, -EALREADY,
            "%s/%s is at revision %lld already; nothing was written: `orc history %s/%s` lists the others",
            app, service, (long long)n, app, service);
    return switch_to(v, app, service, n, err);
}

int cmd_rollback(int argc, char **argv)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_APP, KEY_REVISION, KEY_ROLLOUT, KEY_UNKNOWN};
    static const struct verb_spec spec = {
        .usage = "orc rollback APP/SERVICE [REVISION] [--detach] [--timeout DURATION]",
        .summary =
            "Goes back to the revision before, or to the one named. Replicas already there are left alone.",
        .kinds = kinds,
        .min_words = 1,
        .max_words = 2,
        .act = act,
    };

    return verb_run(&spec, argc, argv);
}
