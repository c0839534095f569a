/* Any bytes as service files with an environment, and as a stored service. A libFuzzer target (clang's
 * -fsanitize=fuzzer); with files as arguments it runs those alone.
 *
 * A line "#### NAME" begins another file, so that what has none is one file: a.yaml. Those whose names begin
 * with "-" are named by the user, too; "#### " alone begins the process's environment, a NAME=value in a
 * line.
 *
 * Beside memory faults it looks for broken promises: an app or complaints, never both; each has a place and
 * can be shown; what the parser accepts the reader of stored JSON accepts, and it comes out the same. */
#include "cli/problem.h"
#include "cli/text.h"
#include "specs/load.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void promise(bool kept, const char *what, const char *detail)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s: %s\n", what, detail);
    abort();
}

static void check_service(const struct spec_service *s)
{
    orc_auto_free char *text = spec_service_text(s), *again = NULL;
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *reread = orc_json_parse(text, strlen(text), &err);
    orc_auto(spec_service_free_p) struct spec_service *back = NULL;

    promise(reread != NULL, "the JSON form can be parsed", err.msg);
    back = spec_service_from_json(reread, &err);
    promise(back != NULL, "an accepted service can be read back", err.msg);
    again = spec_service_text(back);
    promise(strcmp(text, again) == 0, "JSON loses nothing", text);
}

#define PARTS_MAX 20
#define MARK "#### "

struct part {
    char *name, *text;
};

struct input {
    struct part parts[PARTS_MAX];
    size_t n;
};

static void add_part(struct input *in, const char *name, size_t name_len, const char *text, size_t n)
{
    struct part *p = &in->parts[in->n++];

    p->name = orc_strndup(name, name_len);
    p->text = orc_calloc(n + 2, 1); /* as a list of strings it ends with an empty one */
    memcpy(p->text, text, n);
}

/* Where the next mark begins, at the beginning of a line; `end` when there is none. */
static const char *next_mark(const char *s, const char *end)
{
    for (; (size_t)(end - s) > strlen(MARK); s++)
        if (s[0] == '\n' && memcmp(s + 1, MARK, strlen(MARK)) == 0)
            return s + 1;
    return end;
}

static void split(const char *text, size_t n, struct input *ret)
{
    const char *end = text + n, *next = next_mark(text, end);

    add_part(ret, "a.yaml", 6, text, (size_t)(next - text));
    while (next < end && ret->n < PARTS_MAX) {
        const char *name = next + strlen(MARK);
        const char *line = memchr(name, '\n', (size_t)(end - name));

        if (!line)
            return;
        next = next_mark(line, end);
        add_part(ret, name, (size_t)(line - name), line + 1, next > line ? (size_t)(next - line - 1) : 0);
    }
}

static int read_part(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                     struct orc_err *err)
{
    const struct input *in = arg;

    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->parts[i].name, path) == 0) {
            *ret = orc_strdup(in->parts[i].text);
            *ret_n = strlen(*ret);
            return 0;
        }
    return orc_fail(err, -ENOENT, "there is no such file");
}

static const char *find_variable(void *arg, const char *name)
{
    const struct input *in = arg;
    size_t n = strlen(name);

    for (size_t i = 1; i < in->n; i++)
        for (char *s = *in->parts[i].name ? NULL : in->parts[i].text; s && *s; s += strlen(s) + 1)
            if (strncmp(s, name, n) == 0 && s[n] == '=')
                return s + n + 1;
    return NULL;
}

/* The environment's lines become strings of their own, and an empty one ends them. */
static void cut_lines(struct input *in)
{
    for (size_t i = 1; i < in->n; i++)
        for (char *s = in->parts[i].text; !*in->parts[i].name && *s; s++)
            if (*s == '\n')
                *s = '\0';
}

static void check_problems(const struct spec_problem *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        orc_auto_free char *text = problem_text(&all[i], "", 80), *safe = text_safe(all[i].text);

        promise(all[i].line >= 0 && all[i].column >= 0 && all[i].file, "a complaint has a place",
                all[i].text);
        promise(all[i].line == 0 || (all[i].column > 0 && all[i].length > 0), "... in its file", all[i].text);
        promise(strstr(text, safe) != NULL, "a complaint can be shown", text);
    }
}

static void try_files(struct input *in)
{
    struct spec_problems problems = {0};
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;
    orc_auto_free char *text = NULL;
    struct spec_load l = {
        .default_name = "fuzz", .read = read_part, .variable = find_variable, .arg = in, .ret_text = &text};
    int r;

    orc_strv_add(&l.files, in->parts[0].name);
    for (size_t i = 1; i < in->n; i++)
        if (in->parts[i].name[0] == '-' && in->parts[i].name[1])
            orc_strv_add(&l.files, in->parts[i].name);
    r = spec_load(&l, &app, &problems);
    promise((r == 0) == (app != NULL) && (r == 0) == (problems.n == 0), "an app or complaints", "");
    promise((r == 0) == (text != NULL), "the text of what is accepted", "");
    check_problems(problems.at, problems.n);
    check_problems(problems.notices.at, problems.notices.n);
    for (size_t i = 0; app && i < app->services.n; i++)
        check_service(app->services.at[i]);
    spec_problems_release(&problems);
    orc_strv_release(&l.files);
}

static void try_yaml(const char *text, size_t n)
{
    struct input in = {0};

    split(text, n, &in);
    cut_lines(&in);
    try_files(&in);
    for (size_t i = 0; i < in.n; i++) {
        free(in.parts[i].name);
        free(in.parts[i].text);
    }
}

static void try_json(const char *text, size_t n)
{
    orc_auto_json json_t *j = orc_json_parse(text, n, NULL);
    orc_auto(spec_service_free_p) struct spec_service *s = j ? spec_service_from_json(j, NULL) : NULL;

    if (s)
        check_service(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1); /* of exactly this size, so that a step too far is seen */

    if (!text)
        return 0;
    memcpy(text, data, n);
    text[n] = '\0';
    try_yaml(text, n);
    if (n > 0 && text[0] == '{')
        try_json(text, n);
    free(text);
    return 0;
}
