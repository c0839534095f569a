/* record.h - a struct described by a flat table, to and from JSON.
 *
 * One row per member; the same table writes, reads and checks, so the three can't drift apart. Members that
 * equal those of a given default struct are left out, members are written in the order of the table, maps in
 * the order of their keys: equal structs give equal text. It must not know which structs there are.
 */
#ifndef SPECS_RECORD_H
#define SPECS_RECORD_H

#include "lib/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind {
    RECORD_STR,    /* char *, owned */
    RECORD_BOOL,   /* bool */
    RECORD_INT,    /* int */
    RECORD_INT64,  /* int64_t or uint64_t up to INT64_MAX */
    RECORD_U16,    /* uint16_t */
    RECORD_ENUM,   /* an enum of int's size, written as its name */
    RECORD_STRV,   /* struct orc_strv */
    RECORD_PAIRS,  /* struct spec_pairs, written as an object; a NULL value as null */
    RECORD_STRUCT, /* an embedded struct with a table of its own */
    RECORD_LIST,   /* struct { T *at; size_t n, cap; } of structs with a table of their own */
};

struct record;

struct record_field {
    const char *name;
    enum record_kind kind;
    size_t offset;
    bool required;                                        /* STR: refused when absent */
    int64_t min, max;                                     /* INT, INT64, U16 */
    const char *const *names;                             /* ENUM: by value, NULL-terminated */
    int (*check)(const char *s, struct orc_err *err);     /* STR; STRV and PAIRS: each element; may be NULL */
    int (*check_key)(const char *s, struct orc_err *err); /* PAIRS */
    size_t flag;              /* STRV: offset of a bool that tells [] from absent; 0: none */
    const struct record *sub; /* STRUCT, LIST */
    bool marked;              /* the caller's own choice of members, see record_encode() */
};

struct record {
    const struct record_field *fields;
    size_t n, size; /* number of fields; bytes of the struct */
};

/* A new object with the members of `obj` that differ from `def` (the same struct; NULL: from zero).
 * `marked_only`: leaves out the top-level members whose row isn't marked. */
json_t *record_encode(const struct record *r, const void *obj, const void *def, bool marked_only);

/* Reads into `obj`, which holds the defaults. Unknown members, wrong types and values out of bounds are
 * refused with -EINVAL and their path; obj is then half-filled, and fit to be freed. */
int record_decode(const struct record *r, const json_t *j, void *obj, struct orc_err *err);

#endif
