/* Mappings of names to values, or lists of "NAME=value": environment, labels, sysctls and their like. */
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/parse_service.h"

#include <string.h>

static void add_pair(struct spec_reader *r, const struct spec_pairs_rule *rule, const struct spec_node *at,
                     struct spec_pairs *p, const char *key, const char *value)
{
    struct orc_err err = ORC_ERR_INIT;

    if (!value && !rule->may_lack_value) {
        spec_say(r, at, "%s \"%s\" has no value; give one", rule->what, spec_quote(key).text);
        return;
    }
    if (rule->check_key(key, &err) < 0 || spec_check_text(value ? value : "", &err) < 0) {
        spec_say(r, at, "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].key, key) == 0) {
            spec_say(r, at, "%s \"%s\" is here twice", rule->what, spec_quote(key).text);
            return;
        }
    spec_pairs_add(p, key, value ? value : "");
}

/* "KEY=VALUE" or "KEY" */
static void read_pair_item(struct spec_reader *r, const struct spec_pairs_rule *rule,
                           const struct spec_node *v, struct spec_pairs *p)
{
    const char *s = spec_read_text(r, rule->what, v);
    const char *equals = s ? strchr(s, '=') : NULL;
    orc_auto_free char *key = s ? orc_strndup(s, equals ? (size_t)(equals - s) : strlen(s)) : NULL;

    if (s)
        add_pair(r, rule, v, p, key, equals ? equals + 1 : NULL);
}

static void read_pair_entry(struct spec_reader *r, const struct spec_pairs_rule *rule,
                            const struct spec_entry *e, struct spec_pairs *p)
{
    orc_auto_free char *what = orc_printf("%s \"%s\"", rule->what, spec_quote(e->key->text).text);
    bool null = spec_node_is_null(e->value);
    const char *s = null ? NULL : spec_read_text(r, what, e->value);

    if (s || null)
        add_pair(r, rule, e->key, p, e->key->text, s);
}

void spec_read_pairs(struct spec_reader *r, const char *name, const struct spec_pairs_rule *rule,
                     const struct spec_node *v, struct spec_pairs *p)
{
    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v, "%s must be a mapping or a list of \"NAME=value\", but this is %s", name,
                 spec_node_kind_name(v));
        return;
    }
    if (v->entries.n > SPEC_LIST_MAX) {
        spec_say(r, v, "%s has %zu elements; at most %d are possible", name, v->entries.n, SPEC_LIST_MAX);
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++)
        if (v->kind == SPEC_NODE_MAP)
            read_pair_entry(r, rule, &v->entries.at[i], p);
        else
            read_pair_item(r, rule, v->entries.at[i].value, p);
}

#define MEMBER ((struct spec_pairs *)(void *)((char *)into + k->offset))

void spec_key_environment(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    static const struct spec_pairs_rule rule = {"variable", spec_check_env_key, false};

    spec_read_pairs(r, k->name, &rule, v, &((struct spec_service_in *)into)->service->environment);
}

void spec_key_labels(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_pairs_rule rule = {"label", spec_check_label_key, true};

    spec_read_pairs(r, k->name, &rule, v, &((struct spec_service_in *)into)->service->labels);
}

void spec_key_annotations(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    static const struct spec_pairs_rule rule = {"annotation", spec_check_label_key, true};

    spec_read_pairs(r, k->name, &rule, v, MEMBER);
}

void spec_key_sysctls(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_pairs_rule rule = {"sysctl", spec_check_sysctl, false};

    spec_read_pairs(r, k->name, &rule, v, MEMBER);
}

void spec_key_options(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_pairs_rule rule = {"option", spec_check_option, false};

    spec_read_pairs(r, k->name, &rule, v, MEMBER);
}
