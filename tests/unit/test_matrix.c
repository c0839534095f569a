/* The promises of an update, of scaling and of a lost node, for every small number: tables that leave no
 * combination out, watched act by act.
 */
#include "tests/sim/rolling.h"

static int most(int a, int b)
{
    return a > b ? a : b;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* ---- updates */

/* How many may change at once (specs/spec.h: a percentage is rounded up where the new one comes first, down
 * where the old one goes first; at least one). 0 of both: all. */
static int at_once(const struct want *w)
{
    if (w->percent)
        return most(1, (w->replicas * w->percent + (w->order == SPEC_START_FIRST ? 99 : 0)) / 100);
    return least(w->parallelism, w->replicas);
}

static void one_update(struct want w)
{
    struct sim *s = deployed(3, w);
    int n = at_once(&w);
    struct seen x;

    update(s, 2, w);
    x = watch(s, 60000);
    if (w.order == SPEC_STOP_FIRST) {
        if (x.least_available != w.replicas - n || x.most_running != w.replicas)
            fail_msg("%d replicas, %d at once, stop-first: %d available, %d in all", w.replicas, n,
                     x.least_available, x.most_running);
    } else if (x.least_available != w.replicas || x.most_running > w.replicas + 2 * n) {
        fail_msg("%d replicas, %d at once, start-first: %d available, %d in all", w.replicas, n,
                 x.least_available, x.most_running);
    }
    assert_in_range(x.most_changing, 1, n);
    assert_rollout(s, "shop", "web", "complete", 2, NULL);
    assert_int_equal(sim_count(s, (struct sim_want){.revision = 2, .available = true}), w.replicas);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), w.replicas);
    sim_free(s);
}

/* Behaviours 44, 46. Start-first: beside the new ones, at most as many old ones still stop. */
static void test_matrix__every_update_keeps_to_its_numbers(void **state)
{
    static const int percents[] = {1, 25, 34, 50, 99, 100};

    for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
        for (int replicas = 1; replicas <= 7; replicas++) {
            struct want w = {.replicas = replicas, .order = (enum spec_order)order};

            for (w.parallelism = 1; w.parallelism <= replicas + 1; w.parallelism++)
                one_update(w);
            for (size_t i = 0; i < ORC_ARRAY_SIZE(percents); i++) {
                w.percent = percents[i];
                one_update(w);
            }
        }
}

/* What becomes of a version that does not work, whatever is wrong with it. */
static const struct outcome {
    const char *image, *why;
    bool no_health;
    uint64_t after_ms; /* it is known by then */
} outcomes[] = {
    {"missing", "no such image: missing", false, 30000},
    {"sick", "unhealthy: HTTP 503", false, 30000},
    {"crash", "crashed: exit code", true, 30000},
    {"stuck", "did not become available in time", false, 300000},
    {"exit1", "exit code 1", false, 30000},
};

static void one_failure(const struct outcome *x, enum spec_order order, enum spec_failure_action action)
{
    struct want w = {
        .replicas = 3, .order = order, .action = action, .image = x->image, .no_health = x->no_health};
    struct sim *s = deployed(3, w);
    int serving = 3 - (order == SPEC_STOP_FIRST);
    struct seen seen;

    update(s, 2, w);
    seen = watch(s, x->after_ms);
    if (!x->no_health && seen.least_available < serving)
        fail_msg("%s: %d of 3 were available", x->image, seen.least_available);
    if (action == SPEC_ON_FAILURE_ROLLBACK)
        assert_rollout(s, "shop", "web", "rolled-back", 1, x->why);
    else if (action == SPEC_ON_FAILURE_PAUSE)
        assert_rollout(s, "shop", "web", "paused", 2, x->why);
    else if (!x->no_health) /* what crashed once has run since */
        assert_rollout(s, "shop", "web", "updating", 2, "revision 2 failed: ");
    if (action == SPEC_ON_FAILURE_ROLLBACK)
        assert_int_equal(sim_count(s, (struct sim_want){.revision = 1, .available = true}), 3);
    else if (!x->no_health && sim_count(s, (struct sim_want){.revision = 1, .available = true}) < serving)
        fail_msg("%s: too few of the old version serve", x->image);
    sim_free(s);
}

