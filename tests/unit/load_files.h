/* Files and variables of a story for the tests of the loader: no disk, no process. */
#ifndef TESTS_UNIT_LOAD_FILES_H
#define TESTS_UNIT_LOAD_FILES_H

#include "lib/buf.h"
#include "tests/unit/spec_test.h"

struct load_text {
    const char *path, *text; /* text NULL: it is a folder */
};

struct load_story {
    struct load_text files[12]; /* the first is named by the user, as are all with a "-" before their path */
    const char *variables[8];   /* "NAME=value" */
    const char *profile, *env_file; /* NULL: none */
    const char *name;               /* the default */
    char **ret_text;
};

static inline const char *story_path(const struct load_text *f)
{
    return f->path + (*f->path == '-' && f->path[1]);
}

static inline int story_read(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                             struct orc_err *err)
{
    const struct load_story *s = arg;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(s->files) && s->files[i].path; i++)
        if (strcmp(story_path(&s->files[i]), path) == 0 && !s->files[i].text)
            return orc_fail(err, -EISDIR, "it is a folder");
        else if (strcmp(story_path(&s->files[i]), path) == 0) {
            *ret = orc_strdup(s->files[i].text);
            *ret_n = strlen(*ret);
            return 0;
        }
    return orc_fail(err, -ENOENT, "there is no such file");
}

static inline const char *story_variable(void *arg, const char *name)
{
    const struct load_story *s = arg;
    size_t n = strlen(name);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(s->variables) && s->variables[i]; i++)
        if (strncmp(s->variables[i], name, n) == 0 && s->variables[i][n] == '=')
            return s->variables[i] + n + 1;
    return NULL;
}

static inline int story_load(const struct load_story *s, struct spec_app **ret,
                             struct spec_problems *problems)
{
    struct spec_load l = {.default_name = s->name ? s->name : "shop",
                          .read = story_read,
                          .variable = story_variable,
                          .arg = (void *)(uintptr_t)s,
                          .ret_text = s->ret_text};
    int r;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(s->files) && s->files[i].path; i++)
        if (i == 0 || story_path(&s->files[i]) != s->files[i].path)
            orc_strv_add(&l.files, story_path(&s->files[i]));
    if (s->profile)
        orc_strv_add(&l.profiles, s->profile);
    if (s->env_file)
        orc_strv_add(&l.env_files, s->env_file);
    r = spec_load(&l, ret, problems);
    orc_strv_release(&l.files);
    orc_strv_release(&l.profiles);
    orc_strv_release(&l.env_files);
    return r;
}

/* The app's name and the stored form of each service, a line each. */
static inline void put_app(struct orc_buf *b, const struct spec_app *app)
{
    orc_buf_printf(b, "%s\n", app->name);
    for (size_t i = 0; i < app->services.n; i++) {
        orc_auto_free char *text = spec_service_text(app->services.at[i]);

        orc_buf_printf(b, "%s\n", text);
    }
}

static inline void put_problems(struct orc_buf *b, const struct spec_problem *all, size_t n, const char *kind)
{
    for (size_t i = 0; i < n; i++)
        orc_buf_printf(b, "%s:%d:%d: %s%s\n", all[i].file, all[i].line, all[i].column, kind, all[i].text);
}

/* The app, if there is one; then "file:line:column: text", a line for each notice (with "notice: " before the
 * text; `silent`: none of them) and problem. Freed by the caller. */
static inline char *story_result(const struct load_story *s, bool silent)
{
    struct spec_problems problems = {0};
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;
    struct orc_buf b = ORC_BUF_INIT(16 * SPEC_FILE_MAX);
    int r = story_load(s, &app, &problems);

    assert_int_equal(r, problems.n ? -EINVAL : 0);
    assert_int_equal(app == NULL, problems.n > 0);
    if (app)
        put_app(&b, app);
    put_problems(&b, problems.notices.at, silent ? 0 : problems.notices.n, "notice: ");
    put_problems(&b, problems.at, problems.n, "");
    spec_problems_release(&problems);
    return orc_buf_take(&b);
}

static inline char *story_told(const struct load_story *s)
{
    return story_result(s, false);
}

static inline void assert_told(const struct load_story *s, const char *expected)
{
    orc_auto_free char *got = story_told(s);

    assert_string_equal(got, expected);
}

#endif
