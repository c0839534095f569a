/* test_scheduler.c - the scheduler's process around its core, against a real etcd: schedulers that come and
 * go, a store that is killed, frozen or wiped, keys written by hand. Nodes are hollow: they report what
 * nodelet would.
 */
#include "lib/log.h"
#include "scheduler/shell.h"
#include "state/etcd_sync.h"
#include "state/record.h"
#include "state/view.h"
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored                                                                               \
    "-Wformat-truncation" /* inlined with one server it thinks that names don't fit */
#endif
#include "tests/integration/etcd_server.h"
#include "tests/integration/loop_until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define CLUSTER "test"
#define NODES 3

static struct etcd_server server;
static uv_loop_t loop;
static struct etcd *e;
static struct shell *schedulers[2];
static struct view *hollow; /* sees tasks, writes their statuses */
static bool hollow_silent;
static int64_t asked; /* the app's generation */

/* ---- writing and reading as people and nodes do */

static void put(char *key, char *value)
{
    struct etcd_answer a = {0};
    struct orc_err err = ORC_ERR_INIT;

    if (etcd_sync_put(e, &loop, key, value, 0, &a, &err) < 0)
        fail_msg("%s", err.msg);
    etcd_answer_release(&a);
    free(key);
    free(value);
}

static void delete (char *key)
{
    struct etcd_answer a = {0};

    assert_int_equal(etcd_sync_delete(e, &loop, key, &a, NULL), 0);
    etcd_answer_release(&a);
    free(key);
}

static void alive(int k, bool is)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    if (is)
        put(key_alive(CLUSTER, name),
            orc_strdup("{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}"));
    else
        delete (key_alive(CLUSTER, name));
}

static void write_nodes(void)
{
    for (int k = 1; k <= NODES; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        put(key_node(CLUSTER, name),
            orc_printf("{\"address\":\"10.0.0.1%d\",\"subnet\":\"10.210.%d.0/24\",\"capacity\":"
                       "{\"cpus_nano\":8000000000,\"memory\":8589934592}}",
                       k, k));
        alive(k, true);
    }
}

static void write_config(const char *id)
{
    struct record_config c = {0};

    record_config_default(&c, id);
    put(key_config(CLUSTER), record_config_text(&c));
    record_config_release(&c);
}

static void write_app(int64_t generation, int64_t revision, int replicas)
{
    struct record_app a = {.generation = generation};
    struct record_app_service *s = orc_vec_add(&a.services);

    asked = generation;
    s->name = orc_strdup("web");
    s->revision = revision;
    s->replicas = replicas;
    put(key_app(CLUSTER, "shop"), record_app_text(&a));
    record_app_release(&a);
}

static void write_revision(int64_t n)
{
    struct record_revision r = {.spec = spec_service_new("web")};

    r.spec->image = orc_printf("web:%lld", (long long)n);
    r.spec->health.kind = SPEC_HEALTH_TCP;
    r.spec->health.port = 80;
    r.spec->update.monitor_ms = 100;
    r.by = orc_strdup("test");
    spec_service_hash(r.spec, r.hash, r.container_hash);
    put(key_revision(CLUSTER, "shop", "web", n), record_revision_text(&r));
    record_revision_release(&r);
}

static void apply(int64_t generation, int64_t revision, int replicas)
{
    write_revision(revision);
    write_app(generation, revision, replicas);
}

static struct record_rollout rollout(void)
{
    orc_auto_free char *key = key_rollout(CLUSTER, "shop", "web");
    struct record_rollout r = {0};
    struct etcd_answer a = {0};

    if (etcd_sync_get(e, &loop, key, &a, NULL) == 0 && a.kvs.n)
        assert_int_equal(record_rollout_parse(a.kvs.at[0].value, a.kvs.at[0].value_len, &r, NULL), 0);
    etcd_answer_release(&a);
    return r;
}

/* Tasks that shall run, of any revision (0) or one. */
static int tasks(int64_t revision)
{
    orc_auto_free char *range = key_range(CLUSTER, KEY_TASK);
    struct etcd_answer a = {0};
    int n = 0;

    if (etcd_sync_range(e, &loop, range, 0, &a, NULL) < 0)
        return -1;
    for (size_t i = 0; i < a.kvs.n; i++) {
        struct record_task t = {0};

        if (record_task_parse(a.kvs.at[i].value, a.kvs.at[i].value_len, &t, NULL) == 0)
            n += t.desired == TASK_RUN && (!revision || t.revision == revision);
        record_task_release(&t);
    }
    etcd_answer_release(&a);
    return n;
}

