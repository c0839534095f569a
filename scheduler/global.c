#include "scheduler/global.h"

#include "scheduler/allow.h"
#include "scheduler/place_node.h"

/* ---- which nodes ------------------------------------------------------------------------------------- */

static char *leave_as(enum task_stop *ret, enum task_stop kind, char *why)
{
    *ret = kind;
    return why;
}

char *global_why_leave(const struct recon *x, const struct spec_service *spec, const struct core_node *n,
                       enum task_stop *ret_kind)
{
    orc_auto_free char *why = NULL;

    if (n->lost)
        return leave_as(ret_kind, TASK_STOP_LOST,
                        orc_printf("node %s was %s", n->name, n->fed.present ? "lost" : "removed"));
    if (n->policy.drain)
        return leave_as(ret_kind, TASK_STOP_DRAINED, orc_printf("node %s is drained", n->name));
    if (n->fed.present && !n->fed.unreadable && !allow_node(x->c, x->s, spec, n)) {
        place_allowed(n, spec, &why);
        return leave_as(ret_kind, TASK_STOP_MISFIT, orc_printf("node %s no longer fits: %s", n->name, why));
    }
    return NULL;
}

bool global_takes(const struct recon *x, const struct spec_service *spec, const struct core_node *n)
{
    return place_open(x->c, n) && allow_node(x->c, x->s, spec, n);
}

/* What can't be read may be a replica. */
static bool holds_unreadable(const struct recon *x, const struct core_node *n)
{
    const struct core_task *t;

    core_each_task (t, x->s)
        if (t->fed.unreadable && t->node == n)
            return true;
    return false;
}

static bool any_unreadable(const struct recon *x)
{
    const struct core_task *t;

    core_each_task (t, x->s)
        if (t->fed.unreadable)
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct core_node *const *)a)->name, (*(struct core_node *const *)b)->name);
}

void global_vacant(const struct recon *x, const struct spec_service *spec, struct global_nodes *ret)
{
    bool unreadable = any_unreadable(x);
    struct core_node *n, *next;

    HASH_ITER (hh, x->c->nodes, n, next)
        if (!place_spread(x->c, n) && global_takes(x, spec, n) && !(unreadable && holds_unreadable(x, n)))
            orc_vec_push(ret, n);
    if (ret->n)
        qsort(ret->at, ret->n, sizeof *ret->at, by_name);
}

/* ---- which slots ------------------------------------------------------------------------------------- */

static bool has_better(const struct recon *x, const struct slot *s)
{
    const struct slot *o;

    if (place_spread(x->c, s->node) < 2)
        return false;
    orc_vec_each (o, &x->v.at)
        if (o != s && o->open && o->head && o->head->node == s->node && recon_closes_before(x, s, o))
            return true;
    return false;
}

/* On a lost node that may come back in time: x-orc.disconnect. */
static bool is_awaited(const struct recon *x, const struct core_task *t)
{
    if (!t->node->lost || !slots_awaited(&x->v, t))
        return false;
    core_wake(x->c, x->s, t->node->gone_at + x->target->rec.spec->disconnect_ms);
    return true;
}

/* Closes what is on a node that takes none, and of several on one node all but the best. How many are kept.
 */
static size_t close_held(struct recon *x)
{
    struct slot *s;
    size_t kept = 0;

    orc_vec_each (s, &x->v.at) {
        enum task_stop kind = TASK_STOP_SURPLUS;
        orc_auto_free char *why = NULL;

        if (!s->open || !s->head)
            continue;
        s->node = s->head->node;
        why = is_awaited(x, s->head) ? NULL : global_why_leave(x, x->target->rec.spec, s->node, &kind);
        if (!why && has_better(x, s))
            why = orc_printf("node %s has another replica", s->node->name);
        kept += !why || !recon_close(x, s, kind, why);
    }
    return kept;
}

static struct core_node *take_out(struct global_nodes *vacant, size_t i)
{
    struct core_node *n = vacant->at[i];

    memmove(&vacant->at[i], &vacant->at[i + 1], (vacant->n - i - 1) * sizeof *vacant->at);
    vacant->n--;
    return n;
}

/* A slot whose task has gone stays with its node. */
static void keep_nodes(struct recon *x, struct global_nodes *vacant)
{
    struct slot *s;

    orc_vec_each (s, &x->v.at) {
        if (!s->open || s->head || s->unreadable || !s->last)
            continue;
        for (size_t i = 0; i < vacant->n && !s->node; i++)
            if (vacant->at[i] == s->last->node)
                s->node = take_out(vacant, i);
    }
}

/* What waits for a node that takes none any more waits for any other, or for nothing. How many slots more are
 * needed. */
static size_t close_waiting(struct recon *x, const struct global_nodes *vacant)
{
    size_t used = 0;
    struct slot *s;

    orc_vec_each (s, &x->v.at) {
        if (!s->open || s->head || s->unreadable || s->node)
            continue;
        if (used == vacant->n)
            s->open = false;
        else
            used++;
    }
    return vacant->n - used;
}

static void give_nodes(struct recon *x, const struct global_nodes *vacant)
{
    struct slot *s;
    size_t i = 0;

    orc_vec_each (s, &x->v.at)
        if (s->open && !s->head && !s->unreadable && !s->node && i < vacant->n)
            s->node = vacant->at[i++];
}

void global_settle(struct recon *x)
{
    struct global_nodes vacant = {0};
    size_t kept = close_held(x);

    global_vacant(x, x->target->rec.spec, &vacant);
    x->next.replicas = (int)(kept + vacant.n);
    keep_nodes(x, &vacant);
    recon_open(x, close_waiting(x, &vacant));
    give_nodes(x, &vacant);
    orc_vec_release(&vacant);
}

/* ---- all of them ------------------------------------------------------------------------------------- */

void global_dirty(struct core *c)
{
    struct core_service *s;

    for (s = c->globals; s; s = s->global_next)
        core_dirty(c, s);
}

void global_list(struct core *c, struct core_service *s, bool is_global)
{
    if (s->global == is_global)
        return;
    s->global = is_global;
    if (is_global)
        DL_APPEND2(c->globals, s, global_prev, global_next);
    else
        DL_DELETE2(c->globals, s, global_prev, global_next);
}
