/* orc-gateway with a real NGINX and a real etcd: routes, endpoints, withdrawal. */
#include "tests/integration/gw_harness.h"

static int setup(void **state)
{
    *state = gw_world();
    return 0;
}

static int teardown(void **state)
{
    gw_world_end(*state);
    return 0;
}

/* The worker processes of NGINX, as text: a reload would change them. */
static char *workers(const struct gwt *g)
{
    orc_auto_free char *path =
        orc_printf("/proc/%d/task/%d/children", gw_nginx_master(g), gw_nginx_master(g));
    char *text = NULL;

    assert_int_equal(orc_file_read(path, 4096, &text, NULL, NULL), 0);
    return text;
}

/* Behaviour 97: what nobody serves is refused by NGINX itself, and by nobody else. */
static void test_gateway__unknown_host_and_path_get_an_error_of_their_own(void **state)
{
    struct gwt *g = *state;
    char text[4096];

    gw_put_web(g, 1);
    gw_put_revision(g, "own", 1, "own.example", "/", false);
    gw_put_rollout(g, "own", ROLLOUT_COMPLETE, 1, 1);
    gw_backend_switch(g, 1, true);
    gw_put_endpoint(g, "own", 1, "own.example/", ENDPOINT_READY, 0);
    gw_start(g);
    gw_await_status(g, "any.example", "/web/x", 200);
    gw_await_status(g, "own.example", "/", 200);
    assert_int_equal(gw_ask(g, "GET", "stranger.example", "/", text), 404);
    assert_null(strstr(text, "web"));
    assert_null(strstr(text, "own"));
    assert_non_null(strstr(text, "X-Request-ID: "));
    assert_int_equal(gw_ask(g, "GET", "own.example", "/web/x", text), 200);
    assert_non_null(strstr(text, "backend 1")); /* the host's own service has its root */
    assert_int_equal(gw_status(g, "any.example", "/website"), 404);
    assert_int_equal(g->shared->backend[0].requests, 1);
}

/* Behaviour 100: headers as the articles have them; nothing a client sends can pass for a proxy setting. */
static void test_gateway__headers_are_set_and_the_prefix_is_stripped(void **state)
{
    struct gwt *g = *state;
    char text[4096];

    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    assert_int_equal(
        gw_ask(g, "GET",
               "shop.example\r\nProxy: http://evil\r\nX-Request-ID: abc-1\r\nX-Forwarded-For: 9.9.9.9",
               "/web/a?b=c", text),
        200);
    assert_non_null(strstr(text, "X-Request-ID: abc-1\r\n"));
    const char *last = g->shared->backend[0].last;
    assert_non_null(strstr(last, "GET /a?b=c HTTP/1.1\r\n"));
    assert_non_null(strstr(last, "Host: shop.example\r\n"));
    assert_non_null(strstr(last, "X-Real-IP: 127.0.0.1\r\n"));
    assert_non_null(strstr(last, "X-Forwarded-For: 9.9.9.9, 127.0.0.1\r\n"));
    assert_non_null(strstr(last, "X-Forwarded-Proto: http\r\n"));
    assert_non_null(strstr(last, "X-Request-ID: abc-1\r\n"));
    assert_null(strstr(last, "evil"));
    assert_null(strcasestr(last, "\r\nConnection:"));
    gw_ask(g, "GET", "shop.example\r\nX-Request-ID: a b\"c", "/web/a", text);
    assert_null(strstr(g->shared->backend[0].last, "a b\"c"));
    gw_ask(g, "GET", "shop.example\r\nUpgrade: websocket\r\nX-A: b", "/web/a", text);
    assert_non_null(strstr(g->shared->backend[0].last, "Upgrade: websocket\r\n"));
    assert_non_null(strstr(g->shared->backend[0].last, "Connection: upgrade\r\n"));
    /* HTTP/2 in the clear would be a tunnel to all of the service's paths, past the routes */
    gw_ask(g, "GET", "shop.example\r\nUpgrade: websocket, h2c\r\nHTTP2-Settings: AAMAAABk", "/web/a", text);
    assert_null(strstr(g->shared->backend[0].last, "h2c"));
    assert_null(strcasestr(g->shared->backend[0].last, "\r\nConnection:"));
}

