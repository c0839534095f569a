/* test_nodelet_parts.c - nodelet's small pure parts: what an engine's answer means, who is to blame for an
 * MTU, which subnet to take, what machine this is, what the state folder remembers, what Docker's network
 * should be, which volumes are an app's. */
#include "nodelet/docker_image.h"
#include "nodelet/docker_network.h"
#include "nodelet/host.h"
#include "nodelet/outcomes.h"
#include "nodelet/paths.h"
#include "nodelet/registration.h"
#include "nodelet/statedir.h"
#include "nodelet/volumes.h"

#include "lib/buf.h"
#include "lib/file.h"
#include "lib/mem.h"
#include "state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <cmocka.h>

/* ---- outcomes: the sentences are Docker Engine's, 20.10 and 28 -------------------------------------------
 */

static void test_outcomes__engine_answers_mean_what_they_mean(void **state)
{
    static const struct {
        enum converge_op op;
        enum docker_kind kind;
        const char *text;
        enum converge_outcome outcome;
    } rows[] = {
        {CONVERGE_CREATE, DOCKER_OK, "", CONVERGE_DONE},
        {CONVERGE_CREATE, DOCKER_NOT_FOUND, "answered 404: No such image: orc/none:1", CONVERGE_IMAGE_ABSENT},
        {CONVERGE_CREATE, DOCKER_NOT_FOUND, "answered 404: network orc not found", CONVERGE_TRANSIENT},
        {CONVERGE_CREATE, DOCKER_REFUSED, "answered 400: invalid mount config", CONVERGE_REFUSED},
        {CONVERGE_CREATE, DOCKER_TROUBLE, "answered 500: no space left on device", CONVERGE_TRANSIENT},
        {CONVERGE_CREATE, DOCKER_DOWN, "does not answer", CONVERGE_TRANSIENT},
        {CONVERGE_START, DOCKER_OK, "", CONVERGE_DONE},
        {CONVERGE_START, DOCKER_NOT_FOUND, "answered 404: No such container: orc-a.b.0.1", CONVERGE_GONE},
        {CONVERGE_START, DOCKER_NOT_FOUND, "answered 404: network orc not found", CONVERGE_TRANSIENT},
        {CONVERGE_START, DOCKER_REFUSED,
         "answered 400: OCI runtime create failed: exec: \"x\": executable file not found in $PATH",
         CONVERGE_CRASHED},
        {CONVERGE_START, DOCKER_TROUBLE, "answered 500: failed to create shim: OCI runtime create failed",
         CONVERGE_CRASHED},
        {CONVERGE_START, DOCKER_TROUBLE,
         "answered 500: driver failed programming external connectivity: "
         "Bind for 10.0.0.11:80 failed: port is already allocated",
         CONVERGE_TRANSIENT},
        {CONVERGE_START, DOCKER_REFUSED, "answered 403: Address already in use", CONVERGE_TRANSIENT},
        {CONVERGE_START, DOCKER_DOWN, "does not answer (OCI runtime)", CONVERGE_TRANSIENT},
        {CONVERGE_STOP, DOCKER_NOT_FOUND, "answered 404: No such container", CONVERGE_GONE},
        {CONVERGE_STOP, DOCKER_TROUBLE, "answered 500: cannot stop container", CONVERGE_TRANSIENT},
        {CONVERGE_KILL, DOCKER_DOWN, "does not answer", CONVERGE_TRANSIENT},
        {CONVERGE_REMOVE, DOCKER_CONFLICT, "answered 409: removal is already in progress",
         CONVERGE_TRANSIENT},
        {CONVERGE_REMOVE, DOCKER_OK, "", CONVERGE_DONE},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        assert_int_equal(outcome_of(rows[i].op, rows[i].kind, rows[i].text), rows[i].outcome);
    assert_true(outcome_needs_network(DOCKER_NOT_FOUND, "answered 404: network orc not found"));
    assert_false(outcome_needs_network(DOCKER_NOT_FOUND, "answered 404: No such container: network"));
}

/* Behaviour 73. */
static void test_outcomes__missing_image_is_told_from_an_unreachable_registry(void **state)
{
    static const char *const missing[] = {
        "manifest for 127.0.0.1:5000/app:none not found: manifest unknown: manifest unknown",
        "pull access denied for orc/none, repository does not exist or may require 'docker login'",
        "no matching manifest for linux/arm64/v8 in the manifest list entries",
        "repository docker.io/orc/none not found: does not exist or no pull access",
    };
    static const char *const transient[] = {
        "Get \"https://registry-1.docker.io/v2/\": dial tcp: lookup registry-1.docker.io: no such host",
        "Get \"http://127.0.0.1:5000/v2/\": dial tcp 127.0.0.1:5000: connect: connection refused",
        "net/http: request canceled while waiting for connection (Client.Timeout exceeded)",
        "read tcp 10.0.0.11:3344->10.0.0.9:5000: i/o timeout",
        "toomanyrequests: You have reached your pull rate limit",
        "received unexpected HTTP status: 502 Bad Gateway",
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(missing); i++)
        assert_true(docker_pull_is_missing(missing[i]));
    for (size_t i = 0; i < ORC_ARRAY_SIZE(transient); i++)
        assert_false(docker_pull_is_missing(transient[i]));
}

/* ---- paths ------------------------------------------------------------------------------------------------
 */

static const struct path_self k1 = {.node = "k1", .address = "10.0.0.11", .subnet = 1, .mtu = 1500};

static struct path well(const char *node, int subnet)
{
    return (struct path){
        .node = node, .address = "10.0.0.13", .subnet = subnet, .mtu = 1500, .reachable = true, .full = true};
}

static struct path narrow(const char *node, int subnet)
{
    struct path p = well(node, subnet);

    p.full = false;
    p.path_mtu = 1400;
    return p;
}

static struct path dead(const char *node, int subnet)
{
    struct path p = well(node, subnet);

    p.reachable = p.full = false;
    return p;
}

static void test_paths__alone_or_well_nobody_is_to_blame(void **state)
{
    struct path peers[] = {well("k2", 2), well("k3", 3)};

    assert_null(paths_blame(&k1, NULL, 0));
    assert_null(paths_blame(&k1, peers, 2));
}

static void test_paths__mismatch_says_the_pair_and_both_figures(void **state)
{
    struct path peers[] = {narrow("k3", 0)};
    orc_auto_free char *why = paths_blame(&k1, peers, 1);

    assert_string_equal(why, "k1 10.0.0.11 ↔ k3 10.0.0.13: 1500 bytes do not pass, 1400 do");
}

static void test_paths__different_bridge_mtus_are_a_mismatch(void **state)
{
    struct path peers[] = {well("k3", 0)};
    orc_auto_free char *why = NULL;

    peers[0].mtu = 1400;
    why = paths_blame(&k1, peers, 1);
    assert_string_equal(why,
                        "k1 10.0.0.11 (MTU 1500) ↔ k3 10.0.0.13 (MTU 1400): 1500 bytes do not pass, 1400 do");
}

/* One wrong server must not take the whole cluster out. */
static void test_paths__the_odd_one_out_is_to_blame_not_the_others(void **state)
{
    struct path seen_by_k1[] = {well("k2", 2), narrow("k3", 3)};
    struct path seen_by_k3[] = {narrow("k1", 1), narrow("k2", 2)};
    struct path_self k3 = {.node = "k3", .address = "10.0.0.13", .subnet = 3, .mtu = 1500};
    orc_auto_free char *why = paths_blame(&k3, seen_by_k3, 2);

    assert_null(paths_blame(&k1, seen_by_k1, 2));
    assert_non_null(why);
    assert_non_null(strstr(why, "the same or worse to 1 other nodes"));
}

static void test_paths__between_two_the_later_one_is_to_blame(void **state)
{
    struct path_self k2 = {.node = "k2", .address = "10.0.0.12", .subnet = 2, .mtu = 1500};
    struct path from_k1[] = {narrow("k2", 2)}, from_k2[] = {narrow("k1", 1)};
    orc_auto_free char *why = paths_blame(&k2, from_k2, 1);

    assert_null(paths_blame(&k1, from_k1, 1));
    assert_non_null(why);
}

static void test_paths__unreachable_nodes_say_nothing(void **state)
{
    struct path peers[] = {dead("k2", 2), dead("k3", 3), dead("k4", 4)};

    assert_null(paths_blame(&k1, peers, 3));
}

/* Every permutation of what is seen gives the same answer (blamed or not). */
static void test_paths__order_does_not_matter(void **state)
{
    struct path a[] = {well("k2", 2), narrow("k3", 3), dead("k4", 4), narrow("k5", 5)};

    for (int i = 0; i < 24; i++) {
        orc_auto_free char *why = paths_blame(&k1, a, 4);
        int x = i % 4, y = (i + 1 + i / 4 % 3) % 4;
        struct path swap = a[x];

        assert_non_null(why); /* two of three */
        a[x] = a[y];
        a[y] = swap;
    }
}

/* ---- subnets ----------------------------------------------------------------------------------------------
 */

static enum registration_holder holder(const char *value, int64_t lease)
{
    static const char ours[] = "{\"machine_id\":\"m\",\"boot_id\":\"b2\",\"instance\":\"me\"}";
    struct etcd_kv kv = {.key = "alive", .value = value ? value : ours, .lease = lease};
    struct orc_err err = ORC_ERR_INIT;
    struct record_alive found = {0};
    enum registration_holder who;

    kv.value_len = strlen(kv.value);
    who = registration_judge(&kv, "me", ours, 7, &found, &err);
    record_alive_release(&found);
    return who;
}

/* Behaviours 81, 82. A server that was started anew within its lease has its heartbeat still: with the boot
 * id of before, every status that it writes would be taken for one of another life. */
static void test_registration__a_heartbeat_of_before_the_boot_is_written_anew(void **state)
{
    static const char before[] = "{\"machine_id\":\"m\",\"boot_id\":\"b1\",\"instance\":\"me\"}";
    static const char another[] = "{\"machine_id\":\"m\",\"boot_id\":\"b2\",\"instance\":\"you\"}";

    assert_int_equal(holder(NULL, 7), HOLDER_US);
    assert_int_equal(holder(before, 7), HOLDER_OUTDATED);
    assert_int_equal(holder(NULL, 6), HOLDER_OUTDATED); /* of an earlier lease */
    assert_int_equal(holder(another, 6), HOLDER_ANOTHER);
    assert_int_equal(holder(another, 7), HOLDER_ANOTHER);
    assert_int_equal(holder(another, 0), HOLDER_OUTDATED); /* nobody's: written by hand */
    assert_int_equal(holder("?", 6), HOLDER_UNREADABLE);
}

static void test_registration__a_restored_heartbeat_is_written_anew(void **state)
{
    struct etcd_kv kv = {.key = "alive", .value = "ours", .value_len = 4, .lease = 7};

    assert_false(registration_differs(&kv, "ours"));
    assert_true(registration_differs(&kv, "ours, of another boot"));
    kv.lease = 0;
    assert_true(registration_differs(&kv, "ours"));
}

static void test_registration__remembered_then_lowest_then_zero(void **state)
{
    const char *const owner[] = {NULL, "k2", NULL, NULL}, *const full[] = {"a", "b"},
                      *const zero[] = {NULL, "b"};

    assert_int_equal(registration_choose(owner, 4, 3), 3);
    assert_int_equal(registration_choose(owner, 4, 1), 2); /* taken by another meanwhile */
    assert_int_equal(registration_choose(owner, 4, -1), 2);
    assert_int_equal(registration_choose(owner, 4, 99), 2);
    assert_int_equal(registration_choose(zero, 2, -1), 0);
    assert_int_equal(registration_choose(full, 2, -1), -1);
    assert_int_equal(registration_choose(NULL, 0, -1), -1);
}

/* ---- the machine ------------------------------------------------------------------------------------------
 */

/* A root folder with one file, removed by the caller's next call. */
static char *root_with(const char *path, const char *text)
{
    char *root = orc_strdup("/tmp/orc-host-XXXXXX");
    orc_auto_free char *file = NULL, *folder = NULL;
    char *slash;

    assert_non_null(mkdtemp(root));
    if (!path)
        return root;
    file = orc_printf("%s%s", root, path);
    folder = orc_strdup(file);
    slash = strrchr(folder, '/');
    *slash = '\0';
    assert_int_equal(orc_file_mkdirs(folder, NULL), 0);
    assert_int_equal(orc_file_write(file, text, strlen(text), 0644, NULL), 0);
    return root;
}

static void remove_root(char *root)
{
    orc_auto_free char *command = orc_printf("rm -rf '%s'", root);

    assert_int_equal(system(command), 0);
    free(root);
}

static void test_host__virtualisation_by_the_signs_it_leaves(void **state)
{
    static const struct {
        const char *path, *text, *kernel, *cpuid, *virt;
    } rows[] = {
        {NULL, NULL, "6.1.0-37-amd64", "KVMKVMKVM", "kvm"},
        {NULL, NULL, "6.1.0-37-amd64", "TCGTCGTCGTCG", "qemu"},
        {NULL, NULL, "6.1.0-37-amd64", "VMwareVMware", "vmware"},
        {NULL, NULL, "6.1.0-37-amd64", "", "none"},
        {"/sys/class/dmi/id/product_name", "KVM\n", "6.1.0", "", "kvm"},
        {"/sys/class/dmi/id/product_name", "Standard PC (Q35 + ICH9, 2009)\n", "6.1.0", "", "none"},
        {"/sys/class/dmi/id/sys_vendor", "QEMU\n", "6.1.0", "", "qemu"},
        {"/sys/class/dmi/id/sys_vendor", "Hetzner\n", "6.1.0", "", "kvm"},
        {"/proc/cpuinfo", "flags\t\t: fpu vme hypervisor lahf_lm\n", "6.1.0", "", "vm-other"},
        {"/proc/cpuinfo", "flags\t\t: fpu vme lahf_lm\n", "6.1.0", "", "none"},
        {"/run/systemd/container", "lxc\n", "6.1.0", "KVMKVMKVM", "lxc"},
        {"/.dockerenv", "", "6.1.0", "KVMKVMKVM", "container"},
        {"/proc/vz/version", "1\n", "4.18.0", "KVMKVMKVM", "openvz"},
        {"/proc/bc/resources", "1\n", "4.18.0", "KVMKVMKVM", "kvm"},
        {NULL, NULL, "2.6.32-042stab145.3", "KVMKVMKVM", "openvz"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        char *root = root_with(rows[i].path, rows[i].text);
        orc_auto_free char *virt = host_virt(root, rows[i].kernel, rows[i].cpuid);

        assert_string_equal(virt, rows[i].virt);
        remove_root(root);
    }
}

static void test_host__architecture_in_dockers_words(void **state)
{
    assert_string_equal(host_arch("x86_64"), "amd64");
    assert_string_equal(host_arch("aarch64"), "arm64");
    assert_string_equal(host_arch("armv7l"), "arm");
    assert_string_equal(host_arch("loongarch64"), "loongarch64");
}

static void pids_file(const char *root, const char *folder, const char *name, const char *text)
{
    orc_auto_free char *make = orc_printf("mkdir -p %s%s", root, folder);
    orc_auto_free char *path = orc_printf("%s%s/%s", root, folder, name);

    assert_int_equal(system(make), 0);
    assert_int_equal(orc_file_write(path, text, strlen(text), 0600, NULL), 0);
}

/* The least that limits all processes; "max", nonsense and what is not there limit nothing. */
static void test_host__pids_are_limited_by_kernel_and_cgroup(void **state)
{
    char root[] = "/tmp/orc-host-XXXXXX";
    orc_auto_free char *rm = NULL;

    assert_non_null(mkdtemp(root));
    rm = orc_printf("rm -r %s", root);
    assert_int_equal(host_pids(root), 0);
    pids_file(root, "/proc/sys/kernel", "pid_max", "32768\n");
    assert_int_equal(host_pids(root), 32768);
    pids_file(root, "/proc/sys/kernel", "threads-max", "15421\n");
    assert_int_equal(host_pids(root), 15421);
    pids_file(root, "/sys/fs/cgroup", "pids.max", "max\n");
    pids_file(root, "/sys/fs/cgroup/pids", "pids.max", "-7\n");
    assert_int_equal(host_pids(root), 15421);
    pids_file(root, "/sys/fs/cgroup", "pids.max", "2048\n");
    assert_int_equal(host_pids(root), 2048);
    assert_int_equal(system(rm), 0);
}

static void test_host__this_machine_has_cpus_and_memory(void **state)
{
    struct host h;

    host_read(&h, "");
    assert_true(h.cpus_nano >= 1000000000 && h.memory > 1 << 20);
    assert_string_equal(h.os, "linux");
    assert_true(*h.kernel && *h.virt && *h.boot_id);
    host_release(&h);
}

/* ---- the state folder -------------------------------------------------------------------------------------
 */

static void test_statedir__remembers_instance_lease_and_subnet(void **state)
{
    char *root = root_with(NULL, NULL), instance[STATEDIR_INSTANCE_MAX + 1];
    orc_auto_free char *path = orc_printf("%s/deep/er", root);
    struct orc_err err = ORC_ERR_INIT;
    struct statedir s;

    assert_int_equal(statedir_open(&s, path, &err), 0);
    assert_int_equal(strlen(s.instance), STATEDIR_INSTANCE_MAX);
    assert_int_equal(s.subnet, -1);
    memcpy(instance, s.instance, sizeof instance);
    s.lease = 7587862094992353803;
    s.subnet = 3;
    orc_set_str(&s.cluster_id, "c1");
    assert_int_equal(statedir_save(&s, &err), 0);
    statedir_release(&s);

    assert_int_equal(statedir_open(&s, path, &err), 0);
    assert_string_equal(s.instance, instance);
    assert_true(s.lease == 7587862094992353803);
    assert_int_equal(s.subnet, 3);
    assert_string_equal(s.cluster_id, "c1");
    statedir_release(&s);
    remove_root(root);
}

static void test_statedir__two_never_share_a_folder(void **state)
{
    char *root = root_with(NULL, NULL);
    struct orc_err err = ORC_ERR_INIT;
    struct statedir one, two;

    assert_int_equal(statedir_open(&one, root, &err), 0);
    assert_int_equal(statedir_open(&two, root, &err), -EBUSY);
    assert_non_null(strstr(err.msg, root));
    assert_non_null(strstr(err.msg, "--state-dir"));
    statedir_release(&two);
    statedir_release(&one);
    assert_int_equal(statedir_open(&two, root, &err), 0);
    statedir_release(&two);
    remove_root(root);
}

static void test_statedir__corrupt_file_is_set_aside(void **state)
{
    static const char *const garbage[] = {
        "",
        "{",
        "[]",
        "{\"instance\":5}",
        "{\"instance\":\"short\"}",
        "{\"instance\":\"0123456789abcdef0123456789abcdef\",\"lease\":-1}",
        "{\"instance\":\"0123456789abcdef0123456789abcdef\",\"subnet\":\"x\"}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(garbage); i++) {
        char *root = root_with("/node.json", garbage[i]);
        orc_auto_free char *aside = orc_printf("%s/node.json.corrupt", root), *kept = NULL;
        struct orc_err err = ORC_ERR_INIT;
        struct statedir s;

        assert_int_equal(statedir_open(&s, root, &err), STATEDIR_CORRUPT);
        assert_non_null(strstr(err.msg, "node.json is corrupt"));
        assert_int_equal(orc_file_read(aside, 4096, &kept, NULL, NULL), 0);
        assert_string_equal(kept, garbage[i]);
        assert_int_equal(strlen(s.instance), STATEDIR_INSTANCE_MAX);
        statedir_release(&s);
        assert_int_equal(statedir_open(&s, root, &err), 0); /* and is well from then on */
        statedir_release(&s);
        remove_root(root);
    }
}

/* A disk without room, as far as one process can have it: no file may grow. */
static void test_statedir__a_full_disk_is_said_and_made_up_for_later(void **state)
{
    char *root = root_with(NULL, NULL), instance[STATEDIR_INSTANCE_MAX + 1];
    struct rlimit before, none;
    struct orc_err err = ORC_ERR_INIT;
    struct statedir s;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &none);
    assert_int_equal(statedir_open(&s, root, &err), STATEDIR_UNSAVED);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_non_null(strstr(err.msg, "node.json"));
    assert_non_null(strstr(err.msg, "goes on"));
    assert_true(s.unsaved);
    assert_int_equal(strlen(s.instance), STATEDIR_INSTANCE_MAX);
    memcpy(instance, s.instance, sizeof instance);

    assert_int_equal(statedir_save(&s, &err), 0);
    assert_false(s.unsaved);
    statedir_release(&s);
    assert_int_equal(statedir_open(&s, root, &err), 0);
    assert_string_equal(s.instance, instance);
    statedir_release(&s);
    remove_root(root);
}

/* ---- Docker's network -------------------------------------------------------------------------------------
 */

static const struct docker_network_want want = {.name = "orc",
                                                .bridge = "orc0",
                                                .subnet = "10.210.0.0/16",
                                                .ip_range = "10.210.1.0/24",
                                                .gateway = "10.210.1.1",
                                                .mtu = 1450,
                                                .cluster_id = "c1"};

static void test_docker_network__body_says_bridge_mtu_and_addresses(void **state)
{
    orc_auto_json json_t *j = docker_network_config(&want);
    orc_auto_free char *text = orc_json_text(j);

    assert_string_equal(
        text,
        "{\"Name\":\"orc\",\"Driver\":\"bridge\",\"CheckDuplicate\":true,\"IPAM\":{\"Driver\":\"default\","
        "\"Config\":[{\"Subnet\":\"10.210.0.0/16\",\"IPRange\":\"10.210.1.0/"
        "24\",\"Gateway\":\"10.210.1.1\"}]},"
        "\"Options\":{\"com.docker.network.bridge.name\":\"orc0\",\"com.docker.network.driver.mtu\":\"1450\"}"
        ","
        "\"Labels\":{\"orc.cluster\":\"c1\"}}");
}

/* What was asked for and what inspect shows have one form. */
static void test_docker_network__what_differs_is_named(void **state)
{
    static const struct {
        const char *from, *to, *difference;
    } rows[] = {
        {"", "", NULL},
        {"\"1450\"", "\"1500\"", "its MTU is \"1500\", wanted is \"1450\""},
        {"orc0", "docker0", "its bridge is \"docker0\", wanted is \"orc0\""},
        {"10.210.1.1\"", "10.210.2.1\"", "its gateway is \"10.210.2.1\", wanted is \"10.210.1.1\""},
        {"\"bridge\"", "\"macvlan\"", "its driver is \"macvlan\", wanted is \"bridge\""},
        {"10.210.0.0/16", "10.9.0.0/16", "its subnet is \"10.9.0.0/16\", wanted is \"10.210.0.0/16\""},
        {"10.210.1.0/24", "10.210.7.0/24",
         "its address range is \"10.210.7.0/24\", wanted is \"10.210.1.0/24\""},
    };
    orc_auto_json json_t *j = docker_network_config(&want);
    orc_auto_free char *text = orc_json_text(j);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        const char *at = strstr(text, rows[i].from);
        orc_auto_free char *other =
            orc_printf("%.*s%s%s", (int)(at - text), text, rows[i].to, at + strlen(rows[i].from));
        orc_auto_json json_t *inspected = orc_json_parse(other, strlen(other), NULL);
        orc_auto_free char *difference = docker_network_difference(&want, inspected);

        if (rows[i].difference)
            assert_string_equal(difference, rows[i].difference);
        else
            assert_null(difference);
    }
}

