/* helper.h - the process that may start programs, for orc-gateway that may not.
 *
 * It is forked before the system-call filter is entered, knows NGINX's program and folder from then on, and
 * does five things on request: test, start, adopt, reload, quit. It takes no argument from anybody, so
 * whoever took over orc-gateway could start nothing else. NGINX's master gets a session of its own: it
 * outlives the helper and orc-gateway. The helper ends when orc-gateway's end of the socket closes, however
 * that happened.
 *
 * One request at a time; each has one reply. GW_HELPER_EXITED comes by itself when the master it watches
 * ends. Blocking is fine here: nothing else runs in this process.
 */
#ifndef GATEWAY_HELPER_H
#define GATEWAY_HELPER_H

#include "lib/err.h"

#include <stdint.h>
#include <sys/types.h>

enum gw_helper_command {
    GW_HELPER_TEST = 'T',   /* nginx -t on DIR/nginx.conf.new. status: 0 or -EINVAL */
    GW_HELPER_START = 'S',  /* starts a master on DIR/nginx.conf, after ending workers whose master died */
    GW_HELPER_ADOPT = 'A',  /* watches the master that DIR/nginx.pid names. -ESRCH: none runs */
    GW_HELPER_RELOAD = 'R', /* SIGHUP. -ESRCH: none is watched */
    GW_HELPER_QUIT = 'Q',   /* SIGQUIT: requests in flight finish. SIGTERM when asked again */
    GW_HELPER_EXITED = 'X', /* the master ended; never a request */
};

struct gw_helper_reply {
    int32_t command; /* of which this is the answer */
    int32_t status;  /* 0 or negative errno */
    int32_t pid;     /* the master's; 0: none */
    char text[4000]; /* what NGINX said, or why it failed; "" */
};

struct gw_helper_opts {
    const char *nginx;    /* the program's absolute path */
    const char *dir;      /* NGINX's folder */
    const int *listeners; /* sockets that NGINX inherits instead of opening them; without FD_CLOEXEC */
    size_t n_listeners;
};

/* Forks. *ret_fd: a SOCK_SEQPACKET socket, one byte per request, one gw_helper_reply per reply; owned by the
 * caller. */
int gw_helper_fork(const struct gw_helper_opts *opts, int *ret_fd, struct orc_err *err);

#endif
