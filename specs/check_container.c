#include "specs/check_container.h"

#include "lib/buf.h"
#include "lib/mem.h"
#include "specs/check.h"
#include "specs/check_text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int spec_check_token(const char *s, struct orc_err *err)
{
    size_t n = strlen(s);
    bool ok = n >= 1 && n <= 256;

    for (size_t i = 0; ok && i < n; i++)
        ok = s[i] > 0x20 && s[i] < 0x7f;
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "\"%s\" can't be used: give 1 to 256 letters, digits and signs without "
                        "spaces",
                        spec_quote(s).text);
    return 0;
}

/* Who runs, and where ---------------------------------------------------------------------------------- */

#define USER_CHARS ALNUM "_.-$"

int spec_check_user(const char *user, struct orc_err *err)
{
    size_t n = strcspn(user, ":");
    bool ok = n >= 1 && n <= 64 && only(user, n, USER_CHARS) && user[0] != '-';

    if (ok && user[n])
        ok = made_of(user + n + 1, 64, USER_CHARS) && user[n + 1] != '-';
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "user \"%s\" can't be used: give a name or a number, with a group behind a colon if "
                        "it is another than the user's, such as \"www-data\" or \"1000:1000\"",
                        spec_quote(user).text);
    return 0;
}

int spec_check_group(const char *group, struct orc_err *err)
{
    if (!made_of(group, 64, USER_CHARS) || group[0] == '-')
        return orc_fail(err, -EINVAL,
                        "group \"%s\" can't be used: give a name or a number, such as \"audio\"",
                        spec_quote(group).text);
    return 0;
}

int spec_check_working_dir(const char *path, struct orc_err *err)
{
    bool ok = *path == '/' && strlen(path) < 4096;

    for (const char *s = path; ok && *s; s++)
        ok = (unsigned char)*s >= 0x20 && *s != 0x7f;
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "working directory \"%s\" can't be used: give an absolute path, such as \"/srv/app\"",
                        spec_quote(path).text);
    return 0;
}

/* Names and addresses ---------------------------------------------------------------------------------- */

static bool is_dns_name(const char *s, size_t max, const char *accept)
{
    bool ok = *s && strlen(s) <= max;

    while (ok) {
        size_t n = strcspn(s, ".");

        ok = n >= 1 && n <= 63 && only(s, n, accept) && s[0] != '-' && s[n - 1] != '-';
        s += n;
        if (!*s)
            break;
        s++;
    }
    return ok;
}

int spec_check_hostname(const char *name, struct orc_err *err)
{
    if (!is_dns_name(name, SPEC_HOSTNAME_MAX, ALNUM "-"))
        return orc_fail(err, -EINVAL,
                        "name \"%s\" can't be used: give 1 to %d letters, digits and hyphens between dots, "
                        "such as \"web1\" or \"example.com\"",
                        spec_quote(name).text, SPEC_HOSTNAME_MAX);
    return 0;
}

static bool is_address(const char *ip)
{
    struct in6_addr addr;

    return inet_pton(AF_INET, ip, &addr) == 1 || inet_pton(AF_INET6, ip, &addr) == 1;
}

int spec_check_dns(const char *ip, struct orc_err *err)
{
    if (!is_address(ip))
        return orc_fail(err, -EINVAL, "\"%s\" is not an address; give a name server's, such as 10.0.0.53",
                        spec_quote(ip).text);
    return 0;
}

int spec_check_dns_search(const char *domain, struct orc_err *err)
{
    if (strcmp(domain, ".") != 0 && !is_dns_name(domain, 253, ALNUM "-_"))
        return orc_fail(err, -EINVAL,
                        "\"%s\" is not a domain; give one such as \"example.com\", or \".\" for none",
                        spec_quote(domain).text);
    return 0;
}

int spec_check_host_name(const char *name, struct orc_err *err)
{
    if (!is_dns_name(name, 253, ALNUM "-_"))
        return orc_fail(err, -EINVAL, "\"%s\" is not a host's name, such as \"db\" or \"db.example.com\"",
                        spec_quote(name).text);
    return 0;
}

int spec_check_host_address(const char *ip, struct orc_err *err)
{
    if (strcmp(ip, "host-gateway") != 0 && !is_address(ip))
        return orc_fail(err, -EINVAL,
                        "\"%s\" is not an address; give one such as 10.0.0.5, or host-gateway for the server "
                        "that the container runs on",
                        spec_quote(ip).text);
    return 0;
}

/* Limits ----------------------------------------------------------------------------------------------- */

