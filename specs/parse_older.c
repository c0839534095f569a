/* cpus, mem_limit, mem_reservation, pids_limit, scale: Compose's older spellings of what deploy has. Either,
 * or both if they say the same. */
#include "lib/units.h"
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

/* -1 is how the engine's command line says that there is no limit. */
static void read_pids(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    if (v->kind != SPEC_NODE_SCALAR || strcmp(v->text, "-1") != 0)
        spec_key_int(r, k, v, into);
}

#define NODE(m) offsetof(struct spec_service_in, m)
#define OF(m) .offset = offsetof(struct spec_service, m), .size = sizeof((struct spec_service *)0)->m

static const struct older {
    const char *name, *deploy;
    size_t node; /* of spec_service_in */
    spec_read_fn *read;
    size_t offset, size; /* of spec_service */
    int64_t min, max;
} olders[] = {
    {"cpus", "resources.limits.cpus", NODE(cpus), spec_key_cpus, OF(limits.cpus_nano), .min = SPEC_CPUS_MIN},
    {"mem_limit", "resources.limits.memory", NODE(mem_limit), spec_key_bytes, OF(limits.memory),
     .min = SPEC_MEMORY_MIN},
    {"mem_reservation", "resources.reservations.memory", NODE(mem_reservation), spec_key_bytes,
     OF(reservations.memory)},
    {"pids_limit", "resources.limits.pids", NODE(pids_limit), read_pids, OF(pids_limit), .min = 1,
     .max = SPEC_PIDS_MAX},
    {"scale", "replicas", NODE(scale), spec_key_int, OF(replicas), .max = SPEC_REPLICAS_MAX},
};

static void finish_one(struct spec_reader *r, const struct older *o, const struct spec_node *v,
                       struct spec_service *s)
{
    const struct spec_service unsaid = {.replicas = SPEC_REPLICAS_DEFAULT};
    const struct spec_key row = {o->name, .offset = o->offset, .min = o->min, .max = o->max};
    struct spec_service said = unsaid;
    size_t before = r->problems->n;
    void *of_deploy = (char *)s + o->offset;
    const void *value = (const char *)&said + o->offset;

    o->read(r, &row, v, &said);
    if (r->problems->n > before)
        return;
    if (memcmp(of_deploy, (const char *)&unsaid + o->offset, o->size) == 0)
        memcpy(of_deploy, value, o->size);
    else if (memcmp(of_deploy, value, o->size) != 0)
        spec_say(r, v, "%s says something else than deploy.%s; remove one of the two", o->name, o->deploy);
}

void spec_finish_older(struct spec_reader *r, struct spec_service_in *in)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(olders); i++) {
        const struct spec_node *v = *(const struct spec_node **)(void *)((char *)in + olders[i].node);

        if (v)
            finish_one(r, &olders[i], v, in->service);
    }
    in->reservations = in->reservations ? in->reservations : in->mem_reservation;
    in->replicas = in->replicas ? in->replicas : in->scale;
}
