#include "scheduler/allow.h"

static char *id_of(const struct spec_service *spec)
{
    struct orc_buf b = ORC_BUF_INIT(SIZE_MAX);
    const struct spec_constraint *k;

    orc_vec_each (k, &spec->constraints)
        orc_buf_printf(&b, "%zu.%s%s%zu.%s", strlen(k->key), k->key, k->equal ? "==" : "!=", strlen(k->value),
                       k->value);
    return orc_buf_take(&b);
}

void allow_drop(struct core *c, struct core_service *s)
{
    struct core_allow *a = s->allow;

    s->allow = NULL;
    s->allow_spec = NULL;
    if (!a || --a->refs)
        return;
    HASH_DEL(c->allows, a);
    orc_vec_release(&a->may);
    free(a->id);
    free(a);
}

/* Takes over `id`. */
static struct core_allow *get(struct core *c, char *id)
{
    struct core_allow *a = NULL;

    HASH_FIND_STR(c->allows, id, a);
    if (a) {
        free(id);
    } else {
        a = orc_new(struct core_allow);
        a->id = id;
        HASH_ADD_KEYPTR(hh, c->allows, a->id, strlen(a->id), a);
    }
    a->refs++;
    return a;
}

static void hold_against(const struct core *c, struct core_allow *a, const struct spec_service *spec,
                         size_t row)
{
    uint64_t bit = UINT64_C(1) << (row % 64);

    if (row >= c->rows.n)
        return;
    while (a->may.n <= row / 64)
        orc_vec_push(&a->may, 0);
    a->may.at[row / 64] &= ~bit;
    if (place_allowed(c->row_nodes.at[row], spec, NULL))
        a->may.at[row / 64] |= bit;
}

/* Labels may have changed since. */
static bool is_known(const struct core *c, const struct core_allow *a)
{
    return a->may.n && a->until >= c->labels_from;
}

static void take_in_labels(const struct core *c, struct core_allow *a, const struct spec_service *spec)
{
    uint64_t end = c->labels_from + c->labels.n;

    if (is_known(c, a)) {
        for (uint64_t i = a->until; i < end; i++)
            hold_against(c, a, spec, c->labels.at[i - c->labels_from]);
    } else {
        for (size_t i = 0; i < c->rows.n; i++)
            hold_against(c, a, spec, i);
    }
    a->until = end;
}

void allow_begin(struct core *c, struct core_service *s, const struct spec_service *spec)
{
    if (s->allow_spec != spec) {
        struct core_allow *a = get(c, id_of(spec));

        allow_drop(c, s); /* after: it may be the same one */
        s->allow = a;
        s->allow_spec = spec;
    }
    take_in_labels(c, s->allow, spec);
}

bool allow_node(const struct core *c, const struct core_service *s, const struct spec_service *spec,
                const struct core_node *n)
{
    if (!spec->constraints.n)
        return true;
    if (s->allow_spec != spec || !is_known(c, s->allow))
        return place_allowed(n, spec, NULL);
    take_in_labels(c, s->allow, spec);
    return allow_row(s, n->row);
}