static int64_t store_revision(void)
{
    orc_auto_free char *key = key_config(CLUSTER);
    struct etcd_answer a = {0};
    int64_t r;

    assert_int_equal(etcd_sync_get(e, &loop, key, &a, NULL), 0);
    r = a.revision;
    etcd_answer_release(&a);
    return r;
}

/* ---- hollow nodes */

static void on_written(const struct etcd_result *res, void *arg)
{
}

static void on_task(const struct etcd_kv *kv, void *arg)
{
    struct record_task t = {0};
    struct key key;
    orc_auto_free char *status = NULL;

    key_parse(CLUSTER, kv->key, &key);
    if (hollow_silent || key.kind != KEY_TASK || record_task_parse(kv->value, kv->value_len, &t, NULL) < 0)
        return;
    status = key_status(CLUSTER, key.node, key.task);
    etcd_put(e, status,
             t.desired == TASK_RUN ? "{\"state\":\"running\",\"health\":\"healthy\",\"exit_code\":-1}"
                                   : "{\"state\":\"removed\",\"health\":\"unknown\",\"exit_code\":0}",
             0, on_written, NULL);
    record_task_release(&t);
}

static void on_gone(const char *key, int64_t revision, void *arg)
{
}

static void on_batch(int64_t revision, void *arg)
{
}

static void open_hollow(void)
{
    orc_auto_free char *range = key_range(CLUSTER, KEY_TASK);
    const char *prefixes[] = {range, NULL};
    struct view_opts o = {
        .prefixes = prefixes, .on_put = on_task, .on_delete = on_gone, .on_batch = on_batch};

    hollow_silent = false;
    hollow = view_new(&loop, e, &o);
}

/* ---- schedulers */

static void start_scheduler(int i)
{
    struct orc_strv urls = {0};
    struct shell_opts o = {.etcd = &urls, .cluster = CLUSTER, .host = "test"};
    orc_auto_free char *id = orc_printf("test-%d", i);
    struct orc_err err = ORC_ERR_INIT;

    orc_strv_add(&urls, server.url);
    o.id = id;
    schedulers[i] = shell_new(&loop, &o, &err);
    assert_non_null(schedulers[i]);
    orc_strv_release(&urls);
}

/* As SIGKILL would: nothing is given back. */
static void kill_scheduler(int i)
{
    schedulers[i] = shell_free(schedulers[i]);
}

static bool completed(void *arg)
{
    struct record_rollout r = rollout();
    bool is = r.state == ROLLOUT_COMPLETE && r.generation == asked && r.complete == *(int64_t *)arg &&
              r.available == r.replicas && r.replicas > 0;

    record_rollout_release(&r);
    return is;
}

static void wait_complete(int64_t revision)
{
    struct record_rollout r;

    if (loop_until_ms(&loop, completed, &revision, 30000))
        return;
    r = rollout();
    fail_msg("%s", record_rollout_text(&r));
}

static bool has_tasks(void *arg)
{
    return tasks(0) == *(int *)arg;
}

static void wait_tasks(int n)
{
    assert_true(loop_until(&loop, has_tasks, &n));
}

static int setup(void **state)
{
    struct orc_strv urls = {0};
    struct etcd_opts o = {.endpoints = &urls, .timeout_ms = 1000};

    orc_log_init("test", ORC_LOG_ERROR, false);
    etcd_server_start(&server);
    uv_loop_init(&loop);
    orc_strv_add(&urls, server.url);
    e = etcd_new(&loop, &o, NULL);
    orc_strv_release(&urls);
    write_config("0123456789abcdef0123456789abcdef");
    write_nodes();
    open_hollow();
    return 0;
}

static int teardown(void **state)
{
    for (int i = 0; i < 2; i++)
        schedulers[i] = shell_free(schedulers[i]);
    hollow = view_free(hollow);
    e = etcd_free(e);
    assert_true(loop_close(&loop));
    etcd_server_stop(&server);
    return 0;
}

/* ---- tests */

static void test_scheduler__an_app_is_placed_updated_scaled_and_removed(void **state)
{
    start_scheduler(0);
    apply(1, 1, 4);
    wait_complete(1);
    assert_int_equal(tasks(1), 4);
    apply(2, 2, 4);
    wait_complete(2);
    assert_int_equal(tasks(2), 4);
    assert_int_equal(tasks(1), 0);
    write_app(3, 2, 1);
    wait_tasks(1);
    delete (key_app(CLUSTER, "shop"));
    wait_tasks(0);
}

