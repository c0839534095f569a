/* test_commit.c - plans into a real etcd: what follows a transaction goes in when that did, and not
 * otherwise. */
#include "lib/log.h"
#include "scheduler/commit.h"
#include "state/etcd_sync.h"
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif
#include "tests/integration/etcd_server.h"
#include "tests/integration/loop_until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define CLUSTER "test"
#define FOLLOWERS 5
#define TASKS 7 /* in each */

static struct etcd_server server;
static uv_loop_t loop;
static struct etcd *e;
static struct election *election;
static struct commit *commit;
static struct echo *echo;
static int told[2], done; /* transactions refused, committed; plans */
static size_t order[64], n_order;

static void on_txn(const struct plan_txn *txn, size_t index, bool committed, void *arg)
{
    told[committed]++;
    order[n_order++] = index;
}

static void on_done(const struct commit_result *res, void *arg)
{
    assert_int_equal(res->refused > 0, told[0] > 0);
    assert_int_equal(res->failed, 0);
    done++;
}

static void on_leader(bool leader, void *arg)
{
}

static bool leads(void *arg)
{
    return election_is_leader(election);
}

static bool is_done(void *arg)
{
    return done == *(const int *)arg;
}

static int setup(void **state)
{
    struct orc_strv urls = {0};
    struct etcd_opts o = {.endpoints = &urls, .timeout_ms = 1000};
    orc_auto_free char *key = key_leader(CLUSTER);
    struct election_opts eo = {.key = key, .value = "{}", .ttl_s = 3, .on_change = on_leader};
    struct commit_opts co = {.cluster = CLUSTER, .on_txn = on_txn, .on_done = on_done};

    orc_log_init("test", ORC_LOG_ERROR, false);
    etcd_server_start(&server);
    uv_loop_init(&loop);
    orc_strv_add(&urls, server.url);
    e = etcd_new(&loop, &o, NULL);
    orc_strv_release(&urls);
    election = election_new(&loop, e, &eo);
    assert_true(loop_until(&loop, leads, NULL));
    co.echo = echo = echo_new();
    commit = commit_new(e, &co);
    memset(told, 0, sizeof told);
    done = 0;
    n_order = 0;
    return 0;
}

static int teardown(void **state)
{
    commit = commit_free(commit);
    echo = echo_free(echo);
    election = election_free(election);
    e = etcd_free(e);
    assert_true(loop_close(&loop));
    etcd_server_stop(&server);
    return 0;
}

/* A service's record; `mod`: what it is compared with. */
static void record(struct plan *p, const char *name, int64_t mod)
{
    struct plan_txn *t = plan_begin(p, "shop", name);
    struct key k = {.kind = KEY_ROLLOUT, .app = "shop"};
    struct record_rollout r = {.state = ROLLOUT_UPDATING, .attempts = FOLLOWERS * TASKS};

    snprintf(k.service, sizeof k.service, "%s", name);
    plan_rollout_put(t, &r);
    plan_guard(t, &k, false, mod);
}

static void head(struct plan *p, int64_t mod)
{
    record(p, "web", mod);
}

static void followers(struct plan *p)
{
    struct record_task r = {.revision = 1};
    struct share_make *make = share_make_new(&r);
    struct share_service *service = share_service_new("shop", "web");
    struct share_text *node = share_text_new("k1");

    for (int f = 0; f < FOLLOWERS; f++) {
        struct plan_txn *t = plan_follow(p, "shop", "web");

        for (int i = 0; i < TASKS; i++) {
            struct plan_task task = {.service = service, .node = node, .make = make};

            task.slot = f * TASKS + i;
            task.attempt = task.slot + 1;
            plan_task(t, PLAN_TASK_CREATE, &task);
        }
        plan_guard_node(t, node, 0, 0);
    }
    share_make_drop(make);
    share_service_drop(service);
    share_text_drop(node);
}

static size_t count(enum key_kind kind)
{
    orc_auto_free char *range = key_range(CLUSTER, kind);
    struct etcd_answer a = {0};
    size_t n;

    assert_int_equal(etcd_sync_range(e, &loop, range, 0, &a, NULL), 0);
    n = a.kvs.n;
    etcd_answer_release(&a);
    return n;
}

static void send_all(struct plan *p)
{
    int plans = done + 1;

    commit_start(commit, p, election);
    assert_true(loop_until(&loop, is_done, &plans));
    plan_release(p);
}

