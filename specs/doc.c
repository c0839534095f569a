#include "specs/doc_internal.h"

#include "lib/buf.h"
#include "specs/check.h"
#include "specs/utf8.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>
#include <yaml.h>

struct anchor {
    char *name;
    struct spec_node *node; /* NULL while the node is still being read: it would contain itself */
    UT_hash_handle hh;
};

struct builder {
    yaml_parser_t yaml;
    struct spec_doc *doc;
    struct spec_problems *problems;
    struct anchor *anchors;
    struct spec_node *path[SPEC_DEPTH_MAX + 1]; /* keys from the root to here; NULL in lists */
    int depth;
    size_t values, bytes; /* so far, aliases expanded */
    const struct spec_source *source;
};

/* Places ---------------------------------------------------------------------------------------------- */

static struct spec_place place(const struct builder *b, yaml_mark_t mark)
{
    return (struct spec_place){b->source, (int)mark.line + 1, (int)mark.column + 1, 1};
}

/* Columns from one mark to another; to the end of the line when that is in a later one. */
static int length_between(yaml_mark_t from, yaml_mark_t to)
{
    return from.line == to.line ? (int)(to.column - from.column) : INT_MAX;
}

static struct spec_node *add_node(struct builder *b, enum spec_node_kind kind, const yaml_event_t *e)
{
    struct spec_place at = place(b, e->start_mark);

    at.length = length_between(e->start_mark, e->end_mark);
    return spec_doc_add_at(b->doc, kind, &at);
}

/* Failing --------------------------------------------------------------------------------------------- */

static int refuse(struct builder *b, yaml_mark_t mark, const char *text)
{
    struct spec_place at = place(b, mark);

    spec_problems_add(b->problems, &at, "%s", text);
    return -EINVAL;
}

/* The column of a tab in the indentation of a line (from 1), or 0. */
static int tab_in_indentation(const struct builder *b, int line)
{
    const char *s = spec_source_at(b->source, line, 1);

    for (int column = 1; s && (*s == ' ' || *s == '\t'); s++, column++)
        if (*s == '\t')
            return column;
    return 0;
}

static int refuse_syntax(struct builder *b)
{
    const yaml_parser_t *y = &b->yaml;
    struct spec_place at = place(b, y->problem_mark);
    int tab = tab_in_indentation(b, at.line);

    if (y->error == YAML_MEMORY_ERROR)
        abort(); /* as mem.h does */
    if (tab) {
        at.column = tab;
        spec_problems_add(b->problems, &at, "a tab in the indentation; YAML indents with spaces only");
    } else if (y->context) {
        spec_problems_add(b->problems, &at, "this is not YAML: %s, %s that began in line %zu", y->problem,
                          y->context, y->context_mark.line + 1);
    } else {
        spec_problems_add(b->problems, &at, "this is not YAML: %s",
                          y->problem ? y->problem : "it could not be read");
    }
    return -EINVAL;
}

/* "services.web.environment" */
static void describe_path(const struct builder *b, struct orc_buf *path)
{
    for (int i = 0; i < b->depth; i++)
        if (b->path[i])
            orc_buf_printf(path, "%s%s", path->len ? "." : "", spec_quote(b->path[i]->text).text);
    if (path->len == 0)
        orc_buf_puts(path, "the top level");
}

/* Counts a node or what an alias stands for. */
static int count(struct builder *b, yaml_mark_t mark, const struct spec_node *n)
{
    b->values += n->weight;
    b->bytes += n->bytes;
    if (b->values > SPEC_VALUES_MAX)
        return refuse(b, mark, "there are more than 100000 values up to here, aliases expanded; write less");
    if (b->bytes > SPEC_TEXTS_MAX)
        return refuse(b, mark, "there are more than 4 MiB of text up to here, aliases expanded; write less");
    return 0;
}

/* Anchors --------------------------------------------------------------------------------------------- */

static struct anchor *find_anchor(struct builder *b, const char *name)
{
    struct anchor *a = NULL;

    HASH_FIND_STR(b->anchors, name, a);
    return a;
}

/* A name may be given again; later aliases then mean the later value. */
static void set_anchor(struct builder *b, const yaml_char_t *name, struct spec_node *node)
{
    const char *s = (const char *)name;
    struct anchor *a;

    if (!s)
        return;
    a = find_anchor(b, s);
    if (!a) {
        a = orc_new(struct anchor);
        a->name = orc_strdup(s);
        HASH_ADD_KEYPTR(hh, b->anchors, a->name, strlen(a->name), a);
    }
    a->node = node;
}

