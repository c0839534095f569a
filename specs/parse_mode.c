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

const char *const spec_modes[] = {"replicated", "global", "replicated-job", "global-job", NULL};

void spec_key_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int i = spec_read_word(r, k, v);

    if (i < 0)
        return;
    service_of(into)->global = i % 2;
    service_of(into)->job = i >= 2;
}

static const char *mode_of(const struct spec_service *s)
{
    return spec_modes[s->global + 2 * s->job];
}

/* jobs ------------------------------------------------------------------------------------------------ */

static const struct spec_key job_keys[] = {
    {"max_concurrent", .read = spec_key_int, RUN(max_concurrent), .max = SPEC_REPLICAS_MAX,
     .doc = "how many of its tasks run at once; 0, or left out: all of them"},
    {"keep", .read = spec_key_int, RUN(keep), .min = 1, .max = SPEC_KEEP_MAX,
     .doc = "of how many runs `orc runs` knows the end; else 10"},
};
const struct spec_keys spec_job_keys = SPEC_KEYS("x-orc.job", job_keys);

void spec_key_job(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    ((struct spec_service_in *)into)->job = v;
    spec_read_map(r, &spec_job_keys, v, &service_of(into)->run);
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
    refuse(r, in->weights, in->service, "weights", why);
}

static void check_job(struct spec_reader *r, const struct spec_service_in *in)
{
    static const char *const ends = "it is judged by its exit code", *const serves = "it serves nobody",
                             *const anew = "a new revision begins a new run";
    struct spec_service *s = in->service;

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
                 mode_of(in->service), spec_modes[in->service->global + 2]);
    if (in->schedule)
        spec_say(r, in->schedule, "x-orc.schedule makes no sense beside mode \"%s\"; give deploy.mode \"%s\"",
                 mode_of(in->service), spec_modes[in->service->global + 2]);
}

void spec_finish_mode(struct spec_reader *r, struct spec_service_in *in)
{
    spec_finish_restart(r, in);
    if (in->service->global)
        check_global(r, in);
    if (in->service->job)
        check_job(r, in);
    else
        check_no_job(r, in);
}
