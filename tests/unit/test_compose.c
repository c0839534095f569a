/* What `orc config -o json` prints, key by key, against what `docker compose config --format json` prints.
 *
 * The expected values follow from compose-spec/compose-go (July 2026), each from the file that its row names:
 * the JSON names and what is left out from types/, the normal forms from transform/, format/ and
 * loader/normalize.go. What orc decides beyond that, or does not know any more, stands in rows of its own.
 */
#include "specs/compose.h"
#include "tests/unit/spec_test.h"

struct row {
    const char *source; /* in compose-go; or why it is another */
    const char *lines;  /* of the service "web" */
    const char *path;   /* below the service */
    const char *value;  /* NULL: it is not there */
};

#define FILE_WITH(lines)                                                                                     \
    "services:\n  db: {image: db, healthcheck: {test: [CMD, ok]}}\n  web:\n    image: nginx\n", (lines),     \
        "volumes: {data: }\nconfigs: {motd: {content: hi}}\nnetworks: {front: }\n"

/* The member at "a/b/c", a number for an element of a list; NULL: there is none. */
static json_t *at(json_t *j, const char *path)
{
    orc_auto_free char *copy = orc_strdup(path);
    char *rest = copy, *key;

    while (j && (key = strsep(&rest, "/")))
        j = json_is_array(j) ? json_array_get(j, (size_t)atoi(key)) : json_object_get(j, key);
    return j;
}

static void assert_at(const char *yaml, const char *path, const char *value)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
    orc_auto_json json_t *j = spec_app_to_compose(app, COMPOSE_PROGRAMS);
    orc_auto_json json_t *wanted = value ? orc_json_parse(value, strlen(value), NULL) : NULL;
    json_t *got = at(j, path);
    orc_auto_free char *text = got ? orc_json_text(got) : orc_strdup("not there");

    if (value && !wanted)
        fail_msg("no JSON: %s", value);
    if (got && wanted ? !json_equal(got, wanted) : got || wanted)
        fail_msg("%s%s is %s; expected: %s", yaml, path, text, value ? value : "not there");
}

static void assert_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        orc_auto_free char *yaml = orc_concat(FILE_WITH(rows[i].lines));
        orc_auto_free char *path = orc_concat("services/web/", rows[i].path);

        assert_at(yaml, path, rows[i].value);
    }
}

/* ---- the same ------------------------------------------------------------------------------------------ */

