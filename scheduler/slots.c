#include "scheduler/slots.h"

#include "scheduler/allow.h"
#include "scheduler/place.h"
#include "scheduler/rollout.h"

/* A container that has been created gets its start period, all its probes, and this; one that is still being
 * fetched gets the service's progress deadline, or where it has none as long as a large image over a slow
 * line takes. */
#define PROGRESS_MS 60000
#define FETCH_MS 600000

/* The spec a task was made from, as far as it is still known. */
static const struct spec_service *spec_of(const struct slots *v, const struct core_task *t)
{
    const struct core_revision *r = v->target && v->target->n == t->make->revision
                                        ? v->target
                                        : core_service_revision(v->service, t->make->revision);

    return r ? r->rec.spec : v->target ? v->target->rec.spec : NULL;
}

static bool writes(const struct spec_mount *m)
{
    return m->kind == SPEC_MOUNT_VOLUME && !m->read_only;
}

bool slots_has_volume(const struct spec_service *spec)
{
    const struct spec_mount *m;

    for (size_t i = 0; (m = spec_service_mount(spec, i)); i++)
        if (writes(m))
            return true;
    return false;
}

bool slots_is_tied(const struct spec_service *spec)
{
    const struct spec_mount *m;

    for (size_t i = 0; (m = spec_service_mount(spec, i)); i++)
        if (writes(m) && !m->external)
            return true;
    return false;
}

/* ---- one task ---------------------------------------------------------------------------------------- */

/* What its end means by its restart policy (behaviour 68). A container that never ran was not ended by
 * itself: the policy does not apply. */
static enum task_class class_of_end(const struct slots *v, const struct core_task *t)
{
    const struct spec_service *spec = spec_of(v, t);
    enum spec_restart policy = spec ? spec->restart : SPEC_RESTART_ALWAYS;
    bool once = policy == SPEC_RESTART_NO || policy == SPEC_RESTART_ON_FAILURE;

    if (t->state == TASK_REMOVED)
        return CLASS_FAILED;
    if (t->state == TASK_STOPPED)
        return policy == SPEC_RESTART_ALWAYS ? CLASS_FAILED : CLASS_DONE;
    return once && core_task_more(t)->exit_code >= 0 ? CLASS_OVER : CLASS_FAILED;
}

enum task_class slots_classify(const struct slots *v, const struct core_task *t)
{
    if (t->node->lost)
        return CLASS_LOST;
    if (core_task_reported(t) && t->state >= TASK_STOPPED)
        return class_of_end(v, t);
    if (!core_node_alive(t->node))
        return CLASS_UNKNOWN;
    if (core_task_stale(t))
        return v->core->now < core_task_more(t)->failed_at + SLOTS_LOOK_MS ? CLASS_UNKNOWN : CLASS_UNHEALTHY;
    if (core_task_available(t))
        return CLASS_AVAILABLE;
    if (core_task_reported(t) && t->state == TASK_RUNNING && t->health == TASK_UNHEALTHY)
        return CLASS_UNHEALTHY;
    return CLASS_STARTING;
}

bool slots_moves(const struct slots *v, const struct core_task *t)
{
    const struct rollout_move *m;

    orc_vec_each (m, &v->rollout->moving)
        if (m->slot == t->slot && m->attempt == t->attempt)
            return true;
    return false;
}

/* "rebalanced to k4": where its newest successor is. */
static char *moved_to(const struct core_task *t)
{
    const struct core_task *o, *last = t;

    for (o = t; o; o = o->slot_next)
        if (core_task_runs(o))
            last = o;
    return orc_printf("rebalanced to %s", last->node->name);
}

static char *misfit_as(enum task_stop *ret, enum task_stop kind, char *why)
{
    if (ret)
        *ret = kind;
    return why;
}

