/* scheduler/feed_task: what one change of a task or of its status makes of the model - what it takes on its
 * node, whom it wakes, where it is listed - for keys and records of every kind, also those that nobody should
 * have written.
 */
#include "scheduler/feed.h"
#include "scheduler/place_filter.h"
#include "tests/sim/sim.h"

/* ---- one task of shop/web on a node k1 of 8 CPUs */

struct model {
    struct core *c;
    int64_t mod;
};

static void feed_text(struct model *m, char *key, const char *text)
{
    struct orc_err err = ORC_ERR_INIT;
    struct key k;

    if (core_wants(key_parse(SIM_CLUSTER, key, &k)))
        core_feed_value(m->c, &k, text, strlen(text), 1, ++m->mod, &err);
    free(key);
}

static void drop(struct model *m, char *key)
{
    struct key k;

    key_parse(SIM_CLUSTER, key, &k);
    core_feed_delete(m->c, &k);
    free(key);
}

static void feed_node_k(struct model *m, int k)
{
    orc_auto_free char *name = orc_printf("k%d", k), *address = orc_printf("10.0.0.%d", 10 + k),
                       *subnet = orc_printf("10.210.%d.0/24", k);
    struct record_node n = {
        .capacity = {INT64_C(8000000000), 8000 * SIM_MIB}, .address = address, .subnet = subnet};
    orc_auto_free char *text = record_node_text(&n);

    feed_text(m, key_node(SIM_CLUSTER, name), text);
    feed_text(m, key_alive(SIM_CLUSTER, name), "{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}");
}

static struct model begin(void)
{
    struct model m = {.c = core_new(), .mod = 1};

    core_lead(m.c);
    feed_node_k(&m, 1);
    feed_node_k(&m, 2);
    return m;
}

static struct record_task record(int slot, int64_t attempt)
{
    struct record_task r = {.app = (char *)"shop",
                            .service = (char *)"web",
                            .slot = slot,
                            .attempt = attempt,
                            .revision = 1,
                            .reason = (char *)"first deployment",
                            .address = (char *)"10.210.1.5",
                            .pids = 100,
                            .resources = {INT64_C(1000000000), 64 * SIM_MIB}};

    memset(r.container_hash, 'a', SPEC_HASH_MAX - 1);
    return r;
}

static void put(struct model *m, const char *node, const struct record_task *r)
{
    orc_auto_free char *id = orc_printf("shop.web.%d.%lld", r->slot, (long long)r->attempt);
    orc_auto_free char *text = record_task_text(r);

    feed_text(m, key_task(SIM_CLUSTER, node, id), text);
}

static void say(struct model *m, const char *node, const char *id, enum task_state state)
{
    struct record_status st = {.state = state, .exit_code = -1};
    orc_auto_free char *text = record_status_text(&st);

    feed_text(m, key_status(SIM_CLUSTER, node, id), text);
}

static const struct core_node *node(const struct model *m, const char *name)
{
    const struct core_node *n = core_node_find(m->c, name);

    assert_non_null(n);
    return n;
}

static const struct core_task *task(const struct model *m, int slot, int64_t attempt)
{
    const struct core_service *s = core_service_find(m->c, "shop", "web");

    return s ? core_task_find(s, slot, attempt, node(m, "k1")) : NULL;
}

/* "1000 m, 64 MiB, 100 processes, 1 task": what is taken of the node. */
static void assert_taken(const struct model *m, const char *name, int64_t milli, int64_t mib, int64_t pids,
                         int tasks)
{
    const struct core_node *n = node(m, name);

    assert_int_equal(n->used.cpus_nano, milli * 1000000);
    assert_int_equal(n->used.memory, mib * SIM_MIB);
    assert_int_equal(n->pids, pids);
    assert_int_equal(n->n_tasks, tasks);
}

/* ---- what a task takes */

