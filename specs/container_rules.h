/* container_rules.h - what of a container's settings does not go together, or not with its network.
 *
 * One table for both who say it: the parser, at the key's place, and the reader of stored JSON. Each rule is
 * one of the Docker Engine's (daemon/container.go, runconfig/hostconfig_unix.go), of runc's or of the
 * kernel's, which would refuse the container or ignore the setting. Knows nothing of YAML or of JSON.
 */
#ifndef SPECS_CONTAINER_RULES_H
#define SPECS_CONTAINER_RULES_H

#include "specs/spec.h"

struct spec_rule {
    const char *key; /* Compose's name of the setting that is wrong */
    bool (*broken)(const struct spec_service *s, bool sidecar);
    const char *why; /* "net.* is the server's with network_mode \"host\"; ..." */
};

/* The next broken rule from *i on, with *i behind it; NULL: there is none left. `sidecar`: it is in the
 * network of another container. */
const struct spec_rule *spec_rule_broken(const struct spec_service *s, bool sidecar, size_t *i);

#endif
