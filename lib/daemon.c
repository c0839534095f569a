#include "lib/daemon.h"

#include <stdlib.h>

int orc_daemon_options(const struct orc_option *table, int argc, char **argv, const char *usage,
                       const char *summary, struct orc_err *err)
{
    orc_auto_free char *program = orc_strndup(usage, strcspn(usage, " "));
    int r = orc_options_parse(table, argc, argv, NULL, err);

    if (r == ORC_OPTIONS_HELP)
        orc_options_help(stdout, usage, summary, table);
    if (r == ORC_OPTIONS_VERSION)
        orc_options_version(stdout, program);
    return r;
}

int orc_daemon_start_log(const struct orc_daemon_args *a, const char *process, enum orc_log_level *ret_level,
                         struct orc_err *err)
{
    enum orc_log_level level = ORC_LOG_INFO;
    bool json = orc_streq(a->log_format, "json");

    if (a->log_level && orc_log_level_from_name(a->log_level, &level) < 0)
        return orc_fail(err, -EINVAL, "--log-level \"%s\": error, warn, info or debug is expected",
                        a->log_level);
    if (a->log_format && !json && !orc_streq(a->log_format, "text"))
        return orc_fail(err, -EINVAL, "--log-format \"%s\": text or json is expected", a->log_format);
    orc_log_init(process, level, json);
    if (ret_level)
        *ret_level = level;
    return 0;
}

void orc_daemon_args_release(struct orc_daemon_args *a)
{
    free(a->log_level);
    free(a->log_format);
    free(a->config);
    free(a->metrics);
    *a = (struct orc_daemon_args){0};
}
