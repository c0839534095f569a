/* Files read once, and variables filled in. */
#include "lib/buf.h"
#include "lib/options.h"
#include "specs/check.h"
#include "specs/interpolate.h"
#include "specs/load_internal.h"

#define DOTENV_BYTES_MAX (8 * SPEC_FILE_MAX)
#define VALUES_MAX (3 * SPEC_VALUES_MAX) /* keys are values here */

/* Paths ----------------------------------------------------------------------------------------------- */

char *load_dir(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return NULL;
    return slash == path ? orc_strdup("/") : orc_strndup(path, (size_t)(slash - path));
}

/* The end of the path in `to` without its last part, if that may go: "a/b" -> "a"; "/" stays. */
static char *up(char *from, char *to)
{
    char *part = to;

    if (to == from + 1 && *from == '/')
        return to;
    while (part > from && part[-1] != '/')
        part--;
    if (part == to || (to - part == 2 && memcmp(part, "..", 2) == 0))
        return NULL;
    return part > from + 1 ? part - 1 : part;
}

/* "a/./b/../c" -> "a/c", by the names alone, as Compose does. In place. */
static void clean(char *path)
{
    char *from = path, *to = path, *shorter;
    const char *s = path;

    if (*s == '/')
        *to++ = *s++;
    while (*s) {
        size_t n = strcspn(s, "/");

        shorter = n == 2 && memcmp(s, "..", 2) == 0 ? up(from, to) : NULL;
        if (shorter) {
            to = shorter;
        } else if (n > 0 && !(n == 1 && *s == '.')) {
            if (to > from && to[-1] != '/')
                *to++ = '/';
            memmove(to, s, n);
            to += n;
        }
        s += n + (s[n] == '/');
    }
    *to = '\0';
}

char *load_path(const char *dir, const char *path)
{
    char *joined = *path == '/' || !dir ? orc_strdup(path) : orc_concat(dir, "/", path);

    clean(joined);
    if (*joined && strcmp(joined, "-") != 0)
        return joined;
    path = *joined ? "./-" : "."; /* "-" alone would be standard input */
    orc_set_str(&joined, path);
    return joined;
}

/* Texts ----------------------------------------------------------------------------------------------- */

static void refuse(struct loader *l, const struct spec_node *at, const char *path, const char *text)
{
    struct spec_source named = {.name = (char *)(uintptr_t)path, .order = (int)l->sources.n + 1};
    struct spec_place place = {.source = &named};

    if (at)
        load_say(l, at, "%s: %s", spec_quote(path).text, text);
    else
        spec_problems_add(l->problems, &place, "%s", text);
}

bool load_may_ignore(struct loader *l, const struct spec_node *key, const char *what, const char **known)
{
    const char *near = strlen(key->text) <= SPEC_NAME_MAX ? orc_nearest(key->text, known) : NULL;
    struct orc_buf list = ORC_BUF_INIT(256);

    if (strncmp(key->text, "x-", 2) == 0)
        return true;
    for (size_t i = 0; known[i]; i++)
        orc_buf_printf(&list, "%s%s", i ? ", " : "", known[i]);
    load_say(l, key, "unknown key \"%s\" in %s; %s%s%s", spec_quote(key->text).text, what,
             near ? "did you mean \"" : "known are: ", near ? near : orc_buf_str(&list), near ? "\"?" : "");
    orc_buf_release(&list);
    return false;
}

/* Within what may be read at all? */
static int check_budget(struct loader *l, const struct spec_node *at, const char *path)
{
    if (l->sources.n < SPEC_LOAD_FILES_MAX && l->bytes <= SPEC_LOAD_BYTES_MAX)
        return 0;
    refuse(
        l, at, path,
        "more than 100 files or 4 MiB belong to this up to here; a cluster's services are described by less");
    return -EINVAL;
}

