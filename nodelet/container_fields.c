#include "nodelet/container_fields.h"

#include "lib/buf.h"

#include <inttypes.h>
#include <string.h>

json_t *container_strv(const struct orc_strv *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, json_string(v->at[i]));
    return list;
}

void container_set_pairs(json_t *to, const struct spec_pairs *p)
{
    for (size_t i = 0; i < p->n; i++)
        orc_json_set_str(to, p->at[i].key, p->at[i].value ? p->at[i].value : "");
}

static json_t *pairs_json(const struct spec_pairs *p)
{
    json_t *map = json_object();

    container_set_pairs(map, p);
    return map;
}

/* Members that are one value of the spec each ---------------------------------------------------------- */

enum kind { STR, BOOL, INT, INT64, STRV, PAIRS };

struct field {
    const char *name; /* the Engine's */
    enum kind kind;
    size_t offset;
};
#define FIELD(name_, kind_, member)                                                                          \
    {                                                                                                        \
        (name_), (kind_), offsetof(struct spec_container, member)                                            \
    }

static const struct field config_fields[] = {
    FIELD("Domainname", STR, domainname),  FIELD("User", STR, user),
    FIELD("WorkingDir", STR, working_dir), FIELD("Tty", BOOL, tty),
    FIELD("OpenStdin", BOOL, stdin_open),
};

static const struct field host_fields[] = {
    FIELD("MemorySwap", INT64, memswap_limit),
    FIELD("CpuShares", INT, cpu_shares),
    FIELD("CpusetCpus", STR, cpuset),
    FIELD("OomScoreAdj", INT, oom_score_adj),
    FIELD("ShmSize", INT64, shm_size),
    FIELD("ReadonlyRootfs", BOOL, read_only),
    FIELD("Init", BOOL, init),
    FIELD("GroupAdd", STRV, group_add),
    FIELD("Dns", STRV, dns),
    FIELD("DnsSearch", STRV, dns_search),
    FIELD("DnsOptions", STRV, dns_opt),
    FIELD("Sysctls", PAIRS, sysctls),
    FIELD("Privileged", BOOL, privileged),
    FIELD("CapAdd", STRV, cap_add),
    FIELD("CapDrop", STRV, cap_drop),
    FIELD("DeviceCgroupRules", STRV, device_cgroup_rules),
    FIELD("IpcMode", STR, ipc),
    FIELD("PidMode", STR, pid),
    FIELD("UTSMode", STR, uts),
    FIELD("UsernsMode", STR, userns),
    FIELD("CgroupnsMode", STR, cgroup),
    FIELD("Runtime", STR, runtime),
};

static json_t *list_json(const struct orc_strv *v)
{
    return v->n ? container_strv(v) : NULL;
}

static json_t *int_json(int64_t n)
{
    return n ? json_integer(n) : NULL;
}

/* NULL: the spec doesn't say. */
static json_t *value_of(const struct field *f, const struct spec_container *c)
{
    const void *m = (const char *)c + f->offset;

    switch (f->kind) {
    case STR:
        return *(char *const *)m ? json_string(*(char *const *)m) : NULL;
    case BOOL:
        return *(const bool *)m ? json_true() : NULL;
    case INT:
        return int_json(*(const int *)m);
    case INT64:
        return int_json(*(const int64_t *)m);
    case STRV:
        return list_json(m);
    case PAIRS:
        return ((const struct spec_pairs *)m)->n ? pairs_json(m) : NULL;
    }
    return NULL;
}

static void set_fields(const struct field *fields, size_t n, const struct spec_container *c, json_t *to)
{
    for (size_t i = 0; i < n; i++) {
        json_t *value = value_of(&fields[i], c);

        if (value)
            json_object_set_new(to, fields[i].name, value);
    }
}

/* Members of a form of their own ----------------------------------------------------------------------- */

