/* parse.h - YAML in, struct spec_app out, with every complaint at its place.
 *
 * Knows libyaml and Compose's surface syntax; nothing of etcd, Docker or nodes. Hostile input is bounded: 1
 * MiB of text, depth 64, 100,000 nodes after alias expansion; an alias bomb is refused in bounded time and
 * memory.
 */
#ifndef SPECS_PARSE_H
#define SPECS_PARSE_H

#include "specs/spec.h"

#define SPEC_FILE_MAX (1024 * 1024) /* bytes */
#define SPEC_JSON_MAX (256 * 1024)  /* bytes of one service's stored form (spec_service_text) */

struct spec_problem {
    int line, column; /* from 1 */
    char *text;       /* "unknown key \"replcas\"; did you mean \"replicas\"?" */
};

struct spec_problems {
    struct spec_problem *at; /* in file order; capped at 100 */
    size_t n, cap;
};
void spec_problems_release(struct spec_problems *p);
#define SPEC_PROBLEMS_MAX 100
/* Appends one; a place and text that are there already, or the 101st, change nothing. */
void spec_problems_add(struct spec_problems *p, int line, int column, const char *fmt, ...) ORC_PRINTF(4, 5);
void spec_problems_sort(struct spec_problems *p); /* into file order */

/* Parses and checks everything that needs no cluster. `default_name`: the app's name where the file has no
 * `name:` (the CLI passes the folder's name), may be NULL.
 * 0 and *ret_app (freed by the caller), or -EINVAL with at least one problem; `problems` is untouched on 0.
 */
int spec_parse(const char *text, size_t n, const char *default_name, struct spec_app **ret_app,
               struct spec_problems *problems);

#endif
