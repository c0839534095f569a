/* scope.h - ownership helpers built on the compiler's cleanup attribute.
 *
 * Rule: every owner is declared with orc_auto(...) and initialised at its declaration; ownership leaves a
 * scope only through orc_take(). Knows nothing but the C library.
 */
#ifndef LIB_SCOPE_H
#define LIB_SCOPE_H

#include <stdlib.h>
#include <unistd.h>

#define orc_auto(fn) __attribute__((cleanup(fn)))

/* Moves a pointer out of a variable, leaving NULL behind. */
#define orc_take(p)                                                                                          \
    __extension__({                                                                                          \
        __typeof__(p) taken_ = (p);                                                                          \
        (p) = NULL;                                                                                          \
        taken_;                                                                                              \
    })

/* Moves a file descriptor out of a variable, leaving -1 behind. */
#define orc_take_fd(fd)                                                                                      \
    __extension__({                                                                                          \
        int taken_ = (fd);                                                                                   \
        (fd) = -1;                                                                                           \
        taken_;                                                                                              \
    })

static inline void orc_free_p(void *p)
{
    free(*(void **)p);
}

static inline void orc_close_p(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* orc_auto_free char *s = NULL;   orc_auto_close int fd = -1; */
#define orc_auto_free orc_auto(orc_free_p)
#define orc_auto_close orc_auto(orc_close_p)

/* Defines NAME_p(), the cleanup function for `orc_auto(NAME_p) type *x`. */
#define ORC_DEFINE_CLEANUP(type, name)                                                                       \
    static inline void name##_p(type **p)                                                                    \
    {                                                                                                        \
        name(*p);                                                                                            \
    }

#define ORC_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ORC_UNUSED __attribute__((unused))
/* For functions that only prefetch: of no effect in the language, their calls would be dropped (gcc 12). */
#define ORC_PREFETCHES static inline __attribute__((always_inline))
#define ORC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#endif
