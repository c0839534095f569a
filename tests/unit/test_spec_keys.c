/* Keys that say the same as another, that are for placement and pulling, and those that are accepted and mean
 * nothing here. */
#include "tests/unit/spec_test.h"

static void test_spec_keys__older_spellings_are_deploys(void **state)
{
    static const char *const same[][2] = {
        {"cpus: 0.5", "deploy: {resources: {limits: {cpus: '0.50'}}}"},
        {"mem_limit: 64m", "deploy: {resources: {limits: {memory: 65536k}}}"},
        {"mem_reservation: 64m", "deploy: {resources: {reservations: {memory: 64M}}}"},
        {"pids_limit: 50", "deploy: {resources: {limits: {pids: 50}}}"},
        {"pids_limit: -1", "deploy: {}"},
        {"scale: 3", "deploy: {replicas: 3}"},
        {"scale: 0", "deploy: {replicas: 0}"},
        {"scale: 3\n    deploy: {replicas: 3}", "deploy: {replicas: 3}"},
        {"deploy: {resources: {limits: {memory: 64M, cpus: 1}}}\n    mem_limit: 67108864\n    cpus: '1.0'",
         "deploy: {resources: {limits: {memory: 64M, cpus: 1}}}"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(same); i++) {
        orc_auto_free char *older = orc_printf("%s    %s\n", WEB(""), same[i][0]);
        orc_auto_free char *deploy = orc_printf("%s    %s\n", WEB(""), same[i][1]);

        assert_same(older, deploy);
    }
}

static void test_spec_keys__what_older_spellings_are_refused_for(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    cpus: 1\n    deploy: {resources: {limits: {cpus: 2}}}\n"),
         "4:11: ", "cpus says something else than deploy.resources.limits.cpus; remove one of the two"},
        {WEB("    deploy: {replicas: 2}\n    scale: 3\n"), "5:12: ", "scale says something else"},
        {WEB("    pids_limit: 3\n    deploy: {resources: {limits: {pids: 4}}}\n"),
         "4:17: ", "says something else"},
        {WEB("    pids_limit: 0\n"), "4:17: ", "pids_limit: "},
        {WEB("    pids_limit: [1]\n"), "4:17: ", "pids_limit must be a string"},
        {WEB("    mem_limit: 1k\n"), "4:16: ", "is too little; the engine takes no limit below 6M"},
        {WEB("    mem_limit: 64m\n    mem_reservation: 65m\n"), "5:22: ", "is above limits.memory"},
        {WEB("    scale: 2\n    deploy: {mode: global}\n"),
         "4:12: ", "\"replicas\" makes no sense beside mode"},
        {WEB("    memswap_limit: 10m\n    mem_limit: 11m\n"), "4:20: ", "less than the limit of memory"},
    };

    ASSERT_REFUSALS(cases);
}

/* Behaviour 32: placement knows a platform as what it can tell servers apart by. */
static void test_spec_keys__a_platform_is_a_constraint_too(void **state)
{
    static const char amd64[] =
        "\"constraints\":[{\"key\":\"node.platform.arch\",\"equal\":true,\"value\":\"amd64\"},{\"key\":"
        "\"node.platform.os\",\"equal\":true,\"value\":\"linux\"}],\"platform\":\"linux/amd64\"";

    assert_web(WEB("    platform: linux/amd64\n"), amd64);
    assert_web(WEB("    platform: Linux/x86_64/v1\n"), amd64);
    assert_same(WEB("    platform: linux/arm64\n"), WEB("    platform: linux/aarch64/v8\n"));
    assert_web(WEB("    platform: linux/arm/v7\n"),
               "\"constraints\":[{\"key\":\"node.platform.arch\",\"equal\":true,\"value\":\"arm\"},{\"key\":"
               "\"node.platform.os\",\"equal\":true,\"value\":\"linux\"}],\"platform\":\"linux/arm/v7\"");
}

static void test_spec_keys__a_sidecars_platform_is_its_main_services_place(void **state)
{
    assert_web(
        WEB("") "  side:\n    image: proxy\n    network_mode: service:web\n    platform: linux/amd64\n",
        "\"sidecars\":[{\"name\":\"side\",\"image\":\"proxy\",\"platform\":\"linux/amd64\"}],"
        "\"constraints\":[{\"key\":\"node.platform.arch\",\"equal\":true,\"value\":\"amd64\"},{\"key\":"
        "\"node.platform.os\",\"equal\":true,\"value\":\"linux\"}]");
}

static void test_spec_keys__how_an_image_is_pulled(void **state)
{
    assert_web(WEB("    pull_policy: missing\n"), "");
    assert_web(WEB("    pull_policy: if_not_present\n"), "");
    assert_web(WEB("    pull_policy: always\n"), "\"pull_policy\":\"always\"");
    assert_web(WEB("    pull_policy: never\n"), "\"pull_policy\":\"never\"");
}

