/* doc.h - a YAML document as a tree that knows where everything stands.
 *
 * Built on libyaml's event parser. Knows YAML 1.1 as libyaml reads it, scalars by YAML 1.2's core schema
 * (https://yaml.org/spec/1.2.2/, 10.3: `no` and `on` are strings), anchors, and merge keys
 * (https://yaml.org/type/merge.html); it must not know Compose.
 *
 * Refused with their places: a second document, tags other than the core schema's, duplicate keys (both
 * lines), keys that are not strings (their path), aliases that contain themselves, text that is not UTF-8.
 * Bounded: SPEC_FILE_MAX bytes, depth 64; with every alias counted as often as it is used, 100,000 values and
 * 4 MiB of text in them.
 * Aliased values are shared, not copied, so an alias bomb costs no memory.
 */
#ifndef SPECS_DOC_H
#define SPECS_DOC_H

#include "lib/mem.h"
#include "specs/parse.h"

#include <stdbool.h>

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

struct spec_node {
    enum spec_node_kind kind;
    int line, column; /* from 1; of an aliased value: where it is written */
    char *text;       /* scalar; never NULL for one */
    bool plain;       /* scalar: without quotes, so that it may be a number, a boolean or null */
    ORC_VEC(struct spec_entry) entries; /* list, map; keys are unique; in file order, merged ones last */
    size_t weight;                      /* values in it, itself included, aliases expanded */
    size_t bytes;                       /* of their texts */
    int height;                         /* 1 for a scalar */
};

struct spec_doc {
    struct spec_node *root;
    ORC_VEC(struct spec_node *) nodes; /* owns all of them */
};

/* 0 and *ret_doc (freed by the caller), perhaps with problems added (the rest of the tree is good to be read
 * for more of them); -EINVAL with a problem when there is no tree. */
int spec_doc_parse(const char *text, size_t n, struct spec_doc **ret_doc, struct spec_problems *problems);
struct spec_doc *spec_doc_free(struct spec_doc *d); /* NULL allowed; returns NULL */
ORC_DEFINE_CLEANUP(struct spec_doc, spec_doc_free)

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
