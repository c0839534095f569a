/* app_file.h - a Compose file as named on the command line, read and parsed, or why not. */
#ifndef CLI_APP_FILE_H
#define CLI_APP_FILE_H

#include "specs/parse.h"

/* `path` "-" reads standard input. Compose's rule: without `name:` the app is called like the file's folder.
 * 0 with *ret (spec_app_free) and *ret_yaml (free), the text as read. Negative with a sentence: the file
 * can't be read, or `problems` (released by the caller) says what is wrong in it, and where. */
int app_file_read(const char *path, struct spec_app **ret, char **ret_yaml, struct spec_problems *problems,
                  struct orc_err *err);

/* "stdin" for "-": what goes before ":line:column". */
const char *app_file_name(const char *path);

/* What is wrong in a file: on stderr a line each, as compilers print it; or a list for -o json (NULL: nothing
 * is). */
void app_file_say_problems(const char *path, const struct spec_problems *problems);
json_t *app_file_problems_json(const char *path, const struct spec_problems *problems);

#endif
