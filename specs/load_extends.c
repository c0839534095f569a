/* extends: a service over another one, of the same file or of another. */
#include "lib/buf.h"
#include "lib/options.h"
#include "specs/check.h"
#include "specs/load_internal.h"

#define STEPS_MAX                                                                                            \
    1000 /* for the stack's sake; what is said of depth does not depend on where a chain was entered */

/* Circles --------------------------------------------------------------------------------------------- */

static bool same_step(const struct load_step *a, const struct load_step *b)
{
    return strcmp(a->file->path, b->file->path) == 0 && orc_streq(a->service, b->service);
}

static void put_step(struct orc_buf *b, const struct load_step *s)
{
    if (s->service)
        orc_buf_printf(b, "\"%s\" of ", spec_quote(s->service).text);
    orc_buf_puts(b, spec_quote(s->file->source->name).text);
}

/* From `first` on to `last`, which leads to it again. */
static void put_circle(struct orc_buf *b, const struct load_step *first, const struct load_step *last)
{
    if (last != first) {
        put_circle(b, first, last->from);
        orc_buf_puts(b, " -> ");
    }
    put_step(b, last);
}

bool load_check_step(struct loader *l, const struct load_step *from, int max)
{
    struct orc_buf circle = ORC_BUF_INIT(8192);
    int depth = 0;

    for (const struct load_step *s = from->from; s; s = s->from, depth++)
        if (same_step(s, from)) {
            put_circle(&circle, s, from);
            load_say(l, from->at, "%s goes round in a circle: %s", from->service ? "extends" : "include",
                     orc_buf_str(&circle));
            orc_buf_release(&circle);
            return false;
        }
    if (depth <= max)
        return true;
    load_say(l, from->at, "files and services that lead to one another are more than %d deep here", max);
    return false;
}

/* The base -------------------------------------------------------------------------------------------- */

/* What `extends:` names. */
struct base {
    const struct spec_node *service, *file; /* scalars; file NULL: the same */
};

static bool is_name(const struct spec_node *n)
{
    return n && n->kind == SPEC_NODE_SCALAR && !spec_node_is_null(n) && *n->text;
}

static bool read_base(struct loader *l, const struct spec_node *extends, struct base *ret)
{
    *ret = (struct base){.service = extends};
    if (extends->kind == SPEC_NODE_MAP) {
        ret->service = spec_node_get(extends, "service");
        ret->file = spec_node_get(extends, "file");
        for (size_t i = 0; i < extends->entries.n; i++) {
            const struct spec_node *key = extends->entries.at[i].key;

            if (strcmp(key->text, "service") != 0 && strcmp(key->text, "file") != 0)
                load_may_ignore(l, key, "extends", (const char *[]){"service", "file", NULL});
        }
    }
    if (is_name(ret->service) && (!ret->file || is_name(ret->file)))
        return !ret->service->broken && !(ret->file && ret->file->broken);
    load_say(l, extends, "extends must be the name of a service, or {service: NAME, file: FILE}");
    return false;
}

static struct load_file *open_base(struct loader *l, struct load_file *f, const struct base *b)
{
    orc_auto_free char *path = NULL, *dir = NULL;
    struct load_file *other;

    if (!b->file)
        return f;
    path = load_path(f->source->dir, b->file->text);
    dir = load_dir(path);
    other = load_open(l, b->file, path, dir, f->source->env);
    if (other)
        load_fill(l, other);
    return other;
}