static void test_docker_network__nonsense_is_a_difference_not_a_crash(void **state)
{
    static const char *const nonsense[] = {"{}", "[]", "{\"IPAM\":{\"Config\":null}}", "{\"Options\":7}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(nonsense); i++) {
        orc_auto_json json_t *j = orc_json_parse(nonsense[i], strlen(nonsense[i]), NULL);
        orc_auto_free char *difference = docker_network_difference(&want, j);

        assert_non_null(difference);
    }
}

/* ---- volumes ---------------------------------------------------------------------------------------------
 */

static char *volumes_of(const char *text, bool *ret_cut)
{
    orc_auto_json json_t *answer = orc_json_parse(text, strlen(text), NULL);
    struct orc_strv names = {0};
    struct orc_buf b = ORC_BUF_INIT(10000);

    assert_non_null(answer);
    *ret_cut = volumes_from_list(answer, &names);
    for (size_t i = 0; i < names.n; i++)
        orc_buf_printf(&b, "%s%s", i ? " " : "", names.at[i]);
    orc_strv_release(&names);
    return orc_buf_take(&b);
}

/* What the engine says is hostile: names are anything, and anything may be no name. */
static void test_volumes__those_of_apps_sorted_each_once(void **state)
{
    static const char *const rows[][2] = {
        {"{\"Volumes\":[{\"Name\":\"orc.shop.data\"},{\"Name\":\"orc.blog.my.log\"}]}",
         "blog.my.log shop.data"},
        {"{\"Volumes\":[{\"Name\":\"pgdata\"},{\"Name\":\"orc.shop.data\"},{\"Name\":\"pgdata\"}]}",
         "shop.data /pgdata"},
        {"{\"Volumes\":[{\"Name\":\"orc.shop.data\"},{\"Name\":\"orc.shop.data\"}]}", "shop.data"},
        {"{\"Volumes\":[{\"Name\":\"my-orc.shop.data\"}]}", "/my-orc.shop.data"},
        {"{\"Volumes\":[{\"Name\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"},"
         "{\"Name\":\"0123456789abcdef\"}]}",
         "/0123456789abcdef"},
        {"{\"Volumes\":[{\"Name\":\"orc.Shop.data\"},{\"Name\":\"orc.shop\"},{\"Name\":\"x\"}]}",
         "/orc.Shop.data /orc.shop"},
        {"{\"Volumes\":[{\"Name\":\"/etc\"},{\"Name\":\".a\"},{\"Name\":\"orc.shop.a/../b\"}]}", ""},
        {"{\"Volumes\":[{\"Name\":\"orc.shop.a\\u0001\"},{\"Name\":7},7,null,{\"Name\":\"orc.a.b\"}]}",
         "a.b"},
        {"{\"Volumes\":null,\"Warnings\":null}", ""},
        {"{\"Volumes\":{\"Name\":\"orc.shop.data\"}}", ""},
        {"{}", ""},
        {"[]", ""},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        bool cut;
        orc_auto_free char *got = volumes_of(rows[i][0], &cut);

        assert_string_equal(got, rows[i][1]);
        assert_false(cut);
    }
}

