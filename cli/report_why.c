/* report_why.c - the sentences of a service that is not as it should be, the most important first. */
#include "cli/report_internal.h"

#include "lib/units.h"

#include <stdio.h>

#define WHY_MAX 5 /* sentences a service gives at most; the rest is counted */

static void why(struct report_service *s, unsigned *more, char *sentence)
{
    if (s->why.n < WHY_MAX)
        orc_strv_add(&s->why, sentence);
    else
        ++*more;
    free(sentence);
}

static void why_pending(struct report_service *s, const struct record_rollout *ro, unsigned *more)
{
    for (size_t i = 0; i < ro->pending.n; i++) {
        size_t same = 0, j;

        /* Slots that wait for one reason are one line. */
        for (j = 0; j < i && !orc_streq(ro->pending.at[j].reason, ro->pending.at[i].reason); j++)
            ;
        if (j < i)
            continue;
        for (j = i; j < ro->pending.n; j++)
            same += (size_t)orc_streq(ro->pending.at[j].reason, ro->pending.at[i].reason);
        if (same == 1)
            why(s, more,
                orc_printf("replica %d waits: %s", ro->pending.at[i].slot, ro->pending.at[i].reason));
        else
            why(s, more, orc_printf("%zu replicas wait: %s", same, ro->pending.at[i].reason));
    }
}

static void why_trouble(struct report_service *s, const struct record_rollout *ro, unsigned *more)
{
    for (size_t i = 0; i < ro->trouble.n; i++)
        why(s, more,
            orc_printf("%s is avoided: it failed %d times there", ro->trouble.at[i].node,
                       ro->trouble.at[i].failures));
}

char *report_condition(const struct report_task *t)
{
    return orc_streq(t->health, "unknown") ? orc_strdup(t->state) : orc_printf("%s, %s", t->state, t->health);
}

bool report_in_trouble(const struct report_task *t)
{
    return orc_streq(t->desired, task_desired_name(TASK_RUN)) &&
           (orc_streq(t->state, task_state_name(TASK_FAILED)) ||
            orc_streq(t->health, task_health_name(TASK_UNHEALTHY)) ||
            orc_streq(t->health, task_health_name(TASK_UNREADY)));
}

static void why_task(struct report_service *s, const struct report_task *t, unsigned *more)
{
    orc_auto_free char *is = report_condition(t);

    why(s, more, orc_printf("%s on %s is %s: %s", t->id, t->node, is, t->reason));
}

/* While a rollback waits for the last of the failed version to stop its record still tells the cause alone.
 */
static void why_stopping(struct report_service *s, unsigned *more)
{
    const struct report_task *t, *first = NULL;
    size_t n = 0;

    orc_vec_each (t, &s->tasks) {
        if (orc_streq(t->desired, "run") || orc_streq(t->state, "stopped") || orc_streq(t->state, "failed"))
            continue;
        first = first ? first : t;
        n++;
    }
    if (n)
        why(s, more,
            orc_printf("%zu task%s still stop%s: %s on %s%s", n, n == 1 ? "" : "s", n == 1 ? "s" : "",
                       first->id, first->node, n == 1 ? "" : " and others"));
}

void report_why(const struct cluster_entry *ro, bool led, struct report_service *s)
{
    const struct report_task *t;
    char duration[ORC_UNIT_MAX];
    unsigned more = 0;

    if (ro && ro->as.rollout.reason)
        why(s, &more, orc_strdup(ro->as.rollout.reason));
    if (s->degraded)
        why(s, &more,
            orc_printf("degraded for %s: %s", orc_format_age(s->degraded_ms, duration), s->degraded));
    if (!ro && s->desired > 0)
        why(s, &more, orc_strdup(led ? "the scheduler has not taken it up yet" : "no scheduler leads"));
    if (ro)
        why_pending(s, &ro->as.rollout, &more);
    orc_vec_each (t, &s->tasks)
        if (!t->healthy && t->reason && orc_streq(t->desired, "run"))
            why_task(s, t, &more);
    if (ro)
        why_trouble(s, &ro->as.rollout, &more);
    if (ro && ro->as.rollout.rebalance_end)
        why(s, &more,
            orc_printf("its last rebalance ended early, after %d replica%s: %s",
                       ro->as.rollout.rebalance_moved, ro->as.rollout.rebalance_moved == 1 ? "" : "s",
                       ro->as.rollout.rebalance_end));
    if (ro && ro->as.rollout.state == ROLLOUT_ROLLING_BACK && !ro->as.rollout.pending.n &&
        s->healthy >= s->desired)
        why_stopping(s, &more);
    if (!s->why.n && ro && ro->as.rollout.state == ROLLOUT_COMPLETE && s->healthy < s->desired)
        why(s, &more,
            orc_printf("%d of %d replicas are healthy; the scheduler has not reacted yet", s->healthy,
                       s->desired));
    if (more) {
        char *text = orc_printf("and %u more; see `orc status %s`", more, s->name);

        orc_strv_add(&s->why, text);
        free(text);
    }
}
