/* load.h - from the files that a user names to the app that they describe.
 *
 * Reads Compose files with all that belongs to them: variables and `.env`, several files one over another,
 * extends, include, profiles, env_file, seccomp profiles; then parse.h takes over. It must not know a disk or
 * a process: files and variables come through two functions, so that tests and fuzzers need neither.
 *
 * Paths: those of the files named by the user start from the folder of the first of them (Compose's project
 * directory), those of an extended file from its own, those of an included one from its project_directory,
 * else its own.
 *
 * Hostile input is bounded, beside what doc.h, interpolate.h, dotenv.h and merge.h bound: the numbers below.
 */
#ifndef SPECS_LOAD_H
#define SPECS_LOAD_H

#include "specs/env.h"
#include "specs/parse.h"

#define SPEC_LOAD_FILES_MAX 100
#define SPEC_LOAD_BYTES_MAX (4 * SPEC_FILE_MAX) /* of all files together */
#define SPEC_LOAD_DEPTH_MAX 10                  /* files and services that lead to one another */

/* Reads a whole file of at most `max` bytes; *ret (freed by the caller) is NUL-terminated behind *ret_n
 * bytes. `named`: the user named it, on the command line. 0; -ENOENT: there is none; -EISDIR: it is a folder;
 * else negative. err does not repeat the path. */
typedef int spec_read_file_fn(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                              struct orc_err *err);

struct spec_load {
    struct orc_strv files;      /* at least one; "-" is standard input, whatever `read` takes for it */
    struct orc_strv env_files;  /* in place of the `.env` beside the first file */
    struct orc_strv profiles;   /* none: those of the variable COMPOSE_PROFILES; "*": all */
    const char *default_name;   /* the app's name where no file has `name:`; NULL: then that is refused */
    spec_read_file_fn *read;    /* NULL: nothing can be read but the text below */
    spec_variable_fn *variable; /* the process's environment; NULL: there is none */
    void *arg;                  /* of both */
    char **ret_text; /* NULL: not wanted; else what was written in the Compose files that were read, freed by
                        the caller: of several one after another, each below a comment with its name */
};

/* 0 and *ret_app (freed by the caller), perhaps with notices; or -EINVAL with at least one problem.
 * `problems` is empty before. */
int spec_load(const struct spec_load *l, struct spec_app **ret_app, struct spec_problems *problems);

/* One text by itself: nothing outside, no variable and no other file. The problems name no file. Otherwise as
 * spec_load(). */
int spec_parse(const char *text, size_t n, const char *default_name, struct spec_app **ret_app,
               struct spec_problems *problems);

#endif
