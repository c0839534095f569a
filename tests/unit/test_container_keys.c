/* Keys that end in the engine's container, from the file through the normal form to the body of POST
 * /containers/create: one row a spelling. */
#include "nodelet/container_config.h"
#include "tests/unit/spec_test.h"

static const struct container_context ctx = {.cluster_id = "c1", .node = "k1", .address = "10.0.0.11"};

static json_t *config_of(const struct spec_service *s)
{
    struct record_task t = {
        .app = (char *)"shop", .service = (char *)"web", .slot = 2, .address = (char *)"10.210.1.5"};

    return container_config(&ctx, "shop.web.2.7", &t, s);
}

/* What `more` has beyond `base`: members that are not there, or have another value. */
static void add_changed(json_t *to, json_t *base, json_t *more)
{
    const char *key;
    json_t *value;

    json_object_foreach(more, key, value)
    {
        if (strcmp(key, "HostConfig") == 0)
            continue;
        if (!json_equal(json_object_get(base, key), value))
            json_object_set(to, key, value);
    }
}

/* What the body of this service has beyond that of one with an image alone; freed by the caller. */
static char *engine_text(const struct spec_service *s)
{
    orc_auto(spec_service_free_p) struct spec_service *plain = spec_service_new("web");
    orc_auto_json json_t *base = NULL, *more = config_of(s), *changed = json_object();

    plain->image = orc_strdup("nginx");
    base = config_of(plain);
    add_changed(changed, base, more);
    add_changed(changed, json_object_get(base, "HostConfig"), json_object_get(more, "HostConfig"));
    return orc_json_text(changed);
}

struct row {
    const char *yaml;
    const char *normal; /* the service's normal form behind its image */
    const char *engine;
};

static void assert_row(const struct row *row)
{
    orc_auto_free char *yaml = orc_printf("%s    %s\n", WEB(""), row->yaml);
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
    orc_auto_free char *text = spec_service_text(web_of(app)), *engine = engine_text(web_of(app));
    orc_auto_free char *wanted =
        orc_printf("{\"name\":\"web\",\"image\":\"nginx\"%s%s}", *row->normal ? "," : "", row->normal);
    orc_auto_json json_t *j = orc_json_parse(text, strlen(text), NULL);
    struct orc_err err = ORC_ERR_INIT;
    orc_auto(spec_service_free_p) struct spec_service *back = spec_service_from_json(j, &err);
    orc_auto_free char *again = back ? spec_service_text(back) : orc_strdup(err.msg);

    if (strcmp(text, wanted) != 0 || strcmp(engine, row->engine) != 0)
        print_error("%s\n", yaml);
    assert_string_equal(text, wanted);
    assert_string_equal(again, wanted);
    assert_string_equal(engine, row->engine);
}

static void assert_rows(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_row(&rows[i]);
}
#define ASSERT_ROWS(rows) assert_rows(rows, ORC_ARRAY_SIZE(rows))
#define IN(json) "\"container\":{" json "}"

static void test_container_keys__who_runs_and_where(void **state)
{
    static const struct row rows[] = {
        {"user: 1000", IN("\"user\":\"1000\""), "{\"User\":\"1000\"}"},
        {"user: 'www-data:www-data'", IN("\"user\":\"www-data:www-data\""),
         "{\"User\":\"www-data:www-data\"}"},
        {"group_add: [audio, 20, audio]", IN("\"group_add\":[\"20\",\"audio\"]"),
         "{\"GroupAdd\":[\"20\",\"audio\"]}"},
        {"working_dir: /srv/app", IN("\"working_dir\":\"/srv/app\""), "{\"WorkingDir\":\"/srv/app\"}"},
        {"init: true", IN("\"init\":true"), "{\"Init\":true}"},
        {"init: false", "", "{}"},
        {"tty: true", IN("\"tty\":true"), "{\"Tty\":true}"},
        {"stdin_open: true", IN("\"stdin_open\":true"), "{\"OpenStdin\":true}"},
        {"read_only: true", IN("\"read_only\":true"), "{\"ReadonlyRootfs\":true}"},
    };

    ASSERT_ROWS(rows);
}

