/* codec.h - a record described by a flat table: written to, read from and freed by the same rows.
 *
 * For values that other processes, older and newer ones and people write: unknown members are ignored, every
 * known one is checked for type, range and length. (specs/record.h is the stricter sibling for specs: it
 * refuses what it doesn't know.) What we write we can read: text longer than its row allows is cut at a
 * character's border. It must not know which records there are.
 */
#ifndef STATE_CODEC_H
#define STATE_CODEC_H

#include "lib/json.h"

#include <stddef.h>

enum codec_kind {
    CODEC_STR,    /* char *, owned; NULL is left out */
    CODEC_FIXED,  /* char[max + 1] */
    CODEC_BOOL,   /* bool */
    CODEC_INT,    /* int */
    CODEC_INT64,  /* int64_t, or uint64_t up to INT64_MAX */
    CODEC_U16,    /* uint16_t */
    CODEC_ENUM,   /* an enum of int's size, written as its name */
    CODEC_STRV,   /* struct orc_strv */
    CODEC_PAIRS,  /* struct spec_pairs, written as an object */
    CODEC_STRUCT, /* an embedded struct with a codec of its own */
    CODEC_LIST, /* struct { T *at; size_t n, cap; }; sorted and free of duplicates where T's codec has cmp */
    CODEC_SPEC  /* struct spec_service *, owned */
};

struct codec_field {
    const char *name;
    enum codec_kind kind;
    size_t offset;
    bool required;    /* refused when absent */
    int64_t min, max; /* numbers: the range; STR, FIXED, elements of STRV: max bytes; LIST: max elements */
    const char *const *names;                         /* ENUM: by value, NULL-terminated */
    int (*check)(const char *s, struct orc_err *err); /* STR, elements of STRV; may be NULL */
    const struct codec *sub;                          /* STRUCT, LIST */
};

struct codec {
    const struct codec_field *fields;
    size_t n, size;                           /* number of rows; bytes of the struct */
    void (*init)(void *obj);                  /* fills defaults that aren't zero; may be NULL */
    int (*cmp)(const void *a, const void *b); /* order and identity in a list; may be NULL */
};

json_t *codec_encode(const struct codec *c, const void *obj);
/* Reads into *obj, which must hold nothing; untouched on failure. 0 or -EINVAL with the member's path. */
int codec_decode(const struct codec *c, const json_t *j, void *obj, struct orc_err *err);
/* Frees what the rows own and zeroes the struct. */
void codec_release(const struct codec *c, void *obj);

int codec_enum_from_name(const char *const *names, const char *name, int *ret); /* 0 or -EINVAL */

/* Rows. T: struct name without "struct", m: its member, which is also the JSON name. */
#define CODEC_ROW_(T, m, k, ...)                                                                             \
    {                                                                                                        \
        .name = #m, .kind = (k), .offset = offsetof(struct T, m), __VA_ARGS__                                \
    }
#define CODEC_ROW_STR(T, m, bytes, fn) CODEC_ROW_(T, m, CODEC_STR, .max = (bytes), .check = (fn))
#define CODEC_ROW_STR_REQUIRED(T, m, bytes, fn)                                                              \
    CODEC_ROW_(T, m, CODEC_STR, .max = (bytes), .check = (fn), .required = true)
#define CODEC_ROW_FIXED(T, m) CODEC_ROW_(T, m, CODEC_FIXED, .max = sizeof((struct T *)0)->m - 1)
#define CODEC_ROW_BOOL(T, m) CODEC_ROW_(T, m, CODEC_BOOL, .max = 1)
#define CODEC_ROW_INT(T, m, lo, hi) CODEC_ROW_(T, m, CODEC_INT, .min = (lo), .max = (hi))
#define CODEC_ROW_INT64(T, m, lo, hi) CODEC_ROW_(T, m, CODEC_INT64, .min = (lo), .max = (hi))
#define CODEC_ROW_INT64_REQUIRED(T, m, lo, hi)                                                               \
    CODEC_ROW_(T, m, CODEC_INT64, .min = (lo), .max = (hi), .required = true)
#define CODEC_ROW_U16(T, m) CODEC_ROW_(T, m, CODEC_U16, .max = 65535)
#define CODEC_ROW_ENUM(T, m, table) CODEC_ROW_(T, m, CODEC_ENUM, .names = (table), .required = true)
#define CODEC_ROW_STRV(T, m, bytes, fn) CODEC_ROW_(T, m, CODEC_STRV, .max = (bytes), .check = (fn))
#define CODEC_ROW_PAIRS(T, m, bytes) CODEC_ROW_(T, m, CODEC_PAIRS, .max = (bytes))
#define CODEC_ROW_STRUCT(T, m, c) CODEC_ROW_(T, m, CODEC_STRUCT, .sub = (c))
#define CODEC_ROW_LIST(T, m, c, elements) CODEC_ROW_(T, m, CODEC_LIST, .sub = (c), .max = (elements))
#define CODEC_ROW_SPEC(T, m) CODEC_ROW_(T, m, CODEC_SPEC, .required = true)
#define CODEC_OF(T, rows, init_fn, cmp_fn)                                                                   \
    {                                                                                                        \
        .fields = (rows), .n = ORC_ARRAY_SIZE(rows), .size = sizeof(struct T), .init = (init_fn),            \
        .cmp = (cmp_fn)                                                                                      \
    }

#endif
