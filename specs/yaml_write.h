/* yaml_write.h - a JSON document as YAML text: what is printed for people and for tools that want YAML.
 *
 * Knows libyaml's emitter, and doc.h for what a plain scalar would be read as; it must not know what the
 * document says. The text is one document without "---", in block style, two blanks per level, in the order
 * of the JSON's members. A string that YAML 1.1 or 1.2 would read as something else ("no", "1e3",
 * "2026-01-31", "1:20", "") is quoted.
 */
#ifndef SPECS_YAML_WRITE_H
#define SPECS_YAML_WRITE_H

#include <jansson.h>
#include <stdio.h>

/* j is borrowed: an object, a list or a scalar, of UTF-8. What the file doesn't take is left to ferror(). */
void yaml_write(const json_t *j, FILE *f);

#endif
