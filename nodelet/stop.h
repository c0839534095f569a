/* stop.h - `nodelet --stop-containers`: stops all containers of one node, on its own engine, and ends.
 *
 * For a machine whose nodelet does not run any more and whose containers shall not go on without it (`orc
 * dev`). Neither etcd nor any record is touched: the next nodelet finds the containers and starts them again.
 * It must not be used while a nodelet runs, which would start them at once: the state folder's lock sees to
 * that.
 */
#ifndef NODELET_STOP_H
#define NODELET_STOP_H

#include "lib/err.h"

#include <stddef.h>

struct stop_opts {
    const char *docker;    /* socket; NULL: the default */
    const char *state_dir; /* knows the cluster; NULL: the default */
    const char *name;      /* the node's */
};

/* Asks each container to stop, several at once, with the time it has for that; waits for all.
 * 0 and *ret_n, how many ran; -EBUSY: a nodelet runs; else negative with what the engine said first. */
int stop_containers(const struct stop_opts *opts, size_t *ret_n, struct orc_err *err);

#endif
