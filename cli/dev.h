/* dev.h - the programs of `orc dev`: a whole cluster of one server, as children of this process.
 *
 * They are started in order, started again (with a back-off) when they die, and ended in an order that does
 * the least harm. Each is in a
 * process group of its own, so that a terminal's Ctrl-C reaches only `orc dev`, and ends when `orc dev` is
 * killed.
 */
#ifndef CLI_DEV_H
#define CLI_DEV_H

#include "lib/err.h"
#include "lib/mem.h"

#include <stdbool.h>
#include <uv.h>

struct dev_opts {
    const char *data;   /* folder of everything that is kept */
    const char *docker; /* the engine's socket */
    const char *listen; /* of the gateway: ADDR:PORT */
    const char *cluster;
    int etcd_port; /* on 127.0.0.1; its peer port is the next one */
    bool keep;     /* containers and NGINX run on when it ends */
};

struct dev;

/* Checks what can be checked before anything is touched: root, the engine's socket, the programs. */
int dev_check(const struct dev_opts *o, struct orc_err *err);

/* A program beside this one, else in PATH and the system's sbin folders; NULL when nowhere; freed by the
 * caller. */
char *dev_find_program(const char *name);

/* opts is borrowed for dev's life. */
struct dev *dev_new(uv_loop_t *loop, const struct dev_opts *opts);
struct dev *dev_free(struct dev *d); /* after dev_stop() has ended; returns NULL */

/* etcd first; the others when the cluster's config is there. */
int dev_start_etcd(struct dev *d, struct orc_err *err);
int dev_start_rest(struct dev *d, struct orc_err *err);
/* False while etcd is down; what it said is on stderr. */
bool dev_etcd_runs(const struct dev *d);

/* A program refused its options: what it said is on stderr, and it is not tried again. */
bool dev_gave_up(const struct dev *d);

/* Ends all, in order, and unless `keep` NGINX and the containers; stopped(arg) is called when nothing runs
 * any more. */
void dev_stop(struct dev *d, void (*stopped)(void *arg), void *arg);

/* The address of its etcd: "http://127.0.0.1:2379"; owned by d. */
const char *dev_etcd_url(const struct dev *d);

#endif