/* What a service answers can't make NGINX ask another one; nor is the request then forgotten as one in
 * flight, which would hold every later withdrawal until its time-out. */
static void test_gateway__a_service_does_not_steer_nginx(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 2), r;
    char text[4096];

    gw_put_revision(g, "own", 1, "", "/own/", false);
    gw_put_rollout(g, "own", ROLLOUT_COMPLETE, 1, 1);
    gw_put_endpoint(g, "own", 1, "/own/", ENDPOINT_READY, lease);
    gw_delete_endpoint(g, "web", 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/own/", 200);
    gw_await_status(g, "shop.example", "/web/", 200);
    strcpy(g->shared->backend[0].header, "X-Accel-Redirect: /own/\r\n");
    assert_int_equal(gw_ask(g, "GET", "shop.example", "/web/", text), 200);
    assert_non_null(strstr(text, "backend 0"));
    strcpy(g->shared->backend[0].header, "X-Accel-Redirect: /nowhere\r\n");
    assert_int_equal(gw_ask(g, "GET", "shop.example", "/web/", text), 200);
    r = gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease);
    gw_await_ack(g, r, "shop.web.0.1");
}

/* Behaviour 63: what was never ready has no endpoint. */
static void test_gateway__service_without_a_ready_endpoint_answers_503_at_once(void **state)
{
    struct gwt *g = *state;
    char text[4096];

    gw_put_web(g, 0);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 503);
    assert_int_equal(gw_ask(g, "GET", "shop.example", "/web/", text), 503);
    assert_non_null(strstr(text, "X-Request-ID: "));
    assert_non_null(strstr(text, "Retry-After: "));
    assert_non_null(strstr(text, "no healthy instance"));
    assert_int_equal(gw_ask(g, "POST", "shop.example", "/web/", text), 503);
}

/* Taken away by its nodelet because its checks fail: not used, also when it is the last one. */
static void test_gateway__last_endpoint_taken_away_as_unhealthy_gives_503(void **state)
{
    struct gwt *g = *state;

    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_delete_endpoint(g, "web", 0);
    gw_await_status(g, "shop.example", "/web/", 503);
}

/* Behaviour 98: no reload, no failure, and each gets its share. */
static void test_gateway__endpoints_come_and_go_under_load_without_reload_or_failure(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 8);
    orc_auto_free char *before = NULL, *after = NULL;

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_load_start(g, 8);
    before = workers(g);
    for (int round = 0; round < 50; round++) {
        int slot = 1 + round % 7;

        gw_put_endpoint(g, "web", slot, "/web/", ENDPOINT_DRAINING, lease);
        gw_delete_endpoint(g, "web", slot);
        gw_put_endpoint(g, "web", slot, "/web/", ENDPOINT_READY, lease);
    }
    gw_await_more(g, &g->shared->load.ok, 2000);
    gw_load_stop(g);
    after = workers(g);
    assert_string_equal(before, after);
    for (int i = 0; i < 8; i++)
        g->shared->backend[i].requests = 0;
    g->shared->load.on = 1;
    gw_await_more(g, &g->shared->load.ok, 2000);
    gw_load_stop(g);
    for (int i = 0; i < 8; i++)
        assert_in_range(g->shared->backend[i].requests, 150, 400);
}

