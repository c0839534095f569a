/* orc-gateway when something dies, is away, or is not what it was: NGINX keeps serving the last known good.
 */
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

/* The first worker of NGINX: a reload or a restart changes it. */
static int a_worker(const struct gwt *g)
{
    orc_auto_free char *path =
        orc_printf("/proc/%d/task/%d/children", gw_nginx_master(g), gw_nginx_master(g));
    orc_auto_free char *text = NULL;

    if (orc_file_read(path, 4096, &text, NULL, NULL) < 0)
        return 0;
    return atoi(text);
}

struct master_is_new {
    struct gwt *g;
    pid_t old;
};

static bool master_is_new(void *arg)
{
    struct master_is_new *w = arg;

    return gw_nginx_master(w->g) > 0 && gw_nginx_master(w->g) != w->old;
}

static void test_fault__killed_gateway_leaves_nginx_serving_and_adopts_it(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 3), r;
    int worker;

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    gw_load_start(g, 6);
    worker = a_worker(g);
    gw_end(g, SIGKILL);
    gw_await_more(g, &g->shared->load.ok, 300);
    gw_put_endpoint(g, "web", 2, "/web/", ENDPOINT_READY, lease);        /* unchanged in effect */
    r = gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease); /* while nobody listens */
    gw_start(g);
    gw_await_log(g, "is adopted");
    gw_await_ack(g, r, "shop.web.0.1");
    g->shared->backend[0].withdrawn = 1;
    gw_await_more(g, &g->shared->load.ok, 300);
    gw_load_stop(g);
    assert_int_equal(g->shared->backend[0].late, 0);
    assert_int_equal(a_worker(g), worker); /* no reload, no restart */
}

/* A restarted gateway must not take a busy NGINX for none: in which slot an endpoint's requests are counted
 * is known only from the table that NGINX holds. */
static void test_fault__nginx_that_does_not_answer_yet_is_adopted_later(void **state)
{
    struct gwt *g = *state;
    pid_t master;

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    master = gw_nginx_master(g);
    gw_end(g, SIGKILL);
    kill(-master, SIGSTOP);
    gw_start(g);
    gw_await_log(g, "does not answer on its control socket and is asked again");
    kill(-master, SIGCONT);
    gw_await_log(g, "is adopted");
    gw_await_ack(g, gw_put_endpoint(g, "web", 1, "/web/", ENDPOINT_DRAINING, 0), "shop.web.1.1");
    assert_int_equal(gw_nginx_master(g), master);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
}

static void test_fault__clean_stop_leaves_nginx_serving_and_the_registration_in_place(void **state)
{
    struct gwt *g = *state;
    orc_auto_free char *value = NULL;

    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_end(g, SIGTERM);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
    value = gw_get(g, "gateways/gw1");
    assert_non_null(value);
}

static bool is_deregistered(void *arg)
{
    orc_auto_free char *value = gw_get(arg, "gateways/gw1");

    return value == NULL;
}

static void test_fault__retiring_gateway_ends_nginx_and_leaves(void **state)
{
    struct gwt *g = *state;

    g->retire = true;
    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_end(g, SIGTERM);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 0);
    assert_true(gw_wait(g, is_deregistered, g));
}

/* The helper has waited for NGINX's master, and tells orc-gateway so. */
static bool has_no_children(void *arg)
{
    orc_auto_free char *path = orc_printf("/proc/%d/task/%d/children", *(int *)arg, *(int *)arg);
    orc_auto_free char *children = NULL;

    return orc_file_read(path, 4096, &children, NULL, NULL) == 0 && *children == '\0';
}

