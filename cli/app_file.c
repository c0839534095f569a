#include "cli/app_file.h"

#include "cli/cmd.h"
#include "cli/zones.h"

#include "lib/file.h"

#include <stdio.h>
#include <string.h>

static char *default_name(const char *path)
{
    orc_auto_free char *real = realpath(path, NULL);
    char *slash = real ? strrchr(real, '/') : NULL;

    if (!slash)
        return NULL;
    *slash = '\0';
    slash = strrchr(real, '/');
    return slash && slash[1] ? orc_strdup(slash + 1) : NULL;
}

static int read_stdin(char **ret, size_t *ret_n, struct orc_err *err)
{
    orc_auto_free char *data = orc_calloc(SPEC_FILE_MAX + 2, 1);

    *ret_n = fread(data, 1, SPEC_FILE_MAX + 1, stdin);
    if (ferror(stdin))
        return orc_fail_errno(err, errno, "standard input can't be read");
    if (*ret_n > SPEC_FILE_MAX)
        return orc_fail(err, -EFBIG, "standard input holds more than %d bytes, the most that is accepted",
                        SPEC_FILE_MAX);
    *ret = orc_take(data);
    return 0;
}

/* What goes before ":line:column". */
static const char *shown_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "stdin" : path;
}

static int parse(const char *path, struct spec_app **ret, char **ret_yaml, struct spec_problems *problems,
                 struct orc_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    orc_auto_free char *name = standard ? NULL : default_name(path);
    orc_auto_free char *text = NULL;
    size_t n;
    int r = standard ? read_stdin(&text, &n, err) : orc_file_read(path, SPEC_FILE_MAX, &text, &n, err);

    if (r < 0)
        return r;
    r = spec_parse(text, n, name, ret, problems);
    if (r < 0)
        return orc_fail(err, r, "%s was not applied: %zu problem%s; nothing was written",
                        standard ? "standard input" : path, problems->n, problems->n == 1 ? "" : "s");
    r = zones_check(*ret, ORC_ZONE_DIR, err);
    if (r < 0) {
        *ret = spec_app_free(*ret);
        orc_wrap(err, "%s was not applied", standard ? "standard input" : path);
        return r;
    }
    *ret_yaml = orc_take(text);
    return 0;
}

/* On stderr a line each, as compilers print it. */
static void say_problems(const char *path, const struct spec_problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        fprintf(stderr, "%s:%d:%d: %s\n", shown_name(path), problems->at[i].line, problems->at[i].column,
                problems->at[i].text);
}

static json_t *problems_to_json(const char *path, const struct spec_problems *problems)
{
    json_t *all = problems->n ? json_array() : NULL;

    for (size_t i = 0; i < problems->n; i++) {
        const struct spec_problem *p = &problems->at[i];

        json_array_append_new(all, json_pack("{s:s, s:i, s:i, s:s}", "file", shown_name(path), "line",
                                             p->line, "column", p->column, "text", p->text));
    }
    return all;
}

int app_file_read(const char *path, const struct session_args *args, struct spec_app **ret, char **ret_yaml,
                  struct orc_err *err)
{
    struct spec_problems problems = {0};
    int r = parse(path, ret, ret_yaml, &problems, err);

    if (r < 0) {
        say_problems(path, &problems);
        cmd_end(args, CLI_USAGE, err, problems_to_json(path, &problems));
        err->msg[0] = '\0';
    }
    spec_problems_release(&problems);
    return r;
}
