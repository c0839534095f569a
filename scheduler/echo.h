/* echo.h - the tasks that this scheduler wrote, until the store shows them: they need not be read anew then.
 *
 * Reading back what it wrote itself was a fifth of a leader's work when thousands of tasks are made. A memo,
 * matched by the whole text: without it, or with any part of it lost, nothing is different but the time.
 */
#ifndef SCHEDULER_ECHO_H
#define SCHEDULER_ECHO_H

#include "scheduler/core.h"
#include "scheduler/plan.h"

#define ECHO_MAX 4096 /* tasks that are waited for; what comes beyond is read as any other's */

struct echo *echo_new(void);
struct echo *echo_free(struct echo *e); /* takes NULL; returns NULL */

/* `value` is being written to `key`, for `t`; all is copied. */
void echo_expect(struct echo *e, const char *key, const char *value, const struct plan_task *t);
/* The store shows `value` (n bytes) at `name`, which is `key`: true when it is what was expected, and the
 * core was fed. Either way nothing is expected there any more. */
bool echo_feed(struct echo *e, struct core *c, const char *name, const struct key *key, const char *value,
               size_t n, int64_t create, int64_t mod);
/* Nothing is expected any more: what was written is seen, or will never be. */
void echo_clear(struct echo *e);

#endif
