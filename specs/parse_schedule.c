/* x-orc.schedule: when a job runs. */
#include "lib/cron.h"
#include "lib/zone.h"
#include "specs/check.h"
#include "specs/parse_service.h"

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
        orc_set_str(&((struct spec_service *)into)->schedule.cron, s);
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
        orc_set_str(&((struct spec_service *)into)->schedule.time_zone, s);
}

static void read_deadline(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    uint64_t *ms = &((struct spec_service *)into)->schedule.deadline_ms, was = *ms;

    spec_key_ms(r, k, v, into);
    if (*ms >= 1000 && *ms <= SPEC_STARTING_DEADLINE_MAX_MS)
        return;
    spec_say(r, v, "starting_deadline must be from 1s to 168h");
    *ms = was;
}

#define IN_SERVICE(member) .offset = offsetof(struct spec_service, member)

static const struct spec_key schedule_keys[] = {
    {"cron", .read = read_cron, .form = SPEC_IS_TEXT,
     .doc = "minute, hour, day of the month, month, day of the week (crontab(5)), or `@daily` and the like; "
            "needed"},
    {"time_zone", .read = read_time_zone, .form = SPEC_IS_TEXT,
     .doc = "a name of the tz database, such as `Europe/Oslo`; else UTC"},
    {"concurrency", .read = spec_key_word, IN_SERVICE(schedule.concurrency),
     SPEC_WORDS("forbid", "allow", "replace"),
     .doc = "when the run before has not ended: `forbid` (else): this one is left out; `allow`: both run; "
            "`replace`: that one is stopped"},
    {"starting_deadline", .read = read_deadline, IN_SERVICE(schedule.deadline_ms), .form = SPEC_IS_DURATION,
     .doc =
         "a run that could not begin in time begins so much later at most, or is left out: `1s` to `168h`, "
         "else 1 h"},
    {"keep", .read = spec_key_int, IN_SERVICE(run.keep), .min = 1, .max = SPEC_KEEP_MAX,
     .doc = "as `x-orc.job.keep`"},
};
const struct spec_keys spec_schedule_keys = SPEC_KEYS("x-orc.schedule", schedule_keys);

/* A mapping, or the schedule alone. */
void spec_key_schedule(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_service *s = ((struct spec_service_in *)into)->service;
    size_t before = r->problems->n;

    ((struct spec_service_in *)into)->schedule = v;
    if (v->kind == SPEC_NODE_SCALAR) {
        read_cron(r, k, v, s);
        return;
    }
    if (spec_read_map(r, &spec_schedule_keys, v, s) && !s->schedule.cron && r->problems->n == before)
        spec_say(r, v, "this schedule has no \"cron\"; give one, such as {cron: \"0 3 * * *\"}");
}