/* It waits for an etcd that hangs to take its registration back, and then something else ends it as well. */
static void test_fault__a_gateway_ends_once(void **state)
{
    struct gwt *g = *state;
    orc_auto_free char *path = NULL, *children = NULL;
    int status = 0, helper;

    g->retire = true;
    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    path = orc_printf("/proc/%d/task/%d/children", g->gateway, g->gateway);
    assert_int_equal(orc_file_read(path, 4096, &children, NULL, NULL), 0);
    helper = atoi(children);
    etcd_server_freeze(&g->server);
    kill(g->gateway, SIGTERM);
    assert_true(gw_wait(g, has_no_children, &helper));
    loop_for(&g->loop, 50);
    kill(helper, SIGKILL);
    waitpid(g->gateway, &status, 0);
    g->gateway = 0;
    etcd_server_thaw(&g->server);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

/* The whole of NGINX killed: started again, with its table. */
static void test_fault__killed_nginx_is_started_again(void **state)
{
    struct gwt *g = *state;
    struct master_is_new w = {g, 0};

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    w.old = gw_nginx_master(g);
    kill(-w.old, SIGKILL);
    assert_true(gw_wait(g, master_is_new, &w));
    gw_await_status(g, "shop.example", "/web/", 200);
}

/* Only the master killed: its workers serve on, until the next ones take over. */
static void test_fault__killed_master_is_replaced_with_its_orphaned_workers(void **state)
{
    struct gwt *g = *state;
    struct master_is_new w = {g, 0};
    int orphan;

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    w.old = gw_nginx_master(g);
    orphan = a_worker(g);
    kill(w.old, SIGKILL);
    assert_true(gw_wait(g, master_is_new, &w));
    gw_await_status(g, "shop.example", "/web/", 200);
    assert_int_not_equal(a_worker(g), orphan);
}

static void test_fault__nginx_killed_while_the_gateway_was_dead_is_started_by_the_next(void **state)
{
    struct gwt *g = *state;

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_end(g, SIGKILL);
    kill(-gw_nginx_master(g), SIGKILL);
    gw_await_status(g, "shop.example", "/web/", 0);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
}

/* A server that reboots while etcd is away: the last known good comes from disk. */
static void test_fault__everything_restarts_while_etcd_is_away(void **state)
{
    struct gwt *g = *state;

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    gw_end(g, SIGTERM);
    kill(-gw_nginx_master(g), SIGKILL);
    etcd_server_kill(&g->server);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    etcd_server_again(&g->server);
    gw_await_log(g, "in step with the store");
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
}

static void test_fault__etcd_away_and_back_loses_no_request(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 3), r;

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    gw_load_start(g, 6);
    etcd_server_kill(&g->server);
    gw_await_log(g, "etcd can't be reached");
    gw_await_more(g, &g->shared->load.ok, 2000);
    etcd_server_again(&g->server);
    gw_await_log(g, "etcd answers again");
    r = gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease);
    gw_await_ack(g, r, "shop.web.0.1");
    gw_load_stop(g);
}

/* "What absence means": after an outage all leases may expire at once. */
static void test_fault__all_leases_expired_keeps_serving_and_recovers(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 3), next;

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    gw_load_start(g, 6);
    gw_revoke(g, lease);
    gw_await_log(g, "nobody withdrew them");
    gw_await_more(g, &g->shared->load.ok, 1000);
    next = gw_lease(g, 3600);
    gw_put_alive(g, next);
    gw_put_endpoint(g, "web", 1, "/web/", ENDPOINT_READY, next);
    gw_await_more(g, &g->shared->load.ok, 100);
    g->shared->backend[0].requests = g->shared->backend[2].requests = 0;
    gw_await_more(g, &g->shared->load.ok, 1000);
    assert_int_equal(g->shared->backend[0].requests, 0); /* suspects have a better one now */
    assert_int_equal(g->shared->backend[2].requests, 0);
    gw_load_stop(g);
}

