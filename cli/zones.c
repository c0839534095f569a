#include "cli/zones.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int zones_check(const struct spec_app *app, const char *dir, struct orc_err *err)
{
    if (access(dir, F_OK) < 0)
        return 0;
    for (size_t i = 0; i < app->services.n; i++) {
        const struct spec_service *s = app->services.at[i];
        const char *name = s->schedule.time_zone;
        struct orc_zone *zone;

        if (!name || strcmp(name, "UTC") == 0) /* needs no file */
            continue;
        zone = orc_zone_load(dir, name, err);
        if (!zone)
            return orc_wrap(err, "%s/%s", app->name, s->name), -EINVAL;
        orc_zone_free(zone);
    }
    return 0;
}
