/* dotenv.h - files of variables: `.env` and what env_file names.
 *
 * The format is Compose's
 * (https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/, "Env-file syntax"):
 * NAME=value or NAME: value, one in a line; `export` before it is ignored; lines and " # ..." behind a value
 * are comments; "..." with escapes and '...' may go over several lines; variables are filled in, but for
 * '...'; a NAME alone takes its value from outside. The raw format is that of `docker run
 * --env-file`: what stands behind "=" is the value, whatever it is. Knows no disk.
 */
#ifndef SPECS_DOTENV_H
#define SPECS_DOTENV_H

#include "specs/env.h"
#include "specs/problems.h"

#define SPEC_DOTENV_MAX 10000 /* variables of one file */

enum spec_dotenv { SPEC_DOTENV_COMPOSE, SPEC_DOTENV_RAW };

/* Adds what the text gives to *into, whose layers its variables are filled from as far as they are set by
 * then; a NAME alone that nobody has set is there with the value NULL. 0, or -EINVAL with problems: what can
 * be read is set all the same. The places in *into point to the source. */
int spec_dotenv_parse(const struct spec_source *source, enum spec_dotenv format, struct spec_env *into,
                      struct spec_problems *problems);

#endif
