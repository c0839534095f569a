/* cmd_node.c - `orc node cordon|uncordon|drain|rm|label NODE`: what the operator wants of one server, in
 * node-policy/<node>. A drain or a removal is followed to its end. */
#include "cli/change.h"
#include "cli/cmd.h"
#include "cli/draw.h"
#include "cli/label.h"
#include "cli/wait.h"
#include "lib/clock.h"
#include "lib/units.h"

static const char usage[] =
    "orc node cordon|uncordon NODE | drain NODE [--deadline DURATION] | rm NODE [--force] | label NODE "
    "KEY=VALUE|KEY-...";

#define TICK_MS 1000
#define DEADLINE_UNSET UINT64_MAX

struct verb_of_node {
    const char *name;
    bool cordon, drain, removed, labels;
    const char *done;
};

static const struct verb_of_node verbs[] = {
    {"cordon", true, false, false, false, "is cordoned: it keeps what runs there and gets nothing new"},
    {"uncordon", false, false, false, false,
     "takes part again: it gets new tasks; what has begun to stop there still stops"},
    {"drain", true, true, false, false,
     "is drained: its tasks are replaced elsewhere, within each service's update_config. "
     "`orc node uncordon` ends it"},
    {"rm", true, true, true, false,
     "is let go: its tasks are replaced elsewhere, then its records are cleared. Should it come back it gets "
     "nothing "
     "until `orc node uncordon`"},
    {"label", false, false, false, true,
     "is labelled: what no longer fits there moves, and what waited for one is placed"},
};

struct node_args {
    struct session_args session;
    bool detach, force;
    uint64_t timeout_ms, deadline_ms;
};

/* One `orc node ...`. */
struct doing {
    struct session s;
    const struct node_args *args;
    const struct verb_of_node *verb;
    const char *node;
    struct orc_strv labels; /* as on the command line; borrowed */
    bool already;           /* it was so before */
    /* of a drain that is followed */
    struct drain drain;
    struct draw draw;
    char *said;
    bool ended; /* somebody else ended the drain */
};

static const struct verb_of_node *find_verb(const char *name, struct orc_err *err)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(verbs); i++)
        if (orc_streq(verbs[i].name, name))
            return &verbs[i];
    orc_fail(err, -EINVAL, "\"%s\" is not something to do with a node: cordon, uncordon, drain, rm or label",
             name);
    return NULL;
}

static uint64_t deadline_of(const struct doing *d, const struct record_node_policy *before)
{
    if (!d->verb->drain)
        return 0;
    if (d->verb->removed || d->args->deadline_ms == 0) /* at once; in the record 0 is never */
        return 1;
    return d->args->deadline_ms != DEADLINE_UNSET ? d->args->deadline_ms : before->drain_deadline_ms;
}

/* What the policy shall be; without --deadline the one that a drain has stays. False: it is so already. */
static bool set_policy(const struct doing *d, struct record_node_policy *p)
{
    uint64_t deadline = deadline_of(d, p);
    bool same = p->cordon == d->verb->cordon && p->drain == d->verb->drain &&
                !p->removed == !d->verb->removed && p->drain_deadline_ms == deadline;

    p->cordon = d->verb->cordon;
    p->drain = d->verb->drain;
    p->drain_deadline_ms = deadline;
    if (!same)
        p->removed = d->verb->removed ? orc_wall_ms() : 0;
    return !same;
}

/* One that lives is drained, not removed, unless its end is asked for in so many words. */
static int check_living(const struct doing *d, const struct cluster *c, struct orc_err *err)
{
    if (!d->verb->removed || d->args->force || !cluster_find(c, key_alive(c->name, d->node)))
        return 0;
    return orc_fail(
        err, -EBUSY,
        "node %s gives signs of life: `orc node drain %s` and stop its nodelet first, or say --force: its "
        "tasks are then told to stop at once, whatever their services promise",
        d->node, d->node);
}

/* A node that was let go is known by its policy alone. */
static int check_known(const struct doing *d, struct cluster *c, struct orc_err *err)
{
    const struct cluster_entry *policy = cluster_find(c, key_node_policy(c->name, d->node));

    return policy && policy->as.policy.removed ? 0 : change_need_node(c, d->node, err);
}

/* 0: it is so already; 1: the policy was changed. Labels stay, and are changed alone. */
static int edit(const struct doing *d, struct record_node_policy *p, struct orc_err *err)
{
    return d->verb->labels ? label_change(&p->labels, &d->labels, err) : set_policy(d, p);
}

