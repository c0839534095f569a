/* outcomes.h - what an engine's answer means for the operation it ended. Pure; the words are those of Docker
 * Engine 20.10 to 28.
 */
#ifndef NODELET_OUTCOMES_H
#define NODELET_OUTCOMES_H

#include "nodelet/converge.h"
#include "nodelet/docker.h"

enum converge_outcome outcome_of(enum converge_op op, enum docker_kind kind, const char *text);

/* The engine's network `orc` is missing: it must be made anew before this can work. */
bool outcome_needs_network(enum docker_kind kind, const char *text);

#endif
