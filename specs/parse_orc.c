/* x-orc: what Compose has no words for. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <ctype.h>
#include <string.h>

static struct spec_service *service_of(void *into)
{
    return ((struct spec_service_in *)into)->service;
}

/* gateway --------------------------------------------------------------------------------------------- */

static void read_host(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct spec_gateway *g = into;
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_host(s, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return;
    }
    orc_set_str(&g->host, s);
    for (char *c = g->host; *c; c++) /* host names are compared without case (RFC 4343) */
        *c = (char)tolower((unsigned char)*c);
}

static void read_path(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct spec_gateway *g = into;
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_route_path(s, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    else
        orc_set_str(&g->path, s);
}

static const struct spec_key gateway_keys[] = {
    {"port", .read = spec_key_port, .offset = offsetof(struct spec_gateway, port)},
    {"host", .read = read_host},
    {"path", .read = read_path},
    {"strip_prefix", .read = spec_key_bool, .offset = offsetof(struct spec_gateway, strip_prefix)},
};

static void read_route(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc.gateway", gateway_keys);
    size_t before = r->problems->n;
    struct spec_gateway *g = orc_vec_add(&s->gateway);
    orc_auto_free char *name = NULL;

    g->host = orc_strdup("");
    g->path = orc_strdup("/");
    spec_read_map(r, &keys, v, g);
    if (g->port == 0 && r->problems->n == before)
        spec_say(r, v, "this route has no \"port\"; give the one that the container listens on");
    name = orc_printf("%s|%s", g->host, g->path);
    spec_ref_add(r, SPEC_REF_ROUTE, v, name);
}

/* One route as a mapping, or a list of them. */
static void read_gateway(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    ((struct spec_service_in *)into)->gateway = v;
    if (v->kind == SPEC_NODE_MAP) {
        read_route(r, v, service_of(into));
        return;
    }
    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v,
                 "x-orc.gateway must be a mapping with port, host, path and strip_prefix, or a list of "
                 "them, but this is %s",
                 spec_node_kind_name(v));
        return;
    }
    if (spec_read_is_list(r, "x-orc.gateway", v))
        for (size_t i = 0; i < v->entries.n; i++)
            read_route(r, v->entries.at[i].value, service_of(into));
}

/* drain ----------------------------------------------------------------------------------------------- */

static const struct spec_key drain_keys[] = {
    {"timeout", .read = spec_key_ms, .offset = offsetof(struct spec_service, drain_timeout_ms)},
};

static void read_drain(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc.drain", drain_keys);

    spec_read_map(r, &keys, v, service_of(into));
}

/* placement ------------------------------------------------------------------------------------------- */

static void read_strategy(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    static const char *const names[] = {"spread", "binpack", NULL};
    int i = spec_read_word(r, k->name, v, names);

    if (i >= 0)
        service_of(into)->strategy = (enum spec_strategy)i;
}

static void read_survive(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    spec_read_bool(r, k->name, v, &service_of(into)->survive_node_loss);
}

static const struct spec_key placement_keys[] = {
    {"strategy", .read = read_strategy},
    {"survive_node_loss", .read = read_survive},
    {"constraints", .refusal = "give \"deploy: {placement: {constraints: ...}}\" instead"},
    {"preferences", .refusal = "give \"deploy: {placement: {preferences: ...}}\" instead"},
};

static void read_placement(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc.placement", placement_keys);

    spec_read_map(r, &keys, v, into);
}

/* rebalance ------------------------------------------------------------------------------------------- */

static void read_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const char *const names[] = {"manual", "auto", NULL};
    int i = spec_read_word(r, k->name, v, names);

    if (i >= 0)
        service_of(into)->rebalance_auto = i;
}

static void read_after(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_key_ms(r, k, v, service_of(into));
}

static const struct spec_key rebalance_keys[] = {
    {"mode", .read = read_mode},
    {"after", .read = read_after, .offset = offsetof(struct spec_service, rebalance_after_ms)},
};

/* The mode alone, or a mapping. */
static void read_rebalance(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc.rebalance", rebalance_keys);

    if (v->kind == SPEC_NODE_SCALAR)
        read_mode(r, k, v, into);
    else
        spec_read_map(r, &keys, v, into);
}

/* durations ------------------------------------------------------------------------------------------- */

static void read_duration(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    spec_key_ms(r, k, v, service_of(into));
}

static void read_disconnect(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                            void *into)
{
    ((struct spec_service_in *)into)->disconnect = v;
    read_duration(r, k, v, into);
}

static void read_canary(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    ((struct spec_service_in *)into)->canary = v;
    spec_key_int(r, k, v, service_of(into));
}

static const struct spec_key orc_keys[] = {
    {"canary", .read = read_canary, .offset = offsetof(struct spec_service, canary),
     .max = SPEC_REPLICAS_MAX},
    {"progress_deadline", .read = read_duration,
     .offset = offsetof(struct spec_service, progress_deadline_ms)},
    {"disconnect", .read = read_disconnect, .offset = offsetof(struct spec_service, disconnect_ms)},
    {"fence", .read = read_duration, .offset = offsetof(struct spec_service, fence_ms)},
    {"health", .read = spec_key_probe},
    {"gateway", .read = read_gateway},
    {"drain", .read = read_drain},
    {"placement", .read = read_placement},
    {"job", .read = spec_key_job},
    {"rebalance", .read = read_rebalance},
    {"schedule", .read = spec_key_schedule},
};

void spec_key_x_orc(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc", orc_keys);

    spec_read_map(r, &keys, v, into);
}
