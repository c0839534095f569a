/* key.h - the layout of the store: names of keys, made and taken apart. docs/keys.md is its prose.
 *
 * All keys are below "/orc/<cluster>/". Parsing is strict: what does not fit is KEY_UNKNOWN, reported, never
 * acted on.
 */
#ifndef STATE_KEY_H
#define STATE_KEY_H

#include "specs/spec.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_NAME_MAX 63  /* node and gateway names: a DNS label */
#define KEY_TASK_MAX 128 /* app.service.slot.attempt */
#define KEY_MAX 512

enum key_kind {
    KEY_UNKNOWN,
    KEY_CONFIG,        /* config */
    KEY_REVISION,      /* revisions/<app>/<service>/<n>, n as 8 decimal digits */
    KEY_APP,           /* apps/<app> */
    KEY_INTENT,        /* intents/<app>/<service> */
    KEY_ROLLOUT,       /* rollouts/<app>/<service> */
    KEY_TASK,          /* tasks/<node>/<task> */
    KEY_STATUS,        /* status/<node>/<task> */
    KEY_NODE,          /* nodes/<node> */
    KEY_NODE_POLICY,   /* node-policy/<node> */
    KEY_NODE_STATE,    /* node-state/<node> */
    KEY_ALIVE,         /* alive/<node> */
    KEY_SUBNET,        /* subnets/<k> */
    KEY_ENDPOINT,      /* endpoints/<app>/<service>/<task> */
    KEY_GATEWAY,       /* gateways/<id> */
    KEY_GATEWAY_ALIVE, /* gateway-alive/<id> */
    KEY_LEADER,        /* leader */
    KEY_EVENT,         /* events/<wall ms as 13 digits>-<order><random> */
};

struct key {
    enum key_kind kind;
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    char node[KEY_NAME_MAX + 1]; /* also a gateway's id */
    char task[KEY_TASK_MAX + 1];
    int64_t n; /* revision number, subnet index, event time */
};

/* `cluster`: its name, checked by spec_check_name(). Texts are freed by the caller. */
char *key_prefix(const char *cluster);                    /* "/orc/<cluster>/" */
char *key_range(const char *cluster, enum key_kind kind); /* "/orc/<cluster>/tasks/": for views */
char *key_config(const char *cluster);
char *key_leader(const char *cluster);
char *key_app(const char *cluster, const char *app);
char *key_revision(const char *cluster, const char *app, const char *service, int64_t n);
char *key_intent(const char *cluster, const char *app, const char *service);
char *key_rollout(const char *cluster, const char *app, const char *service);
char *key_task(const char *cluster, const char *node, const char *task);
char *key_tasks_of(const char *cluster, const char *node); /* prefix "/orc/<cluster>/tasks/<node>/" */
char *key_status(const char *cluster, const char *node, const char *task);
char *key_status_of(const char *cluster, const char *node);
char *key_node(const char *cluster, const char *node);
char *key_node_policy(const char *cluster, const char *node);
char *key_node_state(const char *cluster, const char *node);
char *key_alive(const char *cluster, const char *node);
char *key_subnet(const char *cluster, int k);
char *key_endpoint(const char *cluster, const char *app, const char *service, const char *task);
char *key_gateway(const char *cluster, const char *id);
char *key_gateway_alive(const char *cluster, const char *id);
char *key_event(const char *cluster, int64_t wall_ms, const char *id);

/* Takes an absolute key apart. Returns its kind; *ret is zeroed apart from what the kind has. */
enum key_kind key_parse(const char *cluster, const char *key, struct key *ret);

/* Task ids: "shop.orders.2.17". */
void key_task_id(const char *app, const char *service, int slot, int64_t attempt, char ret[KEY_TASK_MAX + 1]);
int key_task_id_parse(const char *id, struct key *ret, int *ret_slot,
                      int64_t *ret_attempt); /* 0 or -EINVAL */

int key_check_node_name(const char *name, struct orc_err *err);

#endif
