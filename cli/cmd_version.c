/* cmd_version.c - `orc version`: which orc this is, and which the servers of the cluster run. */
#include "cli/cmd.h"
#include "cli/print_lists.h"
#include "lib/version.h"

static json_t *to_json(struct cluster *c)
{
    json_t *j = json_object(), *nodes = json_array();

    orc_json_set_str(j, "version", orc_version());
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next) {
        json_t *one = json_object();

        orc_json_set_str(one, "name", e->key.node);
        orc_json_set_str(one, "version", e->as.node.version);
        orc_json_set_str(one, "engine", e->as.node.engine);
        json_array_append_new(nodes, one);
    }
    json_object_set_new(j, "nodes", nodes);
    return j;
}

/* That the cluster can't be asked makes no failure: what was asked first is known. */
static int run(struct session_args *a, bool client, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_NODE, KEY_UNKNOWN};
    struct orc_err away = ORC_ERR_INIT;
    struct cluster c = {0};
    struct session s;

    if (session_open(&s, a, err) < 0)
        return CLI_USAGE;
    if (!client && session_load(&s, kinds, &c, &away) < 0)
        fprintf(stderr, "orc: of the servers nothing is known: %s\n", away.msg);
    cluster_sort(&c);
    if (s.out.json)
        out_json(to_json(&c));
    else
        print_versions(&s.out, &c, stdout);
    cluster_release(&c);
    session_close(&s);
    return CLI_DONE;
}

int cmd_version(int argc, char **argv)
{
    struct session_args a = {0};
    bool client = false;
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "client",
         .kind = ORC_OPT_BOOL,
         .value = &client,
         .help = "only of this program; the cluster is not asked"},
        SESSION_OPTIONS(&a),
        {0},
    };
    int r = cmd_options(table, argc, argv, NULL, "orc version [--client]",
                        "The version of this program, and of nodelet and the engine on each server.");

    if (r < 0) {
        r = run(&a, client, &err);
        cmd_end(&a, r, &err, NULL);
    }
    session_args_release(&a);
    return r;
}