/* Behaviours 47, 48, 50, 51, 67. */
static void test_matrix__every_failure_ends_as_it_was_asked_for(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(outcomes); i++)
        for (int order = SPEC_STOP_FIRST; order <= SPEC_START_FIRST; order++)
            for (int action = SPEC_ON_FAILURE_PAUSE; action <= SPEC_ON_FAILURE_ROLLBACK; action++)
                one_failure(&outcomes[i], (enum spec_order)order, (enum spec_failure_action)action);
}

/* ---- scaling */

static int on(struct sim *s, int k)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", k);
    return sim_count(s, (struct sim_want){.service = "web", .node = node, .available = true});
}

static bool is_even(struct sim *s, int nodes)
{
    int low = 1000, high = 0;

    for (int k = 1; k <= nodes; k++) {
        low = least(low, on(s, k));
        high = most(high, on(s, k));
    }
    return high - low <= 1;
}

/* How many slots have the task they had. */
static int unchanged(const char *before, const char *after)
{
    int n = 0;

    for (const char *p = before; *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        const char *at = memmem(after, strlen(after), p, len);

        n += at != NULL;
        p += len;
    }
    return n;
}

/* Behaviours 20, 35, 36, 37, 38: from every number to every other. */
static void test_matrix__from_every_number_of_replicas_to_every_other(void **state)
{
    for (int nodes = 1; nodes <= 4; nodes++)
        for (int from = 0; from <= 8; from++)
            for (int to = 0; to <= 8; to++) {
                struct sim *s = sim_of(nodes);
                orc_auto_free char *before = NULL, *after = NULL;
                struct seen x;

                sim_apply(s, "shop", 1, sim_spec("web", from, "good"));
                sim_pass(s, 5000);
                before = sim_map(s, "web");
                sim_scale(s, "shop", "web", to);
                x = watch(s, 5000);
                after = sim_map(s, "web");
                assert_int_equal(sim_available(s, "web"), to);
                assert_int_equal(x.least_available, least(from, to));
                assert_in_range(x.most_running, 0, most(from, to));
                assert_int_equal(unchanged(before, after), least(from, to));
                assert_rollout(s, "shop", "web", "complete", 1, NULL);
                if (!is_even(s, nodes))
                    fail_msg("from %d to %d on %d nodes: %s", from, to, nodes, after);
                sim_free(s);
            }
}

/* ---- lost nodes */

/* Behaviours 75, 77, 78: of every small cluster every number of nodes, none of which are most of them. */
static void test_matrix__what_a_lost_node_had_is_elsewhere_and_nothing_else_is_touched(void **state)
{
    for (int nodes = 2; nodes <= 6; nodes++)
        for (int lost = 1; 2 * lost <= nodes; lost++)
            for (int replicas = 1; replicas <= 2 * nodes; replicas++) {
                struct sim *s = sim_of(nodes);
                orc_auto_free char *before = NULL, *after = NULL;
                char name[16];
                int64_t made;
                int had = 0;

                sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
                sim_pass(s, 5000);
                before = sim_map(s, "web");
                made = sim_attempts(s, "web");
                for (int k = 1; k <= lost; k++) {
                    had += on(s, k);
                    snprintf(name, sizeof name, "k%d", k);
                    sim_alive(s, name, false);
                }
                sim_pass(s, 2999);
                assert_int_equal(sim_attempts(s, "web"), made); /* nothing yet */
                sim_pass(s, 1001);
                after = sim_map(s, "web");
                assert_int_equal(sim_available(s, "web"), replicas);
                assert_int_equal(unchanged(before, after), replicas - had);
                assert_int_equal(sim_attempts(s, "web"), made + had);
                for (int k = 1; k <= lost; k++) {
                    snprintf(name, sizeof name, "k%d", k);
                    assert_int_equal(sim_count(s, (struct sim_want){.node = name}), 0);
                    sim_alive(s, name, true);
                }
                sim_pass(s, 5000);
                assert_int_equal(sim_available(s, "web"), replicas);
                assert_int_equal(sim_count(s, (struct sim_want){.leaving = true}), 0);
                sim_free(s);
            }
}

/* ---- failed checks */

static int restarts_of(struct sim *s, int slot)
{
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *key = NULL;

    assert_true(sim_task_in(s, "web", slot, id, node));
    key = key_task(SIM_CLUSTER, node, id);
    return sim_task_of(sim_find(s, key))->restarts;
}