char *slots_misfit(const struct slots *v, const struct core_task *t, enum task_stop *ret_kind)
{
    orc_auto_free char *why = NULL;

    if (!v->target)
        return NULL;
    if (strcmp(t->make->container_hash, v->target->rec.container_hash) != 0)
        return misfit_as(ret_kind, TASK_STOP_UPDATED,
                         orc_printf("%s to revision %lld",
                                    v->rollout->target == v->rollout->wanted ? "update" : "rollback",
                                    (long long)v->rollout->target));
    if (t->make->restart_epoch < v->rollout->restart_epoch)
        return misfit_as(ret_kind, TASK_STOP_RESTARTED,
                         orc_printf("restart %lld was asked for", (long long)v->rollout->restart_epoch));
    if (t->node->policy.drain)
        return misfit_as(ret_kind, TASK_STOP_DRAINED, orc_concat("node ", t->node->name, " is drained"));
    if (t->node->fed.present && !t->node->fed.unreadable &&
        !place_allowed(t->node, v->target->rec.spec, &why))
        return misfit_as(ret_kind, TASK_STOP_MISFIT,
                         orc_printf("node %s no longer fits: %s", t->node->name, why));
    return slots_moves(v, t) ? misfit_as(ret_kind, TASK_STOP_MOVED, moved_to(t)) : NULL;
}

uint64_t slots_deadline(const struct slots *v, const struct core_task *t)
{
    const struct spec_service *spec = spec_of(v, t);
    uint64_t ms = PROGRESS_MS;

    if (!t->begun)
        return t->since + (spec && spec->progress_deadline_ms ? spec->progress_deadline_ms : FETCH_MS);
    if (spec)
        ms += spec_service_check_ms(spec);
    return t->since + ms;
}

bool slots_still_stopping(const struct slots *v, const struct core_task *t)
{
    const struct spec_service *spec = spec_of(v, t);
    uint64_t end;

    if (t->desired == TASK_RUN || !core_task_holds(t) || t->node->lost)
        return false;
    if (spec && slots_has_volume(spec))
        return true;
    end = core_task_more(t)->leaving_at + SLOTS_STOP_MARGIN_MS +
          (spec ? spec->drain_timeout_ms + spec_service_stop_ms(spec) : 0);
    if (v->core->now >= end)
        return false;
    core_wake(v->core, v->service, end);
    return true;
}

/* ---- all of them ------------------------------------------------------------------------------------- */

static int task_cmp(const void *a, const void *b)
{
    const struct core_task *x = *(struct core_task *const *)a, *y = *(struct core_task *const *)b;

    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    if (x->attempt != y->attempt)
        return x->attempt < y->attempt ? -1 : 1;
    return strcmp(x->node->name, y->node->name);
}

bool slots_compliant(const struct slots *v, const struct core_task *t)
{
    const struct core_node *n = t->node;

    if (!v->target)
        return true;
    if (!slots_same_container(v, t) || n->policy.drain || slots_moves(v, t))
        return false;
    return !n->fed.present || n->fed.unreadable || allow_node(v->core, v->service, v->target->rec.spec, n);
}

bool slots_awaited(const struct slots *v, const struct core_task *t)
{
    uint64_t ms = v->target ? v->target->rec.spec->disconnect_ms : 0;
    enum task_class k = ms ? slots_classify(v, t) : CLASS_AVAILABLE;

    if (k == CLASS_UNKNOWN)
        return slots_compliant(v, t);
    if (k != CLASS_LOST || !t->node->fed.present || (core_task_reported(t) && t->state >= TASK_STOPPED))
        return false;
    return v->core->now < t->node->gone_at + ms && slots_compliant(v, t);
}

/* One that is back in time goes on where it was (behaviour 79): of two that are as they should be the elder.
 */
static bool resumes(const struct slots *v, const struct core_task *head, int rank)
{
    return rank == 5 && v->target && v->target->rec.spec->disconnect_ms && slots_compliant(v, head);
}