static void free_anchors(struct builder *b)
{
    struct anchor *a, *next;

    HASH_ITER (hh, b->anchors, a, next) {
        HASH_DEL(b->anchors, a);
        free(a->name);
        free(a);
    }
}

/* "*a" */
static struct spec_place alias_place(const struct builder *b, const yaml_event_t *e)
{
    struct spec_place at = place(b, e->start_mark);

    at.length = length_between(e->start_mark, e->end_mark);
    return at;
}

static struct spec_node *copy_scalar(struct builder *b, const struct spec_node *n)
{
    struct spec_place at = spec_node_place(n);
    struct spec_node *copy = spec_doc_add_text(b->doc, n->text, &at);

    copy->plain = n->plain;
    copy->alias = !n->is_key;
    copy->tag = n->tag;
    return copy;
}

static int read_alias(struct builder *b, const yaml_event_t *e, struct spec_node **ret)
{
    struct anchor *a = find_anchor(b, (const char *)e->data.alias.anchor);
    int r;

    if (!a || !a->node) {
        struct spec_place at = alias_place(b, e);

        spec_problems_add(b->problems, &at,
                          a ? "alias \"*%s\" stands inside the value it names"
                            : "alias \"*%s\" names no anchor; write \"&%s\" before the value it means first",
                          spec_quote((const char *)e->data.alias.anchor).text,
                          spec_quote((const char *)e->data.alias.anchor).text);
        return -EINVAL;
    }
    if (b->depth + a->node->height > SPEC_DEPTH_MAX)
        return refuse(b, e->start_mark, "values are nested more than 64 deep here");
    r = count(b, e->start_mark, a->node);
    *ret = a->node;
    if (r == 0 && a->node->kind == SPEC_NODE_SCALAR)
        *ret = copy_scalar(b, a->node);
    if (a->node->is_key) /* of a key the first value is what others are copies of */
        a->node = *ret;
    return r;
}

/* Scalars --------------------------------------------------------------------------------------------- */

#define CORE_TAG "tag:yaml.org,2002:"

static bool is_one_of(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(s, *words) == 0)
            return true;
    return false;
}

static const char *const scalar_tags[] = {"str", "null", "bool", "int", "float", NULL};
static const char *const list_tags[] = {"seq", NULL};
static const char *const map_tags[] = {"map", NULL};

static enum spec_tag local_tag(const yaml_char_t *tag)
{
    if (tag && strcmp((const char *)tag, "!reset") == 0)
        return SPEC_TAG_RESET;
    return tag && strcmp((const char *)tag, "!override") == 0 ? SPEC_TAG_OVERRIDE : SPEC_TAG_NONE;
}

/* Tags of the core schema say nothing new, but for !!str, which makes a string of a plain scalar. */
static void read_tag(struct builder *b, const yaml_event_t *e, const yaml_char_t *tag,
                     const char *const *known, struct spec_node *n)
{
    const char *s = (const char *)tag;
    struct spec_place at = place(b, e->start_mark);

    n->tag = local_tag(tag);
    if (!s || strcmp(s, "!") == 0 || n->tag)
        return;
    if (strncmp(s, CORE_TAG, strlen(CORE_TAG)) == 0 && is_one_of(s + strlen(CORE_TAG), known))
        return;
    spec_problems_add(b->problems, &at, "tag \"%s\" is not supported; remove it", spec_quote(s).text);
}

static bool is_string_tag(const yaml_char_t *tag)
{
    return tag && (strcmp((const char *)tag, "!") == 0 || strcmp((const char *)tag, CORE_TAG "str") == 0);
}

static int read_scalar(struct builder *b, const yaml_event_t *e, struct spec_node **ret)
{
    struct spec_node *n = add_node(b, SPEC_NODE_SCALAR, e);
    const char *value = (const char *)e->data.scalar.value;

    read_tag(b, e, e->data.scalar.tag, scalar_tags, n);
    n->text = orc_strndup(value, e->data.scalar.length);
    n->bytes = e->data.scalar.length;
    n->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !is_string_tag(e->data.scalar.tag);
    if (strlen(n->text) != e->data.scalar.length)
        refuse(b, e->start_mark, "there is a NUL character in this value, which no program can be given");
    set_anchor(b, e->data.scalar.anchor, n);
    *ret = n;
    return count(b, e->start_mark, n);
}

/* Mappings -------------------------------------------------------------------------------------------- */