static void put(char *key)
{
    struct etcd_answer a = {0};

    assert_int_equal(etcd_sync_put(e, &loop, key, "{}", 0, &a, NULL), 0);
    etcd_answer_release(&a);
    free(key);
}

static void test_commit__what_follows_goes_in_after_what_it_follows(void **state)
{
    struct plan p = {0};

    head(&p, 0);
    followers(&p);
    send_all(&p);
    assert_int_equal(count(KEY_TASK), FOLLOWERS * TASKS);
    assert_int_equal(told[1], 1 + FOLLOWERS);
    assert_int_equal(order[0], 0);
}

/* What comes back of it is fed without being read. */
static void test_commit__what_it_sends_is_expected(void **state)
{
    orc_auto_free char *range = key_range(CLUSTER, KEY_TASK);
    struct core *c = core_new();
    struct etcd_answer a = {0};
    struct plan p = {0};
    struct key k;

    head(&p, 0);
    followers(&p);
    send_all(&p);
    assert_int_equal(etcd_sync_range(e, &loop, range, 0, &a, NULL), 0);
    assert_int_equal(a.kvs.n, FOLLOWERS * TASKS);
    for (size_t i = 0; i < a.kvs.n; i++) {
        const struct etcd_kv *kv = &a.kvs.at[i];

        assert_int_equal(key_parse(CLUSTER, kv->key, &k), KEY_TASK);
        assert_true(
            echo_feed(echo, c, kv->key, &k, kv->value, kv->value_len, kv->create_revision, kv->mod_revision));
    }
    etcd_answer_release(&a);
    core_free(c);
}

static void test_commit__what_follows_a_refused_one_is_not_sent(void **state)
{
    struct plan p = {0};

    head(&p, 4711);
    followers(&p);
    send_all(&p);
    assert_int_equal(count(KEY_TASK), 0);
    assert_int_equal(told[0], 1 + FOLLOWERS);
    assert_int_equal(told[1], 0);
}

static void test_commit__of_those_that_follow_each_stands_for_itself(void **state)
{
    struct plan p = {0};

    put(key_task(CLUSTER, "k1", "shop.web.9.10")); /* of the second */
    head(&p, 0);
    followers(&p);
    send_all(&p);
    assert_int_equal(count(KEY_ROLLOUT), 1);
    assert_in_range(count(KEY_TASK), 1, (FOLLOWERS - 1) * TASKS + 1); /* some may have ridden with it */
    assert_int_equal(told[0] + told[1], 1 + FOLLOWERS);
    assert_true(told[0] > 0);
}

static void test_commit__a_plan_of_several_sends_each_behind_its_own(void **state)
{
    struct plan p = {0};

    head(&p, 4711); /* refused */
    followers(&p);
    plan_begin(&p, "", "");
    plan_gateway_retire(&p.txns.at[p.txns.n - 1], "g1");
    send_all(&p);
    assert_int_equal(count(KEY_TASK), 0);
    assert_int_equal(told[0], 1 + FOLLOWERS);
    assert_int_equal(told[1], 1);
}

/* Behaviour 33. */
static void test_commit__one_that_never_holds_keeps_its_app_only_once(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct plan p = {0};

        record(&p, "sick", 4711);
        record(&p, "web", i < 2 ? 0 : 4711);
        record(&p, "worker", i < 2 ? 0 : 4711);
        memset(told, 0, sizeof told);
        send_all(&p);
        assert_int_equal(count(KEY_ROLLOUT), i ? 2 : 0);
        assert_int_equal(told[0], i == 1 ? 1 : 3);
    }
}

static void test_commit__without_the_lead_nothing_is_sent_and_all_is_told(void **state)
{
    struct plan p = {0};

    head(&p, 0);
    followers(&p);
    election = election_free(election);
    commit_start(commit, &p, NULL);
    assert_int_equal(done, 1);
    assert_int_equal(told[0], 1 + FOLLOWERS);
    assert_int_equal(count(KEY_TASK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_commit__what_follows_goes_in_after_what_it_follows, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_commit__what_it_sends_is_expected, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit__what_follows_a_refused_one_is_not_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_commit__of_those_that_follow_each_stands_for_itself, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_commit__a_plan_of_several_sends_each_behind_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_commit__one_that_never_holds_keeps_its_app_only_once, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_commit__without_the_lead_nothing_is_sent_and_all_is_told, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
