/* mem.h - allocation that can't fail, and growable arrays.
 *
 * Out of memory aborts the process: state is in etcd and containers live in the engine, so a restart is the
 * recovery. Everything read from outside is therefore capped before it is stored.
 */
#ifndef LIB_MEM_H
#define LIB_MEM_H

#include "lib/scope.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* Zeroed memory of n * size bytes (overflow aborts); freed with free(). */
void *orc_calloc(size_t n, size_t size);
/* Likewise, at a multiple of `align`, a power of two of which n * size is a multiple. */
void *orc_calloc_at(size_t align, size_t n, size_t size);
#define orc_new(type) ((type *)orc_calloc(1, sizeof(type)))

/* realloc() of n * size bytes that aborts on failure. New bytes are not zeroed. */
void *orc_realloc(void *p, size_t n, size_t size);

/* Copies, NULL for NULL; freed with free(). */
char *orc_strdup(const char *s);
char *orc_strndup(const char *s, size_t n);
char *orc_printf(const char *fmt, ...) ORC_PRINTF(1, 2);
char *orc_vprintf(const char *fmt, va_list ap) ORC_PRINTF(1, 0);
/* Texts one after another, NULL for nothing; freed with free(). For what is made very often: an eighth of
 * orc_printf()'s time. */
#define orc_concat(...)                                                                                      \
    orc_concat_((const char *const[]){__VA_ARGS__}, ORC_ARRAY_SIZE(((const char *const[]){__VA_ARGS__})))
char *orc_concat_(const char *const *parts, size_t n);

/* A copy of s in `size` bytes, cut to what fits. */
void orc_copy_str(char *ret, size_t size, const char *s);

/* Frees *p and stores a copy of s (NULL allowed). */
void orc_set_str(char **p, const char *s);

/* Equality in which NULL equals only NULL. */
int orc_streq(const char *a, const char *b);

/* A growable array: struct { T *at; size_t n, cap; }. Zero-initialised is empty. Owns only the array. */
#define ORC_VEC(T)                                                                                           \
    struct {                                                                                                 \
        T *at;                                                                                               \
        size_t n, cap;                                                                                       \
    }
#define orc_vec_reserve(v, want)                                                                             \
    ((want) <= (v)->cap ? (void)0                                                                            \
                        : (void)((v)->cap = orc_vec_grow_((v)->cap, (want)),                                 \
                                 (v)->at = orc_realloc((v)->at, (v)->cap, sizeof *(v)->at)))
/* Appends a zeroed element and yields a pointer to it, valid until the next growth. */
#define orc_vec_add(v)                                                                                       \
    (orc_vec_reserve(v, (v)->n + 1), memset(&(v)->at[(v)->n], 0, sizeof *(v)->at), &(v)->at[(v)->n++])
#define orc_vec_push(v, x) (orc_vec_reserve(v, (v)->n + 1), (void)((v)->at[(v)->n++] = (x)))
#define orc_vec_release(v) (free((v)->at), (v)->at = NULL, (v)->n = (v)->cap = 0, (void)0)
/* No step when empty: NULL + 0 is undefined, and sanitizers say so. */
#define orc_vec_each(p, v) for ((p) = (v)->at; (p) && (p) < (v)->at + (v)->n; (p)++)

size_t orc_vec_grow_(size_t cap, size_t want);

/* A list of owned strings. */
struct orc_strv {
    char **at;
    size_t n, cap;
};
void orc_strv_add(struct orc_strv *v, const char *s);                 /* copies s */
void orc_strv_copy(struct orc_strv *dst, const struct orc_strv *src); /* dst must be empty */
int orc_strv_eq(const struct orc_strv *a, const struct orc_strv *b);
void orc_strv_release(struct orc_strv *v);

#endif
