/* x-orc.schedule: when a job runs. */
#include "lib/cron.h"
#include "lib/zone.h"
#include "specs/check.h"
#include "specs/parse_service.h"

static struct spec_service *service_of(void *into)
{
    return ((struct spec_service_in *)into)->service;
}

static void read_cron(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;
    struct orc_cron c;

    if (!s)
        return;
    if (orc_cron_parse(s, &c, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    else
        orc_set_str(&service_of(into)->schedule.cron, s);
}

static void read_time_zone(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (orc_zone_check_name(s, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    else
        orc_set_str(&service_of(into)->schedule.time_zone, s);
}

static void read_concurrency(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    static const char *const names[] = {"forbid", "allow", "replace", NULL};
    int i = spec_read_word(r, k->name, v, names);

    if (i >= 0)
        service_of(into)->schedule.concurrency = (enum spec_concurrency)i;
}

static void read_deadline(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    uint64_t *ms = &service_of(into)->schedule.deadline_ms, was = *ms;
    static const struct spec_key row = {"starting_deadline", .min = 0};

    spec_key_ms(r, &row, v, ms);
    if (*ms >= 1000 && *ms <= SPEC_STARTING_DEADLINE_MAX_MS)
        return;
    spec_say(r, v, "starting_deadline must be from 1s to 168h");
    *ms = was;
}

static void read_keep(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_key row = {"keep", .min = 1, .max = SPEC_KEEP_MAX};

    spec_key_int(r, &row, v, &service_of(into)->run.keep);
}

static const struct spec_key schedule_keys[] = {
    {"cron", .read = read_cron},
    {"time_zone", .read = read_time_zone},
    {"concurrency", .read = read_concurrency},
    {"starting_deadline", .read = read_deadline},
    {"keep", .read = read_keep},
};

/* A mapping, or the schedule alone. */
void spec_key_schedule(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc.schedule", schedule_keys);
    size_t before = r->problems->n;

    ((struct spec_service_in *)into)->schedule = v;
    if (v->kind == SPEC_NODE_SCALAR) {
        read_cron(r, k, v, into);
        return;
    }
    if (spec_read_map(r, &keys, v, into) && !service_of(into)->schedule.cron && r->problems->n == before)
        spec_say(r, v, "this schedule has no \"cron\"; give one, such as {cron: \"0 3 * * *\"}");
}