/* How good a task is at holding its slot; the highest holds it, of equals the newest. */
static int rank(const struct slots *v, const struct core_task *t, enum task_class k)
{
    switch (k) {
    case CLASS_AVAILABLE:
        return slots_same_container(v, t) && !t->node->policy.drain ? 5 : 4;
    case CLASS_STARTING:
    case CLASS_UNKNOWN:
    case CLASS_DONE:
        return 3;
    case CLASS_UNHEALTHY:
        return 2;
    case CLASS_FAILED:
    case CLASS_OVER:
        return 1;
    default:
        return 0;
    }
}

/* Whether t may take the place of the slot's head, which is no longer as it should be: it is of the target,
 * or where that may not be, and the head's node is drained, of what counts beside it. */
static bool takes_over(const struct slots *v, const struct core_task *head, const struct core_task *t)
{
    return slots_same_container(v, t) ||
           (v->beside && head->node->policy.drain && !t->node->policy.drain &&
            strcmp(t->make->container_hash, v->beside->rec.container_hash) == 0);
}

/* An available task of another content or place keeps serving until a newer one can take over. */
static void pick_successor(struct slots *v, struct slot *s, struct core_task *const *run, size_t n)
{
    for (size_t i = n; i-- > 0;) {
        struct core_task *t = run[i];
        enum task_class k = slots_classify(v, t);

        if (t->attempt <= s->head->attempt || !takes_over(v, s->head, t))
            continue;
        if (k == CLASS_STARTING || k == CLASS_UNKNOWN) {
            s->old = s->head;
            s->head = t;
            return;
        }
        if (!s->failed && k != CLASS_LOST)
            s->failed = t;
    }
}

static void await_return(struct slots *v, struct core_task *t)
{
    orc_vec_push(&v->spare, t);
    if (t->node->lost)
        core_wake(v->core, v->service, t->node->gone_at + v->target->rec.spec->disconnect_ms);
}

/* What may serve before the slot's head does is kept: who knows what is on a node that does not answer? */
static bool is_spare(enum task_class head, enum task_class k)
{
    return (k == CLASS_UNKNOWN && head != CLASS_AVAILABLE) || (k == CLASS_STARTING && head == CLASS_UNKNOWN);
}

/* Originals are awaited; a successor that was lost is none, what it was to replace still holds the slot. */
static bool returns(const struct slots *v, const struct slot *s, const struct core_task *t)
{
    return (!t->node->lost || t->attempt < s->head->attempt) && slots_awaited(v, t);
}

static void pick_head(struct slots *v, struct slot *s, struct core_task *const *run, size_t n)
{
    int best = -1;

    for (size_t i = 0; i < n; i++) {
        enum task_class k = slots_classify(v, run[i]);
        int r = rank(v, run[i], k);

        if (r < best || (r == best && resumes(v, s->head, r)))
            continue;
        best = r;
        s->class = k;
        s->head = run[i];
    }
    if (!s->head)
        return;
    s->compliant = slots_compliant(v, s->head);
    if (best >= 4 && !s->compliant)
        pick_successor(v, s, run, n);
    if (s->old) {
        s->class = slots_classify(v, s->head);
        s->compliant = slots_compliant(v, s->head);
    }
    for (size_t i = 0; i < n; i++) {
        if (run[i] == s->head || run[i] == s->old)
            continue;
        if (returns(v, s, run[i]))
            await_return(v, run[i]);
        else if (is_spare(s->class, slots_classify(v, run[i])))
            orc_vec_push(&v->spare, run[i]);
        else
            orc_vec_push(&v->drop, run[i]);
    }
}

/* It stays so whatever time passes: what nobody can probe has been watched for long enough. */
static bool is_well(const struct slots *v, const struct slot *s)
{
    return s->class == CLASS_AVAILABLE && s->compliant && !s->leaving && !s->unreadable && v->run.n == 1 &&
           v->target &&
           (rollout_has_health(v) || v->core->now >= s->head->available_at + rollout_monitor_ms(v));
}

