/* registration.h - this node's place in the store: its lease, `alive/<node>`, and its `subnets/<k>`.
 *
 * A name belongs to one nodelet at a time: `alive` is create-only, or taken over from the same instance (the
 * random id in the state folder). A name held by another is tried for again until its holder is gone; that is
 * said once. A lost lease, or an `alive` that vanished, is registered anew by itself.
 */
#ifndef NODELET_REGISTRATION_H
#define NODELET_REGISTRATION_H

#include "nodelet/statedir.h"
#include "state/etcd.h"
#include "state/key.h"
#include "state/record.h"

struct registration;

struct registration_opts {
    uv_loop_t *loop;
    struct etcd *etcd;
    const char *cluster, *node;       /* borrowed for the life of the registration */
    const char *machine_id, *boot_id; /* likewise */
    struct statedir *state;           /* lease and subnet are kept there */
    bool shown_only; /* nothing may run here: the node is registered for people to see, without a subnet */
    void (*on_alive)(int64_t lease, int64_t create_revision, void *arg); /* 0, 0: lost */
    void (*on_held)(void *arg); /* the name belongs to another nodelet: nothing may be done in its place */
    void (*on_subnet)(int k, const char *why, void *arg); /* -1: none, with the reason */
    void (*on_written)(const char *key, void *arg);       /* the claim of a subnet was */
    void *arg;
};

struct registration *registration_new(const struct registration_opts *opts);
struct registration *registration_free(struct registration *r); /* NULL allowed; returns NULL */

/* The cluster's config is known: begins. `subnets`: how many /24 the cluster has. */
void registration_begin(struct registration *r, const char *cluster_id, int64_t ttl_s, int subnets);

/* From the view: subnets, and our own alive. node NULL: deleted. */
#define SUBNET_UNREADABLE "?" /* for node: somebody's, but it can't be read whose */
void registration_subnet(struct registration *r, int k, const char *node);
void registration_alive_seen(struct registration *r, const struct etcd_kv *kv);
void registration_alive_gone(struct registration *r);
/* The address in the record of our name, which another may have written: for the message that names the
 * holder. */
void registration_address(struct registration *r, const char *address);
/* The view has shown all there is: a subnet may be chosen. */
void registration_synced(struct registration *r);
/* When etcd was heard of our lease last: lease_heard_at(). */
uint64_t registration_heard_at(const struct registration *r);
/* Somebody found that our alive is not what we think: look again. */
void registration_doubt(struct registration *r);

/* Who holds our name by an `alive` that is there. Outdated: it is to be written anew, as it is ours of an
 * earlier lease, or of this one and says something else (the server was started anew within the lease: its
 * boot id is another), or has no heartbeat and would stay for ever (somebody wrote it by hand). Pure; `text`
 * is what we would write. What was read is in *ret, released by the caller. */
enum registration_holder { HOLDER_US, HOLDER_OUTDATED, HOLDER_ANOTHER, HOLDER_UNREADABLE };
enum registration_holder registration_judge(const struct etcd_kv *kv, const char *instance, const char *text,
                                            int64_t lease, struct record_alive *ret, struct orc_err *err);

/* Whether an `alive` that we hold is not as we wrote it: by hand, or it came with a store restored from a
 * backup of before the server's last start. Pure. */
bool registration_differs(const struct etcd_kv *kv, const char *text);

/* Which /24 to try: the one remembered, else the lowest free from 1, 0 last; -1: all are taken. Pure;
 * `owner[k]` NULL: free. */
int registration_choose(const char *const *owner, int n, int remembered);

#endif
