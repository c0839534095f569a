#include "scheduler/reconcile_ops.h"

#include "scheduler/place.h"
#include "scheduler/rollout.h"

#include <stdio.h>

/* A stop for one of these reasons is a failure of the task: its successor counts one restart more. */
#define STOP_UNHEALTHY "unhealthy: "
#define STOP_FAILED "failed"

int recon_slot_cmp(const void *a, const void *b)
{
    return ((const struct slot *)a)->n - ((const struct slot *)b)->n;
}

/* ---- making and stopping ----------------------------------------------------------------------------- */

bool recon_remove(struct recon *x, struct core_task *t, const char *why)
{
    orc_auto_free char *reason = NULL;
    struct key k = core_key_task(t, KEY_TASK);
    struct record_task rec;
    char address[16];

    if (x->touched >= PLAN_TASKS_MAX)
        return false;
    rollout_say(&reason, "%s", why);
    rec = core_task_record(t, address);
    plan_task_desired(x->t, t->node->name, k.task, &rec, TASK_REMOVE, reason);
    plan_guard(x->t, &k, false, (int64_t)t->fed.mod);
    if (!core_node_alive(t->node)) { /* it must not have come back meanwhile */
        struct key alive = core_key_node(t->node, KEY_ALIVE);

        plan_guard(x->t, &alive, true, 0);
    }
    place_spread_count(x->c, t, false);
    slots_stop(&x->v, t);
    x->touched++;
    return true;
}

static void guard_node(struct recon *x, const struct core_node *n)
{
    struct key alive = core_key_node(n, KEY_ALIVE), policy = core_key_node(n, KEY_NODE_POLICY);

    plan_guard(x->t, &alive, true, n->alive_fed.create);
    plan_guard(x->t, &policy, false, n->policy_fed.present ? n->policy_fed.mod : 0);
}

static void create_on(struct recon *x, const struct place_req *req, const struct core_revision *rev,
                      struct core_node *n, int slot, int restarts, const char *reason)
{
    char id[KEY_TASK_MAX + 1], address[16];
    struct record_task rec = {.slot = slot,
                              .attempt = ++x->next.attempts,
                              .revision = rev->n,
                              .restart_epoch = x->next.restart_epoch,
                              .desired = TASK_RUN,
                              .resources = spec_service_reserved(rev->rec.spec),
                              .restarts = restarts,
                              .at = x->c->wall};

    key_task_id(x->s->app->name, x->s->service, slot, rec.attempt, id);
    place_take(x->c, n, req, id, address);
    rec.app = x->s->app->name; /* borrowed: the plan copies */
    rec.service = (char *)x->s->service;
    rec.address = address;
    rec.ports.at = rev->rec.spec->ports.at;
    rec.ports.n = rev->rec.spec->ports.n;
    memcpy(rec.container_hash, rev->rec.container_hash, sizeof rec.container_hash);
    rollout_say(&rec.reason, "%s", reason);
    plan_task_create(x->t, n->name, id, &rec);
    guard_node(x, n);
    free(rec.reason);
    x->touched++;
}

void recon_wait(struct slot *s, char *why)
{
    free(s->wait);
    s->wait = why;
}

/* A slot with a named volume stays where its data is. */
const struct core_node *recon_pin(const struct core_revision *rev, const struct slot *s)
{
    const struct core_node *n = s->last ? s->last->node : NULL;

    if (s->node)
        return s->node;
    if (!n || !slots_has_volume(rev->rec.spec) || (!n->fed.present && !n->alive_fed.present))
        return NULL;
    return n;
}

static bool is_failure(const char *stop_reason)
{
    return stop_reason && (strncmp(stop_reason, STOP_UNHEALTHY, sizeof STOP_UNHEALTHY - 1) == 0 ||
                           strncmp(stop_reason, STOP_FAILED, sizeof STOP_FAILED - 1) == 0);
}

/* How often the slot's container was restarted for failures; another version starts from nothing. */
static int restarts_after(const struct recon *x, const struct core_revision *rev, const struct slot *s,
                          const char *why)
{
    const struct share_make *last = s->last ? s->last->make : NULL;

    if (!last || strcmp(last->container_hash, rev->rec.container_hash) != 0 ||
        last->restart_epoch < x->next.restart_epoch)
        return 0;
    return core_task_more(s->last)->restarts + is_failure(why);
}

static char *reason_to_make(const struct recon *x, const struct slot *s, const char *why)
{
    if (s->last && why)
        return orc_printf("replaces %s: %s", CORE_TASK_ID(s->last), why);
    return orc_strdup(x->next.complete ? "a slot to fill" : "first deployment");
}

/* Makes a task for the slot, beside or after those it has. False: no room (the slot says why) or no more this
 * step. */
