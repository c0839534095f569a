/* table_internal.h - what table.c and table_text.c share; for them alone. */
#ifndef GATEWAY_TABLE_INTERNAL_H
#define GATEWAY_TABLE_INTERNAL_H

#include "gateway/table.h"

#include <uthash.h>

struct gw_port {
    char backend[GW_BACKEND_MAX];
    uint16_t port;
};

struct gw_endpoint {
    char task[KEY_TASK_MAX + 1], app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    char node[KEY_NAME_MAX + 1];
    uint32_t address; /* host byte order */
    enum gw_endpoint_state state;
    unsigned slot;
    int64_t lease;
    struct gw_port ports[GW_PORTS_MAX];
    size_t n_ports;
    bool vanished;       /* since the last commit: to be decided there */
    bool unconfirmed;    /* not put since gw_table_snapshot() */
    bool withdrawn;      /* it is or was draining or suspect: somebody may wait for its requests' end */
    uint64_t off;        /* the change by which it stopped being chosen */
    int64_t in_flight;   /* as last answered; 1 while unknown */
    uint64_t suspect_at; /* monotonic ms */
    uint64_t back_at;    /* when its node was seen back without it; 0: not */
    UT_hash_handle hh;
};

struct gw_node {
    char name[KEY_NAME_MAX + 1];
    int64_t lease;
    UT_hash_handle hh;
};

struct gw_table {
    struct gw_endpoint *endpoints; /* by task */
    struct gw_endpoint *by_slot[GW_SLOTS];
    unsigned next_slot, top; /* from `top` on none was ever used */
    struct gw_node *nodes;
    struct gw_table_counts counts;
    bool held;      /* nobody begins to be chosen */
    bool vanishing; /* some endpoint vanished since the last commit */
    int64_t revision, served, draining_revision;
    uint64_t changes; /* how often whom NGINX should choose has changed */
    uint64_t pushed;  /* `changes` as of the text that NGINX holds */
    uint64_t said;    /* `changes` as of the last gw_table_text() */
    int64_t said_revision;
};

/* A new endpoint in a free slot, counted as gone until gw_endpoint_become(); NULL when all slots are taken.
 */
struct gw_endpoint *gw_endpoint_add(struct gw_table *t, const char *task);
void gw_endpoint_drop(struct gw_table *t, struct gw_endpoint *e);
void gw_endpoint_become(struct gw_table *t, struct gw_endpoint *e, enum gw_endpoint_state state);
size_t *gw_table_count(struct gw_table *t, enum gw_endpoint_state state);
void gw_table_settle(struct gw_table *t); /* served follows revision while nothing differs */

#endif
