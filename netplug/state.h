/* state.h - what netplug keeps on disk, so that its own end does not keep it from putting things back.
 *
 * One JSON file, replaced atomically before the kernel is touched. It is bound to the boot and to the network
 * namespace it was written in: after a reboot the machine has its own configuration again and nothing is
 * ours.
 */
#ifndef NETPLUG_STATE_H
#define NETPLUG_STATE_H

#include "lib/err.h"
#include "netplug/link_plan.h"

#include <stdint.h>

#define STATE_TOKEN_LEN 32

struct netplug_state {
    struct link_taken taken;
    bool confirmed;
    char token[STATE_TOKEN_LEN + 1]; /* of the last taking-over; "" when there was none */
    uint64_t deadline_ms;            /* state_clock_ms() at which an unconfirmed one is put back */
};

void netplug_state_release(struct netplug_state *state);

#define STATE_OTHER_BOOT 1 /* there is a file, but from before a reboot or from another network namespace */
#define STATE_NONE 2
/* Reads DIR/takeover.json. 0, STATE_OTHER_BOOT, STATE_NONE (*ret is then zeroed); -EINVAL with the reason
 * when it is damaged, other -errno when it can't be read. */
int netplug_state_read(const char *dir, struct netplug_state *ret, struct orc_err *err);
/* Writes it, or removes it when nothing is taken over. */
int netplug_state_write(const char *dir, const struct netplug_state *state, struct orc_err *err);
/* Renames a damaged file to takeover.json.damaged. */
int netplug_state_set_aside(const char *dir, struct orc_err *err);

/* Milliseconds since boot, suspension included (CLOCK_BOOTTIME): means the same to the next process. */
uint64_t state_clock_ms(void);

#endif
