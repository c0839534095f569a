#include "scheduler/headroom.h"

#include "scheduler/place_filter.h"
#include "scheduler/place_node.h"

static int64_t above_zero(int64_t n)
{
    return n > 0 ? n : 0;
}

static struct spec_resources free_of(const struct core_node *n)
{
    struct spec_resources room = place_room(n);

    return (struct spec_resources){above_zero(room.cpus_nano - n->used.cpus_nano),
                                   above_zero(room.memory - n->used.memory)};
}

static double part(int64_t n, int64_t of)
{
    return of > 0 ? (double)n / (double)of : 0;
}

/* Of what is shorter there. */
static double part_free(const struct core_node *n)
{
    struct spec_resources room = place_room(n), free = free_of(n);
    double cpus = part(free.cpus_nano, room.cpus_nano), memory = part(free.memory, room.memory);

    return cpus < memory ? cpus : memory;
}

static bool has_more(const struct core_node *a, const struct core_node *b)
{
    double x = part_free(a), y = part_free(b);

    return x > y || (x == y && strcmp(a->name, b->name) < 0);
}

static void add(struct spec_resources *to, struct spec_resources r)
{
    to->cpus_nano += above_zero(r.cpus_nano);
    to->memory += above_zero(r.memory);
}

void headroom_find(const struct core *c, struct headroom *ret)
{
    const struct core_node *n, *most = NULL;

    *ret = (struct headroom){0};
    for (n = c->nodes; n; n = n->hh.next) {
        if (!place_open(c, n))
            continue;
        ret->nodes++;
        add(&ret->free, free_of(n));
        add(&ret->room, place_room(n));
        if (!most || has_more(n, most))
            most = n;
    }
    if (!most)
        return;
    ret->most = orc_strdup(most->name);
    ret->free_there = free_of(most);
}

void headroom_release(struct headroom *h)
{
    free(h->most);
    *h = (struct headroom){0};
}

char *headroom_text(const struct headroom *h)
{
    char cpus[ORC_UNIT_MAX], of_cpus[ORC_UNIT_MAX], memory[ORC_UNIT_MAX], of_memory[ORC_UNIT_MAX];
    char cpus_there[ORC_UNIT_MAX], memory_there[ORC_UNIT_MAX];

    if (!h->most)
        return orc_strdup("no room left: no node takes new replicas");
    return orc_printf(
        "room left on %d node%s: %s of %s CPUs, %s of %s of memory; %s has most, %s CPU%s and %s", h->nodes,
        h->nodes == 1 ? "" : "s", orc_format_cpus(h->free.cpus_nano, cpus),
        orc_format_cpus(h->room.cpus_nano, of_cpus), orc_format_size(h->free.memory, memory),
        orc_format_size(h->room.memory, of_memory), h->most,
        orc_format_cpus(h->free_there.cpus_nano, cpus_there),
        h->free_there.cpus_nano == ORC_NANO_CPU ? "" : "s",
        orc_format_size(h->free_there.memory, memory_there));
}
