/* The whole way: files and variables, one tree, the app. */
#include "specs/load_internal.h"

#include "lib/buf.h"
#include "specs/check.h"
#include "specs/interpolate.h"

#define COMPARED_MAX 1000000 /* values of what is included twice */
enum { MARK_MERGED = SPEC_MARK_SETTLED + 1, MARK_COMPLETE };

/* The loader ------------------------------------------------------------------------------------------ */

static void release_file(struct load_file *f)
{
    struct load_service *s, *next;

    HASH_ITER (hh, f->services, s, next) {
        HASH_DEL(f->services, s);
        free(s);
    }
    spec_doc_free(f->doc);
    free(f->path);
    free(f);
}

static void release(struct loader *l)
{
    for (size_t i = 0; i < l->files.n; i++)
        release_file(l->files.at[i]);
    for (size_t i = 0; i < l->envs.n; i++) {
        spec_env_release(l->envs.at[i]);
        free(l->envs.at[i]);
    }
    spec_doc_free(l->merge.pool);
    for (size_t i = 0; i < l->sources.n; i++)
        spec_source_free(l->sources.at[i]);
    orc_vec_release(&l->files);
    orc_vec_release(&l->envs);
    orc_vec_release(&l->sources);
}

/* Variables ------------------------------------------------------------------------------------------- */

/* The app's name goes before all others (COMPOSE_PROJECT_NAME is what Compose calls it), then what is
 * outside, then files. */
static void make_env(struct loader *l, const char *dir)
{
    struct spec_env *app = load_env(l, NULL);
    orc_auto_free char *usual = load_path(dir, ".env");

    l->env = load_env(l, app);
    l->env->outside = l->ask->variable;
    l->env->arg = l->ask->arg;
    for (size_t i = 0; i < l->ask->env_files.n; i++)
        load_env_file(l, NULL, l->ask->env_files.at[i], false, l->env);
    if (!l->ask->env_files.n && l->ask->read)
        load_env_file(l, NULL, usual, true, l->env);
}

/* What the last file says that says it; what is wrong with it says who reads it. */
static void name_app(struct loader *l, struct load_file *const *files, size_t n)
{
    struct spec_filled filled = {0};
    const struct spec_node *name = NULL;
    struct spec_place nowhere = {0};
    const char *text = l->ask->default_name;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *one = spec_node_get(files[i]->doc->root, "name");

        name = one && one->kind == SPEC_NODE_SCALAR ? one : name;
    }
    if (name && spec_interpolate(name->text, l->env, SPEC_TEXT_MAX, &filled, NULL) == 0)
        text = filled.text;
    if (text && *text)
        spec_env_set(l->envs.at[0], "COMPOSE_PROJECT_NAME", text, &nowhere);
    spec_filled_release(&filled);
}

/* The tree -------------------------------------------------------------------------------------------- */

/* However files and aliases multiply what is written: no more than one file may hold. */
static bool check_size(struct loader *l, struct spec_node *root, unsigned mark)
{
    spec_node_measure(root, mark);
    if (root->height > SPEC_DEPTH_MAX)
        load_say(l, root, "values are nested more than %d deep in these files together", SPEC_DEPTH_MAX);
    else if (root->weight > SPEC_VALUES_MAX)
        load_say(l, root,
                 "there are more than 100000 values in these files together, with what they extend and "
                 "include; write less");
    else if (root->bytes > SPEC_TEXTS_MAX)
        load_say(l, root,
                 "there are more than 4 MiB of text in these files together, with variables filled in; "
                 "write less");
    else
        return true;
    return false;
}

static void read_tree(struct loader *l, struct load_file *const *files, size_t n, struct spec_app **ret_app)
{
    struct spec_node *root = load_files(l, files, n, NULL, NULL);

    if (l->merge.made > SPEC_MERGED_MAX) /* and what came of it is not what was meant */
        return;
    spec_merge_settle(root);
    if (!check_size(l, root, MARK_MERGED))
        return;
    root = load_configs(l, load_seccomp(l, load_environments(l, load_profiles(l, root))));
    if (check_size(l, root, MARK_COMPLETE))
        spec_parse_tree(root, l->ask->default_name, ret_app, l->problems);
}

static void read_all(struct loader *l, struct spec_app **ret_app)
{
    const struct orc_strv *names = &l->ask->files;
    orc_auto_free char *dir = load_dir(names->at[0]);
    struct load_file **files = orc_calloc(names->n, sizeof(struct load_file *));
    size_t n = 0;

    make_env(l, dir);
    for (size_t i = 0; i < names->n; i++) {
        files[n] = load_open(l, NULL, names->at[i], dir, l->env);
        n += files[n] != NULL;
    }
    if (n == names->n) {
        name_app(l, files, n);
        read_tree(l, files, n, ret_app);
    }
    free(files);
}

/* The text -------------------------------------------------------------------------------------------- */

static char *join_texts(const struct loader *l)
{
    struct orc_buf b = ORC_BUF_INIT(2 * SPEC_LOAD_BYTES_MAX);

    if (l->files.n == 1)
        return orc_strndup(l->files.at[0]->source->text, l->files.at[0]->source->n);
    for (size_t i = 0; i < l->files.n; i++) {
        const struct spec_source *s = l->files.at[i]->source;

        orc_buf_printf(&b, "# ---- %s\n", s->name);
        orc_buf_add(&b, s->text, s->n);
        if (s->n && s->text[s->n - 1] != '\n')
            orc_buf_putc(&b, '\n');
    }
    return orc_buf_take(&b);
}

int spec_load(const struct spec_load *ask, struct spec_app **ret_app, struct spec_problems *problems)
{
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;
    struct loader l = {.ask = ask,
                       .problems = problems,
                       .merge = {.pool = orc_new(struct spec_doc), .problems = problems},
                       .compare = COMPARED_MAX};

    read_all(&l, &app);
    if (app && !problems->n && ask->ret_text)
        *ask->ret_text = join_texts(&l);
    release(&l);
    spec_problems_sort(problems);
    if (problems->n)
        return -EINVAL;
    *ret_app = orc_take(app);
    return 0;
}

/* One text -------------------------------------------------------------------------------------------- */

struct text {
    const char *text;
    size_t n;
};

static int read_it(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                   struct orc_err *err)
{
    const struct text *t = arg;

    if (!named || *path)
        return orc_fail(err, -ENOENT, "no other file can be read here");
    *ret = orc_calloc(t->n + 1, 1);
    memcpy(*ret, t->text, t->n);
    *ret_n = t->n;
    return 0;
}

int spec_parse(const char *text, size_t n, const char *default_name, struct spec_app **ret_app,
               struct spec_problems *problems)
{
    struct text t = {text, n};
    char *name = (char *)"";
    struct spec_load l = {
        .files = {.at = &name, .n = 1}, .default_name = default_name, .read = read_it, .arg = &t};

    return spec_load(&l, ret_app, problems);
}
