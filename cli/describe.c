#include "cli/describe_internal.h"

#include "cli/advice.h"
#include "cli/change.h"

/* ---- what is asked about ----------------------------------------------------------------------------- */

static int parse_task(const char *name, struct describe *ret, struct orc_err *err)
{
    int64_t attempt;
    struct key k;
    int slot;

    if (key_task_id_parse(name, &k, &slot, &attempt) < 0)
        return orc_fail(err, -EINVAL,
                        "\"%s\" is no task: they are called like shop.orders.2.17; `orc tasks` lists them",
                        name);
    memcpy(ret->app, k.app, sizeof ret->app);
    memcpy(ret->service, k.service, sizeof ret->service);
    return 0;
}

int describe_parse(const char *kind, const char *name, struct describe *ret, struct orc_err *err)
{
    static const char *const kinds[] = {"service", "task", "node", NULL};
    int i = 0;

    *ret = (struct describe){.name = name};
    while (kinds[i] && strcmp(kind, kinds[i]) != 0)
        i++;
    ret->kind = (enum describe_kind)i;
    switch (i) {
    case DESCRIBE_SERVICE:
        return session_split(name, false, ret->app, ret->service, err);
    case DESCRIBE_TASK:
        return parse_task(name, ret, err);
    case DESCRIBE_NODE:
        return key_check_node_name(name, err);
    default:
        return orc_fail(err, -EINVAL, "\"%s\" can't be described: service, task or node", kind);
    }
}

int describe_check(struct cluster *c, const void *what, struct orc_err *err)
{
    const struct describe *d = what;

    if (d->kind == DESCRIBE_NODE)
        return change_need_node(c, d->name, err);
    if (d->kind == DESCRIBE_TASK && !cluster_task(c, d->name))
        return orc_fail(
            err, -ENOENT,
            "there is no task %s any more, or yet; `orc tasks %s/%s` lists those there are, and `orc "
            "events %s` tells what became of it",
            d->name, d->app, d->service, d->name);
    if (d->kind == DESCRIBE_SERVICE && !cluster_wanted(c, d->app, d->service) &&
        !cluster_find(c, key_rollout(c->name, d->app, d->service)))
        return change_no_service(c, d->app, d->service, err);
    return 0;
}

/* ---- what is known of it ----------------------------------------------------------------------------- */

/* A service's own events, and those of its tasks. */
static bool is_of(const struct describe *d, const char *object)
{
    orc_auto_free char *tasks = NULL;

    if (!object)
        return false;
    if (d->kind != DESCRIBE_SERVICE || orc_streq(object, d->name))
        return orc_streq(object, d->name);
    tasks = orc_printf("%s.%s.", d->app, d->service);
    return strncmp(object, tasks, strlen(tasks)) == 0;
}

/* c is sorted, and events by their time. */
static void find_events(struct described *x)
{
    size_t n;

    for (const struct cluster_entry *e = x->c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_EVENT && !e->problem && is_of(x->asked, e->as.event.object))
            orc_vec_push(&x->events, &e->as.event);
    if (x->events.n <= DESCRIBE_EVENTS)
        return;
    n = x->events.n - DESCRIBE_EVENTS;
    memmove(x->events.at, x->events.at + n, (x->events.n - n) * sizeof *x->events.at);
    x->events.n -= n;
}

static void find_service(struct described *x)
{
    orc_auto_free char *name = orc_printf("%s/%s", x->asked->app, x->asked->service);
    const struct report_service *s;
    const struct report_task *t;

    orc_vec_each (s, &x->report.services) {
        if (!orc_streq(s->name, name))
            continue;
        x->service = s;
        orc_vec_each (t, &s->tasks)
            if (x->asked->kind == DESCRIBE_TASK && orc_streq(t->id, x->asked->name))
                x->task = t;
    }
}

static void find_revision(struct described *x)
{
    int64_t n = x->task ? x->task->revision : x->service ? x->service->revision : 0;
    const struct cluster_entry *e =
        cluster_find(x->c, key_revision(x->c->name, x->asked->app, x->asked->service, n));

    x->revision = e ? &e->as.revision : NULL;
}

static void find_node(struct described *x)
{
    const struct cluster_entry *record = cluster_find(x->c, key_node(x->c->name, x->asked->name));
    const struct cluster_entry *policy = cluster_find(x->c, key_node_policy(x->c->name, x->asked->name));
    const struct report_node *n;

    report_keep_node(&x->report, x->asked->name);
    orc_vec_each (n, &x->report.nodes)
        if (orc_streq(n->name, x->asked->name))
            x->node = n;
    x->record = record ? &record->as.node : NULL;
    x->policy = policy ? &policy->as.policy : NULL;
}

void describe_find(struct cluster *c, const struct describe *d, int64_t wall_ms, struct described *ret)
{
    struct described x = {.asked = d, .c = c, .wall_ms = wall_ms};

    report_build(c, NULL, wall_ms, &x.report);
    if (d->kind == DESCRIBE_NODE) {
        find_node(&x);
    } else {
        find_service(&x);
        find_revision(&x);
    }
    find_events(&x);
    if (x.task)
        advice_task(&x.report, x.task, &x.advice);
    else if (x.service)
        advice_service(&x.report, x.service, &x.advice);
    else if (x.node)
        advice_node(x.node, &x.advice);
    *ret = x;
}

void describe_release(struct described *x)
{
    report_release(&x->report);
    orc_strv_release(&x->advice);
    orc_vec_release(&x->events);
}

bool describe_has_endpoint(const struct described *x, const struct cluster_entry *e)
{
    return e->key.kind == KEY_ENDPOINT && !e->problem && x->asked->kind != DESCRIBE_NODE &&
           orc_streq(e->key.app, x->asked->app) && orc_streq(e->key.service, x->asked->service) &&
           (x->asked->kind != DESCRIBE_TASK || orc_streq(e->key.task, x->asked->name));
}
