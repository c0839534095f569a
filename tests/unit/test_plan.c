/* scheduler/plan, plan_write: what is decided as text for people, as an answer to "may it be done", and as
 * compares, puts and deletions for the store; and what a plan shares with others, which it must outlive.
 */
#include "scheduler/plan_write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- builders */

static struct share_make *made_from(int64_t revision)
{
    struct record_task r = {.revision = revision, .resources = {500, 1000}, .pids = 7};

    snprintf(r.container_hash, sizeof r.container_hash, "h%d", (int)revision);
    return share_make_new(&r);
}

/* Task <slot>.<attempt> of shop/web on k1; what it refers to is the plan's alone. */
static void task(struct plan_txn *t, enum plan_kind kind, struct plan_task x)
{
    x.service = share_service_new("shop", "web");
    x.node = share_text_new("k1");
    x.make = kind == PLAN_COLLECT ? NULL : made_from(3);
    plan_task(t, kind, &x);
    share_service_drop(x.service);
    share_text_drop(x.node);
    share_make_drop(x.make);
    share_text_drop(x.reason);
    share_text_drop(x.stop_reason);
    share_text_drop(x.odd_address);
}

static struct key key_of(enum key_kind kind, const char *node)
{
    struct key k = {.kind = kind, .app = "shop", .service = "web"};

    snprintf(k.node, sizeof k.node, "%s", node);
    return k;
}

static void assert_text(const struct plan *p, const char *want)
{
    orc_auto_free char *text = plan_text(p);

    assert_string_equal(text, want);
}

/* ---- what the store is told: a line for each compare, put and deletion */

static void if_create(const char *key, int64_t revision, void *arg)
{
    orc_buf_printf(arg, "create %s = %lld\n", key, (long long)revision);
}

static void if_mod(const char *key, int64_t revision, void *arg)
{
    orc_buf_printf(arg, "mod %s = %lld\n", key, (long long)revision);
}

static void put(const char *key, const char *value, void *arg)
{
    assert_true(value[0] == '{');
    orc_buf_printf(arg, "put %s\n", key);
}

static void del(const char *key, void *arg)
{
    orc_buf_printf(arg, "delete %s\n", key);
}

static void assert_written(const struct plan_txn *t, const char *want)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 16);

    plan_write(
        t, "x",
        &(struct plan_sink){.if_create = if_create, .if_mod = if_mod, .put = put, .del = del, .arg = &b});
    assert_string_equal(orc_buf_str(&b), want);
    orc_buf_release(&b);
}

/* ---- each operation */

static void test_plan__a_task_is_made_only_where_there_is_none(void **state)
{
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");

    task(t, PLAN_TASK_CREATE,
         (struct plan_task){
             .slot = 2, .attempt = 9, .address = 0x0ad20105, .reason = share_text_new("first deployment")});
    assert_text(&p, "create shop.web.2.9 on k1 at 10.210.1.5: first deployment\n");
    assert_written(t, "create /orc/x/tasks/k1/shop.web.2.9 = 0\nput /orc/x/tasks/k1/shop.web.2.9\n");
    plan_release(&p);
}

static void test_plan__an_address_that_is_none_is_kept_as_it_is(void **state)
{
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");

    task(t, PLAN_TASK_CREATE, (struct plan_task){.attempt = 1, .reason = share_text_new("why")});
    task(t, PLAN_TASK_CREATE,
         (struct plan_task){.attempt = 2,
                            .reason = share_text_new("why"),
                            .address = 1,
                            .odd_address = share_text_new("fe80::1")});
    assert_text(&p, "create shop.web.0.1 on k1 without an address: why\n"
                    "create shop.web.0.2 on k1 at fe80::1: why\n");
    plan_release(&p);
}