static int read_text(struct loader *l, const struct spec_node *at, const char *path, bool absent,
                     struct spec_source **ret)
{
    orc_auto(spec_source_free_p) struct spec_source *source = orc_new(struct spec_source);
    struct orc_err err = ORC_ERR_INIT;
    int r = check_budget(l, at, path);

    if (r < 0)
        return r;
    if (!l->ask->read)
        r = orc_fail(&err, -EINVAL, "no other file can be read here");
    else
        r = l->ask->read(l->ask->arg, path, !at && !absent, SPEC_FILE_MAX, &source->text, &source->n, &err);
    if (absent && (r == -ENOENT || r == -EISDIR)) /* `.env` is also what a folder may be called */
        return -ENOENT;
    if (r == -ENOENT && at && at->kind == SPEC_NODE_SCALAR && strstr(at->text, "://"))
        load_say(l, at, "%s: orc fetches no files; get it, and name it where it is then",
                 spec_quote(at->text).text);
    else if (r < 0)
        refuse(l, at, path, err.msg);
    if (r < 0)
        return -EINVAL;
    l->bytes += source->n;
    source->name = orc_strdup(strcmp(path, "-") == 0 ? "stdin" : path);
    source->order = (int)l->sources.n + 1;
    *ret = source;
    orc_vec_push(&l->sources, orc_take(source));
    return 0;
}

int load_text(struct loader *l, const struct spec_node *at, const char *path, bool absent,
              struct spec_source **ret)
{
    for (size_t i = 0; i < l->sources.n; i++)
        if (!l->sources.at[i]->env && strcmp(l->sources.at[i]->name, path) == 0) {
            *ret = l->sources.at[i];
            return 0;
        }
    return read_text(l, at, path, absent, ret);
}

/* Compose files --------------------------------------------------------------------------------------- */

static struct load_file *find_file(const struct loader *l, const char *path, const char *dir,
                                   const struct spec_env *env)
{
    for (size_t i = 0; i < l->files.n; i++) {
        struct load_file *f = l->files.at[i];

        if (f->source->env == env && strcmp(f->path, path) == 0 && orc_streq(f->source->dir, dir))
            return f;
    }
    return NULL;
}

/* What the files hold before anything is merged takes memory, too. */
static void check_values(struct loader *l, struct load_file *f)
{
    l->values += f->doc ? f->doc->nodes.n : 0;
    if (f->doc && l->values > VALUES_MAX) {
        load_say(l, f->doc->root, "there are more than %d values in all files up to here; write less",
                 VALUES_MAX);
        f->doc = spec_doc_free(f->doc);
    }
}

struct load_file *load_open(struct loader *l, const struct spec_node *at, const char *path, const char *dir,
                            const struct spec_env *env)
{
    struct load_file *f = find_file(l, path, dir, env);
    struct spec_source *source;

    if (!f) {
        if (read_text(l, at, path, false, &source) < 0)
            return NULL;
        source->dir = orc_strdup(dir);
        source->env = env;
        f = orc_new(struct load_file);
        f->path = orc_strdup(path);
        f->source = source;
        orc_vec_push(&l->files, f);
        spec_doc_parse(source, &f->doc, l->problems);
        check_values(l, f);
    }
    return f->doc ? f : NULL;
}

/* Variables ------------------------------------------------------------------------------------------- */

/* The dollar sign of a scalar that is the i-th in its text: it is as well the i-th behind where the scalar
 * begins, unless one is written as an escape. */
static struct spec_place dollar_place(const struct spec_node *n, size_t at)
{
    struct spec_place place = spec_node_place(n), wanted = place;
    const char *s = n->source ? spec_source_at(n->source, n->line, n->column) : NULL;
    size_t dollars = 1;

