#include "scheduler/reconcile_ops.h"

#include "scheduler/place.h"
#include "scheduler/rollout.h"

#include <stdio.h>

/* ---- which version ------------------------------------------------------------------------------------ */

static bool at_target(const struct recon *x, const struct slot *s)
{
    return s->open && s->head && slots_same_content(&x->v, s->head);
}

void recon_versions(struct recon *x)
{
    const struct slot *s;

    x->target = x->v.target;
    x->old = core_service_revision(x->s, x->next.complete);
    x->limit = rollout_limit(x->s, &x->next);
    x->at_target = (int)x->v.well;
    orc_vec_each (s, &x->v.at)
        x->at_target += at_target(x, s);
}

const struct core_revision *recon_version(const struct recon *x, const struct slot *s)
{
    int others = x->at_target - at_target(x, s);

    return x->old && others >= x->limit ? x->old : x->target;
}

/* ---- making and stopping ----------------------------------------------------------------------------- */

static struct share_text *cut_text(const char *why)
{
    orc_auto_free char *text = rollout_cut(orc_strdup(why));

    return share_text_new(text);
}

/* Who is away must not have come back meanwhile; and a drain at any price must still be asked for. */
static void guard_remove(struct plan_txn *txn, struct core_node *n)
{
    bool alive = core_node_alive(n), forced = n->forced && n->policy_fed.present;

    if (!alive || forced)
        plan_guard_node(txn, n->shared, alive ? PLAN_ANY : 0, forced ? n->policy_fed.mod : PLAN_ANY);
}

bool recon_remove(struct recon *x, struct core_task *t, enum task_stop kind, const char *why)
{
    struct plan_task task = core_task_plan(t);

    if (x->touched >= PLAN_TASKS_MAX)
        return false;
    task.desired = TASK_REMOVE;
    task.stop_kind = kind;
    task.stop_reason = cut_text(why);
    plan_task(x->t, PLAN_TASK_DESIRED, &task);
    slots_stop(&x->v, t, share_text_str(task.stop_reason));
    share_text_drop(task.stop_reason);
    guard_remove(x->t, t->node);
    place_spread_count(x->c, t, false);
    x->touched++;
    return true;
}

static struct share_make *make_from(struct recon *x, const struct core_revision *rev)
{
    struct record_task r = {.revision = rev->n,
                            .restart_epoch = x->epoch,
                            .resources = spec_service_reserved(rev->rec.spec),
                            .pids = spec_service_pids(rev->rec.spec)};

    memcpy(r.container_hash, rev->rec.container_hash, sizeof r.container_hash);
    r.ports.at = rev->rec.spec->ports.at; /* borrowed */
    r.ports.n = rev->rec.spec->ports.n;
    return core_service_make(x->s, &r);
}

/* What a revision makes in this step, found once. */
static struct share_make *make_of(struct recon *x, const struct core_revision *rev)
{
    if (x->made_from == rev && x->make->restart_epoch == x->epoch)
        return x->make;
    share_make_drop(x->make);
    x->make = make_from(x, rev);
    x->made_from = rev;
    return x->make;
}

static void guard_app(const struct recon *x, struct plan_txn *t)
{
    struct key app = core_key_service(x->s, KEY_APP);

    plan_guard(t, &app, false, x->s->app->fed.present ? x->s->app->fed.mod : 0);
}

bool recon_is_full(const struct recon *x)
{
    return x->touched + 2 > PLAN_TASKS_MAX;
}

/* Where the next task is made. */
static struct plan_txn *txn_for(struct recon *x)
{
    struct plan_txn *t = &x->p->txns.at[x->p->txns.n - 1];

    if (!recon_is_full(x) || (t->follows && t->ops.n < PLAN_TASKS_MAX))
        return t;
    t = plan_follow(x->p, x->s->app->name, x->s->service);
    x->t = &x->p->txns.at[x->first];
    guard_app(x, t);
    return t;
}

static void create_on(struct recon *x, const struct place_req *req, const struct core_revision *rev,
                      struct core_node *n, int slot, int restarts, struct share_text *reason)
{
    struct plan_txn *t = txn_for(x);
    struct plan_task task = {.service = x->s->shared,
                             .node = n->shared,
                             .make = make_of(x, rev),
                             .reason = reason,
                             .slot = slot,
                             .attempt = ++x->next.attempts,
                             .restarts = restarts,
                             .at = x->c->wall};

