/* test_docker.c - the Engine API client against a scripted engine: faults that a real one shows rarely. What
 * a real engine answers is tested in tests/integration/nodelet_*. */
#include "tests/fakes/http_server.c"

#include "nodelet/docker_container.h"
#include "nodelet/docker_events.h"
#include "nodelet/docker_image.h"
#include "nodelet/docker_network.h"

#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* What the scripted engine answers: the first row whose text the request line has in it. */
struct rule {
    const char *has;
    int status; /* 0: hangs up, -1: never answers */
    const char *body;
};

static struct {
    uv_loop_t loop;
    uv_timer_t tick;
    struct fake_server *server;
    char path[64];
    struct docker *docker;
    const struct rule *rules;
    unsigned requests;
    char log[8192]; /* "METHOD target\n" of each */
    struct fake_conn *held;

    int done;
    enum docker_kind kind;
    int status;
    char text[1024];
    char *json;
} t;

static void script(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    char line[1024];
    const struct rule *r = t.rules;

    snprintf(line, sizeof line, "%s %s\n", req->method, req->target);
    t.requests++;
    if (strlen(t.log) + strlen(line) < sizeof t.log)
        strcat(t.log, line);
    while (r->has && !strstr(line, r->has))
        r++;
    if (!r->has)
        fake_reply(conn, 404, "application/json", "{\"message\":\"page not found\"}");
    else if (r->status == 0)
        fake_close(conn);
    else if (r->status < 0)
        t.held = conn;
    else
        fake_reply(conn, r->status, "application/json", r->body);
}

static void on_tick(uv_timer_t *timer)
{
}

static int setup(void **state)
{
    memset(&t, 0, sizeof t);
    uv_loop_init(&t.loop);
    uv_timer_init(&t.loop, &t.tick);
    uv_timer_start(&t.tick, on_tick, 5, 5);
    snprintf(t.path, sizeof t.path, "/tmp/orc-docker-%d.sock", (int)getpid());
    unlink(t.path);
    t.server = fake_server_unix(&t.loop, t.path, script, NULL);
    t.docker = docker_new(&t.loop, t.path);
    return 0;
}

