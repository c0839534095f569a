/* test_container_config.c - the body of POST /containers/create, as text. */
#include "nodelet/container_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

static const struct container_context ctx = {
    .cluster_id = "c1", .node = "k1", .address = "10.0.0.11", .configs = "/state/configs/t"};

static struct record_task task(void)
{
    struct record_task t = {.app = (char *)"shop",
                            .service = (char *)"web",
                            .slot = 2,
                            .attempt = 7,
                            .revision = 4,
                            .address = (char *)"10.210.1.5"};

    snprintf(t.container_hash, sizeof t.container_hash, "abc");
    return t;
}

static struct spec_service *spec(void)
{
    struct spec_service *s = spec_service_new("web");

    s->image = orc_strdup("orc/workload:1");
    return s;
}

static char *body(const struct spec_service *s)
{
    struct record_task t = task();
    orc_auto_json json_t *j = container_config(&ctx, "shop.web.2.7", &t, s);

    return orc_json_text(j);
}

/* The member at a dotted path, as text; freed by the caller. */
static char *at(const struct spec_service *s, const char *a, const char *b)
{
    struct record_task t = task();
    orc_auto_json json_t *j = container_config(&ctx, "shop.web.2.7", &t, s);
    json_t *m = json_object_get(j, a);

    if (b)
        m = json_object_get(m, b);
    return m ? orc_json_text(m) : orc_strdup("absent");
}

#define assert_at(s, a, b, text)                                                                             \
    do {                                                                                                     \
        orc_auto_free char *got_ = at(s, a, b);                                                              \
        assert_string_equal(got_, text);                                                                     \
    } while (0)

static void test_container_config__smallest_service_is_complete(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();
    orc_auto_free char *text = body(s);

    assert_string_equal(
        text, "{\"Image\":\"orc/workload:1\",\"Hostname\":\"web-2\",\"Env\":[],"
              "\"Labels\":{\"orc.cluster\":\"c1\",\"orc.node\":\"k1\",\"orc.task\":\"shop.web.2.7\",\"orc."
              "app\":\"shop\","
              "\"orc.service\":\"web\",\"orc.slot\":\"2\",\"orc.revision\":\"4\",\"orc.hash\":\"abc\"},"
              "\"StopTimeout\":10,\"Healthcheck\":{\"Test\":[\"NONE\"]},"
              "\"HostConfig\":{\"NanoCpus\":0,\"Memory\":0,\"NetworkMode\":\"orc\",\"PortBindings\":{},"
              "\"Mounts\":[],"
              "\"RestartPolicy\":{\"Name\":\"no\"}},\"ExposedPorts\":{},"
              "\"NetworkingConfig\":{\"EndpointsConfig\":{\"orc\":{\"IPAMConfig\":{\"IPv4Address\":\"10.210."
              "1.5\"}}}}}");
}

static void test_container_config__limits_are_nano_cpus_and_bytes(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();

    s->limits = (struct spec_resources){.cpus_nano = 500000000, .memory = 67108864};
    s->reservations =
        (struct spec_resources){.cpus_nano = 1, .memory = 2}; /* placement's, not the engine's */
    assert_at(s, "HostConfig", "NanoCpus", "500000000");
    assert_at(s, "HostConfig", "Memory", "67108864");
}

