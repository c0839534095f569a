#include "specs/compose_internal.h"

#include "lib/units.h"

#include <string.h>

/* Values ---------------------------------------------------------------------------------------------- */

json_t *compose_duration(uint64_t ms, enum compose_form form)
{
    char buf[ORC_UNIT_MAX];

    return json_string(form == COMPOSE_PROGRAMS ? orc_format_go_duration(ms, buf)
                                                : orc_format_duration(ms, buf));
}

json_t *compose_number(int64_t nano)
{
    return nano % 1000000000 ? json_real((double)nano / 1e9) : json_integer(nano / 1000000000);
}

/* The largest unit that leaves nothing over. */
json_t *compose_size(int64_t bytes, enum compose_form form)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    char digits[ORC_UNIT_MAX], text[ORC_UNIT_MAX + 1];
    size_t unit = 0;

    while (form == COMPOSE_PEOPLE && unit + 1 < ORC_ARRAY_SIZE(units) && bytes && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf(text, sizeof text, "%s%s", orc_format_int(bytes, digits), units[unit]);
    return json_string(text);
}

json_t *compose_text(const char *s)
{
    struct orc_buf b = ORC_BUF_INIT(2 * (strlen(s) + 1));
    json_t *j;

    for (; *s; s++) {
        orc_buf_putc(&b, *s);
        if (*s == '$')
            orc_buf_putc(&b, '$');
    }
    j = orc_json_str_new(orc_buf_str(&b));
    orc_buf_release(&b);
    return j;
}

json_t *compose_texts(const struct orc_strv *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, compose_text(v->at[i]));
    return list;
}

json_t *compose_pairs(const struct spec_pairs *p)
{
    json_t *map = json_object();

    for (size_t i = 0; i < p->n; i++)
        json_object_set_new(map, p->at[i].key, p->at[i].value ? compose_text(p->at[i].value) : json_null());
    return map;
}

void compose_set(json_t *map, const char *key, json_t *value)
{
    if ((json_is_object(value) && !json_object_size(value)) ||
        (json_is_array(value) && !json_array_size(value)))
        json_decref(value);
    else
        json_object_set_new(map, key, value);
}

void compose_set_text(json_t *map, const char *key, const char *s)
{
    if (s)
        json_object_set_new(map, key, compose_text(s));
}

void compose_set_word(json_t *map, const char *key, const char *word)
{
    json_object_set_new(map, key, json_string(word));
}

void compose_set_ms(json_t *map, const char *key, uint64_t ms, uint64_t usual, enum compose_form form)
{
    if (ms != usual)
        json_object_set_new(map, key, compose_duration(ms, form));
}

void compose_set_int(json_t *map, const char *key, int64_t n, int64_t usual)
{
    if (n != usual)
        json_object_set_new(map, key, json_integer(n));
}

/* ports, volumes, depends_on -------------------------------------------------------------------------- */

/* Compose's word for a short port is "ingress", that for a port of the replica's own server "host": here one
 * is the other. */
static json_t *port(const struct spec_port *p, enum compose_form form)
{
    json_t *j = json_object();
    char digits[ORC_UNIT_MAX];

    compose_set_word(j, "mode", form == COMPOSE_PROGRAMS ? "ingress" : "host");
    if (*p->host_ip)
        compose_set_word(j, "host_ip", p->host_ip);
    json_object_set_new(j, "target", json_integer(p->container));
    if (p->host)
        compose_set_word(j, "published", orc_format_int(p->host, digits));
    compose_set_word(j, "protocol", p->udp ? "udp" : "tcp");
    return j;
}

/* In the server's own network the ports it takes are exposed, not published. */
static json_t *exposed(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->ports.n; i++) {
        const struct spec_port *p = &s->ports.at[i];
        char digits[ORC_UNIT_MAX], name[ORC_UNIT_MAX + 4];

        snprintf(name, sizeof name, "%s%s", orc_format_int(p->container, digits), p->udp ? "/udp" : "");
        json_array_append_new(list, json_string(name));
    }
    return list;
}

static json_t *ports(const struct spec_service *s, enum compose_form form)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->ports.n; i++)
        json_array_append_new(list, port(&s->ports.at[i], form));
    return list;
}

/* Compose has a mapping there whatever is in it; and a path that is missing it would make. */
static json_t *mount_options(const struct spec_mount *m, enum compose_form form)
{
    json_t *j = json_object();

    if (m->propagation)
        compose_set_word(j, "propagation", m->propagation);
    if (m->kind == SPEC_MOUNT_BIND && form == COMPOSE_PROGRAMS)
        json_object_set_new(j, "create_host_path", json_false());
    if (m->nocopy)
        json_object_set_new(j, "nocopy", json_true());
    return j;
}

