#include "nodelet/container_config.h"

#include "nodelet/configs.h"

#include "nodelet/container_fields.h"

#include <inttypes.h>
#include <stdio.h>

char *container_name(const char *task_id)
{
    return orc_printf(CONTAINER_NAME_PREFIX "%s", task_id);
}

/* NAME=VALUE; a name without a value is left to the image (Docker: it stays as the image sets it). */
static json_t *environment(const struct spec_pairs *env)
{
    json_t *list = json_array();

    for (size_t i = 0; i < env->n; i++) {
        orc_auto_free char *line = NULL;

        if (!env->at[i].value)
            continue;
        line = orc_printf("%s=%s", env->at[i].key, env->at[i].value);
        json_array_append_new(list, json_string(line));
    }
    return list;
}

static void set_number(json_t *labels, const char *key, int64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, n);
    orc_json_set_str(labels, key, text);
}

/* Annotations are labels: the Engine API has them from 1.43 on only (decision 0180). The user's labels before
 * orc's own, which win, or a container could not be found again. */
static json_t *labels(const struct container_context *ctx, const char *task_id, const struct record_task *t,
                      const struct spec_service *spec)
{
    json_t *l = json_object();

    container_set_pairs(l, &spec->container.annotations);
    container_set_pairs(l, &spec->labels);
    orc_json_set_str(l, "orc.cluster", ctx->cluster_id);
    orc_json_set_str(l, "orc.node", ctx->node);
    orc_json_set_str(l, "orc.task", task_id);
    orc_json_set_str(l, "orc.app", t->app);
    orc_json_set_str(l, "orc.service", t->service);
    if (ctx->join)
        orc_json_set_str(l, "orc.sidecar", spec->name);
    set_number(l, "orc.slot", t->slot);
    set_number(l, "orc.revision", t->revision);
    orc_json_set_str(l, "orc.hash", t->container_hash);
    return l;
}

/* Files of the server, which nodelet has written (configs.c). */
static void add_configs(json_t *list, const char *dir, const struct spec_service *spec)
{
    for (size_t i = 0; i < spec->configs.n; i++) {
        orc_auto_free char *path = configs_path(dir, i);

        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b}", "Type", "bind", "Source", path,
                                              "Target", spec->configs.at[i].target, "ReadOnly", 1));
    }
}

static json_t *mounts(const struct container_context *ctx, const char *app, const struct spec_service *spec)
{
    json_t *list = json_array();

    for (size_t i = 0; i < spec->mounts.n; i++) {
        const struct spec_mount *m = &spec->mounts.at[i];
        bool volume = m->kind == SPEC_MOUNT_VOLUME;
        orc_auto_free char *name = volume ? spec_mount_volume(app, m) : NULL;
        json_t *j = json_object();

        orc_json_set_str(j, "Type", volume ? "volume" : "bind");
        orc_json_set_str(j, "Source", volume ? name : m->source);
        orc_json_set_str(j, "Target", m->target);
        json_object_set_new(j, "ReadOnly", json_boolean(m->read_only));
        container_mount_options(m, j);
        json_array_append_new(list, j);
    }
    add_configs(list, ctx->configs, spec);
    return list;
}

static void port_name(const struct spec_port *p, char ret[16])
{
    snprintf(ret, 16, "%u/%s", p->container, p->udp ? "udp" : "tcp");
}

static json_t *exposed_ports(const struct spec_service *spec)
{
    json_t *exposed = json_object();
    char name[16];

    for (size_t i = 0; i < spec->ports.n; i++) {
        port_name(&spec->ports.at[i], name);
        json_object_set_new(exposed, name, json_object());
    }
    return exposed;
}

static json_t *port_bindings(const struct spec_service *spec, const char *private_address)
{
    json_t *bindings = json_object();
    char name[16], host[8];

    for (size_t i = 0; i < spec->ports.n; i++) {
        const struct spec_port *p = &spec->ports.at[i];
        bool here = !p->host_ip || !*p->host_ip;
        json_t *list, *b = json_object();

        port_name(p, name);
        snprintf(host, sizeof host, "%u", p->host);
        orc_json_set_str(b, "HostIp", here ? private_address : p->host_ip);
        orc_json_set_str(b, "HostPort", p->host ? host : "");
        list = json_object_get(bindings, name);
        if (!list) {
            list = json_array();
            json_object_set_new(bindings, name, list);
        }
        json_array_append_new(list, b);
    }
    return bindings;
}

