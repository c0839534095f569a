/* cmd_services.c - `orc services`: what is wanted, and how much of it there is. */
#include "cli/print.h"
#include "cli/show.h"
#include "cli/wait.h"
#include "cli/which.h"
#include "lib/clock.h"

static json_t *document(struct cluster *c, const void *what)
{
    json_t *all = json_array();
    struct report r;

    report_build(c, what, orc_wall_ms(), &r);
    for (size_t i = 0; i < r.services.n; i++) {
        json_t *one = report_service_to_json(&r.services.at[i]);

        json_object_del(one, "tasks");
        json_array_append_new(all, one);
    }
    report_release(&r);
    return all;
}

static void print(const struct out *o, struct cluster *c, const void *what, FILE *f)
{
    struct report r;

    report_build(c, what, orc_wall_ms(), &r);
    print_services(o, &r, f);
    report_release(&r);
}

int cmd_services(int argc, char **argv)
{
    static const struct show show = {wait_report_kinds, which_check, document, print};

    return which_show(&show, argc, argv, "orc services [APP[/SERVICE]] [-o FORM] [--watch]",
                      "The services: how many replicas are wanted and how many are healthy, the state of the "
                      "rollout and since when, and why it is not as desired.");
}
