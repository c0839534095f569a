/* network_mode: what is taken, what is refused beside it, and which ports of the server are taken. */
#include "tests/unit/spec_test.h"

static void test_network_mode__bridge_is_what_there_is_anyway(void **state)
{
    assert_same(WEB("    network_mode: bridge\n    ports: ['80:80']\n"), WEB("    ports: ['80:80']\n"));
    assert_same(WEB("    network_mode: 'bridge'\n"), WEB(""));
}

static void test_network_mode__none_and_host(void **state)
{
    assert_web(
        WEB("    network_mode: none\n    healthcheck: {test: [CMD, check]}\n"),
        "\"health\":{\"kind\":\"exec\",\"exec\":[\"check\"],\"timeout_ms\":30000},\"network\":\"none\"");
    assert_web(WEB("    network_mode: host\n"), "\"network\":\"host\"");
}

/* What a process in the server's network listens on can be listened on once per server: route, check and
 * what "expose" names are held against one another as published ports are (behaviour 27). */
static void test_network_mode__host_takes_the_servers_ports(void **state)
{
    static const char *const ports =
        "\"network\":\"host\",\"ports\":[{\"host_ip\":\"0.0.0.0\",\"host\":53,\"container\":53,\"udp\":true},"
        "{\"host_ip\":\"0.0.0.0\",\"host\":9100,\"container\":9100},"
        "{\"host_ip\":\"0.0.0.0\",\"host\":9200,\"container\":9200},"
        "{\"host_ip\":\"0.0.0.0\",\"host\":9201,\"container\":9201}]";

    assert_same(WEB("    network_mode: host\n    expose: [53/udp, 9100, 9200-9201/tcp]\n"),
                WEB("    expose: ['9201', 9200, 9100, 53/udp, 9100]\n    network_mode: host\n"));
    assert_web(WEB("    network_mode: host\n    expose: ['53/udp', 9200-9201, 9100]\n"), ports);
    assert_web(WEB("    network_mode: host\n    x-orc: {health: {tcp: {port: 9100}}}\n"),
               "\"health\":{\"kind\":\"tcp\",\"port\":9100},\"network\":\"host\",\"ports\":[{\"host_ip\":"
               "\"0.0.0.0\",\"host\":9100,\"container\":9100}]");
    assert_web(WEB("    network_mode: host\n    x-orc: {gateway: {port: 80}}\n"),
               "\"network\":\"host\",\"ports\":[{\"host_ip\":\"0.0.0.0\",\"host\":80,\"container\":80}],"
               "\"gateway\":[{\"host\":\"\",\"path\":\"/\",\"port\":80}]");
    assert_web(
        WEB("    network_mode: host\n    healthcheck: {test: [CMD, check]}\n"),
        "\"health\":{\"kind\":\"exec\",\"exec\":[\"check\"],\"timeout_ms\":30000},\"network\":\"host\"");
}

static void test_network_mode__what_it_may_be(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    network_mode: hots\n"), "4:19: ", "\"hots\""},
        {WEB("    network_mode: container:abc\n"), "4:19: ", "\"container:abc\""},
        {WEB("    network_mode: [host]\n"), "4:19: ", "list"},
        {WEB("    network_mode:\n"), "4:18: ", "network_mode"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_network_mode__what_makes_no_sense_beside_it(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    network_mode: host\n    ports: ['80:80']\n"),
         "5:12: ", "\"ports\" makes no sense beside network_mode \"host\": its ports are the server's own"},
        {WEB("    network_mode: host\n    networks: [default]\n"),
         "5:15: ", "\"networks\" makes no sense beside network_mode \"host\""},
        {WEB("    networks: [default]\n    network_mode: bridge\n"),
         "4:15: ", "\"networks\" makes no sense beside network_mode \"bridge\""},
        {WEB("    network_mode: none\n    networks: [default]\n"), "5:15: ", "\"networks\" makes no sense"},
        {WEB("    network_mode: none\n    ports: ['80:80']\n"),
         "5:12: ", "\"ports\" makes no sense beside network_mode \"none\": nobody reaches the container"},
        {WEB("    network_mode: none\n    expose: [80]\n"), "5:13: ", "\"expose\" makes no sense"},
        {WEB("    network_mode: none\n    x-orc: {gateway: {port: 80}}\n"),
         "5:22: ", "\"gateway\" makes no sense"},
        {WEB("    network_mode: none\n    x-orc: {health: {http: {port: 80}}}\n"), "5:21: ",
         "\"health\" makes no sense beside network_mode \"none\": nobody reaches the container; give "
         "\"exec\""},
        {WEB("    network_mode: none\n    x-orc: {health: {tcp: {port: 80}}}\n"), "5:21: ", "give \"exec\""},
        {WEB("    network_mode: host\n    expose: [none]\n"), "5:14: ", "port \"none\": \"none\" is no port"},
        {WEB("    network_mode: host\n    expose: ['80:80']\n"), "5:14: ", "is no port"},
        {WEB("    network_mode: host\n    expose: [80/sctp]\n"), "5:14: ", "protocol \"sctp\""},
        {WEB("    network_mode: host\n    expose: 80\n"), "5:13: ", "expose must be a list"},
    };

    ASSERT_REFUSALS(cases);
}

