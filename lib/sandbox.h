/* sandbox.h - a seccomp allow-list for the calling process (libseccomp).
 *
 * For daemons that, once started, need only files in known places, sockets, timers and memory. Everything not
 * on the list ends the process with SIGSYS after a line on stderr that names the system call (as lldpd's
 * priv-seccomp does), so that a missing entry is found at once. execve is never on it: what must start
 * programs does so through a helper forked before. A build with sanitizers adds what their run-time needs.
 */
#ifndef LIB_SANDBOX_H
#define LIB_SANDBOX_H

#include "lib/err.h"

enum orc_sandbox_flags {
    ORC_SANDBOX_NET = 1 << 0,    /* client sockets: socket, connect, TLS's needs, libcurl's resolver thread */
    ORC_SANDBOX_LISTEN = 1 << 1, /* also bind, listen, accept */
    ORC_SANDBOX_WRITE_FILES = 1 << 2 /* creating, renaming, removing files */
};

/* Installs the filter and no_new_privs; it can't be taken back. */
int orc_sandbox_enter(unsigned flags, struct orc_err *err);

#endif