/* Behaviour 99, "Withdrawal before TERM": acknowledged means that no request comes any more. */
static void test_gateway__no_request_arrives_after_the_acknowledgement(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 6);

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_load_start(g, 12);
    for (int round = 0; round < 120; round++) {
        int slot = round % 6;
        orc_auto_free char *task = orc_printf("shop.web.%d.1", slot);
        struct gw_backend *b = &g->shared->backend[slot];
        int64_t r = gw_put_endpoint(g, "web", slot, "/web/", ENDPOINT_DRAINING, lease);

        b->delay_ms = round % 3 == 0 ? 3 : 0;
        gw_await_ack(g, r, task);
        b->withdrawn = 1;
        gw_await_more(g, &g->shared->load.ok, 30);
        b->withdrawn = 0;
        gw_put_endpoint(g, "web", slot, "/web/", ENDPOINT_READY, lease);
    }
    gw_load_stop(g);
    for (int i = 0; i < 6; i++)
        assert_int_equal(g->shared->backend[i].late, 0);
    assert_int_equal(g->shared->load.retried, 0);
}

/* Behaviour 99: a request in flight holds its endpoint's withdrawal until it is answered. */
static void test_gateway__request_in_flight_is_listed_until_it_ends(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 1), r;
    struct gw_backend *b = &g->shared->backend[0];
    orc_auto_free char *value = NULL;

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    b->delay_ms = 1500;
    g->shared->load.port = g->port;
    g->shared->load.conns = 1;
    g->shared->load.on = 1;
    gw_await_more(g, &b->requests, 1);
    r = gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease);
    gw_await_ack(g, r, NULL);
    value = gw_get(g, "gateway-alive/gw1");
    assert_non_null(strstr(value, "shop.web.0.1"));
    assert_int_equal(g->shared->load.ok, 0);
    g->shared->load.conns = 0; /* no further one: it would get 503 */
    gw_await_ack(g, r, "shop.web.0.1");
    gw_await_count(g, &g->shared->load.ok, 1); /* who asked reads it later than NGINX has logged it */
    gw_load_stop(g);
    assert_int_equal(g->shared->load.ok, 1);
}

static void test_gateway__refused_connection_never_shows_while_another_endpoint_is_ready(void **state)
{
    struct gwt *g = *state;
    char text[4096];

    gw_put_web(g, 4);
    for (int i = 1; i < 4; i++)
        gw_backend_switch(g, i, false); /* dead, but still registered */
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    for (int i = 0; i < 100; i++)
        assert_int_equal(gw_ask(g, i % 2 ? "POST" : "GET", "shop.example", "/web/", text), 200);
    gw_backend_switch(g, 0, false);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 502);
    gw_backend_switch(g, 2, true); /* left out by the circuit breaker, but better than nothing */
    gw_await_status(g, "shop.example", "/web/", 200);
}

static void test_gateway__http_500_is_tried_elsewhere_for_get_and_handed_on_for_post(void **state)
{
    struct gwt *g = *state;
    char text[4096];

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    g->shared->backend[0].status = 500;
    for (int i = 0; i < 20; i++)
        assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
    g->shared->backend[1].status = 500;
    assert_int_equal(gw_ask(g, "POST", "shop.example", "/web/", text), 500);
    assert_non_null(strstr(text, "backend")); /* the service's own answer, not ours */
}

/* Behaviour 99: a deployment that does not become complete changes no route. */
static void test_gateway__failed_deployment_changes_no_route(void **state)
{
    struct gwt *g = *state;

    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_put_revision(g, "web", 2, "", "/other/", true);
    gw_put_rollout(g, "web", ROLLOUT_UPDATING, 2, 1);
    gw_put_rollout(g, "web", ROLLOUT_PAUSED, 2, 1);
    gw_put_revision(g, "mark", 1, "", "/mark/", true);
    gw_put_rollout(g, "mark", ROLLOUT_COMPLETE, 1, 1);
    gw_await_status(g, "shop.example", "/mark/", 503); /* the routes were made anew since */
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
    assert_int_equal(gw_status(g, "shop.example", "/other/"), 404);
    gw_put_endpoint(g, "web", 0, "/other/", ENDPOINT_READY, 0);
    gw_put_rollout(g, "web", ROLLOUT_COMPLETE, 2, 2);
    gw_await_status(g, "shop.example", "/other/", 200);
    gw_await_status(g, "shop.example", "/web/", 404);
    gw_put_rollout(g, "web", ROLLOUT_REMOVING, 2, 2);
    gw_await_status(g, "shop.example", "/other/", 404);
    gw_put_rollout(g, "web", ROLLOUT_COMPLETE, 2, 2);
    gw_await_status(g, "shop.example", "/other/", 200);
    gw_delete(g, "rollouts/shop/web");
    gw_await_status(g, "shop.example", "/other/", 404);
}

