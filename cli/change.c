#include "cli/change.h"

#include "cli/text.h"

int change_readable(const struct cluster *c, const char *app, struct orc_err *err)
{
    orc_auto_free char *key = key_app(c->name, app);
    const char *problem = cluster_problem(c, orc_strdup(key));

    if (!problem)
        return 0;
    return orc_fail(err, -EIO,
                    "the key %s can't be read (%s), so nothing was written: put it right, or delete it with "
                    "`etcdctl del %s` and apply the file again",
                    key, problem, key);
}

int64_t change_generation(const struct cluster *c, const char *app)
{
    const struct cluster_entry *e = cluster_find(c, key_app(c->name, app));
    int64_t last = e ? e->as.app.generation : 0;

    for (e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_ROLLOUT && !e->problem && orc_streq(e->key.app, app) &&
            e->as.rollout.generation > last)
            last = e->as.rollout.generation;
    return last + 1;
}

int change_app(struct session *s, const struct cluster *c, const char *app, struct record_app *next,
               struct etcd_txn *t, int64_t *ret_revision, struct orc_err *err)
{
    const struct cluster_entry *now = cluster_find(c, key_app(s->cluster, app));
    orc_auto_free char *key = key_app(s->cluster, app);
    orc_auto_free char *text = NULL;
    int r = change_readable(c, app, err);

    if (r < 0) {
        etcd_txn_free(t);
        return r;
    }
    next->generation = change_generation(c, app);
    etcd_txn_if_mod_revision(t, key, now ? now->mod_revision : 0);
    if (next->services.n) {
        text = record_app_text(next);
        etcd_txn_put(t, key, text, 0);
    } else {
        etcd_txn_delete(t, key);
    }
    r = session_commit(s, t, ret_revision, err);
    if (r == SESSION_CONFLICT)
        return orc_fail(err, -EAGAIN,
                        "somebody else changed %s at the same moment; nothing was written: look with `orc "
                        "status %s` and try again",
                        app, app);
    return r;
}

void change_copy(const struct cluster *c, const char *app, struct record_app *ret)
{
    const struct cluster_entry *now = cluster_find(c, key_app(c->name, app));

    *ret = (struct record_app){0};
    for (size_t i = 0; now && i < now->as.app.services.n; i++) {
        const struct record_app_service *s = &now->as.app.services.at[i];
        struct record_app_service *copy = orc_vec_add(&ret->services);

        *copy = (struct record_app_service){orc_strdup(s->name), s->revision, s->replicas};
    }
}

struct record_app_service *change_service(struct record_app *a, const char *service)
{
    struct record_app_service *s;

    orc_vec_each (s, &a->services)
        if (orc_streq(s->name, service))
            return s;
    return NULL;
}

void change_remove(struct record_app *a, const char *service)
{
    struct record_app_service *s = change_service(a, service);
    size_t i;

    if (!s)
        return;
    i = (size_t)(s - a->services.at);
    free(s->name);
    memmove(s, s + 1, (a->services.n - i - 1) * sizeof *s);
    a->services.n--;
}

struct record_app_service *change_add(struct record_app *a, const char *service)
{
    size_t i = 0;

    orc_vec_add(&a->services);
    while (i + 1 < a->services.n && strcmp(a->services.at[i].name, service) < 0)
        i++;
    memmove(&a->services.at[i + 1], &a->services.at[i], (a->services.n - i - 1) * sizeof a->services.at[0]);
    a->services.at[i] = (struct record_app_service){orc_strdup(service), 0, SPEC_REPLICAS_DEFAULT};
    return &a->services.at[i];
}

/* Which of the words is meant by one that is not among them; NULL: none is near. */
static char *nearest_of(const char *word, const struct orc_strv *words)
{
    const char **list = orc_calloc(words->n + 1, sizeof *list);
    const char *near;

    for (size_t i = 0; i < words->n; i++)
        list[i] = words->at[i];
    near = orc_nearest(word, list);
    free(list);
    return orc_strdup(near);
}

