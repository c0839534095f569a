/* delta.h - what applying a file changes: the file beside the store, service by service.
 *
 * Pure: reads a struct cluster (apps, revisions, rollouts) and a parsed file; writes nothing.
 */
#ifndef CLI_DELTA_H
#define CLI_DELTA_H

#include "cli/cluster.h"

#define DELTA_TXN_REVISIONS 50 /* revisions written per transaction at most; bytes bound it too */

enum delta_kind {
    DELTA_SAME,
    DELTA_NEW,
    DELTA_CHANGED,
    DELTA_RESCALED, /* the same spec, but `orc scale` had said another number: the file's holds again */
    DELTA_LEFT,     /* in the store, no longer in the file: kept */
    DELTA_PRUNED    /* the same, to be removed */
};
const char *delta_kind_name(enum delta_kind k);

struct delta_step {
    char *service;
    enum delta_kind kind;
    int64_t revision;                                        /* wanted from now on */
    char hash[SPEC_HASH_MAX], container_hash[SPEC_HASH_MAX]; /* of the spec */
    const struct spec_service *spec; /* borrowed from the file; NULL when it is not in it */
    bool again;                      /* of one that changes: the file's number of replicas holds again, too */
    bool write; /* the revision is not in the store yet. It may be already: an earlier apply died between
                   writing it and switching over */
};
struct delta {
    struct {
        struct delta_step *at; /* in the file's order, then what is left */
        size_t n, cap;
    } steps;
    struct record_app next; /* without its generation */
    size_t changes;         /* steps that change `next` */
    size_t left;
};

/* The file must outlive it. */
void delta_build(const struct cluster *c, const struct spec_app *file, struct delta *ret);
void delta_prune(struct delta *d); /* what is left goes */
void delta_release(struct delta *d);

/* The file as read, or NULL when it is too long to stand in each revision that is written. */
const char *delta_yaml(const struct delta *d, const char *yaml);
/* The revision that a step writes, as it stands in the store; freed by the caller. `yaml`: delta_yaml(), or
 * NULL. `who`: session_who(). */
char *delta_revision(const struct delta_step *s, const char *yaml, const char *who, int64_t wall_ms);

/* "shop/orders: changes to revision 4", freed by the caller; NULL: there is nothing to say. */
char *delta_line(const char *app, const struct delta_step *s);

#endif
