#include "cli/history.h"

const char *history_state_name(enum history_state s)
{
    static const char *const names[] = {[HISTORY_OLD] = "old",
                                        [HISTORY_RUNNING] = "running",
                                        [HISTORY_COMING] = "coming",
                                        [HISTORY_ROLLED_BACK] = "rolled-back",
                                        [HISTORY_UNREADABLE] = "unreadable"};

    return names[s];
}

static enum history_state state_of(const struct cluster_entry *e, const struct record_rollout *r,
                                   const struct record_app_service *wanted)
{
    if (e->problem)
        return HISTORY_UNREADABLE;
    if (r && r->complete == e->key.n)
        return HISTORY_RUNNING;
    if (r && r->target == e->key.n)
        return HISTORY_COMING;
    if (!wanted || wanted->revision != e->key.n)
        return HISTORY_OLD;
    return r && r->wanted == e->key.n ? HISTORY_ROLLED_BACK : HISTORY_COMING;
}

static int count_replicas(const struct cluster *c, const struct key *k)
{
    const struct cluster_entry *e, *seen;
    int n = 0;

    for (e = c->entries; e; e = e->hh.next) {
        if (e->key.kind != KEY_TASK || e->problem || e->as.task.revision != k->n ||
            e->as.task.desired != TASK_RUN || !orc_streq(e->as.task.app, k->app) ||
            !orc_streq(e->as.task.service, k->service))
            continue;
        seen = cluster_find(c, key_status(c->name, e->key.node, e->key.task));
        n += seen && seen->as.status.state == TASK_RUNNING;
    }
    return n;
}

static int newest_first(const void *a, const void *b)
{
    int64_t x = ((const struct history_revision *)a)->n, y = ((const struct history_revision *)b)->n;

    return (y > x) - (y < x);
}

void history_build(struct cluster *c, const char *app, const char *service, struct history *ret)
{
    const struct cluster_entry *ro = cluster_find(c, key_rollout(c->name, app, service));
    const struct record_app_service *wanted = cluster_wanted(c, app, service);
    const struct record_rollout *r = ro && wanted ? &ro->as.rollout : NULL;

    *ret = (struct history){.name = orc_printf("%s/%s", app, service),
                            .rollout = ro ? rollout_state_name(ro->as.rollout.state) : "waiting"};
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next) {
        struct history_revision *h;

        if (e->key.kind != KEY_REVISION || !orc_streq(e->key.app, app) || !orc_streq(e->key.service, service))
            continue;
        h = orc_vec_add(&ret->revisions);
        h->n = e->key.n;
        h->state = state_of(e, r, wanted);
        h->replicas = count_replicas(c, &e->key);
        if (e->problem)
            continue;
        h->image = e->as.revision.spec->image;
        h->by = e->as.revision.by;
        h->at = e->as.revision.at;
    }
    if (ret->revisions.n)
        qsort(ret->revisions.at, ret->revisions.n, sizeof *ret->revisions.at, newest_first);
}

void history_release(struct history *h)
{
    orc_vec_release(&h->revisions);
    free(h->name);
    *h = (struct history){0};
}

json_t *history_to_json(const struct history *h)
{
    json_t *j = json_object(), *list = json_array();
    const struct history_revision *r;

    orc_json_set_str(j, "name", h->name);
    orc_json_set_str(j, "rollout", h->rollout);
    orc_vec_each (r, &h->revisions) {
        json_t *one = json_object();

        json_object_set_new(one, "revision", json_integer(r->n));
        orc_json_set_str(one, "state", history_state_name(r->state));
        json_object_set_new(one, "replicas", json_integer(r->replicas));
        orc_json_set_str(one, "image", r->image);
        orc_json_set_str(one, "by", r->by);
        json_object_set_new(one, "at", json_integer(r->at));
        json_array_append_new(list, one);
    }
    json_object_set_new(j, "revisions", list);
    return j;
}
