/* timer.h - a one-shot timer on the loop that may be freed at any time, also from its own callback.
 *
 * libuv's handles must outlive their closing; this hides it. The callback runs on the loop.
 */
#ifndef STATE_TIMER_H
#define STATE_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct timer;

struct timer *timer_new(uv_loop_t *loop, void (*fire)(void *arg), void *arg);
struct timer *timer_free(struct timer *t); /* NULL allowed; returns NULL */
/* (Re)starts it: one call of fire after `ms`. */
void timer_start(struct timer *t, uint64_t ms);
void timer_stop(struct timer *t);
bool timer_is_running(const struct timer *t);
uv_loop_t *timer_loop(const struct timer *t);

#endif
