/* gateway_internal.h - the one struct of gateway.c (NGINX's side, life cycle) and gateway_store.c (the
 * store's side); for the two alone. */
#ifndef GATEWAY_GATEWAY_INTERNAL_H
#define GATEWAY_GATEWAY_INTERNAL_H

#include "gateway/gateway.h"
#include "gateway/nginx.h"
#include "gateway/push.h"
#include "gateway/register.h"
#include "gateway/services.h"
#include "gateway/table.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/file_later.h"
#include "lib/log.h"
#include "state/event.h"
#include "state/view.h"

#define GATEWAY_INSTANCE_LEN 32 /* hex digits */

enum { T_CONFIG, T_CONF, T_EXPIRE, T_SAVE, T_KEPT, N_TIMERS };

struct gateway {
    uv_loop_t *loop;
    struct gateway_opts o;
    void (*on_end)(int status, void *arg);
    void *arg;
    bool ending;

    struct orc_http *http; /* to NGINX */
    struct etcd *etcd;
    struct guard guard;
    struct view *view;
    struct event_log *events;
    struct gw_table *table;
    struct gw_services *services;
    struct gw_register *reg;
    struct gw_nginx *nginx;
    struct gw_push *push;
    struct etcd_call *config_call;
    uv_timer_t timers[N_TIMERS];
    int open_timers;
    int64_t gateway_ttl_s;
    char instance[GATEWAY_INSTANCE_LEN + 1];

    bool nginx_up;
    bool routes; /* NGINX has a table to choose from */
    bool behind; /* it is older than our registration: read anew before that is written */
    bool held;   /* the table is doubted: NGINX, which has none, gets it when etcd does not answer soon */
    bool synced; /* the first batch since the registration came */
    int64_t sync_revision; /* its revision: nothing is reported before it is served */
    char *saved_text;      /* to be written to disk; NULL: nothing new */
    struct orc_file_later *guard_file, *table_file;
    uint64_t problems; /* hash of the routes' problems last said */

    struct orc_log_once etcd_log, register_log, nginx_log, push_log, guard_log, table_log;
};

/* gateway.c */
void gateway_say(struct gateway *g, const char *sentence);
void gateway_report(struct gateway *g); /* what is served, to the register, when it is news */
void gateway_save(struct gateway *g);   /* what a restart would miss, to disk, without waiting for it */
void gateway_save_later(struct gateway *g);
void gateway_routes_changed(struct gateway *g);
void gateway_unhold(struct gateway *g); /* the table is of the store, or the best there is */

/* gateway_store.c: reads the config until it fits, registers, then watches. */
void gateway_read_config(struct gateway *g);

#endif
