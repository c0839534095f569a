/* strain.h - is this server short of what no reservation counts: CPU time stolen by its host, memory that is
 * waited for, free disk?
 *
 * Pure: gets what /proc and the file system say, and tells when something has begun or is over. Coarse and
 * slow on purpose: the server's record is written at these moments only, with the figure of that moment, and
 * nothing flaps (a state begins after three looks in a row beyond one bound, and ends after twelve within a
 * lower one).
 */
#ifndef NODELET_STRAIN_H
#define NODELET_STRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRAIN_LOOK_MS 10000 /* between two looks */
#define STRAIN_BEGINS 3
#define STRAIN_ENDS 12
#define STRAIN_DISK_ENOUGH (UINT64_C(50) << 30) /* so many free bytes are enough, whatever the share is */

enum strain_kind { STRAIN_STEAL, STRAIN_MEMORY, STRAIN_DISK, STRAIN_KINDS };
const char *strain_name(enum strain_kind k); /* of its condition: "steal", "memory", "disk" */
bool strain_keeps_off(
    enum strain_kind k); /* disk: nothing may be placed; others: other nodes are preferred */

struct strain {
    struct {
        bool on;
        int streak;    /* looks in a row that speak for the other state */
        int per_mille; /* of the last look */
    } of[STRAIN_KINDS];
    uint64_t steal, total; /* of the look before; 0: none yet */
};

/* One look each. True: the state has changed. */
bool strain_cpu(struct strain *s, const char *proc_stat);               /* contents of /proc/stat */
bool strain_memory(struct strain *s, const char *proc_pressure_memory); /* of /proc/pressure/memory */
bool strain_disk(struct strain *s, uint64_t free_bytes, uint64_t all_bytes);

/* "12 % of its CPU time is taken by its host"; "" while it is off. `ret` is returned. */
#define STRAIN_TEXT_MAX 192
const char *strain_text(const struct strain *s, enum strain_kind k, const char *where,
                        char ret[STRAIN_TEXT_MAX]);

#endif