static const struct row same[] = {
    /* null, where every other key is left out: ShellCommand tells nothing from [] */
    {"types/types.go ServiceConfig", "", "command", "null"},
    {"types/types.go ServiceConfig", "", "entrypoint", "null"},
    {"types/command.go", "    command:\n", "command", "null"},
    {"types/command.go", "    command: []\n", "command", "[]"},
    {"types/command.go", "    command: ''\n", "command", "[]"},
    {"types/command.go", "    command: echo 'a b' c\n", "command", "[\"echo\", \"a b\", \"c\"]"},
    {"types/command.go", "    entrypoint: [a, b]\n", "entrypoint", "[\"a\", \"b\"]"},
    /* docker/compose, cmd/compose/config.go: each "$" twice, so that it can be read again */
    {"docker compose config", "    command: [echo, $$HOME]\n", "command", "[\"echo\", \"$$HOME\"]"},

    {"types/mapping.go", "    environment: [A=1, B=]\n", "environment", "{\"A\": \"1\", \"B\": \"\"}"},
    {"types/mapping.go", "    environment: {A: 1, B: true}\n", "environment",
     "{\"A\": \"1\", \"B\": \"true\"}"},
    {"types/labels.go", "    labels: [a=1, b]\n", "labels", "{\"a\": \"1\", \"b\": \"\"}"},
    {"types/mapping.go", "    annotations: {a: 1}\n", "annotations", "{\"a\": \"1\"}"},
    {"types/mapping.go", "    sysctls: [net.core.somaxconn=1024]\n", "sysctls",
     "{\"net.core.somaxconn\": \"1024\"}"},
    {"types/hostList.go", "    extra_hosts: {b: 10.0.0.2, a: 10.0.0.1}\n", "extra_hosts",
     "[\"a=10.0.0.1\", \"b=10.0.0.2\"]"},
    {"types/hostList.go", "    extra_hosts: ['a:[::1]']\n", "extra_hosts", "[\"a=::1\"]"},

    {"types/types.go StringList", "    dns: 10.0.0.53\n", "dns", "[\"10.0.0.53\"]"},
    {"types/types.go StringList", "    dns_search: example.com\n", "dns_search", "[\"example.com\"]"},
    {"types/types.go StringList", "    tmpfs: /run\n", "tmpfs", "[\"/run\"]"},
    {"types/types.go", "    dns_opt: [use-vc]\n", "dns_opt", "[\"use-vc\"]"},
    {"types/types.go", "    cap_add: [NET_ADMIN]\n", "cap_add", "[\"NET_ADMIN\"]"},
    {"types/types.go", "    cap_drop: [ALL]\n", "cap_drop", "[\"ALL\"]"},
    {"types/types.go", "    group_add: [44, audio]\n", "group_add", "[\"44\", \"audio\"]"},
    {"types/types.go", "    security_opt: [apparmor=unconfined]\n", "security_opt",
     "[\"apparmor=unconfined\"]"},
    {"types/types.go", "    device_cgroup_rules: ['c 1:3 mr']\n", "device_cgroup_rules", "[\"c 1:3 mr\"]"},
    {"types/device.go", "    devices: ['/dev/a:/dev/b:r']\n", "devices",
     "[{\"source\": \"/dev/a\", \"target\": \"/dev/b\", \"permissions\": \"r\"}]"},
    {"types/types.go", "    devices: [/dev/fuse]\n", "devices",
     "[{\"source\": \"/dev/fuse\", \"target\": \"/dev/fuse\", \"permissions\": \"rwm\"}]"},

    /* false is left out, and so is the empty text and 0 (omitempty) */
    {"types/types.go", "    init: true\n", "init", "true"},
    {"types/types.go", "    tty: true\n", "tty", "true"},
    {"types/types.go", "    tty: false\n", "tty", NULL},
    {"types/types.go", "    stdin_open: true\n", "stdin_open", "true"},
    {"types/types.go", "    read_only: true\n", "read_only", "true"},
    {"types/types.go", "    privileged: true\n", "privileged", "true"},
    {"types/types.go", "    user: 1000:1000\n", "user", "\"1000:1000\""},
    {"types/types.go", "    working_dir: /srv\n", "working_dir", "\"/srv\""},
    {"types/types.go", "    hostname: h\n", "hostname", "\"h\""},
    {"types/types.go", "    domainname: d\n", "domainname", "\"d\""},
    {"types/types.go", "    ipc: host\n", "ipc", "\"host\""},
    {"types/types.go", "    pid: host\n", "pid", "\"host\""},
    {"types/types.go", "    uts: host\n", "uts", "\"host\""},
    {"types/types.go", "    userns_mode: host\n", "userns_mode", "\"host\""},
    {"types/types.go", "    cgroup: private\n", "cgroup", "\"private\""},
    {"types/types.go", "    runtime: runsc\n", "runtime", "\"runsc\""},
    {"types/types.go", "    platform: linux/arm64\n", "platform", "\"linux/arm64\""},
    {"types/types.go", "    pull_policy: always\n", "pull_policy", "\"always\""},
    {"types/types.go", "    cpuset: 0-1\n", "cpuset", "\"0-1\""},
    {"types/types.go", "    cpu_shares: 512\n", "cpu_shares", "512"},
    {"types/types.go", "    oom_score_adj: -100\n", "oom_score_adj", "-100"},
    {"types/types.go", "    restart: on-failure:3\n", "restart", "\"on-failure:3\""},
    {"types/types.go", "    restart: 'no'\n", "restart", "\"no\""},
    {"types/types.go", "    stop_signal: SIGQUIT\n", "stop_signal", "\"SIGQUIT\""},

    /* bytes in digits, but as texts */
    {"types/bytes.go", "    shm_size: 64m\n", "shm_size", "\"67108864\""},
    {"types/bytes.go", "    mem_limit: 64m\n    memswap_limit: 1g\n", "memswap_limit", "\"1073741824\""},
    {"types/bytes.go", "    mem_limit: 64m\n    memswap_limit: -1\n", "memswap_limit", "\"-1\""},
    /* durations as Go prints them */
    {"types/duration.go", "    stop_grace_period: 90s\n", "stop_grace_period", "\"1m30s\""},
    {"types/duration.go", "    stop_grace_period: 1m\n", "stop_grace_period", "\"1m0s\""},
    {"types/duration.go", "    stop_grace_period: 2h\n", "stop_grace_period", "\"2h0m0s\""},
    {"types/duration.go", "    stop_grace_period: 1h30m\n", "stop_grace_period", "\"1h30m0s\""},
    {"types/duration.go", "    stop_grace_period: 1500ms\n", "stop_grace_period", "\"1.5s\""},
    {"types/duration.go", "    stop_grace_period: 60500ms\n", "stop_grace_period", "\"1m0.5s\""},
    {"types/duration.go", "    stop_grace_period: 20ms\n", "stop_grace_period", "\"20ms\""},
    {"types/duration.go", "    stop_grace_period: 0s\n", "stop_grace_period", "\"0s\""},

    {"types/types.go UlimitsConfig", "    ulimits: {nofile: {soft: 10, hard: 20}}\n", "ulimits",
     "{\"nofile\": {\"soft\": 10, \"hard\": 20}}"},
    {"types/types.go LoggingConfig", "    logging: {driver: json-file, options: {max-file: 3}}\n", "logging",
     "{\"driver\": \"json-file\", \"options\": {\"max-file\": \"3\"}}"},
    {"types/healthcheck.go", "    healthcheck: {test: curl x, interval: 1m, start_period: 90s}\n",
     "healthcheck/test", "[\"CMD-SHELL\", \"curl x\"]"},
    {"types/healthcheck.go", "    healthcheck: {test: [CMD, ok], interval: 1m}\n", "healthcheck/interval",
     "\"1m0s\""},
    {"types/healthcheck.go", "    healthcheck: {test: [CMD, ok], retries: 7}\n", "healthcheck/retries", "7"},
    {"types/healthcheck.go", "    healthcheck: {test: [CMD, ok], start_period: 90s, start_interval: 1s}\n",
     "healthcheck/start_period", "\"1m30s\""},

    {"transform/dependson.go", "    depends_on: [db]\n", "depends_on",
     "{\"db\": {\"condition\": \"service_started\", \"required\": true}}"},
    {"transform/dependson.go", "    depends_on: {db: {condition: service_healthy}}\n", "depends_on",
     "{\"db\": {\"condition\": \"service_healthy\", \"required\": true}}"},

    {"transform/ports.go", "    ports: ['8080:80']\n", "ports",
     "[{\"mode\": \"ingress\", \"target\": 80, \"published\": \"8080\", \"protocol\": \"tcp\"}]"},
    {"types/types.go ParsePortConfig", "    ports: [80]\n", "ports",
     "[{\"mode\": \"ingress\", \"target\": 80, \"protocol\": \"tcp\"}]"},
    {"types/types.go ParsePortConfig", "    ports: ['127.0.0.1:53:53/udp']\n", "ports",
     "[{\"mode\": \"ingress\", \"host_ip\": \"127.0.0.1\", \"target\": 53, \"published\": \"53\", "
     "\"protocol\": \"udp\"}]"},
    {"types/types.go ParsePortConfig", "    ports: ['8000-8001:80-81']\n", "ports",
     "[{\"mode\": \"ingress\", \"target\": 80, \"published\": \"8000\", \"protocol\": \"tcp\"}, "
     "{\"mode\": \"ingress\", \"target\": 81, \"published\": \"8001\", \"protocol\": \"tcp\"}]"},
    {"transform/ports.go portDefaults", "    ports: [{target: 80, published: 8080}]\n", "ports",
     "[{\"mode\": \"ingress\", \"target\": 80, \"published\": \"8080\", \"protocol\": \"tcp\"}]"},

    {"format/volume.go", "    volumes: ['data:/data']\n", "volumes",
     "[{\"type\": \"volume\", \"source\": \"data\", \"target\": \"/data\", \"volume\": {}}]"},
    {"format/volume.go", "    volumes: ['data:/data/:ro,nocopy']\n", "volumes",
     "[{\"type\": \"volume\", \"source\": \"data\", \"target\": \"/data\", \"read_only\": true, \"volume\": "
     "{\"nocopy\": true}}]"},
    {"types/types.go OptOut",
     "    volumes: [{type: bind, source: /a, target: /b, bind: {create_host_path: false, propagation: "
     "rslave}}]\n",
     "volumes",
     "[{\"type\": \"bind\", \"source\": \"/a\", \"target\": \"/b\", \"bind\": {\"propagation\": \"rslave\", "
     "\"create_host_path\": false}}]"},
    {"types/types.go FileReferenceConfig",
     "    configs: [{source: motd, target: /m, uid: 10, gid: '20', mode: 0440}]\n", "configs",
     "[{\"source\": \"motd\", \"target\": \"/m\", \"uid\": \"10\", \"gid\": \"20\", \"mode\": \"0440\"}]"},

    {"loader/normalize.go", "", "networks", "{\"default\": null}"},
    {"loader/normalize.go", "    network_mode: none\n", "networks", NULL},
    {"loader/normalize.go", "    network_mode: none\n", "network_mode", "\"none\""},
    {"types/types.go StringOrNumberList", "    network_mode: host\n    expose: [9100, 53/udp]\n", "expose",
     "[\"53/udp\", \"9100\"]"},
    {"loader/normalize.go", "    network_mode: service:db\n", "depends_on",
     "{\"db\": {\"condition\": \"service_started\", \"restart\": true, \"required\": true}}"},
    {"loader/normalize.go", "    network_mode: service:db\n", "network_mode", "\"service:db\""},

    /* of structs without a pointer {} stays */
    {"types/types.go DeployConfig", "", "deploy", NULL},
    {"types/types.go DeployConfig", "    deploy: {replicas: 3}\n", "deploy",
     "{\"replicas\": 3, \"resources\": {}, \"placement\": {}}"},
    {"types/types.go DeployConfig", "    deploy: {mode: global}\n", "deploy/mode", "\"global\""},
    {"types/types.go DeployConfig", "    deploy: {labels: [a=1]}\n", "deploy/labels", "{\"a\": \"1\"}"},
    {"types/cpus.go", "    deploy: {resources: {limits: {cpus: '0.1', memory: 64M, pids: 5}}}\n",
     "deploy/resources", "{\"limits\": {\"cpus\": 0.1, \"memory\": \"67108864\", \"pids\": 5}}"},
    {"types/cpus.go", "    deploy: {resources: {reservations: {cpus: 2}}}\n", "deploy/resources",
     "{\"reservations\": {\"cpus\": 2}}"},
    {"types/types.go Placement",
     "    deploy: {placement: {constraints: ['node.labels.a == b'], preferences: [{spread: node.labels.z}], "
     "max_replicas_per_node: 2}}\n",
     "deploy/placement",
     "{\"constraints\": [\"node.labels.a == b\"], \"preferences\": [{\"spread\": \"node.labels.z\"}], "
     "\"max_replicas_per_node\": 2}"},
    {"types/types.go UpdateConfig",
     "    deploy: {update_config: {parallelism: 2, delay: 1m, monitor: 90s, max_failure_ratio: 0.1, order: "
     "start-first, failure_action: rollback}}\n",
     "deploy/update_config",
     "{\"parallelism\": 2, \"delay\": \"1m0s\", \"monitor\": \"1m30s\", \"max_failure_ratio\": 0.1, "
     "\"order\": \"start-first\", \"failure_action\": \"rollback\"}"},
    {"types/types.go RestartPolicy",
     "    deploy: {mode: replicated-job, restart_policy: {condition: on-failure, max_attempts: 4, delay: "
     "1m}}\n",
     "deploy/restart_policy", "{\"condition\": \"on-failure\", \"max_attempts\": 4, \"delay\": \"1m0s\"}"},
};

