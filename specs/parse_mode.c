/* deploy.mode: a number of replicas, one on each server, or containers that end; and what suits each.
 *
 * The modes of jobs are Docker's (docker service create --mode, and the Compose deploy specification). How
 * many tasks run at once is there an option of the command line only, so x-orc.job has it. */
#include "specs/check.h"
#include "specs/parse_service.h"

#define RUN(member) .offset = offsetof(struct spec_run, member)

static struct spec_service *service_of(void *into)
{
    return ((struct spec_service_in *)into)->service;
}

static const char *const modes[] = {"replicated", "global", "replicated-job", "global-job", NULL};

void spec_key_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int i = spec_read_word(r, k->name, v, modes);

    if (i < 0)
        return;
    service_of(into)->global = i % 2;
    service_of(into)->job = i >= 2;
}

static const char *mode_of(const struct spec_service *s)
{
    return modes[s->global + 2 * s->job];
}

/* jobs ------------------------------------------------------------------------------------------------ */

static const struct spec_key job_keys[] = {
    {"max_concurrent", .read = spec_key_int, RUN(max_concurrent), .max = SPEC_REPLICAS_MAX},
    {"keep", .read = spec_key_int, RUN(keep), .min = 1, .max = SPEC_KEEP_MAX},
};

void spec_key_job(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct spec_keys keys = SPEC_KEYS("x-orc.job", job_keys);

    ((struct spec_service_in *)into)->job = v;
    spec_read_map(r, &keys, v, &service_of(into)->run);
}

enum condition { NONE, ON_FAILURE, ANY };

struct policy {
    int condition, max_attempts; /* 0: any number */
    uint64_t delay_ms;
};

static void read_condition(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    static const char *const names[] = {"none", "on-failure", "any", NULL};
    int i = spec_read_word(r, k->name, v, names);

    if (i == ANY)
        spec_say(
            r, v,
            "condition \"any\" makes no sense for a job, which ends when it has succeeded; \"on-failure\" "
            "and \"none\" do");
    else if (i >= 0)
        ((struct policy *)into)->condition = i;
}

static const struct spec_key policy_keys[] = {
    {"condition", .read = read_condition, .doc = "`on-failure`, or `none`: no second try"},
    {"max_attempts", .read = spec_key_int, .offset = offsetof(struct policy, max_attempts),
     .max = SPEC_RETRIES_MAX, .doc = "tries after the first; 0: until it succeeds"},
    {"delay", .read = spec_key_ms, .offset = offsetof(struct policy, delay_ms),
     .doc = "before the next try; else 10 s, doubling to 5 min"},
    {"window", .refusal = "a job is judged by its end, not by how long it runs; remove it"},
};
const struct spec_keys spec_restart_policy_keys = SPEC_KEYS("deploy.restart_policy", policy_keys);

void spec_key_restart_policy(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    struct spec_run *run = &service_of(into)->run;
    struct policy p = {.condition = ON_FAILURE, .max_attempts = run->retries};

    ((struct spec_service_in *)into)->restart_policy = v;
    spec_read_map(r, &spec_restart_policy_keys, v, &p);
    run->delay_ms = p.delay_ms;
    if (p.condition == NONE)
        run->retries = 0;
    else
        run->retries = p.max_attempts ? p.max_attempts : SPEC_RETRIES_ANY;
}

/* ---- what suits the mode ----------------------------------------------------------------------------- */

static void refuse(struct spec_reader *r, const struct spec_node *v, const struct spec_service *s,
                   const char *key, const char *why)
{
    if (v)
        spec_say(r, v, "\"%s\" makes no sense beside mode \"%s\": %s; remove one of the two", key, mode_of(s),
                 why);
}

static void check_global(struct spec_reader *r, const struct spec_service_in *in)
{
    static const char *const why = "one runs on each server that takes it";

    refuse(r, in->replicas, in->service, "replicas", why);
    refuse(r, in->max_per_node, in->service, "max_replicas_per_node", why);
    refuse(r, in->preferences, in->service, "preferences", why);
}

/* `restart` of a job says how often a failure is tried again; nodelet starts nothing again. */
static void take_restart(struct spec_reader *r, const struct spec_service_in *in)
{
    struct spec_service *s = in->service;

    if (in->restart && in->restart_policy)
        spec_say(r, in->restart_policy,
                 "\"restart\" and \"restart_policy\" say the same; remove one of the two");
    if (in->restart && s->restart == SPEC_RESTART_NO)
        s->run.retries = 0;
    else if (in->restart && s->restart == SPEC_RESTART_ON_FAILURE)
        s->run.retries = s->restart_max ? s->restart_max : SPEC_RETRIES_ANY;
    else if (in->restart)
        spec_say(r, in->restart,
                 "restart makes no sense as \"%s\" beside mode \"%s\": a job that has succeeded has ended; "
                 "\"no\", \"on-failure\" and \"on-failure:5\" do",
                 spec_quote(in->restart->text).text, mode_of(s));
    s->restart = SPEC_RESTART_NO;
    s->restart_max = 0;
}

static void check_job(struct spec_reader *r, const struct spec_service_in *in)
{
    static const char *const ends = "it is judged by its exit code", *const serves = "it serves nobody",
                             *const anew = "a new revision begins a new run";
    struct spec_service *s = in->service;

    take_restart(r, in);
    refuse(r, in->gateway, s, "gateway", serves);
    if (s->health.kind != SPEC_HEALTH_NONE)
        refuse(r, in->override.at ? in->override.at : in->healthcheck.at, s, "health", ends);
    refuse(r, in->update, s, "update_config", anew);
    refuse(r, in->rollback, s, "rollback_config", anew);
    refuse(r, in->canary, s, "canary", anew);
    refuse(r, in->disconnect, s, "disconnect", "what is lost is tried again");
}

static void check_no_job(struct spec_reader *r, const struct spec_service_in *in)
{
    if (in->job)
        spec_say(r, in->job, "x-orc.job makes no sense beside mode \"%s\"; give deploy.mode \"%s\"",
                 mode_of(in->service), modes[in->service->global + 2]);
    if (in->schedule)
        spec_say(r, in->schedule, "x-orc.schedule makes no sense beside mode \"%s\"; give deploy.mode \"%s\"",
                 mode_of(in->service), modes[in->service->global + 2]);
    if (in->restart_policy)
        spec_say(
            r, in->restart_policy,
            "\"restart_policy\" in deploy is for jobs; give \"restart\" of the service, such as \"restart: "
            "on-failure:5\"");
}

void spec_finish_mode(struct spec_reader *r, struct spec_service_in *in)
{
    if (in->service->global)
        check_global(r, in);
    if (in->service->job)
        check_job(r, in);
    else
        check_no_job(r, in);
}
