/* source.h - a text that was read and the places in it: what a complaint points at.
 *
 * Knows lines and characters; nothing of YAML, of files on a disk or of who complains. Lines end where YAML
 * 1.1 ends them (LF, CR, CR LF, NEL, LS, PS: https://yaml.org/spec/1.1/, 4.2), because libyaml counts them
 * so.
 */
#ifndef SPECS_SOURCE_H
#define SPECS_SOURCE_H

#include "lib/mem.h"

#include <stdbool.h>

#define SPEC_FILE_MAX (1024 * 1024) /* bytes of one text that is accepted */

struct spec_env;

struct spec_source {
    char *name; /* as people know it: "shop/compose.yaml", "stdin"; NULL: none */
    char *dir;  /* the folder that relative paths in it start from; NULL: the working folder */
    char *text; /* NUL-terminated behind n bytes */
    size_t n;
    int order;                  /* among all that were read, from 1: what is said is sorted by it */
    const struct spec_env *env; /* what its variables are filled from; NULL: nothing; not owned */
};
struct spec_source *spec_source_free(struct spec_source *s); /* NULL allowed; returns NULL */
ORC_DEFINE_CLEANUP(struct spec_source, spec_source_free)

/* A token in a text. Lines and columns are counted from 1, columns and lengths in characters. */
struct spec_place {
    const struct spec_source *source; /* NULL: nowhere that could be shown */
    int line, column;                 /* line 0: the file as a whole */
    int length; /* of the part in that line; what is longer than the line ends with it; 0 is taken for 1 */
};

/* Where a byte of the text is. NULL when the text has no such place. */
const char *spec_source_at(const struct spec_source *s, int line, int column);

/* The line of a place, or what stands within SPEC_EXCERPT_MAX characters on both sides of the place in a
 * longer one. *ret_text is freed by the caller; *ret_before counts the characters of it before the place,
 * *ret_length those of the token, 1 at least. False, and nothing is returned: the text has no such place. */
#define SPEC_EXCERPT_MAX 200
bool spec_source_excerpt(const struct spec_place *p, char **ret_text, int *ret_before, int *ret_length);

#endif
