/* statedir.h - what nodelet remembers on its own disk: who it is, its lease, its subnet.
 *
 * One file, node.json, and a lock: two nodelets never share a folder. A corrupt file is reported, renamed to
 * node.json.corrupt, and nodelet goes on as a new instance. A full disk is reported, and nodelet goes on,
 * too. The guard's file (state/guard.h) lies beside it.
 */
#ifndef NODELET_STATEDIR_H
#define NODELET_STATEDIR_H

#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

#define STATEDIR_DEFAULT "/var/lib/orc/nodelet"
#define STATEDIR_INSTANCE_MAX 32

struct statedir {
    char *path;
    int lock;                                 /* fd, held until release */
    char instance[STATEDIR_INSTANCE_MAX + 1]; /* random, made once */
    int64_t lease;                            /* 0: none */
    int subnet;                               /* k, or -1 */
    char *cluster_id;                         /* the cluster that lease and subnet belong to, or NULL */
    bool unsaved;                             /* the file is older than this */
};

/* Makes the folder when it is missing, locks it, reads. Positive, with the sentence in err: STATEDIR_CORRUPT,
 * read as new; STATEDIR_UNSAVED, new but not yet on the disk. -EBUSY: another nodelet runs with this folder.
 */
#define STATEDIR_CORRUPT 1
#define STATEDIR_UNSAVED 2
int statedir_open(struct statedir *s, const char *path, struct orc_err *err);
/* When it fails `unsaved` is set: try again later. */
int statedir_save(struct statedir *s, struct orc_err *err);
char *statedir_file(const struct statedir *s, const char *name); /* freed by the caller */
void statedir_release(struct statedir *s);

#endif
