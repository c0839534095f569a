#include "tests/sim/world.h"

struct world world;

/* ---- chance */

/* SplitMix64 (Steele, Lea, Flood 2014): the state is a counter, and neighbouring seeds have nothing in
 * common.
 */
uint64_t sim_random(void)
{
    uint64_t z = (world.random += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint64_t sim_below(uint64_t n)
{
    return n ? sim_random() % n : 0;
}

bool sim_chance(unsigned one_in)
{
    return one_in && sim_random() % one_in == 0;
}

/* ---- the queue: a binary heap by time, and of one time by order of arrival */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->seq < b->seq;
}

static void place(struct sim_event *e, size_t i)
{
    world.queue[i - 1] = e;
    e->place = i;
}

static void rise(struct sim_event *e, size_t i)
{
    while (i > 1 && before(e, world.queue[i / 2 - 1])) {
        place(world.queue[i / 2 - 1], i);
        i /= 2;
    }
    place(e, i);
}

static void sink(struct sim_event *e, size_t i)
{
    size_t child;

    while ((child = 2 * i) <= world.n_queue) {
        if (child < world.n_queue && before(world.queue[child], world.queue[child - 1]))
            child++;
        if (!before(world.queue[child - 1], e))
            break;
        place(world.queue[child - 1], i);
        i = child;
    }
    place(e, i);
}

void sim_event_init(struct sim_event *e, struct sim_proc *proc, void (*fire)(void *arg), void *arg)
{
    *e = (struct sim_event){.proc = proc, .fire = fire, .arg = arg};
}

void sim_event_cancel(struct sim_event *e)
{
    struct sim_event *last;
    size_t i = e->place;

    if (!i)
        return;
    e->place = 0;
    last = world.queue[--world.n_queue];
    if (last == e)
        return;
    if (i > 1 && before(last, world.queue[i / 2 - 1]))
        rise(last, i);
    else
        sink(last, i);
}

void sim_event_in(struct sim_event *e, uint64_t ms)
{
    sim_event_cancel(e);
    e->at = world.now + ms;
    e->seq = ++world.seq;
    e->held = false;
    if (world.n_queue == world.cap_queue) {
        world.cap_queue = world.cap_queue ? 2 * world.cap_queue : 256;
        world.queue = orc_realloc(world.queue, world.cap_queue, sizeof(struct sim_event *));
    }
    rise(e, ++world.n_queue);
}

struct once {
    struct sim_event event;
    void (*fire)(void *arg);
    void *arg;
};

static void fire_once(void *arg)
{
    struct once o = *(struct once *)arg;

    free(arg);
    o.fire(o.arg);
}

void sim_once(uint64_t ms, void (*fire)(void *arg), void *arg)
{
    struct once *o = orc_new(struct once);

    o->fire = fire;
    o->arg = arg;
    sim_event_init(&o->event, NULL, fire_once, o);
    sim_event_in(&o->event, ms);
}

struct sim_proc *sim_become(struct sim_proc *p)
{
    struct sim_proc *was = world.current;

    world.current = p;
    return was;
}

/* A process that is stopped finds what came meanwhile when it goes on, in the same order. */
static bool waits(struct sim_event *e)
{
    if (!e->proc || !e->proc->resume_at || e->proc->resume_at <= world.now)
        return false;
    sim_event_in(e, e->proc->resume_at - world.now);
    e->held = true;
    return true;
}

static int by_seq(const void *a, const void *b)
{
    const struct sim_event *x = *(struct sim_event *const *)a, *y = *(struct sim_event *const *)b;

    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void world_resume(struct sim_proc *p)
{
    ORC_VEC(struct sim_event *) held = {0};

    p->resume_at = 0;
    for (size_t i = 0; i < world.n_queue; i++)
        if (world.queue[i]->proc == p && world.queue[i]->held)
            orc_vec_push(&held, world.queue[i]);
    if (held.n)
        qsort(held.at, held.n, sizeof *held.at, by_seq);
    for (size_t i = 0; i < held.n; i++)
        sim_event_in(held.at[i], 0);
    orc_vec_release(&held);
}

bool world_step(uint64_t until)
{
    struct sim_event *e = world.n_queue ? world.queue[0] : NULL;
    struct sim_proc *was;

    if (!e || e->at > until) {
        world.now = until;
        return false;
    }
    world.now = e->at;
    sim_event_cancel(e);
    if (waits(e))
        return true;
    world.events++;
    was = sim_become(e->proc);
    e->fire(e->arg);
    sim_become(was);
    return true;
}

void world_begin(uint64_t seed, bool trace)
{
    struct sim_event **queue = world.queue;
    size_t cap = world.cap_queue;

    memset(&world, 0, sizeof world);
    world.queue = queue;
    world.cap_queue = cap;
    world.seed = seed;
    world.random = seed * UINT64_C(0xd1342543de82ef95);
    world.trace = trace;
    world.now = 1000;
}
