/* A task in the model: little is kept of it, and nothing of its record is lost. */
#include "lib/hash.h"
#include "scheduler/feed.h"
#include "scheduler/place_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static uint64_t chance(uint64_t *state, uint64_t of)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return orc_hash64(0, state, sizeof *state) % of;
}

static struct key task_key(const char *node, int slot, int64_t attempt)
{
    struct key k = {.kind = KEY_TASK, .app = "shop", .service = "web"};

    snprintf(k.node, sizeof k.node, "%s", node);
    key_task_id("shop", "web", slot, attempt, k.task);
    return k;
}

static struct key status_key(const char *node, int slot, int64_t attempt)
{
    struct key k = task_key(node, slot, attempt);

    k.kind = KEY_STATUS;
    return k;
}

static struct record_task record(int slot, int64_t attempt)
{
    struct record_task r = {
        .app = (char *)"shop", .service = (char *)"web", .slot = slot, .attempt = attempt, .revision = 1};

    memset(r.container_hash, 'a', SPEC_HASH_MAX - 1);
    return r;
}

static void feed(struct core *c, const char *node, int slot, int64_t attempt)
{
    struct record_task r = record(slot, attempt);
    struct key k = task_key(node, slot, attempt);

    core_feed_put(c, &k, &r, 1, 7);
}

static void feed_state(struct core *c, const char *node, int slot, int64_t attempt, enum task_state state)
{
    struct record_status r = {.state = state, .exit_code = -1};
    struct key k = status_key(node, slot, attempt);

    core_feed_put(c, &k, &r, 1, 8);
}

static struct core_service *web(struct core *c)
{
    return core_service_find(c, "shop", "web");
}

static char *listed(struct core *c)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);
    struct core_task *t;

    core_each_task (t, web(c))
        orc_buf_printf(&b, "%d.%lld@%s ", t->slot, (long long)t->attempt, t->node->name);
    return orc_buf_take(&b);
}

static void step(struct core *c, uint64_t now)
{
    struct plan p = {0};

    core_step(c, now, 0, &p);
    plan_release(&p);
}

/* ---- order ------------------------------------------------------------------------------------------- */

struct place {
    const char *node;
    int slot;
    int64_t attempt;
};

static void permute(struct place *at, size_t n, size_t from, int *count)
{
    for (size_t i = from; i < n; i++) {
        struct place x = at[from];

        at[from] = at[i];
        at[i] = x;
        permute(at, n, from + 1, count);
        at[i] = at[from];
        at[from] = x;
    }
    if (from < n)
        return;
    struct core *c = core_new();
    orc_auto_free char *text = NULL;

    for (size_t i = 0; i < n; i++)
        feed(c, at[i].node, at[i].slot, at[i].attempt);
    text = listed(c);
    assert_string_equal(text, "0.2@k1 0.7@k1 0.7@k2 0.9@k1 9999.1@k1 ");
    core_free(c);
    ++*count;
}

/* A person may have copied a record to another node: still each key is a task of its own. */
static void test_task__tasks_are_in_order_of_slot_attempt_and_node_however_they_came(void **state)
{
    struct place at[] = {{"k1", 0, 2}, {"k1", 0, 7}, {"k2", 0, 7}, {"k1", 0, 9}, {"k1", 9999, 1}};
    int count = 0;

    permute(at, ORC_ARRAY_SIZE(at), 0, &count);
    assert_int_equal(count, 120);
}

