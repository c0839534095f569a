#include "cli/delta.h"

#include "cli/change.h"

/* A longer file, or one of which all copies together would be longer, is not kept beside each of its
 * services' revisions: whoever reads these reads it as often. */
#define YAML_MOST (128 * 1024)
#define YAML_COPIES_MOST (1024 * 1024)

const char *delta_kind_name(enum delta_kind k)
{
    static const char *const names[] = {
        [DELTA_SAME] = "none",         [DELTA_NEW] = "new",          [DELTA_CHANGED] = "changed",
        [DELTA_RESCALED] = "rescaled", [DELTA_LEFT] = "not-in-file", [DELTA_PRUNED] = "removed"};

    return names[k];
}

/* ---- the newest revisions, all found in one pass ------------------------------------------------------- */

struct newest { /* of one service */
    const char *service;
    int64_t n;                         /* also when it can't be read */
    const struct record_revision *rev; /* then NULL */
    UT_hash_handle hh;
};

static void note_revision(struct newest **all, const struct cluster_entry *e)
{
    struct newest *x = NULL;

    HASH_FIND_STR(*all, e->key.service, x);
    if (!x) {
        x = orc_new(struct newest);
        x->service = e->key.service;
        HASH_ADD_KEYPTR(hh, *all, x->service, strlen(x->service), x);
    }
    if (e->key.n > x->n) {
        x->n = e->key.n;
        x->rev = e->problem ? NULL : &e->as.revision;
    }
}

static struct newest *newest_of(const struct cluster *c, const char *app)
{
    struct newest *all = NULL;

    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_REVISION && orc_streq(e->key.app, app))
            note_revision(&all, e);
    return all;
}

static void newest_free(struct newest *all)
{
    struct newest *x, *next;

    HASH_ITER (hh, all, x, next) {
        HASH_DEL(all, x);
        free(x);
    }
}

/* ---- service by service -------------------------------------------------------------------------------- */

static bool is_revision(const struct cluster *c, const char *app, const char *service, int64_t n,
                        const char *hash)
{
    const struct cluster_entry *e = cluster_find(c, key_revision(c->name, app, service, n));

    return e && orc_streq(e->as.revision.hash, hash);
}

static bool says_how_many(const struct spec_service *spec)
{
    return spec->global || spec->job || spec->replicas != SPEC_REPLICAS_DEFAULT;
}

/* The spec is the one that is wanted already. Only the number of replicas may differ: the file's number ends
 * what `orc scale` said; a file without a number keeps it. */
static void take_same(struct record_app_service *now, struct delta_step *step)
{
    int said = step->spec->replicas;

    step->revision = now->revision;
    step->kind = DELTA_SAME;
    if (said != SPEC_REPLICAS_DEFAULT && now->replicas != SPEC_REPLICAS_DEFAULT && now->replicas != said) {
        now->replicas = SPEC_REPLICAS_DEFAULT;
        step->kind = DELTA_RESCALED;
    }
}

static void take_changed(const struct newest *all, struct delta *d, struct delta_step *step)
{
    struct record_app_service *now = change_service(&d->next, step->service);
    const struct newest *last = NULL;

    HASH_FIND_STR(all, step->service, last);
    step->kind = now ? DELTA_CHANGED : DELTA_NEW;
    step->revision = last ? last->n : 0;
    step->write = !last || !last->rev || !orc_streq(last->rev->hash, step->hash);
    if (step->write)
        step->revision++;
    if (!now)
        now = change_add(&d->next, step->service);
    else if (says_how_many(step->spec)) {
        step->again = step->spec->replicas != SPEC_REPLICAS_DEFAULT &&
                      now->replicas != SPEC_REPLICAS_DEFAULT && now->replicas != step->spec->replicas;
        now->replicas = SPEC_REPLICAS_DEFAULT;
    }
    now->revision = step->revision;
}

static void take_service(const struct cluster *c, const char *app, const struct newest *all,
                         const struct spec_service *spec, struct delta *d)
{
    struct delta_step *step = orc_vec_add(&d->steps);
    struct record_app_service *now = change_service(&d->next, spec->name);

    step->service = orc_strdup(spec->name);
    step->spec = spec;
    spec_service_hash(spec, step->hash, step->container_hash);
    if (now && is_revision(c, app, spec->name, now->revision, step->hash))
        take_same(now, step);
    else
        take_changed(all, d, step);
    d->changes += step->kind != DELTA_SAME;
}

void delta_build(const struct cluster *c, const struct spec_app *file, struct delta *ret)
{
    struct newest *all = newest_of(c, file->name);
    struct delta d = {0};

    change_copy(c, file->name, &d.next);
    for (size_t i = 0; i < file->services.n; i++)
        take_service(c, file->name, all, file->services.at[i], &d);
    newest_free(all);
    for (size_t i = 0; i < d.next.services.n; i++) {
        const struct record_app_service *s = &d.next.services.at[i];
        struct delta_step *step;

        if (spec_app_service(file, s->name))
            continue;
        step = orc_vec_add(&d.steps);
        *step =
            (struct delta_step){.service = orc_strdup(s->name), .kind = DELTA_LEFT, .revision = s->revision};
        d.left++;
    }
    *ret = d;
}

void delta_prune(struct delta *d)
{
    struct delta_step *s;

    orc_vec_each (s, &d->steps)
        if (s->kind == DELTA_LEFT) {
            change_remove(&d->next, s->service);
            s->kind = DELTA_PRUNED;
            d->changes++;
        }
    d->left = 0;
}

void delta_release(struct delta *d)
{
    struct delta_step *s;

    orc_vec_each (s, &d->steps)
        free(s->service);
    orc_vec_release(&d->steps);
    record_app_release(&d->next);
    *d = (struct delta){0};
}

const char *delta_yaml(const struct delta *d, const char *yaml)
{
    const struct delta_step *s;
    size_t copies = 0;

    orc_vec_each (s, &d->steps)
        copies += s->write;
    return strlen(yaml) <= YAML_MOST && copies * strlen(yaml) <= YAML_COPIES_MOST ? yaml : NULL;
}

char *delta_revision(const struct delta_step *s, const char *yaml, const char *who, int64_t wall_ms)
{
    struct record_revision rev = {.spec = (struct spec_service *)s->spec, .by = (char *)who, .at = wall_ms};

    rev.yaml = (char *)(uintptr_t)yaml;
    orc_copy_str(rev.hash, sizeof rev.hash, s->hash);
    orc_copy_str(rev.container_hash, sizeof rev.container_hash, s->container_hash);
    return record_revision_text(&rev);
}

char *delta_line(const char *app, const struct delta_step *s)
{
    switch (s->kind) {
    case DELTA_NEW:
        return orc_printf("%s/%s: new, revision %lld", app, s->service, (long long)s->revision);
    case DELTA_CHANGED:
        return s->again
                   ? orc_printf("%s/%s: changes to revision %lld, and to %d replicas again, as the file says",
                                app, s->service, (long long)s->revision, s->spec->replicas)
                   : orc_printf("%s/%s: changes to revision %lld", app, s->service, (long long)s->revision);
    case DELTA_RESCALED:
        return orc_printf("%s/%s: %d replicas again, as the file says", app, s->service, s->spec->replicas);
    case DELTA_LEFT:
        return orc_printf("%s/%s: no longer in the file", app, s->service);
    case DELTA_PRUNED:
        return orc_printf("%s/%s: removed", app, s->service);
    default:
        return NULL;
    }
}
