/* Sidecars: a service whose network_mode is "service:X" is a container of each of X's replicas. What of its
 * keys then still means something; parse.c puts it into X. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

static bool is_one_of(const char *const *names, const char *name)
{
    while (*names && strcmp(*names, name) != 0)
        names++;
    return *names;
}

/* Something is wrong with this key in any service. */
static bool is_said(const struct spec_reader *r, const struct spec_node *key)
{
    for (size_t i = 0; i < r->problems->n; i++)
        if (r->problems->at[i].line == key->line && r->problems->at[i].column == key->column)
            return true;
    return false;
}

/* What a container has of its own though it shares a network: not its names and whom it asks for others'. */
static bool is_of_container(const char *name)
{
    static const char *const shared[] = {"hostname",   "domainname", "uts",         "dns",
                                         "dns_search", "dns_opt",    "extra_hosts", NULL};

    for (size_t i = 0; i < spec_container_keys.n; i++)
        if (strcmp(spec_container_keys.keys[i].name, name) == 0)
            return !is_one_of(shared, name);
    return false;
}

/* `placement: {}`, which `docker compose config` prints in each deploy. */
static bool says_nothing(const struct spec_entry *e)
{
    return strcmp(e->key->text, "placement") == 0 && e->value->kind == SPEC_NODE_MAP && !e->value->entries.n;
}

/* What the loader has done already, or what means nothing in any service. */
static bool is_loaded(const char *name)
{
    for (size_t i = 0; i < spec_service_keys.n; i++) {
        const struct spec_key *k = &spec_service_keys.keys[i];

        if (strcmp(k->name, name) == 0)
            return k->read == spec_key_loaded || k->read == spec_key_ignore;
    }
    return false;
}

/* Refuses the keys of a mapping but those in `own`; `in` is what they are in, "deploy.", or "" for the
 * service. */
static void only(struct spec_reader *r, const struct spec_node *v, const char *in, const char *const *own,
                 const char *main)
{
    for (size_t i = 0; v && v->kind == SPEC_NODE_MAP && i < v->entries.n; i++) {
        const struct spec_node *key = v->entries.at[i].key;

        if (is_one_of(own, key->text) || (!*in && (is_of_container(key->text) || is_loaded(key->text))) ||
            strncmp(key->text, "x-", 2) == 0 || says_nothing(&v->entries.at[i]) || is_said(r, key))
            continue;
        spec_say(r, key,
                 "\"%s%s\" makes no sense in a sidecar, which is a container of each replica of \"%s\"; give "
                 "it to \"%s\"",
                 in, key->text, main, main);
    }
}

/* It starts right after its main service's container: that alone may be said. */
static void take_depends_on(struct spec_reader *r, const struct spec_node *v, struct spec_service *s,
                            const char *main)
{
    for (size_t i = 0; i < s->depends_on.n; i++)
        if (strcmp(s->depends_on.at[i].service, main) != 0 ||
            s->depends_on.at[i].condition != SPEC_DEPENDS_STARTED)
            spec_say(
                r, v,
                "a sidecar starts right after the container of \"%s\" and waits for nothing else; give this "
                "to \"%s\" or remove it",
                main, main);
    for (size_t i = 0; i < s->depends_on.n; i++)
        free(s->depends_on.at[i].service);
    orc_vec_release(&s->depends_on);
}

void spec_finish_sidecar(struct spec_reader *r, struct spec_service_in *in, const struct spec_node *v)
{
    static const char *const own[] = {
        "image",       "command",     "entrypoint",        "environment",     "labels",
        "restart",     "stop_signal", "depends_on",        "healthcheck",     "volumes",
        "configs",     "deploy",      "stop_grace_period", "network_mode",    "platform",
        "pull_policy", "cpus",        "mem_limit",         "mem_reservation", "pids_limit",
        NULL};
    static const char *const of_deploy[] = {"resources", NULL}, *const of_orc[] = {"health", NULL};
    struct spec_service *s = in->service;

    only(r, v, "", own, in->main);
    only(r, spec_value_of(v, "deploy"), "deploy.", of_deploy, in->main);
    only(r, spec_value_of(v, "x-orc"), "x-orc.", of_orc, in->main);
    if (s->restart == SPEC_RESTART_NO || s->restart == SPEC_RESTART_ON_FAILURE)
        spec_say(r, in->restart,
                 "restart makes no sense as \"%s\" in a sidecar, which runs for as long as \"%s\" does; "
                 "\"always\" "
                 "and \"unless-stopped\" do",
                 spec_quote(in->restart->text).text, in->main);
    take_depends_on(r, spec_value_of(v, "depends_on"), s, in->main);
}
