#include "lib/mem.h"

#include <stdint.h>
#include <stdio.h>

static void *must(void *p)
{
    if (!p) {
        fputs("orc: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *orc_calloc(size_t n, size_t size)
{
    return must(calloc(n ? n : 1, size ? size : 1));
}

void *orc_calloc_at(size_t align, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return must(NULL);
    return memset(must(aligned_alloc(align, bytes)), 0, bytes);
}

void *orc_realloc(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes))
        return must(NULL);
    return must(realloc(p, bytes ? bytes : 1));
}

char *orc_strdup(const char *s)
{
    return s ? must(strdup(s)) : NULL;
}

char *orc_strndup(const char *s, size_t n)
{
    return s ? must(strndup(s, n)) : NULL;
}

char *orc_vprintf(const char *fmt, va_list ap)
{
    char *s = NULL;

    if (vasprintf(&s, fmt, ap) < 0)
        return must(NULL);
    return s;
}

char *orc_printf(const char *fmt, ...)
{
    va_list ap;
    char *s;

    va_start(ap, fmt);
    s = orc_vprintf(fmt, ap);
    va_end(ap);
    return s;
}

char *orc_concat_(const char *const *parts, size_t n)
{
    size_t size = 1, len;
    char *s, *end;

    for (size_t i = 0; i < n; i++)
        size += parts[i] ? strlen(parts[i]) : 0;
    s = end = orc_realloc(NULL, 1, size);
    for (size_t i = 0; i < n; i++) {
        len = parts[i] ? strlen(parts[i]) : 0;
        memcpy(end, parts[i] ?: "", len);
        end += len;
    }
    *end = '\0';
    return s;
}

void orc_copy_str(char *ret, size_t size, const char *s)
{
    size_t n = strnlen(s, size - 1);

    memcpy(ret, s, n);
    ret[n] = '\0';
}

void orc_set_str(char **p, const char *s)
{
    char *copy = orc_strdup(s);

    free(*p);
    *p = copy;
}

int orc_streq(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

size_t orc_vec_grow_(size_t cap, size_t want)
{
    size_t twice = cap > SIZE_MAX / 2 ? SIZE_MAX : cap * 2;

    if (twice < 4)
        twice = 4;
    return want > twice ? want : twice;
}

void orc_strv_add(struct orc_strv *v, const char *s)
{
    orc_vec_push(v, orc_strdup(s));
}

void orc_strv_copy(struct orc_strv *dst, const struct orc_strv *src)
{
    for (size_t i = 0; i < src->n; i++)
        orc_strv_add(dst, src->at[i]);
}

int orc_strv_eq(const struct orc_strv *a, const struct orc_strv *b)
{
    if (a->n != b->n)
        return 0;
    for (size_t i = 0; i < a->n; i++)
        if (!orc_streq(a->at[i], b->at[i]))
            return 0;
    return 1;
}

void orc_strv_release(struct orc_strv *v)
{
    for (size_t i = 0; i < v->n; i++)
        free(v->at[i]);
    orc_vec_release(v);
}