/* Behaviour 97, and garbage in the store: reported with its key, the rest goes on. */
static void test_gateway__garbage_in_the_store_harms_nobody_else(void **state)
{
    struct gwt *g = *state;

    gw_put_web(g, 1);
    gw_put(g, "rollouts/shop/bad", "{\"state\":[1,2");
    gw_put(g, "rollouts/shop/evil", "{\"state\":\"complete\",\"target\":1,\"complete\":1}");
    gw_put(g, "revisions/shop/evil/00000001",
           "{\"spec\":{\"name\":\"evil\",\"image\":\"x\",\"gateway\":[{\"host\":\"a; } daemon on; http "
           "{\",\"path\":"
           "\"/\",\"port\":1}]},\"hash\":\"0\",\"container_hash\":\"0\",\"by\":\"x\",\"at\":1}");
    gw_put(g, "endpoints/shop/web/shop.web.7.1", "\xff\xfe");
    gw_put(g, "endpoints/shop/web/shop.other.7.1",
           "{\"node\":\"k1\",\"address\":\"127.0.0.1\",\"state\":\"ready\",\"ports\":[]}");
    gw_put(g, "endpoints/nonsense", "1");
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_log(g, "rollouts/shop/bad");
    gw_await_log(g, "endpoints/shop/web/shop.web.7.1");
    gw_await_log(g, "shop/evil");
    gw_put_endpoint(g, "web", 1, "/web/", ENDPOINT_READY, 0);
    gw_backend_switch(g, 1, true);
    gw_await_more(g, &g->shared->backend[0].requests, 0);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
}

/* Behaviour 100: of two routes with one host and path the first service by name has it, and the other is
 * told. */
static void test_gateway__conflicting_routes_have_one_winner_and_a_report(void **state)
{
    struct gwt *g = *state;
    char text[4096];

    gw_put_web(g, 1);
    gw_backend_switch(g, 1, true);
    gw_put_revision(g, "alpha", 1, "", "/web/", true);
    gw_put_rollout(g, "alpha", ROLLOUT_COMPLETE, 1, 1);
    gw_put_endpoint(g, "alpha", 1, "/web/", ENDPOINT_READY, 0);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_ask(g, "GET", "shop.example", "/web/", text);
    assert_non_null(strstr(text, "backend 1"));
    gw_await_log(g, "service shop/web: its route");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_gateway__unknown_host_and_path_get_an_error_of_their_own),
        TEST(test_gateway__headers_are_set_and_the_prefix_is_stripped),
        TEST(test_gateway__a_service_does_not_steer_nginx),
        TEST(test_gateway__service_without_a_ready_endpoint_answers_503_at_once),
        TEST(test_gateway__last_endpoint_taken_away_as_unhealthy_gives_503),
        TEST(test_gateway__endpoints_come_and_go_under_load_without_reload_or_failure),
        TEST(test_gateway__no_request_arrives_after_the_acknowledgement),
        TEST(test_gateway__request_in_flight_is_listed_until_it_ends),
        TEST(test_gateway__refused_connection_never_shows_while_another_endpoint_is_ready),
        TEST(test_gateway__http_500_is_tried_elsewhere_for_get_and_handed_on_for_post),
        TEST(test_gateway__failed_deployment_changes_no_route),
        TEST(test_gateway__garbage_in_the_store_harms_nobody_else),
        TEST(test_gateway__conflicting_routes_have_one_winner_and_a_report),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("gateway", tests, NULL, NULL);
}
