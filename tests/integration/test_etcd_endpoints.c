/* test_etcd_endpoints.c - the client and the addresses it is given: failover, sockets, certificates. */
#include "state/guard.h"
#include "state/lease.h"
#include "state/view.h"
#include "tests/fakes/http_server.c"
#include "tests/fakes/tls_server.c"
#include "tests/integration/etcd_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static int open_loop(void **state)
{
    return uv_loop_init(&loop);
}

static void test_etcd__malformed_endpoints_are_refused_with_what_would_do(void **state)
{
    static const char *const bad[] = {"",          "ftp://h:1",       "http://",       "http://a b:1",
                                      "unix:sock", "http://h:1/path", "http://u@h:23", "http://h:1?x"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++) {
        assert_null(client(0, 1, bad[i]));
        assert_non_null(strstr(err.msg, "http://HOST:PORT"));
    }
}

static void test_etcd__an_endpoint_without_a_scheme_is_http(void **state)
{
    e = client(0, 1, strstr(server.url, "127"));
    assert_string_equal(etcd_endpoint(e), server.url);
}

/* Behaviour 93. */
static void test_etcd__a_dead_endpoint_is_skipped_by_reads_and_writes(void **state)
{
    struct etcd_answer a;
    char dead[64];

    snprintf(dead, sizeof dead, "http://127.0.0.1:%d", etcd_free_port());
    for (int write = 0; write < 2; write++) {
        e = client(0, 2, dead, server.url);
        if (write)
            assert_int_equal(etcd_sync_put(e, &loop, "/t/skip", "x", 0, &a, &err), 0);
        else
            assert_int_equal(etcd_sync_get(e, &loop, "/t/skip", &a, &err), 0);
        assert_string_equal(etcd_endpoint(e), server.url);
        etcd_answer_release(&a);
        e = etcd_free(e);
    }
}

static void test_etcd__when_all_endpoints_are_dead_the_error_names_each(void **state)
{
    struct etcd_answer a;
    char one[64], two[64];

    snprintf(one, sizeof one, "http://127.0.0.1:%d", etcd_free_port());
    snprintf(two, sizeof two, "unix:/nonexistent/etcd.sock");
    e = client(0, 2, one, two);
    assert_true(etcd_sync_put(e, &loop, "/t/dead", "x", 0, &a, &err) < 0);
    assert_non_null(strstr(err.msg, one));
    assert_non_null(strstr(err.msg, two));
    assert_non_null(strstr(err.msg, "connection refused"));
    assert_false(a.maybe);
}

static void on_kept(const struct etcd_result *res, void *arg)
{
    *(bool *)arg = true;
}

static bool is_true(void *arg)
{
    return *(bool *)arg;
}

/* Daemons log a trouble once per wording: wherever a call begins, the endpoints come in the same order. */
static void test_etcd__the_same_trouble_is_the_same_sentence(void **state)
{
    char first[ORC_ERR_MAX], one[64], two[64], three[64];
    struct etcd_answer a;

    snprintf(one, sizeof one, "http://127.0.0.1:%d", etcd_free_port());
    snprintf(two, sizeof two, "http://127.0.0.1:%d", etcd_free_port());
    snprintf(three, sizeof three, "http://127.0.0.1:%d", etcd_free_port());
    e = client(0, 3, one, two, three);
    assert_true(etcd_sync_get(e, &loop, "/t/dead", &a, &err) < 0);
    memcpy(first, err.msg, sizeof first);
    for (size_t i = 0; i < 3; i++) {
        bool ended = false;

        etcd_lease_keepalive_once(e, 1, 1000, on_kept, &ended); /* moves on to the next endpoint */
        assert_true(loop_until(&loop, is_true, &ended));
        assert_true(etcd_sync_get(e, &loop, "/t/dead", &a, &err) < 0);
        assert_string_equal(err.msg, first);
    }
}

