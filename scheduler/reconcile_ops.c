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

static int task_cmp(struct core_task *a, struct core_task *b)
{
    if (a->slot != b->slot)
        return a->slot - b->slot;
    if (a->attempt != b->attempt)
        return a->attempt < b->attempt ? -1 : 1;
    return strcmp(a->key, b->key);
}

void recon_sort_tasks(struct core_service *s)
{
    DL_SORT2(s->tasks, task_cmp, service_prev, service_next);
}

/* ---- making and stopping ----------------------------------------------------------------------------- */

bool recon_remove(struct recon *x, struct core_task *t, const char *why)
{
    orc_auto_free char *reason = NULL;
    struct key k = core_key_task(t, KEY_TASK);

    if (x->touched >= PLAN_TASKS_MAX)
        return false;
    rollout_say(&reason, "%s", why);
    plan_task_desired(x->t, t->node->name, t->id, &t->rec, TASK_REMOVE, reason);
    plan_guard(x->t, &k, false, t->fed.mod);
    if (!core_node_alive(t->node)) { /* it must not have come back meanwhile */
        struct key alive = core_key_node(t->node, KEY_ALIVE);

        plan_guard(x->t, &alive, true, 0);
    }
    place_spread_count(x->c, t, false);
    slots_stop(&x->v, t);
    x->touched++;
    return true;
}

static void copy_ports(struct record_task *rec, const struct spec_service *spec)
{
    for (size_t i = 0; i < spec->ports.n; i++) {
        struct spec_port *p = orc_vec_add(&rec->ports);

        *p = spec->ports.at[i];
        p->host_ip = orc_strdup(p->host_ip);
    }
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
    rec.app = orc_strdup(x->s->app->name);
    rec.service = orc_strdup(x->s->service);
    rec.address = orc_strdup(address);
    memcpy(rec.container_hash, rev->rec.container_hash, sizeof rec.container_hash);
    copy_ports(&rec, rev->rec.spec);
    rollout_say(&rec.reason, "%s", reason);
    plan_task_create(x->t, n->name, id, &rec);
    guard_node(x, n);
    record_task_release(&rec);
    x->touched++;
}

static void wait_for(struct slot *s, char *why)
{
    free(s->wait);
    s->wait = why;
}

/* A slot with a named volume stays where its data is. */
static const struct core_node *pin_of(const struct core_revision *rev, const struct slot *s)
{
    const struct core_node *n = s->last ? s->last->node : NULL;

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
    const struct record_task *last = s->last ? &s->last->rec : NULL;

    if (!last || strcmp(last->container_hash, rev->rec.container_hash) != 0 ||
        last->restart_epoch < x->next.restart_epoch)
        return 0;
    return last->restarts + is_failure(why);
}

static char *reason_to_make(const struct recon *x, const struct slot *s, const char *why)
{
    if (s->last && why)
        return orc_printf("replaces %s: %s", s->last->id, why);
    return orc_strdup(x->next.complete ? "a slot to fill" : "first deployment");
}

/* Makes a task for the slot, beside or after those it has. False: no room (the slot says why) or no more this
 * step. */
static bool create(struct recon *x, struct slot *s, const struct core_revision *rev, const char *why)
{
    struct place_req req = {.service = x->s, .spec = rev->rec.spec, .pin = pin_of(rev, s)};
    orc_auto_free char *reason = reason_to_make(x, s, why);
    char *refused = NULL;
    struct core_node *n;
    bool counted;

    if (x->touched + 2 > PLAN_TASKS_MAX) {
        if (s->was_pending) /* so that it stays this slot that waits */
            wait_for(s, orc_strdup("its turn comes"));
        return false;
    }
    if (x->refused && !req.pin && rev == x->heal) { /* room only shrinks within a step */
        wait_for(s, orc_strdup(x->refused));
        return false;
    }
    counted = s->head && place_spread_count(x->c, s->head, false);
    n = place_pick(x->c, &req, &refused);
    if (!n) {
        if (counted)
            place_spread_count(x->c, s->head, true);
        if (!req.pin && rev == x->heal && !x->refused)
            x->refused = orc_strdup(refused);
        wait_for(s, refused);
        core_wait_room(x->c, x->s, true);
        return false;
    }
    create_on(x, &req, rev, n, s->n, restarts_after(x, rev, s, why), reason);
    return true;
}