static void test_compose__a_service_is_as_compose_prints_it(void **state)
{
    assert_rows(same, ORC_ARRAY_SIZE(same));
}

/* ---- the top level ------------------------------------------------------------------------------------- */

static const struct {
    const char *source, *yaml, *path, *value;
} whole[] = {
    {"types/project.go", WEB(""), "name", "\"shop\""},
    {"types/project.go", WEB(""), "volumes", NULL},
    {"types/project.go", WEB(""), "configs", NULL},
    {"types/types.go NetworkConfig; the engine's own name", WEB(""), "networks",
     "{\"default\": {\"name\": \"orc\", \"ipam\": {}}}"},
    {"loader/normalize.go", WEB("    network_mode: none\n"), "networks", NULL},
    {"loader/normalize.go setNameFromKey; the engine's own name",
     WEB("    volumes: ['data:/d']\n") "volumes: {data: , other: }\n", "volumes",
     "{\"data\": {\"name\": \"orc.shop.data\"}, \"other\": {\"name\": \"orc.shop.other\"}}"},
    {"types/types.go VolumeConfig",
     WEB("    volumes: ['data:/d']\n") "volumes: {data: {name: x1, labels: [a=1], driver_opts: {type: "
                                       "nfs}}}\n",
     "volumes/data", "{\"name\": \"x1\", \"driver_opts\": {\"type\": \"nfs\"}, \"labels\": {\"a\": \"1\"}}"},
    {"loader/normalize.go setNameFromKey",
     WEB("    volumes: ['data:/d']\n") "volumes: {data: {external: true}}\n", "volumes/data",
     "{\"name\": \"data\", \"external\": true}"},
    {"transform/external.go", WEB("    volumes: ['data:/d']\n") "volumes: {data: {external: {name: x1}}}\n",
     "volumes/data", "{\"name\": \"x1\", \"external\": true}"},
    {"types/types.go FileObjectConfig; its name is the file's",
     WEB("    configs: [motd]\n") "configs: {motd: {content: a $$b}}\n", "configs",
     "{\"motd\": {\"name\": \"motd\", \"content\": \"a $$b\"}}"},
};