    task.address = place_take(x->c, n, req, slot, task.attempt);
    plan_task(t, PLAN_TASK_CREATE, &task);
    plan_guard_node(t, n->shared, n->alive_fed.create, n->policy_fed.present ? n->policy_fed.mod : 0);
    x->touched += t == x->t;
    x->c->made++;
}

void recon_wait(struct slot *s, char *why)
{
    free(s->wait);
    s->wait = why;
}

/* As far as its revision is still known. */
static bool may_have_data(const struct core_task *t)
{
    const struct core_revision *r = t->make ? core_service_revision(t->service, t->make->revision) : NULL;

    return !r || slots_is_tied(r->rec.spec);
}

/* A slot with a named volume stays where its data is. */
const struct core_node *recon_pin(const struct core_revision *rev, const struct slot *s)
{
    const struct core_node *n = s->last ? s->last->node : NULL;

    if (s->node)
        return s->node;
    if (!n || !slots_is_tied(rev->rec.spec) || (!n->fed.present && !n->alive_fed.present))
        return NULL;
    return may_have_data(s->last) ? n : NULL;
}

/* A stop for that is a failure of the task: its successor counts one restart more. */
static bool is_failure(enum task_stop kind)
{
    return kind == TASK_STOP_UNHEALTHY || kind == TASK_STOP_FAILED;
}

/* How often the slot's container was restarted for failures; another version starts from nothing. */
static int restarts_after(const struct recon *x, const struct core_revision *rev, const struct slot *s,
                          enum task_stop kind)
{
    const struct share_make *last = s->last ? s->last->make : NULL;

    if (!last || strcmp(last->container_hash, rev->rec.container_hash) != 0 || last->restart_epoch < x->epoch)
        return 0;
    return core_task_more(s->last)->restarts + is_failure(kind);
}

/* Counted for the caller. */
static struct share_text *reason_to_make(struct recon *x, const struct slot *s,
                                         const struct core_revision *rev, const char *why)
{
    orc_auto_free char *text = NULL;

    if (s->last && why) {
        text = orc_concat("replaces ", CORE_TASK_ID(s->last), ": ", why);
        return cut_text(text);
    }
    if (rev->rec.spec->job) {
        text = orc_printf("run %lld", (long long)x->epoch);
        return share_text_new(text);
    }
    if (!x->first_reason)
        x->first_reason = share_text_new(x->next.complete ? "a slot to fill" : "first deployment");
    return share_text_ref(x->first_reason);
}

static void make(struct recon *x, struct slot *s, const struct place_req *req,
                 const struct core_revision *rev, struct core_node *n, enum task_stop kind, const char *why)
{
    struct share_text *reason = reason_to_make(x, s, rev, why);

    create_on(x, req, rev, n, s->n, restarts_after(x, rev, s, kind), reason);
    share_text_drop(reason);
}

/* What of the slot counts as its own, not as another's: of a job not what another run has there. */
static const struct core_task *own_of(const struct recon *x, const struct core_revision *rev,
                                      const struct slot *s)
{
    const struct share_make *last = s->last ? s->last->make : NULL;
    bool other = rev->rec.spec->job && x->epoch && last && last->restart_epoch != x->epoch;

    return other ? NULL : s->last;
}

struct place_req recon_request(const struct recon *x, const struct slot *s, const struct core_revision *rev)
{
    return (struct place_req){.service = x->s,
                              .spec = rev->rec.spec,
                              .hash = rev->rec.container_hash,
                              .pin = recon_pin(rev, s),
                              .own = own_of(x, rev, s)};
}

bool recon_create_on(struct recon *x, struct slot *s, const struct core_revision *rev, struct core_node *n,
                     const char *why)
{
    const struct place_req req = recon_request(x, s, rev);

    if (recon_is_full(x))
        return false;
    if (s->head)
        place_spread_count(x->c, s->head, false);
    make(x, s, &req, rev, n, TASK_STOP_MOVED, why);
    return true;
}

