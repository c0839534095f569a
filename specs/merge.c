#include "specs/merge_internal.h"

#include "specs/check.h"

#include <uthash.h>

/* Making ---------------------------------------------------------------------------------------------- */

bool merge_may_make(struct spec_merge *m, const struct spec_node *at, size_t n)
{
    bool was = m->made > SPEC_MERGED_MAX;

    m->made += n;
    if (m->made > SPEC_MERGED_MAX && !was)
        spec_node_say(m->problems, at, "merging these files makes more than %d values up to here; write less",
                      SPEC_MERGED_MAX);
    return m->made <= SPEC_MERGED_MAX;
}

struct spec_node *merge_make(struct spec_merge *m, const struct spec_node *n, enum spec_node_kind kind,
                             size_t room)
{
    struct spec_node *copy = spec_doc_add(m->pool, kind, n);

    copy->tag = n->tag;
    orc_vec_reserve(&copy->entries, room);
    return copy;
}

struct spec_node *spec_merge_without(struct spec_merge *m, struct spec_node *n, const char *key)
{
    struct spec_node *copy;

    if (!spec_node_get(n, key) || !merge_may_make(m, n, n->entries.n))
        return n;
    copy = merge_make(m, n, SPEC_NODE_MAP, n->entries.n);
    for (size_t i = 0; i < n->entries.n; i++)
        if (strcmp(n->entries.at[i].key->text, key) != 0)
            orc_vec_push(&copy->entries, n->entries.at[i]);
    return copy;
}

struct spec_node *spec_merge_with(struct spec_merge *m, struct spec_node *n, const struct spec_node *key,
                                  struct spec_node *value)
{
    struct spec_node *copy;
    bool there = false;

    if (!merge_may_make(m, n, n->entries.n + 1))
        return n;
    copy = merge_make(m, n, SPEC_NODE_MAP, n->entries.n + 1);
    for (size_t i = 0; i < n->entries.n; i++) {
        struct spec_entry e = n->entries.at[i];

        if (strcmp(e.key->text, key->text) == 0) {
            e.value = value;
            there = true;
        }
        orc_vec_push(&copy->entries, e);
    }
    if (!there) {
        struct spec_entry e = {.key = (struct spec_node *)(uintptr_t)key, .value = value};

        orc_vec_push(&copy->entries, e);
    }
    return copy;
}

/* By kind --------------------------------------------------------------------------------------------- */

bool merge_is_nothing(const struct spec_node *n)
{
    return spec_node_is_null(n) && n->tag == SPEC_TAG_NONE;
}

/* Where an element's key was seen first in a list or mapping. */
struct seen {
    char *key;
    size_t at;
    bool taken; /* it has gone into what is made */
    UT_hash_handle hh;
};

static struct seen *find_seen(struct seen *all, const char *key)
{
    struct seen *s = NULL;

    HASH_FIND_STR(all, key, s);
    return s;
}

/* Takes the key over. */
static void add_seen(struct seen **all, char *key, size_t at)
{
    struct seen *s = find_seen(*all, key);

    if (s) {
        free(key);
        return;
    }
    s = orc_new(struct seen);
    s->key = key;
    s->at = at;
    HASH_ADD_KEYPTR(hh, *all, s->key, strlen(s->key), s);
}

static void free_seen(struct seen *all)
{
    struct seen *s, *next;

    HASH_ITER (hh, all, s, next) {
        HASH_DEL(all, s);
        free(s->key);
        free(s);
    }
}

static const struct merge_rule *rule_for(const struct merge_rule *rules, const char *key)
{
    for (; rules && rules->key; rules++)
        if (strcmp(rules->key, key) == 0 || strcmp(rules->key, "*") == 0)
            return rules;
    return NULL;
}

/* The element of `over` with that key, if no one of `base` has taken it yet. */
static struct seen *take_seen(struct seen *all, const char *key)
{
    struct seen *s = key ? find_seen(all, key) : NULL;

    if (!s || s->taken)
        return NULL;
    s->taken = true;
    return s;
}

/* What nobody has taken, behind the others; what is twice within `over` stays so. */
static void add_rest(struct spec_node *into, const struct spec_node *over, struct seen *seen)
{
    bool *taken = orc_calloc(over->entries.n + 1, sizeof *taken);
    struct seen *s, *next;

    HASH_ITER (hh, seen, s, next)
        taken[s->at] = s->taken;
    for (size_t i = 0; i < over->entries.n; i++)
        if (!taken[i])
            orc_vec_push(&into->entries, over->entries.at[i]);
    free(taken);
}

static struct spec_node *merge_maps(struct spec_merge *m, const struct merge_rule *rule,
                                    struct spec_node *base, struct spec_node *over)
{
    struct spec_node *into;
    struct seen *seen = NULL;

    if (!merge_may_make(m, over, base->entries.n + over->entries.n))
        return over;
    into = merge_make(m, over, SPEC_NODE_MAP, base->entries.n + over->entries.n);
    for (size_t i = 0; i < over->entries.n; i++)
        add_seen(&seen, orc_strdup(over->entries.at[i].key->text), i);
    for (size_t i = 0; i < base->entries.n; i++) {
        struct spec_entry e = base->entries.at[i];
        const struct seen *s;

        if (e.value->tag == SPEC_TAG_RESET)
            continue;
        s = take_seen(seen, e.key->text);
        if (s) {
            e.key = over->entries.at[s->at].key;
            e.value = merge_node(m, rule_for(rule ? rule->below : NULL, e.key->text), e.value,
                                 over->entries.at[s->at].value);
        }
        orc_vec_push(&into->entries, e);
    }
    add_rest(into, over, seen);
    free_seen(seen);
    return into;
}

