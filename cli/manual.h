/* manual.h - what a command says of itself, as text for a terminal and as man page.
 *
 * Pure: from a struct manual to text. The man pages are in the man macros of man(7).
 */
#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include "cli/commands.h"

#include <stdio.h>

/* `width`: columns to keep within; 0: 80. */
void manual_text(const struct manual *m, size_t width, FILE *f);
void manual_page(const struct manual *m, FILE *f);

/* The same of orc as a whole: orc(1). */
void manual_all_text(FILE *f);
void manual_all_page(FILE *f);

#endif
