/* Nodes: made, found, freed. */
#include "specs/doc_internal.h"

struct spec_doc *spec_doc_free(struct spec_doc *d)
{
    if (!d)
        return NULL;
    for (size_t i = 0; i < d->nodes.n; i++) {
        free(d->nodes.at[i]->text);
        orc_vec_release(&d->nodes.at[i]->entries);
        free(d->nodes.at[i]);
    }
    orc_vec_release(&d->nodes);
    free(d);
    return NULL;
}

struct spec_node *spec_doc_add_at(struct spec_doc *d, enum spec_node_kind kind, const struct spec_place *at)
{
    struct spec_node *n = orc_new(struct spec_node);

    n->kind = kind;
    n->source = at->source;
    n->line = at->line;
    n->column = at->column;
    n->length = at->length;
    n->weight = 1;
    n->height = 1;
    orc_vec_push(&d->nodes, n);
    return n;
}

struct spec_node *spec_doc_add(struct spec_doc *d, enum spec_node_kind kind, const struct spec_node *like)
{
    struct spec_place at = spec_node_place(like);

    return spec_doc_add_at(d, kind, &at);
}

struct spec_node *spec_doc_add_text(struct spec_doc *d, const char *text, const struct spec_place *at)
{
    struct spec_node *n = spec_doc_add_at(d, SPEC_NODE_SCALAR, at);

    n->text = orc_strdup(text);
    n->bytes = strlen(text);
    return n;
}

struct spec_place spec_node_place(const struct spec_node *n)
{
    return (struct spec_place){n->source, n->line, n->column, n->length};
}

typedef void add_fn(struct spec_problems *p, const struct spec_place *at, const char *fmt, ...);

static void tell(struct spec_problems *p, const struct spec_node *n, add_fn *add, char *text)
{
    struct spec_place at = spec_node_place(n);

    add(p, &at, "%s", text);
    free(text);
}

void spec_node_say(struct spec_problems *p, const struct spec_node *n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tell(p, n, spec_problems_add, orc_vprintf(fmt, ap));
    va_end(ap);
}

void spec_node_note(struct spec_problems *p, const struct spec_node *n, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    tell(p, n, spec_problems_note, orc_vprintf(fmt, ap));
    va_end(ap);
}

const struct spec_entry *spec_node_entry(const struct spec_node *n, const char *key)
{
    for (size_t i = 0; n->kind == SPEC_NODE_MAP && i < n->entries.n; i++)
        if (strcmp(n->entries.at[i].key->text, key) == 0)
            return &n->entries.at[i];
    return NULL;
}

struct spec_node *spec_node_get(const struct spec_node *n, const char *key)
{
    const struct spec_entry *e = spec_node_entry(n, key);

    return e ? e->value : NULL;
}

static bool same_entry(const struct spec_node *a, const struct spec_node *b, size_t i, size_t *budget)
{
    const struct spec_entry *x = &a->entries.at[i], *y = &b->entries.at[i];

    /* Mostly they are in the same order. */
    if (x->key && strcmp(x->key->text, y->key->text) != 0) {
        *budget -= b->entries.n < *budget ? b->entries.n : *budget;
        y = spec_node_entry(b, x->key->text);
    }
    return y && spec_node_same(x->value, y->value, budget);
}

bool spec_node_same(const struct spec_node *a, const struct spec_node *b, size_t *budget)
{
    if (a == b)
        return true;
    if (*budget == 0 || a->kind != b->kind || a->tag != b->tag || a->entries.n != b->entries.n)
        return false;
    --*budget;
    if (a->kind == SPEC_NODE_SCALAR)
        return a->plain == b->plain && strcmp(a->text, b->text) == 0;
    for (size_t i = 0; i < a->entries.n; i++)
        if (!same_entry(a, b, i, budget))
            return false;
    return true;
}

void spec_node_measure(struct spec_node *n, unsigned mark)
{
    if (n->mark >= mark)
        return;
    n->mark = mark;
    n->weight = n->height = 1;
    n->bytes = n->text ? strlen(n->text) : 0;
    for (size_t i = 0; i < n->entries.n; i++) {
        const struct spec_entry *e = &n->entries.at[i];

        if (e->key)
            n->bytes += strlen(e->key->text);
        spec_node_measure(e->value, mark);
        n->weight += e->value->weight + (e->key != NULL);
        n->bytes += e->value->bytes;
        if (e->value->height + 1 > n->height)
            n->height = e->value->height + 1;
    }
}
