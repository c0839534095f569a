/* container_fields.h - what a spec says of its container's user, names, limits and rights, as members of the
 * body of POST /containers/create. Private to container_config.c.
 *
 * Pure; the names are the Engine API's (v1.41, ContainerCreate). What the spec leaves open is left out: there
 * the engine's own default holds.
 */
#ifndef NODELET_CONTAINER_FIELDS_H
#define NODELET_CONTAINER_FIELDS_H

#include "nodelet/container_config.h"

/* Adds to the body and to its "HostConfig". */
void container_fields(const struct container_context *ctx, const struct spec_container *c, json_t *config,
                      json_t *host);
/* What a mount says beyond its place; nothing where it says nothing. */
void container_mount_options(const struct spec_mount *m, json_t *mount);
void container_set_pairs(json_t *to, const struct spec_pairs *p); /* a member each */
json_t *container_strv(const struct orc_strv *v);                 /* a list of strings */

#endif