/* `t`: the first task of the slot. */
static void add_slot(struct slots *v, struct core_task *t)
{
    struct slot *s = NULL;

    v->run.n = 0;
    for (; t; t = t->slot_next) {
        if (!t->fed.present)
            continue;
        if (!s) {
            s = orc_vec_add(&v->at);
            s->n = t->slot;
        }
        if (!core_task_known(t)) {
            s->unreadable = s->open = true;
            continue;
        }
        s->last = t;
        if (t->desired == TASK_RUN)
            orc_vec_push(&v->run, t);
        else if (slots_still_stopping(v, t))
            orc_vec_push(&v->stopping, s->leaving = t);
    }
    if (!v->run.n)
        return;
    s->open = true;
    pick_head(v, s, v->run.at, v->run.n);
    s->well = is_well(v, s);
    if (s->head && s->class == CLASS_UNKNOWN && core_task_stale(s->head))
        core_wake(v->core, v->service, core_task_more(s->head)->failed_at + SLOTS_LOOK_MS);
}

static int slot_cmp(const void *a, const void *b)
{
    return ((const struct slot *)a)->n - ((const struct slot *)b)->n;
}

void slots_stop(struct slots *v, struct core_task *t, const char *why)
{
    struct slot key = {.n = t->slot}, *s;
    size_t i = 0, n = v->stopping.n;

    if (!core_task_holds(t) || t->node->lost)
        return;
    s = v->at.n ? bsearch(&key, v->at.at, v->at.n, sizeof key, slot_cmp) : NULL;
    if (s) {
        s->leaving = t;
        orc_set_str(&s->told, why);
    }
    while (i < n && task_cmp(&v->stopping.at[i], &t) < 0)
        i++;
    if (i < n && v->stopping.at[i] == t)
        return;
    orc_vec_push(&v->stopping, t);
    memmove(&v->stopping.at[i + 1], &v->stopping.at[i], (n - i) * sizeof t);
    v->stopping.at[i] = t;
}

void slots_sort(struct slots *v)
{
    qsort(v->at.at, v->at.n, sizeof *v->at.at, slot_cmp);
}

struct slot *slots_add(struct slots *v, int n)
{
    struct slot *s = orc_vec_add(&v->at);

    s->n = n;
    s->open = true;
    return s;
}

size_t slots_count_open(const struct slots *v)
{
    const struct slot *s;
    size_t n = v->well;

    orc_vec_each (s, &v->at)
        n += s->open;
    return n;
}

size_t slots_count_empty(const struct slots *v)
{
    const struct slot *s;
    size_t n = 0;

    orc_vec_each (s, &v->at)
        n += s->open && !s->head;
    return n;
}

/* Both lists are in order of number. */
static void mark_pending(struct slots *v)
{
    const struct record_rollout *r = v->rollout;
    size_t i = 0, n = v->at.n;

    for (size_t k = 0; k < r->pending.n; k++) {
        while (i < n && v->at.at[i].n < r->pending.at[k].slot)
            i++;
        if (i < n && v->at.at[i].n == r->pending.at[k].slot) {
            v->at.at[i].was_pending = v->at.at[i].open = true;
        } else if (!v->kept || !kept_is_well(v->kept, r->pending.at[k].slot)) {
            slots_add(v, r->pending.at[k].slot)->was_pending = true;
        }
    }
    if (v->at.n > n)
        slots_sort(v);
}

/* What is read of a task, some time before it is: they lie where no cache guesses. */
#define AHEAD 4
ORC_PREFETCHES void prefetch(const struct core_service *s, size_t slot)
{
    const struct core_task *near = slot + AHEAD < s->by_slot.n ? s->by_slot.at[slot + AHEAD] : NULL,
                           *far = slot + 2 * AHEAD < s->by_slot.n ? s->by_slot.at[slot + 2 * AHEAD] : NULL;

    if (far)
        core_prefetch_task(far);
    if (near)
        __builtin_prefetch(near->node);
}