static void test_volumes__of_too_many_the_first_by_name_are_told(void **state)
{
    orc_auto_json json_t *answer = json_pack("{s:[]}", "Volumes");
    json_t *list = json_object_get(answer, "Volumes");
    struct orc_strv names = {0};
    char name[32];

    for (int i = RECORD_VOLUMES_MAX; i-- > 0;) {
        snprintf(name, sizeof name, "orc.shop.v%04d", i);
        json_array_append_new(list, json_pack("{s:s}", "Name", name));
    }
    assert_false(volumes_from_list(answer, &names));
    assert_int_equal(names.n, RECORD_VOLUMES_MAX);
    orc_strv_release(&names);
    json_array_append_new(list, json_pack("{s:s}", "Name", "orc.blog.data"));
    assert_true(volumes_from_list(answer, &names));
    assert_int_equal(names.n, RECORD_VOLUMES_MAX);
    assert_string_equal(names.at[0], "blog.data");
    assert_string_equal(names.at[RECORD_VOLUMES_MAX - 1], "shop.v0998");
    orc_strv_release(&names);
}

/* However many volumes the server has for itself, those of apps are told of. */
static void test_volumes__those_of_apps_come_first(void **state)
{
    orc_auto_json json_t *answer = json_pack("{s:[{s:s}]}", "Volumes", "Name", "orc.shop.data");
    json_t *list = json_object_get(answer, "Volumes");
    struct orc_strv names = {0};
    char name[32];

    for (int i = 0; i < RECORD_VOLUMES_MAX; i++) {
        snprintf(name, sizeof name, "a%04d", i);
        json_array_insert_new(list, 0, json_pack("{s:s}", "Name", name));
    }
    assert_true(volumes_from_list(answer, &names));
    assert_int_equal(names.n, RECORD_VOLUMES_MAX);
    assert_string_equal(names.at[0], "shop.data");
    assert_string_equal(names.at[RECORD_VOLUMES_MAX - 1], "/a0998");
    orc_strv_release(&names);
}

