/* configs of the top level: what is in a file or a variable in place of its name. */
#include "specs/check.h"
#include "specs/load_internal.h"
#include "specs/utf8.h"

/* False (said): there have been too many, or it is none that can be stored. */
static bool may_hold(struct loader *l, const struct spec_node *n, const char *text, size_t size)
{
    bool was = l->configs > SPEC_TEXTS_MAX;

    l->configs += size;
    if (l->configs > SPEC_TEXTS_MAX && !was)
        load_say(l, n, "there are more than 4 MiB of configs up to here; write less");
    if (l->configs > SPEC_TEXTS_MAX)
        return false;
    for (size_t i = 0; i < size;) {
        size_t len = text[i] ? spec_utf8_len(text + i, size - i) : 0;

        if (!len) {
            load_say(l, n,
                     "byte %zu of this config is no UTF-8 text, which is all that orc stores; put it into an "
                     "image or a volume",
                     i + 1);
            return false;
        }
        i += len;
    }
    return true;
}

static struct spec_node *of_file(struct loader *l, const struct spec_node *n)
{
    orc_auto_free char *path = NULL;
    struct spec_place at = spec_node_place(n);
    struct spec_source *source;

    if (n->kind != SPEC_NODE_SCALAR || spec_node_is_null(n) || !*n->text) {
        if (!n->broken)
            load_say(l, n, "file must name a file");
        return NULL;
    }
    path = load_path(n->source->dir, n->text);
    if (n->broken || load_text(l, n, path, false, &source) < 0 || !may_hold(l, n, source->text, source->n))
        return NULL;
    return spec_doc_add_text(l->merge.pool, source->text, &at);
}

static struct spec_node *of_variable(struct loader *l, const struct spec_node *n)
{
    const char *value = n->kind == SPEC_NODE_SCALAR ? spec_env_get(n->source->env, n->text) : NULL;
    struct spec_place at = spec_node_place(n);

    if (n->broken)
        return NULL; /* said */
    if (!value) {
        load_say(l, n, "variable \"%s\" is not set; set it in the environment or in .env",
                 n->kind == SPEC_NODE_SCALAR ? spec_quote(n->text).text : "");
        return NULL;
    }
    return may_hold(l, n, value, strlen(value)) ? spec_doc_add_text(l->merge.pool, value, &at) : NULL;
}

/* {file: PATH} or {environment: NAME} as {content: TEXT}; what is said of stays as it is. */
static struct spec_node *complete(struct loader *l, struct spec_node *config)
{
    const struct spec_entry *file = spec_node_entry(config, "file");
    const struct spec_entry *variable = spec_node_entry(config, "environment");
    const struct spec_entry *from = file ? file : variable;
    struct spec_node *content, *key;
    struct spec_place at;

    if (!from)
        return config;
    if ((file && variable) || spec_node_get(config, "content")) {
        load_say(l, from->key, "a config has one of file, environment and content; remove the others");
        return config;
    }
    content = file ? of_file(l, file->value) : of_variable(l, variable->value);
    if (!content)
        return config;
    at = spec_node_place(from->key);
    key = spec_doc_add_text(l->merge.pool, "content", &at);
    config = spec_merge_without(&l->merge, config, from->key->text);
    return spec_merge_with(&l->merge, config, key, content);
}

struct spec_node *load_configs(struct loader *l, struct spec_node *root)
{
    const struct spec_entry *configs = spec_node_entry(root, "configs");
    struct spec_node *all;

    if (!configs || configs->value->kind != SPEC_NODE_MAP || configs->value->entries.n > SPEC_LIST_MAX)
        return root;
    all = spec_doc_add(l->merge.pool, SPEC_NODE_MAP, configs->value);
    for (size_t i = 0; i < configs->value->entries.n; i++) {
        struct spec_entry e = configs->value->entries.at[i];

        e.value = complete(l, e.value);
        orc_vec_push(&all->entries, e);
    }
    return spec_merge_with(&l->merge, root, configs->key, all);
}
