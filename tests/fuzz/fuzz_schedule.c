/* Any bytes as a schedule, or as a zone file: the first byte below 128 chooses a schedule, the rest is its
 * text; else the rest is a zone file, in which a schedule is asked for its next times. Built like
 * fuzz_spec.c.
 *
 * Beside memory faults and endless loops it looks for broken promises: what was refused says why; the next
 * time is later, and asked a second before it is the same. */
#include "lib/cron.h"
#include "lib/mem.h"
#include "lib/zone.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void promise(bool kept, const char *what)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

static int32_t utc_offset(void *arg, int64_t utc)
{
    return 0;
}

static int32_t zone_offset(void *arg, int64_t utc)
{
    return orc_zone_offset(arg, utc);
}

static void ask(const struct orc_cron *c, const struct orc_cron_zone *z, int64_t t, bool exact)
{
    for (int i = 0; i < 5; i++) {
        int64_t next = orc_cron_next(c, z, t);

        promise(next > t, "the next time is later");
        promise(!exact || orc_cron_next(c, z, next - 1) == next, "it is the next a second before it, too");
        promise(!exact || orc_cron_matches(c, next / 60), "it matches");
        t = next;
    }
}

static void try_schedule(const char *text)
{
    struct orc_cron_zone utc = {utc_offset, NULL};
    struct orc_err err = ORC_ERR_INIT;
    struct orc_cron c;

    if (orc_cron_parse(text, &c, &err) < 0)
        promise(err.msg[0], "a refusal says why");
    else
        ask(&c, &utc, 1767225600, true);
}

/* Rules that no country has may change their offset at any time: what is due then is only to come to an end.
 */
static void try_zone(const uint8_t *data, size_t n)
{
    static const char *const schedules[] = {"30 2 * * *", "*/20 * * * *", "0 0 1 1 *"};
    char name[16];
    int fd = memfd_create("zone", MFD_CLOEXEC);
    struct orc_err err = ORC_ERR_INIT;
    struct orc_zone *z;

    promise(fd >= 0 && write(fd, data, n) == (ssize_t)n, "a file can be made");
    snprintf(name, sizeof name, "%d", fd);
    z = orc_zone_load("/proc/self/fd", name, &err);
    promise(z || err.msg[0], "a refusal says why");
    for (size_t i = 0; z && i < ORC_ARRAY_SIZE(schedules); i++) {
        struct orc_cron_zone zone = {zone_offset, z};
        struct orc_cron c;

        promise(orc_cron_parse(schedules[i], &c, NULL) == 0, "it is a schedule");
        ask(&c, &zone, 1767225600, false);
        ask(&c, &zone, 4102444800, false);
    }
    orc_zone_free(z);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 0 && data[0] < 128) {
        orc_auto_free char *text = orc_strndup((const char *)data + 1, n - 1);

        try_schedule(text);
    } else if (n > 0) {
        try_zone(data + 1, n - 1);
    }
    return 0;
}