/* ---- counting ---------------------------------------------------------------------------------------- */

/* One for each slot: what a successor replaces, or what holds nothing any more, is as good as gone. */
void recon_count_spread(struct recon *x)
{
    struct slot *s;

    place_spread_begin(x->c);
    orc_vec_each (s, &x->v.at)
        if (s->head && !s->head->node->lost)
            place_spread_count(x->c, s->head, true);
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
    else if (recon_remove(x, t, failure) &&
             !misfit) /* a successor that failed; the next one takes its time */
        x->s->backoff_at = x->c->now + rollout_backoff_ms(x->next.failures++);
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

void recon_count(struct recon *x)
{
    const struct core_revision *rev = x->target ? x->target : x->heal;
    struct slot *s;

    x->parallelism = rev ? rev->rec.spec->update.parallelism : 1;
    if (x->parallelism <= 0)
        x->parallelism = x->next.replicas > 0 ? x->next.replicas : 1;
    orc_vec_each (s, &x->v.at) {
        s->busy = slot_busy(x, s);
        x->busy += s->busy;
        x->available += s->open && (s->old || (s->head && s->class == CLASS_AVAILABLE));
        if (s->busy && s->class == CLASS_STARTING && s->head)
            core_wake(x->c, x->s, slots_deadline(&x->v, s->head));
    }
}

static void set_busy(struct recon *x, struct slot *s)
{
    x->busy += !s->busy;
    s->busy = true;
}

static bool may_change(const struct recon *x, const struct slot *s)
{
    return x->busy - s->busy < x->parallelism;
}

/* ---- healing ----------------------------------------------------------------------------------------- */

static int count_started(const struct core_service *s)
{
    const struct core_task *t;
    int n = 0;

    for (t = s->tasks; t; t = t->service_next)
        n += t->fed.present && !t->fed.unreadable && t->rec.desired == TASK_RUN && t->status_fed.present &&
             !t->status_fed.unreadable &&
             (t->status.state == TASK_RUNNING || t->status.state == TASK_STOPPED);
    return n;
}

static int count_available(const struct core_service *s)
{
    const struct core_task *t;
    int n = 0;

    for (t = s->tasks; t; t = t->service_next)
        n += core_task_available(t);
    return n;
}

/* Why one dependency is not met yet, or NULL. One that was complete before needs only one replica now. */
static char *unmet(const struct recon *x, const struct spec_depend *d)
{
    const struct core_service *o = core_service_find(x->c, x->s->app->name, d->service);
    bool healthy = d->condition == SPEC_DEPENDS_HEALTHY;
    int have, want = 1;

    if (!o || !core_service_wanted(o) || (o->rollout_fed.present && o->rollout.replicas == 0))
        return NULL;
    have = healthy ? count_available(o) : count_started(o);
    if (o->rollout_fed.present && !o->rollout.complete)
        want = o->rollout.replicas;
    if (have >= want)
        return NULL;
    return orc_printf("%s must be %s first (%d of %d are)", o->name, healthy ? "healthy" : "started", have,
                      want);
}

/* The first deployment waits for what it depends on. NULL: nothing to wait for. */
static char *dependency(const struct recon *x)
{
    const struct spec_service *spec = x->target ? x->target->rec.spec : NULL;

    if (!spec || x->next.complete || x->s->tasks)
        return NULL;
    for (size_t i = 0; i < spec->depends_on.n; i++) {
        char *why = unmet(x, &spec->depends_on.at[i]);

        if (why)
            return why;
    }
    return NULL;
}

/* Nothing new may start in a slot while a container of it that was told to stop still runs. */
static bool waits_for_stop(struct slot *s)
{
    const struct core_task *t = s->leaving;

    if (!t)
        return false;
    wait_for(s, orc_printf("%s on %s must stop first: %s", t->id, t->node->name,
                           t->rec.stop_reason ? t->rec.stop_reason : "told to"));
    return true;
}

static void heal_empty(struct recon *x, struct slot *s, const char *dep)
{
    const char *why = s->last ? s->last->rec.stop_reason : NULL;

    if (waits_for_stop(s))
        return;
    if (!x->heal) {
        wait_for(s, orc_printf("revision %lld of %s can't be read", (long long)x->next.target, x->s->name));
    } else if (dep) {
        wait_for(s, orc_strdup(dep));
        x->s->waits_dependency = x->s->app->waiters = true;
    } else if (create(x, s, x->heal, why)) {
        set_busy(x, s);
    }
}

static void heal_lost(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = orc_printf("node %s was lost", s->head->node->name);

    if (!x->heal || waits_for_stop(s) || !create(x, s, x->heal, why))
        return;
    recon_remove(x, s->head, why);
    plan_event(x->p, "task", s->head->id, "replaced elsewhere: %s", why);
    set_busy(x, s);
}

/* Whether the slot must still wait before it is tried again; a failure of what had run well is tried at once,
 * and so is another version. */
static bool backs_off(struct recon *x, struct slot *s, const char *why)
{
    const struct core_task *t = s->head;
    bool again = t->rec.restarts > 0 && core_task_run_ms(x->c, t) < ROLLOUT_STABLE_MS;
    uint64_t ms = rollout_backoff_ms(x->next.failures), until = t->failed_at + ms;

    if (!again || strcmp(t->rec.container_hash, x->heal->rec.container_hash) != 0)
        return false;
    if (x->c->now >= until) {
        s->again = true;
        return false;
    }
    wait_for(s, orc_printf("%s; failed %d times in a row, tried again %llu s after the last", why,
                           x->next.failures + 2, (unsigned long long)ms / 1000));
    core_wake(x->c, x->s, until);
    return true;
}

static void heal_failed(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = rollout_failure(&x->v, s->head);

    if (!x->heal)
        return;
    if (!may_change(x, s)) {
        wait_for(s, orc_printf("%s; another slot must be ready first", why));
        return;
    }
    if (waits_for_stop(s) || backs_off(x, s, why) || !create(x, s, x->heal, why))
        return;
    recon_remove(x, s->head, why);
    x->next.failures += s->again;
    plan_event(x->p, "task", s->head->id, "replaced: %s", why);
    set_busy(x, s);
}

/* It runs, so it must stop before its successor starts; and it only stops if there is a place for that. */
static void heal_unhealthy(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = rollout_failure(&x->v, s->head);
    struct place_req req = {.service = x->s, .without = s->head};
    char *refused = NULL;

    if (!x->heal || x->c->hold)
        return;
    if (!may_change(x, s)) {
        wait_for(s, orc_printf("%s; another slot must be ready first", why));
        return;
    }
    req.spec = x->heal->rec.spec;
    req.pin = pin_of(x->heal, s);
    if (!place_pick(x->c, &req, &refused)) {
        wait_for(s, orc_printf("%s; and no place to restart it: %s", why, refused));
        free(refused);
        core_wait_room(x->c, x->s, true);
        return;
    }
    if (backs_off(x, s, why) || !recon_remove(x, s->head, why))
        return;
    wait_for(s, orc_printf("%s on %s must stop first: %s", s->head->id, s->head->node->name, why));
    x->next.failures += s->again;
    plan_event(x->p, "task", s->head->id, "restarted: %s", why);
    set_busy(x, s);
}

static void heal_slot(struct recon *x, struct slot *s, const char *dep)
{
    if (s->unreadable) {
        if (!s->head || s->class != CLASS_AVAILABLE || !s->compliant)
            wait_for(s, orc_strdup("the record of one of its tasks can't be read"));
        return;
    }
    if (!s->head) {
        heal_empty(x, s, dep);
        return;
    }
    switch (s->class) {
    case CLASS_LOST:
        heal_lost(x, s);
        break;
    case CLASS_FAILED:
        heal_failed(x, s);
        break;
    case CLASS_UNHEALTHY:
        heal_unhealthy(x, s);
        break;
    case CLASS_OVER:
        if (s->compliant)
            wait_for(s, rollout_failure(&x->v, s->head));
        break;
    case CLASS_UNKNOWN:
        wait_for(s, x->c->hold ? orc_strdup(x->c->hold) : rollout_failure(&x->v, s->head));
        break;
    default:
        break;
    }
}

void recon_heal(struct recon *x)
{
    orc_auto_free char *dep = dependency(x);
    struct slot *s;

    orc_vec_each (s, &x->v.at)
        if (s->open)
            heal_slot(x, s, dep);
}

/* ---- rolling ----------------------------------------------------------------------------------------- */

/* Stop-first: the successor is made when this one has stopped; so there must be a place for it then. A
 * drained node is left in any case. */
static void roll_stop_first(struct recon *x, struct slot *s, const char *why)
{
    struct place_req req = {
        .service = x->s, .spec = x->target->rec.spec, .without = s->head, .pin = pin_of(x->target, s)};
    bool serves = s->class == CLASS_AVAILABLE, drained = s->head->node->policy.drain;
    char *refused = NULL;

    if (serves && x->available - 1 < x->next.replicas - x->parallelism) {
        if (!x->busy) /* otherwise it comes to its turn */
            wait_for(s, orc_printf("%s, but only %d of %d are available and at most %d may be missing", why,
                                   x->available, x->next.replicas, x->parallelism));
        return;
    }
    if (!drained && !place_pick(x->c, &req, &refused)) {
        wait_for(s, orc_printf("%s, but no place for it: %s", why, refused));
        free(refused);
        core_wait_room(x->c, x->s, true);
        return;
    }
    if (!recon_remove(x, s->head, why))
        return;
    x->available -= serves;
    wait_for(s, orc_printf("%s on %s must stop first: %s", s->head->id, s->head->node->name, why));
    set_busy(x, s);
}

static void roll_start_first(struct recon *x, struct slot *s, const char *why)
{
    if (create(x, s, x->target, why)) {
        set_busy(x, s);
        return;
    }
    if (x->touched + 2 > PLAN_TASKS_MAX)
        return;
    rollout_say(&x->next.reason, "start-first has no room, so slot %d is stopped first: %s", s->n,
                s->wait ? s->wait : "");
    roll_stop_first(x, s, why);
}

static void roll_slot(struct recon *x, struct slot *s)
{
    orc_auto_free char *why = slots_misfit(&x->v, s->head);
    bool start_first = x->target->rec.spec->update.order == SPEC_START_FIRST && s->class == CLASS_AVAILABLE &&
                       !slots_has_volume(x->target->rec.spec);

    if (!why || !may_change(x, s))
        return;
    if (start_first)
        roll_start_first(x, s, why);
    else
        roll_stop_first(x, s, why);
}

static bool to_roll(const struct slot *s)
{
    return s->open && s->head && !s->old && !s->compliant && !s->wait &&
           (s->class == CLASS_AVAILABLE || s->class == CLASS_STARTING || s->class == CLASS_DONE ||
            s->class == CLASS_OVER);
}

/* The delay of an update passes between the end of one batch and the beginning of the next. */
static bool batch_ready(struct recon *x)
{
    uint64_t delay = x->target->rec.spec->update.delay_ms;

    if (!delay)
        return true;
    if (x->busy)
        return false;
    if (x->s->batch_open) {
        x->s->batch_open = false;
        x->s->batch_at = x->c->now + delay;
    }
    core_wake(x->c, x->s, x->s->batch_at);
    return x->c->now >= x->s->batch_at;
}

void recon_roll(struct recon *x)
{
    int before = x->busy;
    bool any = false;
    struct slot *s;

    if (!x->target || !rollout_moves(&x->next) || x->c->hold)
        return;
    orc_vec_each (s, &x->v.at)
        any = any || to_roll(s);
    if (!any || !batch_ready(x))
        return;
    core_wake(x->c, x->s, x->s->backoff_at);
    if (x->c->now < x->s->backoff_at)
        return;
    orc_vec_each (s, &x->v.at) /* what does not serve costs nothing */
        if (to_roll(s) && s->class != CLASS_AVAILABLE)
            roll_slot(x, s);
    orc_vec_each (s, &x->v.at)
        if (to_roll(s) && s->class == CLASS_AVAILABLE)
            roll_slot(x, s);
    x->s->batch_open = x->s->batch_open || x->busy > before;
}

/* ---- guards ------------------------------------------------------------------------------------------ */

void recon_guard(struct recon *x)
{
    struct key app = core_key_service(x->s, KEY_APP), rollout = core_key_service(x->s, KEY_ROLLOUT);

    plan_guard(x->t, &app, false, x->s->app->fed.present ? x->s->app->fed.mod : 0);
    plan_guard(x->t, &rollout, false, x->s->rollout_fed.present ? x->s->rollout_fed.mod : 0);
}
