#include "tests/fakes/tls_server.c"

#include "lib/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>
#include <cmocka.h>

static char dir[] = "/tmp/orc-test-tls-XXXXXX", other[] = "/tmp/orc-test-tls-XXXXXX";
static char *ca, *other_ca, *cert, *key;
static uv_loop_t loop;
static uv_timer_t tick; /* uv_run() sleeps on when what was waited for came from a timer */
static struct orc_http *http;

static int done, error;
static char body[100], text[500];

static void on_done(const struct orc_http_res *res, void *arg)
{
    done = 1;
    error = res->error;
    snprintf(body, sizeof body, "%s", res->body);
    snprintf(text, sizeof text, "%s", res->error_text);
}

static void on_tick(uv_timer_t *timer)
{
}

/* One call to a server that asks for a certificate or doesn't, by the host name given. */
static void call(bool need_client, const char *host, const struct orc_http_tls *tls)
{
    int port;
    pid_t pid = fake_tls_start(dir, need_client, &port);
    orc_auto_free char *url = orc_printf("https://%s:%d/", host, port);
    struct orc_http_req req = {
        .url = url, .tls = tls, .on_done = on_done, .connect_timeout_ms = 20000, .timeout_ms = 20000};

    done = 0;
    orc_http_start(http, &req);
    while (!done)
        uv_run(&loop, UV_RUN_ONCE);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static int setup(void **state)
{
    if (!mkdtemp(dir) || !mkdtemp(other))
        return -1;
    fake_tls_certificates(dir);
    fake_tls_certificates(other);
    ca = orc_printf("%s/ca.pem", dir);
    other_ca = orc_printf("%s/ca.pem", other);
    cert = orc_printf("%s/client.pem", dir);
    key = orc_printf("%s/client.key", dir);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, on_tick, 5, 5);
    http = orc_http_new(&loop);
    return 0;
}

static int cleanup(void **state)
{
    orc_auto_free char *cmd = orc_printf("rm -rf '%s' '%s'", dir, other);

    http = orc_http_free(http);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    free(ca);
    free(other_ca);
    free(cert);
    free(key);
    return uv_loop_close(&loop) || system(cmd);
}

static void test_http_tls__a_server_of_the_given_authority_is_trusted(void **state)
{
    call(false, "127.0.0.1", &(struct orc_http_tls){.cacert = ca});
    assert_string_equal(text, "");
    assert_string_equal(body, "secret\nnobody");
}

static void test_http_tls__the_client_shows_its_certificate(void **state)
{
    call(true, "localhost", &(struct orc_http_tls){ca, cert, key});
    assert_string_equal(text, "");
    assert_string_equal(body, "secret\ntest client");
}

static void test_http_tls__a_server_of_another_authority_is_refused(void **state)
{
    call(false, "127.0.0.1", &(struct orc_http_tls){.cacert = other_ca});
    assert_int_equal(error, -EPROTO);
    assert_non_null(strstr(text, "TLS: "));
    call(false, "127.0.0.1", NULL); /* the system's authorities don't know it either */
    assert_int_equal(error, -EPROTO);
    assert_string_equal(body, "");
}

/* The certificate is for 127.0.0.1 and localhost; [::ffff:127.0.0.1] reaches the same listener by a third
 * name. */
static void test_http_tls__a_certificate_for_another_name_is_refused(void **state)
{
    call(false, "[::ffff:127.0.0.1]", &(struct orc_http_tls){.cacert = ca});
    assert_int_equal(error, -EPROTO);
    assert_string_equal(body, "");
}

static void test_http_tls__without_its_certificate_the_client_is_turned_away(void **state)
{
    call(true, "127.0.0.1", &(struct orc_http_tls){.cacert = ca});
    assert_true(error < 0);
    assert_non_null(strstr(text, "no client certificate was given; does the server want one?"));
    assert_string_equal(body, "");
}

static void test_http_tls__a_missing_file_is_named(void **state)
{
    call(false, "127.0.0.1", &(struct orc_http_tls){.cacert = "/nonexistent/ca.pem"});
    assert_int_equal(error, -ENOENT);
    assert_non_null(
        strstr(text, "TLS: the file /nonexistent/ca.pem can't be read: No such file or directory"));
    call(true, "127.0.0.1", &(struct orc_http_tls){ca, cert, "/nonexistent/key.pem"});
    assert_non_null(strstr(text, "/nonexistent/key.pem"));
}

static void test_http_tls__a_file_that_is_no_certificate_is_an_error(void **state)
{
    call(false, "127.0.0.1", &(struct orc_http_tls){.cacert = "/dev/null"});
    assert_int_equal(error, -EPROTO);
    call(true, "127.0.0.1", &(struct orc_http_tls){ca, "/dev/null", "/dev/null"});
    assert_int_equal(error, -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_tls__a_server_of_the_given_authority_is_trusted),
        cmocka_unit_test(test_http_tls__the_client_shows_its_certificate),
        cmocka_unit_test(test_http_tls__a_server_of_another_authority_is_refused),
        cmocka_unit_test(test_http_tls__a_certificate_for_another_name_is_refused),
        cmocka_unit_test(test_http_tls__without_its_certificate_the_client_is_turned_away),
        cmocka_unit_test(test_http_tls__a_missing_file_is_named),
        cmocka_unit_test(test_http_tls__a_file_that_is_no_certificate_is_an_error),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, setup, cleanup);
}
