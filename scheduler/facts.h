/* facts.h - what follows from what was fed of a task and its node; part of model.h.
 *
 * Inline, because each step asks it of every task of a service.
 */
#ifndef SCHEDULER_FACTS_H
#define SCHEDULER_FACTS_H

#include "scheduler/model.h"

static inline const struct core_task_more *core_task_more(const struct core_task *t)
{
    return t->more ? t->more : &core_task_nothing_more;
}

/* What placing reads and writes of a node, some time before it does: nodes lie where no cache guesses. */
_Static_assert(offsetof(struct core_node, stale) < 2 * CORE_LINE, "placing needs two lines of a node");
ORC_PREFETCHES void core_prefetch_node(const struct core_node *n)
{
    __builtin_prefetch(n);
    __builtin_prefetch((const char *)n + CORE_LINE);
}

ORC_PREFETCHES void core_prefetch_task(const struct core_task *t)
{
    __builtin_prefetch(t);
    __builtin_prefetch((const char *)t + CORE_LINE);
}

static inline bool core_node_alive(const struct core_node *n)
{
    return n->alive_fed.present;
}

/* Its record is there and readable. */
static inline bool core_task_known(const struct core_task *t)
{
    return t->fed.present && !t->fed.unreadable;
}

/* Likewise its status. */
static inline bool core_task_reported(const struct core_task *t)
{
    return t->status_fed.present && !t->status_fed.unreadable;
}

/* Known, and shall run. */
static inline bool core_task_runs(const struct core_task *t)
{
    return core_task_known(t) && t->desired == TASK_RUN;
}

/* Room and ports count: not reported stopped. A record that has become unreadable still takes what it took.
 */
static inline bool core_task_holds(const struct core_task *t)
{
    return t->fed.present && t->make && !(core_task_reported(t) && t->state >= TASK_STOPPED);
}

/* Its status is from before its server was started anew. */
static inline bool core_task_stale(const struct core_task *t)
{
    return core_task_reported(t) && t->boot && t->node->boot && t->boot != t->node->boot;
}

/* docs/task-model.md, "Available". */
static inline bool core_task_available(const struct core_task *t)
{
    return core_task_runs(t) && core_task_reported(t) && t->state == TASK_RUNNING &&
           t->health == TASK_HEALTHY && core_node_alive(t->node) && !core_task_stale(t);
}

/* The longest time it was available without a break, the present one included. */
static inline uint64_t core_task_run_ms(const struct core *c, const struct core_task *t)
{
    uint64_t run = t->available_at ? c->now - t->available_at : 0, before = core_task_more(t)->run_ms;

    return run > before ? run : before;
}

#endif
