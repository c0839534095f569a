/* zone.h - a time zone of the system's zone files: the offset from UTC at any moment.
 *
 * Reads TZif files (RFC 9636, versions 2 and up) and, for the time after the last change that they list, the
 * POSIX TZ string at their end. Apart from the C library's TZ, which is one for the whole process and its
 * threads.
 */
#ifndef LIB_ZONE_H
#define LIB_ZONE_H

#include "lib/err.h"

#include <stdint.h>

#define ORC_ZONE_DIR "/usr/share/zoneinfo"
#define ORC_ZONE_NAME_MAX 64 /* bytes */

struct orc_zone;

/* 0, or -EINVAL for what can't be a zone's name: [A-Za-z0-9+_-] parts between slashes, "Europe/Oslo". */
int orc_zone_check_name(const char *name, struct orc_err *err);

/* NULL with a sentence when there is no such file below `dir`, or it can't be read. */
struct orc_zone *orc_zone_load(const char *dir, const char *name, struct orc_err *err);
struct orc_zone *orc_zone_free(struct orc_zone *z); /* NULL allowed; returns NULL */
/* Seconds east of UTC at `utc`, s since 1970. */
int32_t orc_zone_offset(const struct orc_zone *z, int64_t utc);

/* Zones that have been asked for, each loaded once. */
struct orc_zones;
struct orc_zones *orc_zones_new(const char *dir); /* copied */
struct orc_zones *orc_zones_free(struct orc_zones *z);
/* 0, or negative: it can't be loaded. */
int orc_zones_offset(struct orc_zones *z, const char *name, int64_t utc, int32_t *ret);
int orc_zones_ask(void *zones, const char *name, int64_t utc, int32_t *ret); /* likewise, as a callback */

#endif
