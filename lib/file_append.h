/* file_append.h - bytes added at the end of one new file, without making the loop wait for the disk.
 *
 * What is added waits in memory while the thread of libuv's pool writes what came before. It is not bounded
 * here: who adds looks at orc_file_append_waiting(). After a failed write nothing more is written.
 */
#ifndef LIB_FILE_APPEND_H
#define LIB_FILE_APPEND_H

#include "lib/err.h"

#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

struct orc_file_append;

/* Creates the file. One that is there is kept as "<path>.old", in place of an older one. on_failed: once, on
 * the loop, with a sentence; may be NULL. NULL and a sentence on failure. */
struct orc_file_append *orc_file_append_new(uv_loop_t *loop, const char *path, mode_t mode,
                                            void (*on_failed)(const struct orc_err *err, void *arg),
                                            void *arg, struct orc_err *err);
void orc_file_append_add(struct orc_file_append *f, const void *data, size_t n); /* copied */
size_t orc_file_append_waiting(const struct orc_file_append *f);                 /* not yet written */
/* No callback follows; what was added is still written, before the loop ends. NULL allowed; returns NULL. */
struct orc_file_append *orc_file_append_free(struct orc_file_append *f);

#endif
