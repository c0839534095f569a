#include "scheduler/place_volume.h"

#include "lib/buf.h"

#include <stdlib.h>

#define NODES_TOLD 3 /* more are counted */

/* ---- what nodes say ---------------------------------------------------------------------------------- */

static void leave(struct core *c, const char *name, const struct core_node *n)
{
    struct core_volume *v = NULL;
    size_t kept = 0;

    HASH_FIND_STR(c->volumes, name, v);
    for (size_t i = 0; v && i < v->nodes.n; i++)
        if (v->nodes.at[i] != n)
            v->nodes.at[kept++] = v->nodes.at[i];
    if (!v || (v->nodes.n = kept))
        return;
    HASH_DEL(c->volumes, v);
    orc_vec_release(&v->nodes);
    free(v->name);
    free(v);
}

static void join(struct core *c, const char *name, struct core_node *n)
{
    struct core_volume *v = NULL;

    HASH_FIND_STR(c->volumes, name, v);
    if (!v) {
        v = orc_new(struct core_volume);
        v->name = orc_strdup(name);
        HASH_ADD_KEYPTR(hh, c->volumes, v->name, strlen(v->name), v);
    }
    if (!v->nodes.n || v->nodes.at[v->nodes.n - 1] != n) /* a list may name it twice */
        orc_vec_push(&v->nodes, n);
}

void place_volumes_learn(struct core *c, struct core_node *n, struct orc_strv *now)
{
    if (now && orc_strv_eq(&n->volumes, now))
        return;
    for (size_t i = 0; i < n->volumes.n; i++)
        leave(c, n->volumes.at[i], n);
    orc_strv_release(&n->volumes);
    for (size_t i = 0; now && i < now->n; i++)
        join(c, now->at[i], n);
    if (!now)
        return;
    n->volumes = *now;
    *now = (struct orc_strv){0};
}

/* ---- what mounts them -------------------------------------------------------------------------------- */

bool place_mounts_volumes(const struct spec_service *spec)
{
    const struct spec_mount *m;

    for (size_t i = 0; (m = spec_service_mount(spec, i)); i++)
        if (m->kind == SPEC_MOUNT_VOLUME)
            return true;
    return false;
}

/* As nodes tell of it. */
static char *told_as(const char *app, const struct spec_mount *m)
{
    orc_auto_free char *name = spec_mount_volume(app, m);

    return record_volume(name);
}

/* Whether a service of the app mounts that one; *ret_writes (may be NULL): and may write to it. */
static bool mounts(const char *app, const struct spec_service *spec, const char *told, bool *ret_writes)
{
    bool found = false, writes = false;
    const struct spec_mount *m;

    for (size_t i = 0; (m = spec_service_mount(spec, i)); i++) {
        orc_auto_free char *name = m->kind == SPEC_MOUNT_VOLUME ? told_as(app, m) : NULL;

        if (!name || strcmp(name, told) != 0)
            continue;
        found = true;
        writes = writes || !m->read_only;
    }
    if (ret_writes)
        *ret_writes = writes;
    return found;
}

static bool service_may_mount(const struct core_service *s, const char *told)
{
    const struct core_revision *r;

    for (r = s->revisions; r; r = r->hh.next)
        if (r->fed.present && !r->fed.unreadable && mounts(s->app->name, r->rec.spec, told, NULL))
            return true;
    return false;
}

/* What is no longer known counts as mounting it: data is not left alone by mistake. */
static bool task_mounts(const struct core_task *t, const char *told)
{
    const struct core_revision *r = core_service_revision(t->service, t->make->revision);

    return !r || mounts(t->service->app->name, r->rec.spec, told, NULL);
}

void place_volumes_taken(struct core *c, struct core_node *n, const struct place_req *req)
{
    if (!place_mounts_volumes(req->spec))
        return;
    orc_vec_push(&c->mounts, ((struct core_mount){req->service, req->spec, n}));
}

/* ---- where one is ------------------------------------------------------------------------------------ */

/* What is on a node that was let go is given up. */
static bool counts(const struct core_node *n)
{
    return (n->fed.present || n->alive_fed.present) && !n->policy.removed;
}

static bool among(const struct place_volume *v, const struct core_node *n)
{
    struct core_node *const *p;

    orc_vec_each (p, &v->nodes)
        if (*p == n)
            return true;
    return false;
}

static void add(struct place_volume *v, struct core_node *n)
{
    if (counts(n) && !among(v, n))
        orc_vec_push(&v->nodes, n);
}

static void take_out(struct place_volume *v, const struct core_node *n)
{
    size_t kept = 0;

    for (size_t i = 0; i < v->nodes.n; i++)
        if (v->nodes.at[i] != n)
            v->nodes.at[kept++] = v->nodes.at[i];
    v->nodes.n = kept;
}