static void test_container_keys__names_and_addresses(void **state)
{
    static const struct row rows[] = {
        {"hostname: web.example.com", IN("\"hostname\":\"web.example.com\""),
         "{\"Hostname\":\"web.example.com\"}"},
        {"domainname: example.com", IN("\"domainname\":\"example.com\""), "{\"Domainname\":\"example.com\"}"},
        {"dns: 10.0.0.53", IN("\"dns\":[\"10.0.0.53\"]"), "{\"Dns\":[\"10.0.0.53\"]}"},
        {"dns: [10.0.0.53, '::1', 10.0.0.5]", IN("\"dns\":[\"10.0.0.53\",\"::1\",\"10.0.0.5\"]"),
         "{\"Dns\":[\"10.0.0.53\",\"::1\",\"10.0.0.5\"]}"},
        {"dns_search: [b.example.com, a.example.com]",
         IN("\"dns_search\":[\"b.example.com\",\"a.example.com\"]"),
         "{\"DnsSearch\":[\"b.example.com\",\"a.example.com\"]}"},
        {"dns_search: .", IN("\"dns_search\":[\".\"]"), "{\"DnsSearch\":[\".\"]}"},
        {"dns_opt: [use-vc, 'ndots:2']", IN("\"dns_opt\":[\"ndots:2\",\"use-vc\"]"),
         "{\"DnsOptions\":[\"ndots:2\",\"use-vc\"]}"},
        {"extra_hosts: ['db:10.0.0.5', 'b=::1', 'me=host-gateway']",
         IN("\"extra_hosts\":[{\"name\":\"b\",\"address\":\"::1\"},{\"name\":\"db\",\"address\":"
            "\"10.0.0.5\"},{\"name\":\"me\",\"address\":\"host-gateway\"}]"),
         "{\"ExtraHosts\":[\"b:::1\",\"db:10.0.0.5\",\"me:10.0.0.11\"]}"},
        {"extra_hosts: {db: [10.0.0.6, 10.0.0.5], b: '[::1]'}",
         IN("\"extra_hosts\":[{\"name\":\"b\",\"address\":\"::1\"},{\"name\":\"db\",\"address\":"
            "\"10.0.0.5\"},{\"name\":\"db\",\"address\":\"10.0.0.6\"}]"),
         "{\"ExtraHosts\":[\"b:::1\",\"db:10.0.0.5\",\"db:10.0.0.6\"]}"},
    };

    ASSERT_ROWS(rows);
}

/* Behaviour 14: spellings are no difference. */
static void test_container_keys__tmpfs_and_memory(void **state)
{
    static const struct row rows[] = {
        {"tmpfs: /run", IN("\"tmpfs\":[{\"target\":\"/run\"}]"), "{\"Tmpfs\":{\"/run\":\"\"}}"},
        {"tmpfs: ['/tmp/', '/run:uid=10,size=64m,rw,mode=0755,exec,nosuid']",
         IN("\"tmpfs\":[{\"target\":\"/run\",\"size\":67108864,\"mode\":493,\"options\":\"exec,uid=10\"},"
            "{\"target\":\"/tmp\"}]"),
         "{\"Tmpfs\":{\"/run\":\"size=67108864,mode=755,exec,uid=10\",\"/tmp\":\"\"}}"},
        {"shm_size: 128M", IN("\"shm_size\":134217728"), "{\"ShmSize\":134217728}"},
        {"shm_size: 134217728", IN("\"shm_size\":134217728"), "{\"ShmSize\":134217728}"},
        {"cpu_shares: 512", IN("\"cpu_shares\":512"), "{\"CpuShares\":512}"},
        {"cpuset: '0-3,7'", IN("\"cpuset\":\"0-3,7\""), "{\"CpusetCpus\":\"0-3,7\"}"},
        {"cpuset: 0", IN("\"cpuset\":\"0\""), "{\"CpusetCpus\":\"0\"}"},
        {"oom_score_adj: -500", IN("\"oom_score_adj\":-500"), "{\"OomScoreAdj\":-500}"},
        {"deploy: {resources: {limits: {memory: 64M}}}\n    memswap_limit: 128M",
         "\"limits\":{\"memory\":67108864}," IN("\"memswap_limit\":134217728"),
         "{\"Memory\":67108864,\"MemorySwap\":134217728}"},
        {"deploy: {resources: {limits: {memory: 64M}}}\n    memswap_limit: -1",
         "\"limits\":{\"memory\":67108864}," IN("\"memswap_limit\":-1"),
         "{\"Memory\":67108864,\"MemorySwap\":-1}"},
    };

    ASSERT_ROWS(rows);
}

