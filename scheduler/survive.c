#include "scheduler/survive.h"

#include "lib/buf.h"
#include "scheduler/demand.h"
#include "scheduler/place.h"
#include "scheduler/rows.h"
#include "scheduler/slots.h"

#include <stdio.h>

#define SERVICES_TOLD 3 /* more are counted */

/* ---- one node lost ----------------------------------------------------------------------------------- */

static bool to_move(const struct core_task *t)
{
    return core_task_runs(t) && !(core_task_reported(t) && t->state >= TASK_STOPPED) &&
           core_service_wanted(t->service);
}

/* What runs elsewhere already, so that replicas spread as they would. */
static void count_others(struct core *c, const struct core_service *s, const struct core_node *lost, bool job)
{
    struct core_task *t;

    place_spread_begin(c);
    place_count_held(c, s, job);
    core_each_task (t, s)
        if (t->node != lost && to_move(t))
            place_spread_count(c, t, true);
}

static void leave_out(struct survive_node *n, const struct core_service *s, const struct spec_service *spec,
                      char *why)
{
    struct survive_service *x = n->services.n ? &n->services.at[n->services.n - 1] : NULL;

    n->left++;
    if (x && strcmp(x->name, s->name) == 0) {
        x->left++;
        free(why);
        return;
    }
    *orc_vec_add(&n->services) = (struct survive_service){
        .name = orc_strdup(s->name), .demanded = spec->survive_node_loss, .left = 1, .why = why};
}

static void move_task(struct core *c, struct core_task *t, const struct core_revision *rev,
                      struct survive_node *ret)
{
    struct place_req req = {
        .service = t->service, .spec = rev->rec.spec, .hash = rev->rec.container_hash, .own = t};
    char *why = NULL;
    struct core_node *to;

    if (slots_is_tied(req.spec)) {
        ret->tied++;
        if (req.spec->survive_node_loss)
            leave_out(ret, t->service, req.spec, orc_printf("its volume is on %s", t->node->name));
        return;
    }
    ret->moved++;
    to = place_pick(c, &req, &why);
    if (to)
        place_take(c, to, &req, t->slot, t->attempt);
    else
        leave_out(ret, t->service, req.spec, why);
}

static void move_service(struct core *c, struct core_service *s, const struct core_node *lost,
                         struct survive_node *ret)
{
    int64_t target = s->rollout.target ? s->rollout.target : core_service_wanted(s)->revision;
    const struct core_revision *rev = core_service_revision(s, target);
    struct core_task *t;

    if (!rev || rev->rec.spec->global)
        return;
    count_others(c, s, lost, rev->rec.spec->job);
    core_each_task (t, s)
        if (t->node == lost && to_move(t))
            move_task(c, t, rev, ret);
}

static int by_pointer(const void *a, const void *b)
{
    const struct core_service *x = *(struct core_service *const *)a, *y = *(struct core_service *const *)b;

    return (x > y) - (x < y);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct survive_service *)a)->name, ((const struct survive_service *)b)->name);
}

/* Whether a node was given up is set for this alone: everything that fits where it was before fits again. */
static void lose(struct core *c, struct core_node *n, struct survive_node *ret)
{
    ORC_VEC(struct core_service *) all = {0};
    size_t count = 0;
    struct core_task *t;

    n->lost = true;
    rows_update(c, n);
    for (t = n->tasks; t; t = t->node_next)
        if (to_move(t))
            orc_vec_push(&all, t->service);
    if (all.n)
        qsort(all.at, all.n, sizeof *all.at, by_pointer);
    for (size_t i = 0; i < all.n; i++) /* each once */
        if (!count || all.at[count - 1] != all.at[i])
            all.at[count++] = all.at[i];
    demand_sort(c, all.at, count);
    ret->name = orc_strdup(n->name);
    for (size_t i = 0; i < count; i++)
        move_service(c, all.at[i], n, ret);
    if (ret->services.n)
        qsort(ret->services.at, ret->services.n, sizeof *ret->services.at, by_name);
    orc_vec_release(&all);
    n->lost = false;
    rows_update(c, n);
    place_give_back(c);
}

/* ---- any node ---------------------------------------------------------------------------------------- */

struct candidate {
    struct core_node *node;
    __int128 in_use; /* share of all nodes', CPU and memory together */
};

static int most_used(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->in_use != y->in_use)
        return x->in_use > y->in_use ? -1 : 1;
    return strcmp(x->node->name, y->node->name);
}

