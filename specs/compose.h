/* compose.h - a spec as a Compose file again: every default decided, every spelling the long one.
 *
 * The shape is that of `docker compose config` (field names; long forms of ports and volumes; maps in place
 * of lists; durations as text), with what orc adds below "x-orc". Read by spec_parse() it gives an equal
 * spec. It must not know who prints it.
 */
#ifndef SPECS_COMPOSE_H
#define SPECS_COMPOSE_H

#include "specs/spec.h"

/* Either is a file that means the same. */
enum compose_form {
    COMPOSE_PROGRAMS, /* for programs, as `docker compose config --format json` has it in every detail that
                          orc can know: "67108864", "1m0s", 0.5, {} where nothing was said
                          (compose-spec/compose-go, types/, transform/ and loader/normalize.go) */
    COMPOSE_PEOPLE    /* "64M", "1m"; what says nothing is left out */
};

/* The whole file; sidecars stand beside the services they belong to. The caller's reference. */
json_t *spec_app_to_compose(const struct spec_app *a, enum compose_form form);
/* One service, without its sidecars; `main`: whose sidecar it is, NULL when it is none. Likewise. */
json_t *spec_service_to_compose(const struct spec_service *s, const char *main, enum compose_form form);
/* What the top level says of a volume that is mounted, added to the mapping. */
void spec_volume_to_compose(const struct spec_mount *m, json_t *volume);

#endif
