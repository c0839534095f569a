/* zones.h - are the time zones of a file's schedules there? */
#ifndef CLI_ZONES_H
#define CLI_ZONES_H

#include "lib/zone.h"
#include "specs/spec.h"

/* Whether this machine knows the time zones of all schedules: 0, or -EINVAL with a sentence. Where it has no
 * zone files at all, nothing is said: the scheduler's server decides. */
int zones_check(const struct spec_app *app, const char *dir, struct orc_err *err);

#endif
