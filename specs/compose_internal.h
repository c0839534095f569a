/* compose_internal.h - between specs/compose*.c: values as a Compose file writes them. */
#ifndef SPECS_COMPOSE_INTERNAL_H
#define SPECS_COMPOSE_INTERNAL_H

#include "specs/compose.h"

json_t *compose_text(const char *s); /* with each "$" twice, as a file has it */
json_t *compose_texts(const struct orc_strv *v);
json_t *compose_pairs(const struct spec_pairs *p);
json_t *compose_size(int64_t bytes, enum compose_form form); /* -1: any */
json_t *compose_duration(uint64_t ms, enum compose_form form);
json_t *compose_number(int64_t nano); /* of billionths */
/* Set a member unless it says nothing: an empty list or map (taken), NULL, what is usual. */
void compose_set(json_t *map, const char *key, json_t *value);
void compose_set_text(json_t *map, const char *key, const char *s);
void compose_set_int(json_t *map, const char *key, int64_t n, int64_t usual);

void compose_set_ms(json_t *map, const char *key, uint64_t ms, uint64_t usual, enum compose_form form);
void compose_set_word(json_t *map, const char *key, const char *word); /* one of Compose's own */

/* compose_deploy.c; empty where there is nothing to say. `usual`: a service with every default. */
json_t *compose_healthcheck(const struct spec_service *s, enum compose_form form);
json_t *compose_deploy(const struct spec_service *s, const struct spec_service *usual,
                       enum compose_form form);
json_t *compose_x_orc(const struct spec_service *s, const struct spec_service *usual, enum compose_form form);
/* compose_container.c: adds what the engine is told of each container. */
void compose_container(json_t *service, const struct spec_container *c, enum compose_form form);

#endif
