#include "nodelet/host.h"

#include "lib/file.h"
#include "lib/units.h"
#include "specs/check.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

static char *read_line(const char *root, const char *path)
{
    orc_auto_free char *full = orc_printf("%s%s", root, path);
    char *text = NULL;

    if (orc_file_read(full, 65536, &text, NULL, NULL) < 0)
        return orc_strdup("");
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static bool is_there(const char *root, const char *path)
{
    orc_auto_free char *full = orc_printf("%s%s", root, path);

    return access(full, F_OK) == 0;
}

static bool has_word(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

struct word {
    const char *found, *virt;
};

static const char *lookup(const struct word *table, size_t n, const char *text)
{
    for (size_t i = 0; i < n; i++)
        if (has_word(text, table[i].found))
            return table[i].virt;
    return NULL;
}

/* Signatures: Intel SDM's reserved leaf 0x40000000 as used by each hypervisor's own documentation. */
static const char *by_cpuid(const char *signature)
{
    static const struct word table[] = {{"KVMKVMKVM", "kvm"},          {"Linux KVM Hv", "kvm"},
                                        {"TCGTCGTCGTCG", "qemu"},      {"VMwareVMware", "vmware"},
                                        {"Microsoft Hv", "microsoft"}, {"XenVMMXenVMM", "xen"},
                                        {"bhyve bhyve ", "bhyve"}};

    return lookup(table, ORC_ARRAY_SIZE(table), signature);
}

static const char *by_dmi(const char *root)
{
    static const char *const files[] = {"/sys/class/dmi/id/product_name", "/sys/class/dmi/id/sys_vendor",
                                        "/sys/class/dmi/id/bios_vendor"};
    static const struct word table[] = {{"KVM", "kvm"},
                                        {"OpenStack", "kvm"},
                                        {"Amazon EC2", "kvm"},
                                        {"Google", "kvm"},
                                        {"DigitalOcean", "kvm"},
                                        {"Hetzner", "kvm"},
                                        {"QEMU", "qemu"},
                                        {"VMware", "vmware"},
                                        {"VirtualBox", "oracle"},
                                        {"innotek", "oracle"},
                                        {"Xen", "xen"},
                                        {"Bochs", "bochs"},
                                        {"Parallels", "parallels"},
                                        {"Virtual Machine", "microsoft"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(files); i++) {
        orc_auto_free char *text = read_line(root, files[i]);
        const char *virt = lookup(table, ORC_ARRAY_SIZE(table), text);

        if (virt)
            return virt;
    }
    return NULL;
}

/* OpenVZ/Virtuozzo: the container's view has /proc/vz without /proc/bc (that is the host's); its kernels
 * carry "stab" in their release, so do the articles' providers (SEEDS: `uname -r`). */
static const char *by_container(const char *root, const char *kernel)
{
    orc_auto_free char *hint = read_line(root, "/run/systemd/container");

    if (has_word(kernel, "stab") || (is_there(root, "/proc/vz") && !is_there(root, "/proc/bc")))
        return "openvz";
    if (has_word(hint, "lxc"))
        return "lxc";
    if (*hint || is_there(root, "/.dockerenv"))
        return "container";
    return NULL;
}

char *host_virt(const char *root, const char *kernel, const char *hypervisor)
{
    const char *virt = by_container(root, kernel);
    orc_auto_free char *path = orc_printf("%s/proc/cpuinfo", root);
    orc_auto_free char *cpuinfo = NULL;

    if (!virt)
        virt = by_cpuid(hypervisor);
    if (!virt)
        virt = by_dmi(root);
    if (virt)
        return orc_strdup(virt);
    if (orc_file_read(path, 4 * 1024 * 1024, &cpuinfo, NULL, NULL) == 0 && strstr(cpuinfo, " hypervisor"))
        return orc_strdup("vm-other");
    return orc_strdup("none");
}

const char *host_arch(const char *machine)
{
    static const struct word table[] = {{"x86_64", "amd64"},    {"aarch64", "arm64"},   {"armv7", "arm"},
                                        {"armv6", "arm"},       {"ppc64le", "ppc64le"}, {"s390x", "s390x"},
                                        {"riscv64", "riscv64"}, {"i686", "386"}};
    const char *arch = lookup(table, ORC_ARRAY_SIZE(table), machine);

    return arch ? arch : machine;
}

/* The least of what limits all processes together: numbers of processes and of threads (proc(5)), and the
 * cgroup that this machine is, if it is one (v2, v1); there "max" is no limit. */
int host_pids(const char *root)
{
    static const char *const files[] = {"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max",
                                        "/sys/fs/cgroup/pids.max", "/sys/fs/cgroup/pids/pids.max"};
    int64_t least = 0;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(files); i++) {
        orc_auto_free char *text = read_line(root, files[i]);
        int64_t n;

        if (orc_parse_int(text, 1, SPEC_PIDS_MAX, &n, NULL) == 0 && (!least || n < least))
            least = n;
    }
    return (int)least;
}

static void cpuid_signature(char ret[13])
{
    memset(ret, 0, 13);
#if defined(__x86_64__) || defined(__i386__)
    unsigned a, b, c, d;

    __cpuid(1, a, b, c, d);
    if (!(c & (1u << 31))) /* the "hypervisor present" bit */
        return;
    __cpuid(0x40000000, a, b, c, d);
    memcpy(ret, &b, 4);
    memcpy(ret + 4, &c, 4);
    memcpy(ret + 8, &d, 4);
#endif
}

static char *refusal(const struct host *h)
{
    if (strcmp(h->virt, "openvz") != 0)
        return NULL;
    return orc_printf(
        "this server is an OpenVZ container (kernel %s), not a virtual machine: it has no kernel "
        "of its own, so the Docker Engine, bridges and sysctl are not its own either; orc needs "
        "KVM or real hardware",
        h->kernel);
}

void host_read(struct host *h, const char *root)
{
    struct utsname u;
    char signature[13];

    uname(&u);
    cpuid_signature(signature);
    *h = (struct host){
        .kernel = orc_strdup(u.release),
        .os = orc_strdup("linux"),
        .arch = orc_strdup(host_arch(u.machine)),
        .virt = host_virt(root, u.release, signature),
        .machine_id = read_line(root, "/etc/machine-id"),
        .boot_id = read_line(root, "/proc/sys/kernel/random/boot_id"),
        .cpus_nano = (int64_t)sysconf(_SC_NPROCESSORS_ONLN) * ORC_NANO_CPU,
        .memory = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE),
        .pids = host_pids(root),
    };
    h->refused = refusal(h);
}

void host_release(struct host *h)
{
    free(h->kernel);
    free(h->os);
    free(h->arch);
    free(h->virt);
    free(h->refused);
    free(h->machine_id);
    free(h->boot_id);
    *h = (struct host){0};
}