bool recon_create(struct recon *x, struct slot *s, const struct core_revision *rev, const char *why)
{
    struct place_req req = {.service = x->s,
                            .spec = rev->rec.spec,
                            .hash = rev->rec.container_hash,
                            .pin = recon_pin(rev, s),
                            .own = s->last};
    orc_auto_free char *reason = reason_to_make(x, s, why);
    char *refused = NULL;
    struct core_node *n;
    bool counted;

    if (x->touched + 2 > PLAN_TASKS_MAX) {
        if (s->was_pending) /* so that it stays this slot that waits */
            recon_wait(s, orc_strdup("its turn comes"));
        return false;
    }
    /* Room only shrinks within a step; but a node that is full of others may have one's own slot. */
    if (x->refused && !req.pin && rev == x->heal && !(spec_service_max_per_node(req.spec) && req.own)) {
        recon_wait(s, orc_strdup(x->refused));
        return false;
    }
    counted = s->head && place_spread_count(x->c, s->head, false);
    n = place_pick(x->c, &req, &refused);
    if (!n) {
        if (counted)
            place_spread_count(x->c, s->head, true);
        if (!req.pin && rev == x->heal && !x->refused)
            x->refused = orc_strdup(refused);
        recon_wait(s, refused);
        core_wait_room(x->c, x->s, true);
        return false;
    }
    create_on(x, &req, rev, n, s->n, restarts_after(x, rev, s, why), reason);
    return true;
}

/* ---- counting ---------------------------------------------------------------------------------------- */

static bool limits_per_node(const struct core_revision *rev)
{
    return rev && spec_service_max_per_node(rev->rec.spec);
}

/* One for each slot: what a successor replaces, or what holds nothing any more, is as good as gone. */
void recon_count_spread(struct recon *x)
{
    struct slot *s;

    place_spread_begin(x->c);
    if (limits_per_node(x->target) || limits_per_node(x->heal))
        place_count_held(x->c, x->s);
    orc_vec_each (s, &x->v.at)
        if (s->head && !s->head->node->lost)
            place_spread_count(x->c, s->head, true);
}

void recon_count_failed(struct recon *x, const struct core_task *t)
{
    x->next.failed += rollout_has_failed(&x->v, t);
}

static void drop_task(struct recon *x, struct core_task *t)
{
    enum task_class k = slots_classify(&x->v, t);
    orc_auto_free char *misfit = slots_misfit(&x->v, t), *failure = rollout_failure(&x->v, t);
    orc_auto_free char *lost = orc_printf("node %s was lost", t->node->name);

    if (k == CLASS_LOST)
        recon_remove(x, t, lost);
    else if (k != CLASS_FAILED && k != CLASS_OVER && k != CLASS_UNHEALTHY)
        recon_remove(x, t, misfit ? misfit : "another task holds its slot");
    else if (recon_remove(x, t, failure) && !misfit) { /* a successor that failed; the next takes its time */
        recon_count_failed(x, t);
        x->s->backoff_at = x->c->now + rollout_backoff_ms(x->next.failures++);
    }
}

void recon_drop(struct recon *x)
{
    for (size_t i = 0; i < x->v.drop.n; i++)
        drop_task(x, x->v.drop.at[i]);
}

/* Under way: waiting for a stop, or started and not yet given up. */
static bool slot_busy(const struct recon *x, const struct slot *s)
{
    if (!s->open)
        return false;
    if (!s->head)
        return s->leaving != NULL;
    return s->class == CLASS_STARTING && x->c->now < slots_deadline(&x->v, s->head);
}

static bool slot_failing(const struct recon *x, const struct slot *s)
{
    if (!s->open || s->busy || !s->head || !slots_same_container(&x->v, s->head))
        return false;
    return s->class == CLASS_STARTING || s->class == CLASS_UNHEALTHY || s->class == CLASS_FAILED;
}

void recon_count(struct recon *x)
{
    const struct spec_update *u = rollout_policy(x->s, &x->next);
    struct slot *s;

    if (!u && x->heal)
        u = &x->heal->rec.spec->update;
    x->parallelism = u ? spec_update_at_once(u, x->next.replicas) : 1;
    x->missing = u ? spec_update_missing(u, x->next.replicas) : 1;
    orc_vec_each (s, &x->v.at) {
        s->busy = slot_busy(x, s);
        x->busy += s->busy;
        x->failing += slot_failing(x, s);
        x->available += s->open && (s->old || (s->head && s->class == CLASS_AVAILABLE));
        if (s->busy && s->class == CLASS_STARTING && s->head)
            core_wake(x->c, x->s, slots_deadline(&x->v, s->head));
    }
}

void recon_set_busy(struct recon *x, struct slot *s)
{
    x->busy += !s->busy;
    s->busy = true;
}

bool recon_may_change(const struct recon *x, const struct slot *s)
{
    return x->busy - s->busy < x->parallelism;
}

/* ---- guards ------------------------------------------------------------------------------------------ */

void recon_guard(struct recon *x)
{
    struct key app = core_key_service(x->s, KEY_APP), rollout = core_key_service(x->s, KEY_ROLLOUT);

    plan_guard(x->t, &app, false, x->s->app->fed.present ? x->s->app->fed.mod : 0);
    plan_guard(x->t, &rollout, false, x->s->rollout_fed.present ? x->s->rollout_fed.mod : 0);
}
