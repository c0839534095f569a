/* job_cluster.h - clusters that run one job, "web" of the app "shop". Included by one test program each, with
 * everything of sim.h.
 */
#ifndef TESTS_UNIT_JOB_CLUSTER_H
#define TESTS_UNIT_JOB_CLUSTER_H

#include "scheduler/job.h"
#include "tests/sim/sim.h"

SIM_FN struct spec_service *job_spec(const char *image, int completions)
{
    struct spec_service *w = sim_spec("web", completions, image);

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->run.delay_ms = 1000;
    return w;
}

SIM_FN struct sim *applied(int nodes, struct spec_service *w)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    return s;
}

SIM_FN const struct record_rollout *rollout(struct sim *s)
{
    return sim_rollout(s, "shop", "web");
}

SIM_FN const struct rollout_run *run_at(struct sim *s, size_t back)
{
    const struct record_rollout *r = rollout(s);

    assert_true(r->runs.n > back);
    return &r->runs.at[r->runs.n - 1 - back];
}

/* "state completed/wanted failures" of the newest run. */
SIM_FN void assert_run(struct sim *s, int64_t n, const char *text)
{
    const struct rollout_run *run = run_at(s, 0);
    orc_auto_free char *is =
        orc_printf("%s %d/%d %d", run_state_name(run->state), run->completed, run->wanted, run->failures);

    assert_int_equal(run->n, n);
    assert_string_equal(is, text);
    assert_int_equal(run->ended == 0, run->state == RUN_RUNNING);
}

SIM_FN int running(struct sim *s)
{
    return sim_count(s, (struct sim_want){.service = "web", .available = true});
}

/* The container of the slot's newest running task exits. */
SIM_FN void ends(struct sim *s, int slot, int exit_code)
{
    char id[KEY_TASK_MAX + 1] = "", node[KEY_NAME_MAX + 1];
    struct record_status st = {0};
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        const struct record_status *is = t ? sim_status_of(s, kv) : NULL;

        if (!is || t->slot != slot || t->desired != TASK_RUN || is->state != TASK_RUNNING)
            continue;
        snprintf(id, sizeof id, "%s", kv->parsed.task);
        snprintf(node, sizeof node, "%s", kv->parsed.node);
    }
    assert_true(id[0]);
    assert_true(sim_status_copy(s, node, id, &st));
    st.state = exit_code ? TASK_FAILED : TASK_STOPPED;
    st.health = TASK_UNKNOWN;
    st.exit_code = exit_code;
    sim_status(s, node, id, &st);
    record_status_release(&st);
    sim_settle(s);
}

#endif
