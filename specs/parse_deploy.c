/* deploy: how many, how much, how updated, where. */
#include "lib/units.h"
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

#define IN_SERVICE(member) .offset = offsetof(struct spec_service, member)

static struct spec_service *service_of(void *into)
{
    return ((struct spec_service_in *)into)->service;
}

/* resources ------------------------------------------------------------------------------------------- */

#define RESERVE(member) .offset = offsetof(struct spec_resources, member)

static const struct spec_key limits_keys[] = {
    {"cpus", .read = spec_key_cpus, IN_SERVICE(limits.cpus_nano), .min = SPEC_CPUS_MIN,
     .doc = "CPUs at most"},
    {"memory", .read = spec_key_bytes, IN_SERVICE(limits.memory), .min = SPEC_MEMORY_MIN,
     .doc = "memory at most; more is an OOM kill, and is told as one"},
    {"pids", .read = spec_key_int, IN_SERVICE(pids_limit), .min = 1, .max = SPEC_PIDS_MAX,
     .doc = "processes and threads at most"},
};
static const struct spec_keys limits_map = SPEC_KEYS("deploy.resources.limits", limits_keys);
static const struct spec_key reservations_keys[] = {
    {"cpus", .read = spec_key_cpus, RESERVE(cpus_nano),
     .doc = "CPUs that placement keeps for a replica; else as much as the limit"},
    {"memory", .read = spec_key_bytes, RESERVE(memory),
     .doc = "memory that placement keeps for a replica; else as much as the limit"},
    {"devices", .refusal = "orc hands out no devices; remove it"},
    {"pids", .refusal = "it is a limit; give it in \"limits\""},
    {"generic_resources", .refusal = "orc reserves cpus and memory only; remove it"},
};
static const struct spec_keys reservations_map =
    SPEC_KEYS("deploy.resources.reservations", reservations_keys);

static void read_limits(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    spec_read_map(r, &limits_map, v, service_of(into));
}

static void read_reservations(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                              void *into)
{
    struct spec_service_in *in = into;

    in->reservations = v;
    spec_read_map(r, &reservations_map, v, &in->service->reservations);
}

static const struct spec_key resources_keys[] = {
    {"limits", .read = read_limits, .form = SPEC_IS_MAP, .doc = "what the engine enforces",
     .sub = &limits_map},
    {"reservations", .read = read_reservations, .form = SPEC_IS_MAP, .doc = "what placement counts",
     .sub = &reservations_map},
};
static const struct spec_keys resources_map = SPEC_KEYS("deploy.resources", resources_keys);

static void read_resources(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    spec_read_map(r, &resources_map, v, into);
}

void spec_finish_resources(struct spec_reader *r, struct spec_service_in *in)
{
    const struct spec_resources *most = &in->service->limits, *least = &in->service->reservations;
    char a[ORC_UNIT_MAX], b[ORC_UNIT_MAX];

    if (most->cpus_nano && least->cpus_nano > most->cpus_nano)
        spec_say(r, in->reservations,
                 "reservations.cpus %s is above limits.cpus %s; reserve at most what the limit allows",
                 orc_format_cpus(least->cpus_nano, a), orc_format_cpus(most->cpus_nano, b));
    if (most->memory && least->memory > most->memory)
        spec_say(r, in->reservations,
                 "reservations.memory %s is above limits.memory %s; reserve at most what the limit allows",
                 orc_format_size(least->memory, a), orc_format_size(most->memory, b));
}

/* placement ------------------------------------------------------------------------------------------- */

static char *trimmed(const char *s, size_t n)
{
    while (n > 0 && *s == ' ') {
        s++;
        n--;
    }
    while (n > 0 && s[n - 1] == ' ')
        n--;
    return orc_strndup(s, n);
}

bool spec_read_constraint(struct spec_reader *r, const struct spec_node *v, const char *text,
                          struct spec_constraint *ret)
{
    const char *op = strstr(text, "==");
    orc_auto_free char *key = NULL, *value = NULL;
    struct orc_err err = ORC_ERR_INIT;
    bool equal = op != NULL;

    if (!op)
        op = strstr(text, "!=");
    if (!op) {
        spec_say(r, v,
                 "constraint \"%s\" has neither \"==\" nor \"!=\"; write it as in "
                 "\"node.labels.disk == ssd\"",
                 spec_quote(text).text);
        return false;
    }
    key = trimmed(text, (size_t)(op - text));
    value = trimmed(op + 2, strlen(op + 2));
    if (spec_check_constraint_key(key, &err) < 0 || spec_check_constraint_value(value, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return false;
    }
    *ret = (struct spec_constraint){.key = orc_take(key), .equal = equal, .value = orc_take(value)};
    return true;
}

static void read_constraints(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;
        const char *text = spec_read_string(r, "a constraint", item);
        struct spec_constraint c;

        if (text && spec_read_constraint(r, item, text, &c))
            orc_vec_push(&service_of(into)->constraints, c);
    }
}

