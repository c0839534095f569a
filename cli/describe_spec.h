/* describe_spec.h - a service's spec in words for people: what is in it beside what every service has.
 *
 * Pure.
 */
#ifndef CLI_DESCRIBE_SPEC_H
#define CLI_DESCRIBE_SPEC_H

#include "specs/spec.h"

/* The texts of one heading, each freed by the caller; NULL: there is nothing to say. */
struct describe_spec_row {
    const char *heading;
    char *(*text)(const struct spec_service *s);
};
extern const struct describe_spec_row describe_spec_rows[]; /* ended by a row without a heading */

char *describe_health(const struct spec_service *s);

#endif
