/* app_file.h - a Compose file as named on the command line, read and parsed, or why not. */
#ifndef CLI_APP_FILE_H
#define CLI_APP_FILE_H

#include "cli/session.h"
#include "specs/parse.h"

/* `path` "-" reads standard input. Compose's rule: without `name:` the app is called like the file's folder.
 * 0 with *ret (spec_app_free) and *ret_yaml (free), the text as read. Negative: it can't be read, or
 * something is wrong in it. Then all is said, as cmd_end() does and with each problem's place, and err is
 * empty. */
int app_file_read(const char *path, const struct session_args *args, struct spec_app **ret, char **ret_yaml,
                  struct orc_err *err);

#endif