/* Elements with a key of their own replace those of `base` that have it, in their place; others are appended.
 */
static struct spec_node *merge_lists(struct spec_merge *m, const struct merge_rule *rule,
                                     struct spec_node *base, struct spec_node *over)
{
    merge_key_fn *key_of = rule ? rule->element_key : NULL;
    struct spec_node *into;
    struct seen *seen = NULL;

    if (!merge_may_make(m, over, base->entries.n + over->entries.n))
        return over;
    into = merge_make(m, over, SPEC_NODE_LIST, base->entries.n + over->entries.n);
    for (size_t i = 0; key_of && i < over->entries.n; i++) {
        char *key = key_of(over->entries.at[i].value);

        if (key)
            add_seen(&seen, key, i);
    }
    for (size_t i = 0; i < base->entries.n; i++) {
        orc_auto_free char *key = key_of ? key_of(base->entries.at[i].value) : NULL;
        const struct seen *s = take_seen(seen, key);

        orc_vec_push(&into->entries, s ? over->entries.at[s->at] : base->entries.at[i]);
    }
    add_rest(into, over, seen);
    free_seen(seen);
    return into;
}

static struct spec_node *refuse_kinds(struct spec_merge *m, struct spec_node *base,
                                      const struct spec_node *over)
{
    spec_node_say(m->problems, over,
                  "this is %s, but in %s:%d it is %s, and the two can't be merged; write \"!override\" "
                  "before it to put it in the other's place",
                  spec_node_kind_name(over), base->source && base->source->name ? base->source->name : "line",
                  base->line, spec_node_kind_name(base));
    return base; /* of which nobody else complains */
}

struct spec_node *merge_by_kind(struct spec_merge *m, const struct merge_rule *rule, struct spec_node *base,
                                struct spec_node *over)
{
    if (merge_is_nothing(over))
        return base;
    if (base->kind == SPEC_NODE_SCALAR)
        return over;
    if (base->kind != over->kind)
        return refuse_kinds(m, base, over);
    return base->kind == SPEC_NODE_MAP ? merge_maps(m, rule, base, over) : merge_lists(m, rule, base, over);
}

struct spec_node *merge_node(struct spec_merge *m, const struct merge_rule *rule, struct spec_node *base,
                             struct spec_node *over)
{
    if (over->tag != SPEC_TAG_NONE || base->tag == SPEC_TAG_RESET)
        return over;
    if (rule && rule->merge)
        return rule->merge(m, rule, base, over);
    return merge_by_kind(m, rule, base, over);
}

/* Side by side ---------------------------------------------------------------------------------------- */

static void refuse_conflict(struct spec_merge *m, const char *what, const struct spec_entry *mine,
                            const struct spec_entry *included)
{
    const struct spec_source *source = included->key->source;

    spec_node_say(m->problems, mine->key,
                  "%s \"%s\" is included from %s:%d, too, and is another there; rename one, or change the "
                  "included one by a file of its own: include: [{path: [%s, CHANGES]}]",
                  what, spec_quote(mine->key->text).text, source && source->name ? source->name : "line",
                  included->key->line, source && source->name ? source->name : "FILE");
}

struct spec_node *spec_merge_beside(struct spec_merge *m, struct spec_node *base, struct spec_node *over,
                                    const char *what, size_t *budget)
{
    struct spec_node *into;
    struct seen *seen = NULL;

    if (base->kind != SPEC_NODE_MAP || over->kind != SPEC_NODE_MAP ||
        !merge_may_make(m, over, base->entries.n + over->entries.n))
        return base;
    into = merge_make(m, base, SPEC_NODE_MAP, base->entries.n + over->entries.n);
    for (size_t i = 0; i < base->entries.n; i++) {
        add_seen(&seen, orc_strdup(base->entries.at[i].key->text), i);
        orc_vec_push(&into->entries, base->entries.at[i]);
    }
    for (size_t i = 0; i < over->entries.n; i++) {
        const struct spec_entry *e = &over->entries.at[i];
        const struct seen *s = find_seen(seen, e->key->text);

        if (!s)
            orc_vec_push(&into->entries, *e);
        else if (!spec_node_same(base->entries.at[s->at].value, e->value, budget))
            refuse_conflict(m, what, &base->entries.at[s->at], e);
    }
    free_seen(seen);
    return into;
}

/* Settling -------------------------------------------------------------------------------------------- */

void spec_merge_settle(struct spec_node *n)
{
    size_t kept = 0;

    if (n->kind == SPEC_NODE_SCALAR || n->mark >= SPEC_MARK_SETTLED)
        return;
    n->mark = SPEC_MARK_SETTLED;
    for (size_t i = 0; i < n->entries.n; i++)
        if (n->entries.at[i].value->tag != SPEC_TAG_RESET)
            n->entries.at[kept++] = n->entries.at[i];
    n->entries.n = kept;
    for (size_t i = 0; i < kept; i++)
        spec_merge_settle(n->entries.at[i].value);
}
