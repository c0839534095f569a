/* compose.h - a spec as a Compose file again: every default decided, every spelling the long one.
 *
 * The shape is that of `docker compose config --format json` (field names; long forms of ports and volumes;
 * maps in place of lists; durations as text), with what orc adds below "x-orc". Read by spec_parse() it gives
 * an equal spec. It must not know who prints it.
 */
#ifndef SPECS_COMPOSE_H
#define SPECS_COMPOSE_H

#include "specs/spec.h"

enum spec_sizes {
    SPEC_SIZES_BYTES, /* "67108864", as `docker compose config` has them */
    SPEC_SIZES_UNITS  /* "64M", for people */
};

/* The whole file; sidecars stand beside the services they belong to. The caller's reference. */
json_t *spec_app_to_compose(const struct spec_app *a, enum spec_sizes sizes);
/* One service, without its sidecars; `main`: whose sidecar it is, NULL when it is none. Likewise. */
json_t *spec_service_to_compose(const struct spec_service *s, const char *main, enum spec_sizes sizes);

#endif
