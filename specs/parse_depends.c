/* depends_on: a list of services, or a mapping of them to what is waited for. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

struct depend {
    enum spec_depends condition;
    bool required;
};

static void add_depend(struct spec_reader *r, const struct spec_node *at, struct spec_service *s,
                       const char *name, const struct depend *d)
{
    struct spec_ref *ref;

    for (size_t i = 0; i < s->depends_on.n; i++)
        if (strcmp(s->depends_on.at[i].service, name) == 0) {
            spec_say(r, at, "\"%s\" is in depends_on twice", spec_quote(name).text);
            return;
        }
    spec_ref_add(r, SPEC_REF_SERVICE, at, name);
    ref = &r->refs.at[r->refs.n - 1];
    ref->condition = (int)d->condition;
    ref->optional = !d->required;
    *orc_vec_add(&s->depends_on) =
        (struct spec_depend){.service = orc_strdup(name), .condition = d->condition};
}

static const struct spec_key depend_keys[] = {
    {"condition", .read = spec_key_word, .offset = offsetof(struct depend, condition),
     SPEC_WORDS("service_started", "service_healthy", "service_completed_successfully"),
     .doc = "`service_started`, `service_healthy`, `service_completed_successfully` (of a job)"},
    {"required", .read = spec_key_bool, .offset = offsetof(struct depend, required),
     .doc = "false: nothing is waited for when the service is not in the file"},
    {"restart", .refusal = "orc does not restart a service because another one did; remove it"},
};
const struct spec_keys spec_depend_keys = SPEC_KEYS("a dependency", depend_keys);

static void read_depend_entry(struct spec_reader *r, const struct spec_entry *e, struct spec_service *s)
{
    struct depend d = {.condition = SPEC_DEPENDS_STARTED, .required = true};

    if (spec_node_is_null(e->value) || spec_read_map(r, &spec_depend_keys, e->value, &d))
        add_depend(r, e->key, s, e->key->text, &d);
}

void spec_key_depends_on(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    static const struct depend plain = {.condition = SPEC_DEPENDS_STARTED, .required = true};
    struct spec_service *s = ((struct spec_service_in *)into)->service;

    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v, "%s must be a list of services, or a mapping of them to conditions, but this is %s",
                 k->name, spec_node_kind_name(v));
        return;
    }
    if (v->entries.n > SPEC_SERVICES_MAX) {
        spec_say(r, v, "%s has %zu elements; at most %d are possible", k->name, v->entries.n,
                 SPEC_SERVICES_MAX);
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        const char *name = v->kind == SPEC_NODE_LIST ? spec_read_string(r, k->name, e->value) : NULL;

        if (v->kind == SPEC_NODE_MAP)
            read_depend_entry(r, e, s);
        else if (name)
            add_depend(r, e->value, s, name, &plain);
    }
}
