#include "cli/advice.h"

#define SHORT_ID 12 /* digits of a container's id, as the engine's own tools show it */

static void say(struct orc_strv *v, char *sentence)
{
    bool said = false;

    for (size_t i = 0; i < v->n && !said; i++)
        said = orc_streq(v->at[i], sentence);
    if (!said)
        orc_strv_add(v, sentence);
    free(sentence);
}

char *advice_rollout(const char *name, const char *state, bool back)
{
    orc_auto_free char *abort =
        back ? orc_printf(", or back with `orc rollout abort %s`", name) : orc_strdup("");

    if (orc_streq(state, rollout_state_name(ROLLOUT_PAUSED)))
        return orc_printf("Apply a mended file, or go on with `orc rollout resume %s`%s", name, abort);
    if (orc_streq(state, rollout_state_name(ROLLOUT_CANARY)))
        return orc_printf("See whether the new replicas do well; then go on with `orc rollout resume %s`%s",
                          name, abort);
    if (orc_streq(state, rollout_state_name(ROLLOUT_ROLLED_BACK)))
        return orc_strdup("Mend the file and apply it again");
    if (orc_streq(state, rollout_state_name(ROLLOUT_FAILED)))
        return orc_printf("`orc tasks %s` shows each replica; apply a mended file", name);
    return NULL;
}

/* ---- tasks ------------------------------------------------------------------------------------------- */

static const struct report_node *find_node(const struct report *r, const char *name)
{
    const struct report_node *n;

    orc_vec_each (n, &r->nodes)
        if (orc_streq(n->name, name))
            return n;
    return NULL;
}

static void say_log(const struct report_task *t, struct orc_strv *ret)
{
    if (t->container)
        say(ret, orc_printf("Read what it wrote: `docker logs --tail 50 %.*s` on %s", SHORT_ID, t->container,
                            t->node));
}

static void advise_ended(const struct report_task *t, struct orc_strv *ret)
{
    if (t->oom)
        say(ret, orc_strdup("It was killed for using more memory than it may: raise "
                            "`deploy: {resources: {limits: {memory: ...}}}`, or let it use less"));
    if (t->exit_code > 0 || t->oom)
        say_log(t, ret);
}

void advice_task(const struct report *r, const struct report_task *t, struct orc_strv *ret)
{
    const struct report_node *n = find_node(r, t->node);

    if (!orc_streq(t->desired, "run") || t->healthy)
        return;
    if (n && !n->alive) {
        say(ret, orc_printf("Look after its server: `orc describe node %s`", t->node));
        return;
    }
    if (orc_streq(t->state, task_state_name(TASK_PULLING)) && t->reason)
        say(ret,
            orc_printf("See whether the image's name is right and whether %s reaches its registry: `docker "
                       "pull %s` there",
                       t->node, t->image ? t->image : "IMAGE"));
    advise_ended(t, ret);
    if (orc_streq(t->health, task_health_name(TASK_UNREADY)))
        say(ret,
            orc_strdup("It is not restarted for that: see what its readiness check asks, and what it waits "
                       "for; a `liveness` beside the `readiness` would restart it when it hangs"));
    if (orc_streq(t->health, task_health_name(TASK_UNHEALTHY)) ||
        orc_streq(t->health, task_health_name(TASK_UNREADY)))
        say_log(t, ret);
}

/* ---- services ---------------------------------------------------------------------------------------- */

void advice_service(const struct report *r, const struct report_service *s, struct orc_strv *ret)
{
    char *rollout = advice_rollout(s->name, s->rollout, s->complete > 0);
    const struct report_task *t;

    if (!r->leader)
        say(ret, orc_strdup("Start orc-scheduler: nobody decides anything"));
    if (rollout)
        say(ret, rollout);
    if (s->pending.n)
        say(ret,
            orc_printf("`orc why %s` shows what each server lacks, and the smallest change that would help",
                       s->name));
    if (s->ok)
        return;
    orc_vec_each (t, &s->tasks)
        advice_task(r, t, ret);
}

/* ---- nodes ------------------------------------------------------------------------------------------- */

void advice_node(const struct report_node *n, struct orc_strv *ret)
{
    static const struct {
        enum node_state state;
        const char *text; /* with the node's name for its one %s */
    } table[] = {
        {NODE_NOT_READY,
         "Mend what its condition says; `netplug check` there looks at its network, and nodelet's log "
         "on %s has the rest"},
        {NODE_UNKNOWN, "See whether %s runs, whether nodelet runs there, and whether it reaches etcd"},
        {NODE_DOWN,
         "See whether the server runs, whether nodelet runs there and whether it reaches etcd; if it is "
         "gone for good: `orc node rm %s`"},
        {NODE_CORDONED, "It gets new work again after `orc node uncordon %s`"},
        {NODE_DRAINING, "What holds it up is shown by `orc node drain %s`, which waits for the end"},
        {NODE_DRAINED, "It may be switched off; it gets work again after `orc node uncordon %s`"},
        {NODE_REMOVED, "Should it come back, it gets work after `orc node uncordon %s`"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++)
        if (orc_streq(n->state, node_state_name(table[i].state))) {
            const char *gap = strstr(table[i].text, "%s");

            say(ret, orc_printf("%.*s%s%s", (int)(gap - table[i].text), table[i].text, n->name, gap + 2));
        }
}