static bool is_merge_key(const struct spec_node *key)
{
    return key->kind == SPEC_NODE_SCALAR && key->plain && strcmp(key->text, "<<") == 0;
}

/* A key that is no string is reported with its path (behaviour 2). */
static bool check_key(struct builder *b, const struct spec_node *key)
{
    struct orc_buf path = ORC_BUF_INIT(512);

    if (key->kind == SPEC_NODE_SCALAR && spec_node_scalar(key) == SPEC_SCALAR_STRING)
        return true;
    describe_path(b, &path);
    if (key->kind == SPEC_NODE_SCALAR && !spec_node_is_null(key))
        spec_node_say(b->problems, key, "key %s in %s is %s; keys must be strings: write \"%s\"",
                      spec_quote(key->text).text, orc_buf_str(&path), spec_node_kind_name(key),
                      spec_quote(key->text).text);
    else
        spec_node_say(b->problems, key, "a key in %s is %s; keys must be strings", orc_buf_str(&path),
                      spec_node_kind_name(key));
    orc_buf_release(&path);
    return false;
}

/* Events ---------------------------------------------------------------------------------------------- */

static void release_event(yaml_event_t *e)
{
    yaml_event_delete(e);
}

static int next(struct builder *b, yaml_event_t *e)
{
    return yaml_parser_parse(&b->yaml, e) ? 0 : refuse_syntax(b);
}

static int read_node(struct builder *b, yaml_event_t *e, struct spec_node **ret);

static void grow(struct spec_node *n, const struct spec_node *child)
{
    n->weight += child->weight;
    n->bytes += child->bytes;
    if (child->height + 1 > n->height)
        n->height = child->height + 1;
}

/* Begins a list or mapping: one level deeper, not yet to be aliased. When it fails there is nothing to leave.
 */
static int enter(struct builder *b, const yaml_event_t *e, enum spec_node_kind kind,
                 const yaml_char_t *anchor, struct spec_node **ret)
{
    *ret = add_node(b, kind, e);
    (*ret)->length = 1;
    if (b->depth + 1 >= SPEC_DEPTH_MAX)
        return refuse(b, e->start_mark, "values are nested more than 64 deep here");
    if (count(b, e->start_mark, *ret) < 0)
        return -EINVAL;
    set_anchor(b, anchor, NULL);
    b->path[b->depth++] = NULL;
    return 0;
}

static void leave(struct builder *b, const yaml_char_t *anchor, struct spec_node *n)
{
    b->depth--;
    set_anchor(b, anchor, n);
}

/* In brackets it is what is between them; in a block its first line's first token. */
static void set_length(struct spec_node *n, const yaml_event_t *start, const yaml_event_t *end, bool flow)
{
    if (flow)
        n->length = length_between(start->start_mark, end->end_mark);
    else if (n->entries.n && n->entries.at[0].key)
        n->length = n->entries.at[0].key->length;
}

