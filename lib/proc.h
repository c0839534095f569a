/* proc.h - child processes on the loop, and the few things a daemon does at its start.
 *
 * A child gets /dev/null as its input, the default for every signal, and of our descriptors those without
 * FD_CLOEXEC. Its end is known by its pid alone: what its own children still write afterwards is not waited
 * for.
 */
#ifndef LIB_PROC_H
#define LIB_PROC_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct orc_proc;

struct orc_proc_result {
    int exit_status; /* -1 when it was ended by a signal */
    int term_signal; /* 0 when it exited */
    const char *out; /* stdout and stderr together, the last 64 KiB; valid during the callback */
};

struct orc_proc_opts {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *const *env;  /* NULL-terminated NAME=VALUE, NULL: inherit */
    const char *cwd;         /* NULL: inherit */
    bool inherit_output;     /* stdout and stderr are the parent's; otherwise captured */
    bool own_group;          /* a process group of its own: a terminal's Ctrl-C does not reach it */
    int die_with_parent;     /* signal sent to the child when the parent dies (prctl(2) PDEATHSIG); 0: none */
    void (*on_exit)(struct orc_proc *proc, const struct orc_proc_result *res, void *arg); /* exactly once */
    void *arg;
};

/* 0 and *ret, or negative with a sentence and no callback. The handle is gone after on_exit returns. */
int orc_proc_spawn(uv_loop_t *loop, const struct orc_proc_opts *opts, struct orc_proc **ret,
                   struct orc_err *err);
void orc_proc_kill(struct orc_proc *proc, int signum);

/* Ignores SIGPIPE; calls on_stop once, on the loop, on the first SIGTERM or SIGINT; a second one ends the
 * process at once. */
void orc_signals_init(uv_loop_t *loop, void (*on_stop)(int signum, void *arg), void *arg);
void orc_signals_close(void); /* so that the loop can end */

#endif
