/* env_file and environment, label_file and labels: one mapping of names to values for each service, wherever
 * they come from. */
#include "specs/check.h"
#include "specs/load_internal.h"

/* What files give a service, and the key that has the whole in the end. */
struct subject {
    const char *files, *into, *form;
    bool variables; /* of which one without a value is what it is outside */
};
static const struct subject environment = {"env_file", "environment", "\"PATH\", or {path: PATH}", true},
                            labels = {"label_file", "labels", "\"PATH\", or a list of them", false};

/* the files ------------------------------------------------------------------------------------------- */

struct env_file {
    const struct spec_node *path;
    bool required;
    enum spec_dotenv format;
};

static bool read_key(struct loader *l, const struct spec_entry *e, struct env_file *ret)
{
    const char *text = e->value->kind == SPEC_NODE_SCALAR ? e->value->text : "";

    if (strcmp(e->key->text, "path") == 0) {
        ret->path = e->value;
    } else if (strcmp(e->key->text, "required") == 0) {
        ret->required = strcasecmp(text, "false") != 0;
        if (ret->required && strcasecmp(text, "true") != 0) {
            load_say(l, e->value, "required must be true or false");
            return false;
        }
    } else if (strcmp(e->key->text, "format") == 0) {
        ret->format = strcmp(text, "raw") == 0 ? SPEC_DOTENV_RAW : SPEC_DOTENV_COMPOSE;
        if (ret->format != SPEC_DOTENV_RAW) {
            load_say(l, e->value,
                     "the one format that can be named is \"raw\"; leave it out for Compose's own");
            return false;
        }
    } else {
        return load_may_ignore(l, e->key, "env_file", (const char *[]){"path", "required", "format", NULL});
    }
    return true;
}

/* "PATH"; of variables also {path: PATH, required: false, format: raw} */
static bool read_file(struct loader *l, const struct subject *what, const struct spec_node *n,
                      struct env_file *ret)
{
    bool good = true, map = n->kind == SPEC_NODE_MAP && what->variables;

    *ret = (struct env_file){.path = map ? NULL : n, .required = true};
    for (size_t i = 0; map && i < n->entries.n; i++)
        good = read_key(l, &n->entries.at[i], ret) && good;
    if (good && (!ret->path || ret->path->kind != SPEC_NODE_SCALAR || spec_node_is_null(ret->path) ||
                 !*ret->path->text)) {
        load_say(l, ret->path ? ret->path : n, "%s must name a file: %s", what->files, what->form);
        good = false;
    }
    return good && !ret->path->broken;
}

static void add_file(struct loader *l, const struct subject *what, const struct spec_node *n,
                     struct spec_env *into)
{
    struct spec_source *source;
    struct env_file f;
    orc_auto_free char *path = NULL;

    if (!read_file(l, what, n, &f))
        return;
    path = load_path(f.path->source->dir, f.path->text);
    if (load_text(l, f.path, path, !f.required, &source) < 0)
        return;
    into->outer = f.path->source->env;
    load_dotenv(l, f.path, source, f.format, into);
}

static void add_each(struct loader *l, const struct subject *what, const struct spec_node *n,
                     struct spec_env *into)
{
    if (n->kind != SPEC_NODE_LIST)
        add_file(l, what, n, into);
    else if (n->entries.n > SPEC_LIST_MAX)
        load_say(l, n, "%s has %zu elements; at most %d are possible", what->files, n->entries.n,
                 SPEC_LIST_MAX);
    else
        for (size_t i = 0; i < n->entries.n; i++)
            add_file(l, what, n->entries.at[i].value, into);
}

#define NOT_SET "variable \"%s\" has no value here and is not set outside either, so it is left out"

/* False (said once): files have given all services together more than any of them may hold. */
static bool add_files(struct loader *l, const struct subject *what, const struct spec_node *n,
                      struct spec_env *into)
{
    bool was = l->given > SPEC_VALUES_MAX;

    if (!was)
        add_each(l, what, n, into);
    l->given += HASH_COUNT(into->vars);
    if (l->given > SPEC_VALUES_MAX && !was)
        load_say(l, n, "%s gives the services more than %d values up to here; write less", what->files,
                 SPEC_VALUES_MAX);
    return l->given <= SPEC_VALUES_MAX;
}

/* the whole ------------------------------------------------------------------------------------------- */

/* A name without a value: what it has outside, or it is left out. */
static struct spec_node *take_from_outside(struct loader *l, const struct spec_node *name)
{
    const char *value = spec_env_get(name->source->env, name->text);
    struct spec_place at = spec_node_place(name);
    struct orc_err err = ORC_ERR_INIT;

