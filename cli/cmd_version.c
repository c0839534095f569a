/* cmd_version.c - `orc version`: which orc this is, which scheduler leads, and what the servers run. */
#include "cli/cmd.h"
#include "cli/print_lists.h"
#include "lib/version.h"

static json_t *leader_to_json(const struct record_leader *l)
{
    json_t *j = json_object();

    orc_json_set_str(j, "id", l->id);
    orc_json_set_str(j, "host", l->host);
    orc_json_set_str(j, "version", l->version);
    return j;
}

static json_t *node_to_json(const struct cluster_entry *e)
{
    json_t *j = json_object();

    orc_json_set_str(j, "name", e->key.node);
    orc_json_set_str(j, "version", e->as.node.version);
    orc_json_set_str(j, "engine", e->as.node.engine);
    return j;
}

static json_t *to_json(const struct cluster *c)
{
    const struct cluster_entry *leader = cluster_find(c, key_leader(c->name));
    json_t *j = json_object(), *nodes = json_array();

    orc_json_set_str(j, "version", orc_version());
    if (leader)
        json_object_set_new(j, "leader", leader_to_json(&leader->as.leader));
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_NODE)
            json_array_append_new(nodes, node_to_json(e));
    json_object_set_new(j, "nodes", nodes);
    return j;
}

/* That the cluster can't be asked makes no failure: what was asked first is known. */
static void read_cluster(struct session *s, bool client, struct cluster *ret)
{
    static const enum key_kind kinds[] = {KEY_NODE, KEY_LEADER, KEY_UNKNOWN};
    struct orc_err err = ORC_ERR_INIT;

    if (!client && session_load(s, kinds, ret, &err) == 0) {
        cluster_sort(ret);
        return;
    }
    cluster_init(ret, s->cluster);
    if (!client)
        fprintf(stderr, "orc: of the servers nothing is known: %s\n", err.msg);
}

static int run(struct session_args *a, bool client, struct orc_err *err)
{
    struct cluster c;
    struct session s;

    if (session_open(&s, a, err) < 0)
        return CLI_USAGE;
    read_cluster(&s, client, &c);
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
    int r =
        cmd_options(table, argc, argv, NULL, "orc version [--client]",
                    "The version of this program, of the orc-scheduler that leads, and of nodelet and the "
                    "engine on each server.");

    if (r < 0) {
        r = run(&a, client, &err);
        cmd_end(&a, r, &err, NULL);
    }
    session_args_release(&a);
    return r;
}