static void test_plan__a_task_is_told_to_go_only_as_it_was_when_that_was_decided(void **state)
{
    static const struct {
        enum task_desired desired;
        const char *word;
    } all[] = {{TASK_DRAIN, "drain"}, {TASK_REMOVE, "remove"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        struct plan p = {0};
        struct plan_txn *t = plan_begin(&p, "shop", "web");
        orc_auto_free char *want = orc_printf("%s shop.web.0.4 on k1: node k1 was lost\n", all[i].word);

        task(t, PLAN_TASK_DESIRED,
             (struct plan_task){.attempt = 4,
                                .mod = 77,
                                .desired = all[i].desired,
                                .stop_reason = share_text_new("node k1 was lost")});
        assert_text(&p, want);
        assert_written(t, "mod /orc/x/tasks/k1/shop.web.0.4 = 77\nput /orc/x/tasks/k1/shop.web.0.4\n");
        plan_release(&p);
    }
}

/* Both keys are compared, also the one that is not there; only what is there is deleted. */
static void test_plan__what_is_collected_is_compared_whole(void **state)
{
    static const struct {
        int64_t mod, status_mod;
        const char *del;
    } all[] = {{5, 6, "delete /orc/x/tasks/k1/shop.web.0.1\ndelete /orc/x/status/k1/shop.web.0.1\n"},
               {5, 0, "delete /orc/x/tasks/k1/shop.web.0.1\n"},
               {0, 6, "delete /orc/x/status/k1/shop.web.0.1\n"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        struct plan p = {0};
        struct plan_txn *t = plan_begin(&p, "", "");
        orc_auto_free char *want = orc_printf(
            "mod /orc/x/tasks/k1/shop.web.0.1 = %lld\nmod /orc/x/status/k1/shop.web.0.1 = %lld\n%s",
            (long long)all[i].mod, (long long)all[i].status_mod, all[i].del);

        task(t, PLAN_COLLECT,
             (struct plan_task){.attempt = 1, .mod = all[i].mod, .status_mod = all[i].status_mod});
        assert_text(&p, "collect shop.web.0.1 on k1\n");
        assert_written(t, want);
        plan_release(&p);
    }
}

static void test_plan__a_rollout_says_what_it_waits_for(void **state)
{
    struct rollout_pending waits[] = {{.slot = 1, .reason = (char *)"no room"},
                                      {.slot = 4, .reason = (char *)"k2 is lost"}};
    struct record_rollout r = {.state = ROLLOUT_PAUSED,
                               .target = 4,
                               .available = 2,
                               .replicas = 5,
                               .updated = 1,
                               .reason = (char *)"by ann"};
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");

    plan_rollout_put(t, &r);
    r.reason = NULL;
    r.pending.at = waits;
    r.pending.n = 2;
    plan_rollout_put(t, &r);
    waits[0].reason = (char *)"what is said later"; /* records are copied */
    assert_text(&p, "rollout shop/web: paused, revision 4, 2 of 5 available, 1 updated: by ann\n"
                    "rollout shop/web: paused, revision 4, 2 of 5 available, 1 updated\n"
                    "  slot 1 waits: no room\n"
                    "  slot 4 waits: k2 is lost\n");
    assert_written(t, "put /orc/x/rollouts/shop/web\nput /orc/x/rollouts/shop/web\n");
    plan_release(&p);
}

/* What `orc restart` asked for is forgotten with it. */
static void test_plan__a_service_is_forgotten_with_its_intent(void **state)
{
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");

    plan_rollout_delete(t);
    assert_text(&p, "forget shop/web\n");
    assert_written(t, "delete /orc/x/rollouts/shop/web\ndelete /orc/x/intents/shop/web\n");
    plan_release(&p);
}

static void test_plan__nodes_and_gateways(void **state)
{
    struct key keys[] = {key_of(KEY_NODE_STATE, "k2"), key_of(KEY_NODE, "k2"), {.kind = KEY_SUBNET, .n = 7}};
    struct record_node_state down = {.state = NODE_DOWN, .reason = (char *)"silent"},
                             ready = {.state = NODE_READY};
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "", "");

    plan_node_state(t, "k1", &down);
    plan_node_state(t, "k3", &ready);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(keys); i++)
        plan_node_forget(t, &keys[i]);
    plan_gateway_retire(t, "g1");
    assert_text(&p, "node k1: down: silent\n"
                    "node k3: ready\n"
                    "forget node k2\n"
                    "forget the record of node k2\n"
                    "give back subnet 7\n"
                    "retire gateway g1\n");
    assert_written(t, "put /orc/x/node-state/k1\n"
                      "put /orc/x/node-state/k3\n"
                      "delete /orc/x/node-state/k2\n"
                      "delete /orc/x/nodes/k2\n"
                      "delete /orc/x/subnets/7\n"
                      "delete /orc/x/gateways/g1\n");
    plan_release(&p);
}