int spec_check_ulimit(const char *name, struct orc_err *err)
{
    static const char *const names[] = {"as",      "core",     "cpu",        "data",   "fsize", "locks",
                                        "memlock", "msgqueue", "nice",       "nofile", "nproc", "rss",
                                        "rtprio",  "rttime",   "sigpending", "stack",  NULL};

    if (!is_word(name, names))
        return orc_fail(err, -EINVAL,
                        "limit \"%s\" is not known; those of getrlimit(2) are, in lower case and without "
                        "RLIMIT_, such as nofile, nproc, memlock and core",
                        spec_quote(name).text);
    return 0;
}

int spec_check_sysctl(const char *name, struct orc_err *err)
{
    static const char *const names[] = {"kernel.msgmax", "kernel.msgmnb",          "kernel.msgmni",
                                        "kernel.sem",    "kernel.shmall",          "kernel.shmmax",
                                        "kernel.shmmni", "kernel.shm_rmid_forced", NULL};
    bool prefixed = strncmp(name, "net.", 4) == 0 || strncmp(name, "fs.mqueue.", 10) == 0;

    if (!is_word(name, names) && !(prefixed && made_of(name, 256, ALNUM "._-/")))
        return orc_fail(
            err, -EINVAL,
            "sysctl \"%s\" can't be set for a container: those of its own are net.*, fs.mqueue.*, "
            "kernel.msg*, kernel.sem and kernel.shm*; the others are the server's (sysctl.conf)",
            spec_quote(name).text);
    return 0;
}

int spec_check_cpuset(const char *cpus, struct orc_err *err)
{
    const char *s = cpus;
    bool ok = *s && strlen(s) <= 1024;

    while (ok) {
        size_t first = strspn(s, DIGIT), last = 0;
        long from = strtol(s, NULL, 10);

        ok = first >= 1 && first <= 5;
        s += first;
        if (ok && *s == '-') {
            last = strspn(s + 1, DIGIT);
            ok = last >= 1 && last <= 5 && strtol(s + 1, NULL, 10) >= from;
            s += 1 + last;
        }
        if (!ok || !*s)
            break;
        ok = *s++ == ',';
    }
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "\"%s\" is not a list of CPUs; give numbers and ranges, such as \"0-3,7\"",
                        spec_quote(cpus).text);
    return 0;
}

/* tmpfs ------------------------------------------------------------------------------------------------ */

static const struct tmpfs_option {
    const char *name; /* with "=": a number follows */
    bool usual;       /* the engine's own */
} tmpfs_options[] = {
    {"dev", false},   {"exec", false},       {"noatime", false},    {"nodev", true}, {"noexec", true},
    {"nosuid", true}, {"ro", false},         {"rw", true},          {"suid", false}, {"gid=", false},
    {"uid=", false},  {"nr_blocks=", false}, {"nr_inodes=", false},
};
#define N_TMPFS_OPTIONS ORC_ARRAY_SIZE(tmpfs_options)

static bool is_option(const struct tmpfs_option *o, const char *s)
{
    size_t n = strlen(o->name);

    if (o->name[n - 1] != '=')
        return strcmp(s, o->name) == 0;
    return strncmp(s, o->name, n) == 0 && made_of(s + n, 12, DIGIT "kmg");
}

int spec_tmpfs_options(const char *options, char **ret, struct orc_err *err)
{
    orc_auto_free char *copy = orc_strdup(options);
    const char *found[N_TMPFS_OPTIONS] = {0};
    struct orc_buf b = ORC_BUF_INIT(1024);
    char *rest = copy, *one;

    while ((one = strsep(&rest, ","))) {
        size_t i = 0;

        while (i < N_TMPFS_OPTIONS && !is_option(&tmpfs_options[i], one))
            i++;
        if (i == N_TMPFS_OPTIONS)
            return orc_fail(err, -EINVAL,
                            "option \"%s\" of a tmpfs is not known; size=64m, mode=1777, uid=, gid=, "
                            "nr_inodes=, nr_blocks=, ro, exec, suid, dev and noatime are",
                            spec_quote(one).text);
        found[i] = one;
    }
    for (size_t i = 0; i < N_TMPFS_OPTIONS; i++)
        if (found[i] && !tmpfs_options[i].usual)
            orc_buf_printf(&b, "%s%s", b.len ? "," : "", found[i]);
    *ret = b.len ? orc_buf_take(&b) : NULL;
    orc_buf_release(&b);
    return 0;
}

int spec_check_tmpfs_options(const char *options, struct orc_err *err)
{
    orc_auto_free char *normal = NULL;
    int r = spec_tmpfs_options(options, &normal, err);

    if (r < 0)
        return r;
    if (!normal || strcmp(options, normal) != 0)
        return orc_fail(err, -EINVAL, "options \"%s\" must be written \"%s\"", spec_quote(options).text,
                        normal ? normal : "");
    return 0;
}

