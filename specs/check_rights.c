#include "specs/check_rights.h"

#include "lib/json.h"
#include "lib/mem.h"
#include "specs/check.h"
#include "specs/check_text.h"

#include <seccomp.h>
#include <strings.h>

/* Capabilities ----------------------------------------------------------------------------------------- */

static const char *const caps[] = {"ALL",
                                   "AUDIT_CONTROL",
                                   "AUDIT_READ",
                                   "AUDIT_WRITE",
                                   "BLOCK_SUSPEND",
                                   "BPF",
                                   "CHECKPOINT_RESTORE",
                                   "CHOWN",
                                   "DAC_OVERRIDE",
                                   "DAC_READ_SEARCH",
                                   "FOWNER",
                                   "FSETID",
                                   "IPC_LOCK",
                                   "IPC_OWNER",
                                   "KILL",
                                   "LEASE",
                                   "LINUX_IMMUTABLE",
                                   "MAC_ADMIN",
                                   "MAC_OVERRIDE",
                                   "MKNOD",
                                   "NET_ADMIN",
                                   "NET_BIND_SERVICE",
                                   "NET_BROADCAST",
                                   "NET_RAW",
                                   "PERFMON",
                                   "SETFCAP",
                                   "SETGID",
                                   "SETPCAP",
                                   "SETUID",
                                   "SYSLOG",
                                   "SYS_ADMIN",
                                   "SYS_BOOT",
                                   "SYS_CHROOT",
                                   "SYS_MODULE",
                                   "SYS_NICE",
                                   "SYS_PACCT",
                                   "SYS_PTRACE",
                                   "SYS_RAWIO",
                                   "SYS_RESOURCE",
                                   "SYS_TIME",
                                   "SYS_TTY_CONFIG",
                                   "WAKE_ALARM",
                                   NULL};

int spec_cap(const char *s, char **ret_name, struct orc_err *err)
{
    const char *bare = strncasecmp(s, "CAP_", 4) == 0 ? s + 4 : s;

    for (size_t i = 0; caps[i]; i++)
        if (strcasecmp(bare, caps[i]) == 0) {
            if (ret_name)
                *ret_name = orc_strdup(caps[i]);
            return 0;
        }
    return orc_fail(err, -EINVAL,
                    "capability \"%s\" is not known; give one of capabilities(7), such as NET_ADMIN, or ALL",
                    spec_quote(s).text);
}

int spec_check_cap(const char *s, struct orc_err *err)
{
    if (!is_word(s, caps))
        return orc_fail(err, -EINVAL, "capability \"%s\" is not known, or not in its normal form",
                        spec_quote(s).text);
    return 0;
}

/* Devices ---------------------------------------------------------------------------------------------- */

int spec_check_device_permissions(const char *s, struct orc_err *err)
{
    static const char *const all[] = {"r", "w", "m", "rw", "rm", "wm", "rwm", NULL};

    if (!is_word(s, all))
        return orc_fail(err, -EINVAL,
                        "\"%s\" are no permissions of a device; give some of r (read), w (write) and m "
                        "(mknod), in this order",
                        spec_quote(s).text);
    return 0;
}

/* "*" or a number, up to `end`; moves behind it. */
static bool device_number(const char **s, char end)
{
    size_t n = **s == '*' ? 1 : strspn(*s, DIGIT);

    *s += n;
    return n >= 1 && n <= 8 && *(*s)++ == end;
}

int spec_check_device_rule(const char *rule, struct orc_err *err)
{
    const char *s = rule;
    bool ok = *s && strchr("acb", s[0]) && s[1] == ' ';

    s += ok ? 2 : 0;
    ok = ok && device_number(&s, ':') && device_number(&s, ' ') && made_of(s, 3, "rwm");
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "\"%s\" is no rule for devices; give type, major:minor and permissions, such as "
                        "\"c 1:3 mr\" or \"a 7:* rwm\"",
                        spec_quote(rule).text);
    return 0;
}

/* Security --------------------------------------------------------------------------------------------- */

static int parse_seccomp(const char *text, json_t **ret, struct orc_err *err)
{
    json_t *j;

    if (strlen(text) > SPEC_SECCOMP_MAX)
        return orc_fail(err, -EINVAL, "a seccomp profile of %zu bytes is too long; %d are possible",
                        strlen(text), SPEC_SECCOMP_MAX);
    j = orc_json_parse(text, strlen(text), err);
    if (!j) {
        orc_wrap(err, "the seccomp profile");
        return -EINVAL;
    }
    if (!json_is_object(j)) {
        json_decref(j);
        return orc_fail(err, -EINVAL, "a seccomp profile is a JSON object, such as {\"defaultAction\": ...}");
    }
    *ret = j;
    return 0;
}

int spec_check_seccomp(const char *json, struct orc_err *err)
{
    orc_auto_json json_t *j = NULL;

    return parse_seccomp(json, &j, err);
}

/* What a profile names that is of another architecture only, libseccomp knows, too: as a negative number. */
static int check_syscall(const json_t *name, struct orc_err *err)
{
    const char *s = json_string_value(name);

    if (!s)
        return orc_fail(err, -EINVAL, "the seccomp profile has a syscall's name that is no string");
    if (seccomp_syscall_resolve_name(s) == __NR_SCMP_ERROR)
        return orc_fail(err, -EINVAL,
                        "the seccomp profile names the syscall \"%s\", which libseccomp does not know; the "
                        "engine would ignore it",
                        spec_quote(s).text);
    return 0;
}

int spec_check_seccomp_names(const char *json, struct orc_err *err)
{
    orc_auto_json json_t *j = NULL;
    const json_t *rule, *name;
    size_t i, k;
    int r = parse_seccomp(json, &j, err);

    if (r == 0 && !json_is_string(json_object_get(j, "defaultAction")))
        return orc_fail(err, -EINVAL,
                        "the seccomp profile has no \"defaultAction\", such as \"SCMP_ACT_ERRNO\"");
    json_array_foreach(json_object_get(j, "syscalls"), i, rule)
    {
        if (r == 0 && json_object_get(rule, "name"))
            r = check_syscall(json_object_get(rule, "name"), err);
        json_array_foreach(json_object_get(rule, "names"), k, name)
        {
            if (r == 0)
                r = check_syscall(name, err);
        }
    }
    return r;
}

int spec_check_security_label(const char *label, struct orc_err *err)
{
    static const char *const kinds[] = {"user:", "role:", "type:", "level:", "filetype:"};
    bool ok = strcmp(label, "disable") == 0;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds) && !ok; i++) {
        size_t n = strlen(kinds[i]);

        ok = strncmp(label, kinds[i], n) == 0 && made_of(label + n, 128, ALNUM "_.,:-");
    }
    if (!ok)
        return orc_fail(
            err, -EINVAL,
            "label \"%s\" is none of SELinux's; give user:, role:, type:, level: or filetype: and "
            "a value, or disable",
            spec_quote(label).text);
    return 0;
}
