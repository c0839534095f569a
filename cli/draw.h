/* draw.h - pictures (live.h) on the terminal, each drawn over the one before.
 *
 * Knows the terminal's control sequences (ECMA-48: CUU, EL, ED), not what the lines say.
 */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include "cli/live.h"

struct draw {
    size_t lines; /* of the picture that stands there; 0: the next one begins below what was written */
};

/* Whether there is a terminal for it, and somebody who wants to see it. */
bool draw_is_wanted(const struct out *o);

/* What is left of a longer picture before goes. An empty one takes it away. */
void draw_picture(const struct out *o, const struct live *l, struct draw *d);

#endif