/* ---- sidecars --------------------------------------------------------------------------------------------
 */

#define SIDE(lines) "  side:\n    image: proxy\n    network_mode: service:web\n" lines

static const struct spec_service *only_web(const struct spec_app *app)
{
    assert_int_equal(app->services.n, 1);
    assert_string_equal(app->services.at[0]->name, "web");
    return app->services.at[0];
}

static void test_sidecar__is_a_part_of_its_main_service(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(
        WEB("    volumes: [b:/b]\n    stop_grace_period: 3s\n    deploy: {replicas: 3, resources: {limits: "
            "{cpus: 1, memory: 64M, pids: 10}}}\n")
            SIDE("    volumes: [a:/a, b:/b]\n    stop_grace_period: 4s\n    depends_on: [web]\n"
                 "    healthcheck: {test: [CMD, check], interval: 7s, timeout: 3s, start_period: 30s, "
                 "retries: 2}\n"
                 "    deploy: {resources: {limits: {memory: 32M, pids: 5}, reservations: {cpus: 0.25, "
                 "memory: 16M}}}\n") "  also:\n    image: proxy:2\n    network_mode: \"service:web\"\n"
                                     "volumes: {a: , b: }\n");
    const struct spec_service *web = only_web(app);
    struct spec_resources need = spec_service_reserved(web);

    assert_int_equal(web->sidecars.n, 2);
    assert_string_equal(web->sidecars.at[0].name, "also");
    assert_string_equal(web->sidecars.at[1].name, "side");
    assert_int_equal(web->sidecars.at[1].depends_on.n, 0);
    assert_ptr_equal(spec_service_sidecar(web, "side"), &web->sidecars.at[1]);
    assert_null(spec_service_sidecar(web, "web"));
    assert_int_equal(need.cpus_nano, 1250000000);
    assert_int_equal(need.memory, (64 + 16) << 20);
    assert_int_equal(spec_service_pids(web), 15);
    assert_int_equal(spec_service_stop_ms(web), 13000); /* also's default, 10 s, is the longest */
    assert_int_equal(spec_service_check_ms(web), 50000);
    assert_string_equal(spec_service_mount(web, 0)->target, "/b");
    assert_string_equal(spec_service_mount(web, 1)->target, "/a");
    assert_string_equal(spec_service_mount(web, 2)->target, "/b");
    assert_null(spec_service_mount(web, 3));
}

/* Behaviour 14. */
static void test_sidecar__order_and_spelling_are_no_difference(void **state)
{
    assert_same(WEB("") SIDE("") "  b: {image: x, network_mode: service:web}\n",
                "services:\n  b: {network_mode: 'service:web', image: x, restart: always}\n" SIDE(
                    "    depends_on: {web: {condition: service_started}}\n") "  web: {image: nginx}\n");
}