/* ---- guards */

/* Behaviour 89. Of each kind of key; those of a transaction before its operations. */
static void test_plan__guards_name_what_was_decided_from(void **state)
{
    static const struct {
        enum key_kind kind;
        const char *key;
    } all[] = {{KEY_APP, "apps/shop"},       {KEY_ROLLOUT, "rollouts/shop/web"},
               {KEY_TASK, "tasks/k1/t"},     {KEY_STATUS, "status/k1/t"},
               {KEY_ALIVE, "alive/k1"},      {KEY_NODE_POLICY, "node-policy/k1"},
               {KEY_NODE, "nodes/k1"},       {KEY_NODE_STATE, "node-state/k1"},
               {KEY_GATEWAY, "gateways/k1"}, {KEY_GATEWAY_ALIVE, "gateway-alive/k1"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        struct plan p = {0};
        struct plan_txn *t = plan_begin(&p, "shop", "web");
        struct key k = key_of(all[i].kind, "k1");
        orc_auto_free char *want =
            orc_printf("create /orc/x/%s = 3\nmod /orc/x/%s = 4\n", all[i].key, all[i].key);

        snprintf(k.task, sizeof k.task, "t");
        plan_guard(t, &k, true, 3);
        plan_guard(t, &k, false, 4);
        assert_written(t, want);
        plan_release(&p);
    }
}

/* A key is compared once; keys that differ in anything are each. */
static void test_plan__a_guard_is_added_once(void **state)
{
    struct key a = key_of(KEY_TASK, "k1"), other[6];
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");

    for (size_t i = 0; i < ORC_ARRAY_SIZE(other); i++)
        other[i] = a;
    other[0].kind = KEY_STATUS;
    other[1].n = 1;
    snprintf(other[2].node, sizeof other[2].node, "k2");
    snprintf(other[3].task, sizeof other[3].task, "t");
    snprintf(other[4].service, sizeof other[4].service, "api");
    snprintf(other[5].app, sizeof other[5].app, "blog");
    plan_guard(t, &a, true, 1);
    plan_guard(t, &a, true, 2);
    assert_int_equal(t->guards.n, 1);
    assert_int_equal(t->guards.at[0].revision, 1);
    plan_guard(t, &a, false, 2);
    assert_int_equal(t->guards.n, 2);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(other); i++)
        for (int twice = 0; twice < 2; twice++) {
            plan_guard(t, &other[i], true, 1);
            assert_int_equal(t->guards.n, 3 + i);
        }
    plan_release(&p);
}

/* Its heartbeat always, its policy where that was looked at. */
static void test_plan__a_node_is_guarded_once_with_its_policy_or_without(void **state)
{
    struct share_text *k1 = share_text_new("k1"), *k2 = share_text_new("k2"), *k3 = share_text_new("k3");
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");

    plan_guard_node(t, k1, 5, 6);
    plan_guard_node(t, k1, 7, 8);
    plan_guard_node(t, k2, 5, PLAN_ANY);
    plan_guard_node(t, k3, 0, 0);
    share_text_drop(k1);
    share_text_drop(k2);
    share_text_drop(k3);
    assert_written(t, "create /orc/x/alive/k1 = 5\nmod /orc/x/node-policy/k1 = 6\n"
                      "create /orc/x/alive/k2 = 5\n"
                      "create /orc/x/alive/k3 = 0\nmod /orc/x/node-policy/k3 = 0\n");
    plan_release(&p);
}

