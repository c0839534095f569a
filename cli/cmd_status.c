/* cmd_status.c - `orc status`: is it up, and if not, why not. */
#include "cli/brain.h"
#include "cli/print.h"
#include "cli/show.h"
#include "cli/wait.h"
#include "cli/which.h"
#include "lib/clock.h"

#define ASKED_MOST 20000 /* keys: of a larger cluster the text leaves out what the core must be asked for */

static void explain(const struct cluster *c, struct report *r)
{
    struct core *core = brain_new(c, orc_wall_ms());

    report_explain(core, r);
    core_free(core);
}

static json_t *document(struct cluster *c, const void *what)
{
    struct report r;
    json_t *j;

    report_build(c, what, orc_wall_ms(), &r);
    explain(c, &r);
    j = report_to_json(&r);
    report_release(&r);
    return j;
}

static void print(const struct out *o, struct cluster *c, const void *what, FILE *f)
{
    struct report r;

    report_build(c, what, orc_wall_ms(), &r);
    if (!what && HASH_COUNT(c->entries) <= ASKED_MOST && o->form != OUT_NAMES)
        explain(c, &r);
    if (o->form == OUT_NAMES)
        print_services(o, &r, f);
    else
        print_status(o, &r, what != NULL, f);
    report_release(&r);
}

int cmd_status(int argc, char **argv)
{
    static const struct show show = {wait_report_kinds, which_check, document, print};

    return which_show(&show, argc, argv, "orc status [APP[/SERVICE]] [-o FORM] [--watch]",
                      "Services, replicas and nodes, and the reason for everything that is not as desired.");
}
