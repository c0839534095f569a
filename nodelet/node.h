/* node.h - the record of this server, nodes/<node>: what it has, and the conditions that keep work off it.
 *
 * Gathers what the other parts report and writes it when it differs, guarded by our own `alive`.
 */
#ifndef NODELET_NODE_H
#define NODELET_NODE_H

#include "nodelet/host.h"
#include "state/etcd.h"
#include "state/event.h"
#include "state/record.h"

struct node;

struct node_opts {
    uv_loop_t *loop;
    struct etcd *etcd;
    struct event_log *events;
    const char *cluster, *name; /* borrowed for the life */
    const struct host *host;
    const struct spec_pairs *labels;
    struct spec_resources reserve;
    int reserve_pids;
    void (*on_alive_doubt)(void *arg);              /* the guard did not hold */
    void (*on_written)(const char *key, void *arg); /* the record of this node was */
    void *arg;
};

struct node *node_new(const struct node_opts *opts);
struct node *node_free(struct node *n); /* NULL allowed; returns NULL */

void node_alive(struct node *n, int64_t create_revision); /* 0: lost; nothing is written */
void node_store(struct node *n, bool live);
void node_subnet(struct node *n, const char *subnet); /* NULL: none */
void node_address(struct node *n, const char *address, int mtu);
void node_engine(struct node *n, const char *version);
/* A condition that keeps work off while it is not ok; `reason` a sentence, "" when ok. One that is ok may
 * carry a reason too: it is shown and keeps nothing off (orphans). */
void node_condition(struct node *n, const char *type, bool ok, const char *reason);
/* One that keeps nothing off, and makes other nodes preferable while `avoid`. */
void node_avoid(struct node *n, const char *type, bool avoid, const char *reason);
void node_engine_labels(struct node *n, const struct spec_pairs *labels); /* copied */
/* What the engine has, copied. Until it was asked the record keeps what it said before. */
void node_volumes(struct node *n, const struct orc_strv *names);
/* Our record as the view shows it; NULL: deleted. Another's hand is overwritten. */
void node_seen(struct node *n, const struct etcd_kv *kv);
/* The store is another one, or an older state of it: the record is written again. */
void node_forget(struct node *n);

#endif