/* ---- transactions and events */

static void test_plan__one_without_an_operation_is_dropped_with_its_events(void **state)
{
    struct plan p = {0};
    struct key k = key_of(KEY_APP, "");

    plan_notice(&p, "node", "k1", "told in any case");
    plan_rollout_delete(plan_begin(&p, "shop", "web"));
    plan_event(&p, "service", "shop/web", "is %s", "over");
    plan_end(&p);
    plan_guard(plan_begin(&p, "shop", "api"), &k, false, 1);
    plan_event(&p, "service", "shop/api", "is told to nobody");
    plan_event(&p, "service", "shop/api", "nor is this");
    plan_end(&p);
    assert_int_equal(p.txns.n, 1);
    assert_int_equal(p.events.n, 2);
    assert_true(p.events.at[0].txn == PLAN_NO_TXN);
    assert_int_equal(p.events.at[1].txn, 0);
    assert_string_equal(p.events.at[1].message, "is over");
    assert_string_equal(p.events.at[1].object, "shop/web");
    assert_false(plan_empty(&p));
    plan_release(&p);
    assert_true(plan_empty(&p));
    assert_int_equal(p.events.n, 0);
}

static void test_plan__an_event_belongs_to_the_transaction_that_is_named(void **state)
{
    struct plan p = {0};

    plan_rollout_delete(plan_begin(&p, "shop", "a"));
    plan_rollout_delete(plan_follow(&p, "shop", "b"));
    plan_event(&p, "service", "shop/b", "the last");
    plan_event_of(&p, &p.txns.at[0], "service", "shop/a", "the first");
    assert_false(p.txns.at[0].follows);
    assert_true(p.txns.at[1].follows);
    assert_int_equal(p.events.at[0].txn, 1);
    assert_int_equal(p.events.at[1].txn, 0);
    plan_release(&p);
}

/* ---- what is shared */

/* What is only for committing goes; what it does, and to whom, is as before. */
static void test_plan__one_that_is_kept_says_the_same(void **state)
{
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");
    struct share_text *node = share_text_new("k1");
    orc_auto_free char *before = NULL, *after = NULL;

    task(t, PLAN_TASK_CREATE, (struct plan_task){.attempt = 1, .reason = share_text_new("why")});
    plan_guard(t, &(struct key){.kind = KEY_APP, .app = "shop"}, false, 7);
    plan_guard_node(t, node, 5, 0);
    before = plan_text(&p);
    plan_trim(&p);
    after = plan_text(&p);
    assert_string_equal(after, before);
    assert_int_equal(t->guards.n + t->nodes.n, 0);
    assert_int_equal(t->ops.cap, 1);
    assert_int_equal(node->refs, 1);
    plan_release(&p);
    share_text_drop(node);
}

/* A plan may outlive whom it was made from, and the other way round. */
static void test_plan__holds_what_it_refers_to(void **state)
{
    struct plan p = {0};
    struct plan_txn *t = plan_begin(&p, "shop", "web");
    struct plan_task x = {.service = share_service_new("shop", "web"),
                          .node = share_text_new("k1"),
                          .make = made_from(3),
                          .reason = share_text_new("why"),
                          .attempt = 1};

    plan_task(t, PLAN_TASK_CREATE, &x);
    plan_task(t, PLAN_TASK_CREATE, &x);
    assert_int_equal(x.node->refs, 3);
    assert_int_equal(x.make->refs, 3);
    assert_int_equal(x.service->refs, 3);
    plan_release(&p);
    assert_int_equal(x.node->refs, 1);
    assert_int_equal(x.make->refs, 1);
    assert_int_equal(x.reason->refs, 1);
    assert_string_equal(share_text_str(x.reason), "why");
    share_service_drop(x.service);
    share_text_drop(x.node);
    share_make_drop(x.make);
    share_text_drop(x.reason);
}

