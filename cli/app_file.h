/* app_file.h - the Compose files named on the command line, read and parsed, or why not.
 *
 * Knows the disk, standard input and the process's environment; what files mean is specs/load.h's.
 */
#ifndef CLI_APP_FILE_H
#define CLI_APP_FILE_H

#include "cli/session.h"
#include "specs/load.h"

struct app_file_args { /* filled by the options of every command that takes files */
    struct orc_strv files, env_files, profiles;
};
/* clang-format off */
#define APP_FILE_OPTIONS(a)                                                                                    \
    {.name = "file", .letter = 'f', .kind = ORC_OPT_STRV, .value = &(a)->files, .meta = "FILE",                \
     .help = "a Compose file more, over those before it; may be repeated; \"-\" is standard input"},           \
    {.name = "env-file", .kind = ORC_OPT_STRV, .value = &(a)->env_files, .meta = "FILE",                       \
     .help = "variables for the files, in place of the .env beside the first one; may be repeated"},           \
    {.name = "profile", .kind = ORC_OPT_STRV, .value = &(a)->profiles, .meta = "NAME",                         \
     .help = "with the services of this profile; may be repeated; \"*\" is every one"}
/* clang-format on */
void app_file_args_release(struct app_file_args *a);

/* Puts the command line's word, which is a file, too, before those of --file. -EINVAL when there are several
 * words, or no file at all where one is needed. `command`: "orc apply", for what is said then. */
int app_file_args_take(struct app_file_args *a, const struct orc_strv *words, const char *command,
                       bool needed, struct orc_err *err);

struct app_file {
    struct spec_app *app;
    char *text;                /* as written (struct spec_load) */
    json_t *notices;           /* for the document that -o json prints; NULL: none */
    struct spec_problems said; /* what there was to say of the files, and their marks */
};
void app_file_release(struct app_file *f);

/* Compose's rule: without `name:` the app is called like the folder of the first file. Notices are said on
 * stderr. 0 and *ret; negative: something can't be read or is wrong. Then all is said, as cmd_end() does and
 * with each problem's place, and err is empty. */
int app_file_read(const struct app_file_args *files, const struct session_args *args, struct app_file *ret,
                  struct orc_err *err);

/* Shows on stderr where in the files the marks are (specs/problems.h), of which `text` holds. The same for
 * the document that -o json prints, or NULL. */
json_t *app_file_point(const struct app_file *f, const struct orc_strv *marks, const char *text);

#endif
