/* file.h - small files, whole. */
#ifndef LIB_FILE_H
#define LIB_FILE_H

#include "lib/err.h"

#include <stddef.h>
#include <sys/types.h>

/* Reads a file of at most max bytes; *ret_data is NUL-terminated, freed by the caller; ret_n may be NULL.
 * -ENOENT, -EFBIG when larger, else -errno. */
int orc_file_read(const char *path, size_t max, char **ret_data, size_t *ret_n, struct orc_err *err);

/* Replaces a file atomically: temporary file in the same folder, fsync, rename, fsync of the folder.
 * On failure the old file is as it was. */
int orc_file_write(const char *path, const void *data, size_t n, mode_t mode, struct orc_err *err);
/* The same without the syncs, which take milliseconds each: after a power cut the file may be missing, old,
 * or empty. For what is looked at and written again before it is used. */
int orc_file_write_soon(const char *path, const void *data, size_t n, mode_t mode, struct orc_err *err);

/* mkdir -p with mode 0755 for the parts that are missing. */
int orc_file_mkdirs(const char *path, struct orc_err *err);

#endif
