/* gateway.h - the process: what etcd says goes in, NGINX's configuration and table come out.
 *
 * The order at the start matters: look at what NGINX holds; read the cluster's config and ask the guard;
 * register; only then range and watch. With an NGINX that has a table and no registration (the scheduler gave
 * us up meanwhile) what NGINX has is made right first (register.h). While etcd is away, or is not the store
 * we knew, NGINX keeps what it has.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include "gateway/nginx_conf.h"

#include "lib/metrics.h"
#include "state/etcd.h"

struct gateway_opts { /* all borrowed for the gateway's life */
    const struct orc_strv *etcd;
    struct orc_http_tls tls;
    const char *cluster, *id;
    const char *state_dir;
    struct gw_conf_opts conf;
    int helper_fd; /* of gw_helper_fork() */
    bool retire;   /* when stopped: end NGINX and take the registration back */
};

struct gateway;
/* Nothing has happened yet when it returns; the rest follows on the loop. NULL and a sentence: bad endpoints.
 */
struct gateway *gateway_new(uv_loop_t *loop, const struct gateway_opts *opts,
                            void (*on_end)(int status, void *arg), void *arg, struct orc_err *err);
/* NULL g: nothing yet. */
void gateway_metrics(const struct gateway *g, struct orc_metrics_text *t);
/* on_end follows, once; it also comes by itself when the process can't go on (status 1). */
void gateway_stop(struct gateway *g);
/* After on_end. Its handles end when the loop has run on. Returns NULL. */
struct gateway *gateway_free(struct gateway *g);

#endif