static bool leads(void *arg)
{
    orc_auto_free char *key = key_leader(CLUSTER);
    struct record_leader l = {0};
    struct etcd_answer a = {0};
    bool is = false;

    if (etcd_sync_get(e, &loop, key, &a, NULL) == 0 && a.kvs.n &&
        record_leader_parse(a.kvs.at[0].value, a.kvs.at[0].value_len, &l, NULL) == 0)
        is = strcmp(l.id, arg) == 0;
    record_leader_release(&l);
    etcd_answer_release(&a);
    return is;
}

static void test_scheduler__when_the_leader_dies_the_other_goes_on_and_nothing_is_decided_twice(void **state)
{
    char other[] = "test-1";
    struct record_rollout before, after;

    start_scheduler(0);
    apply(1, 1, 4);
    wait_complete(1);
    start_scheduler(1);
    before = rollout();
    kill_scheduler(0);
    assert_true(loop_until(&loop, leads, other));
    apply(2, 1, 6);
    wait_complete(1);
    after = rollout();
    assert_int_equal(tasks(1), 6);
    assert_int_equal(after.attempts, before.attempts + 2);
    record_rollout_release(&before);
    record_rollout_release(&after);
}

static void on_resigned(void *arg)
{
    *(bool *)arg = true;
}

static bool is_set(void *arg)
{
    return *(bool *)arg;
}

static void test_scheduler__a_clean_stop_hands_over_at_once(void **state)
{
    char first[] = "test-0", other[] = "test-1";
    bool stopped = false;

    start_scheduler(0);
    assert_true(loop_until(&loop, leads, first));
    start_scheduler(1);
    loop_for(&loop, 200);
    shell_stop(schedulers[0], on_resigned, &stopped);
    assert_true(loop_until(&loop, is_set, &stopped));
    kill_scheduler(0);
    assert_true(loop_until(&loop, leads, other));
}

/* Behaviour 89: its leader key is gone, and it does not know yet: etcdctl blocks our loop */
static void test_scheduler__a_deposed_leader_writes_nothing(void **state)
{
    /* as another leader would: on a lease */
    orc_auto_free char *another = orc_printf(
        "put /orc/" CLUSTER "/leader '{\"id\":\"another\",\"host\":\"x\"}' --lease=$(ETCDCTL_API=3 etcdctl "
        "--endpoints=%s lease grant 60 | cut -d' ' -f2)",
        server.url);
    char first[] = "test-0";
    int none = 0;

    start_scheduler(0);
    assert_true(loop_until(&loop, leads, first));
    write_revision(1);
    assert_true(etcd_ctl(&server, "del /orc/" CLUSTER "/leader"));
    assert_true(etcd_ctl(&server, another));
    assert_true(etcd_ctl(&server, "put /orc/" CLUSTER "/apps/shop "
                                  "'{\"generation\":1,\"services\":[{\"name\":\"web\",\"revision\":1,"
                                  "\"replicas\":4}]}'"));
    loop_for(&loop, 1500);
    assert_true(has_tasks(&none));
}

static void test_scheduler__at_rest_nothing_is_written(void **state)
{
    int64_t revision;

    start_scheduler(0);
    start_scheduler(1);
    apply(1, 1, 4);
    wait_complete(1);
    loop_for(&loop, 1000);
    revision = store_revision();
    loop_for(&loop, 3000);
    assert_int_equal(store_revision(), revision);
}

static void test_scheduler__etcd_killed_and_back_changes_nothing(void **state)
{
    struct record_rollout before, after;

    start_scheduler(0);
    apply(1, 1, 4);
    wait_complete(1);
    before = rollout();
    etcd_server_kill(&server);
    loop_for(&loop, 5000);
    etcd_server_again(&server);
    apply(2, 1, 5);
    wait_complete(1);
    after = rollout();
    assert_int_equal(after.attempts, before.attempts + 1);
    record_rollout_release(&before);
    record_rollout_release(&after);
}

static void test_scheduler__in_a_wiped_store_it_decides_nothing(void **state)
{
    start_scheduler(0);
    apply(1, 1, 4);
    wait_complete(1);
    hollow_silent = true;
    etcd_server_kill(&server);
    etcd_server_wipe(&server);
    etcd_server_again(&server);
    write_config("ffffffffffffffffffffffffffffffff");
    write_nodes();
    apply(1, 1, 2);
    loop_for(&loop, 5000);
    assert_int_equal(tasks(0), 0);
}

