/* interpolate.h - variables in a value: $A, ${A}, ${A:-b}, ${A-b}, ${A:?e}, ${A?e}, ${A:+b}, ${A+b}, $$.
 *
 * Compose's form of it (Compose Specification, "Interpolation"): b and e may hold variables again; a dollar
 * sign before anything else stands for itself. Values of variables are not looked into. Pure; knows neither
 * YAML nor where values come from.
 */
#ifndef SPECS_INTERPOLATE_H
#define SPECS_INTERPOLATE_H

#include "lib/err.h"
#include "specs/env.h"

#define SPEC_INTERPOLATE_DEPTH 20 /* "${A:-${B:-...}}" */

struct spec_unset {
    char *name;
    size_t at; /* bytes before its dollar sign */
};

struct spec_filled {
    char *text;                       /* the result; NULL: something is wrong */
    ORC_VEC(struct spec_unset) unset; /* replaced by nothing, without the file saying what to do then */
    size_t wrong_at;                  /* bytes before the dollar sign that err is about */
};
void spec_filled_release(struct spec_filled *f);

/* Fills a value in; `max` bytes at most come out. 0 or -EINVAL with a sentence; *ret is to be released in
 * either case. */
int spec_interpolate(const char *text, const struct spec_env *env, size_t max, struct spec_filled *ret,
                     struct orc_err *err);

#endif