static json_t *ulimits(const struct spec_container *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->ulimits.n; i++) {
        const struct spec_ulimit *u = &c->ulimits.at[i];
        json_t *j = json_object();

        orc_json_set_str(j, "Name", u->name);
        json_object_set_new(j, "Soft", json_integer(u->soft));
        json_object_set_new(j, "Hard", json_integer(u->hard));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *devices(const struct spec_container *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->devices.n; i++) {
        const struct spec_device *d = &c->devices.at[i];
        json_t *j = json_object();

        orc_json_set_str(j, "PathOnHost", d->source);
        orc_json_set_str(j, "PathInContainer", d->target);
        orc_json_set_str(j, "CgroupPermissions", d->permissions);
        json_array_append_new(list, j);
    }
    return list;
}

static void add_option(struct orc_buf *b, const char *option)
{
    orc_buf_printf(b, "%s%s", b->len ? "," : "", option);
}

/* "size=67108864,mode=755,exec" */
static json_t *tmpfs(const struct spec_container *c)
{
    json_t *map = json_object();

    for (size_t i = 0; i < c->tmpfs.n; i++) {
        const struct spec_tmpfs *t = &c->tmpfs.at[i];
        struct orc_buf b = ORC_BUF_INIT(1024);

        if (t->size)
            orc_buf_printf(&b, "size=%" PRId64, t->size);
        if (t->mode)
            orc_buf_printf(&b, "%smode=%o", b.len ? "," : "", (unsigned)t->mode);
        if (t->options)
            add_option(&b, t->options);
        orc_json_set_str(map, t->target, orc_buf_str(&b));
        orc_buf_release(&b);
    }
    return map;
}

/* The server's address is one that other containers know, too; the engine's own host-gateway is that of a
 * bridge which orc's servers need not have. */
static json_t *extra_hosts(const struct container_context *ctx, const struct spec_container *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->extra_hosts.n; i++) {
        const struct spec_host *h = &c->extra_hosts.at[i];
        bool server = strcmp(h->address, "host-gateway") == 0;
        orc_auto_free char *line = orc_printf("%s:%s", h->name, server ? ctx->address : h->address);

        json_array_append_new(list, json_string(line));
    }
    return list;
}

static json_t *security_opt(const struct spec_security *s)
{
    struct orc_strv options = {0};
    json_t *list;

    spec_security_options(s, &options);
    list = container_strv(&options);
    orc_strv_release(&options);
    return list;
}

static json_t *log_config(const struct spec_logging *l)
{
    json_t *j = json_object();

    orc_json_set_str(j, "Type", l->driver);
    json_object_set_new(j, "Config", pairs_json(&l->options));
    return j;
}

/* Takes `value` over; an empty one is left out. */
static void set_filled(json_t *to, const char *name, json_t *value)
{
    if (json_object_size(value) || json_array_size(value))
        json_object_set_new(to, name, value);
    else
        json_decref(value);
}

void container_fields(const struct container_context *ctx, const struct spec_container *c, json_t *config,
                      json_t *host)
{
    set_fields(config_fields, ORC_ARRAY_SIZE(config_fields), c, config);
    set_fields(host_fields, ORC_ARRAY_SIZE(host_fields), c, host);
    set_filled(host, "Ulimits", ulimits(c));
    set_filled(host, "Devices", devices(c));
    set_filled(host, "Tmpfs", tmpfs(c));
    set_filled(host, "ExtraHosts", extra_hosts(ctx, c));
    set_filled(host, "SecurityOpt", security_opt(&c->security));
    if (c->logging.driver || c->logging.options.n)
        json_object_set_new(host, "LogConfig", log_config(&c->logging));
    if (c->security.systempaths_unconfined) { /* as the engine's own command line says it */
        json_object_set_new(host, "MaskedPaths", json_array());
        json_object_set_new(host, "ReadonlyPaths", json_array());
    }
}

void container_mount_options(const struct spec_mount *m, json_t *mount)
{
    json_t *bind = json_object(), *volume = json_object(), *driver = json_object();

    orc_json_set_str(bind, "Propagation", m->propagation);
    if (m->nocopy)
        json_object_set_new(volume, "NoCopy", json_true());
    if (m->driver_opts.n) {
        orc_json_set_str(driver, "Name", "local");
        json_object_set_new(driver, "Options", pairs_json(&m->driver_opts));
    }
    set_filled(volume, "DriverConfig", driver);
    set_filled(volume, "Labels", pairs_json(&m->labels));
    set_filled(mount, "BindOptions", bind);
    set_filled(mount, "VolumeOptions", volume);
}
