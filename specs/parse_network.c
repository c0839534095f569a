/* networks, network_mode: what a container's network is, and what makes no sense in it.
 *
 * The modes are Compose's (Compose Specification, services, network_mode). What the Docker Engine refuses or
 * ignores beside one of them is refused here. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

/* networks -------------------------------------------------------------------------------------------- */

static const struct spec_key network_keys[] = {
    {"aliases", .refusal = "a service is found by its name; remove it"},
    {"ipv4_address", .refusal = "orc gives each replica an address; remove it"},
    {"ipv6_address", .refusal = "orc's network is of IPv4 only; remove it"},
    {"link_local_ips", .refusal = "orc gives each replica its one address; remove it"},
    {"mac_address", .refusal = "replicas would clash; remove it, the engine gives each its own"},
    {"interface_name", .refusal = "a container has one interface, eth0; remove it"},
    {"driver_opts", .refusal = "orc has one network, its own; remove it"},
    {"priority", .read = spec_key_ignore, .doc = "no effect: there is one network"},
    {"gw_priority", .read = spec_key_ignore, .doc = "no effect: there is one network"},
};
const struct spec_keys spec_service_network_keys = SPEC_KEYS("a service's network", network_keys);

/* A list of names, or a mapping of them to nothing. orc has one network over all servers, on which every
 * service reaches every other; so the names are checked and have no effect. */
void spec_key_networks(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    ((struct spec_service_in *)into)->networks = v;
    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v, "%s must be a list of names, but this is %s", k->name, spec_node_kind_name(v));
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        const char *name = v->kind == SPEC_NODE_LIST ? spec_read_string(r, k->name, e->value) : NULL;

        if (v->kind == SPEC_NODE_MAP) {
            spec_ref_add(r, SPEC_REF_NETWORK, e->key, e->key->text);
            if (!spec_node_is_null(e->value))
                spec_read_map(r, &spec_service_network_keys, e->value, NULL);
        } else if (name) {
            spec_ref_add(r, SPEC_REF_NETWORK, e->value, name);
        }
    }
}

/* network_mode ---------------------------------------------------------------------------------------- */

/* In the network of another service's containers. */
static void read_main(struct spec_reader *r, const struct spec_node *v, const char *main, void *into)
{
    struct orc_err err = ORC_ERR_INIT;

    if (spec_check_name("service name", main, &err) < 0) {
        spec_say(r, v, "network_mode is \"%s\": %s", spec_quote(v->text).text, err.msg);
        return;
    }
    ((struct spec_service_in *)into)->main = main;
    spec_ref_add(r, SPEC_REF_MAIN, v, main);
}

void spec_key_network_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    static const char *const names[] = {"bridge", "none", "host", NULL};
    const char *s = spec_read_string(r, k->name, v);
    struct spec_service_in *in = into;
    int i = 0;

    if (!s)
        return;
    in->network_mode = v;
    if (strncmp(s, "service:", 8) == 0) {
        read_main(r, v, s + 8, into);
        return;
    }
    while (names[i] && strcmp(names[i], s) != 0)
        i++;
    if (names[i])
        in->service->network = (enum spec_network)i;
    else
        spec_say(
            r, v,
            "network_mode is \"%s\", but must be \"bridge\", \"none\", \"host\", or \"service:NAME\" for the "
            "network of another service's containers",
            spec_quote(s).text);
}

static void refuse(struct spec_reader *r, const struct spec_service_in *in, const struct spec_node *v,
                   const char *key, const char *why)
{
    if (v)
        spec_say(r, v, "\"%s\" makes no sense beside network_mode \"%s\": %s", key,
                 spec_quote(in->network_mode->text).text, why);
}

static void check_none(struct spec_reader *r, const struct spec_service_in *in)
{
    static const char *const why = "nobody reaches the container; remove one of the two";

    refuse(r, in, in->ports, "ports", why);
    refuse(r, in, in->expose, "expose", why);
    refuse(r, in, in->gateway, "gateway", why);
    if (spec_service_is_probed(in->service))
        refuse(r, in, in->override.at, "health", "nobody reaches the container; give \"exec\" instead");
}

/* A process in the server's network listens on any of its addresses. */
static void take_port(struct spec_service *s, uint16_t port)
{
    *orc_vec_add(&s->ports) =
        (struct spec_port){.host_ip = orc_strdup("0.0.0.0"), .host = port, .container = port};
}

void spec_take_probed(struct spec_service *to, const struct spec_service *s)
{
    if (spec_health_is_remote(&s->health) && s->health.port)
        take_port(to, s->health.port);
    if (spec_health_is_remote(&s->live) && s->live.port)
        take_port(to, s->live.port);
}

static void check_host(struct spec_reader *r, struct spec_service_in *in)
{
    struct spec_service *s = in->service;

    refuse(r, in, in->ports, "ports",
           "its ports are the server's own and are not mapped; name those it listens on in \"expose\"");
    for (size_t i = 0; i < in->exposed->ports.n; i++)
        orc_vec_push(&s->ports, in->exposed->ports.at[i]);
    in->exposed->ports.n = 0;
    for (size_t i = 0; i < s->gateway.n; i++)
        if (s->gateway.at[i].port)
            take_port(s, s->gateway.at[i].port);
    spec_take_probed(s, s);
}

void spec_finish_network(struct spec_reader *r, struct spec_service_in *in)
{
    if (in->network_mode)
        refuse(r, in, in->networks, "networks", "it is one or the other; remove one of the two");
    if (in->service->network == SPEC_NETWORK_NONE)
        check_none(r, in);
    if (in->service->network == SPEC_NETWORK_HOST)
        check_host(r, in);
}