static void test_container_keys__limits_and_kernel_settings(void **state)
{
    static const struct row rows[] = {
        {"ulimits: {nproc: 65535, nofile: {soft: 20000, hard: 40000}, core: -1}",
         IN("\"ulimits\":[{\"name\":\"core\",\"soft\":-1,\"hard\":-1},{\"name\":\"nofile\",\"soft\":20000,"
            "\"hard\":40000},{\"name\":\"nproc\",\"soft\":65535,\"hard\":65535}]"),
         "{\"Ulimits\":[{\"Name\":\"core\",\"Soft\":-1,\"Hard\":-1},{\"Name\":\"nofile\",\"Soft\":20000,"
         "\"Hard\":40000},{\"Name\":\"nproc\",\"Soft\":65535,\"Hard\":65535}]}"},
        {"ulimits: {nproc: 0}", IN("\"ulimits\":[{\"name\":\"nproc\"}]"),
         "{\"Ulimits\":[{\"Name\":\"nproc\",\"Soft\":0,\"Hard\":0}]}"},
        {"sysctls: {net.core.somaxconn: 1024, kernel.shmmax: 5}",
         IN("\"sysctls\":{\"kernel.shmmax\":\"5\",\"net.core.somaxconn\":\"1024\"}"),
         "{\"Sysctls\":{\"kernel.shmmax\":\"5\",\"net.core.somaxconn\":\"1024\"}}"},
        {"sysctls: [net.core.somaxconn=1024, kernel.shmmax=5]",
         IN("\"sysctls\":{\"kernel.shmmax\":\"5\",\"net.core.somaxconn\":\"1024\"}"),
         "{\"Sysctls\":{\"kernel.shmmax\":\"5\",\"net.core.somaxconn\":\"1024\"}}"},
    };

    ASSERT_ROWS(rows);
}

