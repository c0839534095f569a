/* networks of the top level, and what all that is declared there has in common. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

bool spec_read_is_names(struct spec_reader *r, const struct spec_node *v, const char *what)
{
    if (v->kind != SPEC_NODE_MAP) {
        spec_say(r, v, "%s must be a mapping of names, but this is %s", what, spec_node_kind_name(v));
        return false;
    }
    if (v->entries.n > SPEC_LIST_MAX) {
        spec_say(r, v, "%s has %zu names; at most %d are possible", what, v->entries.n, SPEC_LIST_MAX);
        return false;
    }
    return true;
}

bool spec_read_is_declared(struct spec_reader *r, const struct spec_node *key)
{
    bool extension = strncmp(key->text, "x-", 2) == 0;

    if (!extension && strlen(key->text) > 64)
        spec_say(r, key, "name \"%s\" is longer than 64 bytes", spec_quote(key->text).text);
    return !extension && strlen(key->text) <= 64;
}

/* networks --------------------------------------------------------------------------------------------- */

/* There is one of each kind, whatever it is called. */
static void read_driver(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    spec_read_word(r, k, v);
}

/* What may be said, as it is so anyway; anything else is refused. */
static void only(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, bool as_it_is,
                 const char *why)
{
    bool on;

    if (spec_read_bool(r, k->name, v, &on) && on != as_it_is)
        spec_say(r, v, "%s can't be %s here: orc has one network, %s; remove it", k->name,
                 on ? "true" : "false", why);
}

static void read_internal(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    only(r, k, v, false, "which leads outside");
}

static void read_ipv4(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    only(r, k, v, true, "of IPv4");
}

static void read_ipv6(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    only(r, k, v, false, "of IPv4");
}

static const struct spec_key ipam_keys[] = {
    {"driver", .read = read_driver, SPEC_WORDS("default"), .doc = "`default`"},
    {"config", .refusal = "orc gives the addresses (orc init sets the range); remove it"},
    {"options", .refusal = "orc gives the addresses itself; remove it"},
};
static const struct spec_keys ipam_map = SPEC_KEYS("ipam", ipam_keys);

static void read_ipam(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    if (!spec_node_is_null(v))
        spec_read_map(r, &ipam_map, v, NULL);
}

static const struct spec_key network_keys[] = {
    {"driver", .read = read_driver, SPEC_WORDS("bridge", "overlay"),
     .doc = "`bridge` or `overlay`; both are the cluster's network"},
    {"external", .read = spec_key_ignore, .doc = "no effect: the cluster's network is every app's"},
    {"name", .read = spec_key_ignore, .doc = "no effect: there is one network"},
    {"attachable", .read = spec_key_ignore, .doc = "no effect"},
    {"labels", .read = spec_key_ignore, .doc = "no effect: there is no network of the file to bear them"},
    {"internal", .read = read_internal, .form = SPEC_IS_BOOL,
     .doc = "false, which is how it is: it leads outside. true is refused"},
    {"ipam", .read = read_ipam, .form = SPEC_IS_MAP | SPEC_IS_NULL,
     .doc = "below: orc gives the addresses (`orc init` sets the range)", .sub = &ipam_map},
    {"driver_opts", .refusal = "orc has one network, its own; remove it"},
    {"enable_ipv4", .read = read_ipv4, .form = SPEC_IS_BOOL,
     .doc = "true, which is how it is; false is refused"},
    {"enable_ipv6", .read = read_ipv6, .form = SPEC_IS_BOOL,
     .doc = "false, which is how it is; true is refused"},
};
const struct spec_keys spec_network_keys = SPEC_KEYS("networks", network_keys);

/* orc has one network over all servers, on which every service reaches every other one; networks of a
 * file are accepted and separate nothing. */
void spec_read_networks(struct spec_reader *r, const struct spec_node *v, struct orc_strv *names)
{
    size_t n = spec_read_is_names(r, v, spec_network_keys.what) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_entry *e = &v->entries.at[i];

        if (!spec_read_is_declared(r, e->key))
            continue;
        if (!spec_node_is_null(e->value))
            spec_read_map(r, &spec_network_keys, e->value, NULL);
        orc_strv_add(names, e->key->text);
    }
}