/* A slot has what the newest of its tasks has. */
static bool is_newest(const struct core_task *t)
{
    const struct core_task *o;

    for (o = t->slot_next; o; o = o->slot_next)
        if (core_task_known(o))
            return false;
    return core_task_known(t);
}

static void find_in_app(const struct core_app *app, const char *told, struct place_volume *ret)
{
    struct core_service *s;
    struct core_task *t;

    for (s = app->services; s; s = s->app_next)
        if (service_may_mount(s, told))
            core_each_task (t, s)
                if ((core_task_holds(t) || is_newest(t)) && task_mounts(t, told))
                    add(ret, t->node);
}

static void find_told(struct core *c, const char *told, struct place_volume *ret)
{
    struct core_volume *v = NULL;

    HASH_FIND_STR(c->volumes, told, v);
    for (size_t i = 0; v && i < v->nodes.n; i++)
        add(ret, v->nodes.at[i]);
}

/* Those where a task has it, or is about to; also one that is told to go: its node may not have said yet what
 * it leaves there. `shared`: a task of any app. */
static void find_made(struct core *c, const struct place_req *req, const char *told, bool shared,
                      struct place_volume *ret)
{
    const struct core_app *own = req->service->app, *app;

    for (app = shared ? c->apps : NULL; app; app = app->hh.next)
        if (app != own)
            find_in_app(app, told, ret);
    find_in_app(own, told, ret);
    for (size_t i = 0; i < c->mounts.n; i++) {
        const struct core_mount *m = &c->mounts.at[i];

        if ((shared || m->service->app == own) && mounts(m->service->app->name, m->spec, told, NULL))
            add(ret, m->node);
    }
}

/* What other slots of the service write to is theirs. */
static void take_out_others(struct core *c, const struct place_req *req, const char *told,
                            struct place_volume *v)
{
    const struct core_task *t;

    core_each_task (t, req->service)
        if (!(req->own && req->own->slot == t->slot) && is_newest(t) && task_mounts(t, told))
            take_out(v, t->node);
    for (size_t i = 0; i < c->mounts.n; i++)
        if (c->mounts.at[i].service == req->service)
            take_out(v, c->mounts.at[i].node);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(struct core_node *const *)a)->name, (*(struct core_node *const *)b)->name);
}

static bool is_there(const struct place_volumes *v, const char *name)
{
    for (size_t i = 0; i < v->n; i++)
        if (strcmp(v->at[i].name, name) == 0)
            return true;
    return false;
}

/* One that nobody makes is its replicas' together, and only where nodes say so: no task has made it. */
static void tie(struct core *c, const struct place_req *req, const struct spec_mount *m,
                struct place_volumes *ret)
{
    orc_auto_free char *told = told_as(req->service->app->name, m);
    struct place_volume v = {.name = m->source};
    bool writes;

    if (!told)
        return;
    mounts(req->service->app->name, req->spec, told, &writes);
    find_told(c, told, &v);
    if (!m->external)
        find_made(c, req, told, m->name, &v);
    if (writes && !m->external)
        take_out_others(c, req, told, &v);
    if (v.nodes.n) {
        qsort(v.nodes.at, v.nodes.n, sizeof *v.nodes.at, by_name);
        orc_vec_push(ret, v);
    } else {
        orc_vec_release(&v.nodes);
    }
}

void place_volumes_of(struct core *c, const struct place_req *req, struct place_volumes *ret)
{
    bool anywhere = !req->pin && !req->spec->global;
    const struct spec_mount *m;

    for (size_t i = 0; anywhere && (m = spec_service_mount(req->spec, i)); i++)
        if (m->kind == SPEC_MOUNT_VOLUME && !is_there(ret, m->source))
            tie(c, req, m, ret);
}

void place_volumes_release(struct place_volumes *v)
{
    for (size_t i = 0; i < v->n; i++)
        orc_vec_release(&v->at[i].nodes);
    orc_vec_release(v);
}

const struct place_volume *place_volumes_refuse(const struct place_volumes *v, const struct core_node *n)
{
    for (size_t i = 0; v && i < v->n; i++)
        if (!among(&v->at[i], n))
            return &v->at[i];
    return NULL;
}

char *place_volumes_text(const struct place_volume *v)
{
    struct orc_buf b = ORC_BUF_INIT(1000);

    orc_buf_printf(&b, "%s is on ", v->name);
    for (size_t i = 0; i < v->nodes.n && i < NODES_TOLD; i++)
        orc_buf_printf(&b, "%s%s", i ? ", " : "", v->nodes.at[i]->name);
    if (v->nodes.n > NODES_TOLD)
        orc_buf_printf(&b, " and %zu more", v->nodes.n - NODES_TOLD);
    return orc_buf_take(&b);
}