/* Most tasks are made from the target as it is. */
static const struct share_make *like_target(const struct slots *v)
{
    for (size_t i = 0; v->target && i < v->service->makes.n; i++) {
        const struct share_make *m = v->service->makes.at[i];

        if (m->revision == v->target->n && strcmp(m->container_hash, v->target->rec.container_hash) == 0)
            return m;
    }
    return NULL;
}

static void begin(struct slots *v, struct core *c, struct core_service *s, const struct record_rollout *r)
{
    memset(v, 0, sizeof *v);
    v->core = c;
    v->service = s;
    v->rollout = r;
    v->target = core_service_revision(s, r->target);
    v->like = like_target(v);
    if (rollout_limit(s, r) != ROLLOUT_NO_LIMIT)
        v->beside = core_service_revision(s, r->complete);
}

void slots_build(struct slots *v, struct core *c, struct core_service *s, const struct record_rollout *r)
{
    begin(v, c, s, r);
    for (size_t i = 0; i < s->by_slot.n; i++) {
        prefetch(s, i);
        if (s->by_slot.at[i])
            add_slot(v, s->by_slot.at[i]);
    }
    if (v->at.n || r->pending.n)
        mark_pending(v);
}

/* ---- what is kept ------------------------------------------------------------------------------------ */

/* Nothing is rolled out, nor moved, nor in doubt: what is well is left alone. */
static bool may_keep(const struct slots *v)
{
    const struct record_rollout *r = v->rollout;

    return (r->state == ROLLOUT_COMPLETE || r->state == ROLLOUT_HEALING) && r->complete == r->target &&
           !r->failures && !r->degraded && !r->moving.n && !r->rebalance_left && v->target &&
           !v->target->rec.spec->global && !v->target->rec.spec->job && !v->target->rec.spec->rebalance_auto;
}

/* As many are open as shall be, so none is opened or closed; and where counting needs all of them nothing is
 * to be placed. */
static bool is_enough(const struct slots *v)
{
    const struct spec_service *spec = v->target->rec.spec;
    const struct slot *s;

    orc_vec_each (s, &v->at)
        if (s->unreadable)
            return false;
    if (v->at.n && (spec->spread_over.n || spec_service_max_per_node(spec)))
        return false;
    return slots_count_open(v) == (size_t)v->rollout->replicas;
}

/* Those that are marked. */
static void build_kept(struct slots *v, struct core_kept *k)
{
    const struct core_service *s = v->service;
    const int *n;

    kept_begin(k);
    v->kept = k;
    v->well = k->well;
    orc_vec_each (n, &k->marked)
        if ((size_t)*n < s->by_slot.n && s->by_slot.at[*n])
            add_slot(v, s->by_slot.at[*n]);
    if (v->rollout->pending.n)
        mark_pending(v);
}

void slots_look(struct slots *v, struct core *c, struct core_service *s, const struct record_rollout *r)
{
    struct core_kept *k = s->kept;

    begin(v, c, s, r);
    if (k && k->target == r->target && k->restart_epoch == r->restart_epoch && may_keep(v)) {
        build_kept(v, k);
        if (is_enough(v))
            return;
    }
    slots_release(v);
    slots_build(v, c, s, r);
}

void slots_keep(const struct slots *v)
{
    struct core_service *service = v->service;
    const struct slot *s;

    if (!may_keep(v))
        return;
    if (v->kept) {
        kept_end(service->kept);
    } else {
        kept_free(service->kept);
        service->kept = kept_new(v->rollout->target, v->rollout->restart_epoch);
    }
    orc_vec_each (s, &v->at)
        if (s->well)
            kept_set(service->kept, s->n, s->head->node->row);
        else
            kept_mark(service->kept, s->n);
}

void slots_release(struct slots *v)
{
    struct slot *s;

    orc_vec_each (s, &v->at) {
        free(s->wait);
        free(s->told);
    }
    orc_vec_release(&v->at);
    orc_vec_release(&v->run);
    orc_vec_release(&v->drop);
    orc_vec_release(&v->spare);
    orc_vec_release(&v->stopping);
}
