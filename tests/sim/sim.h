/* sim.h - a cluster in memory for tests: a store with revisions and guarded transactions, obedient nodes, a
 * virtual clock, and the scheduler's real core between them. Included by one test program each.
 *
 * What the core plans goes through plan_write() and the records' text, as with etcd. Nodes do what nodelet
 * does with a task (docs/task-model.md), in one or more rounds; what a container is like is decided by its
 * image: "good", "missing" (can't be pulled: failed), "sick" (runs, never healthy), "crash" (runs, and
 * crashes once), "exit0", "exit1" (ends), "stuck" (never leaves starting), "pull" (pulls for ever).
 */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

#include "tests/sim/sim_store.h"
#include "tests/sim/sim_write.h"

/* ---- the nodes */

/* What the store says of a task and of its container; valid until that is put again. NULL: nothing. */
SIM_FN const struct record_task *sim_task_of(const struct sim_kv *kv)
{
    return sim_value_task(kv->value);
}

SIM_FN struct sim_value *sim_status_value(const struct sim *s, const struct sim_kv *task)
{
    struct sim_kv *kv = sim_find(s, task->status_key);

    return kv ? kv->value : NULL;
}

SIM_FN const struct record_status *sim_status_of(const struct sim *s, const struct sim_kv *task)
{
    struct sim_value *v = sim_status_value(s, task);

    return v ? sim_value_status(v) : NULL;
}

/* A status to change, owned by the caller. */
SIM_FN bool sim_status_copy(struct sim *s, const char *node, const char *task, struct record_status *ret)
{
    orc_auto_free char *key = key_status(SIM_CLUSTER, node, task);
    struct sim_kv *kv = sim_find(s, key);

    return kv && record_status_parse(kv->value->text, strlen(kv->value->text), ret, NULL) == 0;
}

SIM_FN void sim_status(struct sim *s, const char *node, const char *task, const struct record_status *st)
{
    sim_put(s, key_status(SIM_CLUSTER, node, task), record_status_text(st));
}

SIM_FN bool sim_node_is_alive(struct sim *s, const char *node)
{
    orc_auto_free char *key = key_alive(SIM_CLUSTER, node);

    return sim_find(s, key) != NULL;
}

/* The next thing a running task's container does; false: nothing. */
SIM_FN bool sim_container(const char *image, struct record_status *st, bool known)
{
    if (!known) {
        st->state = strcmp(image, "pull") == 0 ? TASK_PULLING : TASK_STARTING;
        st->exit_code = -1;
        return true;
    }
    if (st->state != TASK_STARTING)
        return false;
    if (strcmp(image, "missing") == 0) {
        st->state = TASK_FAILED;
        orc_set_str(&st->reason, "no such image: missing");
    } else if (strcmp(image, "exit0") == 0) {
        st->state = TASK_STOPPED;
        st->exit_code = 0;
    } else if (strcmp(image, "exit1") == 0) {
        st->state = TASK_FAILED;
        st->exit_code = 1;
    } else if (strcmp(image, "stuck") == 0) {
        return false;
    } else {
        st->state = TASK_RUNNING;
        st->health = strcmp(image, "sick") == 0 ? TASK_UNHEALTHY : TASK_HEALTHY;
        if (st->health == TASK_UNHEALTHY)
            orc_set_str(&st->probe, "HTTP 503");
        if (strcmp(image, "crash") == 0)
            st->restarts = 1;
    }
    return true;
}

/* A task that shall go: stopped, then removed. */
SIM_FN bool sim_leave(struct record_status *st, bool known)
{
    if (known && st->state == TASK_REMOVED)
        return false;
    if (!known)
        st->exit_code = -1;
    st->state = known && st->state < TASK_STOPPED ? TASK_STOPPED : TASK_REMOVED;
    st->health = TASK_UNKNOWN;
    return true;
}

/* Nothing more happens to it by itself. */
SIM_FN bool sim_at_rest(const struct record_task *rec, const struct record_status *st)
{
    return st && (rec->desired == TASK_RUN ? st->state != TASK_STARTING : st->state == TASK_REMOVED);
}

