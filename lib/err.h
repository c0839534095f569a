/* err.h - errors that are sentences.
 *
 * Convention of every fallible function in orc: 0 done; negative (an -errno value): give up and pass it up,
 * `err` holds a full sentence; positive: a named outcome of that one function, handled by its direct caller
 * (err is then untouched). A function either logs or returns errors, never both. `err` may be NULL: the
 * message is then dropped, the code is kept.
 */
#ifndef LIB_ERR_H
#define LIB_ERR_H

#include "lib/scope.h"

#include <errno.h>
#include <stddef.h>

#define ORC_ERR_MAX 1024 /* bytes of a message, NUL included; longer ones end in "..." */

struct orc_err {
    char msg[ORC_ERR_MAX];
};

#define ORC_ERR_INIT                                                                                         \
    {                                                                                                        \
        .msg = ""                                                                                            \
    }

/* Sets the message and returns `code`, which must be negative. `fmt` may quote err->msg itself. */
int orc_fail(struct orc_err *err, int code, const char *fmt, ...) ORC_PRINTF(3, 4);

/* Like orc_fail(), with ": <strerror(errnum)>" appended; returns -errnum. */
int orc_fail_errno(struct orc_err *err, int errnum, const char *fmt, ...) ORC_PRINTF(3, 4);

/* Puts "<context>: " in front of the message. */
void orc_wrap(struct orc_err *err, const char *fmt, ...) ORC_PRINTF(2, 3);

#endif
