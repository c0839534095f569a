/* job_run.h - one run of a job within one step: its slots, which of them are over, and the next tasks. For
 * job.c alone. */
#ifndef SCHEDULER_JOB_RUN_H
#define SCHEDULER_JOB_RUN_H

#include "scheduler/job.h"

enum job_class {
    JOB_NONE,     /* there is no task */
    JOB_ACTIVE,   /* it runs or is about to, as far as is known */
    JOB_WELL,     /* exited with 0 */
    JOB_BAD,      /* failed: a try is over */
    JOB_LOST,     /* its node is given up */
    JOB_STOPPING, /* told to stop, and waited for */
    JOB_GONE      /* told to stop, and not waited for any more */
};

struct job_slot { /* that is not completed */
    int n;
    struct core_node *node; /* of a global job; NULL: any */
    struct core_task *last; /* the newest of the run, or NULL */
    enum job_class class;   /* of last */
};

struct job_run {
    struct recon *x;
    struct rollout_run *run;         /* into x->next */
    const struct core_revision *rev; /* NULL: can't be read, and nothing is done */
    struct ranges done;
    ORC_VEC(struct job_slot) slots; /* by number */
    int active;                     /* tasks that are active or stopping */
    char *waits;                    /* job.c's: why it may do nothing yet; NULL. Owned */
};

enum job_class job_classify(struct recon *x, struct core_task *t);
bool job_task_is_of(const struct core_task *t, const struct rollout_run *run);

/* Whether anything of it may have run, or runs: tasks that are only about to don't count. */
bool job_run_has_begun(const struct core_service *s, const struct rollout_run *run);

/* Looks at the run's tasks: completed slots are taken into the record, the others listed. */
void job_run_look(struct job_run *j, struct recon *x, struct rollout_run *run);
/* Whether it is over. Then *ret_why (owned by the caller) says why it has failed; NULL: it has succeeded. */
bool job_run_is_over(struct job_run *j, char **ret_why);
/* Counts where the tasks of all runs are; once, before the first of them goes on. */
void job_run_count_spread(struct recon *x);
/* Makes the next tasks. `say`: slots that wait are listed in x->v. */
void job_run_go_on(struct job_run *j, bool say);
void job_run_release(struct job_run *j);
/* How many tasks it has at once from now on. */
int job_run_at_once(const struct job_run *j);

#endif
