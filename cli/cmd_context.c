/* cmd_context.c - `orc context`: clusters by name, so that nobody types addresses. */
#include "cli/cmd.h"
#include "cli/contexts.h"
#include "cli/print_lists.h"
#include "specs/yaml_write.h"

static const char usage[] = "orc context list | show [CONTEXT] | use CONTEXT | add NAME --etcd URL[,URL...] "
                            "[--cluster NAME] [--cacert FILE] [--cert FILE --key FILE] | rm CONTEXT";

struct doing {
    struct session_args *args;
    struct contexts contexts;
    struct out out;
    const char *name; /* NULL: none was given */
};

/* ---- looking ----------------------------------------------------------------------------------------- */

static int list(struct doing *d, struct orc_err *err)
{
    if (d->out.json)
        out_json(contexts_to_json(&d->contexts));
    else
        print_contexts(&d->out, &d->contexts, stdout);
    return 0;
}

static int show(struct doing *d, struct orc_err *err)
{
    const char *name = d->name ? d->name : d->contexts.current, *variable = getenv("ORC_ETCD");
    const struct context *x = name ? contexts_find(&d->contexts, name) : NULL;
    json_t *j;

    if (!name)
        return orc_fail(
            err, -ENOENT,
            "no context is the current one: `orc context use NAME` makes it so, `orc context add NAME "
            "--etcd URL` makes a new one");
    if (!x)
        return contexts_unknown(&d->contexts, name, err);
    if (!d->name && variable && *variable)
        fprintf(stderr, "orc: ORC_ETCD is set to %s, which counts more than this context\n", variable);
    j = json_object();
    orc_json_set_str(j, "name", name);
    json_object_update_new(j, context_to_json(x));
    if (d->out.json) {
        out_json(j);
    } else if (d->out.form == OUT_NAMES) {
        puts(name);
        json_decref(j);
    } else {
        yaml_write(j, stdout);
        json_decref(j);
    }
    return 0;
}

/* ---- changing ---------------------------------------------------------------------------------------- */

/* The current one, as a document or in a sentence. */
static int changed(struct doing *d, const char *what, struct orc_err *err)
{
    int r = contexts_save(&d->contexts, err);

    if (r < 0)
        return r;
    if (d->out.json)
        out_json(contexts_to_json(&d->contexts));
    else
        out_line(&d->out, "context %s %s", d->name, what);
    return 0;
}

static int use(struct doing *d, struct orc_err *err)
{
    if (!contexts_find(&d->contexts, d->name))
        return contexts_unknown(&d->contexts, d->name, err);
    orc_set_str(&d->contexts.current, d->name);
    return changed(d, "is the current one", err);
}

static int rm(struct doing *d, struct orc_err *err)
{
    bool current = orc_streq(d->contexts.current, d->name);

    if (!contexts_remove(&d->contexts, d->name))
        return contexts_unknown(&d->contexts, d->name, err);
    if (!current || !d->contexts.all.n)
        return changed(d, current ? "is removed, and was the only one" : "is removed", err);
    return changed(d, "is removed; none is the current one now: `orc context use NAME`", err);
}

/* A file's path as it is from everywhere. */
static int take_path(const char *option, const char *path, char **ret, struct orc_err *err)
{
    if (!path)
        return 0;
    *ret = realpath(path, NULL);
    return *ret ? 0 : orc_fail_errno(err, errno, "--%s %s", option, path);
}

/* Refuses what is no address, before it is written anywhere. */
static int check_address(struct doing *d, struct orc_err *err)
{
    struct session s;

    if (!d->args->store.etcd.n)
        return orc_fail(err, -EINVAL, "say where etcd is: orc context add %s --etcd URL", d->name);
    if (session_open(&s, d->args, err) < 0)
        return -EINVAL;
    session_close(&s);
    return 0;
}

static int add(struct doing *d, struct orc_err *err)
{
    bool there = contexts_find(&d->contexts, d->name) != NULL;
    bool cluster = d->args->store.cluster != NULL;
    const struct store_args *store = &d->args->store;
    struct context *x;

    if (spec_check_name("context name", d->name, err) < 0 || check_address(d, err) < 0)
        return -EINVAL;
    if (!there && d->contexts.all.n >= CONTEXTS_MAX)
        return orc_fail(err, -EINVAL, "there are %d contexts already: remove one with `orc context rm NAME`",
                        CONTEXTS_MAX);
    x = contexts_add(&d->contexts, d->name);
    orc_strv_copy(&x->etcd, &store->etcd);
    x->cluster = cluster ? orc_strdup(store->cluster) : NULL;
    if (take_path("cacert", store->cacert, &x->cacert, err) < 0 ||
        take_path("cert", store->cert, &x->cert, err) < 0 || take_path("key", store->key, &x->key, err) < 0)
        return -ENOENT;
    if (!d->contexts.current)
        orc_set_str(&d->contexts.current, d->name);
    return changed(d,
                   there ? "is changed"
                   : orc_streq(d->contexts.current, d->name)
                       ? "is made, and is the current one"
                       : "is made; `orc context use` makes it the current one",
                   err);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    size_t min_words, max_words; /* its own included */
    int (*run)(struct doing *d, struct orc_err *err);
    bool changes;
} verbs[] = {{"list", 1, 1, list, false},
             {"show", 1, 2, show, false},
             {"use", 2, 2, use, true},
             {"add", 2, 2, add, true},
             {"rm", 2, 2, rm, true}};

static int run(struct session_args *a, const struct orc_strv *words, struct orc_err *err)
{
    struct doing d = {.args = a, .name = words->n > 1 ? words->at[1] : NULL};
    orc_auto_close int lock = -1;
    enum out_form form;
    size_t i = 0;
    int r = 0;

    while (i < ORC_ARRAY_SIZE(verbs) && words->n && !orc_streq(words->at[0], verbs[i].name))
        i++;
    if (!words->n || i == ORC_ARRAY_SIZE(verbs) || words->n < verbs[i].min_words ||
        words->n > verbs[i].max_words) {
        orc_fail(err, -EINVAL, "say what to do with which context: %s", usage);
        return CLI_USAGE;
    }
    if (out_form_from_name(a->output, true, &form, err) < 0)
        return CLI_USAGE;
    out_init(&d.out, form, a->quiet);
    d.out.no_headings = a->no_headers;
    if (verbs[i].changes)
        r = lock = contexts_lock(err);
    if (r >= 0)
        r = contexts_load(&d.contexts, err);
    if (r == 0)
        r = verbs[i].run(&d, err);
    contexts_release(&d.contexts);
    return r == -EINVAL ? CLI_USAGE : r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_context(int argc, char **argv)
{
    struct session_args a = {.tables = true};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "quiet",
         .letter = 'q',
         .kind = ORC_OPT_BOOL,
         .value = &a.quiet,
         .help = "say only what failed"},
        SESSION_TABLE_OPTIONS(&a),
        {0},
    };
    int r = cmd_options(
        table, argc, argv, &words, usage,
        "Clusters by name, in ~/.config/orc/contexts.yaml ($XDG_CONFIG_HOME/orc/contexts.yaml). The "
        "current one is where commands go that are given neither --etcd nor ORC_ETCD; --context NAME "
        "chooses another for one command. add takes the address and what else the options or the "
        "environment say; of a name that is there it replaces all.");

    if (r < 0) {
        r = run(&a, &words, &err);
        cmd_end(&a, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a);
    return r;
}
