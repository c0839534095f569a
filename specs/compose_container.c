/* compose_container.c - what the engine is told of each container, as a Compose file has it: a table for what
 * is a value of its own, a function for each other key. */
#include "specs/compose_internal.h"

#include <stdio.h>
#include <string.h>

/* Values of their own ---------------------------------------------------------------------------------- */

enum kind { TEXT, TEXTS, PAIRS, BOOL, INT, SIZE };

struct row {
    const char *key;
    enum kind kind;
    size_t offset; /* in struct spec_container */
};

#define ROW(key, kind, member)                                                                               \
    {                                                                                                        \
        key, kind, offsetof(struct spec_container, member)                                                   \
    }
static const struct row rows[] = {
    ROW("user", TEXT, user),
    ROW("group_add", TEXTS, group_add),
    ROW("working_dir", TEXT, working_dir),
    ROW("init", BOOL, init),
    ROW("tty", BOOL, tty),
    ROW("stdin_open", BOOL, stdin_open),
    ROW("hostname", TEXT, hostname),
    ROW("domainname", TEXT, domainname),
    ROW("dns", TEXTS, dns),
    ROW("dns_search", TEXTS, dns_search),
    ROW("dns_opt", TEXTS, dns_opt),
    ROW("read_only", BOOL, read_only),
    ROW("shm_size", SIZE, shm_size),
    ROW("memswap_limit", SIZE, memswap_limit),
    ROW("cpu_shares", INT, cpu_shares),
    ROW("cpuset", TEXT, cpuset),
    ROW("oom_score_adj", INT, oom_score_adj),
    ROW("sysctls", PAIRS, sysctls),
    ROW("annotations", PAIRS, annotations),
    ROW("privileged", BOOL, privileged),
    ROW("cap_add", TEXTS, cap_add),
    ROW("cap_drop", TEXTS, cap_drop),
    ROW("device_cgroup_rules", TEXTS, device_cgroup_rules),
    ROW("ipc", TEXT, ipc),
    ROW("pid", TEXT, pid),
    ROW("uts", TEXT, uts),
    ROW("userns_mode", TEXT, userns),
    ROW("cgroup", TEXT, cgroup),
    ROW("runtime", TEXT, runtime),
};

static void set_row(json_t *j, const struct row *r, const struct spec_container *c, enum compose_form form)
{
    const char *at = (const char *)c + r->offset;

    switch (r->kind) {
    case TEXT:
        compose_set_text(j, r->key, *(char *const *)at);
        break;
    case TEXTS:
        compose_set(j, r->key, compose_texts((const struct orc_strv *)at));
        break;
    case PAIRS:
        compose_set(j, r->key, compose_pairs((const struct spec_pairs *)at));
        break;
    case BOOL:
        if (*(const bool *)at)
            json_object_set_new(j, r->key, json_true());
        break;
    case INT:
        compose_set_int(j, r->key, *(const int *)at, 0);
        break;
    case SIZE:
        if (*(const int64_t *)at)
            json_object_set_new(j, r->key, compose_size(*(const int64_t *)at, form));
        break;
    }
}

/* The others ------------------------------------------------------------------------------------------- */

static json_t *extra_hosts(const struct spec_container *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->extra_hosts.n; i++) {
        orc_auto_free char *line =
            orc_printf("%s=%s", c->extra_hosts.at[i].name, c->extra_hosts.at[i].address);

        json_array_append_new(list, compose_text(line));
    }
    return list;
}

static json_t *tmpfs(const struct spec_container *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->tmpfs.n; i++) {
        const struct spec_tmpfs *t = &c->tmpfs.at[i];
        struct orc_buf b = ORC_BUF_INIT(8192);

        orc_buf_puts(&b, t->target);
        if (t->size)
            orc_buf_printf(&b, ":size=%lld", (long long)t->size);
        if (t->mode)
            orc_buf_printf(&b, "%smode=%o", strchr(orc_buf_str(&b), ':') ? "," : ":", (unsigned)t->mode);
        if (t->options)
            orc_buf_printf(&b, "%s%s", strchr(orc_buf_str(&b), ':') ? "," : ":", t->options);
        json_array_append_new(list, compose_text(orc_buf_str(&b)));
        orc_buf_release(&b);
    }
    return list;
}

static json_t *ulimits(const struct spec_container *c)
{
    json_t *map = json_object();

    for (size_t i = 0; i < c->ulimits.n; i++) {
        const struct spec_ulimit *u = &c->ulimits.at[i];

        json_object_set_new(
            map, u->name, json_pack("{s:I, s:I}", "soft", (json_int_t)u->soft, "hard", (json_int_t)u->hard));
    }
    return map;
}

static json_t *security_opt(const struct spec_security *s)
{
    struct orc_strv options = {0};
    json_t *list;

    spec_security_options(s, &options);
    if (s->systempaths_unconfined)
        orc_strv_add(&options, "systempaths=unconfined");
    list = compose_texts(&options);
    orc_strv_release(&options);
    return list;
}

static json_t *devices(const struct spec_container *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->devices.n; i++) {
        const struct spec_device *d = &c->devices.at[i];
        json_t *j = json_object();

        compose_set_text(j, "source", d->source);
        compose_set_text(j, "target", d->target);
        compose_set_text(j, "permissions", d->permissions);
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *logging(const struct spec_logging *l)
{
    json_t *j = json_object();

    compose_set_text(j, "driver", l->driver);
    compose_set(j, "options", compose_pairs(&l->options));
    return j;
}

void compose_container(json_t *j, const struct spec_container *c, enum compose_form form)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        set_row(j, &rows[i], c, form);
    compose_set(j, "extra_hosts", extra_hosts(c));
    compose_set(j, "tmpfs", tmpfs(c));
    compose_set(j, "ulimits", ulimits(c));
    compose_set(j, "security_opt", security_opt(&c->security));
    compose_set(j, "devices", devices(c));
    compose_set(j, "logging", logging(&c->logging));
}