static json_t *network_mode(const struct container_context *ctx, const struct spec_service *spec)
{
    static const char *const modes[] = {[SPEC_NETWORK_BRIDGE] = CONTAINER_NETWORK,
                                        [SPEC_NETWORK_NONE] = "none",
                                        [SPEC_NETWORK_HOST] = "host"};
    orc_auto_free char *joined = orc_printf("container:%s", ctx->join ?: "");

    return json_string(ctx->join ? joined : modes[spec->network]);
}

/* It has an address, and may have ports of its own. */
static bool is_on_network(const struct container_context *ctx, const struct spec_service *spec)
{
    return !ctx->join && spec->network == SPEC_NETWORK_BRIDGE;
}

static json_t *host_config(const struct container_context *ctx, const struct record_task *t,
                           const struct spec_service *spec)
{
    json_t *h = json_object(), *policy = json_object();

    json_object_set_new(h, "NanoCpus", json_integer(spec->limits.cpus_nano));
    json_object_set_new(h, "Memory", json_integer(spec->limits.memory));
    if (spec->pids_limit) /* otherwise the engine's own */
        json_object_set_new(h, "PidsLimit", json_integer(spec->pids_limit));
    json_object_set_new(h, "NetworkMode", network_mode(ctx, spec));
    if (is_on_network(ctx, spec))
        json_object_set_new(h, "PortBindings", port_bindings(spec, ctx->address));
    json_object_set_new(h, "Mounts", mounts(ctx, t->app, spec));
    /* Restarts are nodelet's, by the policy of the spec. */
    json_object_set_new(policy, "Name", json_string("no"));
    json_object_set_new(h, "RestartPolicy", policy);
    return h;
}

static json_t *networking(const char *address)
{
    json_t *ipam = json_object(), *endpoint = json_object(), *endpoints = json_object(), *n = json_object();

    orc_json_set_str(ipam, "IPv4Address", address);
    json_object_set_new(endpoint, "IPAMConfig", ipam);
    json_object_set_new(endpoints, CONTAINER_NETWORK, endpoint);
    json_object_set_new(n, "EndpointsConfig", endpoints);
    return n;
}

/* Probes are nodelet's: a check that the image brings along would run beside them. */
static json_t *no_healthcheck(void)
{
    json_t *check = json_object(), *test = json_array();

    json_array_append_new(test, json_string("NONE"));
    json_object_set_new(check, "Test", test);
    return check;
}

/* The engine counts in seconds: the next whole one. */
static json_int_t stop_seconds(uint64_t ms)
{
    return (json_int_t)((ms + 999) / 1000);
}

json_t *container_config(const struct container_context *ctx, const char *task_id,
                         const struct record_task *task, const struct spec_service *spec)
{
    orc_auto_free char *hostname = orc_printf("%s-%d", task->service, task->slot);
    json_t *c = json_object(), *host;

    orc_json_set_str(c, "Image", spec->image);
    if (!ctx->join && !spec->container.uts) /* it has the main container's, or the server's */
        orc_json_set_str(c, "Hostname", spec->container.hostname ?: hostname);
    if (spec->command_set || spec->command.n)
        json_object_set_new(c, "Cmd", container_strv(&spec->command));
    if (spec->entrypoint_set || spec->entrypoint.n)
        json_object_set_new(c, "Entrypoint", container_strv(&spec->entrypoint));
    json_object_set_new(c, "Env", environment(&spec->environment));
    json_object_set_new(c, "Labels", labels(ctx, task_id, task, spec));
    orc_json_set_str(c, "StopSignal", spec->stop_signal);
    /* nodelet's own stops say it with each request; this one is for whoever else stops it: `docker stop`, the
     * engine at its end. */
    json_object_set_new(c, "StopTimeout", json_integer(stop_seconds(spec->stop_grace_period_ms)));
    json_object_set_new(c, "Healthcheck", no_healthcheck());
    host = host_config(ctx, task, spec);
    container_fields(ctx, &spec->container, c, host);
    json_object_set_new(c, "HostConfig", host);
    if (is_on_network(ctx, spec)) {
        json_object_set_new(c, "ExposedPorts", exposed_ports(spec));
        json_object_set_new(c, "NetworkingConfig", networking(task->address));
    }
    return c;
}