static json_t *mount(const struct spec_mount *m, enum compose_form form)
{
    const char *type = m->kind == SPEC_MOUNT_VOLUME ? "volume" : "bind";
    json_t *j = json_object(), *options = mount_options(m, form);

    compose_set_word(j, "type", type);
    json_object_set_new(j, "source", compose_text(m->source));
    json_object_set_new(j, "target", compose_text(m->target));
    if (m->read_only)
        json_object_set_new(j, "read_only", json_true());
    if (form == COMPOSE_PROGRAMS)
        json_object_set_new(j, type, options);
    else
        compose_set(j, type, options);
    return j;
}

static json_t *mounts(const struct spec_service *s, enum compose_form form)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->mounts.n; i++)
        json_array_append_new(list, mount(&s->mounts.at[i], form));
    return list;
}

/* Compose's are texts. */
static void set_id(json_t *j, const char *key, int id)
{
    char digits[ORC_UNIT_MAX];

    if (id)
        compose_set_word(j, key, orc_format_int(id, digits));
}

static json_t *configs(const struct spec_service *s)
{
    json_t *list = json_array();
    const struct spec_config *c;
    char mode[ORC_UNIT_MAX];

    orc_vec_each (c, &s->configs) {
        json_t *j = json_object();

        compose_set_text(j, "source", c->source);
        compose_set_text(j, "target", c->target);
        set_id(j, "uid", c->uid);
        set_id(j, "gid", c->gid);
        snprintf(mode, sizeof mode, "0%o", (unsigned)c->mode);
        if (c->mode != SPEC_CONFIG_MODE)
            compose_set_word(j, "mode", mode);
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *depend(enum spec_depends condition)
{
    static const char *const conditions[] = {"service_started", "service_healthy",
                                             "service_completed_successfully"};

    return json_pack("{s:s, s:b}", "condition", conditions[condition], "required", 1);
}

/* Of a sidecar Compose says that it starts, and starts again, with its main service. */
static json_t *depends_on(const struct spec_service *s, const char *main, enum compose_form form)
{
    json_t *map = json_object(), *with;

    for (size_t i = 0; i < s->depends_on.n; i++)
        json_object_set_new(map, s->depends_on.at[i].service, depend(s->depends_on.at[i].condition));
    if (main && form == COMPOSE_PROGRAMS) {
        with = depend(SPEC_DEPENDS_STARTED);
        json_object_set_new(with, "restart", json_true());
        json_object_set_new(map, main, with);
    }
    return map;
}

/* The service ----------------------------------------------------------------------------------------- */

static json_t *command(const struct orc_strv *words, bool said)
{
    return said || words->n ? compose_texts(words) : json_null();
}

static char *restart(const struct spec_service *s)
{
    static const char *const names[] = {"always", "no", "on-failure", "unless-stopped"};

    if (s->restart == SPEC_RESTART_ON_FAILURE && s->restart_max)
        return orc_printf("on-failure:%d", s->restart_max);
    return orc_strdup(names[s->restart]);
}

static void set_network(json_t *j, const struct spec_service *s, const char *main, enum compose_form form)
{
    orc_auto_free char *of_main = main ? orc_printf("service:%s", main) : NULL;

    if (main)
        compose_set_word(j, "network_mode", of_main);
    else if (s->network == SPEC_NETWORK_BRIDGE)
        json_object_set_new(j, "networks", json_pack("{s:n}", "default"));
    else
        compose_set_word(j, "network_mode", s->network == SPEC_NETWORK_HOST ? "host" : "none");
    if (s->network == SPEC_NETWORK_HOST)
        compose_set(j, "expose", exposed(s));
    else
        compose_set(j, "ports", ports(s, form));
}

json_t *spec_service_to_compose(const struct spec_service *s, const char *main, enum compose_form form)
{
    orc_auto(spec_service_free_p) struct spec_service *usual = spec_service_new(s->name);
    orc_auto_free char *policy = restart(s);
    json_t *j = json_object();

    json_object_set_new(j, "image", compose_text(s->image));
    json_object_set_new(j, "command", command(&s->command, s->command_set));
    json_object_set_new(j, "entrypoint", command(&s->entrypoint, s->entrypoint_set));
    compose_set(j, "environment", compose_pairs(&s->environment));
    compose_set(j, "labels", compose_pairs(&s->labels));
    compose_set_text(j, "platform", s->platform);
    if (s->pull_policy != SPEC_PULL_MISSING)
        compose_set_word(j, "pull_policy", s->pull_policy == SPEC_PULL_ALWAYS ? "always" : "never");
    compose_container(j, &s->container, form);
    compose_set(j, "depends_on", depends_on(s, main, form));
    set_network(j, s, main, form);
    compose_set(j, "volumes", mounts(s, form));
    compose_set(j, "configs", configs(s));
    compose_set(j, "healthcheck", compose_healthcheck(s, form));
    if (!s->job)
        compose_set_word(j, "restart", policy);
    if (s->stop_signal)
        compose_set_word(j, "stop_signal", s->stop_signal);
    compose_set_ms(j, "stop_grace_period", s->stop_grace_period_ms, usual->stop_grace_period_ms, form);
    compose_set(j, "deploy", compose_deploy(s, usual, form));
    compose_set(j, "x-orc", compose_x_orc(s, usual, form));
    return j;
}

/* The file -------------------------------------------------------------------------------------------- */

struct named {
    const struct spec_service *service;
    const char *main; /* whose sidecar it is; NULL */
};

static int cmp_named(const void *x, const void *y)
{
    return strcmp(((const struct named *)x)->service->name, ((const struct named *)y)->service->name);
}

static json_t *services(const struct spec_app *a, enum compose_form form)
{
    ORC_VEC(struct named) all = {0};
    const struct named *e;
    json_t *map = json_object();

    for (size_t i = 0; i < a->services.n; i++) {
        const struct spec_service *s = a->services.at[i], *beside;

        orc_vec_push(&all, ((struct named){s, NULL}));
        orc_vec_each (beside, &s->sidecars)
            orc_vec_push(&all, ((struct named){beside, s->name}));
    }
    if (all.n)
        qsort(all.at, all.n, sizeof *all.at, cmp_named);
    orc_vec_each (e, &all)
        json_object_set_new(map, e->service->name, spec_service_to_compose(e->service, e->main, form));
    orc_vec_release(&all);
    return map;
}

/* Some mount of it, on which hangs what the engine calls it and makes it with; NULL: nothing mounts it. */
static const struct spec_mount *mount_of(const struct spec_app *a, const char *name)
{
    const struct spec_mount *m;

    for (size_t i = 0; i < a->services.n; i++)
        for (size_t k = 0; (m = spec_service_mount(a->services.at[i], k)); k++)
            if (m->kind == SPEC_MOUNT_VOLUME && strcmp(m->source, name) == 0)
                return m;
    return NULL;
}

void spec_volume_to_compose(const struct spec_mount *m, json_t *volume)
{
    compose_set_text(volume, "name", m->name);
    if (m->external)
        json_object_set_new(volume, "external", json_true());
    compose_set(volume, "driver_opts", compose_pairs(&m->driver_opts));
    compose_set(volume, "labels", compose_pairs(&m->labels));
}

static json_t *volume(const struct spec_app *a, char *name, enum compose_form form)
{
    const struct spec_mount none = {.source = name}, *found = mount_of(a, name), *m = found ? found : &none;
    orc_auto_free char *called = spec_mount_volume(a->name, m);
    json_t *j = json_object();

    if (form == COMPOSE_PROGRAMS)
        compose_set_text(j, "name", called);
    spec_volume_to_compose(m, j);
    return j;
}

/* What is in them hangs on those that name them. */
static void add_contents(json_t *map, const struct spec_service *s, enum compose_form form)
{
    const struct spec_service *beside;
    const struct spec_config *c;

    orc_vec_each (c, &s->configs) {
        json_t *j = json_object();

        if (form == COMPOSE_PROGRAMS)
            compose_set_text(j, "name", c->source);
        compose_set_text(j, "content", c->content);
        json_object_set_new(map, c->source, j);
    }
    orc_vec_each (beside, &s->sidecars)
        add_contents(map, beside, form);
}

/* The cluster's, which the engine calls "orc" (nodelet/container_config.h), where a service is on it. */
static json_t *networks(const struct spec_app *a, enum compose_form form)
{
    bool used = false;

    for (size_t i = 0; i < a->services.n; i++)
        used = used || a->services.at[i]->network == SPEC_NETWORK_BRIDGE;
    return used && form == COMPOSE_PROGRAMS ? json_pack("{s:{s:s, s:{}}}", "default", "name", "orc", "ipam")
                                            : json_object();
}

json_t *spec_app_to_compose(const struct spec_app *a, enum compose_form form)
{
    json_t *j = json_object(), *volumes = json_object(), *contents = json_object();

    compose_set_word(j, "name", a->name);
    compose_set(j, "services", services(a, form));
    compose_set(j, "networks", networks(a, form));
    for (size_t i = 0; i < a->volumes.n; i++)
        json_object_set_new(volumes, a->volumes.at[i], volume(a, a->volumes.at[i], form));
    compose_set(j, "volumes", volumes);
    for (size_t i = 0; i < a->services.n; i++)
        add_contents(contents, a->services.at[i], form);
    compose_set(j, "configs", contents);
    return j;
}
