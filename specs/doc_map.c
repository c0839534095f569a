/* What a mapping of a document is made of in the end: merge keys, duplicate keys. */
#include "specs/check.h"
#include "specs/doc_internal.h"

static int cmp_keys(const void *x, const void *y)
{
    const struct spec_entry *const *a = x, *const *b = y;
    int r = strcmp((*a)->key->text, (*b)->key->text);

    /* Of equal keys, the one that stands first in the array. */
    return r ? r : (*a > *b) - (*a < *b);
}

/* Refuses keys written twice; a key that is written wins over merged ones, an earlier merged one over later
 * ones. A dropped entry loses its key. */
static void drop_duplicates(struct spec_node *map, struct spec_problems *problems)
{
    size_t n = map->entries.n, kept = 0;
    struct spec_entry **sorted = orc_calloc(n, sizeof *sorted);
    struct spec_entry *last = NULL;

    for (size_t i = 0; i < n; i++)
        sorted[i] = &map->entries.at[i];
    qsort(sorted, n, sizeof *sorted, cmp_keys);
    for (size_t i = 0; i < n; i++) {
        struct spec_entry *e = sorted[i];

        if (!last || strcmp(last->key->text, e->key->text) != 0) {
            last = e;
            continue;
        }
        if (!e->merged) {
            spec_node_say(problems, e->key, "key \"%s\" is here twice; it was first given in line %d",
                          spec_quote(e->key->text).text, last->key->line);
        }
        e->value = NULL;
    }
    free(sorted);
    for (size_t i = 0; i < n; i++)
        if (map->entries.at[i].value)
            map->entries.at[kept++] = map->entries.at[i];
    map->entries.n = kept;
}

static void merge_map(struct spec_node *into, const struct spec_node *from)
{
    for (size_t i = 0; i < from->entries.n; i++) {
        struct spec_entry e = from->entries.at[i];

        e.merged = true;
        orc_vec_push(&into->entries, e);
    }
}

void spec_map_merge(struct spec_node *into, const struct spec_node *key, const struct spec_node *value,
                    struct spec_problems *problems)
{
    bool ok = value->kind == SPEC_NODE_MAP || value->kind == SPEC_NODE_LIST;

    for (size_t i = 0; value->kind == SPEC_NODE_LIST && i < value->entries.n; i++)
        ok = ok && value->entries.at[i].value->kind == SPEC_NODE_MAP;
    if (!ok) {
        spec_node_say(problems, key,
                      "\"<<\" merges a mapping or a list of mappings, as in \"<<: *defaults\"");
        return;
    }
    if (value->kind == SPEC_NODE_MAP)
        merge_map(into, value);
    for (size_t i = 0; value->kind == SPEC_NODE_LIST && i < value->entries.n; i++)
        merge_map(into, value->entries.at[i].value);
}

/* Moves what was written before what was merged, each in its order. */
static void merged_last(struct spec_node *map)
{
    size_t n = map->entries.n, at = 0;
    struct spec_entry *sorted = orc_calloc(n, sizeof *sorted);

    for (int merged = 0; merged <= 1; merged++)
        for (size_t i = 0; i < n; i++)
            if (map->entries.at[i].merged == (merged == 1))
                sorted[at++] = map->entries.at[i];
    free(map->entries.at);
    map->entries.at = sorted;
    map->entries.cap = n;
}

void spec_map_finish(struct spec_node *map, struct spec_problems *problems)
{
    merged_last(map);
    drop_duplicates(map, problems);
}