    if (value && spec_env_check(name->text, value, &err) < 0) {
        load_say(l, name, "%s", err.msg);
        return NULL;
    }
    if (!value)
        load_note(l, name, NOT_SET "; set it in the environment or in .env", spec_quote(name->text).text);
    return value ? spec_doc_add_text(l->merge.pool, value, &at) : NULL;
}

/* Of the service's own mapping, nothing behind a key included. */
static void add_entry(struct loader *l, const struct subject *what, const struct spec_entry *e,
                      struct spec_node *into)
{
    struct spec_entry entry = *e;

    if (what->variables && spec_node_is_null(e->value))
        entry.value = take_from_outside(l, e->key);
    if (entry.value)
        orc_vec_push(&into->entries, entry);
}

static void add_var(struct loader *l, const struct spec_var *v, struct spec_node *into)
{
    struct spec_entry e = {.key = spec_doc_add_text(l->merge.pool, v->name, &v->place)};

    if (!v->value) {
        spec_problems_note(l->problems, &v->place, NOT_SET, spec_quote(v->name).text);
        return;
    }
    e.value = spec_doc_add_text(l->merge.pool, v->value, &v->place);
    orc_vec_push(&into->entries, e);
}

/* What files gave and the service itself does not, in the order of the files. */
static void add_vars(struct loader *l, const struct spec_env *files, const struct spec_node *given,
                     struct spec_node *into)
{
    struct spec_env own = {0};
    struct spec_place nowhere = {0};
    struct spec_var *v, *next;

    for (size_t i = 0; given && i < given->entries.n; i++)
        spec_env_set(&own, given->entries.at[i].key->text, "", &nowhere);
    HASH_ITER (hh, files->vars, v, next)
        if (!spec_env_get(&own, v->name))
            add_var(l, v, into);
    spec_env_release(&own);
}

/* Does it name one without a value? */
static bool has_bare(const struct spec_node *given)
{
    for (size_t i = 0; given && i < given->entries.n; i++) {
        const struct spec_node *v = given->entries.at[i].value;

        if (v->kind == SPEC_NODE_SCALAR &&
            (given->kind == SPEC_NODE_MAP ? spec_node_is_null(v) : !strchr(v->text, '=')))
            return true;
    }
    return false;
}

/* The service with one mapping for all; `key` is its key. */
static struct spec_node *complete(struct loader *l, const struct subject *what, struct spec_node *service,
                                  const struct spec_node *key, struct spec_node *own,
                                  const struct spec_node *files)
{
    struct spec_node *given = own ? spec_merge_pairs(&l->merge, own) : NULL;
    struct spec_node *into = spec_doc_add(l->merge.pool, SPEC_NODE_MAP, key);
    struct spec_env vars = {0};

    if (own && !given)
        return service; /* said */
    if (!files || add_files(l, what, files, &vars))
        add_vars(l, &vars, given, into);
    for (size_t i = 0; given && i < given->entries.n; i++)
        add_entry(l, what, &given->entries.at[i], into);
    spec_env_release(&vars);
    return spec_merge_with(&l->merge, service, key, into);
}

static struct spec_node *complete_key(struct loader *l, const struct subject *what, struct spec_node *service)
{
    const struct spec_entry *files = spec_node_entry(service, what->files);
    const struct spec_entry *own = spec_node_entry(service, what->into);
    struct spec_node *given = own && !spec_node_is_null(own->value) ? own->value : NULL;
    struct spec_node *key = own ? own->key : NULL;
    struct spec_place at;

    if (given && given->kind == SPEC_NODE_SCALAR)
        return service; /* what is wrong with it says who reads it */
    if (!files && !(what->variables && has_bare(given)))
        return service;
    if (!key) {
        at = spec_node_place(files->key);
        key = spec_doc_add_text(l->merge.pool, what->into, &at);
    }
    return complete(l, what, service, key, given, files ? files->value : NULL);
}

static struct spec_node *complete_service(struct loader *l, struct spec_node *service)
{
    return complete_key(l, &labels, complete_key(l, &environment, service));
}

struct spec_node *load_each_service(struct loader *l, struct spec_node *root,
                                    struct spec_node *(*complete_one)(struct loader *, struct spec_node *))
{
    const struct spec_entry *services = spec_node_entry(root, "services");
    struct spec_node *all;

    if (!services || services->value->kind != SPEC_NODE_MAP || services->value->entries.n > SPEC_SERVICES_MAX)
        return root;
    all = spec_doc_add(l->merge.pool, SPEC_NODE_MAP, services->value);
    for (size_t i = 0; i < services->value->entries.n; i++) {
        struct spec_entry e = services->value->entries.at[i];

        e.value = complete_one(l, e.value);
        orc_vec_push(&all->entries, e);
    }
    return spec_merge_with(&l->merge, root, services->key, all);
}

struct spec_node *load_environments(struct loader *l, struct spec_node *root)
{
    return load_each_service(l, root, complete_service);
}
