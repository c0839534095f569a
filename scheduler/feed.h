/* feed.h - one change of the store into the model; private to scheduler/feed*.c.
 *
 * Every index and sum of the model is kept right here and nowhere else: feed_task.c counts what a task takes
 * on its node, feed_node.c keeps the lists of those that are silent, feed_service.c makes services for what
 * an app names. Each `feed_x` takes a record of the caller (NULL: unreadable; left empty, but for tasks and
 * their status, of which only little is kept) and marks dirty whom it concerns; each `_gone` is a deletion,
 * after which what nothing refers to any more is freed.
 */
#ifndef SCHEDULER_FEED_H
#define SCHEDULER_FEED_H

#include "scheduler/core.h"
#include "scheduler/model.h"

/* Moves a record of the caller into place; NULL leaves an empty one. */
#define FEED_MOVE(dst, src, release)                                                                         \
    do {                                                                                                     \
        release(dst);                                                                                        \
        if (src) {                                                                                           \
            memcpy((dst), (src), sizeof *(dst));                                                             \
            memset((src), 0, sizeof *(dst));                                                                 \
        }                                                                                                    \
    } while (0)

static inline void feed_note(struct core_fed *f, const void *record, int64_t create, int64_t mod)
{
    *f = (struct core_fed){.present = true, .unreadable = !record, .create = create, .mod = mod};
}

/* A million CPUs, a pebibyte: more is nonsense written by hand, and sums of it would overflow. */
static inline bool feed_is_modest(struct spec_resources r)
{
    const int64_t max = INT64_C(1) << 50;

    return r.cpus_nano >= 0 && r.cpus_nano <= max && r.memory >= 0 && r.memory <= max;
}

/* Sixteen bits that tell one start of a server from the next; 0: unknown. */
uint16_t feed_boot(const char *boot_id);

/* feed_task.c */
void feed_task(struct core *c, const struct key *k, const struct record_task *r, int64_t mod);
void feed_status(struct core *c, const struct key *k, const struct record_status *r, int64_t mod);
void feed_task_gone(struct core *c, const struct key *k);                    /* the task, or its status */
struct core_task *feed_task_find(const struct core *c, const struct key *k); /* by either key; or NULL */

/* feed_node.c */
void feed_node(struct core *c, const struct key *k, struct record_node *r, int64_t create, int64_t mod);
void feed_policy(struct core *c, const struct key *k, struct record_node_policy *r, int64_t create,
                 int64_t mod);
void feed_node_state(struct core *c, const struct key *k, struct record_node_state *r, int64_t create,
                     int64_t mod);
void feed_alive(struct core *c, const struct key *k, const struct record_alive *r, int64_t create,
                int64_t mod);
void feed_node_gone(struct core *c, const struct key *k); /* the node, its policy, state or heartbeat */
void feed_subnet(struct core *c, const struct key *k, const struct record_subnet *r, int64_t mod);
void feed_subnet_gone(struct core *c, const struct key *k);
void feed_gateway(struct core *c, const struct key *k, bool there, int64_t create, int64_t mod);
void feed_free_node(struct core *c, struct core_node *n);
void feed_drop_node(struct core *c, struct core_node *n); /* if nothing is left of it */

/* feed_service.c */
void feed_app(struct core *c, const struct key *k, struct record_app *r, int64_t create, int64_t mod);
void feed_app_gone(struct core *c, const struct key *k);
void feed_revision(struct core *c, const struct key *k, struct record_revision *r, int64_t create,
                   int64_t mod);
void feed_rollout(struct core *c, const struct key *k, struct record_rollout *r, int64_t create, int64_t mod);
void feed_intent(struct core *c, const struct key *k, struct record_intent *r, int64_t create, int64_t mod);
void feed_service_gone(struct core *c, const struct key *k); /* a revision, the rollout, or the intent */
void feed_free_service(struct core *c, struct core_service *s);
void feed_free_revision(struct core_service *s, struct core_revision *r);
void feed_drop_service(struct core *c, struct core_service *s); /* if nothing is left of it */
void feed_drop_app(struct core *c, struct core_app *a);

#endif