static void test_fault__retired_gateway_registers_anew(void **state)
{
    struct gwt *g = *state;
    int64_t lease = gw_put_web(g, 2), r;

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    gw_load_start(g, 4);
    gw_delete(g, "gateway-alive/gw1");
    gw_delete(g, "gateways/gw1");
    gw_await_log(g, "was retired");
    gw_await_ack(g, 1, NULL);
    r = gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease);
    gw_await_ack(g, r, "shop.web.0.1");
    gw_load_stop(g);
}

/* etcd wiped: frozen, serving on, writing nothing. */
static void test_fault__wiped_store_freezes_the_gateway(void **state)
{
    struct gwt *g = *state;
    orc_auto_free char *value = NULL;

    gw_put_web(g, 2);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    gw_load_start(g, 4);
    etcd_server_kill(&g->server);
    etcd_server_wipe(&g->server);
    etcd_server_again(&g->server);
    gw_await_log(g, "frozen");
    gw_await_more(g, &g->shared->load.ok, 1000);
    gw_load_stop(g);
    value = gw_get(g, "gateways/gw1");
    assert_null(value);
    gw_end(g, SIGKILL); /* the guard is on disk: a restart does not forget */
    gw_start(g);
    gw_await_log(g, "is adopted");
    gw_await_logs(g, "frozen", 2);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
}

static void test_fault__inherited_listener_is_handed_to_nginx(void **state)
{
    struct gwt *g = *state;

    g->listener = gw_listen("127.0.0.1", g->port);
    assert_true(g->listener >= 0);
    assert_int_equal(fcntl(g->listener, F_SETFL, 0), 0); /* blocking, as most would hand it over */
    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    assert_true(fcntl(g->listener, F_GETFL) & O_NONBLOCK); /* or a worker may sleep in accept(2) */
    gw_end(g, SIGKILL);
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
    gw_start(g);
    gw_await_log(g, "is adopted");
    gw_put_revision(g, "more", 1, "", "/more/", true);
    gw_put_rollout(g, "more", ROLLOUT_COMPLETE, 1, 1);
    gw_await_status(g, "shop.example", "/more/", 503); /* a reload keeps the socket */
    close(g->listener);
}

static void test_fault__second_gateway_on_the_same_folder_is_refused(void **state)
{
    struct gwt *g = *state;
    pid_t first;
    int status = 0;

    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    first = g->gateway;
    gw_start(g);
    waitpid(g->gateway, &status, 0);
    g->gateway = first;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    gw_await_log(g, "another orc-gateway runs on");
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
}

/* Somebody copied the unit file to a second server, --id included: one acknowledgement must not do for both.
 */
static void test_fault__second_gateway_of_the_same_id_waits_until_the_first_is_gone(void **state)
{
    struct gwt *g = *state, second; /* its loop, a copy, is not used */
    struct gw_logged held = {&second, "is held by another orc-gateway", 1};
    struct gw_answer answers = {&second, "shop.example", "/web/", 200};
    int64_t lease = gw_put_web(g, 2);

    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    gw_await_ack(g, 1, NULL);
    second = *g;
    second.retire = true;
    second.port = etcd_free_port();
    snprintf(second.dir, sizeof second.dir, "/tmp/orc-gw-XXXXXX");
    assert_non_null(mkdtemp(second.dir));
    chmod(second.dir, 0755);
    gw_start(&second);
    assert_true(gw_wait(g, gw_has_logged, &held));
    gw_await_ack(g, gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease), "shop.web.0.1");
    assert_int_equal(gw_status(&second, "shop.example", "/web/"), 0);
    gw_end(g, SIGKILL);
    assert_true(gw_wait(g, gw_answers, &answers));
    gw_start(g); /* and now it is the other way round */
    gw_await_log(g, "is held by another orc-gateway");
    gw_end(&second, SIGTERM);
    gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_READY, lease);
    gw_await_ack(g, gw_put_endpoint(g, "web", 0, "/web/", ENDPOINT_DRAINING, lease), "shop.web.0.1");
    etcd_remove_tree(second.dir);
}