static void test_container_config__a_limit_of_processes_only_when_given(void **state)
{
    static const struct {
        int limit;
        const char *text;
    } cases[] = {{0, "absent"}, {1, "1"}, {200, "200"}, {4194304, "4194304"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto(spec_service_free_p) struct spec_service *s = spec();

        s->pids_limit = cases[i].limit;
        assert_at(s, "HostConfig", "PidsLimit", cases[i].text);
    }
}

static void test_container_config__command_and_entrypoint_only_when_set(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();

    assert_at(s, "Cmd", NULL, "absent");
    assert_at(s, "Entrypoint", NULL, "absent");
    s->command_set = s->entrypoint_set = true; /* `[]`: emptied, not the image's */
    assert_at(s, "Cmd", NULL, "[]");
    assert_at(s, "Entrypoint", NULL, "[]");
    orc_strv_add(&s->command, "serve");
    orc_strv_add(&s->command, "--port=8080");
    assert_at(s, "Cmd", NULL, "[\"serve\",\"--port=8080\"]");
}

static void test_container_config__environment_is_name_equals_value(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();
    struct spec_pair a = {.key = orc_strdup("A"), .value = orc_strdup("1=2 \"x\"")};
    struct spec_pair b = {.key = orc_strdup("EMPTY"), .value = orc_strdup("")};
    struct spec_pair c = {.key = orc_strdup("UNSET"), .value = NULL};

    orc_vec_push(&s->environment, a);
    orc_vec_push(&s->environment, b);
    orc_vec_push(&s->environment, c);
    assert_at(s, "Env", NULL, "[\"A=1=2 \\\"x\\\"\",\"EMPTY=\"]");
}

/* A user's label can't take the place of one that nodelet finds its containers by. */
static void test_container_config__orcs_labels_win(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();
    struct spec_pair mine = {.key = orc_strdup("tier"), .value = orc_strdup("front")};
    struct spec_pair evil = {.key = orc_strdup("orc.task"), .value = orc_strdup("other.app.0.1")};

    orc_vec_push(&s->labels, evil);
    orc_vec_push(&s->labels, mine);
    assert_at(s, "Labels", "tier", "\"front\"");
    assert_at(s, "Labels", "orc.task", "\"shop.web.2.7\"");
}

static void test_container_config__ports_bind_to_the_private_address(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();
    struct spec_port a = {.host_ip = orc_strdup(""), .host = 8080, .container = 80};
    struct spec_port b = {.host_ip = orc_strdup("0.0.0.0"), .host = 53, .container = 53, .udp = true};
    struct spec_port c = {.host_ip = orc_strdup(""), .host = 0, .container = 80};

    orc_vec_push(&s->ports, a);
    orc_vec_push(&s->ports, b);
    orc_vec_push(&s->ports, c);
    assert_at(s, "HostConfig", "PortBindings",
              "{\"80/tcp\":[{\"HostIp\":\"10.0.0.11\",\"HostPort\":\"8080\"},"
              "{\"HostIp\":\"10.0.0.11\",\"HostPort\":\"\"}],"
              "\"53/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"53\"}]}");
    assert_at(s, "ExposedPorts", NULL, "{\"80/tcp\":{},\"53/udp\":{}}");
}

/* The engine refuses an address, and ignores ports, for what is not on a network of its own. */
static void test_container_config__without_a_network_of_its_own_no_address_and_no_ports(void **state)
{
    static const struct {
        enum spec_network network;
        const char *mode;
    } cases[] = {{SPEC_NETWORK_NONE, "\"none\""}, {SPEC_NETWORK_HOST, "\"host\""}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto(spec_service_free_p) struct spec_service *s = spec();
        struct spec_port p = {.host_ip = orc_strdup("0.0.0.0"), .host = 80, .container = 80};

        orc_vec_push(&s->ports, p);
        s->network = cases[i].network;
        assert_at(s, "HostConfig", "NetworkMode", cases[i].mode);
        assert_at(s, "HostConfig", "PortBindings", "absent");
        assert_at(s, "ExposedPorts", NULL, "absent");
        assert_at(s, "NetworkingConfig", NULL, "absent");
    }
}

static void test_container_config__a_sidecar_is_in_another_containers_network(void **state)
{
    static const struct container_context beside = {
        .cluster_id = "c1", .node = "k1", .address = "10.0.0.11", .join = "0123abcd"};
    orc_auto(spec_service_free_p) struct spec_service *s = spec_service_new("proxy");
    struct record_task t = task();
    orc_auto_json json_t *j = NULL;
    orc_auto_free char *text = NULL;

    s->image = orc_strdup("envoy:1");
    j = container_config(&beside, "shop.web.2.7", &t, s);
    text = orc_json_text(j);
    assert_string_equal(
        text,
        "{\"Image\":\"envoy:1\",\"Env\":[],"
        "\"Labels\":{\"orc.cluster\":\"c1\",\"orc.node\":\"k1\",\"orc.task\":\"shop.web.2.7\",\"orc."
        "app\":\"shop\",\"orc.service\":\"web\",\"orc.sidecar\":\"proxy\",\"orc.slot\":\"2\",\"orc."
        "revision\":\"4\",\"orc.hash\":\"abc\"},\"StopTimeout\":10,\"Healthcheck\":{\"Test\":[\"NONE\"]},"
        "\"HostConfig\":{\"NanoCpus\":0,\"Memory\":0,\"NetworkMode\":\"container:0123abcd\",\"Mounts\":[],"
        "\"RestartPolicy\":{\"Name\":\"no\"}}}");
}

static void test_container_config__volumes_belong_to_the_app_unless_they_have_a_name(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();
    struct spec_mount v = {
        .kind = SPEC_MOUNT_VOLUME, .source = orc_strdup("data"), .target = orc_strdup("/var/lib/db")};
    struct spec_mount b = {.kind = SPEC_MOUNT_BIND,
                           .source = orc_strdup("/etc/ssl"),
                           .target = orc_strdup("/ssl"),
                           .read_only = true};

    struct spec_mount named = {.kind = SPEC_MOUNT_VOLUME,
                               .source = orc_strdup("data"),
                               .target = orc_strdup("/pg"),
                               .name = orc_strdup("pgdata")};

    spec_pairs_add(&named.labels, "team", "shop");
    orc_vec_push(&s->mounts, named);
    orc_vec_push(&s->mounts, v);
    orc_vec_push(&s->mounts, b);
    assert_at(
        s, "HostConfig", "Mounts",
        "[{\"Type\":\"volume\",\"Source\":\"pgdata\",\"Target\":\"/pg\",\"ReadOnly\":false,"
        "\"VolumeOptions\":{\"Labels\":{\"team\":\"shop\"}}},"
        "{\"Type\":\"volume\",\"Source\":\"orc.shop.data\",\"Target\":\"/var/lib/db\",\"ReadOnly\":false},"
        "{\"Type\":\"bind\",\"Source\":\"/etc/ssl\",\"Target\":\"/ssl\",\"ReadOnly\":true}]");
}

static void test_container_config__mounts_with_options(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();
    struct spec_mount v = {.kind = SPEC_MOUNT_VOLUME,
                           .source = orc_strdup("data"),
                           .target = orc_strdup("/data"),
                           .nocopy = true};
    struct spec_mount b = {.kind = SPEC_MOUNT_BIND,
                           .source = orc_strdup("/mnt"),
                           .target = orc_strdup("/mnt"),
                           .propagation = orc_strdup("rslave")};

    spec_pairs_add(&v.driver_opts, "type", "nfs");
    orc_vec_push(&s->mounts, v);
    orc_vec_push(&s->mounts, b);
    assert_at(s, "HostConfig", "Mounts",
              "[{\"Type\":\"volume\",\"Source\":\"orc.shop.data\",\"Target\":\"/data\",\"ReadOnly\":false,"
              "\"VolumeOptions\":{\"NoCopy\":true,\"DriverConfig\":{\"Name\":\"local\",\"Options\":{\"type\":"
              "\"nfs\"}}}},{\"Type\":\"bind\",\"Source\":\"/mnt\",\"Target\":\"/mnt\",\"ReadOnly\":false,"
              "\"BindOptions\":{\"Propagation\":\"rslave\"}}]");
}

/* Behaviour 74. */
static void test_container_config__stop_signal_is_the_specs_or_the_images(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();

    assert_at(s, "StopSignal", NULL, "absent");
    s->stop_signal = orc_strdup("SIGQUIT");
    assert_at(s, "StopSignal", NULL, "\"SIGQUIT\"");
}

static void test_container_config__stop_timeout_is_the_grace_period_in_whole_seconds(void **state)
{
    static const struct {
        uint64_t ms;
        const char *seconds;
    } cases[] = {{0, "0"}, {1, "1"}, {999, "1"}, {1000, "1"}, {1001, "2"}, {90000, "90"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto(spec_service_free_p) struct spec_service *s = spec();

        s->stop_grace_period_ms = cases[i].ms;
        assert_at(s, "StopTimeout", NULL, cases[i].seconds);
    }
}

static void test_container_config__names_tell_the_task(void **state)
{
    orc_auto_free char *name = container_name("shop.web.2.7");

    assert_string_equal(name, "orc-shop.web.2.7");
}

/* Files of the server, read-only, behind what the service mounts itself. */
static void test_container_config__configs_are_files_of_the_server(void **state)
{
    orc_auto(spec_service_free_p) struct spec_service *s = spec();

    *orc_vec_add(&s->configs) = (struct spec_config){
        .source = orc_strdup("a"), .target = orc_strdup("/etc/a"), .content = orc_strdup("x"), .mode = 0400};
    *orc_vec_add(&s->configs) = (struct spec_config){
        .source = orc_strdup("b"), .target = orc_strdup("/b"), .content = orc_strdup("y"), .mode = 0400};
    assert_at(
        s, "HostConfig", "Mounts",
        "[{\"Type\":\"bind\",\"Source\":\"/state/configs/t/0\",\"Target\":\"/etc/a\",\"ReadOnly\":true},"
        "{\"Type\":\"bind\",\"Source\":\"/state/configs/t/1\",\"Target\":\"/b\",\"ReadOnly\":true}]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_container_config__configs_are_files_of_the_server),
        cmocka_unit_test(test_container_config__smallest_service_is_complete),
        cmocka_unit_test(test_container_config__limits_are_nano_cpus_and_bytes),
        cmocka_unit_test(test_container_config__a_limit_of_processes_only_when_given),
        cmocka_unit_test(test_container_config__command_and_entrypoint_only_when_set),
        cmocka_unit_test(test_container_config__environment_is_name_equals_value),
        cmocka_unit_test(test_container_config__orcs_labels_win),
        cmocka_unit_test(test_container_config__ports_bind_to_the_private_address),
        cmocka_unit_test(test_container_config__a_sidecar_is_in_another_containers_network),
        cmocka_unit_test(test_container_config__without_a_network_of_its_own_no_address_and_no_ports),
        cmocka_unit_test(test_container_config__volumes_belong_to_the_app_unless_they_have_a_name),
        cmocka_unit_test(test_container_config__mounts_with_options),
        cmocka_unit_test(test_container_config__stop_signal_is_the_specs_or_the_images),
        cmocka_unit_test(test_container_config__stop_timeout_is_the_grace_period_in_whole_seconds),
        cmocka_unit_test(test_container_config__names_tell_the_task),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