static void test_etcd__a_frozen_endpoint_is_left_for_another_by_reads_and_makes_a_write_doubtful(void **state)
{
    struct etcd_server frozen;
    struct etcd_answer a;

    etcd_server_start(&frozen);
    etcd_server_freeze(&frozen);
    e = client(2000, 2, frozen.url, server.url);
    assert_int_equal(etcd_sync_get(e, &loop, "/t/frozen", &a, &err), 0);
    etcd_answer_release(&a);
    etcd_free(e);
    e = client(1000, 2, frozen.url, server.url);
    assert_int_equal(etcd_sync_put(e, &loop, "/t/frozen", "x", 0, &a, &err), -ETIMEDOUT);
    assert_true(a.maybe);
    assert_int_equal(etcd_sync_put(e, &loop, "/t/frozen", "x", 0, &a, &err), 0);
    etcd_server_stop(&frozen);
}

static void test_etcd__something_else_than_etcd_is_noticed(void **state)
{
    struct etcd_answer a;
    orc_auto_free char *url = orc_strdup(server.peer_url); /* speaks HTTP, but raft's */

    e = client(0, 1, url);
    assert_true(etcd_sync_get(e, &loop, "/t/x", &a, &err) < 0);
    assert_non_null(strstr(err.msg, url));
}

static void answer_nothing(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    ++*(int *)arg;
    fake_reply(conn, 200, "application/json", "{}");
}

/* Some other service at the address says 200 to everything: nothing counts as written, and nobody asks it
 * for ever which store it is. */
static void test_etcd__an_answer_without_a_header_is_nobodys(void **state)
{
    struct guard guard = {.etcd_cluster_id = 1, .orc_cluster_id = "x", .revision = 5};
    struct etcd_answer a;
    int port = 0, asked = 0;
    struct fake_server *fake = fake_server_tcp(&loop, &port, answer_nothing, &asked);
    orc_auto_free char *url = orc_printf("http://127.0.0.1:%d", port);

    e = client(0, 1, url);
    assert_int_equal(etcd_sync_put(e, &loop, "/t/x", "y", 0, &a, &err), -EPROTO);
    assert_non_null(strstr(err.msg, "is this etcd?"));
    etcd_guard(e, &guard);
    assert_int_equal(etcd_sync_put(e, &loop, "/t/x", "y", 0, &a, &err), -EPROTO);
    assert_false(a.maybe); /* only the question was sent */
    assert_int_equal(asked, 2);
    e = etcd_free(e);
    fake_server_free(fake);
}

/* One more listener of a server that also listens at its usual address. */
static void start_with_listener(struct etcd_server *s, const char *listener, const char *certificates)
{
    orc_auto_free char *pem = orc_printf("%s/server.pem", certificates), *key = NULL, *ca = NULL,
                       *urls = NULL;
    const char *more[] = {"--listen-client-urls", NULL, "--cert-file",        pem, "--key-file", NULL,
                          "--trusted-ca-file",    NULL, "--client-cert-auth", NULL};

    etcd_server_prepare(s, 0);
    more[1] = urls = orc_printf("%s,%s", s->url, listener);
    more[5] = key = orc_printf("%s/server.key", certificates);
    more[7] = ca = orc_printf("%s/ca.pem", certificates);
    if (!*certificates)
        more[2] = NULL;
    snprintf(s->cluster, sizeof s->cluster, "m0=%s", s->peer_url);
    etcd_server_spawn(s, more);
    etcd_server_wait(s);
}

static void test_etcd__a_unix_socket_is_an_endpoint(void **state)
{
    struct etcd_server with_socket;
    struct etcd_answer a;

    start_with_listener(&with_socket, "unix://sock:0", "");
    {
        orc_auto_free char *endpoint = orc_printf("unix:%s/sock:0", with_socket.dir);

        e = client(0, 1, endpoint);
        assert_string_equal(etcd_endpoint(e), endpoint);
    }
    assert_int_equal(etcd_sync_put(e, &loop, "/t/unix", "x", 0, &a, &err), 0);
    etcd_server_stop(&with_socket);
}

/* What lives on one connection for long: a watch and a lease. */
struct long_lived {
    int64_t lease;
    unsigned puts;
    struct view *view;
};