static void test_fault__port_in_use_is_said_and_tried_again(void **state)
{
    struct gwt *g = *state;
    int holder = gw_listen("127.0.0.1", g->port);

    gw_put_web(g, 1);
    gw_start(g);
    gw_await_log(g, "NGINX does not start, it is tried again: bind() to 127.0.0.1");
    close(holder);
    gw_await_status(g, "shop.example", "/web/", 200);
}

/* The configuration is wrong, or NGINX thinks so: the old one stays, also on disk. */
static void test_fault__configuration_that_nginx_refuses_is_not_used(void **state)
{
    struct gwt *g = *state;
    orc_auto_free char *wrapper = orc_printf("%s/nginx-wrapper", g->dir);
    orc_auto_free char *refuse = orc_printf("%s/refuse", g->dir);
    orc_auto_free char *script =
        orc_printf("#!/bin/sh\n"
                   "if [ -e %s ] && [ $1 = -t ]; then echo 'nginx: [emerg] no, \"x\"'; exit 1; fi >&2\n"
                   "exec /usr/sbin/nginx \"$@\"\n",
                   refuse);
    orc_auto_free char *conf = orc_printf("%s/nginx/nginx.conf", g->dir), *before = NULL, *after = NULL;

    assert_int_equal(orc_file_write(wrapper, script, strlen(script), 0755, NULL), 0);
    g->nginx = wrapper;
    gw_put_web(g, 1);
    gw_start(g);
    gw_await_status(g, "shop.example", "/web/", 200);
    assert_int_equal(orc_file_read(conf, 1u << 20, &before, NULL, NULL), 0);
    assert_int_equal(orc_file_write(refuse, "", 0, 0644, NULL), 0);
    gw_put_revision(g, "more", 1, "", "/more/", true);
    gw_put_rollout(g, "more", ROLLOUT_COMPLETE, 1, 1);
    gw_await_log(g, "a new NGINX configuration is not used, the last one stays: no, ");
    assert_int_equal(gw_status(g, "shop.example", "/web/"), 200);
    assert_int_equal(orc_file_read(conf, 1u << 20, &after, NULL, NULL), 0);
    assert_string_equal(before, after);
    unlink(refuse);
    gw_put_revision(g, "yet", 1, "", "/yet/", true);
    gw_put_rollout(g, "yet", ROLLOUT_COMPLETE, 1, 1);
    gw_await_status(g, "shop.example", "/more/", 503);
    gw_await_status(g, "shop.example", "/yet/", 503);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_fault__killed_gateway_leaves_nginx_serving_and_adopts_it),
        TEST(test_fault__nginx_that_does_not_answer_yet_is_adopted_later),
        TEST(test_fault__clean_stop_leaves_nginx_serving_and_the_registration_in_place),
        TEST(test_fault__retiring_gateway_ends_nginx_and_leaves),
        TEST(test_fault__a_gateway_ends_once),
        TEST(test_fault__killed_nginx_is_started_again),
        TEST(test_fault__killed_master_is_replaced_with_its_orphaned_workers),
        TEST(test_fault__nginx_killed_while_the_gateway_was_dead_is_started_by_the_next),
        TEST(test_fault__everything_restarts_while_etcd_is_away),
        TEST(test_fault__etcd_away_and_back_loses_no_request),
        TEST(test_fault__all_leases_expired_keeps_serving_and_recovers),
        TEST(test_fault__retired_gateway_registers_anew),
        TEST(test_fault__wiped_store_freezes_the_gateway),
        TEST(test_fault__inherited_listener_is_handed_to_nginx),
        TEST(test_fault__second_gateway_of_the_same_id_waits_until_the_first_is_gone),
        TEST(test_fault__port_in_use_is_said_and_tried_again),
        TEST(test_fault__configuration_that_nginx_refuses_is_not_used),
        TEST(test_fault__second_gateway_on_the_same_folder_is_refused),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("gateway faults", tests, NULL, NULL);
}