static void test_compose__the_top_level_is_as_compose_prints_it(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(whole); i++)
        assert_at(whole[i].yaml, whole[i].path, whole[i].value);
}

/* ---- what differs -------------------------------------------------------------------------------------- */

/* docs/compose.md tells of these. */
static const struct row other[] = {
    {"the default is said", "", "restart", "\"always\""},
    {"... and the check's", "    healthcheck: {test: [CMD, ok]}\n", "healthcheck",
     "{\"test\": [\"CMD\", \"ok\"], \"interval\": \"10s\", \"timeout\": \"30s\", \"retries\": 3}"},
    {"... and the target", "    configs: [motd]\n", "configs",
     "[{\"source\": \"motd\", \"target\": \"/motd\"}]"},
    {"... and that no folder is made", "    volumes: ['/a:/b']\n", "volumes/0/bind",
     "{\"create_host_path\": false}"},
    {"one way to say it", "    cpus: 0.5\n", "cpus", NULL},
    {"one way to say it", "    cpus: 0.5\n    mem_limit: 64m\n    pids_limit: 5\n", "deploy/resources",
     "{\"limits\": {\"cpus\": 0.5, \"memory\": \"67108864\", \"pids\": 5}}"},
    {"one way to say it", "    scale: 2\n", "deploy/replicas", "2"},
    {"one way to say it", "    links: [db]\n", "depends_on",
     "{\"db\": {\"condition\": \"service_started\", \"required\": true}}"},
    {"one way to say it", "    security_opt: ['no-new-privileges:true']\n", "security_opt",
     "[\"no-new-privileges=true\"]"},
    {"one way to say it", "    ulimits: {nproc: 5}\n", "ulimits", "{\"nproc\": {\"soft\": 5, \"hard\": 5}}"},
    {"one way to say it", "    volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m}}]\n", "tmpfs",
     "[\"/t:size=1048576\"]"},
    {"one way to say it", "    cap_add: [CAP_SYS_TIME, NET_ADMIN]\n", "cap_add",
     "[\"NET_ADMIN\", \"SYS_TIME\"]"},
    {"there is one network", "    networks: [front]\n", "networks", "{\"default\": null}"},
    {"it means nothing here", "    expose: [80]\n", "expose", NULL},
    {"it means nothing here", "    ports: [{target: 80, name: a, app_protocol: http, mode: host}]\n", "ports",
     "[{\"mode\": \"ingress\", \"target\": 80, \"protocol\": \"tcp\"}]"},
    {"orc's own", "    x-orc: {drain: {timeout: 1m}}\n", "x-orc", "{\"drain\": {\"timeout\": \"1m0s\"}}"},
};