static void test_task__what_was_fed_and_deleted_leaves_nothing(void **state)
{
    struct core *c = core_new();
    uint64_t random = 3;
    bool there[4][3][2] = {{{0}}};

    for (int i = 0; i < 20000; i++) {
        int slot = (int)chance(&random, 4), attempt = (int)chance(&random, 3), node = (int)chance(&random, 2);
        const char *name = node ? "k2" : "k1";
        struct key k = task_key(name, slot, attempt), st = status_key(name, slot, attempt);
        int n = 0;

        there[slot][attempt][node] = chance(&random, 2);
        if (there[slot][attempt][node]) {
            feed(c, name, slot, attempt);
            feed_state(c, name, slot, attempt, (enum task_state)chance(&random, TASK_REMOVED + 1));
        } else {
            core_feed_delete(c, chance(&random, 2) ? &k : &st);
            core_feed_delete(c, &k);
            core_feed_delete(c, &st);
        }
        if (chance(&random, 5) == 0)
            step(c, 1000 + (uint64_t)i);
        for (size_t a = 0; a < sizeof there; a++)
            n += ((bool *)there)[a];
        assert_int_equal(web(c) ? web(c)->n_tasks : 0, n);
    }
    core_free(c);
}

/* ---- its record -------------------------------------------------------------------------------------- */

static char *some_text(uint64_t *random)
{
    static const char *const texts[] = {NULL, "", "first deployment", "replaces shop.web.0.3: failed"};

    return (char *)texts[chance(random, ORC_ARRAY_SIZE(texts))];
}

static struct record_task some_record(uint64_t *random, struct spec_port *port)
{
    static const char *const addresses[] = {NULL, "10.210.1.7", "0.0.0.0", "fd00::7", "not an address"};
    struct record_task r = record(3, 5);

    r.revision = (int64_t)chance(random, 3);
    r.restart_epoch = (int64_t)chance(random, 3);
    r.container_hash[5] = (char)('a' + chance(random, 2));
    r.desired = (enum task_desired)chance(random, TASK_REMOVE + 1);
    r.address = (char *)addresses[chance(random, ORC_ARRAY_SIZE(addresses))];
    r.resources = (struct spec_resources){(int64_t)chance(random, 3), (int64_t)chance(random, 3)};
    *port = (struct spec_port){(char *)(chance(random, 2) ? "" : "0.0.0.0"), (uint16_t)chance(random, 3), 80,
                               chance(random, 2)};
    r.ports.at = port;
    r.ports.n = chance(random, 2);
    r.restarts = (int)chance(random, 2);
    r.reason = some_text(random);
    r.stop_reason = some_text(random);
    r.stop_kind = (enum task_stop)chance(random, TASK_STOP_REMOVED + 1);
    r.at = (int64_t)chance(random, 2) * INT64_C(1800000000000);
    return r;
}

static void test_task__its_record_is_given_back_as_it_was_fed(void **state)
{
    struct core *c = core_new();
    uint64_t random = 5;

    for (int i = 0; i < 5000; i++) {
        struct key k = task_key("k1", 3, 5);
        struct spec_port port;
        struct record_task r = some_record(&random, &port), got;
        orc_auto_free char *want = record_task_text(&r), *have = NULL;
        struct plan_task task;
        char address[16];

        core_feed_put(c, &k, &r, 1, i + 1);
        if (chance(&random, 2) == 0)
            core_observe(c); /* frees what it takes for nothing */
        task = core_task_plan(core_tasks_from(web(c), 0));
        got = plan_task_record(&task, address);
        have = record_task_text(&got);
        assert_string_equal(have, want);
        if (chance(&random, 3) == 0)
            step(c, 1000 + (uint64_t)i);
    }
    assert_in_range(web(c)->makes.n, 1, 2); /* those no task has any more are dropped */
    core_free(c);
}

static void test_task__what_becomes_unreadable_stays_as_it_was(void **state)
{
    struct core *c = core_new();
    struct key k = task_key("k1", 0, 1), st = status_key("k1", 0, 1);
    struct core_task *t;

    feed(c, "k1", 0, 1);
    feed_state(c, "k1", 0, 1, TASK_RUNNING);
    core_feed_put(c, &k, NULL, 1, 9);
    core_feed_put(c, &st, NULL, 1, 10);
    t = core_tasks_from(web(c), 0);
    assert_true(t->fed.unreadable && t->status_fed.unreadable);
    assert_int_equal(t->fed.mod, 9);
    assert_int_equal(t->make->revision, 1);
    assert_int_equal(t->state, TASK_RUNNING);
    assert_true(core_task_holds(t));
    core_free(c);
}

