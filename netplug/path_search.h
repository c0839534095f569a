/* path_search.h - finding how large a packet gets through to one peer.
 *
 * Pure: says which size to try next and is told whether one passed; knows no sockets and no clock. Order: the
 * full size; if that fails a small one, to tell "unreachable" from "too large"; then a binary search between
 * the two, helped by what routers say (RFC 1191, next-hop MTU); at last the full size once more, so that
 * packets lost by chance are not taken for an MTU. Invariant while searching: lo passed, hi failed, lo < hi.
 */
#ifndef NETPLUG_PATH_SEARCH_H
#define NETPLUG_PATH_SEARCH_H

#include "netplug/types.h"

#define PATH_SMALL 576 /* what every host must accept: RFC 791, section 3.1 */

enum path_stage { PATH_FULL, PATH_SMALLEST, PATH_SEARCHING, PATH_AGAIN, PATH_DECIDED };

struct path_search {
    int mtu, lo, hi;
    int size; /* being tried */
    int hint; /* size to try when it lies between lo and hi; else these are halved */
    enum path_stage stage;
    enum netplug_path verdict; /* once PATH_DECIDED; lo is then the path MTU (0: unreachable) */
};

void path_search_init(struct path_search *s, int mtu);

/* Size in bytes to try now, 0 when decided. Asking twice gives the same size. */
int path_search_next(const struct path_search *s);

/* What became of the size path_search_next() named. */
void path_search_result(struct path_search *s, bool passed);

/* A router said that its next hop takes next_hop_mtu bytes. Only a hint: it is tried, not believed, and only
 * after the size that is being tried now. */
void path_search_hint(struct path_search *s, int next_hop_mtu);

#endif