/* Of an external one exactly that name must be there; others the engine makes. */
static void test_volumes__an_external_one_is_missed_by_its_name(void **state)
{
    static const char *const rows[][2] = {
        {"{\"Volumes\":[{\"Name\":\"pgdata\"}]}", NULL},
        {"{\"Volumes\":[{\"Name\":\"pgdata2\"},{\"Name\":\"my-pgdata\"}]}", "pgdata"},
        {"{\"Volumes\":[{\"Name\":7},null]}", "pgdata"},
        {"{\"Volumes\":null}", "pgdata"},
        {"7", "pgdata"},
    };
    char own[] = "data", name[] = "pgdata";
    struct spec_mount mounts[] = {{.kind = SPEC_MOUNT_VOLUME, .source = own},
                                  {.kind = SPEC_MOUNT_VOLUME, .source = own, .name = own},
                                  {.kind = SPEC_MOUNT_VOLUME, .source = own, .name = name, .external = true}};
    struct spec_service spec = {.mounts = {.at = mounts, .n = 3}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        orc_auto_json json_t *answer = orc_json_parse(rows[i][0], strlen(rows[i][0]), NULL);
        const char *missing = volumes_missing(answer, &spec);

        assert_true(rows[i][1] ? missing && strcmp(missing, rows[i][1]) == 0 : !missing);
    }
    spec.mounts.n = 2;
    assert_null(volumes_missing(NULL, &spec));
    assert_null(volumes_ask(NULL, &spec, NULL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes__engine_answers_mean_what_they_mean),
        cmocka_unit_test(test_outcomes__missing_image_is_told_from_an_unreachable_registry),
        cmocka_unit_test(test_paths__alone_or_well_nobody_is_to_blame),
        cmocka_unit_test(test_paths__mismatch_says_the_pair_and_both_figures),
        cmocka_unit_test(test_paths__different_bridge_mtus_are_a_mismatch),
        cmocka_unit_test(test_paths__the_odd_one_out_is_to_blame_not_the_others),
        cmocka_unit_test(test_paths__between_two_the_later_one_is_to_blame),
        cmocka_unit_test(test_paths__unreachable_nodes_say_nothing),
        cmocka_unit_test(test_paths__order_does_not_matter),
        cmocka_unit_test(test_registration__a_heartbeat_of_before_the_boot_is_written_anew),
        cmocka_unit_test(test_registration__a_restored_heartbeat_is_written_anew),
        cmocka_unit_test(test_registration__remembered_then_lowest_then_zero),
        cmocka_unit_test(test_host__virtualisation_by_the_signs_it_leaves),
        cmocka_unit_test(test_host__architecture_in_dockers_words),
        cmocka_unit_test(test_host__pids_are_limited_by_kernel_and_cgroup),
        cmocka_unit_test(test_host__this_machine_has_cpus_and_memory),
        cmocka_unit_test(test_statedir__remembers_instance_lease_and_subnet),
        cmocka_unit_test(test_statedir__two_never_share_a_folder),
        cmocka_unit_test(test_statedir__corrupt_file_is_set_aside),
        cmocka_unit_test(test_statedir__a_full_disk_is_said_and_made_up_for_later),
        cmocka_unit_test(test_docker_network__body_says_bridge_mtu_and_addresses),
        cmocka_unit_test(test_docker_network__what_differs_is_named),
        cmocka_unit_test(test_docker_network__nonsense_is_a_difference_not_a_crash),
        cmocka_unit_test(test_volumes__those_of_apps_sorted_each_once),
        cmocka_unit_test(test_volumes__of_too_many_the_first_by_name_are_told),
        cmocka_unit_test(test_volumes__those_of_apps_come_first),
        cmocka_unit_test(test_volumes__an_external_one_is_missed_by_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