/* Behaviours 41, 58: it is a container of each replica. */
static void test_sidecar__a_change_of_it_is_one_of_the_containers(void **state)
{
    static const char *const sides[] = {"",
                                        "    command: [x]\n",
                                        "    restart: unless-stopped\n",
                                        "    stop_grace_period: 0s\n",
                                        "    healthcheck: {test: [CMD, a]}\n",
                                        "    deploy: {resources: {limits: {memory: 32M}}}\n"};
    char whole[ORC_ARRAY_SIZE(sides)][SPEC_HASH_MAX], container[ORC_ARRAY_SIZE(sides)][SPEC_HASH_MAX];

    for (size_t i = 0; i < ORC_ARRAY_SIZE(sides); i++) {
        orc_auto_free char *yaml = orc_printf("%s%s", WEB("") SIDE(""), sides[i]);
        orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
        orc_auto(spec_service_free_p) struct spec_service *back = NULL;
        orc_auto_free char *text = spec_service_text(only_web(app));
        struct orc_err err = ORC_ERR_INIT;
        orc_auto_json json_t *j = orc_json_parse(text, strlen(text), &err);
        char w[SPEC_HASH_MAX], c[SPEC_HASH_MAX];

        spec_service_hash(only_web(app), whole[i], container[i]);
        back = spec_service_from_json(j, &err);
        if (!back)
            fail_msg("%s", err.msg);
        spec_service_hash(back, w, c); /* the store loses nothing, nor what is 0 and not by default */
        assert_string_equal(w, whole[i]);
        assert_string_equal(c, container[i]);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(whole[i], whole[k]);
            assert_string_not_equal(container[i], container[k]);
        }
    }
}

static void test_sidecar__what_it_listens_on_in_the_servers_network_is_taken_there(void **state)
{
    assert_same(WEB("    network_mode: host\n    expose: [80]\n")
                    SIDE("    x-orc: {health: {tcp: {port: 81}}}\n"),
                WEB("    network_mode: host\n    expose: [81, 80]\n")
                    SIDE("    x-orc: {health: {tcp: {port: 81}}}\n"));
}

static void test_sidecar__may_be_of_a_job_and_of_a_global_service(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *job =
        parse_ok(WEB("    deploy: {mode: replicated-job}\n") SIDE(""));
    orc_auto(spec_app_free_p) struct spec_app *global =
        parse_ok(WEB("    deploy: {mode: global}\n") SIDE(""));

    assert_true(only_web(job)->job && only_web(job)->sidecars.n == 1);
    assert_true(only_web(global)->global && only_web(global)->sidecars.n == 1);
}