/* Behaviours 75, 78. */
static void test_scheduler__a_silent_node_is_replaced_and_its_return_doubles_nothing(void **state)
{
    orc_auto_free char *prefix = key_tasks_of(CLUSTER, "k2");
    struct etcd_answer a = {0};

    start_scheduler(0);
    apply(1, 1, 6);
    wait_complete(1);
    alive(2, false);
    loop_for(&loop, 1500);
    alive(2, true);
    loop_for(&loop, 3000);
    assert_int_equal(etcd_sync_range(e, &loop, prefix, 0, &a, NULL), 0);
    assert_int_equal(a.kvs.n, 2); /* a hiccup moved nothing */
    etcd_answer_release(&a);
    alive(2, false);
    loop_for(&loop, 4000);
    wait_complete(1);
    alive(2, true);
    loop_for(&loop, 1000);
    assert_int_equal(tasks(0), 6);
}

static void test_scheduler__keys_written_by_hand_stop_nobody(void **state)
{
    start_scheduler(0);
    apply(1, 1, 3);
    wait_complete(1);
    orc_log_init("test", ORC_LOG_ERROR, false);
    put(orc_strdup("/orc/test/tasks/k1/shop.web.7.1"), orc_strdup("garbage"));
    put(orc_strdup("/orc/test/tasks/k1/neither fish nor flesh"), orc_strdup("{}"));
    put(orc_strdup("/orc/test/apps/other"), orc_strdup("[[["));
    put(orc_strdup("/orc/test/nodes/k9"), orc_strdup("{\"capacity\":-1}"));
    put(orc_strdup("/orc/test/what"), orc_strdup("ever"));
    apply(2, 2, 5);
    wait_complete(2);
    assert_int_equal(tasks(2), 5);
}

static void test_scheduler__three_hundred_replicas_come_and_go(void **state)
{
    start_scheduler(0);
    apply(1, 1, 300);
    wait_complete(1);
    assert_int_equal(tasks(1), 300);
    write_app(2, 1, 3);
    wait_tasks(3);
}

static bool all_have_begun(void *arg)
{
    orc_auto_free char *range = key_range(CLUSTER, KEY_ROLLOUT);
    struct etcd_answer a = {0};
    int64_t *ret = arg;
    bool all;

    assert_int_equal(etcd_sync_range(e, &loop, range, 0, &a, NULL), 0);
    all = a.kvs.n == 10;
    *ret = all ? a.kvs.at[0].create_revision : 0;
    for (size_t i = 0; i < a.kvs.n && all; i++)
        assert_int_equal(a.kvs.at[i].create_revision, *ret);
    etcd_answer_release(&a);
    return all;
}

/* Ten requests would be ten times the work for etcd. */
static void test_scheduler__an_apps_services_begin_in_one_transaction(void **state)
{
    struct record_app a = {.generation = 1};
    int64_t revision = 0;

    start_scheduler(0);
    for (int i = 0; i < 10; i++) {
        struct record_app_service *s = orc_vec_add(&a.services);
        struct record_revision r = {.spec = spec_service_new("web"), .by = orc_strdup("test")};

        r.spec->image = orc_strdup("web:1");
        spec_service_hash(r.spec, r.hash, r.container_hash);
        s->name = orc_printf("s%d", i);
        s->revision = 1;
        s->replicas = 2;
        put(key_revision(CLUSTER, "shop", s->name, 1), record_revision_text(&r));
        record_revision_release(&r);
    }
    loop_for(&loop, 500);
    put(key_app(CLUSTER, "shop"), record_app_text(&a));
    record_app_release(&a);
    assert_true(loop_until(&loop, all_have_begun, &revision));
    wait_tasks(20);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_scheduler__an_app_is_placed_updated_scaled_and_removed),
        TEST(test_scheduler__when_the_leader_dies_the_other_goes_on_and_nothing_is_decided_twice),
        TEST(test_scheduler__a_clean_stop_hands_over_at_once),
        TEST(test_scheduler__a_deposed_leader_writes_nothing),
        TEST(test_scheduler__at_rest_nothing_is_written),
        TEST(test_scheduler__etcd_killed_and_back_changes_nothing),
        TEST(test_scheduler__in_a_wiped_store_it_decides_nothing),
        TEST(test_scheduler__a_silent_node_is_replaced_and_its_return_doubles_nothing),
        TEST(test_scheduler__keys_written_by_hand_stop_nobody),
        TEST(test_scheduler__an_apps_services_begin_in_one_transaction),
        TEST(test_scheduler__three_hundred_replicas_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