/* It says nothing of what runs. */
static void test_spec_keys__a_pull_policy_replaces_no_container(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *a = parse_ok(WEB("    pull_policy: always\n"));
    orc_auto(spec_app_free_p) struct spec_app *b = parse_ok(WEB("    deploy: {labels: {a: b}}\n"));
    char whole[2][SPEC_HASH_MAX], container[2][SPEC_HASH_MAX];

    spec_service_hash(web_of(a), whole[0], container[0]);
    spec_service_hash(web_of(b), whole[1], container[1]);
    assert_string_not_equal(whole[0], whole[1]);
    assert_string_equal(container[0], container[1]);
}

static void test_spec_keys__platforms_and_policies_that_are_refused(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    platform: linux\n"), "4:15: ", "platform \"linux\" is not known"},
        {WEB("    platform: windows/amd64\n"), "4:15: ", "give linux and an architecture"},
        {WEB("    platform: linux/amd63\n"), "4:15: ", "is not known"},
        {WEB("    platform: linux/arm/\n"), "4:15: ", "is not known"},
        {WEB("    platform: linux/arm/v7/x\n"), "4:15: ", "is not known"},
        {WEB("    pull_policy: build\n"), "4:18: ", "orc runs images; build and push it first"},
        {WEB("    pull_policy: daily\n"), "4:18: ", "never because time has passed"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_keys__a_dependency_that_is_not_required_may_be_absent(void **state)
{
    assert_web(WEB("    depends_on: {db: {required: false}}\n"), "");
    assert_web(WEB("    depends_on: {db: {required: false}, a: {required: false}}\n") "  a: {image: a}\n",
               "\"depends_on\":[{\"service\":\"a\"}]");
    assert_same(WEB("    depends_on: {a: {required: false}}\n") "  a: {image: a}\n",
                WEB("    depends_on: {a: {required: true}}\n") "  a: {image: a}\n");
    assert_problem(WEB("    depends_on: {db: {required: true}}\n"),
                   "4:18: ", "service \"db\" is not in this file");
    assert_problem(
        WEB("    depends_on: {a: {required: false, condition: service_healthy}}\n") "  a: {image: a}\n",
        "4:18: ", "which has no health check");
}

static void test_spec_keys__of_deploy(void **state)
{
    assert_web(WEB("    deploy: {labels: {a: b}, endpoint_mode: dnsrr}\n"),
               "\"deploy_labels\":{\"a\":\"b\"}");
    assert_same(WEB("    deploy: {labels: [a=b, c]}\n"), WEB("    deploy: {labels: {c: , a: b}}\n"));
    assert_problem(WEB("    deploy: {endpoint_mode: vip}\n"), "4:29: ", "one address for all replicas");
    assert_problem(WEB("    deploy: {labels: {orc.a: b}}\n"), "4:23: ", "orc's own");
}

/* The story of Compose's own documentation has all four. */
static void test_spec_keys__a_restart_policy_is_restart_in_more_words(void **state)
{
    static const char *const same[][2] = {
        {"restart_policy: {}", "always"},
        {"restart_policy: {condition: any, max_attempts: 0}", "always"},
        {"restart_policy: {condition: none}", "no"},
        {"restart_policy: {condition: on-failure}", "on-failure"},
        {"restart_policy: {condition: on-failure, delay: 5s, max_attempts: 3, window: 120s}", "on-failure:3"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(same); i++) {
        orc_auto_free char *policy = orc_printf("%s    deploy: {%s}\n", WEB(""), same[i][0]);
        orc_auto_free char *restart = orc_printf("%s    restart: \"%s\"\n", WEB(""), same[i][1]);

        assert_same(policy, restart);
    }
}

static void test_spec_keys__what_a_restart_policy_can_not_set_is_told(void **state)
{
    static const char yaml[] =
        WEB("    deploy: {restart_policy: {condition: any, delay: 5s, window: 120s}}\n");
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;

    assert_int_equal(spec_parse(yaml, strlen(yaml), "shop", &app, &problems), 0);
    assert_int_equal(problems.notices.n, 2);
    assert_non_null(
        strstr(problems.notices.at[0].text, "delay has no effect: a container that ends is started"));
    assert_int_equal(problems.notices.at[0].line, 4);
    assert_non_null(strstr(problems.notices.at[1].text, "window has no effect"));
    spec_problems_release(&problems);
    spec_app_free(app);
}

/* What Compose would build must have been pushed; that is said once, not of each service. */
static void test_spec_keys__build_beside_an_image(void **state)
{
    static const char yaml[] = "services:\n"
                               "  web: {image: \"web:1\", build: .}\n"
                               "  api: {build: {context: ./api, args: {A: b}}, image: \"api:1\"}\n";
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;

    assert_int_equal(spec_parse(yaml, strlen(yaml), "shop", &app, &problems), 0);
    assert_int_equal(problems.notices.n, 1);
    assert_int_equal(problems.notices.at[0].line, 2);
    assert_non_null(strstr(problems.notices.at[0].text, "orc builds nothing: it runs the image as"));
    assert_string_equal(spec_app_service(app, "api")->image, "api:1");
    spec_problems_release(&problems);
    spec_app_free(app);
    assert_problem(
        "services: {web: {build: {context: ./web}}}\n", "1:18: ",
        "docker build -t REGISTRY/web:TAG ./web && docker push REGISTRY/web:TAG, then add \"image: "
        "REGISTRY/web:TAG\"");
    assert_problem(
        "services: {web: {build: {context: ., dockerfile: web.Dockerfile}}}\n", "1:18: ",
        "add \"image: REGISTRY/web:TAG\", then build and push it: docker compose build web && docker "
        "compose push web");
    assert_problem("services: {web: {build: \"./my web\"}}\n", "1:18: ", "docker compose build web");
}

/* What `user: "${UID_OF_WEB:-}"` leaves; what is no text in Compose must be what it is. */
static void test_spec_keys__an_empty_text_is_none(void **state)
{
    static const char *const none[] = {"user",     "working_dir", "hostname",    "domainname",   "ipc",
                                       "pid",      "uts",         "userns_mode", "network_mode", "restart",
                                       "platform", "pull_policy", "stop_signal"};
    static const char *const refused[] = {"mem_limit", "cpus", "stop_grace_period", "shm_size", "init"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(none); i++) {
        orc_auto_free char *empty = orc_printf("%s    %s: \"\"\n", WEB(""), none[i]);

        assert_same(empty, WEB(""));
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(refused); i++) {
        orc_auto_free char *empty = orc_printf("%s    %s: \"\"\n", WEB(""), refused[i]);

        assert_problem(empty, "", refused[i]);
    }
    assert_problem("services: {web: {image: \"\"}}\n", "1:25: ", "image");
}

static void test_spec_keys__mounts(void **state)
{
    assert_web(WEB("    volumes: ['/a:/b:ro,rslave', 'v:/c:nocopy']\n") "volumes: {v: }\n",
               "\"mounts\":[{\"kind\":\"bind\",\"source\":\"/a\",\"target\":\"/b\",\"read_only\":true,"
               "\"propagation\":\"rslave\"},{\"source\":\"v\",\"target\":\"/c\",\"nocopy\":true}]");
    assert_same(
        WEB("    volumes: ['/a:/b:ro,rslave', 'v:/c:nocopy']\n") "volumes: {v: }\n",
        WEB("    volumes:\n    - {type: bind, source: /a, target: /b, read_only: true, consistency: cached, "
            "bind: {propagation: rslave, create_host_path: false}}\n"
            "    - {type: volume, source: v, target: /c, volume: {nocopy: true}}\n") "volumes: {v: }\n");
    assert_same(
        WEB("    tmpfs: '/run:size=1m,mode=1777,ro'\n"),
        WEB("    volumes: [{type: tmpfs, target: /run/, read_only: true, tmpfs: {size: 1048576, mode: "
            "01777}}]\n"));
    assert_same(WEB("    tmpfs: '/run:mode=755'\n"),
                WEB("    volumes: [{type: tmpfs, target: /run, tmpfs: {mode: '755'}}]\n"));
    assert_same(WEB("    tmpfs: '/run:mode=755'\n"),
                WEB("    volumes: [{type: tmpfs, target: /run, tmpfs: {mode: 0o755}}]\n"));
    assert_same(WEB("    volumes: ['/a:/b:cached', '/c:/d:ro,delegated']\n"),
                WEB("    volumes: ['/a:/b', '/c:/d:ro']\n"));
    assert_problem(WEB("    volumes: ['/a:/b:Z']\n"),
                   "4:15: ", "mode \"Z\": orc relabels no files of a server");
    assert_problem(WEB("    volumes: ['/a:/b:nocopy']\n"), "4:15: ", "mode \"nocopy\" is not supported");
    assert_problem(WEB("    volumes: ['v:/b:rslave']\n") "volumes: {v: }\n", "4:15: ", "is not supported");
}

/* Wherever it is declared: what a server makes the volume with goes with each mount of it. */
static void test_spec_keys__a_volumes_options(void **state)
{
    static const char mounted[] =
        "\"mounts\":[{\"source\":\"v\",\"target\":\"/c\",\"driver_opts\":{\"device\":\":/data\",\"o\":"
        "\"addr=10.0.0.9,rw\",\"type\":\"nfs\"}}]";

    assert_web(WEB("    volumes: ['v:/c']\n") "volumes: {v: {driver: local, driver_opts: {type: nfs, o: "
                                              "'addr=10.0.0.9,rw', device: ':/data'}}}\n",
               mounted);
    assert_web(
        "volumes: {u: {driver_opts: }, v: {driver_opts: {device: ':/data', o: 'addr=10.0.0.9,rw', type: "
        "nfs}}}\n" WEB("    volumes: ['v:/c']\n"),
        mounted);
    assert_same("volumes: {v: {driver_opts: {type: nfs}}}\n" WEB("    volumes: ['/v:/c']\n"),
                "volumes: {v: }\n" WEB("    volumes: ['/v:/c']\n"));
}

static void test_spec_keys__what_means_nothing_here_is_no_difference(void **state)
{
    static const char *const nothing[] = {"attach: false", "develop: {watch: []}",
                                          "expose: [80, '90-91/udp']"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(nothing); i++) {
        orc_auto_free char *yaml = orc_printf("%s    %s\n", WEB(""), nothing[i]);

        assert_web(yaml, "");
    }
    assert_same(
        WEB("    networks: [a]\n") "networks: {a: {driver: overlay, attachable: true, name: x, labels: {a: "
                                   "b}}, c: {external: true}}\n",
        WEB(""));
    assert_same(WEB("    networks: {a: {priority: 5}}\n") "networks: {a: }\n", WEB(""));
    assert_same(
        WEB("    networks: [a]\n") "networks: {a: {internal: false, enable_ipv4: true, enable_ipv6: false, "
                                   "ipam: {driver: default}}, b: {ipam: }}\n",
        WEB(""));
    assert_same(WEB("    ports: [{target: 80, name: web, app_protocol: http, mode: ingress}]\n"),
                WEB("    ports: [{target: 80, mode: host}]\n"));
    assert_same(WEB("    configs: [a]\n") "configs: {a: {content: x, labels: {b: c}}}\n",
                WEB("    configs: [a]\n") "configs: {a: {content: x}}\n");
    assert_problem(WEB("    expose: [none]\n"), "4:14: ", "is no port");
}

#define WITH_DB "  db: {image: db, healthcheck: {test: [CMD, ok]}}\n"

static void test_spec_keys__links_are_waited_for(void **state)
{
    static const char *const linked[] = {"links: [db]", "links: ['db:db', db]",
                                         "depends_on: [db]\n    links: [db]",
                                         "links: [db]\n    depends_on: {db: {restart: false}}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(linked); i++) {
        orc_auto_free char *yaml = orc_printf(WEB("    %s\n") WITH_DB, linked[i]);

        assert_same(yaml, WEB("    depends_on: [db]\n") WITH_DB);
    }
    assert_same(WEB("    depends_on: {db: {condition: service_healthy}}\n    links: [db]\n") WITH_DB,
                WEB("    depends_on: {db: {condition: service_healthy}}\n") WITH_DB);
}

/* As `docker compose config` prints it. */
static void test_spec_keys__a_sidecar_restarts_with_its_main_service(void **state)
{
    assert_same(
        WEB("    network_mode: service:db\n    depends_on: {db: {condition: service_started, restart: "
            "true, required: true}}\n    deploy: {resources: {}, placement: {}}\n") WITH_DB,
        WEB("    network_mode: service:db\n") WITH_DB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_keys__older_spellings_are_deploys),
        cmocka_unit_test(test_spec_keys__what_older_spellings_are_refused_for),
        cmocka_unit_test(test_spec_keys__a_platform_is_a_constraint_too),
        cmocka_unit_test(test_spec_keys__a_sidecars_platform_is_its_main_services_place),
        cmocka_unit_test(test_spec_keys__how_an_image_is_pulled),
        cmocka_unit_test(test_spec_keys__a_pull_policy_replaces_no_container),
        cmocka_unit_test(test_spec_keys__platforms_and_policies_that_are_refused),
        cmocka_unit_test(test_spec_keys__a_dependency_that_is_not_required_may_be_absent),
        cmocka_unit_test(test_spec_keys__of_deploy),
        cmocka_unit_test(test_spec_keys__a_restart_policy_is_restart_in_more_words),
        cmocka_unit_test(test_spec_keys__what_a_restart_policy_can_not_set_is_told),
        cmocka_unit_test(test_spec_keys__build_beside_an_image),
        cmocka_unit_test(test_spec_keys__an_empty_text_is_none),
        cmocka_unit_test(test_spec_keys__mounts),
        cmocka_unit_test(test_spec_keys__a_volumes_options),
        cmocka_unit_test(test_spec_keys__what_means_nothing_here_is_no_difference),
        cmocka_unit_test(test_spec_keys__links_are_waited_for),
        cmocka_unit_test(test_spec_keys__a_sidecar_restarts_with_its_main_service),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
