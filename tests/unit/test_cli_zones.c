/* Time zones of schedules, as the machine of `orc apply` and `orc plan` knows them. */
#include "cli/zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct spec_app *nightly(const char *zone)
{
    struct spec_app *app = spec_app_new("shop");
    struct spec_service *w = spec_service_new("nightly");

    w->schedule.time_zone = orc_strdup(zone);
    spec_app_add(app, spec_service_new("web"));
    spec_app_add(app, w);
    return app;
}

static void assert_zone(const char *zone, const char *dir, const char *says)
{
    orc_auto(spec_app_free_p) struct spec_app *app = nightly(zone);
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(zones_check(app, dir, &err), says ? -EINVAL : 0);
    if (says && !strstr(err.msg, says))
        fail_msg("\"%s\" does not say %s", err.msg, says);
}

static void test_zones__a_time_zone_that_is_not_there_is_refused(void **state)
{
    assert_zone("Europe/Oslo", ORC_ZONE_DIR, NULL);
    assert_zone(NULL, ORC_ZONE_DIR, NULL);
    assert_zone("Europe/Osol", ORC_ZONE_DIR, "shop/nightly: ");
    assert_zone("Europe/Osol", ORC_ZONE_DIR, "\"Europe/Osol\"");
    assert_zone("UTC", "/tmp", NULL);                   /* needs no file */
    assert_zone("Europe/Osol", "/nowhere/zones", NULL); /* who has no zone files can't say */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zones__a_time_zone_that_is_not_there_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
