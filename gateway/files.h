/* files.h - the Lua code that runs inside NGINX, carried in the program and written to NGINX's folder. */
#ifndef GATEWAY_FILES_H
#define GATEWAY_FILES_H

#include "lib/err.h"
#include "lib/hash.h"

#include <stddef.h>

struct gw_file {
    const char *name; /* "orc_shm.lua" */
    const char *data;
    size_t n;
};
/* Ends at the entry whose name is NULL; *ret_n (may be NULL) is their number. */
const struct gw_file *gw_files(size_t *ret_n);

/* SHA-256 over all of them. */
void gw_files_digest(char ret[ORC_SHA256_HEX]);

/* Makes NGINX's folder: lua/ with these files, tmp/, and control/ that only its owner enters. Files that are
 * as they should be are left alone. */
int gw_files_install(const char *dir, struct orc_err *err);

#endif
