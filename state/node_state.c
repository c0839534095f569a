#include "state/node_state.h"

static enum node_state silent(const struct node_facts *f, const char **why)
{
    if (f->given_up) {
        *why = "no heartbeat for longer than the grace: its tasks are replaced elsewhere";
        return NODE_DOWN;
    }
    *why = f->held ? "no heartbeat, as of more than half of the nodes: nothing is moved"
                   : "no heartbeat: the server, its nodelet or its way to etcd is down";
    return NODE_UNKNOWN;
}

static const char *trouble_of(const struct node_facts *f)
{
    const char *why = "it has not registered yet";

    if (f->unreadable)
        return "its record can't be read";
    return f->record && record_node_ready(f->record, &why) ? NULL : why;
}

static enum node_state judge(const struct node_facts *f, const char **why, const char **also)
{
    bool drain = f->policy && f->policy->drain;

    if (f->policy && f->policy->removed) {
        *why = f->alive
                   ? "`orc node rm`: but it gives signs of life; stop its nodelet, or let it take part again "
                     "with `orc node uncordon`"
                   : "`orc node rm`: its tasks are replaced elsewhere";
        return NODE_REMOVED;
    }
    if (!f->alive && !f->record && !f->unreadable) {
        *why = "its records are gone: its tasks are replaced elsewhere";
        return NODE_REMOVED;
    }
    if (!f->alive)
        return silent(f, why);
    *also = trouble_of(f);
    if (drain) {
        *why = f->tasks ? "`orc node drain`: its tasks move elsewhere"
                        : "`orc node drain`: nothing runs there any more";
        return f->tasks ? NODE_DRAINING : NODE_DRAINED;
    }
    if (*also) {
        *why = orc_take(*also);
        return NODE_NOT_READY;
    }
    if (!f->policy || !f->policy->cordon)
        return NODE_READY;
    *why = "keeps its tasks, gets no new ones";
    return NODE_CORDONED;
}

enum node_state node_state_judge(const struct node_facts *f, char **ret_why)
{
    const char *why = NULL, *also = NULL;
    enum node_state s = judge(f, &why, &also);

    if (ret_why && why)
        *ret_why = orc_printf("%s%s%s", why, also ? "; not ready: " : "", also ? also : "");
    else if (ret_why)
        *ret_why = NULL;
    return s;
}

bool node_state_is_trouble(enum node_state s, const struct node_facts *f)
{
    bool out_of_use = f->policy && (f->policy->removed || (f->policy->drain && !f->tasks));

    return s == NODE_NOT_READY || (s == NODE_REMOVED && (f->alive || !out_of_use)) ||
           ((s == NODE_UNKNOWN || s == NODE_DOWN) && !out_of_use);
}