static void read_spread(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    const char *key = spec_read_string(r, k->name, v);
    struct orc_strv *over = &service_of(into)->spread_over;
    struct orc_err err = ORC_ERR_INIT;

    if (!key)
        return;
    if (spec_check_spread_key(key, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < over->n; i++)
        if (strcmp(over->at[i], key) == 0) {
            spec_say(r, v, "\"%s\" is in preferences twice", spec_quote(key).text);
            return;
        }
    orc_strv_add(over, key);
}

static const struct spec_key preference_keys[] = {
    {"spread", .read = read_spread, .form = SPEC_IS_TEXT,
     .doc = "replicas evenly over the values of a node's attribute, then over servers"},
};
static const struct spec_keys preference_map = SPEC_KEYS("a preference", preference_keys);

static void read_preferences(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    ((struct spec_service_in *)into)->preferences = v;
    if (n > SPEC_SPREAD_MAX) {
        spec_say(r, v, "preferences has %zu elements; at most %d are possible", n, SPEC_SPREAD_MAX);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct spec_node *e = v->entries.at[i].value;

        if (spec_read_map(r, &preference_map, e, into) && e->entries.n == 0)
            spec_say(r, e, "this preference is empty; write it as in {spread: node.labels.zone}");
    }
}

static void read_max_per_node(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                              void *into)
{
    ((struct spec_service_in *)into)->max_per_node = v;
    spec_key_int(r, k, v, service_of(into));
}

static const struct spec_key placement_keys[] = {
    {"constraints", .read = read_constraints, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT,
     .doc = "`node.labels.NAME == VALUE`, `!=`; also `engine.labels.NAME`, `node.hostname`, `node.id`, "
            "`node.role`, `node.platform.os`, `node.platform.arch`"},
    {"preferences", .read = read_preferences, .form = SPEC_IS_LIST, .items = SPEC_IS_MAP,
     .doc = "up to four, the widest first", .sub = &preference_map},
    {"max_replicas_per_node", .read = read_max_per_node, IN_SERVICE(max_per_node), .form = SPEC_IS_INT,
     .max = SPEC_REPLICAS_MAX, .doc = "how many on one server; 0: any number"},
};
static const struct spec_keys placement_map = SPEC_KEYS("deploy.placement", placement_keys);

static void read_placement(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    spec_read_map(r, &placement_map, v, into);
}

/* deploy ---------------------------------------------------------------------------------------------- */

static void read_replicas(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    ((struct spec_service_in *)into)->replicas = v;
    spec_key_int(r, k, v, service_of(into));
}

/* Of the service, not of its containers. */
static void read_labels(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    static const struct spec_pairs_rule rule = {"label", spec_check_label_key, true};

    spec_read_pairs(r, k->name, &rule, v, &service_of(into)->deploy_labels);
}

static void read_endpoint_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                               void *into)
{
    if (spec_read_word(r, k, v) == 1)
        spec_say(r, v,
                 "endpoint_mode \"vip\" is one address for all replicas, which orc has not: names resolve to "
                 "the ready replicas' own; give \"dnsrr\", or remove it");
}

static const struct spec_key deploy_keys[] = {
    {"replicas", .read = read_replicas, IN_SERVICE(replicas), .form = SPEC_IS_INT, .max = SPEC_REPLICAS_MAX,
     .doc = "how many; else 1, or what `orc scale` said last"},
    {"mode", .read = spec_key_mode, .form = SPEC_IS_WORD, .words = spec_modes,
     .doc =
         "`replicated`, `global` (one on each server), `replicated-job`, `global-job` (containers that end)"},
    {"resources", .read = read_resources, .form = SPEC_IS_MAP, .doc = "limits and reservations: below",
     .sub = &resources_map},
    {"update_config", .read = spec_key_update, .form = SPEC_IS_MAP, .doc = "how an update goes: below",
     .sub = &spec_update_keys},
    {"rollback_config", .read = spec_key_rollback, .form = SPEC_IS_MAP,
     .doc = "how going back goes; else as update_config", .sub = &spec_rollback_keys},
    {"placement", .read = read_placement, .form = SPEC_IS_MAP, .doc = "where replicas may be: below",
     .sub = &placement_map},
    {"restart_policy", .read = spec_key_restart_policy, .form = SPEC_IS_MAP,
     .doc = "as `restart`, in more words, and never beside it; of jobs: how often a failure is tried again",
     .sub = &spec_restart_policy_keys},
    {"endpoint_mode", .read = read_endpoint_mode, SPEC_WORDS("dnsrr", "vip"),
     .doc = "`dnsrr`: names resolve to the ready replicas' addresses, as they do anyway. `vip` is refused, "
            "there is no address for all of them"},
    {"labels", .read = read_labels, SPEC_PAIRS,
     .doc = "of the service, kept with its revision; no container has them"},
};
const struct spec_keys spec_deploy_keys = SPEC_KEYS("deploy", deploy_keys);

void spec_key_deploy(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_map(r, &spec_deploy_keys, v, into);
}
