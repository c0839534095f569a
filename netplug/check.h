/* check.h - `netplug check`: does this machine's network suit orc? Reads only; needs no privilege.
 *
 * The rules are a table with a pure judge; the rest prints.
 */
#ifndef NETPLUG_CHECK_H
#define NETPLUG_CHECK_H

#include "lib/err.h"
#include "netplug/link.h"

#include <stdio.h>

enum check_verdict {
    CHECK_FINE,
    CHECK_ADVICE, /* works, but another value is recommended */
    CHECK_BROKEN, /* orc would not work, or lose connections */
};

enum check_how {
    CHECK_EQUAL,    /* recommended: exactly this */
    CHECK_AT_LEAST, /* recommended: this number or more */
    CHECK_NEVER,    /* broken when it is this */
    CHECK_NEEDED,   /* netplug sets it by itself; broken when orc0 is there and it is not this */
    CHECK_SHOWN,    /* no opinion */
};

struct check_rule {
    const char *key; /* below /proc/sys */
    enum check_how how;
    const char *value;
    const char *why;
};

extern const struct check_rule check_rules[];
extern const size_t check_n_rules;

/* have: the value now, NULL when this kernel does not have the key. */
enum check_verdict check_judge(const struct check_rule *rule, const char *have, bool bridge_there);

/* What is wrong with the links, one line each on `out`: orc0 not a bridge, its MTU above its port's, members
 * with other MTUs. Returns the worst. */
enum check_verdict check_links(const struct link_set *set, FILE *out);

/* Prints everything; returns the worst verdict, or negative when the kernel can't be asked. */
int check_run(FILE *out, struct orc_err *err);

#endif
