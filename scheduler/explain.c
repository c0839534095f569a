#include "scheduler/explain.h"

#include "lib/units.h"
#include "scheduler/place_volume.h"
#include "scheduler/reconcile_ops.h"

#include <errno.h>

/* ---- the smallest change ----------------------------------------------------------------------------- */

/* What a change asks of people: least where one command does it, most where a server must be mended. Among
 * shortages the one that is smaller, compared with what is asked for. */
static double cost_of(const struct place_refusal *r)
{
    switch (r->filter) {
    case FILTER_POLICY:
        return 1;
    case FILTER_CPU:
    case FILTER_MEMORY:
    case FILTER_PIDS:
        return 2 + (double)r->missing / (double)r->needed;
    case FILTER_REPLICAS:
    case FILTER_PORT:
        return 4;
    case FILTER_CONSTRAINT:
        return 5;
    case FILTER_VOLUME:
        return 8;
    default:
        return 10;
    }
}

static char *less_room(const struct place_refusal *r, const char *node)
{
    const char *what = place_filter_name(r->filter);
    char less[ORC_UNIT_MAX], has[ORC_UNIT_MAX], needs[ORC_UNIT_MAX];

    place_filter_amount(r->filter, r->missing, less);
    place_filter_amount(r->filter, r->available, has);
    place_filter_amount(r->filter, r->needed, needs);
    if (r->filter == FILTER_PIDS && r->available > 0)
        return orc_printf("limit pids to %s instead of %s, or free %s on %s", has, needs, less, node);
    if (r->available <= 0)
        return orc_printf("free %s of %s on %s", needs, what, node);
    return orc_printf("reserve %s of %s instead of %s, or free %s on %s", has, what, needs, less, node);
}

static char *change_for(const struct place_refusal *r, const char *node)
{
    switch (r->filter) {
    case FILTER_POLICY:
        return orc_printf("`orc node uncordon %s`", node);
    case FILTER_CPU:
    case FILTER_MEMORY:
    case FILTER_PIDS:
        return less_room(r, node);
    case FILTER_REPLICAS:
        return orc_printf("raise max_replicas_per_node to %lld", (long long)r->needed);
    case FILTER_PORT:
        return orc_printf("free the host port on %s: %s", node, r->text);
    case FILTER_CONSTRAINT:
        return orc_printf("another constraint, or another %s: %s", node, r->text);
    case FILTER_VOLUME:
        return orc_printf("copy the volume to %s, and remove it where it is: %s", node, r->text);
    case FILTER_ADDRESS:
        return orc_printf("free an address on %s", node);
    default:
        return orc_printf("put %s in order: %s", node, r->text);
    }
}

static double cost_on(const struct explain_node *n)
{
    const struct place_refusal *r;
    double sum = 0;

    orc_vec_each (r, &n->refusals)
        sum += cost_of(r);
    return sum;
}

static char *changes_on(const struct explain_node *n)
{
    struct orc_buf b = ORC_BUF_INIT(4000);
    const struct place_refusal *r;

    orc_vec_each (r, &n->refusals) {
        orc_auto_free char *one = change_for(r, n->name);

        orc_buf_printf(&b, "%s%s", b.len ? "; and " : "", one);
    }
    return orc_buf_take(&b);
}

static char *smallest_change(const struct explain *e)
{
    const struct explain_node *n, *best = NULL;

    orc_vec_each (n, &e->nodes)
        if (!best || cost_on(n) < cost_on(best))
            best = n;
    return best ? changes_on(best) : orc_strdup("start nodelet on a server: the cluster has none");
}

/* ---- one slot ---------------------------------------------------------------------------------------- */

static const struct rollout_pending *pending_of(const struct record_rollout *r, int slot)
{
    for (size_t i = 0; i < r->pending.n; i++)
        if (slot < 0 || r->pending.at[i].slot == slot)
            return &r->pending.at[i];
    return NULL;
}

static struct slot *slot_of(struct slots *v, int n)
{
    struct slot *s, *first = NULL;

    orc_vec_each (s, &v->at)
        if (n < 0 ? !first || s->n < first->n : s->n == n)
            first = s;
    return first ? first : slots_add(v, n < 0 ? 0 : n);
}