SIM_FN bool sim_act_on(struct sim *s, const struct sim_kv *kv)
{
    const struct record_task *rec = sim_task_of(kv);
    struct record_status st = {0};
    struct sim_image *i = NULL;
    bool known, acted;

    if (sim_at_rest(rec, sim_status_of(s, kv)))
        return false;
    known = sim_status_copy(s, kv->parsed.node, kv->parsed.task, &st);
    HASH_FIND_STR(s->images, rec->container_hash, i);
    acted =
        rec->desired == TASK_RUN ? sim_container(i ? i->image : "good", &st, known) : sim_leave(&st, known);
    if (acted)
        sim_status(s, kv->parsed.node, kv->parsed.task, &st);
    record_status_release(&st);
    return acted;
}

SIM_FN int sim_by_key(const struct sim_kv *a, const struct sim_kv *b)
{
    return strcmp(a->key, b->key);
}

/* Every living node does the next thing with each of its tasks; how many did something. */
SIM_FN int sim_act(struct sim *s)
{
    struct sim_kv *kv, *next;
    int acted = 0;

    if (!s->sorted)
        HASH_SORT(s->kvs, sim_by_key);
    s->sorted = true;
    HASH_ITER (hh, s->kvs, kv, next)
        if (sim_task_of(kv) && sim_find(s, kv->alive_key) && !orc_streq(kv->parsed.node, s->deaf) &&
            (!s->slow || sim_chance(s, (unsigned)s->slow)))
            acted += sim_act_on(s, kv);
    return acted;
}

/* ---- time */

/* One step; its plan is committed and given as text (freed by the caller). */
SIM_FN char *sim_step(struct sim *s)
{
    struct plan p = {0};
    char *text;

    core_step(s->core, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    if (s->trace)
        printf("%8llu\n%s", (unsigned long long)s->now, text);
    for (size_t i = 0; i < p.txns.n; i++)
        if (!sim_commit(s, &p.txns.at[i]))
            core_retry(s->core, &p.txns.at[i]);
        else
            sim_tell(s, &p, i);
    sim_tell(s, &p, PLAN_NO_TXN);
    plan_release(&p);
    return text;
}

/* Steps until a step is empty; true when any was not. */
SIM_FN bool sim_decide(struct sim *s)
{
    for (int i = 0; i < 1000; i++) {
        orc_auto_free char *text = sim_step(s);

        if (!text[0])
            return i > 0;
        if (s->refuse)
            return true;
    }
    fail_msg("the scheduler never comes to rest");
    return false;
}

/* Decides and acts until nothing happens any more at this moment. */
SIM_FN void sim_settle(struct sim *s)
{
    for (int i = 0; i < 2000; i++) {
        bool decided = sim_decide(s);

        if (sim_act(s) == 0 && !decided && !s->slow)
            return;
        if (s->slow && i > 10)
            return;
    }
    fail_msg("scheduler and nodes never come to rest");
}

/* Lets `ms` pass, stopping at each moment at which the core wants to step. */
SIM_FN void sim_pass(struct sim *s, uint64_t ms)
{
    uint64_t end = s->now + ms;

    sim_settle(s);
    while (s->now < end) {
        uint64_t next = core_next(s->core);

        assert_true(next == 0 || next > s->now);
        s->now = next && next < end ? next : end;
        sim_settle(s);
    }
}

/* ---- looking */

/* Valid until it is put again; NULL: there is none. */
SIM_FN const struct record_rollout *sim_rollout(struct sim *s, const char *app, const char *service)
{
    orc_auto_free char *key = key_rollout(SIM_CLUSTER, app, service);
    struct sim_kv *kv = sim_find(s, key);

    if (kv)
        assert_non_null(sim_value_rollout(kv->value));
    return kv ? sim_value_rollout(kv->value) : NULL;
}

/* Highest attempt so far. */
SIM_FN int64_t sim_attempts(struct sim *s, const char *service)
{
    const struct record_rollout *r = sim_rollout(s, "shop", service);

    return r ? r->attempts : 0;
}

SIM_FN void assert_rollout(struct sim *s, const char *app, const char *service, const char *state,
                           int64_t target, const char *reason_has)
{
    const struct record_rollout *r = sim_rollout(s, app, service);

    assert_non_null(r);
    assert_string_equal(rollout_state_name(r->state), state);
    assert_int_equal(r->target, target);
    if (reason_has && !(r->reason && strstr(r->reason, reason_has)))
        fail_msg("reason is \"%s\", without \"%s\"", r->reason ? r->reason : "", reason_has);
    if (!reason_has)
        assert_null(r->reason);
}

struct sim_want { /* NULL, 0: any */
    const char *service, *node;
    int64_t revision;
    bool available, leaving; /* only such */
};

/* Tasks with desired run (or leaving and not stopped) that match. */
SIM_FN int sim_count(struct sim *s, struct sim_want w)
{
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        const struct record_status *st = t ? sim_status_of(s, kv) : NULL;

        n += t && (!w.service || strcmp(w.service, t->service) == 0) &&
             (!w.node || strcmp(w.node, kv->parsed.node) == 0) &&
             (!w.revision || w.revision == t->revision) &&
             (w.leaving ? t->desired != TASK_RUN && !(st && st->state >= TASK_STOPPED)
                        : t->desired == TASK_RUN) &&
             (!w.available ||
              (st && st->state == TASK_RUNNING && st->health == TASK_HEALTHY && sim_find(s, kv->alive_key)));
    }
    return n;
}

