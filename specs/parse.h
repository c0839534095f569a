/* parse.h - the tree of a Compose file in, struct spec_app out, with every complaint at its place.
 *
 * Knows Compose's keys; nothing of files and variables (load.h, which makes the tree), nor of etcd, Docker or
 * nodes. The tree's size is bounded by who makes it.
 */
#ifndef SPECS_PARSE_H
#define SPECS_PARSE_H

#include "specs/problems.h"
#include "specs/spec.h"

#define SPEC_JSON_MAX (256 * 1024) /* bytes of one service's stored form (spec_service_text) */

struct spec_node;

/* Reads and checks everything that needs no cluster. `default_name`: the app's name where the tree has no
 * `name:` (the folder's), may be NULL. 0 and *ret_app (freed by the caller), perhaps with notices; -EINVAL
 * with problems, or when there were some before. */
int spec_parse_tree(const struct spec_node *root, const char *default_name, struct spec_app **ret_app,
                    struct spec_problems *problems);

#endif
