/* agent.h - the tasks of this node: brings each one's container to what its record asks, and says what it
 * saw.
 *
 * The thin shell around converge, probe and withdraw. Fed by the view (nodelet.c) and by the node's own
 * registration (node.c); talks to the engine, the containers' health ports and etcd. It must not know how the
 * node is registered or how its network is made.
 *
 * Until the view's first whole batch and the engine's first list of containers nothing is done: absence is
 * not known before.
 */
#ifndef NODELET_AGENT_H
#define NODELET_AGENT_H

#include "nodelet/docker.h"
#include "state/etcd.h"
#include "state/event.h"
#include "state/key.h"
#include "state/view.h"
#include "lib/metrics.h"

struct agent;

struct agent_opts {
    uv_loop_t *loop;
    struct etcd *etcd;
    struct docker *docker;
    const char *cluster, *node; /* copied */
    const char *boot_id;        /* of this server; borrowed */
    const char *configs;        /* absolute: where configs become files; borrowed */
    struct event_log *events;   /* may be NULL */
    void (*on_engine)(bool up, const char *why, void *arg);
    /* Volumes may have been made or removed: a container that mounts some was started, all were listed. */
    void (*on_volumes)(void *arg);
    void (*on_orphans)(const char *text, void *arg); /* containers of ours without a task; NULL: none */
    void (*on_alive_doubt)(void *arg);   /* a write found another `alive` than agent_alive() said */
    void (*on_network_doubt)(void *arg); /* the engine says the network is missing */
    void (*on_back)(void *arg); /* etcd was away, and some are fenced: agent_caught_up() is waited for */
    void *arg;
};

struct agent *agent_new(const struct agent_opts *opts);
/* Containers and records are left as they are. The loop must run on for its handles to close. */
struct agent *agent_free(struct agent *a);

/* The cluster's id, once it is known: only then is the engine asked for our containers. */
void agent_cluster_id(struct agent *a, const char *id);
/* Where ports are published by default. */
void agent_address(struct agent *a, const char *address);
/* Whether the engine's network is made: without it nothing new is created. */
void agent_network(struct agent *a, bool ready);
/* The lease of our `alive` and its create revision; 0, 0: lost. Endpoints are written anew. Before the first
 * one nothing is done at all: the tasks may be another nodelet's. heard_at: when etcd was heard of last,
 * monotonic ms: fences count from there. */
void agent_alive(struct agent *a, int64_t lease, int64_t create_revision, uint64_t heard_at);
/* Another nodelet has this node's name: its tasks are not ours until agent_alive() says so again. */
void agent_held(struct agent *a);

/* From the view. */
void agent_put(struct agent *a, const struct key *key, const struct etcd_kv *kv);
void agent_delete(struct agent *a, const struct key *key, int64_t revision);
void agent_batch(struct agent *a);
void agent_view(struct agent *a, enum view_state state);
void agent_forget(struct agent *a); /* view_opts.on_forget */
/* All has been seen that etcd held when on_back() was called last. */
void agent_caught_up(struct agent *a);

/* metrics.c */
void agent_metrics(const struct agent *a, struct orc_metrics_text *text);

#endif