static int failures_on(const struct record_rollout *r, const char *node)
{
    for (size_t i = 0; i < r->trouble.n; i++)
        if (strcmp(r->trouble.at[i].node, node) == 0)
            return r->trouble.at[i].failures;
    return 0;
}

static void explain_node(const struct core *c, const struct core_node *n, const struct place_req *req,
                         struct explain *e)
{
    struct explain_node *x = orc_vec_add(&e->nodes);

    x->name = orc_strdup(n->name);
    x->replicas = place_spread(c, n);
    x->failures = failures_on(&req->service->rollout, n->name);
    for (enum place_filter f = FILTER_NONE + 1; f < FILTERS; f++)
        if (place_refuses(c, n, req, f))
            place_explain(c, n, req, f, orc_vec_add(&x->refusals));
    e->fitting += !x->refusals.n;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct explain_node *)a)->name, ((const struct explain_node *)b)->name);
}

static void explain_nodes(struct core *c, const struct place_req *req, struct explain *e)
{
    struct place_volumes volumes = {0};
    struct place_req with = *req;
    struct core_node *n, *next;

    place_volumes_of(c, req, &volumes);
    with.volumes = &volumes;
    HASH_ITER (hh, c->nodes, n, next)
        if ((n->fed.present || n->alive_fed.present) && (!req->pin || n == req->pin))
            explain_node(c, n, &with, e);
    place_volumes_release(&volumes);
    if (e->nodes.n)
        qsort(e->nodes.at, e->nodes.n, sizeof *e->nodes.at, by_name);
    if (!e->fitting)
        e->change = smallest_change(e);
}

static void explain_request(struct recon *x, struct slot *s, struct explain *e)
{
    const struct core_revision *rev = recon_version(x, s);
    struct place_req req = recon_request(x, s, rev);

    req.without = s->head;
    e->slot = s->n;
    e->revision = rev->n;
    e->needs = spec_service_reserved(rev->rec.spec);
    e->pin = req.pin ? orc_strdup(req.pin->name) : NULL;
    if (s->head) {
        e->task = orc_strdup(CORE_TASK_ID(s->head));
        e->node = orc_strdup(s->head->node->name);
        place_spread_count(x->c, s->head, false);
    }
    explain_nodes(x->c, &req, e);
}

/* What a service that has no record yet is about to be given. */
static void take_record(const struct core_service *s, const struct record_app_service *wanted,
                        struct record_rollout *ret)
{
    record_rollout_copy(&s->rollout, ret);
    if (!ret->target)
        ret->target = ret->wanted = wanted->revision;
}

int explain_slot(struct core *c, const char *app, const char *service, int slot, struct explain *ret,
                 struct orc_err *err)
{
    struct core_service *s = core_service_find(c, app, service);
    const struct record_app_service *wanted = s ? core_service_wanted(s) : NULL;
    const struct rollout_pending *waits;
    struct recon x = {.c = c, .s = s};

    if (!wanted)
        return orc_fail(err, -ENOENT, "there is no service %s/%s", app, service);
    take_record(s, wanted, &x.next);
    slots_build(&x.v, c, s, &x.next);
    recon_versions(&x);
    *ret = (struct explain){0};
    waits = pending_of(&x.next, slot);
    if (waits) {
        ret->waits = true;
        ret->waiting = (int)x.next.pending.n;
        ret->reason = orc_strdup(waits->reason);
        ret->since = waits->since;
        slot = waits->slot;
    }
    if (x.target) {
        recon_count_spread(&x);
        explain_request(&x, slot_of(&x.v, slot), ret);
    } else {
        orc_fail(err, -ENOENT, "revision %lld of %s/%s can't be read: apply its file again",
                 (long long)x.next.target, app, service);
    }
    slots_release(&x.v);
    record_rollout_release(&x.next);
    return x.target ? 0 : -ENOENT;
}

void explain_release(struct explain *e)
{
    struct explain_node *n;
    struct place_refusal *r;

    orc_vec_each (n, &e->nodes) {
        free(n->name);
        orc_vec_each (r, &n->refusals)
            place_refusal_release(r);
        orc_vec_release(&n->refusals);
    }
    orc_vec_release(&e->nodes);
    free(e->reason);
    free(e->task);
    free(e->node);
    free(e->pin);
    free(e->change);
    *e = (struct explain){0};
}
