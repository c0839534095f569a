/* cluster.h - everything the CLI knows of a cluster: the store's records, decoded, by key.
 *
 * Fed from one range or from a live view; it must not know where the records come from, nor what they mean
 * (report.h). An unreadable value is kept as an entry with `problem` set: it is shown, never guessed at.
 */
#ifndef CLI_CLUSTER_H
#define CLI_CLUSTER_H

#include "state/record.h"

#include <uthash.h>

struct cluster_entry {
    char *name; /* the absolute key */
    struct key key;
    int64_t create_revision, mod_revision;
    char *problem; /* why the value could not be read; then `as` is empty */
    union {
        struct record_config config;
        struct record_revision revision;
        struct record_app app;
        struct record_intent intent;
        struct record_rollout rollout;
        struct record_task task;
        struct record_status status;
        struct record_node node;
        struct record_node_policy policy;
        struct record_node_state node_state;
        struct record_alive alive;
        struct record_gateway gateway;
        struct record_gateway_alive gateway_alive;
        struct record_leader leader;
        struct record_endpoint endpoint;
        struct record_event event;
    } as;
    UT_hash_handle hh;
};

struct cluster {
    char *name;
    int64_t revision;
    struct cluster_entry *entries; /* by key; kinds the CLI does not use are left out */
};

void cluster_init(struct cluster *c, const char *name); /* copies the name */
void cluster_release(struct cluster *c);
void cluster_put(struct cluster *c, const char *key, const char *value, size_t n, int64_t create_revision,
                 int64_t mod_revision);
void cluster_delete(struct cluster *c, const char *key);
void cluster_drop(struct cluster *c, struct cluster_entry *e); /* frees it */
void cluster_sort(struct cluster *c); /* by key, for iteration with HASH_ITER; a new put ends the order */

/* The readable entry of a key (as key_x() makes it, which is freed here), or NULL. */
struct cluster_entry *cluster_find(const struct cluster *c, char *key);

/* Why a key that is there can't be read; NULL when it can, or is not there. Frees the key. */
const char *cluster_problem(const struct cluster *c, char *key);

/* The wanted service of an app, or NULL. */
const struct record_app_service *cluster_wanted(const struct cluster *c, const char *app,
                                                const char *service);
/* The readable record of a task, whatever its node; or NULL. */
const struct cluster_entry *cluster_task(const struct cluster *c, const char *id);
/* The spec of a revision, or NULL. */
const struct spec_service *cluster_spec(const struct cluster *c, const char *app, const char *service,
                                        int64_t n);
/* How many replicas are wanted: the override, else the spec's, else 1; 0 when the service is not in its app.
 */
int cluster_replicas(const struct cluster *c, const char *app, const char *service);

#endif
