/* problems.h - what there is to say of the files that were read: what is wrong, and what means less here than
 * its writer may think.
 *
 * Each knows its file, its place and the text around it, so that it can be shown when the file is long gone.
 * Knows nothing of YAML and prints nothing.
 */
#ifndef SPECS_PROBLEMS_H
#define SPECS_PROBLEMS_H

#include "specs/source.h"

struct spec_problem {
    char *file;       /* as it was named; NULL: a text without a name */
    int line, column; /* from 1, in characters; line 0: of the file as a whole */
    int length;       /* characters of the token, those in its line; 1 at least */
    char *text;       /* "unknown key \"replcas\"; did you mean \"replicas\"?" */
    char *excerpt;    /* the line, or what is near the place in a long one (source.h); NULL: none. Bytes as
                         they stand in the file, which need not be fit for a terminal */
    int before;       /* characters of the excerpt before the token */
    int order;        /* its file's */
};

struct spec_problems {
    struct spec_problem *at; /* each refuses the files; capped at SPEC_PROBLEMS_MAX */
    size_t n, cap;
    ORC_VEC(struct spec_problem) notices; /* these refuse nothing; capped likewise */
    /* Places of which somebody may have to speak who knows more than the files; the text is the mark's name.
     * Of a route "SERVICE HOST|PATH". Capped at SPEC_MARKS_MAX. */
    ORC_VEC(struct spec_problem) marks;
};
#define SPEC_PROBLEMS_MAX 100
#define SPEC_MARKS_MAX 1000
void spec_problems_release(struct spec_problems *p);

/* Each appends one; a place and text that are there already, or the 101st of its kind, change nothing. */
void spec_problems_add(struct spec_problems *p, const struct spec_place *at, const char *fmt, ...)
    ORC_PRINTF(3, 4);
void spec_problems_note(struct spec_problems *p, const struct spec_place *at, const char *fmt, ...)
    ORC_PRINTF(3, 4);

void spec_problems_mark(struct spec_problems *p, const struct spec_place *at, const char *name);

void spec_problems_sort(struct spec_problems *p); /* by file and place */

#endif
