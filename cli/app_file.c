#include "cli/app_file.h"

#include "cli/cmd.h"
#include "cli/problem.h"
#include "cli/zones.h"

#include "lib/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Arguments ------------------------------------------------------------------------------------------- */

void app_file_args_release(struct app_file_args *a)
{
    orc_strv_release(&a->files);
    orc_strv_release(&a->env_files);
    orc_strv_release(&a->profiles);
}

static bool has_empty(const struct orc_strv *names)
{
    for (size_t i = 0; i < names->n; i++)
        if (!*names->at[i])
            return true;
    return false;
}

int app_file_args_take(struct app_file_args *a, const struct orc_strv *words, const char *command,
                       bool needed, struct orc_err *err)
{
    struct orc_strv all = {0};

    if (words->n > 1)
        return orc_fail(err, -EINVAL, "name the files that go over the first one with -f: %s %s -f %s",
                        command, words->at[0], words->at[1]);
    if (needed && !words->n && !a->files.n)
        return orc_fail(err, -EINVAL, "name the file: %s service.yaml (\"-\" reads standard input)", command);
    if ((words->n && !*words->at[0]) || has_empty(&a->files) || has_empty(&a->env_files))
        return orc_fail(err, -EINVAL, "the name of a file is empty; is a variable not set?");
    if (words->n)
        orc_strv_add(&all, words->at[0]);
    for (size_t i = 0; i < a->files.n; i++)
        orc_strv_add(&all, a->files.at[i]);
    orc_strv_release(&a->files);
    a->files = all;
    return 0;
}

void app_file_release(struct app_file *f)
{
    spec_app_free(f->app);
    free(f->text);
    json_decref(f->notices);
    spec_problems_release(&f->said);
    *f = (struct app_file){0};
}

/* The outside ----------------------------------------------------------------------------------------- */

static char *default_name(const char *path)
{
    orc_auto_free char *real = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;

    if (!slash)
        return NULL;
    *slash = '\0';
    slash = strrchr(real, '/');
    return slash && slash[1] ? orc_strdup(slash + 1) : NULL;
}

static int read_stdin(size_t max, char **ret, size_t *ret_n, struct orc_err *err)
{
    orc_auto_free char *data = orc_calloc(max + 2, 1);

    *ret_n = fread(data, 1, max + 1, stdin);
    if (ferror(stdin))
        return orc_fail_errno(err, errno, "it can't be read");
    if (*ret_n > max)
        return orc_fail(err, -EFBIG, "it holds more than %zu bytes, the most that is accepted", max);
    *ret = orc_take(data);
    return 0;
}

/* Files that only other files name are files: nothing there makes a command wait for a pipe or read a disk.
 */
static int check_kind(const char *path, bool named, struct orc_err *err)
{
    struct stat st;

    if (stat(path, &st) < 0) /* else opening it says why */
        return errno == ENOENT
                   ? orc_fail(err, -ENOENT, "there is no such file; mend the path, or put it there")
                   : 0;
    if (S_ISDIR(st.st_mode))
        return orc_fail(err, -EISDIR, "it is a folder; name a file in it");
    if (named || S_ISREG(st.st_mode) || strcmp(path, "/dev/null") == 0)
        return 0;
    return orc_fail(err, -EINVAL, "it is no regular file");
}

static int read_file(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                     struct orc_err *err)
{
    size_t n = strlen(path);
    int r;

    if (named && strcmp(path, "-") == 0)
        return read_stdin(max, ret, ret_n, err);
    r = check_kind(path, named, err);
    if (r < 0)
        return r;
    r = orc_file_read(path, max, ret, ret_n, err);
    if (r < 0 && strncmp(err->msg, path, n) == 0 && strncmp(err->msg + n, ": ", 2) == 0)
        memmove(err->msg, err->msg + n + 2, strlen(err->msg + n + 2) + 1);
    return r;
}

static const char *variable(void *arg, const char *name)
{
    return getenv(name);
}

/* Saying ---------------------------------------------------------------------------------------------- */

static void say(const struct spec_problem *all, size_t n, const char *kind, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        orc_auto_free char *text = problem_text(&all[i], kind, width);

        fputs(text, stderr);
    }
    if (n == SPEC_PROBLEMS_MAX)
        fprintf(stderr, "These are %d; there may be more.\n", SPEC_PROBLEMS_MAX);
}

/* On stderr, as compilers do it: what refuses nothing first. */
static void say_all(const struct spec_problems *problems, const struct session_args *args)
{
    struct out o;

    out_init(&o, false, false);
    if (!args->quiet)
        say(problems->notices.at, problems->notices.n, "notice: ", o.width);
    say(problems->at, problems->n, "", o.width);
}

static json_t *all_to_json(const struct spec_problems *problems)
{
    json_t *all = problem_list_to_json(problems->at, problems->n, "error");
    json_t *notices = problem_list_to_json(problems->notices.at, problems->notices.n, "notice");

    if (all && notices)
        json_array_extend(all, notices);
    json_decref(notices);
    return all;
}

/* "shop.yaml", "shop.yaml with 2 files more" */
static char *describe(const struct app_file_args *files)
{
    const char *first = strcmp(files->files.at[0], "-") == 0 ? "standard input" : files->files.at[0];
    size_t more = files->files.n - 1;

    if (!more)
        return orc_strdup(first);
    return orc_printf("%s with %zu file%s more", first, more, more == 1 ? "" : "s");
}

/* The whole ------------------------------------------------------------------------------------------- */

static int load(const struct app_file_args *files, struct app_file *ret, struct spec_problems *problems,
                struct orc_err *err)
{
    orc_auto_free char *name = default_name(files->files.at[0]), *what = describe(files);
    const struct spec_load l = {.files = files->files,
                                .env_files = files->env_files,
                                .profiles = files->profiles,
                                .default_name = name,
                                .read = read_file,
                                .variable = variable,
                                .ret_text = &ret->text};
    int r = spec_load(&l, &ret->app, problems);

    if (r < 0)
        return orc_fail(err, r, "%s can't be used: %zu problem%s; nothing was written", what, problems->n,
                        problems->n == 1 ? "" : "s");
    r = zones_check(ret->app, ORC_ZONE_DIR, err);
    if (r < 0)
        orc_wrap(err, "%s can't be used", what);
    return r;
}

int app_file_read(const struct app_file_args *files, const struct session_args *args, struct app_file *ret,
                  struct orc_err *err)
{
    int r = load(files, ret, &ret->said, err);

    say_all(&ret->said, args);
    if (r < 0) {
        cmd_end(args, CLI_USAGE, err, all_to_json(&ret->said));
        err->msg[0] = '\0';
        app_file_release(ret);
    } else {
        ret->notices = problem_list_to_json(ret->said.notices.at, ret->said.notices.n, "notice");
    }
    return r;
}

json_t *app_file_point(const struct app_file *f, const struct orc_strv *marks, const char *text)
{
    ORC_VEC(struct spec_problem) found = {0};
    json_t *j;
    struct out o;

    for (size_t i = 0; i < f->said.marks.n; i++)
        for (size_t k = 0; k < marks->n; k++)
            if (orc_streq(marks->at[k], f->said.marks.at[i].text)) {
                orc_vec_push(&found, f->said.marks.at[i]);
                found.at[found.n - 1].text = (char *)(uintptr_t)text;
                break;
            }
    out_init(&o, false, false);
    say(found.at, found.n, "", o.width);
    j = problem_list_to_json(found.at, found.n, "error");
    orc_vec_release(&found);
    return j;
}