    for (size_t i = 0; i < at; i++)
        dollars += n->text[i] == '$';
    for (; s && *s && dollars; s++) {
        if (*s == '$' && --dollars == 0)
            break;
        place.column = *s == '\n' ? 1 : place.column + ((*s & 0xc0) != 0x80);
        place.line += *s == '\n';
    }
    if (!s || *s != '$')
        return wanted;
    place.length = s[1] == '{' ? (int)strcspn(s, "}\n") + 1 : (int)spec_env_name_len(s + 1) + 1;
    return place;
}

static void say_unset(struct loader *l, const struct spec_node *n, const struct spec_unset *u)
{
    struct spec_place at;

    /* The place of one that nobody will read is not looked for. */
    if (n->alias || l->problems->notices.n >= SPEC_PROBLEMS_MAX)
        return;
    at = dollar_place(n, u->at);
    spec_problems_note(
        l->problems, &at,
        "variable \"%s\" is not set, so nothing is put in its place; set it in the environment or "
        "in .env, or write \"${%s:-default}\", or \"$$\" for a dollar sign",
        u->name, u->name);
}

/* What there is once all are filled in is bounded, too. */
static bool may_fill(struct loader *l, const struct spec_node *n, size_t bytes)
{
    bool was = l->filled > SPEC_TEXTS_MAX;

    l->filled += bytes;
    if (l->filled > SPEC_TEXTS_MAX && !was)
        load_say(l, n, "variables make more than 4 MiB of text up to here; write less");
    return l->filled <= SPEC_TEXTS_MAX;
}

static void take_filled(struct loader *l, struct spec_node *n, struct spec_filled *filled)
{
    for (size_t i = 0; i < filled->unset.n; i++)
        say_unset(l, n, &filled->unset.at[i]);
    free(n->text);
    n->text = orc_take(filled->text);
    n->plain = false; /* what variables make is a string, whatever it looks like, as in Compose */
}

static void fill_node(struct loader *l, struct spec_node *n)
{
    struct spec_filled filled = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct spec_place at;
    int r;

    if (n->kind != SPEC_NODE_SCALAR || n->is_key || !strchr(n->text, '$'))
        return;
    n->broken = l->filled > SPEC_TEXTS_MAX; /* that was said */
    if (n->broken)
        return;
    r = spec_interpolate(n->text, n->source->env, SPEC_TEXT_MAX, &filled, &err);
    if (r < 0 && !n->alias && l->problems->n < SPEC_PROBLEMS_MAX) {
        at = dollar_place(n, filled.wrong_at);
        spec_problems_add(l->problems, &at, "%s", err.msg);
    }
    n->broken = r < 0 || !may_fill(l, n, strlen(filled.text));
    if (!n->broken)
        take_filled(l, n, &filled);
    spec_filled_release(&filled);
}

void load_fill(struct loader *l, struct load_file *f)
{
    if (f->filled)
        return;
    f->filled = true;
    for (size_t i = 0; i < f->doc->nodes.n; i++)
        fill_node(l, f->doc->nodes.at[i]);
}

struct spec_env *load_env(struct loader *l, const struct spec_env *outer)
{
    struct spec_env *env = orc_new(struct spec_env);

    env->outer = outer;
    orc_vec_push(&l->envs, env);
    return env;
}

void load_env_file(struct loader *l, const struct spec_node *at, const char *path, bool absent,
                   struct spec_env *into)
{
    struct spec_source *source;

    if (load_text(l, at, path, absent, &source) == 0)
        load_dotenv(l, at, source, SPEC_DOTENV_COMPOSE, into);
}

void load_dotenv(struct loader *l, const struct spec_node *at, const struct spec_source *source,
                 enum spec_dotenv format, struct spec_env *into)
{
    bool was = l->dotenv > DOTENV_BYTES_MAX;

    l->dotenv += source->n;
    if (l->dotenv <= DOTENV_BYTES_MAX)
        spec_dotenv_parse(source, format, into, l->problems);
    else if (!was)
        refuse(
            l, at, source->name,
            "files of variables, each as often as it is named, have more than 8 MiB up to here; write less");
}
