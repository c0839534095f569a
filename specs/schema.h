/* schema.h - the JSON Schema of a spec, for editors that complete and check YAML.
 *
 * Made from the parser's own tables (read.h), so that neither can know a key the other does not. What orc
 * accepts the schema accepts, but for YAML's tags `!reset` and `!override`, which no schema can see; the rest
 * it leaves to the parser: what several keys say together, and what a text says.
 */
#ifndef SPECS_SCHEMA_H
#define SPECS_SCHEMA_H

#include "lib/json.h"
#include "specs/read.h"

/* Of a whole file, in draft 7 (https://json-schema.org/draft-07), which editors know best. The caller's. */
json_t *spec_schema(void);

/* What the row's value may be: its own form, or that of its generic reader (with *ret_items, of a list's
 * elements). 0: the row does not say. A refused row has none. */
unsigned spec_key_form(const struct spec_key *k, unsigned *ret_items);

#endif
