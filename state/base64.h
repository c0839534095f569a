/* base64.h - the standard alphabet with padding (RFC 4648, section 4), as etcd's JSON gateway writes bytes.
 */
#ifndef STATE_BASE64_H
#define STATE_BASE64_H

#include "lib/buf.h"

#include <stddef.h>

/* Appends the encoded text; -EMSGSIZE when the buffer's maximum is passed. */
int base64_encode(struct orc_buf *b, const void *data, size_t n);
/* *ret: the bytes and a NUL behind them, freed by the caller; untouched on failure. -EINVAL: not base64. */
int base64_decode(const char *text, size_t n, char **ret, size_t *ret_n);

#endif
