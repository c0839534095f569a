/* container_json.h - struct spec_container as a table for codec.h: a member of a service's JSON form.
 *
 * For spec_json.c alone, whose tables it is a part of.
 */
#ifndef SPECS_CONTAINER_JSON_H
#define SPECS_CONTAINER_JSON_H

#include "specs/codec.h"

extern const struct codec spec_container_codec;

#endif