static void test_compose__what_is_another_than_composes(void **state)
{
    assert_rows(other, ORC_ARRAY_SIZE(other));
}

/* Whatever is printed is a file that means the same, in either form. */
static void test_compose__each_is_a_file_again(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(same) + ORC_ARRAY_SIZE(other); i++) {
        const struct row *row = i < ORC_ARRAY_SIZE(same) ? &same[i] : &other[i - ORC_ARRAY_SIZE(same)];
        orc_auto_free char *yaml = orc_concat(FILE_WITH(row->lines));
        orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);

        for (int form = COMPOSE_PROGRAMS; form <= COMPOSE_PEOPLE; form++) {
            orc_auto_json json_t *j = spec_app_to_compose(app, (enum compose_form)form);
            orc_auto_free char *again = orc_json_text(j);

            assert_same(yaml, again);
        }
    }
}

/* For people: the same without what says nothing, in units. */
static void test_compose__for_people_it_is_shorter(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app =
        parse_ok(WEB("    volumes: ['data:/d', '/a:/b']\n    shm_size: 64m\n    stop_grace_period: 60s\n"
                     "    ports: ['80:80']\n    deploy: {replicas: 2, resources: {limits: {cpus: 0.5}}}\n"
                     "    configs: [motd]\n") "volumes: {data: }\nconfigs: {motd: {content: hi}}\n");
    orc_auto_json json_t *j = spec_app_to_compose(app, COMPOSE_PEOPLE);
    orc_auto_free char *text = orc_json_text(j);

    assert_string_equal(
        text, "{\"name\":\"shop\",\"services\":{\"web\":{\"image\":\"nginx\",\"command\":null,\"entrypoint\":"
              "null,\"shm_size\":\"64M\",\"networks\":{\"default\":null},\"ports\":[{\"mode\":\"host\","
              "\"target\":80,\"published\":\"80\",\"protocol\":\"tcp\"}],\"volumes\":[{\"type\":\"bind\","
              "\"source\":\"/a\",\"target\":\"/b\"},{\"type\":\"volume\",\"source\":\"data\",\"target\":"
              "\"/d\"}],\"configs\":[{\"source\":\"motd\",\"target\":\"/motd\"}],\"restart\":\"always\","
              "\"stop_grace_period\":\"1m\",\"deploy\":{\"replicas\":2,\"resources\":{\"limits\":{\"cpus\":"
              "\"0.5\"}}}}},\"volumes\":{\"data\":{}},\"configs\":{\"motd\":{\"content\":\"hi\"}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose__a_service_is_as_compose_prints_it),
        cmocka_unit_test(test_compose__the_top_level_is_as_compose_prints_it),
        cmocka_unit_test(test_compose__what_is_another_than_composes),
        cmocka_unit_test(test_compose__each_is_a_file_again),
        cmocka_unit_test(test_compose__for_people_it_is_shorter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
