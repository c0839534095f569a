/* cmd_node.c - `orc node cordon|uncordon|drain NODE`: what the operator wants of one server, in
 * node-policy/<node>. */
#include "cli/change.h"
#include "cli/cmd.h"

static const char usage[] = "orc node cordon|uncordon|drain NODE";

struct verb_of_node {
    const char *name;
    bool cordon, drain;
    const char *done;
};

static const struct verb_of_node verbs[] = {
    {"cordon", true, false, "is cordoned: it keeps what runs there and gets nothing new"},
    {"uncordon", false, false, "takes part again: it gets new tasks"},
    {"drain", true, true,
     "is drained: its tasks are replaced elsewhere, within each service's update_config. "
     "`orc status` shows it; `orc node uncordon` ends it"},
};

static const struct verb_of_node *find_verb(const char *name, struct orc_err *err)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(verbs); i++)
        if (orc_streq(verbs[i].name, name))
            return &verbs[i];
    orc_fail(err, -EINVAL, "\"%s\" is not something to do with a node: cordon, uncordon or drain", name);
    return NULL;
}

/* 1: it is so already. The labels of the policy stay. */
static int change(struct session *s, const struct cluster *c, const struct verb_of_node *v, const char *node,
                  struct orc_err *err)
{
    orc_auto_free char *key = key_node_policy(s->cluster, node);
    struct cluster_entry *e = cluster_find(c, orc_strdup(key));
    struct record_node_policy fresh = {0}, *policy = e ? &e->as.policy : &fresh;
    const char *problem = cluster_problem(c, orc_strdup(key));
    orc_auto_free char *text = NULL;
    struct etcd_txn *t;
    int r;

    if (problem)
        return orc_fail(err, -EIO, "the key %s can't be read (%s): delete it with `etcdctl del %s`", key,
                        problem, key);
    if (policy->cordon == v->cordon && policy->drain == v->drain)
        return 1;
    policy->cordon = v->cordon;
    policy->drain = v->drain;
    text = record_node_policy_text(policy);
    t = etcd_txn_new();
    etcd_txn_if_mod_revision(t, key, e ? e->mod_revision : 0);
    etcd_txn_put(t, key, text, 0);
    r = session_commit(s, t, NULL, err);
    return r == SESSION_CONFLICT
               ? orc_fail(err, -EAGAIN,
                          "somebody else changed the policy of %s at the same moment; try again", node)
               : r;
}

static void tell(const struct out *o, const struct verb_of_node *v, const char *node, bool already)
{
    if (o->json)
        out_json(json_pack("{s:s, s:b, s:b, s:b}", "node", node, "cordon", v->cordon, "drain", v->drain,
                           "changed", !already));
    else
        out_line(o, "%s %s%s", node, v->done, already ? " (it was so already)" : "");
}

static int act(struct session *s, const struct verb_of_node *v, const char *node, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_NODE, KEY_NODE_POLICY, KEY_UNKNOWN};
    struct cluster c;
    int r = session_load(s, kinds, &c, err);

    if (r < 0)
        return r;
    r = session_need_config(s, &c, err);
    if (r == 0)
        r = change_need_node(&c, node, err);
    if (r == 0)
        r = change(s, &c, v, node, err);
    if (r >= 0)
        tell(&s->out, v, node, r > 0);
    cluster_release(&c);
    return r;
}

static int run(struct session_args *a, const struct orc_strv *words, struct orc_err *err)
{
    const struct verb_of_node *v;
    struct session s;
    int r;

    if (words->n != 2) {
        orc_fail(err, -EINVAL, "say what to do with which node: %s", usage);
        return CLI_USAGE;
    }
    v = find_verb(words->at[0], err);
    if (!v || key_check_node_name(words->at[1], err) < 0 || session_open(&s, a, err) < 0)
        return CLI_USAGE;
    r = act(&s, v, words->at[1], err);
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_node(int argc, char **argv)
{
    struct session_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SESSION_OPTIONS(&a), {0}};
    int r =
        cmd_options(table, argc, argv, &words, usage,
                    "cordon: the node keeps its tasks and gets no new ones. drain: its tasks are replaced "
                    "elsewhere, too. uncordon ends both.");

    if (r < 0) {
        r = run(&a, &words, &err);
        cmd_end(&a, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a);
    return r;
}