static int teardown(void **state)
{
    docker_free(t.docker);
    fake_server_free(t.server);
    uv_close((uv_handle_t *)&t.tick, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    unlink(t.path);
    free(t.json);
    return uv_loop_close(&t.loop); /* nothing was left open */
}

static void on_res(const struct docker_res *res, void *arg)
{
    t.done++;
    t.kind = res->kind;
    t.status = res->status;
    snprintf(t.text, sizeof t.text, "%s", res->text);
    free(t.json);
    t.json = res->json ? orc_json_text(res->json) : NULL;
}

static void wait_done(void)
{
    while (!t.done)
        uv_run(&t.loop, UV_RUN_ONCE);
    t.done = 0;
}

static void wait_requests(unsigned n)
{
    while (t.requests < n)
        uv_run(&t.loop, UV_RUN_ONCE);
}

static void play(const struct rule *rules)
{
    t.rules = rules;
    t.requests = 0;
    *t.log = '\0';
}

/* ---- version ----------------------------------------------------------------------------------------------
 */

static void test_docker__speaks_the_lower_of_both_versions(void **state)
{
    static const struct {
        const char *version, *path;
    } rows[] = {
        {"{\"Version\":\"20.10.24\",\"ApiVersion\":\"1.41\",\"MinAPIVersion\":\"1.12\"}", "/v1.41/"},
        {"{\"Version\":\"18.09\",\"ApiVersion\":\"1.39\",\"MinAPIVersion\":\"1.12\"}", "/v1.39/"},
        {"{\"Version\":\"28.2\",\"ApiVersion\":\"1.50\",\"MinAPIVersion\":\"1.24\"}", "/v1.41/"},
        {"{\"Version\":\"29.0\",\"ApiVersion\":\"1.52\",\"MinAPIVersion\":\"1.44\"}", "/v1.44/"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct rule rules[] = {{"/version", 200, rows[i].version}, {"/json", 200, "{}"}, {0}};

        play(rules);
        docker_negotiate(t.docker, on_res, NULL);
        wait_done();
        assert_int_equal(t.kind, DOCKER_OK);
        docker_container_inspect(t.docker, "x", on_res, NULL);
        wait_done();
        assert_non_null(strstr(t.log, rows[i].path));
    }
    assert_string_equal(docker_engine(t.docker), "29.0 (API 1.44)");
}

static void test_docker__no_common_version_is_refused_with_both(void **state)
{
    struct rule rules[] = {{"/version", 200, "{\"Version\":\"1.6\",\"ApiVersion\":\"1.18\"}"}, {0}};

    play(rules);
    docker_negotiate(t.docker, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_REFUSED);
    assert_non_null(strstr(t.text, "1.18"));
    assert_non_null(strstr(t.text, "1.25"));
}

static void test_docker__nonsense_for_a_version_is_no_engine(void **state)
{
    static const char *const nonsense[] = {"hello", "[]", "{}", "{\"ApiVersion\":\"2.0\"}",
                                           "{\"ApiVersion\":7}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(nonsense); i++) {
        struct rule rules[] = {{"/version", 200, nonsense[i]}, {0}};

        play(rules);
        docker_negotiate(t.docker, on_res, NULL);
        wait_done();
        assert_int_not_equal(t.kind, DOCKER_OK);
        assert_true(*t.text);
    }
}

/* ---- answers ----------------------------------------------------------------------------------------------
 */

static void test_docker__kinds_and_the_engines_own_words(void **state)
{
    static const struct {
        int status;
        enum docker_kind kind;
    } rows[] = {{200, DOCKER_OK},       {204, DOCKER_OK},      {304, DOCKER_OK},      {404, DOCKER_NOT_FOUND},
                {409, DOCKER_CONFLICT}, {400, DOCKER_REFUSED}, {403, DOCKER_REFUSED}, {500, DOCKER_TROUBLE},
                {503, DOCKER_TROUBLE},  {301, DOCKER_TROUBLE}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct rule rules[] = {
            {"/start", rows[i].status, rows[i].status >= 400 ? "{\"message\":\"why\"}" : ""}, {0}};

        play(rules);
        docker_container_start(t.docker, "x", on_res, NULL);
        wait_done();
        assert_int_equal(t.kind, rows[i].kind);
        if (rows[i].status >= 400)
            assert_non_null(strstr(t.text, ": why"));
    }
}

static void test_docker__error_that_is_no_json_is_quoted(void **state)
{
    struct rule rules[] = {{"/start", 502, "<html>bad gateway</html>"}, {0}};

    play(rules);
    docker_container_start(t.docker, "x", on_res, NULL);
    wait_done();
    assert_string_equal(t.text, "the Docker Engine answered 502: <html>bad gateway</html>");
}

static void test_docker__engine_that_hangs_up_is_down(void **state)
{
    struct rule rules[] = {{"/start", 0, NULL}, {0}};

    play(rules);
    docker_container_start(t.docker, "x", on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_DOWN);
    assert_non_null(strstr(t.text, "does not answer"));
}

static void test_docker__absent_engine_is_down_and_named(void **state)
{
    struct docker *d = docker_new(&t.loop, "/nowhere/docker.sock");

    docker_negotiate(d, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_DOWN);
    assert_non_null(strstr(t.text, "/nowhere/docker.sock"));
    assert_non_null(strstr(t.text, "is it running, and is this its socket (--docker)?"));
    docker_free(d);
}

static void test_docker__cancelled_call_ends_once(void **state)
{
    struct rule rules[] = {{"/start", -1, NULL}, {0}};
    struct docker_call *call;

    play(rules);
    call = docker_container_start(t.docker, "x", on_res, NULL);
    wait_requests(1);
    docker_cancel(call);
    assert_int_equal(t.done, 1);
    assert_int_equal(t.kind, DOCKER_DOWN);
}

static void test_docker__to_remove_what_is_gone_is_a_success(void **state)
{
    struct rule rules[] = {{"DELETE", 404, "{\"message\":\"No such container\"}"},
                           {"/kill", 409, "{\"message\":\"is not running\"}"},
                           {0}};

    play(rules);
    docker_container_remove(t.docker, "x", false, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_OK);
    docker_container_kill(t.docker, "x", on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_OK);
}

static void test_docker__grace_is_rounded_up_to_seconds(void **state)
{
    struct rule rules[] = {{"/stop", 204, ""}, {0}};

    play(rules);
    docker_container_stop(t.docker, "x", 1500, on_res, NULL);
    wait_done();
    assert_string_equal(t.log, "POST /v1.41/containers/x/stop?t=2\n");
}

/* ---- containers as seen
 * ------------------------------------------------------------------------------------ */

static void test_docker_container__inspect_is_read_or_refused(void **state)
{
    static const struct {
        const char *text;
        int r;
        bool running, created, oom;
        int exit_code;
    } rows[] = {
        {"{\"Id\":\"a\",\"State\":{\"Status\":\"running\"},\"Config\":{\"Labels\":{\"orc.task\":\"x\"}}}", 0,
         true, false, false, 0},
        {"{\"Id\":\"a\",\"State\":{\"Status\":\"paused\"}}", 0, true, false, false, 0},
        {"{\"Id\":\"a\",\"State\":{\"Status\":\"created\",\"ExitCode\":128}}", 0, false, true, false, 128},
        {"{\"Id\":\"a\",\"State\":{\"Status\":\"exited\",\"ExitCode\":137,\"OOMKilled\":true}}", 0, false,
         false, true, 137},
        {"{\"Id\":\"a\",\"State\":{\"Status\":\"dead\"},\"Config\":{\"Labels\":null}}", 0, false, false,
         false, 0},
        {"{\"Id\":\"a\",\"State\":\"running\"}", -EINVAL, false, false, false, 0},
        {"{\"State\":{\"Status\":\"running\"}}", -EINVAL, false, false, false, 0},
        {"[]", -EINVAL, false, false, false, 0},
        {"{\"Id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\",\"State\":{}}",
         -EINVAL, false, false, false, 0},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        orc_auto_json json_t *j = orc_json_parse(rows[i].text, strlen(rows[i].text), NULL);
        struct docker_container c;

        assert_int_equal(docker_container_from_inspect(j, &c), rows[i].r);
        if (rows[i].r)
            continue;
        assert_int_equal(c.running, rows[i].running);
        assert_int_equal(c.created, rows[i].created);
        assert_int_equal(c.oom, rows[i].oom);
        assert_int_equal(c.exit_code, rows[i].exit_code);
    }
}

/* ---- exec
 * -------------------------------------------------------------------------------------------------- */

static int exec_code;

static void on_exec(enum docker_kind kind, const char *text, int exit_code, void *arg)
{
    t.done++;
    t.kind = kind;
    exec_code = exit_code;
}

static void test_docker_exec__exit_code_comes_after_the_stream(void **state)
{
    struct rule rules[] = {{"/containers/x/exec", 201, "{\"Id\":\"e1\"}"},
                           {"/exec/e1/start", 200, "output"},
                           {"/exec/e1/json", 200, "{\"Running\":false,\"ExitCode\":3,\"Pid\":0}"},
                           {0}};
    struct orc_strv argv = {0};

    orc_strv_add(&argv, "true");
    play(rules);
    docker_exec_start(t.docker, "x", &argv, on_exec, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_OK);
    assert_int_equal(exec_code, 3);
    orc_strv_release(&argv);
}

static void test_docker_exec__container_that_stopped_is_no_exit_code(void **state)
{
    struct rule rules[] = {{"/containers/x/exec", 409, "{\"message\":\"Container x is not running\"}"}, {0}};
    struct orc_strv argv = {0};

    orc_strv_add(&argv, "true");
    play(rules);
    docker_exec_start(t.docker, "x", &argv, on_exec, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_CONFLICT);
    orc_strv_release(&argv);
}

static void test_docker_exec__cancelled_while_it_hangs_calls_nobody(void **state)
{
    struct rule rules[] = {{"/containers/x/exec", 201, "{\"Id\":\"e1\"}"},
                           {"/exec/e1/start", -1, NULL},
                           {"/exec/e1/json", 200, "{\"Running\":true,\"ExitCode\":null,\"Pid\":1}"},
                           {0}};
    struct orc_strv argv = {0};
    struct docker_exec *x;

    orc_strv_add(&argv, "sleep");
    play(rules);
    x = docker_exec_start(t.docker, "x", &argv, on_exec, NULL);
    wait_requests(2);
    docker_exec_cancel(x);
    wait_requests(3); /* asks for the process, and would kill it were it the container's */
    assert_int_equal(t.done, 0);
    orc_strv_release(&argv);
}

/* ---- pulls
 * ------------------------------------------------------------------------------------------------- */

static struct {
    int n;
    enum docker_pull last;
    char text[600];
} pulled;

static void on_pulled(enum docker_pull outcome, const char *text, void *arg)
{
    pulled.n++;
    pulled.last = outcome;
    snprintf(pulled.text, sizeof pulled.text, "%s", text);
}

static enum docker_pull pull_once(const struct rule *rules)
{
    struct docker_images *im = docker_images_new(t.docker);

    memset(&pulled, 0, sizeof pulled);
    play(rules);
    docker_pull(im, "reg:5000/app:1", NULL, on_pulled, &pulled);
    while (!pulled.n)
        uv_run(&t.loop, UV_RUN_ONCE);
    docker_images_free(im);
    return pulled.last;
}

static void test_docker_image__error_inside_of_200_is_found(void **state)
{
    struct rule missing[] = {{"/images/create", 200,
                              "{\"status\":\"Pulling from app\"}\r\n"
                              "{\"errorDetail\":{\"message\":\"m\"},\"error\":\"manifest unknown\"}\r\n"},
                             {0}};
    struct rule broken[] = {{"/images/create", 200, "{\"status\":\"x\"}\n{\"error\":\"unexpected EOF\"}"},
                            {0}};
    struct rule good[] = {{"/images/create", 200, "{\"status\":\"Downloaded\"}\n"}, {0}};

    assert_int_equal(pull_once(missing), PULL_MISSING);
    assert_string_equal(pulled.text, "image \"reg:5000/app:1\": manifest unknown; check its name and tag, "
                                     "and that this server may read it from there");
    assert_int_equal(pull_once(broken), PULL_TRANSIENT);
    assert_int_equal(pull_once(good), PULL_OK);
    assert_string_equal(t.log, "POST /v1.41/images/create?fromImage=reg%3A5000%2Fapp%3A1\n");
}

static void test_docker_image__statuses_mean_missing_or_later(void **state)
{
    struct rule missing[] = {{"/images/create", 404, "{\"message\":\"pull access denied\"}"}, {0}};
    struct rule later[] = {{"/images/create", 500, "{\"message\":\"dial tcp: connection refused\"}"}, {0}};
    struct rule gone[] = {{"/images/create", 0, NULL}, {0}};

    assert_int_equal(pull_once(missing), PULL_MISSING);
    assert_int_equal(pull_once(later), PULL_TRANSIENT);
    assert_int_equal(pull_once(gone), PULL_TRANSIENT);
}

/* Behaviour 73. */
static void test_docker_image__pulls_of_one_image_are_one(void **state)
{
    struct rule rules[] = {{"/images/create", -1, NULL}, {0}};
    struct docker_images *im = docker_images_new(t.docker);
    int a, b, c;

    memset(&pulled, 0, sizeof pulled);
    play(rules);
    docker_pull(im, "app:1", NULL, on_pulled, &a);
    docker_pull(im, "app:1", NULL, on_pulled, &b);
    docker_pull(im, "app:1", NULL, on_pulled, &c);
    docker_pull_forget(im, &b);
    wait_requests(1);
    fake_reply(t.held, 200, NULL, "{\"status\":\"done\"}\n");
    while (pulled.n < 2)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(t.requests, 1);
    assert_int_equal(pulled.n, 2); /* the one that forgot is not called */
    docker_images_free(im);
}

static void test_docker_image__a_platform_is_asked_for_and_is_another_pull(void **state)
{
    struct rule rules[] = {{"/images/create", 200, "{\"status\":\"done\"}\n"}, {0}};
    struct docker_images *im = docker_images_new(t.docker);
    int a, b;

    memset(&pulled, 0, sizeof pulled);
    play(rules);
    docker_pull(im, "app:1", NULL, on_pulled, &a);
    docker_pull(im, "app:1", "linux/arm64", on_pulled, &b);
    while (pulled.n < 2)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_non_null(strstr(t.log, "POST /v1.41/images/create?fromImage=app%3A1\n"));
    assert_non_null(strstr(t.log, "POST /v1.41/images/create?fromImage=app%3A1&platform=linux/arm64\n"));
    docker_images_free(im);
}

static void test_docker_image__freed_in_the_middle_of_a_pull_calls_nobody(void **state)
{
    struct rule rules[] = {{"/images/create", -1, NULL}, {0}};
    struct docker_images *im = docker_images_new(t.docker);
    const char *part = "{\"status\":\"Down";

    memset(&pulled, 0, sizeof pulled);
    play(rules);
    docker_pull(im, "app", NULL, on_pulled, &pulled);
    wait_requests(1);
    assert_non_null(strstr(t.log, "&tag=latest")); /* or every tag would be pulled */
    fake_chunks_begin(t.held, 200, NULL);
    fake_chunk(t.held, part, strlen(part));
    docker_images_free(im);
    assert_int_equal(pulled.n, 0);
}

/* ---- events
 * ------------------------------------------------------------------------------------------------ */

static struct {
    int ups, downs, resyncs, events, code;
    char what[200], why[300];
} ev;

static void on_event(const char *action, const char *task, const char *sidecar, int exit_code, void *arg)
{
    ev.events++;
    ev.code = exit_code;
    snprintf(ev.what, sizeof ev.what, "%s %s %s", action, task, sidecar);
}

static void on_resync(void *arg)
{
    ev.resyncs++;
}

static void on_engine(bool up, const char *why, void *arg)
{
    ev.ups += up;
    ev.downs += !up;
    snprintf(ev.why, sizeof ev.why, "%s", why);
}

static struct docker_events *events_new(void)
{
    struct docker_events_opts opts = {
        .label = "orc.cluster=c1", .on_event = on_event, .on_resync = on_resync, .on_engine = on_engine};

    memset(&ev, 0, sizeof ev);
    return docker_events_new(&t.loop, t.docker, &opts);
}

#define VERSION_OK                                                                                           \
    {                                                                                                        \
        "/version", 200, "{\"Version\":\"20.10\",\"ApiVersion\":\"1.41\"}"                                   \
    }

static void test_docker_events__die_carries_task_and_exit_code(void **state)
{
    struct rule rules[] = {VERSION_OK, {"/events", -1, NULL}, {0}};
    struct docker_events *e;
    const char *die = "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"abc\",\"Attributes\":"
                      "{\"orc.task\":\"shop.web.0.1\",\"orc.sidecar\":\"proxy\",\"exitCode\":\"137\"}}}\n";
    const char *nonsense = "{\"Action\":7}\nnot json\n{\"Actor\":null}\n";

    play(rules);
    e = events_new();
    while (!t.held)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_int_equal(ev.resyncs, 1); /* list as soon as the stream is asked for */
    assert_int_equal(ev.ups, 1);
    fake_chunks_begin(t.held, 200, NULL);
    fake_chunk(t.held, nonsense, strlen(nonsense));
    fake_chunk(t.held, die, 40);
    fake_chunk(t.held, die + 40, strlen(die) - 40);
    while (!ev.events)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_string_equal(ev.what, "die shop.web.0.1 proxy");
    assert_int_equal(ev.code, 137);
    docker_events_free(e);
}

static void test_docker_events__broken_stream_is_opened_again_and_listed_anew(void **state)
{
    struct rule up[] = {VERSION_OK, {"/events", -1, NULL}, {0}}, down[] = {{"/version", 0, NULL}, {0}};
    struct docker_events *e;

    play(up);
    e = events_new();
    while (!t.held)
        uv_run(&t.loop, UV_RUN_ONCE);
    play(down);
    fake_server_close_all(t.server);
    while (ev.downs < 3) /* the stream, then questions for the version */
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_false(docker_events_up(e));
    assert_true(*ev.why);
    t.held = NULL;
    play(up);
    while (!t.held)
        uv_run(&t.loop, UV_RUN_ONCE);
    assert_true(docker_events_up(e));
    assert_int_equal(ev.resyncs, 2);
    docker_events_free(e);
}

/* Freed at any moment of its life: nothing is called, nothing leaks (the sanitizers' part). */
static void test_docker_events__freed_at_any_moment(void **state)
{
    struct rule slow[] = {{"/version", -1, NULL}, {0}}, up[] = {VERSION_OK, {"/events", -1, NULL}, {0}};

    play(up);
    docker_events_free(events_new());
    play(slow);
    {
        struct docker_events *e = events_new();

        wait_requests(1);
        docker_events_free(e);
    }
    assert_int_equal(ev.ups + ev.downs + ev.resyncs, 0);
}

/* ---- network
 * ----------------------------------------------------------------------------------------------- */

static const struct docker_network_want want = {.name = "orc",
                                                .bridge = "orc0",
                                                .subnet = "10.210.0.0/16",
                                                .ip_range = "10.210.1.0/24",
                                                .gateway = "10.210.1.1",
                                                .mtu = 1500,
                                                .cluster_id = "c1"};

#define OTHER "{\"Driver\":\"bridge\",\"Options\":{},\"Containers\":"

static void test_docker_network__missing_one_is_made(void **state)
{
    struct rule rules[] = {{"POST /v1.41/networks/create", 201, "{\"Id\":\"n\"}"}, {0}};

    play(rules);
    docker_network_ensure(t.docker, &want, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_OK);
}

static void test_docker_network__unused_other_one_is_made_anew(void **state)
{
    struct rule rules[] = {{"GET /v1.41/networks/orc", 200, OTHER "{}}"},
                           {"DELETE /v1.41/networks/orc", 204, ""},
                           {"/networks/create", 201, "{}"},
                           {0}};

    play(rules);
    docker_network_ensure(t.docker, &want, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_OK);
    assert_string_equal(t.log,
                        "GET /v1.41/networks/orc\nDELETE /v1.41/networks/orc\nPOST /v1.41/networks/create\n");
}

static void test_docker_network__used_other_one_is_left_and_explained(void **state)
{
    struct rule rules[] = {{"GET", 200, OTHER "{\"a\":{},\"b\":{}}}"}, {0}};

    play(rules);
    docker_network_ensure(t.docker, &want, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_REFUSED);
    assert_non_null(strstr(t.text, "2 containers use it"));
    assert_non_null(strstr(t.text, "docker network rm orc"));
    assert_int_equal(t.requests, 1);
}

static void test_docker_network__endless_race_is_given_up(void **state)
{
    struct rule rules[] = {{"POST", 409, "{\"message\":\"exists\"}"}, {0}}; /* ... and GET says 404 */

    play(rules);
    docker_network_ensure(t.docker, &want, on_res, NULL);
    wait_done();
    assert_int_equal(t.kind, DOCKER_TROUBLE);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_docker__speaks_the_lower_of_both_versions),
        T(test_docker__no_common_version_is_refused_with_both),
        T(test_docker__nonsense_for_a_version_is_no_engine),
        T(test_docker__kinds_and_the_engines_own_words),
        T(test_docker__error_that_is_no_json_is_quoted),
        T(test_docker__engine_that_hangs_up_is_down),
        T(test_docker__absent_engine_is_down_and_named),
        T(test_docker__cancelled_call_ends_once),
        T(test_docker__to_remove_what_is_gone_is_a_success),
        T(test_docker__grace_is_rounded_up_to_seconds),
        T(test_docker_container__inspect_is_read_or_refused),
        T(test_docker_exec__exit_code_comes_after_the_stream),
        T(test_docker_exec__container_that_stopped_is_no_exit_code),
        T(test_docker_exec__cancelled_while_it_hangs_calls_nobody),
        T(test_docker_image__error_inside_of_200_is_found),
        T(test_docker_image__statuses_mean_missing_or_later),
        T(test_docker_image__pulls_of_one_image_are_one),
        T(test_docker_image__a_platform_is_asked_for_and_is_another_pull),
        T(test_docker_image__freed_in_the_middle_of_a_pull_calls_nobody),
        T(test_docker_events__die_carries_task_and_exit_code),
        T(test_docker_events__broken_stream_is_opened_again_and_listed_anew),
        T(test_docker_events__freed_at_any_moment),
        T(test_docker_network__missing_one_is_made),
        T(test_docker_network__unused_other_one_is_made_anew),
        T(test_docker_network__used_other_one_is_left_and_explained),
        T(test_docker_network__endless_race_is_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
