/* doc.h - a YAML document as a tree that knows where everything stands.
 *
 * Built on libyaml's event parser. Knows YAML 1.1 as libyaml reads it, scalars by YAML 1.2's core schema
 * (https://yaml.org/spec/1.2.2/, 10.3: `no` and `on` are strings), anchors, and merge keys
 * (https://yaml.org/type/merge.html); it must not know Compose.
 *
 * Refused with their places: a second document, tags other than the core schema's and the two local ones
 * below, duplicate keys (both lines), keys that are not strings (their path), aliases that contain
 * themselves, text that is not UTF-8.
 * Bounded: SPEC_FILE_MAX bytes, depth 64; with every alias counted as often as it is used, 100,000 values and
 * 4 MiB of text in them.
 * Aliased lists and mappings are shared, not copied, so an alias bomb costs no memory; aliased scalars are
 * copies, so that what is written for a key never changes with a value.
 */
#ifndef SPECS_DOC_H
#define SPECS_DOC_H

#include "specs/problems.h"

#define SPEC_DEPTH_MAX 64
#define SPEC_VALUES_MAX 100000
#define SPEC_TEXTS_MAX (4 * SPEC_FILE_MAX) /* bytes */

enum spec_node_kind { SPEC_NODE_SCALAR, SPEC_NODE_LIST, SPEC_NODE_MAP };

struct spec_node;

struct spec_entry {
    struct spec_node *key;   /* a scalar; NULL in a list */
    struct spec_node *value; /* may be shared with other places */
    bool merged;             /* came by "<<" */
};

/* Local tags that are kept; whoever reads several documents gives them their meaning (merge.h). */
enum spec_tag { SPEC_TAG_NONE, SPEC_TAG_RESET, SPEC_TAG_OVERRIDE };

struct spec_node {
    enum spec_node_kind kind;
    const struct spec_source *source; /* where it is written, not owned; of an aliased value, too */
    int line, column, length;         /* as in struct spec_place */
    char *text;                       /* scalar; never NULL for one */
    bool plain;  /* scalar: without quotes, so that it may be a number, a boolean or null */
    bool is_key; /* scalar: of a mapping */
    bool alias;  /* scalar: the copy of a value before it in spec_doc.nodes, at the same place */
    bool broken; /* scalar: something is wrong with it that was said; no reader says more */
    enum spec_tag tag;
    unsigned mark; /* the last walk that came by, of those that must see once what is shared; they rise */
    ORC_VEC(struct spec_entry) entries; /* list, map; keys are unique; in file order, merged ones last */
    size_t weight;                      /* values in it, itself included, aliases expanded */
    size_t bytes;                       /* of their texts */
    int height;                         /* 1 for a scalar */
};

struct spec_doc {
    struct spec_node *root;
    ORC_VEC(struct spec_node *) nodes; /* owns all of them */
};

/* 0 and *ret_doc (freed by the caller, before the source), perhaps with problems added (the rest of the tree
 * is good to be read for more of them); -EINVAL with a problem when there is no tree. */
int spec_doc_parse(const struct spec_source *source, struct spec_doc **ret_doc,
                   struct spec_problems *problems);
struct spec_doc *spec_doc_free(struct spec_doc *d); /* NULL allowed; returns NULL */
ORC_DEFINE_CLEANUP(struct spec_doc, spec_doc_free)
/* A node more, owned by d, placed where `like` is. */
struct spec_node *spec_doc_add(struct spec_doc *d, enum spec_node_kind kind, const struct spec_node *like);
/* A quoted scalar with that text. */
struct spec_node *spec_doc_add_text(struct spec_doc *d, const char *text, const struct spec_place *at);

/* Counts anew what is in n: weight, bytes, height; everything below it that this walk has not seen, too. */
void spec_node_measure(struct spec_node *n, unsigned mark);

struct spec_place spec_node_place(const struct spec_node *n);
/* Says that n is wrong, or what it means less here than its writer may think. */
void spec_node_say(struct spec_problems *p, const struct spec_node *n, const char *fmt, ...) ORC_PRINTF(3, 4);
void spec_node_note(struct spec_problems *p, const struct spec_node *n, const char *fmt, ...)
    ORC_PRINTF(3, 4);
/* A mapping's key; NULL: not there, or n is no mapping. */
const struct spec_entry *spec_node_entry(const struct spec_node *n, const char *key);
struct spec_node *spec_node_get(const struct spec_node *n, const char *key); /* its value */
/* Do they say the same, wherever they are written? Mappings compare in any order; *budget counts the values
 * compared down, and at 0 nothing is the same any more. */
bool spec_node_same(const struct spec_node *a, const struct spec_node *b, size_t *budget);

enum spec_scalar {
    SPEC_SCALAR_STRING,
    SPEC_SCALAR_NULL,
    SPEC_SCALAR_BOOL,
    SPEC_SCALAR_INT,
    SPEC_SCALAR_FLOAT
};
/* What the core schema takes a scalar for. */
enum spec_scalar spec_node_scalar(const struct spec_node *n);
/* For messages: "a string", "a list", "nothing", ... */
const char *spec_node_kind_name(const struct spec_node *n);
bool spec_node_is_null(const struct spec_node *n);

#endif
