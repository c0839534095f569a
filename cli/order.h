/* order.h - what people may want of a rollout under way (pause, resume, abort), and whether it makes sense
 * now.
 *
 * Pure: reads a struct cluster, returns sentences.
 */
#ifndef CLI_ORDER_H
#define CLI_ORDER_H

#include "cli/judge.h"

/* Why nothing would come of it, with what to do instead; freed by the caller. NULL: it makes sense, or cannot
 * be known yet, as the scheduler has not taken in the last change of the app. */
char *order_refusal(const struct cluster *c, const char *app, const char *service, enum intent_action a);

/* What the command then waits for. */
enum wait_goal order_goal(enum intent_action a);

/* A rollout that needs somebody: paused, rolled back, failed. `state`: a rollout's state's name. */
bool order_needs_people(const char *state);

#endif
