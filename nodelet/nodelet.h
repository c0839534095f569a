/* nodelet.h - the process put together: one view of the store, the node's registration and record, its
 * network, its agent. Everything that comes from the view is handed out here. */
#ifndef NODELET_NODELET_H
#define NODELET_NODELET_H

#include "lib/http.h"
#include "lib/mem.h"
#include "lib/metrics.h"
#include "specs/spec.h"

#include <uv.h>

struct nodelet;

struct nodelet_opts {
    uv_loop_t *loop;
    const struct orc_strv *etcd; /* all borrowed for the life */
    struct orc_http_tls tls;
    const char *cluster, *name, *docker, *state_dir, *interface, *netplug, *address;
    int vlan;
    const struct spec_pairs *labels;
    struct spec_resources reserve;
    int reserve_pids;
};

/* NULL and a sentence when it can't begin: a wrong etcd address, a state folder in use. */
struct nodelet *nodelet_new(const struct nodelet_opts *opts, struct orc_err *err);
/* Containers keep running, leases keep living for their time. The loop must run on for handles to close. */
struct nodelet *nodelet_free(struct nodelet *n);
/* NULL n: nothing yet. */
void nodelet_metrics(const struct nodelet *n, struct orc_metrics_text *t);

#endif
