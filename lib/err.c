#include "lib/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set(struct orc_err *err, const char *text)
{
    int n = snprintf(err->msg, sizeof err->msg, "%s", text);

    if (n >= (int)sizeof err->msg)
        memcpy(err->msg + sizeof err->msg - 4, "...", 4);
}

int orc_fail(struct orc_err *err, int code, const char *fmt, ...)
{
    char text[2 * ORC_ERR_MAX];
    va_list ap;

    if (!err)
        return code;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    set(err, text);
    return code;
}

int orc_fail_errno(struct orc_err *err, int errnum, const char *fmt, ...)
{
    char text[ORC_ERR_MAX], all[2 * ORC_ERR_MAX];
    va_list ap;

    if (!err)
        return -errnum;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    snprintf(all, sizeof all, "%s: %s", text, strerror(errnum));
    set(err, all);
    return -errnum;
}

void orc_wrap(struct orc_err *err, const char *fmt, ...)
{
    char context[ORC_ERR_MAX], all[2 * ORC_ERR_MAX + 2];
    va_list ap;

    if (!err)
        return;
    va_start(ap, fmt);
    vsnprintf(context, sizeof context, fmt, ap);
    va_end(ap);
    snprintf(all, sizeof all, "%s: %s", context, err->msg);
    set(err, all);
}