/* Behaviours 44, 64: so many fail at once. Those that serve are left alone, no more than the policy allows
 * are restarted at a time, each counts one restart more. */
static void test_matrix__however_many_fail_at_once_what_works_is_left_alone(void **state)
{
    for (int replicas = 1; replicas <= 6; replicas++)
        for (int sick = 1; sick <= replicas; sick++)
            for (int parallelism = 1; parallelism <= replicas; parallelism++) {
                struct want w = {.replicas = replicas, .parallelism = parallelism};
                struct sim *s = deployed(3, w);
                int64_t made = sim_attempts(s, "web");
                struct seen x;

                sim_pass(s, 120000);
                for (int i = 0; i < sick; i++)
                    sim_sicken(s, "web", i);
                x = watch(s, 60000);
                assert_int_equal(x.least_available, replicas - sick);
                assert_int_equal(x.most_running, replicas);
                assert_int_equal(sim_available(s, "web"), replicas);
                assert_int_equal(sim_attempts(s, "web"), made + sick);
                for (int i = 0; i < replicas; i++)
                    assert_int_equal(restarts_of(s, i), i < sick);
                assert_rollout(s, "shop", "web", "complete", 1, NULL);
                sim_free(s);
            }
}

/* ---- room */

static const struct shape {
    int cpus, mib;
} shapes[] = {{1, 500}, {2, 300}, {4, 1000}, {1, 1000}, {8, 100}};

static int fit(const struct shape *n, int milli_cpus, int mib)
{
    int by_cpu = milli_cpus ? n->cpus * 1000 / milli_cpus : 1000, by_memory = mib ? n->mib / mib : 1000;

    return least(by_cpu, by_memory);
}

/* Behaviours 15, 16, 17, 18, 21: exactly as many as both CPU and memory have room for, node by node; the rest
 * waits with the number of nodes, and is placed when a node comes. */
static void test_matrix__exactly_as_many_are_placed_as_fit(void **state)
{
    static const int cpus[] = {0, 100, 250, 500, 999, 1000, 1001, 4000}, mib[] = {0, 50, 100, 101, 250, 500};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cpus); i++)
        for (size_t k = 0; k < ORC_ARRAY_SIZE(mib); k++) {
            struct spec_service *w = sim_spec("web", 60, "good");
            struct sim *s = sim_new();
            const struct record_rollout *r;
            int want = 0;

            for (size_t n = 0; n < ORC_ARRAY_SIZE(shapes); n++) {
                sim_node(s, shapes[n].cpus, shapes[n].mib);
                want += fit(&shapes[n], cpus[i], mib[k]);
            }
            want = least(want, 60);
            w->limits = (struct spec_resources){cpus[i] * INT64_C(1000000), mib[k] * SIM_MIB};
            w->update.parallelism = 0;
            sim_apply(s, "shop", 1, w);
            sim_pass(s, 5000);
            r = sim_rollout(s, "shop", "web");
            assert_int_equal(sim_available(s, "web"), want);
            assert_int_equal(r->pending.n, 60 - want);
            if (want < 60)
                assert_non_null(strstr(r->pending.at[0].reason, "0 of 5 nodes fit: "));
            for (size_t n = 0; n < ORC_ARRAY_SIZE(shapes) && want < 60; n++)
                assert_int_equal(on(s, (int)n + 1), fit(&shapes[n], cpus[i], mib[k]));
            sim_node(s, 1000, 1000000);
            sim_pass(s, 5000);
            assert_int_equal(sim_available(s, "web"), 60);
            sim_free(s);
        }
}

/* ---- host ports */

static struct spec_service *publishes(const char *name, const struct spec_port *port)
{
    struct spec_service *w = sim_spec(name, 1, "good");

    orc_vec_push(&w->ports, *port);
    w->ports.at[0].host_ip = orc_strdup(port->host_ip);
    return w;
}

static bool clash(const struct spec_port *a, const struct spec_port *b)
{
    const char *own = "10.0.0.11", *x = *a->host_ip ? a->host_ip : own, *y = *b->host_ip ? b->host_ip : own;

    return a->host == b->host && a->udp == b->udp &&
           (strcmp(x, y) == 0 || strcmp(x, "0.0.0.0") == 0 || strcmp(y, "0.0.0.0") == 0);
}

