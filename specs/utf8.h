/* utf8.h - finds the first place where a text is not UTF-8 that people can read. */
#ifndef SPECS_UTF8_H
#define SPECS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

struct spec_utf8_fault {
    int line, column; /* from 1, in characters */
    unsigned char byte;
    bool control; /* well-formed, but a control character other than tab and line ends */
};

/* 0, or -EINVAL and *ret: overlong forms, surrogates and code points above U+10FFFF are refused (RFC 3629),
 * and so are the control characters that YAML 1.2.2, 5.1 leaves out. */
int spec_utf8_check(const char *text, size_t n, struct spec_utf8_fault *ret);

/* Bytes of the well-formed character at s (at most n bytes long), 0 when there is none. */
size_t spec_utf8_len(const char *s, size_t n);

#endif
