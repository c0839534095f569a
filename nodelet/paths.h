/* paths.h - which node an MTU mismatch is held against.
 *
 * Pure. A pair of nodes mismatches when the MTUs of their bridges differ or packets of the full size don't
 * pass between them. Both ends see the same pair, and if both took themselves out, one wrong server would
 * stop a whole cluster. So a node holds it against itself only when it mismatches with more than half of the
 * nodes it can reach; between two nodes alone, the one that joined later (the higher subnet) is to blame. The
 * rule uses nothing that the other side decides, so the answer does not flap.
 */
#ifndef NODELET_PATHS_H
#define NODELET_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct path {
    const char *node, *address; /* the other end */
    int subnet;                 /* its k; -1: unknown */
    int mtu;                    /* of its bridge, as it says */
    bool reachable;             /* small packets pass */
    bool full;                  /* packets of the larger of both MTUs, as far as they can be sent, pass */
    int path_mtu;               /* the largest that passed when not full */
};

struct path_self {
    const char *node, *address;
    int subnet, mtu;
};

/* Does this pair mismatch? An unreachable peer says nothing. */
bool path_mismatch(const struct path_self *self, const struct path *p);

/* NULL: not to blame. Else the reason, with the pair and both figures of the first mismatch and the number of
 * the others; freed by the caller. */
char *paths_blame(const struct path_self *self, const struct path *paths, size_t n);

/* One mismatch: "k1 10.0.0.11 ↔ k3 10.0.0.13: 1500 bytes do not pass, 1400 do"; freed by the caller. */
char *path_text(const struct path_self *self, const struct path *p);

#endif
