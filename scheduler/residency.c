#include "scheduler/residency.h"

#include "lib/buf.h"
#include "scheduler/model.h"
#include "scheduler/place.h"

#define VALUES_TOLD 8 /* of one key; more are counted */

static int by_name(struct core_node *a, struct core_node *b)
{
    return strcmp(a->name, b->name);
}

static bool registered(const struct core_node *n)
{
    return n->fed.present && !n->fed.unreadable;
}

struct value {
    const char *text, *first; /* the first node that has it */
    int nodes;
};

static void count_value(struct value *v, size_t *n, const char *text, const char *node)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp(v[i].text, text) == 0) {
            v[i].nodes++;
            return;
        }
    if (*n == VALUES_TOLD)
        return;
    v[(*n)++] = (struct value){text, node, 1};
}

/* "it is "DE" on k1 and 2 more, "SE" on k4" */
static void say_values(struct core *c, const char *key, struct orc_buf *b)
{
    struct value v[VALUES_TOLD];
    struct core_node *n, *next;
    size_t count = 0;

    HASH_SORT(c->nodes, by_name);
    HASH_ITER (hh, c->nodes, n, next)
        if (registered(n))
            count_value(v, &count, place_attribute(n, key), n->name);
    for (size_t i = 0; i < count; i++) {
        orc_buf_printf(b, "%s\"%.100s\" on %s", i ? ", " : "it is ", v[i].text, v[i].first);
        if (v[i].nodes > 1)
            orc_buf_printf(b, " and %d more", v[i].nodes - 1);
    }
}

static bool satisfied(const struct core_node *n, const struct spec_constraint *k)
{
    struct spec_service one = {.constraints = {(struct spec_constraint *)k, 1, 1}};

    return place_allowed(n, &one, NULL);
}

static bool any_satisfies(struct core *c, const struct spec_constraint *k)
{
    struct core_node *n, *next;

    HASH_ITER (hh, c->nodes, n, next)
        if (registered(n) && satisfied(n, k))
            return true;
    return false;
}

static char *say_one(struct core *c, const struct spec_constraint *k)
{
    struct orc_buf b = ORC_BUF_INIT(4096);

    orc_buf_printf(&b, "no node satisfies %s %s %.100s: ", k->key, k->equal ? "==" : "!=", k->value);
    say_values(c, k->key, &b);
    return orc_buf_take(&b);
}

/* Each is satisfied somewhere, but not all on one node. */
static char *say_all(struct core *c, const struct spec_service *spec)
{
    struct orc_buf b = ORC_BUF_INIT(8192);

    orc_buf_puts(&b, "no node satisfies all of");
    for (size_t i = 0; i < spec->constraints.n; i++) {
        const struct spec_constraint *k = &spec->constraints.at[i];

        orc_buf_printf(&b, "%s %s %s %.100s (", i ? "," : "", k->key, k->equal ? "==" : "!=", k->value);
        say_values(c, k->key, &b);
        orc_buf_puts(&b, ")");
    }
    return orc_buf_take(&b);
}

char *residency_refusal(struct core *c, const struct spec_service *spec)
{
    struct core_node *n, *next;
    bool any = false;

    if (!spec->constraints.n)
        return NULL;
    HASH_ITER (hh, c->nodes, n, next) {
        if (registered(n) && place_allowed(n, spec, NULL))
            return NULL;
        any = any || registered(n);
    }
    if (!any)
        return NULL;
    for (size_t i = 0; i < spec->constraints.n; i++)
        if (!any_satisfies(c, &spec->constraints.at[i]))
            return say_one(c, &spec->constraints.at[i]);
    return say_all(c, spec);
}

char *residency_of(struct core *c, const char *app, const char *service)
{
    const struct core_service *s = core_service_find(c, app, service);
    const struct record_app_service *wanted = s ? core_service_wanted(s) : NULL;
    const struct core_revision *rev = wanted ? core_service_revision(s, wanted->revision) : NULL;

    return rev ? residency_refusal(c, rev->rec.spec) : NULL;
}
