#include "scheduler/schedule.h"

#include "lib/cron.h"

struct zone {
    struct core *core;
    const char *name; /* NULL: UTC */
    bool unknown;
};

static int32_t offset_of(void *arg, int64_t utc)
{
    struct zone *z = arg;
    const struct core_zones *zones = &z->core->zones;
    int32_t offset = 0;

    if (!z->name || strcmp(z->name, "UTC") == 0)
        return 0;
    if (!zones->offset || zones->offset(zones->arg, z->name, utc, &offset) < 0) {
        z->unknown = true;
        return 0;
    }
    return offset;
}

/* From when on times count: what was before this revision is none of its. */
static int64_t dealt_with(const struct recon *x)
{
    const struct record_rollout *before = &x->s->rollout;
    int64_t last = x->next.scheduled, wall = x->c->wall;
    bool fresh = !x->s->rollout_fed.present || before->target != x->next.target || !last;

    if (last > wall + SCHEDULE_AHEAD_MS)
        return wall;
    return fresh && last < wall ? wall : last;
}

static void wake_for(struct recon *x)
{
    int64_t left = x->next.next_run - x->c->wall; /* it is always to come */

    core_wake(x->c, x->s, x->c->now + (uint64_t)(left < SCHEDULE_LOOK_MS ? left : SCHEDULE_LOOK_MS));
}

/* Has this time had its run? `scheduled`, by another leader's clock, may have been taken back since. */
static bool had_its_run(const struct recon *x, int64_t at)
{
    for (size_t i = 0; i < x->next.runs.n; i++)
        if (x->next.runs.at[i].scheduled == at)
            return true;
    return false;
}

enum schedule_due schedule_ask(struct recon *x, const struct spec_schedule *spec, int64_t *ret_at)
{
    struct zone zone = {.core = x->c, .name = spec->time_zone};
    struct orc_cron_zone z = {offset_of, &zone};
    int64_t wall = x->c->wall, last = dealt_with(x), from = wall - (int64_t)spec->deadline_ms, due = 0, next;
    struct orc_cron c;

    offset_of(&zone, wall / 1000);
    if (zone.unknown || orc_cron_parse(spec->cron, &c, NULL) < 0)
        return SCHEDULE_NO_ZONE;
    next = orc_cron_next(&c, &z, (last > from ? last : from) / 1000);
    for (; next * 1000 <= wall; next = orc_cron_next(&c, &z, next))
        due = next * 1000;
    x->next.scheduled = due > last ? due : last;
    x->next.next_run = next * 1000;
    if (x->c->schedules_held)
        return SCHEDULE_NOT_YET;
    wake_for(x);
    if (had_its_run(x, due))
        due = 0;
    *ret_at = due;
    return due ? SCHEDULE_DUE : SCHEDULE_NOT_YET;
}
