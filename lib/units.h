/* units.h - durations, byte sizes and CPU counts as people write them.
 *
 * Formats: durations as in the Compose Specification ("1h30m", "2.5s", "300ms", "10us"; a bare number is
 * refused except "0"); sizes as Compose's byte values ("512M", "64mb", "32k" = 32768, "1.5g", bare bytes;
 * all units are powers of 1024); CPUs as a decimal number of CPUs ("0.50"), held in nano-CPUs as the Engine's
 * NanoCpus does. Negative values and junk after the unit are refused.
 */
#ifndef LIB_UNITS_H
#define LIB_UNITS_H

#include "lib/err.h"

#include <stdint.h>

#define ORC_NANO_CPU INT64_C(1000000000) /* one CPU */

/* Outputs are untouched on failure. */
int orc_parse_duration_ms(const char *s, uint64_t *ret_ms, struct orc_err *err); /* rounds up to 1 ms */
int orc_parse_size(const char *s, int64_t *ret_bytes, struct orc_err *err);
int orc_parse_cpus(const char *s, int64_t *ret_nano, struct orc_err *err);
/* A whole decimal number in [min, max], nothing around it. */
int orc_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct orc_err *err);

/* Shortest text that parses back to the same value; `buf` is returned. */
#define ORC_UNIT_MAX 40
const char *orc_format_duration(uint64_t ms, char buf[ORC_UNIT_MAX]); /* "1m30s", "500ms", "0s" */
/* The same as Go's time.Duration has it (time/time.go, String): "1h0m0s" */
const char *orc_format_go_duration(uint64_t ms, char buf[ORC_UNIT_MAX]);
const char *orc_format_cpus(int64_t nano, char buf[ORC_UNIT_MAX]); /* "0.5" */
const char *orc_format_int(int64_t n, char buf[ORC_UNIT_MAX]);
/* Its decimal digits as far as they fit before `end`, without a NUL byte; returns where they end. */
char *orc_put_digits(char *at, const char *end, uint64_t n);
/* For people, not for parsing back: "372 MiB", "1.5 GiB", "812 B". */
const char *orc_format_size(int64_t bytes, char buf[ORC_UNIT_MAX]);
/* For people: how long ago, one unit: "5s", "3m", "2h", "4d". */
const char *orc_format_age(uint64_t ms, char buf[ORC_UNIT_MAX]);

#endif
