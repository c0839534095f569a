/* check_text.h - what texts are made of; for specs/check*.c only. */
#ifndef SPECS_CHECK_TEXT_H
#define SPECS_CHECK_TEXT_H

#include <stdbool.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define ALNUM LOWER UPPER DIGIT

/* The first n bytes are all of them. */
static inline bool only(const char *s, size_t n, const char *accept)
{
    for (size_t i = 0; i < n; i++)
        if (!s[i] || !strchr(accept, s[i]))
            return false;
    return true;
}

/* 1 to `max` bytes of them. */
static inline bool made_of(const char *s, size_t max, const char *accept)
{
    size_t n = strlen(s);

    return n >= 1 && n <= max && only(s, n, accept);
}

/* One of `names`, which end with NULL. */
static inline bool is_word(const char *s, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(s, *names) == 0)
            return true;
    return false;
}

#endif