static int change(struct doing *d, const struct cluster *c, struct orc_err *err)
{
    orc_auto_free char *key = key_node_policy(d->s.cluster, d->node);
    struct cluster_entry *e = cluster_find(c, orc_strdup(key));
    struct record_node_policy fresh = {0}, *policy = e ? &e->as.policy : &fresh;
    const char *problem = cluster_problem(c, orc_strdup(key));
    orc_auto_free char *text = NULL;
    struct etcd_txn *t;
    int r;

    if (problem)
        return orc_fail(err, -EIO,
                        "the key %s can't be read (%s): delete it with `etcdctl del %s` and try again", key,
                        problem, key);
    r = edit(d, policy, err);
    d->already = r == 0;
    if (r > 0)
        text = record_node_policy_text(policy);
    if (!e)
        record_node_policy_release(&fresh);
    if (r <= 0)
        return r;
    t = etcd_txn_new();
    etcd_txn_if_mod_revision(t, key, e ? e->mod_revision : 0);
    etcd_txn_put(t, key, text, 0);
    r = session_commit(&d->s, t, NULL, err);
    return r == SESSION_CONFLICT ? orc_fail(err, -EAGAIN,
                                            "somebody else changed the policy of %s at the same moment; "
                                            "nothing was written: look with `orc "
                                            "describe node %s` and try again",
                                            d->node, d->node)
                                 : r;
}

static int act(struct doing *d, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_NODE, KEY_NODE_POLICY, KEY_ALIVE, KEY_UNKNOWN};
    struct cluster c;
    int r = session_read(&d->s, kinds, &c, err);

    if (r == 0)
        r = check_known(d, &c, err);
    if (r == 0)
        r = check_living(d, &c, err);
    if (r == 0)
        r = change(d, &c, err);
    cluster_release(&c);
    return r;
}

/* ---- following it to its end -------------------------------------------------------------------------- */

static bool is_done(const struct doing *d)
{
    return d->verb->removed ? drain_is_removed(&d->drain) : drain_is_done(&d->drain);
}

/* At the end the picture makes room for the sentence that says so. */
static void draw(struct doing *d, const struct report *r, bool over)
{
    struct out *o = &d->s.out;
    struct live live = {0};

    out_measure(o);
    if (!over)
        live_drain(r, &d->drain, d->node, o->width, o->height, &live);
    draw_picture(o, &live, &d->draw);
    live_release(&live);
}

static bool on_progress(struct cluster *c, void *arg)
{
    struct doing *d = arg;
    orc_auto_free char *line = NULL;
    struct report r;
    bool over;

    report_build(c, NULL, orc_wall_ms(), &r);
    drain_release(&d->drain);
    drain_build(c, &r, d->node, &d->drain);
    d->ended = !d->drain.wanted || (d->verb->removed && !d->drain.removed);
    over = d->ended || is_done(d);
    line = drain_line(&d->drain, d->node);
    if (draw_is_wanted(&d->s.out))
        draw(d, &r, over);
    else if (!over && !orc_streq(line, d->said))
        out_line(&d->s.out, "%s", line);
    orc_set_str(&d->said, line);
    report_release(&r);
    return over;
}

static void on_trouble(const char *sentence, void *arg)
{
    struct doing *d = arg;

    fprintf(stderr, "orc: %s\n", sentence);
    d->draw.lines = 0; /* the next picture is drawn below this line */
}

static void say_unfinished(const struct doing *d)
{
    orc_auto_free char *advice = drain_advice(&d->drain, d->node);
    char duration[ORC_UNIT_MAX];

    fprintf(stderr, "orc: not %s after %s: %s\n", d->verb->removed ? "removed" : "drained",
            orc_format_duration(d->args->timeout_ms, duration), d->said ? d->said : "etcd gave no answer");
    if (advice)
        fprintf(stderr, "orc: %s\n", advice);
    fputs("It goes on without this command: see `orc nodes`.\n", stderr);
}

static int follow(struct doing *d)
{
    enum follow_end end = follow_run(&d->s, &(struct follow_opts){.kinds = wait_report_kinds,
                                                                  .timeout_ms = d->args->timeout_ms,
                                                                  .tick_ms = TICK_MS,
                                                                  .on_change = on_progress,
                                                                  .on_trouble = on_trouble,
                                                                  .arg = d});

    if (end == FOLLOW_TIMED_OUT) {
        say_unfinished(d);
        return CLI_TIMED_OUT;
    }
    if (end == FOLLOW_INTERRUPTED) {
        fputs("orc: interrupted; what was asked for goes on: see `orc nodes`\n", stderr);
        return CLI_FAILED;
    }
    if (d->ended) {
        fprintf(stderr, "orc: somebody else ended the %s of %s\n", d->verb->removed ? "removal" : "drain",
                d->node);
        return CLI_FAILED;
    }
    out_line(&d->s.out, "%s %s", d->node,
             !d->verb->removed ? "is empty: everything there is reported stopped"
             : d->drain.alive
                 ? "is empty, and gives signs of life: stop its nodelet; its records are cleared after"
                 : "is gone, and its records are cleared");
    return CLI_DONE;
}

