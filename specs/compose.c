#include "specs/compose_internal.h"

#include "lib/units.h"

#include <string.h>

/* Values ---------------------------------------------------------------------------------------------- */

json_t *compose_duration(uint64_t ms)
{
    char buf[ORC_UNIT_MAX];

    return json_string(orc_format_duration(ms, buf));
}

/* The largest unit that leaves nothing over. */
json_t *compose_size(int64_t bytes, enum spec_sizes sizes)
{
    static const char *const units[] = {"", "K", "M", "G", "T"};
    char digits[ORC_UNIT_MAX], text[ORC_UNIT_MAX + 1];
    size_t unit = 0;

    while (sizes == SPEC_SIZES_UNITS && unit + 1 < ORC_ARRAY_SIZE(units) && bytes && bytes % 1024 == 0) {
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

void compose_set_ms(json_t *map, const char *key, uint64_t ms, uint64_t usual)
{
    if (ms != usual)
        json_object_set_new(map, key, compose_duration(ms));
}

void compose_set_int(json_t *map, const char *key, int64_t n, int64_t usual)
{
    if (n != usual)
        json_object_set_new(map, key, json_integer(n));
}

/* ports, volumes, depends_on -------------------------------------------------------------------------- */

static json_t *port(const struct spec_port *p)
{
    json_t *j = json_object();
    char digits[ORC_UNIT_MAX];

    compose_set_word(j, "mode", "host"); /* Compose's word for: on the replica's own server */
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

static json_t *ports(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->ports.n; i++)
        json_array_append_new(list, port(&s->ports.at[i]));
    return list;
}

static json_t *mounts(const struct spec_service *s)
{
    json_t *list = json_array();

    for (size_t i = 0; i < s->mounts.n; i++) {
        const struct spec_mount *m = &s->mounts.at[i];
        json_t *j = json_object();

        compose_set_word(j, "type", m->kind == SPEC_MOUNT_VOLUME ? "volume" : "bind");
        json_object_set_new(j, "source", compose_text(m->source));
        json_object_set_new(j, "target", compose_text(m->target));
        if (m->read_only)
            json_object_set_new(j, "read_only", json_true());
        if (m->propagation)
            json_object_set_new(j, "bind", json_pack("{s:s}", "propagation", m->propagation));
        if (m->nocopy)
            json_object_set_new(j, "volume", json_pack("{s:b}", "nocopy", 1));
        json_array_append_new(list, j);
    }
    return list;
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
        compose_set_int(j, "uid", c->uid, 0);
        compose_set_int(j, "gid", c->gid, 0);
        snprintf(mode, sizeof mode, "0%o", (unsigned)c->mode);
        if (c->mode != SPEC_CONFIG_MODE)
            compose_set_word(j, "mode", mode);
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *depends_on(const struct spec_service *s)
{
    static const char *const conditions[] = {"service_started", "service_healthy",
                                             "service_completed_successfully"};
    json_t *map = json_object();

    for (size_t i = 0; i < s->depends_on.n; i++)
        json_object_set_new(
            map, s->depends_on.at[i].service,
            json_pack("{s:s, s:b}", "condition", conditions[s->depends_on.at[i].condition], "required", 1));
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

static void set_network(json_t *j, const struct spec_service *s, const char *main)
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
        compose_set(j, "ports", ports(s));
}

json_t *spec_service_to_compose(const struct spec_service *s, const char *main, enum spec_sizes sizes)
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
    compose_container(j, &s->container, sizes);
    compose_set(j, "depends_on", depends_on(s));
    set_network(j, s, main);
    compose_set(j, "volumes", mounts(s));
    compose_set(j, "configs", configs(s));
    compose_set(j, "healthcheck", compose_healthcheck(s));
    if (!s->job)
        compose_set_word(j, "restart", policy);
    if (s->stop_signal)
        compose_set_word(j, "stop_signal", s->stop_signal);
    compose_set_ms(j, "stop_grace_period", s->stop_grace_period_ms, usual->stop_grace_period_ms);
    compose_set(j, "deploy", compose_deploy(s, usual, sizes));
    compose_set(j, "x-orc", compose_x_orc(s, usual));
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

static json_t *services(const struct spec_app *a, enum spec_sizes sizes)
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
        json_object_set_new(map, e->service->name, spec_service_to_compose(e->service, e->main, sizes));
    orc_vec_release(&all);
    return map;
}

/* What a server makes a volume with hangs on those that mount it. */
static json_t *volume(const struct spec_app *a, const char *name)
{
    json_t *j = json_object();
    const struct spec_mount *m;

    for (size_t i = 0; i < a->services.n; i++)
        for (size_t k = 0; (m = spec_service_mount(a->services.at[i], k)); k++)
            if (m->kind == SPEC_MOUNT_VOLUME && strcmp(m->source, name) == 0 && m->driver_opts.n)
                json_object_set_new(j, "driver_opts", compose_pairs(&m->driver_opts));
    return j;
}

/* What is in them hangs on those that name them. */
static void add_contents(json_t *map, const struct spec_service *s)
{
    const struct spec_service *beside;
    const struct spec_config *c;

    orc_vec_each (c, &s->configs)
        json_object_set_new(map, c->source, json_pack("{s:o}", "content", compose_text(c->content)));
    orc_vec_each (beside, &s->sidecars)
        add_contents(map, beside);
}

json_t *spec_app_to_compose(const struct spec_app *a, enum spec_sizes sizes)
{
    json_t *j = json_object(), *volumes = json_object(), *contents = json_object();

    compose_set_word(j, "name", a->name);
    compose_set(j, "services", services(a, sizes));
    for (size_t i = 0; i < a->volumes.n; i++)
        json_object_set_new(volumes, a->volumes.at[i], volume(a, a->volumes.at[i]));
    compose_set(j, "volumes", volumes);
    for (size_t i = 0; i < a->services.n; i++)
        add_contents(contents, a->services.at[i]);
    compose_set(j, "configs", contents);
    return j;
}