static const struct spec_entry *find_service(struct loader *l, const struct load_file *f,
                                             const struct spec_node *at, const char *name)
{
    const struct spec_node *services = spec_node_get(f->doc->root, "services");
    const struct spec_entry *e = services ? spec_node_entry(services, name) : NULL;
    const char **names, *near;
    size_t n = services && services->kind == SPEC_NODE_MAP ? services->entries.n : 0;

    if (e || l->problems->n >= SPEC_PROBLEMS_MAX) /* then nobody will read what is near */
        return e;
    names = orc_calloc(n + 1, sizeof *names);
    for (size_t i = 0; i < n && n <= SPEC_SERVICES_MAX; i++)
        names[i] = services->entries.at[i].key->text;
    near = strlen(name) <= SPEC_NAME_MAX ? orc_nearest(name, names) : NULL;
    load_say(l, at, "there is no service \"%s\" in %s to extend%s%s%s", spec_quote(name).text,
             f->source->name, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    free(names);
    return NULL;
}

/* Following ------------------------------------------------------------------------------------------- */

static struct load_service *follow(struct loader *l, struct load_file *f, const struct spec_entry *e,
                                   const struct load_step *from);

/* What fails is said, and leaves the service as it is, "extends" with it: what it lacks its base may have. */
static struct spec_node *extend(struct loader *l, struct load_file *f, const struct spec_entry *e,
                                const struct spec_node *extends, const struct load_step *from, int *depth)
{
    struct spec_node *own = spec_merge_without(&l->merge, e->value, "extends");
    const struct spec_entry *base_entry;
    const struct load_service *base;
    struct load_step step = {.from = from};
    struct base b;

    if (!read_base(l, extends, &b))
        return e->value;
    step.at = b.service;
    step.service = b.service->text;
    step.file = open_base(l, f, &b);
    if (!step.file || !load_check_step(l, &step, STEPS_MAX))
        return e->value;
    base_entry = find_service(l, step.file, b.service, b.service->text);
    if (!base_entry)
        return e->value;
    base = follow(l, (struct load_file *)(uintptr_t)step.file, base_entry, &step);
    *depth = base->depth + 1;
    if (*depth > SPEC_LOAD_DEPTH_MAX)
        load_say(l, extends, "services that extend one another are more than %d deep here",
                 SPEC_LOAD_DEPTH_MAX);
    if (*depth > SPEC_LOAD_DEPTH_MAX || base->node->kind != SPEC_NODE_MAP)
        return e->value;
    return spec_merge_services(&l->merge, base->node, own);
}

/* `from` leads to this service. */
static struct load_service *follow(struct loader *l, struct load_file *f, const struct spec_entry *e,
                                   const struct load_step *from)
{
    const struct spec_node *extends;
    struct load_service *s = NULL;
    struct spec_node *node = e->value;
    int depth = 0;

    HASH_FIND_STR(f->services, e->key->text, s);
    if (s)
        return s;
    extends = spec_node_get(e->value, "extends");
    if (extends && extends->tag != SPEC_TAG_RESET)
        node = extend(l, f, e, extends, from, &depth);
    s = orc_new(struct load_service);
    s->name = e->key->text;
    s->node = node;
    s->depth = depth;
    HASH_ADD_KEYPTR(hh, f->services, s->name, strlen(s->name), s);
    return s;
}

struct spec_node *load_extended(struct loader *l, struct load_file *f, const struct load_step *from)
{
    struct spec_node *root = f->doc->root;
    const struct spec_entry *all = spec_node_entry(root, "services");
    struct spec_node *services;
    bool changed = false;

    if (!all || all->value->kind != SPEC_NODE_MAP || all->value->entries.n > SPEC_SERVICES_MAX)
        return root; /* what is wrong with it says who reads it */
    services = spec_doc_add(l->merge.pool, SPEC_NODE_MAP, all->value);
    services->tag = all->value->tag;
    for (size_t i = 0; i < all->value->entries.n; i++) {
        struct spec_entry e = all->value->entries.at[i];
        struct load_step step = {.from = from, .at = e.key, .file = f, .service = e.key->text};

        e.value = follow(l, f, &e, &step)->node;
        changed = changed || e.value != all->value->entries.at[i].value;
        orc_vec_push(&services->entries, e);
    }
    return changed ? spec_merge_with(&l->merge, root, all->key, services) : root;
}