/* What may be meant by an app that is not there: another app, or a service named without its app. */
static char *meant_by_app(const struct cluster *c, const char *word)
{
    struct orc_strv apps = {0};
    char *meant = NULL;

    for (const struct cluster_entry *e = c->entries; e && !meant; e = e->hh.next) {
        const struct record_app_service *s;

        if (e->key.kind != KEY_APP || e->problem)
            continue;
        orc_strv_add(&apps, e->key.app);
        orc_vec_each (s, &e->as.app.services)
            if (!meant && orc_streq(s->name, word))
                meant = orc_printf("%s/%s", e->key.app, s->name);
    }
    if (!meant)
        meant = nearest_of(word, &apps);
    orc_strv_release(&apps);
    return meant;
}

static int no_app(const struct cluster *c, const char *app, struct orc_err *err)
{
    orc_auto_free char *meant = meant_by_app(c, app);

    if (meant)
        return orc_fail(err, -ENOENT, "there is no app \"%s\"; did you mean \"%s\"?", app, meant);
    return orc_fail(err, -ENOENT, "there is no app \"%s\"; `orc status` shows what there is", app);
}

int change_no_service(const struct cluster *c, const char *app, const char *service, struct orc_err *err)
{
    const struct cluster_entry *now = cluster_find(c, key_app(c->name, app));
    orc_auto_free char *names = NULL, *near = NULL;
    struct orc_strv services = {0};
    int r = change_readable(c, app, err);

    if (r < 0)
        return r;
    if (!now)
        return no_app(c, app, err);
    for (size_t i = 0; i < now->as.app.services.n; i++)
        orc_strv_add(&services, now->as.app.services.at[i].name);
    near = nearest_of(service, &services);
    names = text_join(&services, ", ");
    orc_strv_release(&services);
    if (near)
        return orc_fail(err, -ENOENT, "there is no service %s/%s; did you mean \"%s/%s\"? %s has: %s", app,
                        service, app, near, app, names);
    return orc_fail(err, -ENOENT, "there is no service %s/%s; %s has: %s", app, service, app,
                    *names ? names : "none");
}

int change_need_node(struct cluster *c, const char *node, struct orc_err *err)
{
    orc_auto_free char *names = NULL;
    struct orc_strv nodes = {0};

    if (cluster_find(c, key_node(c->name, node)) || cluster_problem(c, key_node(c->name, node)))
        return 0;
    cluster_sort(c);
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_NODE)
            orc_strv_add(&nodes, e->key.node);
    names = text_join(&nodes, ", ");
    orc_strv_release(&nodes);
    return orc_fail(err, -ENOENT, "there is no node \"%s\"; %s%s", node,
                    *names ? "there are: " : "no nodelet has registered yet: start one on each server",
                    names);
}

int change_intent(const struct cluster *c, const char *app, const char *service, struct record_intent *ret,
                  struct orc_err *err)
{
    orc_auto_free char *key = key_intent(c->name, app, service);
    const char *problem = cluster_problem(c, orc_strdup(key));
    const struct cluster_entry *e = cluster_find(c, orc_strdup(key));

    if (problem)
        return orc_fail(err, -EIO,
                        "the key %s can't be read (%s): delete it with `etcdctl del %s` and try again", key,
                        problem, key);
    *ret = e ? e->as.intent : (struct record_intent){0};
    ret->rollout.by = orc_strdup(ret->rollout.by);
    return 0;
}

void change_put_intent(const struct cluster *c, const char *app, const char *service,
                       const struct record_intent *next, struct etcd_txn *t)
{
    const struct cluster_entry *e = cluster_find(c, key_intent(c->name, app, service));
    orc_auto_free char *key = key_intent(c->name, app, service), *text = record_intent_text(next);

    etcd_txn_if_mod_revision(t, key, e ? e->mod_revision : 0);
    etcd_txn_put(t, key, text, 0);
}
