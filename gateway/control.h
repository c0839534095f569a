/* control.h - what NGINX is asked over its control socket (lua/orc_control.lua). */
#ifndef GATEWAY_CONTROL_H
#define GATEWAY_CONTROL_H

#include "gateway/nginx_conf.h"

#include "lib/http.h"

struct gw_control_state {
    int64_t version;             /* of the table; 0: none yet */
    pid_t master;                /* 1 or a stranger's when the master died */
    char hash[GW_CONF_HASH_MAX]; /* of the configuration that the worker runs */
};

/* GET of a path, or PUT when body is not NULL (copied). on_done as in lib/http.h, with a time-out of 2 s. */
struct orc_http_call *gw_control_ask(struct orc_http *http, const char *dir, const char *path,
                                     const char *body,
                                     void (*on_done)(const struct orc_http_res *res, void *arg), void *arg);

/* Reads the answer to GET /state. -EINVAL when it isn't one. */
int gw_control_read_state(const char *body, struct gw_control_state *ret);

#endif
