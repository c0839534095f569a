/* What of a service is the engine's alone to do in each of its containers: the table of keys, and the
 * subjects too small for a file of their own. */
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/check_rights.h"
#include "specs/container_rules.h"
#include "specs/parse_service.h"

#include "lib/units.h"

#include <string.h>

/* ulimits ---------------------------------------------------------------------------------------------- */

#define LIMIT(member) .offset = offsetof(struct spec_ulimit, member)

static void read_limit(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int64_t n;

    if (spec_read_int(r, k->name, v, k->min, k->max, &n))
        memcpy((char *)into + k->offset, &n, sizeof n);
}

static const struct spec_key ulimit_keys[] = {
    {"soft", .read = read_limit, LIMIT(soft), .form = SPEC_IS_INT, .min = -1, .max = INT64_MAX,
     .doc = "what a process begins with; -1: no limit"},
    {"hard", .read = read_limit, LIMIT(hard), .form = SPEC_IS_INT, .min = -1, .max = INT64_MAX,
     .doc = "what it can raise it to; -1: no limit"},
};
static const struct spec_keys ulimit_map = SPEC_KEYS("a limit", ulimit_keys);

#define UNSET INT64_MIN

/* A number is both. */
static void read_ulimit(struct spec_reader *r, const struct spec_entry *e, struct spec_container *c)
{
    static const struct spec_key alone = {"ulimits", LIMIT(soft), .min = -1, .max = INT64_MAX};
    struct spec_ulimit u = {.soft = UNSET, .hard = UNSET};
    struct orc_err err = ORC_ERR_INIT;
    size_t before = r->problems->n;

    if (spec_check_ulimit(e->key->text, &err) < 0)
        spec_say(r, e->key, "%s", err.msg);
    if (e->value->kind == SPEC_NODE_SCALAR) {
        read_limit(r, &alone, e->value, &u);
        u.hard = u.soft;
    } else if (spec_read_map(r, &ulimit_map, e->value, &u) && (u.soft == UNSET || u.hard == UNSET) &&
               r->problems->n == before) {
        spec_say(r, e->key, "limit \"%s\" has no \"%s\"; give both, or one number for both", e->key->text,
                 u.soft == UNSET ? "soft" : "hard");
    }
    if (r->problems->n > before)
        return;
    u.name = orc_strdup(e->key->text);
    orc_vec_push(&c->ulimits, u);
}

void spec_key_ulimits(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    if (v->kind != SPEC_NODE_MAP) {
        spec_say(r, v, "%s must be a mapping of limits to numbers, but this is %s", k->name,
                 spec_node_kind_name(v));
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++)
        read_ulimit(r, &v->entries.at[i], into);
}

/* tmpfs ------------------------------------------------------------------------------------------------ */

/* "size=64m" and "mode=1777" are told apart; the others stay together. */
static int take_tmpfs_option(const char *s, struct spec_tmpfs *t, char **others, struct orc_err *err)
{
    char *end = NULL;
    long mode;

    if (strncmp(s, "size=", 5) == 0)
        return orc_parse_size(s + 5, &t->size, err);
    if (strncmp(s, "mode=", 5) != 0) {
        char *longer = *others ? orc_printf("%s,%s", *others, s) : orc_strdup(s);

        free(*others);
        *others = longer;
        return 0;
    }
    mode = strtol(s + 5, &end, 8);
    if (!s[5] || strspn(s + 5, "01234567") != strlen(s + 5) || mode > SPEC_MODE_MAX)
        return orc_fail(err, -EINVAL, "\"%s\" is no mode; give permission bits in octal, such as mode=1777",
                        spec_quote(s).text);
    t->mode = (int)mode;
    return 0;
}

/* "/run:size=64m,mode=755"; half-filled on failure. */
static int parse_tmpfs(const char *text, struct spec_tmpfs *t, struct orc_err *err)
{
    orc_auto_free char *path = orc_strdup(text), *others = NULL;
    char *rest = strchr(path, ':'), *one;

    if (rest)
        *rest++ = '\0';
    if (spec_check_target(path, err) < 0)
        return -EINVAL;
    t->target = spec_normal_path(path);
    while (rest && (one = strsep(&rest, ",")))
        if (take_tmpfs_option(one, t, &others, err) < 0)
            return -EINVAL;
    if (t->size > SPEC_MEMORY_MAX)
        return orc_fail(err, -EINVAL, "its size is more than any server has; the most is 1024T");
    return others ? spec_tmpfs_options(others, &t->options, err) : 0;
}

