/* env.h - variables: names with values, in layers, each layer with the place where a value was given.
 *
 * A name is looked up from the outermost layer inwards: what the outside gives wins, as in Compose, where the
 * shell's variables go before those of files. Knows neither files nor their formats.
 */
#ifndef SPECS_ENV_H
#define SPECS_ENV_H

#include "lib/err.h"
#include "specs/source.h"

#include <uthash.h>

struct spec_var {
    char *name;
    char *value;             /* NULL: named without a value, and nothing outside has one */
    struct spec_place place; /* where it is given */
    UT_hash_handle hh;
};

/* Finds a variable's value; NULL: not set. What is returned lives as long as the layers do. */
typedef const char *spec_variable_fn(void *arg, const char *name);

struct spec_env {
    const struct spec_env *outer; /* asked first; NULL: none */
    spec_variable_fn *outside;    /* asked next; NULL: there is nothing outside */
    void *arg;
    struct spec_var *vars; /* asked last; in the order in which they were first set */
};
void spec_env_release(struct spec_env *e); /* its own variables */

/* Copies. One that is there already gets the value, and keeps its place in the order. */
void spec_env_set(struct spec_env *e, const char *name, const char *value, const struct spec_place *place);
const char *spec_env_get(const struct spec_env *e, const char *name);

/* What variables hold comes from outside; it may be anything but NUL. 0, or -EINVAL with a sentence when it
 * is no text that can be shown and stored. */
int spec_env_check(const char *name, const char *value, struct orc_err *err);

/* Is it a name that can be written behind a dollar sign? [A-Za-z_][A-Za-z0-9_]*; its bytes, or 0. */
size_t spec_env_name_len(const char *s);

#endif
