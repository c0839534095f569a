/* configs.h - configs as files of this server, which are mounted into containers.
 *
 * A folder for each container with a file for each of its configs, by number, which only nodelet's user can
 * enter: what others may read in the container is not for everybody on the server. What is written is put
 * right before each start. Files, not copies into the container: an image's files may be read-only. Knows
 * files; nothing of the engine.
 */
#ifndef NODELET_CONFIGS_H
#define NODELET_CONFIGS_H

#include "specs/spec.h"

/* Makes the folder and the files that are missing, or are other than they shall be. `dir` is the container's.
 * Negative: one can't be written, as err says; those written are good. */
int configs_write(const char *dir, const struct spec_service *spec, struct orc_err *err);

/* The path of the i-th; freed by the caller. */
char *configs_path(const char *dir, size_t i);

/* The folder and what is in it; it may be missing. */
void configs_remove(const char *dir);

/* Removes the folders below `root` that nobody keeps. */
void configs_sweep(const char *root, bool (*keep)(const char *name, void *arg), void *arg);

#endif