void spec_key_tmpfs(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_container *c = into;
    struct orc_strv texts = {0};
    const struct spec_key row = {k->name, .offset = 0};

    spec_key_texts(r, &row, v, &texts);
    for (size_t i = 0; i < texts.n; i++) {
        struct orc_err err = ORC_ERR_INIT;
        struct spec_tmpfs t = {0};

        if (parse_tmpfs(texts.at[i], &t, &err) == 0) {
            orc_vec_push(&c->tmpfs, t);
            continue;
        }
        spec_say(r, v, "tmpfs \"%s\": %s", spec_quote(texts.at[i]).text, err.msg);
        free(t.target);
        free(t.options);
    }
    orc_strv_release(&texts);
}

/* memory and swap -------------------------------------------------------------------------------------- */

static void read_memswap(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    const char *s = spec_read_text(r, k->name, v);

    if (s && strcmp(s, "-1") == 0)
        ((struct spec_container *)into)->memswap_limit = -1;
    else if (s)
        spec_key_bytes(r, k, v, into);
}

/* logging ---------------------------------------------------------------------------------------------- */

static const struct spec_key logging_keys[] = {
    {"driver", .read = spec_key_text, .offset = offsetof(struct spec_logging, driver),
     .check = spec_check_driver, .doc = "one that the engine has"},
    {"options", .read = spec_key_options, .offset = offsetof(struct spec_logging, options), SPEC_PAIRS,
     .doc = "the driver's, as a mapping or a list"},
};
static const struct spec_keys logging_map = SPEC_KEYS("logging", logging_keys);

void spec_key_logging(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_map(r, &logging_map, v, &((struct spec_container *)into)->logging);
}

/* The table -------------------------------------------------------------------------------------------- */

#define IN_CONTAINER(m) .offset = offsetof(struct spec_container, m)
#define TEXT(m, fn) .read = spec_key_text, IN_CONTAINER(m), .check = (fn), .empty = true
#define TEXTS(m, fn) .read = spec_key_texts, IN_CONTAINER(m), .check = (fn)
#define BOOL(m) .read = spec_key_bool, IN_CONTAINER(m)