/* ---- the whole --------------------------------------------------------------------------------------- */

static void print_json(const struct doing *d, int code, bool follows)
{
    json_t *j = json_pack("{s:s, s:b}", "node", d->node, "changed", !d->already);

    if (!d->verb->labels) {
        json_object_set_new(j, "cordon", json_boolean(d->verb->cordon));
        json_object_set_new(j, "drain", json_boolean(d->verb->drain));
    }
    if (d->verb->removed)
        json_object_set_new(j, "removed", json_true());
    if (d->verb->drain) {
        orc_json_set_str(j, "outcome", d->ended ? "ended" : follows ? wait_outcome_name(code) : "detached");
        orc_json_set_str(j, "state", d->drain.state);
        if (follows)
            json_object_set_new(j, "services", drain_services_to_json(&d->drain));
    }
    out_json(j);
}

static int run(struct node_args *a, const struct orc_strv *words, struct orc_err *err)
{
    struct doing d = {.args = a};
    int r;

    if (words->n < 2) {
        orc_fail(err, -EINVAL, "say what to do with which node: %s", usage);
        return CLI_USAGE;
    }
    d.node = words->at[1];
    d.verb = find_verb(words->at[0], err);
    if (!d.verb || key_check_node_name(d.node, err) < 0)
        return CLI_USAGE;
    if (d.verb->labels ? words->n < 3 : words->n > 2) {
        orc_fail(err, -EINVAL, d.verb->labels ? "say which labels: %s" : "one node at a time: %s", usage);
        return CLI_USAGE;
    }
    d.labels = (struct orc_strv){.at = words->at + 2, .n = words->n - 2};
    if ((!d.verb->drain || d.verb->removed) && a->deadline_ms != DEADLINE_UNSET) {
        orc_fail(err, -EINVAL, "--deadline is of a drain, not of %s: leave it out", d.verb->name);
        return CLI_USAGE;
    }
    if (!d.verb->removed && a->force) {
        orc_fail(err, -EINVAL, "--force is of rm, not of %s: leave it out", d.verb->name);
        return CLI_USAGE;
    }
    if (session_open(&d.s, &a->session, err) < 0)
        return CLI_USAGE;
    r = act(&d, err);
    r = r == -EINVAL ? CLI_USAGE : r < 0 ? CLI_FAILED : CLI_DONE;
    if (r == CLI_DONE)
        out_line(&d.s.out, "%s %s%s", d.node, d.verb->done, d.already ? " (it was so already)" : "");
    if (r == CLI_DONE && d.verb->drain && !a->detach)
        r = follow(&d);
    if (!err->msg[0] && d.s.out.json)
        print_json(&d, r, d.verb->drain && !a->detach);
    drain_release(&d.drain);
    free(d.said);
    session_close(&d.s);
    return r;
}

int cmd_node(int argc, char **argv)
{
    struct node_args a = {.timeout_ms = CMD_TIMEOUT_MS, .deadline_ms = DEADLINE_UNSET};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "deadline",
         .kind = ORC_OPT_MS,
         .value = &a.deadline_ms,
         .meta = "DURATION",
         .help = "of a drain: what is left after so long is stopped, whatever it costs (default: never)"},
        {.name = "force",
         .kind = ORC_OPT_BOOL,
         .value = &a.force,
         .help = "of rm: also a node that gives signs of life"},
        CMD_WAIT_OPTIONS(&a.detach, &a.timeout_ms),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(
        table, argc, argv, &words, usage,
        "cordon: the node keeps its tasks and gets no new ones. drain: its tasks are replaced "
        "elsewhere, too, as each service's update_config allows; waits until the node says that they "
        "have stopped. rm: the node is gone for good; its tasks are replaced and its records cleared. "
        "uncordon "
        "ends all of these. label: gives it labels for placement constraints (node.labels.KEY), over those "
        "of its "
        "nodelet, or takes them away (KEY-).");

    if (r < 0) {
        r = run(&a, &words, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