/* Platforms -------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *arch, *variant; /* also written; in the normal form; which it has anyway */
} arches[] = {
    {"amd64", "amd64", "v1"}, {"x86_64", "amd64", "v1"},  {"x86-64", "amd64", "v1"},
    {"arm64", "arm64", "v8"}, {"aarch64", "arm64", "v8"}, {"arm", "arm", ""},
    {"386", "386", ""},       {"ppc64le", "ppc64le", ""}, {"riscv64", "riscv64", ""},
    {"s390x", "s390x", ""},
};

static int bad_platform(const char *s, struct orc_err *err)
{
    return orc_fail(
        err, -EINVAL,
        "platform \"%s\" is not known; give linux and an architecture, such as \"linux/amd64\" or "
        "\"linux/arm64\"",
        spec_quote(s).text);
}

int spec_platform(const char *s, char **ret_platform, char **ret_arch, struct orc_err *err)
{
    orc_auto_free char *os = orc_strdup(s);
    char *arch = strchr(os, '/'), *variant = arch ? strchr(arch + 1, '/') : NULL;

    if (arch)
        *arch++ = '\0';
    if (variant)
        *variant++ = '\0';
    if (!arch || strcasecmp(os, "linux") != 0 || (variant && !made_of(variant, 8, LOWER DIGIT)))
        return bad_platform(s, err);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(arches); i++) {
        if (strcasecmp(arch, arches[i].name) != 0)
            continue;
        if (variant && strcmp(variant, arches[i].variant) == 0)
            variant = NULL;
        *ret_platform =
            orc_printf("linux/%s%s%s", arches[i].arch, variant ? "/" : "", variant ? variant : "");
        *ret_arch = orc_strdup(arches[i].arch);
        return 0;
    }
    return bad_platform(s, err);
}

int spec_check_platform(const char *platform, struct orc_err *err)
{
    orc_auto_free char *normal = NULL, *arch = NULL;
    int r = spec_platform(platform, &normal, &arch, err);

    if (r == 0 && strcmp(platform, normal) != 0)
        return orc_fail(err, -EINVAL, "platform \"%s\" must be written \"%s\"", spec_quote(platform).text,
                        normal);
    return r;
}

/* Namespaces, drivers ---------------------------------------------------------------------------------- */

int spec_check_propagation(const char *mode, struct orc_err *err)
{
    static const char *const modes[] = {"private", "rprivate", "slave", "rslave", "shared", "rshared", NULL};

    if (!is_word(mode, modes))
        return orc_fail(
            err, -EINVAL,
            "propagation \"%s\" is not known: rprivate, private, rslave, slave, rshared and shared "
            "are",
            spec_quote(mode).text);
    return 0;
}

int spec_check_ipc(const char *mode, struct orc_err *err)
{
    static const char *const modes[] = {"private", "shareable", "host", "none", NULL};

    if (!is_word(mode, modes))
        return orc_fail(err, -EINVAL,
                        "\"%s\" is not supported: private, shareable, host and none are (another container's "
                        "would be gone when that one is replaced)",
                        spec_quote(mode).text);
    return 0;
}

int spec_check_cgroup(const char *mode, struct orc_err *err)
{
    static const char *const modes[] = {"host", "private", NULL};

    if (!is_word(mode, modes))
        return orc_fail(err, -EINVAL, "\"%s\" is not supported: host and private are", spec_quote(mode).text);
    return 0;
}

int spec_check_server_only(const char *mode, struct orc_err *err)
{
    if (strcmp(mode, "host") != 0)
        return orc_fail(err, -EINVAL,
                        "\"%s\" is not supported: \"host\", the server's own, is (another container's would "
                        "be gone when that one is replaced)",
                        spec_quote(mode).text);
    return 0;
}

int spec_check_driver(const char *name, struct orc_err *err)
{
    if (!made_of(name, 128, ALNUM "_.:/-"))
        return orc_fail(err, -EINVAL, "\"%s\" is no name that an engine has for it, such as \"json-file\"",
                        spec_quote(name).text);
    return 0;
}

int spec_check_option(const char *name, struct orc_err *err)
{
    if (!made_of(name, 128, ALNUM "_.-"))
        return orc_fail(err, -EINVAL,
                        "option \"%s\" can't be used: give 1 to 128 letters, digits, \"_\", \".\" "
                        "and \"-\", such as \"max-size\"",
                        spec_quote(name).text);
    return 0;
}
