/* Servers that are started anew: what was said of their containers before says nothing now (core_task_stale),
 * while an etcd that was away changes nothing of it. */
#include "tests/sim/sim.h"

#define BOOT(n) "boot-" #n

/* What nodelet does when it has looked at its containers: writes each status as of this start. */
static void look(struct sim *s, const char *node, const char *boot, bool runs)
{
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        const struct record_task *t = sim_task_of(kv);
        struct record_status st = {0};

        if (!t || strcmp(kv->parsed.node, node) != 0 || !sim_status_copy(s, node, kv->parsed.task, &st))
            continue;
        record_boot(boot, st.boot);
        st.health = runs ? st.health : TASK_UNKNOWN;
        st.state = runs ? st.state : TASK_STARTING;
        sim_status(s, node, kv->parsed.task, &st);
        record_status_release(&st);
    }
}

static struct sim *running(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 70000);
    for (int i = 1; i <= nodes; i++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", i);
        sim_boot(s, node, 1);
        look(s, node, BOOT(1), true);
    }
    sim_pass(s, 1000);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    return s;
}

static int available(struct sim *s)
{
    return sim_rollout(s, "shop", "web")->available;
}

static void test_reboot__a_server_back_before_anybody_noticed_is_not_believed(void **state)
{
    struct sim *s = running(3, 6);
    int64_t made = sim_attempts(s, "web");

    sim_boot(s, "k2", 2); /* the same key: its lease was still alive */
    sim_pass(s, 1000);
    assert_int_equal(available(s), 4);
    assert_rollout(s, "shop", "web", "healing", 1, "node k2 was started anew");
    look(s, "k2", BOOT(2), true);
    sim_pass(s, 1000);
    assert_int_equal(available(s), 6);
    assert_int_equal(sim_attempts(s, "web"), made);
    assert_rollout(s, "shop", "web", "complete", 1, NULL);
    sim_free(s);
}

/* The update policy counts on no container that nobody has seen since. */
static void test_reboot__an_update_takes_nothing_while_a_server_has_not_looked(void **state)
{
    struct sim *s = running(3, 3);
    struct spec_service *w = sim_spec("web", 3, "good");

    w->stop_grace_period_ms = 5000;
    sim_boot(s, "k2", 2);
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 10000);
    assert_int_equal(available(s), 2);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .revision = 1}), 3);
    look(s, "k2", BOOT(2), true);
    sim_pass(s, 60000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .revision = 2, .available = true}), 3);
    sim_free(s);
}

/* Behaviours 76, 80: the trap. All leases expire, all nodes register anew, within or after the grace. */
static void test_reboot__after_an_outage_of_etcd_all_is_as_it_was(void **state)
{
    static const uint64_t away[] = {500, 2900, 30000};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(away); i++) {
        struct sim *s = running(4, 8);
        orc_auto_free char *before = sim_map(s, "web"), *after = NULL;
        int64_t made = sim_attempts(s, "web");

        for (int k = 1; k <= 4; k++)
            sim_del(s, orc_printf("/orc/default/alive/k%d", k));
        sim_pass(s, away[i]);
        for (int k = 1; k <= 4; k++) {
            char node[16];

            snprintf(node, sizeof node, "k%d", k);
            sim_boot(s, node, 1);
            sim_pass(s, 100);
        }
        assert_int_equal(available(s), 8); /* at once: no status was written anew */
        sim_pass(s, 60000);
        after = sim_map(s, "web");
        assert_string_equal(before, after);
        assert_int_equal(sim_attempts(s, "web"), made);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        sim_free(s);
    }
}

static void test_reboot__one_whose_engine_never_comes_back_is_given_up_in_time(void **state)
{
    struct sim *s = running(3, 6);

    sim_boot(s, "k2", 2);
    sim_node_put(s, "k2", 2, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000, .not_ready = "no engine"});
    s->deaf = "k2";
    sim_pass(s, 59000);
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k2"}), 2);
    sim_pass(s, 400000);
    assert_int_equal(sim_count(s, (struct sim_want){.node = "k2"}), 0);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .available = true}), 6);
    sim_free(s);
}

static void test_reboot__a_node_that_does_not_tell_its_boot_is_believed(void **state)
{
    struct sim *s = running(2, 2);

    sim_put(s, key_alive(SIM_CLUSTER, "k1"), orc_strdup("{\"instance\":\"i\"}"));
    sim_pass(s, 1000);
    assert_int_equal(available(s), 2);
    look(s, "k2", "", true);
    sim_boot(s, "k2", 2);
    sim_pass(s, 1000);
    assert_int_equal(available(s), 2);
    sim_free(s);
}

/* Whatever order the three words arrive in. */
static void test_reboot__the_order_of_news_does_not_matter(void **state)
{
    for (int order = 0; order < 6; order++) {
        struct sim *s = running(3, 3);
        int first = order / 2, second = (first + 1 + order % 2) % 3;

        for (int i = 0; i < 3; i++) {
            int what = i == 0 ? first : i == 1 ? second : 3 - first - second;

            if (what == 0)
                sim_boot(s, "k2", 2);
            else if (what == 1)
                look(s, "k2", BOOT(2), true);
            else
                sim_node_put(s, "k2", 2, (struct sim_node_opts){.cpus = 8, .memory_mib = 8000});
            if (order % 2)
                sim_settle(s);
        }
        sim_pass(s, 3000);
        assert_int_equal(available(s), 3);
        assert_rollout(s, "shop", "web", "complete", 1, NULL);
        sim_free(s);
    }
}

static void test_reboot__what_is_kept_of_a_boot_id(void **state)
{
    char boot[RECORD_BOOT_MAX];

    record_boot("0a1b2c3d-4e5f", boot);
    assert_string_equal(boot, "0a1b2c3d");
    assert_false(record_status_is_stale(boot, "0a1b2c3d-4e5f"));
    assert_true(record_status_is_stale(boot, "0a1b2c3e-4e5f"));
    assert_false(record_status_is_stale("", "0a1b2c3e-4e5f"));
    assert_false(record_status_is_stale(boot, ""));
    assert_false(record_status_is_stale(boot, NULL));
    record_boot(NULL, boot);
    assert_string_equal(boot, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reboot__a_server_back_before_anybody_noticed_is_not_believed),
        cmocka_unit_test(test_reboot__an_update_takes_nothing_while_a_server_has_not_looked),
        cmocka_unit_test(test_reboot__after_an_outage_of_etcd_all_is_as_it_was),
        cmocka_unit_test(test_reboot__one_whose_engine_never_comes_back_is_given_up_in_time),
        cmocka_unit_test(test_reboot__a_node_that_does_not_tell_its_boot_is_believed),
        cmocka_unit_test(test_reboot__the_order_of_news_does_not_matter),
        cmocka_unit_test(test_reboot__what_is_kept_of_a_boot_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
