/* problem.h - a complaint about a file as people read it: place, sentence, the line, a caret under the token.
 *
 * Pure. The line comes from the file as it is: what would steer a terminal (control characters, marks that
 * turn the direction of writing) and what is not UTF-8 is replaced, but for tabs, which stand in the caret's
 * line, too, so that the caret is right however wide they are.
 */
#ifndef CLI_PROBLEM_H
#define CLI_PROBLEM_H

#include "lib/json.h"
#include "specs/problems.h"

/* As compilers print it, with a newline at the end: "file:line:column: kindtext", then, when the line is
 * known, the line and the carets, cut around the token to `width` columns (0: as for 100). `kind` is "" or
 * "notice: ". Freed by the caller. */
char *problem_text(const struct spec_problem *p, const char *kind, size_t width);

/* {"file": ..., "line": ..., "column": ..., "length": ..., "severity": ..., "text": ...} each; NULL for none.
 */
json_t *problem_list_to_json(const struct spec_problem *all, size_t n, const char *severity);

#endif