static void test_sidecar__whose_it_may_be(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    network_mode: service:db\n"), "4:19: ", "service \"db\" is not in this file"},
        {WEB("    network_mode: service:wbe\n") "  wba: {image: a}\n",
         "4:19: ", "\"wbe\" is not in this file; did you mean \"wba\"?"},
        {WEB("    network_mode: service:web\n"), "4:19: ", "\"web\" is in the network of itself"},
        {WEB("    network_mode: 'service:'\n"), "4:19: ", "service name \"\" can't be used"},
        {WEB("    network_mode: service:Web\n"), "4:19: ", "can't be used"},
        {WEB("") SIDE("") "  c:\n    image: a\n    network_mode: service:side\n",
         "9:19: ", "\"side\" is itself a sidecar, of \"web\"; give \"service:web\""},
        {WEB("    network_mode: service:side\n") SIDE(""),
         "4:19: ", "\"web\" and \"side\" are sidecars of one another"},
        {WEB("    network_mode: service:side\n") SIDE(""),
         "7:19: ", "\"side\" and \"web\" are sidecars of one another"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_sidecar__what_only_its_main_service_can_have(void **state)
{
    static const struct refusal cases[] = {
        {WEB("") SIDE("    ports: ['80:80']\n"), "7:5: ",
         "\"ports\" makes no sense in a sidecar, which is a container of each replica of \"web\"; give it to "
         "\"web\""},
        {WEB("") SIDE("    networks: [default]\n"), "7:5: ", "\"networks\" makes no sense in a sidecar"},
        {WEB("") SIDE("    expose: [80]\n"), "7:5: ", "\"expose\" makes no sense in a sidecar"},
        {WEB("") SIDE("    deploy: {replicas: 2}\n"),
         "7:14: ", "\"deploy.replicas\" makes no sense in a sidecar"},
        {WEB("") SIDE("    deploy: {replicas: 1}\n"), "7:14: ", "\"deploy.replicas\""},
        {WEB("") SIDE("    deploy: {mode: global}\n"), "7:14: ", "\"deploy.mode\""},
        {WEB("") SIDE("    deploy: {mode: replicated-job}\n"), "7:14: ", "\"deploy.mode\""},
        {WEB("") SIDE("    deploy: {update_config: {}}\n"), "7:14: ", "\"deploy.update_config\""},
        {WEB("") SIDE("    deploy: {rollback_config: {}}\n"), "7:14: ", "\"deploy.rollback_config\""},
        {WEB("") SIDE("    deploy: {placement: {max_replicas_per_node: 1}}\n"),
         "7:14: ", "\"deploy.placement\""},
        {WEB("") SIDE("    x-orc: {gateway: {port: 80}}\n"), "7:13: ", "\"x-orc.gateway\" makes no sense"},
        {WEB("") SIDE("    x-orc: {drain: {timeout: 1s}}\n"), "7:13: ", "\"x-orc.drain\""},
        {WEB("") SIDE("    x-orc: {fence: 5s}\n"), "7:13: ", "\"x-orc.fence\""},
        {WEB("") SIDE("    restart: no\n"), "7:14: ", "restart makes no sense as \"no\" in a sidecar"},
        {WEB("") SIDE("    restart: on-failure:3\n"), "7:14: ", "as \"on-failure:3\" in a sidecar"},
        {WEB("") SIDE("    depends_on: [db]\n") "  db: {image: a}\n", "7:17: ", "waits for nothing else"},
        {WEB("    x-orc: {health: {tcp: {port: 1}}}\n")
             SIDE("    depends_on: {web: {condition: service_healthy}}\n"),
         "8:17: ", "waits for nothing else"},
        {WEB("    depends_on: [side]\n") SIDE(""),
         "4:18: ", "\"side\" is a sidecar of \"web\" and starts after it; remove it here"},
        {WEB("") SIDE("") "  c:\n    image: a\n    depends_on: [side]\n",
         "9:18: ", "\"side\" is a sidecar of \"web\"; wait for \"web\", which is healthy when both are"},
        {WEB("    network_mode: none\n") SIDE("    x-orc: {health: {tcp: {port: 1}}}\n"),
         "7:19: ", "nobody can ask \"side\" for its health; give \"exec\""},
    };

    ASSERT_REFUSALS(cases);
}

/* What any service is told is told once. */
static void test_sidecar__a_key_that_nobody_can_have_is_told_once(void **state)
{
    orc_auto_free char *text = parse_refused(WEB("") SIDE("    container_name: x\n    prots: []\n"));

    assert_non_null(strstr(text, "7:5: \"container_name\" in service \"side\" is not accepted"));
    assert_non_null(strstr(text, "8:5: unknown key \"prots\""));
    assert_null(strstr(text, "makes no sense"));
}

static void test_sidecar__at_most_so_many(void **state)
{
    orc_auto_free char *text = orc_strdup(WEB(""));
    orc_auto_free char *said = NULL;

    for (int i = 0; i <= SPEC_SIDECARS_MAX; i++) {
        char *more = orc_printf("%s  s%d: {image: a, network_mode: service:web}\n", text, i);

        free(text);
        text = more;
        if (i < SPEC_SIDECARS_MAX)
            spec_app_free(parse_ok(text));
    }
    said = parse_refused(text);
    assert_non_null(strstr(said, "\"web\" has more than 8 sidecars"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_network_mode__bridge_is_what_there_is_anyway),
        cmocka_unit_test(test_network_mode__none_and_host),
        cmocka_unit_test(test_network_mode__host_takes_the_servers_ports),
        cmocka_unit_test(test_network_mode__what_it_may_be),
        cmocka_unit_test(test_network_mode__what_makes_no_sense_beside_it),
        cmocka_unit_test(test_sidecar__is_a_part_of_its_main_service),
        cmocka_unit_test(test_sidecar__order_and_spelling_are_no_difference),
        cmocka_unit_test(test_sidecar__a_change_of_it_is_one_of_the_containers),
        cmocka_unit_test(test_sidecar__what_it_listens_on_in_the_servers_network_is_taken_there),
        cmocka_unit_test(test_sidecar__may_be_of_a_job_and_of_a_global_service),
        cmocka_unit_test(test_sidecar__whose_it_may_be),
        cmocka_unit_test(test_sidecar__what_only_its_main_service_can_have),
        cmocka_unit_test(test_sidecar__a_key_that_nobody_can_have_is_told_once),
        cmocka_unit_test(test_sidecar__at_most_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
