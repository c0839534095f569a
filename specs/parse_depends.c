/* depends_on: a list of services, or a mapping of them to what is waited for; links, its forerunner. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

struct depend {
    enum spec_depends condition;
    bool required;
    const struct spec_node *restart; /* where it is true; NULL */
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
    ref->restart = d->restart;
    *orc_vec_add(&s->depends_on) =
        (struct spec_depend){.service = orc_strdup(name), .condition = d->condition};
}

static void read_restart(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    bool on = false;

    if (spec_read_bool(r, k->name, v, &on) && on)
        ((struct depend *)into)->restart = v;
}

static const struct spec_key depend_keys[] = {
    {"condition", .read = spec_key_word, .offset = offsetof(struct depend, condition),
     SPEC_WORDS("service_started", "service_healthy", "service_completed_successfully"),
     .doc = "`service_started`, `service_healthy`, `service_completed_successfully` (of a job)"},
    {"required", .read = spec_key_bool, .offset = offsetof(struct depend, required),
     .doc = "false: nothing is waited for when the service is not in the file"},
    {"restart", .read = read_restart, .form = SPEC_IS_BOOL,
     .doc =
         "false, which is how it is: nothing restarts because what it depends on did. true is refused, but "
         "in a sidecar of that service, which does restart with it"},
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

/* ---- links ------------------------------------------------------------------------------------------------
 */

static bool depends_on(const struct spec_service *s, const char *name)
{
    for (size_t i = 0; i < s->depends_on.n; i++)
        if (strcmp(s->depends_on.at[i].service, name) == 0)
            return true;
    return false;
}

/* "NAME" or "NAME:ALIAS" */
static void add_link(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    static const struct depend plain = {.condition = SPEC_DEPENDS_STARTED, .required = true};
    const char *text = spec_read_string(r, "a link", v), *alias = text ? strchr(text, ':') : NULL;
    orc_auto_free char *name = text ? orc_strndup(text, alias ? (size_t)(alias - text) : strlen(text)) : NULL;

    if (name && alias && strcmp(name, alias + 1) != 0)
        spec_say(
            r, v,
            "\"%s\" is to be found as \"%s\" as well, but a service is found by its name alone; let \"%s\" "
            "ask for \"%s\", and remove the alias",
            spec_quote(name).text, spec_quote(alias + 1).text, s->name, spec_quote(name).text);
    else if (name && !depends_on(s, name))
        add_depend(r, v, s, name, &plain);
}

void spec_finish_links(struct spec_reader *r, struct spec_service_in *in)
{
    const struct spec_node *v = in->links;
    size_t n = v && spec_read_is_list(r, "links", v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++)
        add_link(r, v->entries.at[i].value, in->service);
}
