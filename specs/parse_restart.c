/* restart, and deploy.restart_policy, which says the same in more words: what happens when a container ends.
 */
#include "lib/units.h"
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

/* restart ---------------------------------------------------------------------------------------------- */

/* "on-failure:5" -> 5; 0 without a number; -1 for anything else. */
static int failures(const char *s)
{
    int64_t n;

    if (strcmp(s, "on-failure") == 0)
        return 0;
    if (strncmp(s, "on-failure:", 11) != 0 || s[11] == '0' ||
        orc_parse_int(s + 11, 1, SPEC_RETRIES_MAX, &n, NULL) < 0)
        return -1;
    return (int)n;
}

void spec_key_restart(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const struct {
        const char *name;
        enum spec_restart restart;
    } policies[] = {{"always", SPEC_RESTART_ALWAYS},
                    {"no", SPEC_RESTART_NO},
                    {"unless-stopped", SPEC_RESTART_UNLESS_STOPPED}};
    struct spec_service *to = ((struct spec_service_in *)into)->service;
    const char *s = spec_read_text(r, k->name, v);
    int max = s ? failures(s) : -1;

    ((struct spec_service_in *)into)->restart = v;
    for (size_t i = 0; s && i < ORC_ARRAY_SIZE(policies); i++)
        if (strcmp(s, policies[i].name) == 0) {
            to->restart = policies[i].restart;
            return;
        }
    if (max >= 0) {
        to->restart = SPEC_RESTART_ON_FAILURE;
        to->restart_max = max;
    } else if (s) {
        spec_say(r, v,
                 "restart is \"%s\", but must be \"always\", \"unless-stopped\", \"no\", \"on-failure\" or "
                 "\"on-failure:5\" with a number of tries in 1..%d",
                 spec_quote(s).text, SPEC_RETRIES_MAX);
    }
}

/* restart_policy --------------------------------------------------------------------------------------- */

enum condition { NONE, ON_FAILURE, ANY };

static void read_condition(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    struct spec_policy_in *p = into;
    int i = spec_read_word(r, k, v);

    p->condition_at = v;
    if (i >= 0)
        p->condition = i;
}

static void read_attempts(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    ((struct spec_policy_in *)into)->attempts_at = v;
    spec_key_int(r, k, v, into);
}

static void read_delay(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    ((struct spec_policy_in *)into)->delay_at = v;
    spec_key_ms(r, k, v, into);
}

static void read_window(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    const struct spec_key row = {k->name, .offset = 0};
    uint64_t ms;

    ((struct spec_policy_in *)into)->window_at = v;
    spec_key_ms(r, &row, v, &ms);
}

#define POLICY(m) .offset = offsetof(struct spec_policy_in, m)

static const struct spec_key policy_keys[] = {
    {"condition", .read = read_condition, SPEC_WORDS("none", "on-failure", "any"),
     .doc = "`any` (else, of a service): always; `on-failure` (else, of a job); `none`"},
    {"max_attempts", .read = read_attempts, .form = SPEC_IS_INT, POLICY(max_attempts),
     .max = SPEC_RETRIES_MAX, .doc = "tries after the first, beside `on-failure`; 0: any number"},
    {"delay", .read = read_delay, .form = SPEC_IS_DURATION, POLICY(delay_ms),
     .doc = "of a job: before the next try; else 10 s, doubling to 5 min. Of a service no effect: nodelet "
            "waits 1 s, "
            "doubling to 5 min"},
    {"window", .read = read_window, .form = SPEC_IS_DURATION,
     .doc = "of a service no effect: a run of 10 min makes earlier failures forgotten. Of a job refused"},
};
const struct spec_keys spec_restart_policy_keys = SPEC_KEYS("deploy.restart_policy", policy_keys);

void spec_key_restart_policy(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    struct spec_policy_in *p = &((struct spec_service_in *)into)->policy;

    *p = (struct spec_policy_in){.at = v, .condition = -1};
    spec_read_map(r, &spec_restart_policy_keys, v, p);
}

/* What they mean --------------------------------------------------------------------------------------- */

/* Of a job: how often a failure is tried again, by the scheduler. */
static void take_job_policy(struct spec_reader *r, const struct spec_policy_in *p, struct spec_run *run)
{
    if (p->condition == ANY)
        spec_say(
            r, p->condition_at,
            "condition \"any\" makes no sense for a job, which ends when it has succeeded; \"on-failure\" "
            "and \"none\" do");
    if (p->window_at)
        spec_say(r, p->window_at,
                 "window makes no sense for a job, which is judged by its end, not by how long it runs; "
                 "remove it");
    run->delay_ms = p->delay_ms;
    if (p->condition == NONE)
        run->retries = 0;
    else if (p->attempts_at)
        run->retries = p->max_attempts ? p->max_attempts : SPEC_RETRIES_ANY;
}

/* `restart` of a job likewise; nodelet starts nothing again. */
static void take_job_restart(struct spec_reader *r, const struct spec_service_in *in)
{
    struct spec_service *s = in->service;

    if (in->restart && s->restart == SPEC_RESTART_NO)
        s->run.retries = 0;
    else if (in->restart && s->restart == SPEC_RESTART_ON_FAILURE)
        s->run.retries = s->restart_max ? s->restart_max : SPEC_RETRIES_ANY;
    else if (in->restart)
        spec_say(r, in->restart,
                 "restart makes no sense as \"%s\" beside mode \"%s\": a job that has succeeded has ended; "
                 "\"no\", \"on-failure\" and \"on-failure:5\" do",
                 spec_quote(in->restart->text).text, s->global ? "global-job" : "replicated-job");
    s->restart = SPEC_RESTART_NO;
    s->restart_max = 0;
}

static void note_own_pauses(struct spec_reader *r, const char *name, const struct spec_node *v)
{
    if (v)
        spec_note(r, v,
                  "%s has no effect: a container that ends is started again after 1 s, doubling to 5 min, "
                  "until it has "
                  "run for 10 min",
                  name);
}

/* Of a service: as `restart`. */
static void take_policy(struct spec_reader *r, const struct spec_policy_in *p, struct spec_service *s)
{
    static const enum spec_restart restarts[] = {
        [NONE] = SPEC_RESTART_NO, [ON_FAILURE] = SPEC_RESTART_ON_FAILURE, [ANY] = SPEC_RESTART_ALWAYS};
    int condition = p->condition >= 0 ? p->condition : ANY;

    s->restart = restarts[condition];
    s->restart_max = condition == ON_FAILURE ? p->max_attempts : 0;
    if (condition == ANY && p->max_attempts)
        spec_say(
            r, p->attempts_at,
            "max_attempts makes no sense beside condition \"any\", with which a container is always started "
            "again; give \"on-failure\", or remove it");
    note_own_pauses(r, "delay", p->delay_at);
    note_own_pauses(r, "window", p->window_at);
}

void spec_finish_restart(struct spec_reader *r, struct spec_service_in *in)
{
    const struct spec_policy_in *p = &in->policy;

    if (in->restart && p->at)
        spec_say(r, p->at, "\"restart\" and \"restart_policy\" say the same; remove one of the two");
    if (in->service->job && p->at)
        take_job_policy(r, p, &in->service->run);
    if (in->service->job)
        take_job_restart(r, in);
    else if (p->at)
        take_policy(r, p, in->service);
}
