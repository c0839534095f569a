/* print_forecast.h - what the scheduler would do, as text: for `orc plan` and `orc rebalance`.
 *
 * Knows tables and words, not where the forecast comes from.
 */
#ifndef CLI_PRINT_FORECAST_H
#define CLI_PRINT_FORECAST_H

#include "cli/out.h"
#include "scheduler/forecast.h"

/* Each operation, then where replicas go, then how it ends. */
void print_forecast(const struct out *o, const struct forecast_result *r, FILE *f);
void print_moves(const struct out *o, const struct forecast_result *r, FILE *f);

#endif