static void test_container_keys__rights(void **state)
{
    static const struct row rows[] = {
        {"privileged: true", IN("\"privileged\":true"), "{\"Privileged\":true}"},
        {"privileged: false", "", "{}"},
        {"cap_add: [net_admin, CAP_SYS_TIME, NET_ADMIN]", IN("\"cap_add\":[\"NET_ADMIN\",\"SYS_TIME\"]"),
         "{\"CapAdd\":[\"NET_ADMIN\",\"SYS_TIME\"]}"},
        {"cap_drop: [all]", IN("\"cap_drop\":[\"ALL\"]"), "{\"CapDrop\":[\"ALL\"]}"},
        {"security_opt: [no-new-privileges]", IN("\"security\":{\"no_new_privileges\":true}"),
         "{\"SecurityOpt\":[\"no-new-privileges=true\"]}"},
        {"security_opt: ['no-new-privileges:true']", IN("\"security\":{\"no_new_privileges\":true}"),
         "{\"SecurityOpt\":[\"no-new-privileges=true\"]}"},
        {"security_opt: ['no-new-privileges=false']", "", "{}"},
        {"security_opt: [seccomp=unconfined]", IN("\"security\":{\"seccomp_unconfined\":true}"),
         "{\"SecurityOpt\":[\"seccomp=unconfined\"]}"},
        {"security_opt: ['label:type:svirt_t', 'apparmor:docker-default', label=disable]",
         IN("\"security\":{\"apparmor\":\"docker-default\",\"label\":[\"disable\",\"type:svirt_t\"]}"),
         "{\"SecurityOpt\":[\"apparmor=docker-default\",\"label=disable\",\"label=type:svirt_t\"]}"},
        {"security_opt: ['seccomp={\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": "
         "[\"mkdir\", \"socketcall\"], \"action\": \"SCMP_ACT_ERRNO\"}]}']",
         IN("\"security\":{\"seccomp\":\"{\\\"defaultAction\\\":\\\"SCMP_ACT_ALLOW\\\",\\\"syscalls\\\":[{"
            "\\\"names\\\":[\\\"mkdir\\\",\\\"socketcall\\\"],\\\"action\\\":\\\"SCMP_ACT_ERRNO\\\"}]}\"}"),
         "{\"SecurityOpt\":[\"seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ALLOW\\\",\\\"syscalls\\\":[{"
         "\\\"names\\\":[\\\"mkdir\\\",\\\"socketcall\\\"],\\\"action\\\":\\\"SCMP_ACT_ERRNO\\\"}]}\"]}"},
        {"security_opt: [systempaths=unconfined]", IN("\"security\":{\"systempaths_unconfined\":true}"),
         "{\"MaskedPaths\":[],\"ReadonlyPaths\":[]}"},
        {"devices: ['/dev/fuse', '/dev/null:/dev/zero2:mr', '/dev/kvm:rw']",
         IN("\"devices\":[{\"source\":\"/dev/fuse\",\"target\":\"/dev/"
            "fuse\",\"permissions\":\"rwm\"},{\"source\":\"/dev/kvm\",\"target\":\"/dev/"
            "kvm\",\"permissions\":\"rw\"},{\"source\":\"/dev/null\",\"target\":\"/dev/"
            "zero2\",\"permissions\":\"rm\"}]"),
         "{\"Devices\":[{\"PathOnHost\":\"/dev/fuse\",\"PathInContainer\":\"/dev/"
         "fuse\",\"CgroupPermissions\":\"rwm\"},{\"PathOnHost\":\"/dev/kvm\",\"PathInContainer\":\"/dev/"
         "kvm\",\"CgroupPermissions\":\"rw\"},{\"PathOnHost\":\"/dev/null\",\"PathInContainer\":\"/dev/"
         "zero2\",\"CgroupPermissions\":\"rm\"}]}"},
        {"devices: [{source: /dev/fuse}]",
         IN("\"devices\":[{\"source\":\"/dev/fuse\",\"target\":\"/dev/fuse\",\"permissions\":\"rwm\"}]"),
         "{\"Devices\":[{\"PathOnHost\":\"/dev/fuse\",\"PathInContainer\":\"/dev/"
         "fuse\",\"CgroupPermissions\":\"rwm\"}]}"},
        {"device_cgroup_rules: ['c 1:3 mr', 'a 7:* rwm']",
         IN("\"device_cgroup_rules\":[\"a 7:* rwm\",\"c 1:3 mr\"]"),
         "{\"DeviceCgroupRules\":[\"a 7:* rwm\",\"c 1:3 mr\"]}"},
    };

    ASSERT_ROWS(rows);
}

static void test_container_keys__namespaces_and_logs(void **state)
{
    static const struct row rows[] = {
        {"ipc: shareable", IN("\"ipc\":\"shareable\""), "{\"IpcMode\":\"shareable\"}"},
        {"pid: host", IN("\"pid\":\"host\""), "{\"PidMode\":\"host\"}"},
        {"userns_mode: host", IN("\"userns\":\"host\""), "{\"UsernsMode\":\"host\"}"},
        {"cgroup: private", IN("\"cgroup\":\"private\""), "{\"CgroupnsMode\":\"private\"}"},
        {"runtime: runsc", IN("\"runtime\":\"runsc\""), "{\"Runtime\":\"runsc\"}"},
        {"logging: {driver: json-file, options: {max-size: 10m, max-file: 3}}",
         IN("\"logging\":{\"driver\":\"json-file\",\"options\":{\"max-file\":\"3\",\"max-size\":\"10m\"}}"),
         "{\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-file\":\"3\",\"max-size\":\"10m\"}}}"},
        {"logging: {options: {max-size: 10m}}", IN("\"logging\":{\"options\":{\"max-size\":\"10m\"}}"),
         "{\"LogConfig\":{\"Config\":{\"max-size\":\"10m\"}}}"},
    };

    ASSERT_ROWS(rows);
}