static void test_share__a_text_is_changed_only_where_it_differs(void **state)
{
    struct share_text *t = NULL, *before;

    share_text_set(&t, NULL);
    assert_null(t);
    share_text_set(&t, "a");
    before = share_text_ref(t);
    share_text_set(&t, "a");
    assert_ptr_equal(t, before);
    share_text_set(&t, "b");
    assert_ptr_not_equal(t, before);
    assert_string_equal(share_text_str(t), "b");
    assert_string_equal(share_text_str(before), "a"); /* whoever holds it keeps it */
    assert_int_equal(before->refs, 1);
    share_text_set(&t, NULL);
    assert_null(t);
    share_text_drop(before);
    assert_null(share_text_drop(NULL));
    assert_null(share_text_str(NULL));
}

/* Tasks are made alike when everything that a revision gives them is the same: each member counts. */
static void test_share__what_a_task_is_made_from_is_compared_in_every_member(void **state)
{
    struct spec_port port = {.host_ip = (char *)"", .host = 8080, .container = 80};
    struct record_task like = {
        .revision = 3, .restart_epoch = 1, .container_hash = "h", .resources = {5, 6}, .pids = 7};
    struct share_make *m;
    struct record_task other[8];
    struct spec_port ports[5];

    like.ports.at = &port;
    like.ports.n = 1;
    m = share_make_new(&like);
    assert_true(share_make_is(m, &like));
    for (size_t i = 0; i < ORC_ARRAY_SIZE(other); i++)
        other[i] = like;
    other[0].revision++;
    other[1].restart_epoch++;
    other[2].container_hash[0] = 'i';
    other[3].resources.cpus_nano++;
    other[4].resources.memory++;
    other[5].pids++;
    other[6].ports.n = 0;
    other[7].slot++; /* is the task's own, and so is its attempt */
    other[7].attempt++;
    for (size_t i = 0; i < ORC_ARRAY_SIZE(other); i++)
        if (share_make_is(m, &other[i]) != (i == 7))
            fail_msg("case %zu", i);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(ports); i++)
        ports[i] = port;
    ports[0].host++;
    ports[1].container++;
    ports[2].udp = true;
    ports[3].host_ip = (char *)"127.0.0.1";
    for (size_t i = 0; i < ORC_ARRAY_SIZE(ports); i++) {
        like.ports.at = &ports[i];
        if (share_make_is(m, &like) != (i == 4))
            fail_msg("port %zu", i);
    }
    share_make_drop(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan__a_task_is_made_only_where_there_is_none),
        cmocka_unit_test(test_plan__an_address_that_is_none_is_kept_as_it_is),
        cmocka_unit_test(test_plan__a_task_is_told_to_go_only_as_it_was_when_that_was_decided),
        cmocka_unit_test(test_plan__what_is_collected_is_compared_whole),
        cmocka_unit_test(test_plan__a_rollout_says_what_it_waits_for),
        cmocka_unit_test(test_plan__a_service_is_forgotten_with_its_intent),
        cmocka_unit_test(test_plan__nodes_and_gateways),
        cmocka_unit_test(test_plan__guards_name_what_was_decided_from),
        cmocka_unit_test(test_plan__a_guard_is_added_once),
        cmocka_unit_test(test_plan__a_node_is_guarded_once_with_its_policy_or_without),
        cmocka_unit_test(test_plan__one_without_an_operation_is_dropped_with_its_events),
        cmocka_unit_test(test_plan__an_event_belongs_to_the_transaction_that_is_named),
        cmocka_unit_test(test_plan__one_that_is_kept_says_the_same),
        cmocka_unit_test(test_plan__holds_what_it_refers_to),
        cmocka_unit_test(test_share__a_text_is_changed_only_where_it_differs),
        cmocka_unit_test(test_share__what_a_task_is_made_from_is_compared_in_every_member),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