/* ---- how little -------------------------------------------------------------------------------------- */

static void test_task__one_that_is_well_has_nothing_more(void **state)
{
    struct core *c = core_new();
    struct key st = status_key("k1", 0, 1);
    struct record_status r = {.state = TASK_PULLING, .exit_code = -1, .reason = (char *)"pulling"};
    struct core_task *t;

    feed(c, "k1", 0, 1);
    core_feed_put(c, &st, &r, 1, 2);
    step(c, 1000);
    t = core_tasks_from(web(c), 0);
    assert_string_equal(core_task_more(t)->status_reason->s, "pulling");
    feed_state(c, "k1", 0, 1, TASK_RUNNING);
    step(c, 2000);
    assert_null(t->more);
    assert_int_equal(core_task_more(t)->exit_code, -1);
    feed_state(c, "k1", 0, 1, TASK_FAILED);
    step(c, 3000);
    assert_int_equal(core_task_more(t)->failed_at, 3000);
    core_free(c);
}

static void test_task__many_share_what_they_have_in_common(void **state)
{
    struct core *c = core_new();
    struct core_task *t;

    for (int i = 0; i < 100; i++) {
        struct record_task r = record(i, i + 1);
        struct key k = task_key("k1", i, i + 1);

        r.reason = (char *)"first deployment";
        core_feed_put(c, &k, &r, 1, 1);
    }
    assert_int_equal(web(c)->makes.n, 1);
    core_each_task (t, web(c)) {
        assert_ptr_equal(t->make, web(c)->makes.at[0]);
        assert_ptr_equal(t->reason, t->make->reason);
    }
    assert_int_equal((uintptr_t)t % 64, 0); /* two lines of the cache, not three */
    core_free(c);
}

/* ---- addresses ----------------------------------------------------------------------------------------- */

/* A person may write two tasks with one address, or one that is not for tasks. */
static void test_task__an_address_is_free_when_nobody_holds_it_any_more(void **state)
{
    struct core *c = core_new();
    struct core_node *n = core_node_get(c, "k1");
    int held[256] = {0};
    uint64_t random = 11;

    for (int i = 0; i < 100000; i++) {
        int octet = (int)(chance(&random, 2) ? chance(&random, 256) : chance(&random, 3)), busy = 0;
        bool more = chance(&random, 100) < (i / 10000 % 2 ? 40 : 60); /* fuller and emptier by turns */

        if (!more && !held[octet])
            continue;
        held[octet] += more ? 1 : -1;
        (more ? place_hold_address : place_give_address)(n, octet);
        assert_int_equal(place_address_free(n, octet), held[octet] == 0);
        for (int k = PLACE_ADDRESS_FIRST; k <= PLACE_ADDRESS_LAST; k++)
            busy += held[k] > 0;
        assert_int_equal(n->octets.n, busy);
        assert_int_equal(place_any_address_free(n), busy < PLACE_ADDRESS_LAST - PLACE_ADDRESS_FIRST + 1);
    }
    core_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_task__tasks_are_in_order_of_slot_attempt_and_node_however_they_came),
        cmocka_unit_test(test_task__what_was_fed_and_deleted_leaves_nothing),
        cmocka_unit_test(test_task__its_record_is_given_back_as_it_was_fed),
        cmocka_unit_test(test_task__what_becomes_unreadable_stays_as_it_was),
        cmocka_unit_test(test_task__one_that_is_well_has_nothing_more),
        cmocka_unit_test(test_task__many_share_what_they_have_in_common),
        cmocka_unit_test(test_task__an_address_is_free_when_nobody_holds_it_any_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
