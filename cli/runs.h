/* runs.h - the runs of a job: what the record keeps of them, as the commands show it. Pure but for
 * runs_print(). */
#ifndef CLI_RUNS_H
#define CLI_RUNS_H

#include "cli/out.h"
#include "state/record.h"

struct runs { /* by number */
    struct rollout_run *at;
    size_t n, cap;
};

void runs_copy(const struct record_rollout *r, struct runs *ret);
void runs_release(struct runs *r);

/* The newest in short: "run 7: 2 of 5 completed", "run 7 failed, 2 of 5 completed". Freed by the caller;
 * NULL: there is none. */
char *runs_line(const struct runs *r);
json_t *runs_to_json(const struct runs *r);
/* A table, the newest first. */
void runs_print(const struct out *o, const struct runs *r, int64_t wall_ms, FILE *f);

#endif
