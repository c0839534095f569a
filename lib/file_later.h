/* file_later.h - keeps one file up to date without making the loop wait for the disk, which may take seconds.
 *
 * Content that comes while an older one is being written waits; of several that wait the last one is written.
 * So the file ends up with the last content, and at each moment holds one of them whole. The work is done on
 * a thread of libuv's pool.
 */
#ifndef LIB_FILE_LATER_H
#define LIB_FILE_LATER_H

#include "lib/err.h"

#include <sys/types.h>
#include <uv.h>

struct orc_file_later;

/* on_written: on the loop, when nothing waits any more, with 0 or a negative errno and its sentence; may be
 * NULL. */
struct orc_file_later *orc_file_later_new(uv_loop_t *loop, const char *path, mode_t mode,
                                          void (*on_written)(int r, const struct orc_err *err, void *arg),
                                          void *arg);
void orc_file_later_write(struct orc_file_later *f, const char *text); /* copied */
/* No callback follows; what was given is still written, before the loop ends. NULL allowed; returns NULL. */
struct orc_file_later *orc_file_later_free(struct orc_file_later *f);

#endif
