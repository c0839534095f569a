#include "scheduler/demand.h"

#include "scheduler/place_filter.h"

static void add(struct core_sum *sum, struct spec_resources r, int64_t times)
{
    sum->cpus_nano += (__int128)r.cpus_nano * times;
    sum->memory += (__int128)r.memory * times;
}

void demand_node(struct core *c, struct core_node *n)
{
    add(&c->offered, n->offered, -1);
    n->offered = (struct spec_resources){0};
    if (!n->fed.present || n->fed.unreadable)
        return;
    n->offered = place_room(n);
    add(&c->offered, n->offered, 1);
}

void demand_drop_service(struct core *c, struct core_service *s)
{
    add(&c->asked, s->asked, -s->asked_replicas);
    s->asked = (struct spec_resources){0};
    s->asked_replicas = 0;
}

static int replicas_of(const struct core_service *s, const struct record_app_service *wanted,
                       const struct spec_service *spec)
{
    /* Counted by others (global.h, job.h): a job that has ended asks for nothing. */
    if (spec->global || (spec->job && s->rollout.wanted == wanted->revision))
        return s->rollout.replicas;
    return spec_service_replicas(spec, wanted->replicas);
}

void demand_service(struct core *c, struct core_service *s)
{
    const struct record_app_service *wanted = core_service_wanted(s);
    const struct core_revision *rev = wanted ? core_service_revision(s, wanted->revision) : NULL;

    demand_drop_service(c, s);
    if (!rev)
        return;
    s->asked = spec_service_reserved(rev->rec.spec);
    s->asked_replicas = replicas_of(s, wanted, rev->rec.spec);
    add(&c->asked, s->asked, s->asked_replicas);
}

bool demand_crowded(const struct core *c)
{
    return c->asked.cpus_nano * 100 > c->offered.cpus_nano * DEMAND_CROWDED ||
           c->asked.memory * 100 > c->offered.memory * DEMAND_CROWDED;
}

/* ---- order ------------------------------------------------------------------------------------------- */

struct ordered {
    __int128 size;
    struct core_service *service;
};

static int by_size(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;

    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return strcmp(x->service->name, y->service->name);
}

/* Shares of the whole, over one denominator: below 2^114, as each resource is below 2^50 and there are fewer
 * than 2^14 nodes' worth of the other. */
static __int128 size_of(const struct core *c, const struct core_service *s)
{
    return s->asked.cpus_nano * c->offered.memory + s->asked.memory * c->offered.cpus_nano;
}

void demand_sort(const struct core *c, struct core_service **s, size_t n)
{
    ORC_VEC(struct ordered) all = {0};

    for (size_t i = 0; i < n; i++)
        orc_vec_push(&all, ((struct ordered){size_of(c, s[i]), s[i]}));
    if (n)
        qsort(all.at, n, sizeof *all.at, by_size);
    for (size_t i = 0; i < n; i++)
        s[i] = all.at[i].service;
    orc_vec_release(&all);
}
