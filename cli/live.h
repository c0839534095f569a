/* live.h - the picture of what is waited for, that is drawn in place on a terminal: a line per service, and
 * below those that have not ended a line for each of their replicas that is not well yet.
 *
 * Pure: from a report to lines; how they get onto the terminal is draw.h's.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include "cli/drain.h"
#include "cli/judge.h"
#include "cli/out.h"

struct live_line {
    char *text; /* cleaned, and cut to the width */
    enum out_style style;
};
struct live {
    struct live_line *at;
    size_t n, cap;
};

/* `outcomes`: one per target. At most `height` - 1 lines of `width` - 1 columns, so that nothing scrolls; 0:
 * any. Where there are too many services, those that have not ended come first; what is left out is counted.
 */
void live_build(const struct report *r, const struct wait_targets *targets, const enum outcome *outcomes,
                size_t width, size_t height, struct live *ret);
/* The same of a drain: a line for the node, one for each service that has tasks there, and below it its
 * replicas that are not well, here or elsewhere. */
void live_drain(const struct report *r, const struct drain *d, const char *node, size_t width, size_t height,
                struct live *ret);
void live_release(struct live *l);

#endif