static void on_long_lease(int64_t id, void *arg)
{
    ((struct long_lived *)arg)->lease = id;
}

static void on_long_put(const struct etcd_kv *kv, void *arg)
{
    ((struct long_lived *)arg)->puts++;
}

static void on_long_delete(const char *key, int64_t revision, void *arg)
{
}

static void on_long_batch(int64_t revision, void *arg)
{
}

static bool is_up(void *arg)
{
    struct long_lived *l = arg;

    return l->lease && view_state(l->view) == VIEW_LIVE;
}

static bool has_two_puts(void *arg)
{
    return ((struct long_lived *)arg)->puts == 2;
}

static void watch_and_lease(void)
{
    const char *prefixes[] = {"/t/", NULL};
    struct long_lived l = {0};
    struct view_opts view = {.prefixes = prefixes,
                             .on_put = on_long_put,
                             .on_delete = on_long_delete,
                             .on_batch = on_long_batch,
                             .arg = &l};
    struct lease_opts opts = {.ttl_s = 2, .on_lease = on_long_lease, .arg = &l};
    struct lease *lease = lease_new(&loop, e, &opts);
    struct etcd_answer a;

    l.view = view_new(&loop, e, &view);
    assert_true(loop_until(&loop, is_up, &l));
    assert_int_equal(etcd_sync_put(e, &loop, "/t/watched", "x", l.lease, &a, &err), 0);
    assert_true(loop_until(&loop, has_two_puts, &l)); /* the one before, and this one */
    loop_for(&loop, 3000);                            /* longer than the TTL */
    assert_true(l.lease != 0);
    view_free(l.view);
    lease_free(lease);
}

static void test_etcd__client_certificates_are_used_and_wanted(void **state)
{
    struct etcd_server secure;
    struct etcd_answer a;
    struct orc_strv endpoints = {0};
    char dir[] = "/tmp/orc-etcd-tls-XXXXXX";
    orc_auto_free char *url = orc_printf("https://127.0.0.1:%d", etcd_free_port()), *ca = NULL, *cert = NULL,
                       *key = NULL;

    assert_non_null(mkdtemp(dir));
    fake_tls_certificates(dir);
    start_with_listener(&secure, url, dir);
    ca = orc_printf("%s/ca.pem", dir);
    cert = orc_printf("%s/client.pem", dir);
    key = orc_printf("%s/client.key", dir);
    orc_strv_add(&endpoints, url);
    for (int with = 0; with < 2; with++) {
        struct etcd_opts opts = {.endpoints = &endpoints, .tls = {ca, with ? cert : NULL, with ? key : NULL}};

        e = etcd_new(&loop, &opts, &err);
        if (with) {
            assert_int_equal(etcd_sync_put(e, &loop, "/t/tls", "x", 0, &a, &err), 0);
            watch_and_lease();
        } else {
            assert_true(etcd_sync_put(e, &loop, "/t/tls", "x", 0, &a, &err) < 0);
            assert_non_null(strstr(err.msg, "no client certificate was given"));
        }
        e = etcd_free(e);
    }
    orc_strv_release(&endpoints);
    etcd_server_stop(&secure);
    etcd_remove_tree(dir);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_loop, close_client)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_etcd__malformed_endpoints_are_refused_with_what_would_do),
        TEST(test_etcd__an_endpoint_without_a_scheme_is_http),
        TEST(test_etcd__a_dead_endpoint_is_skipped_by_reads_and_writes),
        TEST(test_etcd__when_all_endpoints_are_dead_the_error_names_each),
        TEST(test_etcd__the_same_trouble_is_the_same_sentence),
        TEST(test_etcd__a_frozen_endpoint_is_left_for_another_by_reads_and_makes_a_write_doubtful),
        TEST(test_etcd__something_else_than_etcd_is_noticed),
        TEST(test_etcd__an_answer_without_a_header_is_nobodys),
        TEST(test_etcd__a_unix_socket_is_an_endpoint),
        TEST(test_etcd__client_certificates_are_used_and_wanted),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