static int read_list(struct builder *b, const yaml_event_t *start, struct spec_node **ret)
{
    const yaml_char_t *anchor = start->data.sequence_start.anchor;
    struct spec_node *n;
    int r = enter(b, start, SPEC_NODE_LIST, anchor, &n);

    if (r < 0)
        return r;
    read_tag(b, start, start->data.sequence_start.tag, list_tags, n);
    while (r == 0) {
        orc_auto(release_event) yaml_event_t e = {0};
        struct spec_entry entry = {0};

        r = next(b, &e);
        if (r == 0 && e.type == YAML_SEQUENCE_END_EVENT)
            set_length(n, start, &e, start->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
        if (r < 0 || e.type == YAML_SEQUENCE_END_EVENT)
            break;
        r = read_node(b, &e, &entry.value);
        if (r < 0)
            break;
        grow(n, entry.value);
        orc_vec_push(&n->entries, entry);
    }
    leave(b, anchor, n);
    *ret = n;
    return r;
}

/* Reads the value of a key and puts both where they belong. */
static int read_value(struct builder *b, struct spec_node *map, struct spec_node *key)
{
    orc_auto(release_event) yaml_event_t e = {0};
    struct spec_entry entry = {.key = key};
    bool good = is_merge_key(key) || check_key(b, key);
    int r = next(b, &e);

    if (r < 0)
        return r;
    b->path[b->depth - 1] = key->kind == SPEC_NODE_SCALAR ? key : NULL;
    key->is_key = true;
    r = read_node(b, &e, &entry.value);
    b->path[b->depth - 1] = NULL;
    if (r < 0)
        return r;
    grow(map, key);
    grow(map, entry.value);
    if (is_merge_key(key))
        spec_map_merge(map, key, entry.value, b->problems);
    else if (good)
        orc_vec_push(&map->entries, entry);
    return 0;
}

static int read_map(struct builder *b, const yaml_event_t *start, struct spec_node **ret)
{
    const yaml_char_t *anchor = start->data.mapping_start.anchor;
    struct spec_node *n, *key;
    int r = enter(b, start, SPEC_NODE_MAP, anchor, &n);

    if (r < 0)
        return r;
    read_tag(b, start, start->data.mapping_start.tag, map_tags, n);
    while (r == 0) {
        orc_auto(release_event) yaml_event_t e = {0};

        r = next(b, &e);
        if (r == 0 && e.type == YAML_MAPPING_END_EVENT)
            set_length(n, start, &e, start->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
        if (r < 0 || e.type == YAML_MAPPING_END_EVENT)
            break;
        r = read_node(b, &e, &key);
        if (r == 0)
            r = read_value(b, n, key);
    }
    leave(b, anchor, n);
    if (r == 0 && n->entries.n > 0)
        spec_map_finish(n, b->problems);
    *ret = n;
    return r;
}

static int read_node(struct builder *b, yaml_event_t *e, struct spec_node **ret)
{
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return read_alias(b, e, ret);
    case YAML_SCALAR_EVENT:
        return read_scalar(b, e, ret);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(b, e, ret);
    case YAML_MAPPING_START_EVENT:
        return read_map(b, e, ret);
    default:
        return refuse(b, e->start_mark, "a value is missing here");
    }
}

/* STREAM-START, DOCUMENT-START, the root, DOCUMENT-END, STREAM-END */
static int read_stream(struct builder *b)
{
    yaml_mark_t top = {0};
    int r = 0;

    for (bool root = false, end = false; r == 0 && !end;) {
        orc_auto(release_event) yaml_event_t e = {0};

        r = next(b, &e);
        if (r < 0)
            break;
        end = e.type == YAML_STREAM_END_EVENT;
        if (e.type == YAML_STREAM_START_EVENT || e.type == YAML_DOCUMENT_END_EVENT)
            continue;
        if (end && !root)
            return refuse(b, top,
                          "the file is empty; it needs at least \"services:\" with one service in it");
        if (e.type == YAML_DOCUMENT_START_EVENT && root)
            return refuse(b, e.start_mark,
                          "a second document begins here, and a file holds one; put it into a file of its "
                          "own, and give both "
                          "with -f");
        if (e.type != YAML_DOCUMENT_START_EVENT && !end) {
            r = read_node(b, &e, &b->doc->root);
            root = true;
        }
    }
    return r;
}

/* What libyaml either accepts or reports without a place. */
static int check_text(const struct spec_source *source, struct spec_problems *problems)
{
    struct spec_place at = {source, 1, 1, 1};
    struct spec_utf8_fault fault;

    if (source->n > SPEC_FILE_MAX) {
        spec_problems_add(problems, &at, "the file has more than %d bytes; a file of services is smaller",
                          SPEC_FILE_MAX);
        return -EINVAL;
    }
    if (spec_utf8_check(source->text, source->n, &fault) == 0)
        return 0;
    at.line = fault.line;
    at.column = fault.column;
    spec_problems_add(problems, &at,
                      fault.control ? "byte 0x%02x is a control character, which YAML does not allow"
                                    : "byte 0x%02x is not UTF-8; save the file as UTF-8 text",
                      fault.byte);
    return -EINVAL;
}

int spec_doc_parse(const struct spec_source *source, struct spec_doc **ret_doc,
                   struct spec_problems *problems)
{
    orc_auto(spec_doc_free_p) struct spec_doc *doc = orc_new(struct spec_doc);
    struct builder b = {.doc = doc, .problems = problems, .source = source};
    const char *text = source->text;
    size_t n = source->n;
    int r = check_text(source, problems);

    if (r < 0)
        return r;
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* a byte order mark */
        text += 3;
        n -= 3;
    }
    if (!yaml_parser_initialize(&b.yaml))
        abort(); /* out of memory, as mem.h does */
    yaml_parser_set_encoding(&b.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.yaml, (const unsigned char *)text, n);
    r = read_stream(&b);
    yaml_parser_delete(&b.yaml);
    free_anchors(&b);
    if (r == 0)
        *ret_doc = orc_take(doc);
    return r;
}
