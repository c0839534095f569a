/* daemon.h - what the command lines of all daemons share: log and configuration file, and how a log begins.
 *
 * Use: embed a struct orc_daemon_args, put ORC_DAEMON_ROWS(&it) into the option table, call
 * orc_daemon_start_log() after parsing and orc_daemon_args_release() at the end.
 */
#ifndef LIB_DAEMON_H
#define LIB_DAEMON_H

#include "lib/log.h"
#include "lib/options.h"

struct orc_daemon_args {
    char *log_level, *log_format, *config;
    char *metrics; /* only where ORC_DAEMON_METRICS_ROW() is in the table, too; see metrics.h */
};

/* clang-format off */
#define ORC_DAEMON_ROWS(a)                                                                                     \
    {.name = "log-level", .kind = ORC_OPT_STR, .value = &(a)->log_level, .meta = "LEVEL",                       \
     .help = "error, warn, info or debug (default info)"},                                                     \
    {.name = "log-format", .kind = ORC_OPT_STR, .value = &(a)->log_format, .meta = "FORMAT",                    \
     .help = "text or json (default text)"},                                                                   \
    {.name = "config", .kind = ORC_OPT_STR, .value = &(a)->config, .meta = "FILE",                              \
     .help = "the same options from a YAML file"}
#define ORC_DAEMON_METRICS_ROW(a)                                                                              \
    {.name = "metrics", .kind = ORC_OPT_STR, .value = &(a)->metrics, .meta = "ADDR:PORT",                       \
     .help = "serve /metrics for Prometheus there (default: nowhere)"}
/* clang-format on */

/* Parses argv[1..] as orc_options_parse() does, without words. ORC_OPTIONS_HELP or ORC_OPTIONS_VERSION: its
 * text was printed, and the process ends with 0. `usage` begins with the program's name. */
int orc_daemon_options(const struct orc_option *table, int argc, char **argv, const char *usage,
                       const char *summary, struct orc_err *err);
/* Checks the two and begins the log under that name. *ret_level may be NULL. 0 or -EINVAL. */
int orc_daemon_start_log(const struct orc_daemon_args *a, const char *process, enum orc_log_level *ret_level,
                         struct orc_err *err);
void orc_daemon_args_release(struct orc_daemon_args *a);

#endif
