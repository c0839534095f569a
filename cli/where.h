/* where.h - where the cluster is: by an option, by the environment, by a context, else on this machine.
 */
#ifndef CLI_WHERE_H
#define CLI_WHERE_H

#include "lib/err.h"

struct session_args;

/* Fills in what the arguments leave open. *ret_advice (freed by the caller): what to do when nobody answers
 * there, a clause that ends a sentence. 0, or negative with a sentence. */
int where_settle(struct session_args *a, char **ret_advice, struct orc_err *err);

#endif
