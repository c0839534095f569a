/* place_constraint.c - what the servers can be told apart by, and whether a service's constraints hold. */
#include "scheduler/place_node.h"

#include <strings.h>

static const char *pair_value(const struct spec_pairs *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcasecmp(p->at[i].key, key) == 0)
            return p->at[i].value ? p->at[i].value : "";
    return NULL;
}

const char *place_attribute(const struct core_node *n, const char *key)
{
    static const char labels[] = "node.labels.", engine[] = "engine.labels.";
    const char *v = NULL;

    if (strncasecmp(key, labels, sizeof labels - 1) == 0) {
        v = pair_value(&n->policy.labels, key + sizeof labels - 1);
        if (!v)
            v = pair_value(&n->rec.labels, key + sizeof labels - 1);
    } else if (strncasecmp(key, engine, sizeof engine - 1) == 0) {
        v = pair_value(&n->rec.engine_labels, key + sizeof engine - 1);
    } else if (strcasecmp(key, "node.role") == 0) { /* Swarm's word: what no label says otherwise works */
        v = place_attribute(n, "node.labels.role");
        return *v ? v : "worker";
    } else if (strcasecmp(key, "node.hostname") == 0 || strcasecmp(key, "node.id") == 0) {
        v = n->name;
    } else if (strcasecmp(key, "node.platform.os") == 0) {
        v = n->rec.os;
    } else if (strcasecmp(key, "node.platform.arch") == 0) {
        v = n->rec.arch;
    }
    return v ? v : "";
}

/* uname's names of architectures and those of images (OCI) mean the same. */
static const char *arch_name(const char *s)
{
    static const char *const same[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(same); i++)
        if (strcasecmp(s, same[i][0]) == 0)
            return same[i][1];
    return s;
}

static bool same_value(const char *key, const char *a, const char *b)
{
    if (strcasecmp(key, "node.platform.arch") == 0)
        return strcasecmp(arch_name(a), arch_name(b)) == 0;
    return strcasecmp(a, b) == 0;
}

static bool holds(const struct core_node *n, const char *key, bool equal, const char *value)
{
    return same_value(key, place_attribute(n, key), value) == equal;
}

int place_weight(const struct core_node *n, const struct spec_service *spec)
{
    const struct spec_weight *w;
    int sum = 0;

    orc_vec_each (w, &spec->weights)
        if (holds(n, w->key, w->equal, w->value))
            sum += w->weight;
    return sum;
}

bool place_allowed(const struct core_node *n, const struct spec_service *spec, char **ret_why)
{
    for (size_t i = 0; i < spec->constraints.n; i++) {
        const struct spec_constraint *k = &spec->constraints.at[i];

        if (holds(n, k->key, k->equal, k->value))
            continue;
        if (ret_why && k->equal)
            *ret_why =
                orc_printf("%s is \"%.100s\", not \"%.100s\"", k->key, place_attribute(n, k->key), k->value);
        else if (ret_why)
            *ret_why = orc_printf("%s is \"%.100s\"", k->key, place_attribute(n, k->key));
        return false;
    }
    return true;
}
