/* cmd_schema.c - `orc schema`: what a file may have, for editors. Needs no cluster. */
#include "cli/cmd.h"
#include "specs/schema.h"

static int run(const struct orc_strv *words, struct orc_err *err)
{
    if (words->n) {
        orc_fail(
            err, -EINVAL,
            "orc schema takes no words, and \"%.64s\" is one; to check a file give `orc config -q %.64s`",
            words->at[0], words->at[0]);
        return CLI_USAGE;
    }
    out_json(spec_schema());
    return CLI_DONE;
}

int cmd_schema(int argc, char **argv)
{
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {{0}};
    int r = cmd_options(
        table, argc, argv, &words, "orc schema",
        "Prints the JSON Schema (draft 7) of the files that orc applies, Compose's keys and x-orc's. An "
        "editor that has it completes keys, tells what each does, and marks what orc would refuse. A "
        "file names its schema in its first line: `# yaml-language-server: $schema=orc.schema.json`.");

    if (r < 0) {
        r = run(&words, &err);
        cmd_end(NULL, r, &err, NULL);
    }
    orc_strv_release(&words);
    return r;
}
