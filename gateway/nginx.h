/* nginx.h - keeps NGINX running, on the configuration that is wanted.
 *
 * It finds a running NGINX and adopts it, starts one that died, and replaces a configuration in this order:
 * write DIR/nginx.conf.new, `nginx -t` on it, keep the old one as DIR/nginx.conf.last, rename, SIGHUP, wait
 * until NGINX itself says that it runs the new one. A configuration that fails on this way is given up, the
 * old one is put back, and on_trouble says why; it is tried again only when another one is wanted. What runs
 * is always learnt from NGINX (the hash it repeats), never assumed.
 *
 * It must not know endpoints; the table that a running NGINX holds is handed on as text, unread.
 */
#ifndef GATEWAY_NGINX_H
#define GATEWAY_NGINX_H

#include "gateway/nginx_conf.h"

#include "lib/http.h"

struct gw_nginx;

struct gw_nginx_opts {
    uv_loop_t *loop;
    struct orc_http *http;
    const char *dir; /* borrowed */
    int helper_fd;   /* of gw_helper_fork(); owned from now on */
    /* Once, after the first look: the table that NGINX holds, NULL when there is no NGINX or no table. */
    void (*on_found)(const char *table, void *arg);
    /* NGINX answers. fresh: it holds no table. */
    void (*on_up)(bool fresh, void *arg);
    void (*on_down)(void *arg);
    /* A configuration is in force. started: with a start, not a reload. */
    void (*on_conf)(bool started, void *arg);
    void (*on_trouble)(const char *sentence,
                       void *arg);     /* a configuration was given up, NGINX does not start ... */
    void (*on_helper_lost)(void *arg); /* nothing can be started any more: end the process */
    void *arg;
};

struct gw_nginx *gw_nginx_new(const struct gw_nginx_opts *opts, struct orc_err *err);
/* NGINX itself is left running. Its handles end when the loop has run on once more. Returns NULL. */
struct gw_nginx *gw_nginx_free(struct gw_nginx *n);

/* The configuration to run; copied. Until the first call the one on disk, if there is one, is started. */
void gw_nginx_want(struct gw_nginx *n, const char *conf, const char *hash);
/* Somebody found that NGINX does not answer: look again. */
void gw_nginx_doubt(struct gw_nginx *n);
/* Ends NGINX: its requests in flight have up to 5 s. done is called once. Nothing is started afterwards. */
void gw_nginx_quit(struct gw_nginx *n, void (*done)(void *arg), void *arg);

/* The hash of the configuration in force; "" when NGINX is down. */
const char *gw_nginx_hash(const struct gw_nginx *n);

#endif
