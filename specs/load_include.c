/* Several files one over another, and include. */
#include "specs/check.h"
#include "specs/load_internal.h"

/* One element of `include:`. */
struct include {
    const struct spec_node *at; /* its path, the first one */
    struct orc_strv paths, env_files;
    char *project_directory; /* NULL: the first path's */
};

static void include_release(struct include *i)
{
    orc_strv_release(&i->paths);
    orc_strv_release(&i->env_files);
    free(i->project_directory);
}

/* Reading it ------------------------------------------------------------------------------------------ */

static bool refuse(struct loader *l, const struct spec_node *n, const char *text)
{
    load_say(l, n, "%s", text);
    return false;
}

/* A path or a list of them; *ret_first (NULL: not wanted) is the node of the first. */
static bool read_paths(struct loader *l, const struct load_file *f, const struct spec_node *n,
                       struct orc_strv *ret, const struct spec_node **ret_first)
{
    size_t many = n->kind == SPEC_NODE_LIST ? n->entries.n : 1;

    for (size_t i = 0; i < many; i++) {
        const struct spec_node *path = n->kind == SPEC_NODE_LIST ? n->entries.at[i].value : n;
        orc_auto_free char *full = NULL;

        if (path->broken)
            return false;
        if (path->kind != SPEC_NODE_SCALAR || spec_node_is_null(path) || !*path->text)
            return refuse(l, path, "this must be a file's path, or a list of them");
        if (i >= SPEC_LOAD_FILES_MAX)
            return refuse(l, path, "there are more than 100 files in this list");
        if (i == 0 && ret_first)
            *ret_first = path;
        full = load_path(f->source->dir, path->text);
        orc_strv_add(ret, full);
    }
    return many > 0 || refuse(l, n, "this list is empty; name a file in it");
}

static bool read_key(struct loader *l, const struct load_file *f, const struct spec_entry *e,
                     struct include *ret)
{
    struct orc_strv dir = {0};
    bool good = true;

    if (strcmp(e->key->text, "path") == 0)
        return read_paths(l, f, e->value, &ret->paths, &ret->at);
    if (strcmp(e->key->text, "env_file") == 0)
        return read_paths(l, f, e->value, &ret->env_files, NULL);
    if (strcmp(e->key->text, "project_directory") != 0)
        return load_may_ignore(l, e->key, "include",
                               (const char *[]){"path", "project_directory", "env_file", NULL});
    good = read_paths(l, f, e->value, &dir, NULL);
    if (good)
        orc_set_str(&ret->project_directory, dir.at[0]);
    orc_strv_release(&dir);
    return good;
}

static bool read_include(struct loader *l, const struct load_file *f, const struct spec_node *n,
                         struct include *ret)
{
    bool good = true;

    if (n->kind != SPEC_NODE_MAP)
        good = read_paths(l, f, n, &ret->paths, &ret->at);
    for (size_t i = 0; n->kind == SPEC_NODE_MAP && i < n->entries.n; i++)
        good = read_key(l, f, &n->entries.at[i], ret) && good;
    if (good && !ret->paths.n)
        good = refuse(l, n, "this include has no \"path\"; give the file that is to be included");
    if (good && !ret->project_directory)
        ret->project_directory = load_dir(ret->paths.at[0]);
    return good;
}

/* Including ------------------------------------------------------------------------------------------- */

/* The variables of what is included: those outside, then its own files'. */
static const struct spec_env *make_env(struct loader *l, const struct load_file *f, const struct include *i)
{
    struct spec_env *env = load_env(l, f->source->env);
    orc_auto_free char *usual = load_path(i->project_directory, ".env");

    for (size_t k = 0; k < i->env_files.n; k++)
        load_env_file(l, i->at, i->env_files.at[k], false, env);
    if (!i->env_files.n)
        load_env_file(l, i->at, usual, true, env);
    return env->vars ? env : f->source->env; /* without any of its own a file is the same as elsewhere */
}

static struct spec_node *load_included(struct loader *l, struct load_file *f, const struct include *i,
                                       const struct load_step *from)
{
    const struct spec_env *env = make_env(l, f, i);
    struct load_file **files = orc_calloc(i->paths.n, sizeof *files);
    struct spec_node *root = NULL;
    size_t n = 0;

    for (size_t k = 0; k < i->paths.n; k++) {
        struct load_step step = {.from = from, .at = i->at};

        files[n] = load_open(l, i->at, i->paths.at[k], i->project_directory, env);
        step.file = files[n];
        n += files[n] && load_check_step(l, &step, SPEC_LOAD_DEPTH_MAX);
    }
    if (n == i->paths.n)
        root = load_files(l, files, n, i->at, from);
    free(files);
    return root;
}

/* Puts the included file's parts beside the file's own. */
static struct spec_node *add_sections(struct loader *l, struct spec_node *root,
                                      const struct spec_node *included)
{
    static const struct {
        const char *key, *what;
    } sections[] = {{"services", "service"},
                    {"networks", "network"},
                    {"volumes", "volume"},
                    {"configs", "config"},
                    {"secrets", "secret"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(sections); i++) {
        const struct spec_entry *from = spec_node_entry(included, sections[i].key);
        struct spec_node *mine = spec_node_get(root, sections[i].key);

        if (!from)
            continue;
        if (mine && !spec_node_is_null(mine))
            mine = spec_merge_beside(&l->merge, mine, from->value, sections[i].what, &l->compare);
        else
            mine = from->value;
        root = spec_merge_with(&l->merge, root, from->key, mine);
    }
    return root;
}

static struct spec_node *include_one(struct loader *l, struct load_file *f, struct spec_node *root,
                                     const struct spec_node *n, const struct load_step *from)
{
    orc_auto(include_release) struct include i = {.at = n};
    const struct spec_node *included = read_include(l, f, n, &i) ? load_included(l, f, &i, from) : NULL;

    return included ? add_sections(l, root, included) : root;
}

static struct spec_node *include_all(struct loader *l, struct load_file *f, struct spec_node *root,
                                     const struct load_step *from)
{
    const struct spec_node *include = spec_node_get(root, "include");
    bool list = include && include->kind == SPEC_NODE_LIST;
    size_t n = list ? include->entries.n : 1;

    if (!include || spec_node_is_null(include) || include->tag == SPEC_TAG_RESET)
        return root;
    for (size_t i = 0; i < n && i < SPEC_LOAD_FILES_MAX; i++)
        root = include_one(l, f, root, list ? include->entries.at[i].value : include, from);
    if (n > SPEC_LOAD_FILES_MAX)
        refuse(l, include, "there are more than 100 files in this list");
    return spec_merge_without(&l->merge, root, "include");
}

struct spec_node *load_files(struct loader *l, struct load_file *const *files, size_t n,
                             const struct spec_node *at, const struct load_step *from)
{
    struct spec_node *root = NULL;

    for (size_t i = 0; i < n; i++) {
        struct load_step step = {.from = from, .at = at, .file = files[i]};

        load_fill(l, files[i]);
        if (!files[i]->tree)
            files[i]->tree = include_all(l, files[i], load_extended(l, files[i], &step), &step);
        root = root ? spec_merge_files(&l->merge, root, files[i]->tree) : files[i]->tree;
    }
    return root;
}