/* Behaviours 27, 28: every two of them on one node, which is 10.0.0.11; and again when the first has gone. */
static void test_matrix__every_pair_of_host_ports(void **state)
{
    static const char *const ips[] = {"", "0.0.0.0", "10.0.0.11", "127.0.0.1"};
    struct spec_port all[16];

    for (int i = 0; i < 16; i++)
        all[i] = (struct spec_port){
            .host_ip = (char *)ips[i / 4], .host = (uint16_t)(53 + i % 2), .container = 53, .udp = i / 2 % 2};
    for (int i = 0; i < 16; i++)
        for (int k = 0; k < 16; k++) {
            struct sim *s = sim_of(1);
            bool both = !clash(&all[i], &all[k]);

            sim_apply(s, "shop", 1, publishes("a", &all[i]));
            sim_settle(s);
            sim_apply(s, "shop", 1, publishes("b", &all[k]));
            sim_settle(s);
            if (sim_available(s, "b") != both)
                fail_msg("%s:%d/%d beside %s:%d/%d: %d", all[k].host_ip, all[k].host, all[k].udp,
                         all[i].host_ip, all[i].host, all[i].udp, sim_available(s, "b"));
            sim_scale(s, "shop", "a", 0);
            sim_settle(s);
            assert_int_equal(sim_available(s, "b"), 1);
            sim_free(s);
        }
}

/* ---- jobs */

static struct sim *job(const char *image, int completions, int at_once_max, int retries)
{
    struct spec_service *w = sim_spec("web", completions, image);
    struct sim *s = sim_of(3);

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->run = (struct spec_run){at_once_max, retries, 1000, 10};
    sim_apply(s, "shop", 1, w);
    return s;
}

/* As many at once as may, each number once; the most that shall run and have not ended. */
static int most_at_once(struct sim *s)
{
    int n = 0;

    for (int i = 0; i < 200; i++) {
        struct sim_kv *kv, *next;
        int now = 0;

        free(sim_step(s));
        HASH_ITER (hh, s->kvs, kv, next)
            if (sim_task_of(kv)) {
                const struct record_status *st = sim_status_of(s, kv);

                now += sim_task_of(kv)->desired == TASK_RUN && !(st && st->state >= TASK_STOPPED);
            }
        n = most(n, now);
        if (!sim_act(s))
            s->now += 1000;
    }
    return n;
}

/* docs/decisions/0115-jobs.md: it succeeds when each of its completions has, or fails when one has failed
 * once more than it may be tried again. */
static void test_matrix__every_job_runs_as_often_as_it_was_asked_for(void **state)
{
    for (int completions = 1; completions <= 5; completions++)
        for (int at_once_max = 0; at_once_max <= 6; at_once_max++)
            for (int retries = 0; retries <= 2; retries++)
                for (int fails = 0; fails < 2; fails++) {
                    struct sim *s = job(fails ? "exit1" : "exit0", completions, at_once_max, retries);
                    int may = at_once_max ? least(at_once_max, completions) : completions;
                    const struct rollout_run *run;
                    int seen = most_at_once(s);

                    run = &sim_rollout(s, "shop", "web")->runs.at[0];
                    assert_int_equal(seen, may);
                    assert_string_equal(run_state_name(run->state), fails ? "failed" : "succeeded");
                    assert_int_equal(run->completed, fails ? 0 : completions);
                    assert_int_equal(run->wanted, completions);
                    if (fails)
                        assert_true(run->failures > retries);
                    else
                        assert_int_equal(run->failures, 0);
                    sim_free(s);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix__every_update_keeps_to_its_numbers),
        cmocka_unit_test(test_matrix__every_failure_ends_as_it_was_asked_for),
        cmocka_unit_test(test_matrix__from_every_number_of_replicas_to_every_other),
        cmocka_unit_test(test_matrix__what_a_lost_node_had_is_elsewhere_and_nothing_else_is_touched),
        cmocka_unit_test(test_matrix__however_many_fail_at_once_what_works_is_left_alone),
        cmocka_unit_test(test_matrix__exactly_as_many_are_placed_as_fit),
        cmocka_unit_test(test_matrix__every_pair_of_host_ports),
        cmocka_unit_test(test_matrix__every_job_runs_as_often_as_it_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
