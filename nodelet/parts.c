/* parts.c - the containers of a task that has sidecars. Each has a struct task of its own, for its operations
 * and checks; record, status and endpoint are the main one's. */
#include "nodelet/task.h"

#include <stdio.h>
#include <string.h>

const struct record_task *task_rec(const struct task *t)
{
    return t->main ? &t->main->rec : &t->rec;
}

const struct spec_service *task_spec(const struct task *t)
{
    const struct task *main = t->main ? t->main : t;
    const struct spec_service *spec = main->revision ? revision_spec(main->revision, NULL) : NULL;

    return spec && t->main ? spec_service_sidecar(spec, t->sidecar) : spec;
}

char *task_configs(const struct task *t)
{
    return orc_concat(t->a->opts.configs, "/", t->id);
}

static struct task *part_new(struct task *main, const char *name)
{
    struct task *t = orc_new(struct task);

    t->a = main->a;
    t->main = main;
    snprintf(t->id, sizeof t->id, "%.*s.%.*s", KEY_TASK_MAX, main->id, SPEC_NAME_MAX, name);
    snprintf(t->sidecar, sizeof t->sidecar, "%s", name);
    converge_init(&t->c);
    t->pub.have = EP_NONE;
    t->wake = CONVERGE_NEVER;
    return t;
}

/* Found running by a nodelet that was not there when it started: judged as the task was. */
static void part_begin(struct task *t)
{
    const struct record_status *old = t->main->old;

    t->begun = t->joining = true;
    t->adopting = old && (old->state == TASK_RUNNING || old->state == TASK_STOPPING);
    /* Whichever of them ended is in its restarts; told to go, it is called running for its main container
     * alone. */
    t->c.counted = old && (old->state != TASK_RUNNING || t->main->c.desired != TASK_RUN);
    t->look = true;
    orphans_claim(t->a, t->id);
}

void parts_make(struct task *t)
{
    const struct spec_service *spec = task_spec(t);

    if (t->parts.n || !spec || !spec->sidecars.n)
        return;
    for (size_t i = 0; i < spec->sidecars.n; i++)
        orc_vec_push(&t->parts, part_new(t, spec->sidecars.at[i].name));
    for (size_t i = 0; i < t->parts.n; i++)
        part_begin(t->parts.at[i]);
    t->parts_seen = false;
    if (t->c.container != CONTAINER_NONE)
        t->look = true; /* when it was started matters now */
}

struct task *parts_find(struct task *t, const char *sidecar)
{
    for (size_t i = 0; i < t->parts.n; i++)
        if (strcmp(t->parts.at[i]->sidecar, sidecar) == 0)
            return t->parts.at[i];
    return NULL;
}

static bool is_known(const struct task *t)
{
    return t->begun && !t->look && !t->looking && !t->parts_seen;
}

static struct sidecar_part part_of(const struct task *t)
{
    return (struct sidecar_part){.c = &t->c,
                                 .name = t->main ? t->sidecar : NULL,
                                 .known = is_known(t),
                                 .checked = t->checked,
                                 .health = checks_health(t),
                                 .probe = checks_text(t),
                                 .id = t->container,
                                 .started = t->started,
                                 .made_for = t->made_for,
                                 .joined = t->joined};
}

size_t parts_of(const struct task *t, struct sidecar_part ret[PARTS_MAX])
{
    ret[0] = part_of(t);
    for (size_t i = 0; i < t->parts.n; i++)
        ret[1 + i] = part_of(t->parts.at[i]);
    return 1 + t->parts.n;
}

void parts_world(const struct task *t, struct converge_world *w)
{
    const struct task *main = t->main ? t->main : t;
    struct sidecar_part parts[PARTS_MAX];
    size_t n = parts_of(main, parts), i = 0;

    while (t->main && main->parts.at[i] != t)
        i++;
    sidecar_world(parts, n, t->main ? i + 1 : 0, w);
}

/* While the engine was slow the main one may have been started anew, and this one after that. Later its clock
 * may have been set back: a sidecar of an earlier start is not taken for one of this. */
static void part_joins(struct task *t, const char *found)
{
    if (*found)
        snprintf(t->joined, sizeof t->joined, "%s", found);
    t->joining = false;
}

void parts_want(struct task *t)
{
    struct sidecar_part main = part_of(t);

    for (size_t i = 0; i < t->parts.n; i++) {
        struct task *x = t->parts.at[i];

        sidecar_want(&x->c, &main, task_spec(x));
        if (x->joining && is_known(t) && is_known(x) && x->c.container == CONTAINER_RUNNING)
            part_joins(x, sidecar_found(&main, x->started));
    }
}

bool parts_are_gone(const struct task *t)
{
    for (size_t i = 0; i < t->parts.n; i++) {
        const struct task *x = t->parts.at[i];

        if (x->c.container != CONTAINER_NONE || x->c.op != CONVERGE_NOTHING || x->call || x->look)
            return false;
    }
    return true;
}

void parts_orphan(struct task *t)
{
    for (size_t i = 0; i < t->parts.n; i++) {
        struct task *x = t->parts.at[i];

        converge_orphan(&x->c);
        if (x->c.container != CONTAINER_NONE)
            orphans_add(t->a, x->id);
    }
}

void parts_claim(struct task *t)
{
    orphans_claim(t->a, t->id);
    for (size_t i = 0; i < t->parts.n; i++)
        orphans_claim(t->a, t->parts.at[i]->id);
}