bool recon_create(struct recon *x, struct slot *s, const struct core_revision *rev, enum task_stop kind,
                  const char *why)
{
    struct place_req req = recon_request(x, s, rev);
    char *refused = NULL;
    struct core_node *n;
    bool counted;

    if (recon_is_full(x) && s->was_pending) /* so that it stays this slot that waits until it has its task */
        recon_wait(s, orc_strdup("its turn comes"));
    if (recon_is_full(x) && s->head)
        return false;
    /* Room only shrinks within a step; but a node that is full of others may have one's own slot. */
    if (x->refused && !req.pin && rev == x->refused_of && !(spec_service_max_per_node(req.spec) && req.own)) {
        recon_wait(s, orc_strdup(x->refused));
        return false;
    }
    counted = s->head && place_spread_count(x->c, s->head, false);
    n = place_pick(x->c, &req, &refused);
    if (!n) {
        if (counted)
            place_spread_count(x->c, s->head, true);
        if (!req.pin && !x->refused) {
            x->refused = orc_strdup(refused);
            x->refused_of = rev;
        }
        recon_wait(s, refused);
        core_wait_room(x->c, x->s, true);
        return false;
    }
    if (x->between) {
        if (counted)
            place_spread_count(x->c, s->head, true);
        return true;
    }
    make(x, s, &req, rev, n, kind, why);
    x->at_target += rev == x->target && !at_target(x, s);
    return true;
}

bool recon_has_place(struct recon *x, struct slot *s, const struct core_revision *rev, const char *why,
                     const char *but)
{
    struct place_req req = recon_request(x, s, rev);
    orc_auto_free char *refused = NULL;

    req.without = s->head;
    if (place_pick(x->c, &req, &refused))
        return true;
    recon_wait(s, orc_printf("%s%s: %s", why, but, refused));
    core_wait_room(x->c, x->s, true);
    return false;
}

void recon_wait_for_stop(struct slot *s, const struct core_task *t, const char *why)
{
    recon_wait(s, orc_concat(CORE_TASK_ID(t), " on ", t->node->name, " must stop first: ", why));
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
    place_spread_kept(x->c, x->v.kept);
    if (limits_per_node(x->target) || limits_per_node(x->old))
        place_count_held(x->c, x->s, false);
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
    enum task_stop kind = TASK_STOP_SURPLUS;
    orc_auto_free char *misfit = slots_misfit(&x->v, t, &kind), *failure = rollout_failure(&x->v, t);
    orc_auto_free char *lost = orc_concat("node ", t->node->name, " was lost");

    if (k == CLASS_LOST)
        recon_remove(x, t, TASK_STOP_LOST, lost);
    else if (k != CLASS_FAILED && k != CLASS_OVER && k != CLASS_UNHEALTHY)
        recon_remove(x, t, kind, misfit ? misfit : "another task holds its slot");
    else if (recon_remove(x, t, k == CLASS_UNHEALTHY ? TASK_STOP_UNHEALTHY : TASK_STOP_FAILED, failure) &&
             !misfit) { /* a successor that failed; the next takes its time */
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

    if (!u && x->old)
        u = &x->old->rec.spec->update;
    x->parallelism = u ? spec_update_at_once(u, x->next.replicas) : 1;
    x->missing = u ? spec_update_missing(u, x->next.replicas) : 1;
    x->available = (int)x->v.well;
    orc_vec_each (s, &x->v.at) {
        s->busy = slot_busy(x, s);
        x->busy += s->busy;
        x->failing += slot_failing(x, s);
        x->available += s->open && (s->old || (s->head && s->class == CLASS_AVAILABLE));
        if (s->busy && s->class == CLASS_STARTING && s->head)
            core_wake(x->c, x->s, slots_deadline(&x->v, s->head));
    }
    if (x->busy && x->s->batch_begun) {
        x->s->batch_open = true;
        x->s->batch_begun = false;
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
    struct key rollout = core_key_service(x->s, KEY_ROLLOUT);

    guard_app(x, x->t);
    plan_guard(x->t, &rollout, false, x->s->rollout_fed.present ? x->s->rollout_fed.mod : 0);
}
