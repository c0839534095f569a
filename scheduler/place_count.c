#include "scheduler/place_count.h"

/* ---- slots with a container, per node ------------------------------------------------------------------ */

void count_held(const struct core *c, struct core_node *n)
{
    if (n->held_stamp != c->spread_stamp) {
        n->held_stamp = c->spread_stamp;
        n->held = 0;
    }
    n->held++;
}

/* The first task of a task's slot that has a container on the node; NULL: none. Of a job each run has slots
 * of its own. */
static const struct core_task *first_there(const struct core_task *of, const struct core_node *n, bool job)
{
    const struct core_task *t = core_slot_tasks(of->service, of->slot);

    while (t && !(core_task_holds(t) && t->node == n &&
                  (!job || !of->make || t->make->restart_epoch == of->make->restart_epoch)))
        t = t->slot_next;
    return t;
}

void place_count_held(struct core *c, const struct core_service *s, bool job)
{
    const struct core_task *t;

    core_each_task (t, s)
        if (first_there(t, t->node, job) == t)
            count_held(c, t->node);
}

bool count_slot_is_there(const struct core_node *n, const struct place_req *req)
{
    return req->own && first_there(req->own, n, req->spec->job);
}

int count_replicas(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    int held = n->held_stamp == c->spread_stamp ? n->held : 0;

    return held > 0 && count_slot_is_there(n, req) ? held - 1 : held;
}
