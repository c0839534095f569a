/* lib/metrics: the real server on loopback, asked by lib/http. */
#include "lib/http.h"
#include "lib/mem.h"
#include "lib/metrics.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

struct fixture {
    uv_loop_t loop;
    struct orc_http *http;
    struct orc_metrics *metrics;
    char address[32];
    double value;
    int status, scrapes;
    bool done;
    char *body;
};

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static void collect(struct orc_metrics_text *t, void *arg)
{
    struct fixture *f = arg;

    f->scrapes++;
    orc_metric_gauge(t, "orc_test_value", "A value.", f->value);
    orc_metric(t, "orc_test_tasks", "gauge", "Tasks by state.");
    orc_metric_sample(t, "state", "running", 3);
    orc_metric_sample(t, "state", "a\"b\\c\nd", 1);
}

static int setup(void **state)
{
    struct fixture *f = orc_new(struct fixture);
    struct orc_err err = ORC_ERR_INIT;

    uv_loop_init(&f->loop);
    f->http = orc_http_new(&f->loop);
    snprintf(f->address, sizeof f->address, "127.0.0.1:%d", free_port());
    if (orc_metrics_serve(&f->loop, f->address, collect, f, &f->metrics, &err) < 0)
        fail_msg("%s", err.msg);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    orc_metrics_free(f->metrics);
    orc_http_free(f->http);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f->body);
    free(f);
    return 0;
}

static void on_done(const struct orc_http_res *res, void *arg)
{
    struct fixture *f = arg;

    f->done = true;
    f->status = res->status;
    orc_set_str(&f->body, res->body);
}

static int ask(struct fixture *f, const char *method, const char *path)
{
    orc_auto_free char *url = orc_printf("http://%s%s", f->address, path);

    f->done = false;
    orc_http_start(f->http,
                   &(struct orc_http_req){.method = method, .url = url, .on_done = on_done, .arg = f});
    while (!f->done)
        uv_run(&f->loop, UV_RUN_ONCE);
    return f->status;
}

static void has(const struct fixture *f, const char *line)
{
    if (!strstr(f->body, line))
        fail_msg("not in the answer: %s\n%s", line, f->body);
}

static void test_metrics__samples_are_asked_for_at_each_scrape(void **state)
{
    struct fixture *f = *state;

    f->value = 1.5;
    assert_int_equal(ask(f, "GET", "/metrics"), 200);
    has(f, "# HELP orc_test_value A value.\n# TYPE orc_test_value gauge\norc_test_value 1.5\n");
    f->value = 12345678901;
    assert_int_equal(ask(f, "GET", "/metrics"), 200);
    has(f, "\norc_test_value 12345678901\n");
    assert_int_equal(f->scrapes, 2);
}

static void test_metrics__label_values_are_escaped(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "GET", "/metrics"), 200);
    has(f, "\norc_test_tasks{state=\"running\"} 3\norc_test_tasks{state=\"a\\\"b\\\\c\\nd\"} 1\n");
}

static void test_metrics__the_process_tells_about_itself(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "GET", "/metrics"), 200);
    has(f, "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total ");
    has(f, "\nprocess_resident_memory_bytes ");
    assert_null(strstr(f->body, "process_resident_memory_bytes 0\n"));
}

static void test_metrics__nothing_else_is_served(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, "GET", "/"), 404);
    assert_int_equal(ask(f, "GET", "/metrics/../etc/passwd"), 404);
    assert_int_equal(ask(f, "DELETE", "/metrics"), 405);
    assert_int_equal(f->scrapes, 0);
}

static void test_metrics__an_address_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"",           "9420",        "10.0.0.11",       "somewhere:9420",
                                      "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:http",
                                      "[::1:9420"};
    struct fixture *f = *state;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        struct orc_metrics *m = NULL;
        struct orc_err err = ORC_ERR_INIT;

        assert_int_equal(orc_metrics_serve(&f->loop, bad[i], collect, f, &m, &err), -EINVAL);
        assert_non_null(strstr(err.msg, "ADDR:PORT is expected"));
    }
}

static void test_metrics__an_address_in_use_is_said(void **state)
{
    struct fixture *f = *state;
    struct orc_metrics *m = NULL;
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(orc_metrics_serve(&f->loop, f->address, collect, f, &m, &err), -EADDRINUSE);
    assert_non_null(strstr(err.msg, f->address));
    assert_non_null(strstr(err.msg, "in use"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_metrics__##name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(samples_are_asked_for_at_each_scrape), TEST(label_values_are_escaped),
        TEST(the_process_tells_about_itself),       TEST(nothing_else_is_served),
        TEST(an_address_that_is_none_is_refused),   TEST(an_address_in_use_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
