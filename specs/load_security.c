/* security_opt: a seccomp profile in place of its file's name. */
#include "specs/check.h"
#include "specs/check_rights.h"
#include "specs/load_internal.h"

/* Behind "seccomp=" or "seccomp:", the name of a file; NULL: it is no such option. */
static const char *profile_path(const struct spec_node *n)
{
    const char *s = n->kind == SPEC_NODE_SCALAR && !n->broken ? n->text : "";

    if (strncmp(s, "seccomp", 7) != 0 || (s[7] != '=' && s[7] != ':'))
        return NULL;
    s += 8;
    return !*s || *s == '{' || strcmp(s, "unconfined") == 0 ? NULL : s;
}

/* False (said): it is no text that could be a profile, or there have been too many. */
static bool may_hold(struct loader *l, const struct spec_node *n, const struct spec_source *source)
{
    bool was = l->profiles > SPEC_TEXTS_MAX;

    if (source->n > SPEC_SECCOMP_MAX || memchr(source->text, '\0', source->n)) {
        load_say(l, n, "%s is no seccomp profile: that is a JSON object of at most %d bytes",
                 spec_quote(source->name).text, SPEC_SECCOMP_MAX);
        return false;
    }
    l->profiles += source->n;
    if (l->profiles > SPEC_TEXTS_MAX && !was)
        load_say(l, n, "there are more than 4 MiB of seccomp profiles up to here; write less");
    return l->profiles <= SPEC_TEXTS_MAX;
}

static struct spec_node *take_profile(struct loader *l, struct spec_node *n, const char *name)
{
    orc_auto_free char *path = load_path(n->source->dir, name), *text = NULL;
    struct spec_place at = spec_node_place(n);
    struct spec_source *source;

    if (load_text(l, n, path, false, &source) < 0 || !may_hold(l, n, source))
        return NULL;
    text = orc_concat("seccomp=", source->text + strspn(source->text, " \t\r\n"));
    return spec_doc_add_text(l->merge.pool, text, &at);
}

static bool names_profile(const struct spec_node *options)
{
    for (size_t i = 0; options->kind == SPEC_NODE_LIST && i < options->entries.n; i++)
        if (profile_path(options->entries.at[i].value))
            return true;
    return false;
}

static struct spec_node *complete_service(struct loader *l, struct spec_node *service)
{
    const struct spec_entry *e = spec_node_entry(service, "security_opt");
    struct spec_node *all;

    if (!e || e->value->entries.n > SPEC_LIST_MAX || !names_profile(e->value))
        return service;
    all = spec_doc_add(l->merge.pool, SPEC_NODE_LIST, e->value);
    for (size_t i = 0; i < e->value->entries.n; i++) {
        struct spec_entry one = e->value->entries.at[i];
        const char *path = profile_path(one.value);

        if (path)
            one.value = take_profile(l, one.value, path);
        if (one.value)
            orc_vec_push(&all->entries, one);
    }
    return spec_merge_with(&l->merge, service, e->key, all);
}

struct spec_node *load_seccomp(struct loader *l, struct spec_node *root)
{
    return load_each_service(l, root, complete_service);
}