/* Until it has stopped, by its status alone; its address until its record goes. */
static void test_feed_task__takes_room_until_it_has_stopped_and_its_address_until_it_is_gone(void **state)
{
    static const struct {
        enum task_state state;
        bool holds;
    } cases[] = {{TASK_ASSIGNED, true}, {TASK_PULLING, true}, {TASK_CREATING, true},
                 {TASK_STARTING, true}, {TASK_RUNNING, true}, {TASK_STOPPING, true},
                 {TASK_STOPPED, false}, {TASK_FAILED, false}, {TASK_REMOVED, false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        for (int first = 0; first < 2; first++) { /* the status came before the record */
            struct record_task r = record(0, 1);
            struct model m = begin();

            if (first)
                say(&m, "k1", "shop.web.0.1", cases[i].state);
            put(&m, "k1", &r);
            if (!first)
                say(&m, "k1", "shop.web.0.1", cases[i].state);
            assert_taken(&m, "k1", cases[i].holds ? 1000 : 0, cases[i].holds ? 64 : 0,
                         cases[i].holds ? 100 : 0, cases[i].holds);
            assert_false(place_address_free(node(&m, "k1"), 5));
            say(&m, "k1", "shop.web.0.1", TASK_RUNNING); /* it was a mistake */
            assert_taken(&m, "k1", 1000, 64, 100, 1);
            drop(&m, key_task(SIM_CLUSTER, "k1", "shop.web.0.1"));
            assert_taken(&m, "k1", 0, 0, 0, 0);
            assert_true(place_address_free(node(&m, "k1"), 5));
            core_free(m.c);
        }
}

/* Fed again it is counted as it is now, on its own node. */
static void test_feed_task__a_record_put_again_is_counted_once(void **state)
{
    struct record_task r = record(0, 1), other = record(1, 2);
    struct model m = begin();

    for (int i = 0; i < 3; i++)
        put(&m, "k1", &r);
    assert_taken(&m, "k1", 1000, 64, 100, 1);
    r.resources = (struct spec_resources){INT64_C(500000000), 32 * SIM_MIB};
    r.pids = 7;
    r.address = (char *)"10.210.1.6";
    put(&m, "k1", &r);
    assert_taken(&m, "k1", 500, 32, 7, 1);
    assert_true(place_address_free(node(&m, "k1"), 5));
    assert_false(place_address_free(node(&m, "k1"), 6));
    put(&m, "k2", &other);
    assert_taken(&m, "k1", 500, 32, 7, 1);
    assert_taken(&m, "k2", 1000, 64, 100, 1);
    core_free(m.c);
}

/* What can't be read counts as it was; a status that can't be read says nothing. */
static void test_feed_task__what_becomes_unreadable_takes_what_it_took(void **state)
{
    struct record_task r = record(0, 1);
    struct model m = begin();

    put(&m, "k1", &r);
    feed_text(&m, key_task(SIM_CLUSTER, "k1", "shop.web.0.1"), "{");
    assert_taken(&m, "k1", 1000, 64, 100, 1);
    assert_false(place_address_free(node(&m, "k1"), 5));
    say(&m, "k1", "shop.web.0.1", TASK_STOPPED);
    assert_taken(&m, "k1", 0, 0, 0, 0);
    put(&m, "k1", &r);
    assert_taken(&m, "k1", 0, 0, 0, 0);
    core_free(m.c);
}

/* Of two at one address it is free only when both are gone, in whatever order. */
static void test_feed_task__an_address_that_two_have_is_held_by_both(void **state)
{
    for (int turn = 0; turn < 2; turn++) {
        struct record_task a = record(0, 1), b = record(1, 2);
        struct model m = begin();

        put(&m, "k1", &a);
        put(&m, "k1", &b);
        drop(&m, key_task(SIM_CLUSTER, "k1", turn ? "shop.web.1.2" : "shop.web.0.1"));
        assert_false(place_address_free(node(&m, "k1"), 5));
        drop(&m, key_task(SIM_CLUSTER, "k1", turn ? "shop.web.0.1" : "shop.web.1.2"));
        assert_true(place_address_free(node(&m, "k1"), 5));
        core_free(m.c);
    }
}

/* What is no address holds none, and is told as it was written. */
static void test_feed_task__what_is_no_address_holds_none(void **state)
{
    static const struct {
        const char *address; /* NULL: none */
        int octet;           /* 0: it holds none */
        bool told;
    } cases[] = {{"10.210.1.5", 5, true},
                 {"10.210.1.254", 254, true},
                 {"10.0.0.11", 11, true},
                 {NULL, 0, false},
                 {"0.0.0.0", 0, true},
                 {"fd00::5", 0, true},
                 {"10.210.1", 0, true},
                 {"web", 0, true},
                 {"", 0, true}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct record_task r = record(0, 1);
        struct key k = {
            .kind = KEY_TASK, .node = "k1", .app = "shop", .service = "web", .task = "shop.web.0.1"};
        struct plan_task told;
        struct model m = begin();
        struct record_task back;
        char text[16];
        int held = 0;

        r.address = (char *)cases[i].address;
        core_feed_put(m.c, &k, &r, 1, 7);
        for (int octet = 1; octet < 255; octet++)
            if (!place_address_free(node(&m, "k1"), octet)) {
                assert_int_equal(octet, cases[i].octet);
                held++;
            }
        assert_int_equal(held, cases[i].octet != 0);
        told = core_task_plan((struct core_task *)task(&m, 0, 1));
        back = plan_task_record(&told, text);
        assert_true(orc_streq(back.address, cases[i].told ? cases[i].address : NULL));
        core_free(m.c);
    }
}

/* Only ports of the server are taken, each once. */
static void test_feed_task__takes_the_ports_of_its_server(void **state)
{
    struct spec_port ports[] = {{.host_ip = (char *)"", .host = 8080, .container = 80},
                                {.host_ip = (char *)"", .container = 81},
                                {.host_ip = (char *)"127.0.0.1", .host = 8082, .container = 82, .udp = true}};
    struct record_task r = record(0, 1);
    struct model m = begin();

    r.ports.at = ports;
    r.ports.n = 3;
    put(&m, "k1", &r);
    put(&m, "k1", &r);
    assert_int_equal(node(&m, "k1")->ports.n, 2);
    assert_int_equal(node(&m, "k1")->ports.at[0].port.host, 8080);
    assert_int_equal(node(&m, "k1")->ports.at[1].port.host, 8082);
    assert_string_equal(node(&m, "k1")->ports.at[1].id, "shop.web.0.1");
    say(&m, "k1", "shop.web.0.1", TASK_STOPPED);
    assert_int_equal(node(&m, "k1")->ports.n, 0);
    say(&m, "k1", "shop.web.0.1", TASK_RUNNING);
    assert_int_equal(node(&m, "k1")->ports.n, 2);
    core_free(m.c);
}

/* ---- keys and records that contradict each other */

/* Slots end where replicas do; numbers have no end but that of their type. */
static void test_feed_task__what_could_be_no_task_is_none(void **state)
{
    static const struct {
        const char *id;
        bool is;
    } cases[] = {
        {"shop.web.0.1", true},
        {"shop.web.9999.1", true},
        {"shop.web.10000.1", false},
        {"shop.web.99999999999999999999.1", false},
        {"shop.web.0.0", true},
        {"shop.web.0.9223372036854775807", true},
        {"shop.web.0.9223372036854775808", false},
        {"shop.web.-1.1", false},
        {"shop.web.0.1x", false},
        {"shop.web.x.1", false},
        {"shop.web.0", false},
        {"shop.web.0.1.2", false},
        {"shop.web.0.", false},
        {"shop.web..1", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct model m = begin();
        const struct core_service *s;

        say(&m, "k1", cases[i].id, TASK_RUNNING);
        s = core_service_find(m.c, "shop", "web");
        if ((s && s->n_tasks == 1) != cases[i].is)
            fail_msg("%s is %sa task", cases[i].id, cases[i].is ? "not " : "");
        core_free(m.c);
    }
}

/* Nor is it when whoever feeds has not looked at the key. */
static void test_feed_task__the_key_is_looked_at_here_too(void **state)
{
    static const struct {
        const char *id;
        bool is;
    } cases[] = {{"shop.web.9999.1", true}, {"shop.web.10000.1", false}, {"shop.web.10001.1", false},
                 {"shop.web.0.1x", false},  {"shop.web.0x.1", false},    {"shop.web..1", false},
                 {"shop.web.0.", false},    {"shop.web.0", false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct record_status st = {.state = TASK_RUNNING, .exit_code = -1};
        struct key k = {.kind = KEY_STATUS, .node = "k1", .app = "shop", .service = "web"};
        struct model m = begin();

        snprintf(k.task, sizeof k.task, "%s", cases[i].id);
        core_feed_put(m.c, &k, &st, 1, 7);
        assert_int_equal(core_service_find(m.c, "shop", "web") != NULL, cases[i].is);
        core_free(m.c);
    }
}

/* An address that was none, and is one now, is told as it is now. */
static void test_feed_task__an_odd_address_is_forgotten_with_it(void **state)
{
    static const char *const addresses[] = {"fd00::5", "10.210.1.7", "web", "10.210.1.8"};
    struct key k = {.kind = KEY_TASK, .node = "k1", .app = "shop", .service = "web", .task = "shop.web.0.1"};
    struct model m = begin();

    for (size_t i = 0; i < ORC_ARRAY_SIZE(addresses); i++) {
        struct record_task r = record(0, 1), back;
        struct plan_task told;
        char text[16];

        r.address = (char *)addresses[i];
        core_feed_put(m.c, &k, &r, 1, 7 + (int64_t)i);
        told = core_task_plan((struct core_task *)task(&m, 0, 1));
        back = plan_task_record(&told, text);
        assert_string_equal(back.address, addresses[i]);
        assert_int_equal(place_address_free(node(&m, "k1"), 7), i != 1);
        assert_int_equal(place_address_free(node(&m, "k1"), 8), i != 3);
    }
    core_free(m.c);
}

/* A record that says another name, slot or attempt than its key, or nonsense, is one that can't be read. */
static void test_feed_task__a_record_that_contradicts_its_key_is_not_believed(void **state)
{
    const int64_t much = INT64_C(1) << 50;

    for (int what = 0; what < 11; what++) {
        struct record_task r = record(3, 4);
        orc_auto_free char *text = NULL;
        struct model m = begin();
        bool good = what == 0 || what == 5 || what == 6;

        if (what == 1)
            r.app = (char *)"other";
        else if (what == 2)
            r.service = (char *)"db";
        else if (what == 3)
            r.slot = 2;
        else if (what == 4)
            r.attempt = 5;
        else if (what == 5)
            r.resources.cpus_nano = much;
        else if (what == 6)
            r.resources.memory = much;
        else if (what == 7)
            r.resources.cpus_nano = much + 1;
        else if (what == 8)
            r.resources.memory = much + 1;
        else if (what == 9)
            r.resources.cpus_nano = -1;
        else if (what == 10)
            r.resources.memory = -1;
        text = record_task_text(&r);
        feed_text(&m, key_task(SIM_CLUSTER, "k1", "shop.web.3.4"), text);
        assert_non_null(task(&m, 3, 4));
        assert_int_equal(task(&m, 3, 4)->fed.unreadable, !good);
        assert_int_equal(core_task_known(task(&m, 3, 4)), good);
        core_free(m.c);
    }
}

/* ---- whom it wakes */

static void settle(struct model *m)
{
    struct plan p = {0};

    core_step(m->c, 5000, 5000, &p);
    plan_release(&p);
    assert_false(m->c->frees_room);
    assert_false(m->c->occupied);
}

/* Those that wait for room are woken by what leaves some, and by nothing else. */
static void test_feed_task__wakes_those_that_wait_for_room_only_when_there_may_be_some(void **state)
{
    struct record_task r = record(0, 1), other = record(1, 2);
    struct model m = begin();

    settle(&m);
    put(&m, "k1", &r);
    assert_false(m.c->frees_room); /* it takes some */
    settle(&m);
    say(&m, "k1", "shop.web.0.1", TASK_RUNNING);
    assert_false(m.c->frees_room);
    put(&m, "k1", &r);
    assert_false(m.c->frees_room);
    put(&m, "k2", &other);
    assert_false(m.c->frees_room);
    settle(&m);
    say(&m, "k1", "shop.web.0.1", TASK_STOPPED);
    assert_true(m.c->frees_room);
    settle(&m);
    say(&m, "k1", "shop.web.0.1", TASK_REMOVED); /* it has none any more */
    assert_false(m.c->frees_room);
    put(&m, "k1", &r);
    assert_false(m.c->frees_room);
    settle(&m);
    drop(&m, key_task(SIM_CLUSTER, "k1", "shop.web.0.1")); /* its address */
    assert_true(m.c->frees_room);
    core_free(m.c);
}

/* A node that ran nothing gets a task: the first, not the second, and not the same again. */
static void test_feed_task__says_when_an_empty_node_gets_its_first_task(void **state)
{
    struct record_task a = record(0, 1), b = record(1, 2);
    struct model m = begin();

    settle(&m);
    put(&m, "k1", &a);
    assert_true(m.c->occupied);
    settle(&m);
    put(&m, "k1", &a);
    assert_false(m.c->occupied);
    put(&m, "k1", &b);
    assert_false(m.c->occupied);
    put(&m, "k2",
        &(struct record_task){.app = (char *)"shop",
                              .service = (char *)"web",
                              .slot = 7,
                              .attempt = 9,
                              .revision = 1,
                              .resources = {1, 1}});
    assert_true(m.c->occupied);
    settle(&m);
    say(&m, "k1", "shop.web.0.1", TASK_STOPPED);
    say(&m, "k1", "shop.web.1.2", TASK_STOPPED);
    settle(&m);
    put(&m, "k1", &a); /* it has stopped: it runs nothing */
    assert_false(m.c->occupied);
    core_free(m.c);
}

/* ---- what is kept of a record */

/* Whatever changes in it, the record that is put is the one that is told. */
static void test_feed_task__what_it_is_made_from_and_why_follow_the_record(void **state)
{
    static const char *const reasons[] = {"first deployment", "a slot to fill", NULL,
                                          "replaces shop.web.0.7: failed"};
    struct model m = begin();

    for (size_t i = 0; i < 16; i++) {
        struct record_task r = record(0, 1), back;
        struct plan_task told;
        char text[16];

        r.reason = (char *)reasons[i % 4];
        r.revision = 1 + (int64_t)(i / 4);
        r.restart_epoch = (int64_t)(i % 3);
        put(&m, "k1", &r);
        told = core_task_plan((struct core_task *)task(&m, 0, 1));
        back = plan_task_record(&told, text);
        assert_true(orc_streq(back.reason, r.reason));
        assert_int_equal(back.revision, r.revision);
        assert_int_equal(back.restart_epoch, r.restart_epoch);
        assert_memory_equal(back.container_hash, r.container_hash, SPEC_HASH_MAX);
    }
    core_free(m.c);
}

/* Two tasks of one content for two reasons: each keeps its own. */
static void test_feed_task__a_reason_is_its_own(void **state)
{
    struct record_task a = record(0, 1), b = record(1, 2);
    struct plan_task told;
    struct model m = begin();

    put(&m, "k1", &a);
    b.reason = (char *)"a slot to fill";
    put(&m, "k1", &b);
    told = core_task_plan((struct core_task *)task(&m, 0, 1));
    assert_string_equal(told.reason->s, "first deployment");
    told = core_task_plan((struct core_task *)task(&m, 1, 2));
    assert_string_equal(told.reason->s, "a slot to fill");
    core_free(m.c);
}

/* What is said of the container, of which most is at its default. */
static void test_feed_task__each_part_of_a_status_alone_is_kept(void **state)
{
    for (int what = 0; what < 6; what++) {
        struct record_status st = {.state = TASK_RUNNING, .exit_code = -1};
        struct record_task r = record(0, 1);
        orc_auto_free char *text = NULL;
        const struct core_task_more *more;
        struct model m = begin();

        if (what == 1)
            st.reason = (char *)"no such image";
        else if (what == 2)
            st.probe = (char *)"HTTP 503";
        else if (what == 3)
            st.restarts = 3;
        else if (what == 4)
            st.exit_code = 0;
        else if (what == 5)
            st.oom = true;
        put(&m, "k1", &r);
        text = record_status_text(&st);
        feed_text(&m, key_status(SIM_CLUSTER, "k1", "shop.web.0.1"), text);
        assert_int_equal(task(&m, 0, 1)->more != NULL, what > 0);
        more = core_task_more(task(&m, 0, 1));
        assert_true(orc_streq(more->status_reason ? more->status_reason->s : NULL, st.reason));
        assert_true(orc_streq(more->probe ? more->probe->s : NULL, st.probe));
        assert_int_equal(more->crashes, st.restarts);
        assert_int_equal(more->exit_code, st.exit_code);
        assert_int_equal(more->oom, st.oom);
        st = (struct record_status){.state = TASK_RUNNING, .exit_code = -1}; /* and is unsaid */
        free(orc_take(text));
        text = record_status_text(&st);
        feed_text(&m, key_status(SIM_CLUSTER, "k1", "shop.web.0.1"), text);
        more = core_task_more(task(&m, 0, 1));
        assert_null(more->status_reason);
        assert_null(more->probe);
        assert_int_equal(more->crashes, 0);
        assert_int_equal(more->exit_code, -1);
        assert_false(more->oom);
        core_free(m.c);
    }
}

/* ---- what is left behind */

static int orphans(const struct model *m)
{
    const struct core_task *t;
    int n = 0;

    for (t = m->c->orphans; t; t = t->more->removed_next)
        n++;
    return n;
}

/* A status without its task is to be collected, once, until either changes; in any order of coming and going.
 */
static void test_feed_task__a_status_without_its_task_is_listed(void **state)
{
    for (int order = 0; order < 2; order++) {
        struct record_task r = record(0, 1);
        struct model m = begin();

        for (int round = 0; round < 3; round++) {
            if (order)
                say(&m, "k1", "shop.web.0.1", TASK_RUNNING);
            assert_int_equal(orphans(&m), order);
            put(&m, "k1", &r);
            say(&m, "k1", "shop.web.0.1", TASK_RUNNING);
            assert_int_equal(orphans(&m), 0);
            drop(&m, key_task(SIM_CLUSTER, "k1", "shop.web.0.1"));
            assert_int_equal(orphans(&m), 1);
            say(&m, "k1", "shop.web.0.1", TASK_REMOVED);
            assert_int_equal(orphans(&m), 1);
            drop(&m, key_status(SIM_CLUSTER, "k1", "shop.web.0.1"));
            assert_int_equal(orphans(&m), 0);
            assert_null(task(&m, 0, 1));
        }
        core_free(m.c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed_task__takes_room_until_it_has_stopped_and_its_address_until_it_is_gone),
        cmocka_unit_test(test_feed_task__a_record_put_again_is_counted_once),
        cmocka_unit_test(test_feed_task__what_becomes_unreadable_takes_what_it_took),
        cmocka_unit_test(test_feed_task__an_address_that_two_have_is_held_by_both),
        cmocka_unit_test(test_feed_task__what_is_no_address_holds_none),
        cmocka_unit_test(test_feed_task__takes_the_ports_of_its_server),
        cmocka_unit_test(test_feed_task__what_could_be_no_task_is_none),
        cmocka_unit_test(test_feed_task__the_key_is_looked_at_here_too),
        cmocka_unit_test(test_feed_task__an_odd_address_is_forgotten_with_it),
        cmocka_unit_test(test_feed_task__a_record_that_contradicts_its_key_is_not_believed),
        cmocka_unit_test(test_feed_task__wakes_those_that_wait_for_room_only_when_there_may_be_some),
        cmocka_unit_test(test_feed_task__says_when_an_empty_node_gets_its_first_task),
        cmocka_unit_test(test_feed_task__what_it_is_made_from_and_why_follow_the_record),
        cmocka_unit_test(test_feed_task__a_reason_is_its_own),
        cmocka_unit_test(test_feed_task__each_part_of_a_status_alone_is_kept),
        cmocka_unit_test(test_feed_task__a_status_without_its_task_is_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