/* The server's own name is left alone. */
static void test_container_keys__with_the_servers_uts_no_host_name_is_given(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(WEB("    uts: host\n"));
    orc_auto_json json_t *j = config_of(web_of(app));

    assert_null(json_object_get(j, "Hostname"));
    assert_string_equal(json_string_value(json_object_get(json_object_get(j, "HostConfig"), "UTSMode")),
                        "host");
}

/* Decision 0180. */
static void test_container_keys__annotations_are_labels(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app =
        parse_ok(WEB("    annotations: {a.b: c, d: e}\n    labels: {d: f}\n"));
    orc_auto_json json_t *j = config_of(web_of(app));
    json_t *labels = json_object_get(j, "Labels");

    assert_string_equal(json_string_value(json_object_get(labels, "a.b")), "c");
    assert_string_equal(json_string_value(json_object_get(labels, "d")), "f");
}

static void test_container_keys__what_is_refused(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    user: a b\n"), "4:11: ", "user: user \"a b\" can't be used: give a name or a number"},
        {WEB("    user: 'a:b:c'\n"), "4:11: ", "can't be used"},
        {WEB("    group_add: {a: b}\n"), "4:16: ", "group_add must be a list"},
        {WEB("    group_add: [':']\n"), "4:17: ", "group \":\" can't be used"},
        {WEB("    working_dir: app\n"), "4:18: ", "give an absolute path"},
        {WEB("    tty: 1\n"), "4:10: ", "tty must be true or false"},
        {WEB("    hostname: my_host\n"), "4:15: ", "name \"my_host\" can't be used"},
        {WEB("    dns: example.com\n"), "4:10: ", "\"example.com\" is not an address"},
        {WEB("    dns_search: ['-a']\n"), "4:18: ", "is not a domain"},
        {WEB("    dns_opt: ['a b']\n"), "4:15: ", "without spaces"},
        {WEB("    extra_hosts: [db]\n"), "4:19: ", "\"db\" has no address; write it as in \"db=10.0.0.5\""},
        {WEB("    extra_hosts: {db: x}\n"), "4:23: ",
         "\"x\" is not an address; give one such as 10.0.0.5, or "
         "host-gateway"},
        {WEB("    extra_hosts: a\n"), "4:18: ", "extra_hosts must be a list"},
        {WEB("    tmpfs: run\n"), "4:12: ", "tmpfs \"run\": the path in the container"},
        {WEB("    tmpfs: '/run:mode=9'\n"), "4:12: ", "\"mode=9\" is no mode"},
        {WEB("    tmpfs: '/run:size=x'\n"), "4:12: ", "size"},
        {WEB("    tmpfs: '/run:lazy'\n"), "4:12: ", "option \"lazy\" of a tmpfs is not known"},
        {WEB("    tmpfs: [/run, '/run:size=1m']\n"), "4:12: ", "tmpfs: two are mounted at one place"},
        {WEB("    tmpfs: /run\n    volumes: ['/a:/run']\n"),
         "4:12: ", "something of \"volumes\" is mounted there"},
        {WEB("    memswap_limit: 64M\n"), "4:20: ", "there is no limit of memory"},
        {WEB("    memswap_limit: 64M\n    deploy: {resources: {limits: {memory: 65M}}}\n"),
         "4:20: ", "less than the limit of memory"},
        {WEB("    cpu_shares: 1\n"), "4:17: ", "cpu_shares"},
        {WEB("    cpuset: 3-1\n"), "4:13: ", "\"3-1\" is not a list of CPUs"},
        {WEB("    cpuset: '0,'\n"), "4:13: ", "is not a list of CPUs"},
        {WEB("    oom_score_adj: 1001\n"), "4:20: ", "1001"},
        {WEB("    ulimits: {files: 1}\n"), "4:15: ", "limit \"files\" is not known"},
        {WEB("    ulimits: {nofile: {soft: 1}}\n"), "4:15: ", "limit \"nofile\" has no \"hard\""},
        {WEB("    ulimits: {nofile: {soft: 3, hard: 2}}\n"), "4:14: ", "a soft limit is above the hard one"},
        {WEB("    ulimits: {nofile: {soft: -1, hard: 2}}\n"), "4:14: ", "a soft limit is above the hard one"},
        {WEB("    ulimits: [nofile]\n"), "4:14: ", "must be a mapping of limits"},
        {WEB("    sysctls: {vm.swappiness: 1}\n"),
         "4:15: ", "sysctl \"vm.swappiness\" can't be set for a container"},
        {WEB("    sysctls: [net.core.somaxconn]\n"), "4:15: ", "has no value"},
        {WEB("    network_mode: host\n    sysctls: {net.core.somaxconn: 5}\n"),
         "5:14: ", "net.* is the server's own beside network_mode \"host\""},
        {WEB("    ipc: host\n    sysctls: {kernel.shmmax: 5}\n"),
         "5:14: ", "the server's own beside ipc \"host\""},
        {WEB("    ipc: host\n    shm_size: 5m\n"), "5:15: ", "no /dev/shm of its own"},
        {WEB("    ipc: service:db\n"), "4:10: ", "\"service:db\" is not supported: private, shareable, host"},
        {WEB("    pid: service:db\n"), "4:10: ", "\"service:db\" is not supported: \"host\""},
        {WEB("    uts: host\n    hostname: a\n"), "4:10: ", "leaves the container no name of its own"},
        {WEB("    cap_add: [NET]\n"),
         "4:15: ", "capability \"NET\" is not known; give one of capabilities(7)"},
        {WEB("    security_opt: [no-such]\n"), "4:20: ", "\"no-such\" is not known"},
        {WEB("    security_opt: [seccomp=profile.json]\n"),
         "4:20: ", "profile.json: no other file can be read here"},
        {WEB("    security_opt: [seccomp=]\n"), "4:20: ", "give \"unconfined\", a file with a profile"},
        {WEB("    security_opt: ['seccomp={\"syscalls\": []}']\n"), "4:20: ", "has no \"defaultAction\""},
        {WEB("    security_opt: ['seccomp={\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": "
             "[\"mkdri\"]}]}']\n"),
         "4:20: ", "the syscall \"mkdri\", which libseccomp does not know"},
        {WEB("    security_opt: ['seccomp={']\n"), "4:20: ", "the seccomp profile"},
        {WEB("    security_opt: [label=colour:red]\n"), "4:20: ", "none of SELinux's"},
        {WEB("    security_opt: [systempaths=all]\n"), "4:20: ", "systempaths is \"unconfined\""},
        {WEB("    security_opt: [seccomp=unconfined, 'seccomp={\"defaultAction\":\"SCMP_ACT_ALLOW\"}']\n"),
         "4:19: ", "contradict one another"},
        {WEB("    devices: [fuse]\n"), "4:15: ", "\"fuse\" is no path of a device"},
        {WEB("    devices: ['/dev/fuse:/dev/fuse:x']\n"), "4:15: ", "\"x\" are no permissions"},
        {WEB("    devices: ['/dev/fuse:rr']\n"), "4:15: ", "\"rr\" are no permissions"},
        {WEB("    devices: [{target: /dev/fuse}]\n"), "4:15: ", "this device has no \"source\""},
        {WEB("    devices: ['/dev/fuse', '/dev/null:/dev/fuse']\n"), "4:14: ", "two have one place"},
        {WEB("    device_cgroup_rules: ['c 1 r']\n"), "4:27: ", "\"c 1 r\" is no rule for devices"},
        {WEB("    cgroup: x\n"), "4:13: ", "\"x\" is not supported: host and private are"},
        {WEB("    logging: {driver: ''}\n"), "4:23: ", "is no name"},
        {WEB("    logging: {option: {}}\n"), "4:15: ", "did you mean \"options\"?"},
        {WEB("    hostnam: a\n"), "4:5: ", "did you mean \"hostname\"?"},
    };

    ASSERT_REFUSALS(cases);
}

