/* codec.h - a struct described by a flat table: written to JSON, read, checked and freed by the same rows.
 *
 * Two manners. Records of the store are written by older and newer processes and by people: unknown members
 * are ignored, every member is written. Specs are hashed and compared: a strict codec refuses what it doesn't
 * know, and codec_text_changed() leaves out what equals the defaults. Members are written in the order of the
 * table, maps sorted by key on reading: equal structs give equal text. What we write we can read: text longer
 * than its row allows is cut at a character's border. It must not know which structs there are.
 */
#ifndef SPECS_CODEC_H
#define SPECS_CODEC_H

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
    CODEC_OWNED /* a pointer to a struct that reads, writes and frees itself */
};

/* The three functions of a CODEC_OWNED member; text returns a JSON object, freed by the caller; from_json
 * returns NULL with err filled. */
struct codec_owned {
    char *(*text)(const void *obj);
    void *(*from_json)(const json_t *j, struct orc_err *err);
    void (*release)(void *obj); /* takes NULL */
};

struct codec_field {
    const char *name;
    enum codec_kind kind;
    size_t offset;
    bool required;    /* refused when absent */
    bool nulls;       /* PAIRS: a value may be NULL, written as null */
    bool set;         /* STRV: order is no difference; sorted, each once */
    bool marked;      /* the caller's own choice of members, see codec_text_changed() */
    int64_t min, max; /* numbers: the range; STR, FIXED, elements of STRV, values of PAIRS: max bytes; LIST:
                         max elements. Of text and lists 0 is the widest that a spec may have. */
    const char *const *names;                         /* ENUM: by value, NULL-terminated */
    int (*check)(const char *s, struct orc_err *err); /* STR, elements of STRV, values of PAIRS; or NULL */
    int (*check_key)(const char *s, struct orc_err *err); /* PAIRS; NULL: at most 256 bytes */
    size_t flag;             /* STRV: offset of a bool that tells [] from absent; 0: none */
    const struct codec *sub; /* STRUCT, LIST */
    const struct codec_owned *owned;
};

struct codec {
    const struct codec_field *fields;
    size_t n, size;          /* number of rows; bytes of the struct */
    bool strict;             /* unknown members are refused */
    void (*init)(void *obj); /* fills defaults that aren't zero; may be NULL */
    int (*cmp)(
        const void *a,
        const void *b); /* order and identity in a list, of a strict codec by every member; may be NULL */
};

/* A JSON object, compact, with every member; freed by the caller. */
char *codec_text(const struct codec *c, const void *obj);
/* The same with the members of `obj` that differ from those of `def` (the same struct; NULL: from zero).
 * `marked_only`: leaves out the top-level members whose row isn't marked. */
char *codec_text_changed(const struct codec *c, const void *obj, const void *def, bool marked_only);

/* Reads into *obj, which must hold nothing; untouched on failure. 0 or -EINVAL with the member's path. */
int codec_decode(const struct codec *c, const json_t *j, void *obj, struct orc_err *err);
/* Reads into *obj, which holds the defaults; half-filled on failure, and fit to be released. */
int codec_decode_into(const struct codec *c, const json_t *j, void *obj, struct orc_err *err);
/* Sorts maps by key, sets, and lists whose elements' codec has cmp (a strict one's duplicates are dropped);
 * in embedded structs, too, but not in the elements of lists. */
void codec_sort(const struct codec *c, void *obj);
/* A copy into *ret, which must hold nothing, that shares nothing with *obj. */
void codec_copy(const struct codec *c, const void *obj, void *ret);
/* Frees what the rows own and zeroes the struct. */
void codec_release(const struct codec *c, void *obj);

int codec_enum_from_name(const char *const *names, const char *name, int *ret); /* 0 or -EINVAL */

/* Rows. T: struct name without "struct", m: its member, which is also the JSON name. Further members of the
 * row may follow as designated initialisers. */
#define CODEC_ROW(T, m, k, ...)                                                                              \
    {                                                                                                        \
        .name = #m, .kind = (k), .offset = offsetof(struct T, m), __VA_ARGS__                                \
    }
#define CODEC_ROW_STR(T, m, bytes, fn) CODEC_ROW(T, m, CODEC_STR, .max = (bytes), .check = (fn))
#define CODEC_ROW_STR_REQUIRED(T, m, bytes, fn)                                                              \
    CODEC_ROW(T, m, CODEC_STR, .max = (bytes), .check = (fn), .required = true)
#define CODEC_ROW_FIXED(T, m) CODEC_ROW(T, m, CODEC_FIXED, .max = sizeof((struct T *)0)->m - 1)
#define CODEC_ROW_BOOL(T, m) CODEC_ROW(T, m, CODEC_BOOL, .max = 1)
#define CODEC_ROW_INT(T, m, lo, hi) CODEC_ROW(T, m, CODEC_INT, .min = (lo), .max = (hi))
#define CODEC_ROW_INT64(T, m, lo, hi) CODEC_ROW(T, m, CODEC_INT64, .min = (lo), .max = (hi))
#define CODEC_ROW_INT64_REQUIRED(T, m, lo, hi)                                                               \
    CODEC_ROW(T, m, CODEC_INT64, .min = (lo), .max = (hi), .required = true)
#define CODEC_ROW_U16(T, m, lo) CODEC_ROW(T, m, CODEC_U16, .min = (lo), .max = 65535)
#define CODEC_ROW_ENUM(T, m, table) CODEC_ROW(T, m, CODEC_ENUM, .names = (table), .required = true)
#define CODEC_ROW_STRV(T, m, bytes, fn) CODEC_ROW(T, m, CODEC_STRV, .max = (bytes), .check = (fn))
#define CODEC_ROW_PAIRS(T, m, bytes) CODEC_ROW(T, m, CODEC_PAIRS, .max = (bytes))
#define CODEC_ROW_STRUCT(T, m, c) CODEC_ROW(T, m, CODEC_STRUCT, .sub = (c))
#define CODEC_ROW_LIST(T, m, c, elements) CODEC_ROW(T, m, CODEC_LIST, .sub = (c), .max = (elements))
#define CODEC_ROW_OWNED(T, m, how) CODEC_ROW(T, m, CODEC_OWNED, .owned = (how), .required = true)
#define CODEC_OF(T, rows, ...)                                                                               \
    {                                                                                                        \
        .fields = (rows), .n = ORC_ARRAY_SIZE(rows), .size = sizeof(struct T), __VA_ARGS__                   \
    }

#endif