SIM_FN int sim_keys(struct sim *s, enum key_kind kind)
{
    struct sim_kv *kv, *next;
    int n = 0;

    HASH_ITER (hh, s->kvs, kv, next)
        n += kv->parsed.kind == kind;
    return n;
}

/* "slot@node.revision slot@node.revision ..." of tasks with desired run, by slot; freed by the caller. */
SIM_FN char *sim_map(struct sim *s, const char *service)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);
    struct sim_kv *kv, *next;

    for (int slot = 0; slot < 64; slot++)
        HASH_ITER (hh, s->kvs, kv, next) {
            const struct record_task *t = sim_task_of(kv);

            if (t && t->desired == TASK_RUN && t->slot == slot && strcmp(t->service, service) == 0)
                orc_buf_printf(&b, "%s%d@%s.%lld", b.len ? " " : "", slot, kv->parsed.node,
                               (long long)t->revision);
        }
    return orc_buf_take(&b);
}

/* The id and node of the task that shall run in a slot. */
SIM_FN bool sim_task_in(struct sim *s, const char *service, int slot, char ret_id[KEY_TASK_MAX + 1],
                        char ret_node[KEY_NAME_MAX + 1])
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);

        if (!t || t->desired != TASK_RUN || t->slot != slot || strcmp(t->service, service) != 0)
            continue;
        snprintf(ret_id, KEY_TASK_MAX + 1, "%s", kv->parsed.task);
        snprintf(ret_node, KEY_NAME_MAX + 1, "%s", kv->parsed.node);
        return true;
    }
    return false;
}

/* The container of a slot turns bad as nodelet would report it. */
SIM_FN void sim_turn(struct sim *s, const char *service, int slot, enum task_state state,
                     enum task_health health, const char *probe)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};

    assert_true(sim_task_in(s, service, slot, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    st.state = state;
    st.health = health;
    orc_set_str(&st.probe, probe);
    sim_status(s, node, id, &st);
    record_status_release(&st);
}

SIM_FN void sim_sicken(struct sim *s, const char *service, int slot)
{
    sim_turn(s, service, slot, TASK_RUNNING, TASK_UNHEALTHY, "HTTP 503 after 2 ms");
}

/* The container of the slot crashed and was started again by its node. */
SIM_FN void sim_crash(struct sim *s, const char *service, int slot)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    struct record_status st = {0};

    assert_true(sim_task_in(s, service, slot, id, node));
    assert_true(sim_status_copy(s, node, id, &st));
    st.restarts++;
    sim_status(s, node, id, &st);
    record_status_release(&st);
}

/* ---- beginnings */

/* Living nodes k1 ... of 8 CPUs and 8000 MiB. */
SIM_FN struct sim *sim_of(int nodes)
{
    struct sim *s = sim_new();

    for (int i = 0; i < nodes; i++)
        sim_node(s, 8, 8000);
    return s;
}

/* ... on which one service of the app "shop" is complete, for two minutes; what was told of that is
 * forgotten. Takes w. */
SIM_FN struct sim *sim_running(int nodes, struct spec_service *w)
{
    orc_auto_free char *name = orc_strdup(w->name);
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, w);
    sim_pass(s, 120000);
    assert_rollout(s, "shop", name, "complete", 1, NULL);
    sim_events_clear(s);
    return s;
}

/* Available tasks of a service. */
SIM_FN int sim_available(struct sim *s, const char *service)
{
    return sim_count(s, (struct sim_want){.service = service, .available = true});
}

#endif
