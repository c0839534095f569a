/* scheduler/echo: a task that this scheduler wrote itself is taken in as its text would be, or is read. */
#include "scheduler/echo.h"
#include "scheduler/feed.h"
#include "tests/sim/sim.h"

#define NAME "/orc/" SIM_CLUSTER "/tasks/k1/shop.web.0.1"

static const struct key key = {
    .kind = KEY_TASK, .node = "k1", .app = "shop", .service = "web", .task = "shop.web.0.1"};

static struct record_task record(void)
{
    struct record_task r = {.app = (char *)"shop",
                            .service = (char *)"web",
                            .attempt = 1,
                            .revision = 3,
                            .reason = (char *)"first deployment",
                            .address = (char *)"10.210.1.5",
                            .pids = 100,
                            .at = 1700000000000,
                            .resources = {INT64_C(1000000000), 64 * SIM_MIB}};

    memset(r.container_hash, 'a', SPEC_HASH_MAX - 1);
    return r;
}

/* What a core makes of a record, as a plan would write it. The plan's references are the core's. */
static struct plan_task task_of(const struct core *c)
{
    const struct core_service *s = core_service_find(c, "shop", "web");
    const struct core_task *t = s ? core_task_find(s, 0, 1, core_node_find(c, "k1")) : NULL;

    assert_non_null(t);
    return core_task_plan(t);
}

static char *text_of(const struct core *c)
{
    struct plan_task t = task_of(c);
    char address[16];
    struct record_task r = plan_task_record(&t, address);

    return record_task_text(&r);
}

/* A core that was fed the record itself, its task as a plan's, and the text that is written. */
struct writer {
    struct core *c;
    struct echo *e;
    struct plan_task task;
    char *text;
};

static struct writer writer_of(const struct record_task *r)
{
    struct writer w = {.c = core_new(), .e = echo_new()};

    core_feed_put(w.c, &key, (void *)r, 5, 5);
    w.task = task_of(w.c);
    w.text = text_of(w.c);
    return w;
}

static void writer_free(struct writer *w)
{
    echo_free(w->e);
    core_free(w->c);
    free(w->text);
}

static bool hears(struct writer *w, struct core *c, const char *value)
{
    return echo_feed(w->e, c, NAME, &key, value, strlen(value), 9, 9);
}

/* By the echo if it may, and as text: both cores are told the same. */
static void check_same(const struct record_task *r, bool kept)
{
    struct writer w = writer_of(r);
    struct core *a = core_new(), *b = core_new();
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *by_text = NULL, *by_echo = NULL;

    echo_expect(w.e, NAME, w.text, &w.task);
    core_feed_value(a, &key, w.text, strlen(w.text), 9, 9, &err);
    assert_int_equal(hears(&w, b, w.text), kept);
    if (kept) {
        by_text = text_of(a);
        by_echo = text_of(b);
        assert_string_equal(by_echo, by_text);
        assert_string_equal(by_echo, w.text);
        assert_int_equal(core_node_find(b, "k1")->used.memory, core_node_find(a, "k1")->used.memory);
        assert_int_equal(task_of(b).mod, 9);
    } else {
        assert_null(core_service_find(b, "shop", "web")); /* nothing was fed */
    }
    core_free(a);
    core_free(b);
    writer_free(&w);
}

static void test_echo__is_what_the_text_says(void **state)
{
    struct spec_port ports[] = {{.host_ip = (char *)"", .host = 8080, .container = 80},
                                {.host_ip = (char *)"127.0.0.1", .host = 53, .container = 53, .udp = true}};
    struct record_task r = record();

    check_same(&r, true);
    r.ports.at = ports;
    r.ports.n = 2;
    r.restarts = 7;
    r.restart_epoch = 2;
    check_same(&r, true);
    r.desired = TASK_REMOVE;
    r.stop_kind = TASK_STOP_DRAINED;
    r.stop_reason = (char *)"node k1 is drained";
    check_same(&r, true);
    r.reason = r.address = NULL;
    check_same(&r, true);
}

/* The text says less than the task: it is cut, or mended, or is no address. */
static void test_echo__what_is_not_written_as_it_is_is_read(void **state)
{
    orc_auto_free char *most = orc_calloc(1, RECORD_REASON_MAX + 1), *more = NULL;
    struct record_task r = record();

    memset(most, 'x', RECORD_REASON_MAX);
    more = orc_printf("%sx", most);
    r.reason = most;
    check_same(&r, true);
    r.reason = more;
    check_same(&r, false);
    r.reason = (char *)"k1: pl\xc3\xa4ne";
    check_same(&r, false);
    r.reason = (char *)"cut within \xc3";
    check_same(&r, false);
    r = record();
    r.stop_reason = more;
    check_same(&r, false);
    r = record();
    r.address = (char *)"fd00::5";
    check_same(&r, false);
}

static void test_echo__another_text_is_read(void **state)
{
    struct record_task r = record();
    struct writer w = writer_of(&r);
    orc_auto_free char *longer = orc_printf("%s ", w.text), *shorter = orc_strdup(w.text),
                       *other = orc_strdup(w.text);
    const char *const texts[] = {longer, shorter, other, ""};
    struct core *c = core_new();

    shorter[strlen(shorter) - 1] = '\0';
    *strchr(other, '3') = '4';
    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++) {
        echo_expect(w.e, NAME, w.text, &w.task);
        assert_false(hears(&w, c, texts[i]));
        assert_false(hears(&w, c, w.text)); /* nothing is expected any more */
    }
    echo_expect(w.e, NAME, w.text, &w.task);
    assert_false(echo_feed(w.e, c, NAME "0", &key, w.text, strlen(w.text), 9, 9));
    echo_clear(w.e);
    assert_false(hears(&w, c, w.text));
    assert_null(core_service_find(c, "shop", "web"));
    core_free(c);
    writer_free(&w);
}

/* Written once more before the first was seen: the last counts. */
static void test_echo__the_last_of_two_is_expected(void **state)
{
    struct record_task r = record();
    struct writer first = writer_of(&r), second;
    struct core *c = core_new();

    r.desired = TASK_DRAIN;
    second = writer_of(&r);
    echo_expect(first.e, NAME, first.text, &first.task);
    echo_expect(first.e, NAME, second.text, &second.task);
    core_free(second.c); /* what is expected outlives where it came from */
    second.c = NULL;
    assert_true(hears(&first, c, second.text));
    assert_int_equal(task_of(c).desired, TASK_DRAIN);
    core_free(c);
    writer_free(&first);
    writer_free(&second);
}

static void test_echo__so_many_at_most(void **state)
{
    struct record_task r = record();
    struct writer w = writer_of(&r);
    struct core *c = core_new();

    for (int i = 0; i < ECHO_MAX + 2; i++) {
        orc_auto_free char *name = orc_printf("%s%d", NAME, i);

        echo_expect(w.e, name, w.text, &w.task);
    }
    for (int i = 0; i < ECHO_MAX + 2; i++) {
        orc_auto_free char *name = orc_printf("%s%d", NAME, i);

        assert_int_equal(echo_feed(w.e, c, name, &key, w.text, strlen(w.text), 9, 9), i < ECHO_MAX);
    }
    core_free(c);
    writer_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo__is_what_the_text_says),
        cmocka_unit_test(test_echo__what_is_not_written_as_it_is_is_read),
        cmocka_unit_test(test_echo__another_text_is_read),
        cmocka_unit_test(test_echo__the_last_of_two_is_expected),
        cmocka_unit_test(test_echo__so_many_at_most),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