static int by_node(const void *a, const void *b)
{
    return strcmp(((const struct survive_node *)a)->name, ((const struct survive_node *)b)->name);
}

void survive_any_node(struct core *c, struct survive *ret)
{
    ORC_VEC(struct candidate) all = {0};
    struct core_node *n, *next;

    *ret = (struct survive){0};
    HASH_ITER (hh, c->nodes, n, next)
        if (core_node_alive(n) && !n->lost && n->fed.present)
            orc_vec_push(&all, ((struct candidate){n, n->used.cpus_nano * c->offered.memory +
                                                          n->used.memory * c->offered.cpus_nano}));
    ret->nodes = (int)all.n;
    if (all.n)
        qsort(all.at, all.n, sizeof *all.at, most_used);
    for (size_t i = 0; all.n > 1 && i < all.n && i < SURVIVE_NODES_MAX; i++)
        lose(c, all.at[i].node, orc_vec_add(&ret->tried));
    if (ret->tried.n)
        qsort(ret->tried.at, ret->tried.n, sizeof *ret->tried.at, by_node);
    orc_vec_release(&all);
}

void survive_release(struct survive *v)
{
    struct survive_node *n;
    struct survive_service *s;

    orc_vec_each (n, &v->tried) {
        orc_vec_each (s, &n->services) {
            free(s->name);
            free(s->why);
        }
        orc_vec_release(&n->services);
        free(n->name);
    }
    orc_vec_release(&v->tried);
}

/* ---- in words ---------------------------------------------------------------------------------------- */

static bool is_worse(const struct survive_node *a, const struct survive_node *b)
{
    return a->left != b->left ? a->left > b->left : a->moved > b->moved;
}

const struct survive_node *survive_worst(const struct survive *v)
{
    const struct survive_node *n, *worst = NULL;

    orc_vec_each (n, &v->tried)
        if ((n->moved || n->left || n->tied) && (!worst || is_worse(n, worst)))
            worst = n;
    return worst;
}

static char *left_text(const struct survive *v, const struct survive_node *worst)
{
    struct orc_buf b = ORC_BUF_INIT(8192);
    const struct survive_node *n;
    const struct survive_service *s;
    size_t others = 0, told = 0;

    orc_vec_each (n, &v->tried)
        others += n != worst && n->left;
    orc_buf_printf(&b, "without %s %d replica%s would have no place:", worst->name, worst->left,
                   worst->left == 1 ? "" : "s");
    orc_vec_each (s, &worst->services)
        if (told++ < SERVICES_TOLD)
            orc_buf_printf(&b, "%s %d of %s (%s)", told > 1 ? ";" : "", s->left, s->name, s->why);
    if (told > SERVICES_TOLD)
        orc_buf_printf(&b, "; and of %zu more", told - SERVICES_TOLD);
    if (others)
        orc_buf_printf(&b, "; without %zu other node%s some, too", others, others == 1 ? "" : "s");
    return orc_buf_take(&b);
}

char *survive_text(const struct survive *v)
{
    const struct survive_node *worst = survive_worst(v), *n;
    orc_auto_free char *of = NULL, *tie = NULL;
    int tied = 0;

    if (!worst)
        return NULL;
    if (worst->left)
        return left_text(v, worst);
    orc_vec_each (n, &v->tried)
        tied += n->tied;
    if (v->tried.n < (size_t)v->nodes)
        of = orc_printf(" (the %zu most used of %d were tried)", v->tried.n, v->nodes);
    if (tied)
        tie = orc_printf(", but for the %d tied to a volume", tied);
    return orc_printf("any one node can be lost: every replica would find a place%s; without %s the most "
                      "would move: %d%s",
                      tie ? tie : "", worst->name, worst->moved, of ? of : "");
}

static bool is_of(const struct survive_service *s, const char *app)
{
    return s->demanded && (!app || (strncmp(s->name, app, strlen(app)) == 0 && s->name[strlen(app)] == '/'));
}

char *survive_refusal(const struct survive *v, const char *app)
{
    const struct survive_service *s, *worst = NULL;
    const struct survive_node *n, *at = NULL;

    orc_vec_each (n, &v->tried)
        orc_vec_each (s, &n->services)
            if (is_of(s, app) && (!worst || s->left > worst->left)) {
                worst = s;
                at = n;
            }
    if (!worst)
        return NULL;
    return orc_printf("%s is to survive the loss of any one node (x-orc.placement.survive_node_loss), but "
                      "without %s %d of its replicas would have no place: %s",
                      worst->name, at->name, worst->left, worst->why);
}