static const struct spec_key container_keys[] = {
    {"user", TEXT(user, spec_check_user), .doc = "who the process is, name or number, `USER:GROUP`"},
    {"group_add", TEXTS(group_add, spec_check_group), .doc = "further groups of the process"},
    {"working_dir", TEXT(working_dir, spec_check_working_dir), .doc = "where the process starts"},
    {"init", BOOL(init), .doc = "true: a small init is process 1, hands signals on and reaps"},
    {"tty", BOOL(tty), .doc = "true: a terminal"},
    {"stdin_open", BOOL(stdin_open), .doc = "true: standard input stays open"},
    {"hostname", TEXT(hostname, spec_check_hostname),
     .doc = "the container's host name; else `SERVICE-SLOT`. All replicas have the same then"},
    {"domainname", TEXT(domainname, spec_check_hostname), .doc = "the container's NIS domain name"},
    {"dns", TEXTS(dns, spec_check_dns), .doc = "name servers in place of the server's, in this order"},
    {"dns_search", TEXTS(dns_search, spec_check_dns_search),
     .doc = "search domains, in this order; `.`: none"},
    {"dns_opt", TEXTS(dns_opt, spec_check_token), .doc = "options of resolv.conf(5)"},
    {"extra_hosts", .read = spec_key_extra_hosts, .form = SPEC_IS_NAMES | SPEC_IS_LIST,
     .values = SPEC_IS_SCALAR | SPEC_IS_LIST, .items = SPEC_IS_TEXT,
     .doc = "lines of `/etc/hosts`, as a list or a mapping. `host-gateway` is the private address of the "
            "server that the replica runs on"},
    {"read_only", BOOL(read_only), .doc = "true: the image's files can't be written"},
    {"tmpfs", .read = spec_key_tmpfs, .form = SPEC_IS_LIST | SPEC_IS_SCALAR, .items = SPEC_IS_SCALAR,
     .doc = "paths with a file system in memory: `/run:size=64m,mode=1777,exec`"},
    {"shm_size", .read = spec_key_bytes, IN_CONTAINER(shm_size), .doc = "size of `/dev/shm`"},
    {"memswap_limit", .read = read_memswap, .form = SPEC_IS_SIZE | SPEC_IS_UNLIMITED,
     IN_CONTAINER(memswap_limit), .min = SPEC_MEMORY_MIN,
     .doc = "memory and swap together, beside a limit of memory; -1: any swap"},
    {"cpu_shares", .read = spec_key_int, IN_CONTAINER(cpu_shares), .min = 2, .max = SPEC_CPU_SHARES_MAX,
     .doc = "weight against other containers when CPUs are short; 1024 is the usual one. Placement does not "
            "count it"},
    {"cpuset", TEXT(cpuset, spec_check_cpuset),
     .doc = "CPUs that it may run on: `0-3,7`. Placement does not know them: take servers that are alike"},
    {"oom_score_adj", .read = spec_key_int, IN_CONTAINER(oom_score_adj), .min = -SPEC_OOM_SCORE_MAX,
     .max = SPEC_OOM_SCORE_MAX,
     .doc = "how soon the kernel ends it when the server's memory is short: -1000 to 1000"},
    {"ulimits", .read = spec_key_ulimits, .form = SPEC_IS_NAMES, .values = SPEC_IS_INT | SPEC_IS_MAP,
     .min = -1, .max = INT64_MAX, .doc = "limits of getrlimit(2) by name: one number, or soft and hard",
     .sub = &ulimit_map},
    {"sysctls", .read = spec_key_sysctls, SPEC_PAIRS, IN_CONTAINER(sysctls),
     .doc = "kernel settings that are of the container's own namespaces: `net.*`, `fs.mqueue.*`, "
            "`kernel.msg*`, `kernel.sem`, `kernel.shm*`"},
    {"annotations", .read = spec_key_annotations, SPEC_PAIRS, IN_CONTAINER(annotations),
     .doc = "labels of the container (the Engine API has annotations since 1.43 only)"},
    {"privileged", BOOL(privileged),
     .doc = "true: all rights on its server. Refused unless the cluster allows it (`orc init "
            "--allow-privileged`)"},
    {"cap_add", .read = spec_key_caps, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT, IN_CONTAINER(cap_add),
     .doc = "capabilities(7) given to the process, with or without `CAP_`; `ALL`"},
    {"cap_drop", .read = spec_key_caps, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT, IN_CONTAINER(cap_drop),
     .doc = "capabilities taken from the process; `ALL`"},
    {"security_opt", .read = spec_key_security_opt, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT,
     .doc = "`no-new-privileges:true`, `seccomp=unconfined`, `seccomp=FILE` (a profile, which goes into the "
            "stored spec; its system calls are checked), `seccomp={...}` (the profile in place), "
            "`apparmor=PROFILE`, `label=...` (SELinux), `systempaths=unconfined`"},
    {"devices", .read = spec_key_devices, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT | SPEC_IS_MAP,
     .doc = "device files of the server: `/dev/fuse`, `/dev/a:/dev/b:rw`, or as a mapping. Placement does "
            "not know them: name the servers in constraints",
     .sub = &spec_device_keys},
    {"device_cgroup_rules", TEXTS(device_cgroup_rules, spec_check_device_rule),
     .doc = "devices that may be used if they are made: `c 1:3 mr`"},
    {"ipc", TEXT(ipc, spec_check_ipc), .doc = "`private`, `shareable`, `host`, `none`"},
    {"pid", TEXT(pid, spec_check_server_only), .doc = "`host`: the processes of the server are seen"},
    {"uts", TEXT(uts, spec_check_server_only), .doc = "`host`: the server's host name"},
    {"userns_mode", TEXT(userns, spec_check_server_only),
     .doc = "`host`: no user namespace, where the engine has one"},
    {"cgroup", TEXT(cgroup, spec_check_cgroup), .doc = "`host` or `private`: the cgroup namespace"},
    {"runtime", TEXT(runtime, spec_check_driver), .doc = "a run-time that the engine has, such as `runsc`"},
    {"logging", .read = spec_key_logging, .form = SPEC_IS_MAP,
     .doc = "where the container's output goes: below", .sub = &logging_map},
};
const struct spec_keys spec_container_keys = SPEC_KEYS("a service", container_keys);

const struct spec_node *spec_value_of(const struct spec_node *v, const char *name)
{
    for (size_t i = 0; v->kind == SPEC_NODE_MAP && i < v->entries.n; i++)
        if (strcmp(v->entries.at[i].key->text, name) == 0)
            return v->entries.at[i].value;
    return NULL;
}

void spec_finish_container(struct spec_reader *r, struct spec_service_in *in, const struct spec_node *v)
{
    const struct spec_rule *rule;
    size_t i = 0;

    while ((rule = spec_rule_broken(in->service, in->main, &i))) {
        const struct spec_node *at = spec_value_of(v, rule->key);

        spec_say(r, at ? at : in->key, "%s: %s", rule->key, rule->why);
    }
}
