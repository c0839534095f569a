/* networks and volumes of the top level: what is declared for the services to name. */
#include "specs/check.h"
#include "specs/check_container.h"
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

static bool is_extension(const struct spec_node *key)
{
    return strncmp(key->text, "x-", 2) == 0;
}

static bool is_short(struct spec_reader *r, const struct spec_node *key)
{
    if (strlen(key->text) <= 64)
        return true;
    spec_say(r, key, "name \"%s\" is longer than 64 bytes", spec_quote(key->text).text);
    return false;
}

/* networks --------------------------------------------------------------------------------------------- */

/* There is one of each kind, whatever it is called. */
static void read_driver(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    spec_read_word(r, k, v);
}

static const struct spec_key network_keys[] = {
    {"driver", .read = read_driver, SPEC_WORDS("bridge", "overlay"),
     .doc = "`bridge` or `overlay`; both are the cluster's network"},
    {"external", .read = spec_key_ignore, .doc = "no effect: the cluster's network is every app's"},
    {"name", .read = spec_key_ignore, .doc = "no effect: there is one network"},
    {"attachable", .read = spec_key_ignore, .doc = "no effect"},
    {"labels", .read = spec_key_ignore, .doc = "no effect: there is no network of the file to bear them"},
    {"internal", .refusal = "orc has one network, which leads outside; remove it"},
    {"ipam", .refusal = "orc gives the addresses (orc init sets the range); remove it"},
    {"driver_opts", .refusal = "orc has one network, its own; remove it"},
    {"enable_ipv4", .refusal = "orc's network is of IPv4, always; remove it"},
    {"enable_ipv6", .refusal = "orc's network is of IPv4 only; remove it"},
};
const struct spec_keys spec_network_keys = SPEC_KEYS("networks", network_keys);

/* orc has one network over all servers, on which every service reaches every other one by name; networks of a
 * file are accepted and separate nothing. */
void spec_read_networks(struct spec_reader *r, const struct spec_node *v, struct orc_strv *names)
{
    size_t n = spec_read_is_names(r, v, spec_network_keys.what) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_entry *e = &v->entries.at[i];

        if (is_extension(e->key) || !is_short(r, e->key))
            continue;
        if (!spec_node_is_null(e->value))
            spec_read_map(r, &spec_network_keys, e->value, NULL);
        orc_strv_add(names, e->key->text);
    }
}

/* volumes ---------------------------------------------------------------------------------------------- */

/* What the engine's driver "local" takes: what mount(8) is called with, and a quota. */
static int check_local_option(const char *name, struct orc_err *err)
{
    static const char *const known[] = {"type", "o", "device", "size"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(known); i++)
        if (strcmp(name, known[i]) == 0)
            return 0;
    return orc_fail(err, -EINVAL,
                    "option \"%s\" is none of the driver \"local\": type, o, device and size are",
                    spec_quote(name).text);
}

static void read_driver_opts(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    static const struct spec_pairs_rule rule = {"option", check_local_option, false};

    if (!spec_node_is_null(v))
        spec_read_pairs(r, k->name, &rule, v, into);
}

static const struct spec_key volume_keys[] = {
    {"driver", .read = read_driver, SPEC_WORDS("local"), .doc = "`local`, the engine's own"},
    {"driver_opts", .read = read_driver_opts, .form = SPEC_IS_NAMES | SPEC_IS_LIST | SPEC_IS_NULL,
     .values = SPEC_IS_SCALAR, .items = SPEC_IS_SCALAR,
     .doc = "`type`, `o`, `device`, `size` of the driver `local` (an NFS share, for one). They count when a "
            "server first makes the volume"},
    {"external", .refusal = "orc makes an app's volumes itself; remove it"},
    {"name", .refusal = "orc names volumes by app and name; remove it"},
    {"labels", .refusal = "orc gives volumes no labels; remove it"},
};
const struct spec_keys spec_volume_keys = SPEC_KEYS("volumes", volume_keys);

static int cmp_keys(const void *x, const void *y)
{
    return strcmp(((const struct spec_pair *)x)->key, ((const struct spec_pair *)y)->key);
}

void spec_read_volumes(struct spec_reader *r, const struct spec_node *v, struct orc_strv *names,
                       struct spec_volumes_in *declared)
{
    size_t n = spec_read_is_names(r, v, spec_volume_keys.what) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        struct orc_err err = ORC_ERR_INIT;
        struct spec_pairs pairs = {0};

        if (is_extension(e->key) || !is_short(r, e->key))
            continue;
        if (spec_check_volume(e->key->text, &err) < 0)
            spec_say(r, e->key, "%s", err.msg);
        if (!spec_node_is_null(e->value))
            spec_read_map(r, &spec_volume_keys, e->value, &pairs);
        if (pairs.n > 1)
            qsort(pairs.at, pairs.n, sizeof *pairs.at, cmp_keys);
        orc_strv_add(names, e->key->text);
        *orc_vec_add(declared) = (struct spec_volume_in){.name = e->key->text, .driver_opts = pairs};
    }
}

static const struct spec_pairs *opts_of(const struct spec_volumes_in *declared, const char *name)
{
    for (size_t i = 0; i < declared->n; i++)
        if (strcmp(declared->at[i].name, name) == 0)
            return &declared->at[i].driver_opts;
    return NULL;
}

bool spec_takes_room(struct spec_room *room, size_t bytes)
{
    room->used += bytes;
    return room->used <= SPEC_COPIES_MAX;
}

void spec_give_driver_opts(const struct spec_volumes_in *declared, struct spec_service *s,
                           struct spec_room *room)
{
    for (size_t i = 0; i < s->mounts.n; i++) {
        struct spec_mount *m = &s->mounts.at[i];
        const struct spec_pairs *opts = m->kind == SPEC_MOUNT_VOLUME ? opts_of(declared, m->source) : NULL;

        for (size_t k = 0; opts && k < opts->n; k++)
            if (spec_takes_room(room, strlen(opts->at[k].value)))
                spec_pairs_add(&m->driver_opts, opts->at[k].key, opts->at[k].value);
    }
}

void spec_volumes_in_release(struct spec_volumes_in *declared)
{
    for (size_t i = 0; i < declared->n; i++)
        spec_pairs_release(&declared->at[i].driver_opts);
    orc_vec_release(declared);
}