/* A sidecar has its main service's network, and with it its names; the rest is its own. */
static void test_container_keys__of_a_sidecar(void **state)
{
    static const char *const refused[] = {"hostname: a",   "domainname: a.b", "dns: 10.0.0.1",
                                          "dns_search: .", "dns_opt: a",      "extra_hosts: [a=::1]",
                                          "uts: host"};
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(
        WEB("") "  side:\n    image: proxy\n    network_mode: service:web\n    user: root\n    cap_add: "
                "[NET_ADMIN]\n    sysctls: {kernel.shmmax: 5}\n    tmpfs: /run\n");
    orc_auto_free char *text = spec_service_text(web_of(app));

    assert_string_equal(text,
                        "{\"name\":\"web\",\"image\":\"nginx\",\"sidecars\":[{\"name\":\"side\",\"image\":"
                        "\"proxy\",\"container\":{\"user\":\"root\",\"tmpfs\":[{\"target\":\"/run\"}],"
                        "\"sysctls\":{\"kernel.shmmax\":\"5\"},\"cap_add\":[\"NET_ADMIN\"]}}]}");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(refused); i++) {
        orc_auto_free char *yaml = orc_printf(
            "%s  side:\n    image: proxy\n    network_mode: service:web\n    %s\n", WEB(""), refused[i]);

        assert_problem(yaml, "7:5: ", "makes no sense in a sidecar");
    }
    assert_problem(WEB("") "  side:\n    image: proxy\n    network_mode: service:web\n    sysctls: "
                           "{net.core.somaxconn: 5}\n",
                   "7:14: ", "net.* is of the network, which is the main service's");
}

