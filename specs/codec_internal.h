/* codec_internal.h - members of a struct that is known only by its rows; for codec.c, codec_write.c and what
 * the tests hold them against (tests/sim/codec_tree.h). */
#ifndef SPECS_CODEC_INTERNAL_H
#define SPECS_CODEC_INTERNAL_H

#include "specs/check.h"
#include "specs/codec.h"
#include "specs/spec.h"

#include <string.h>

/* Any growable array of mem.h, handled bytewise because its element type isn't known here. */
struct any_vec {
    void *at;
    size_t n, cap;
};

static inline void *member(const struct codec_field *f, void *obj)
{
    return (char *)obj + f->offset;
}

static inline const void *member_const(const struct codec_field *f, const void *obj)
{
    return (const char *)obj + f->offset;
}

static inline void *pointer_at(const void *m)
{
    void *p;

    memcpy(&p, m, sizeof p);
    return p;
}

static inline struct any_vec vec_at(const void *m)
{
    struct any_vec v;

    memcpy(&v, m, sizeof v);
    return v;
}

static inline int64_t int_at(const struct codec_field *f, const void *m)
{
    int64_t wide;
    uint16_t small;
    int plain;

    switch (f->kind) {
    case CODEC_INT64:
        memcpy(&wide, m, sizeof wide);
        return wide;
    case CODEC_U16:
        memcpy(&small, m, sizeof small);
        return small;
    case CODEC_BOOL:
        return *(const bool *)m;
    default:
        memcpy(&plain, m, sizeof plain);
        return plain;
    }
}

static inline size_t text_max(const struct codec_field *f)
{
    return f->max ? (size_t)f->max : SPEC_TEXT_MAX;
}

#endif