/* What no file can have said, but a store may hold. */
static void test_container_keys__stored_forms_are_held_against_the_same_rules(void **state)
{
    static const char *const refused[][2] = {
        {"{\"cap_add\":[\"net_admin\"]}", "not in its normal form"},
        {"{\"sysctls\":{\"vm.swappiness\":\"1\"}}", "can't be set for a container"},
        {"{\"uts\":\"host\",\"hostname\":\"a\"}", "no name of its own"},
        {"{\"tmpfs\":[{\"target\":\"/a\"},{\"target\":\"/a\",\"size\":1}]}", "two are mounted"},
        {"{\"tmpfs\":[{\"target\":\"/a\",\"options\":\"rw\"}]}", "must be written"},
        {"{\"security\":{\"seccomp\":\"[]\"}}", "a JSON object"},
        {"{\"devices\":[{\"source\":\"/a\",\"target\":\"/a\",\"permissions\":\"mr\"}]}", "permissions"},
        {"{\"ipc\":\"service:db\"}", "is not supported"},
        {"{\"colour\":\"red\"}", "not known to this version"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(refused); i++) {
        orc_auto_free char *text =
            orc_printf("{\"name\":\"web\",\"image\":\"nginx\",\"container\":%s}", refused[i][0]);
        orc_auto_json json_t *j = orc_json_parse(text, strlen(text), NULL);
        struct orc_err err = ORC_ERR_INIT;

        assert_null(spec_service_from_json(j, &err));
        if (!strstr(err.msg, refused[i][1]))
            fail_msg("%s: %s", text, err.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_keys__who_runs_and_where),
        cmocka_unit_test(test_container_keys__names_and_addresses),
        cmocka_unit_test(test_container_keys__tmpfs_and_memory),
        cmocka_unit_test(test_container_keys__limits_and_kernel_settings),
        cmocka_unit_test(test_container_keys__rights),
        cmocka_unit_test(test_container_keys__namespaces_and_logs),
        cmocka_unit_test(test_container_keys__with_the_servers_uts_no_host_name_is_given),
        cmocka_unit_test(test_container_keys__annotations_are_labels),
        cmocka_unit_test(test_container_keys__what_is_refused),
        cmocka_unit_test(test_container_keys__of_a_sidecar),
        cmocka_unit_test(test_container_keys__stored_forms_are_held_against_the_same_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
