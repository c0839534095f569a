#include "cli/drain.h"

#include "lib/buf.h"

#define LINE_MAX_BYTES 4000

static bool holds(const struct report_task *t, const char *node)
{
    return orc_streq(t->node, node) && !orc_streq(t->state, "stopped") && !orc_streq(t->state, "failed");
}

/* What the scheduler says of the slot. */
static const char *waits_for(const struct record_rollout *ro, int slot)
{
    for (size_t i = 0; i < ro->pending.n; i++)
        if (ro->pending.at[i].slot == slot)
            return ro->pending.at[i].reason;
    return NULL;
}

static const struct record_rollout *rollout_of(const struct cluster *c, const char *name)
{
    const char *slash = strchr(name, '/');
    orc_auto_free char *app = orc_printf("%.*s", (int)(slash - name), name);
    const struct cluster_entry *e = cluster_find(c, key_rollout(c->name, app, slash + 1));

    return e ? &e->as.rollout : NULL;
}

static void add(struct drain *d, const struct cluster *c, const struct report_service *s, const char *node)
{
    const struct record_rollout *ro = rollout_of(c, s->name);
    struct drain_service x = {0};
    const struct report_task *t;
    const char *why = NULL;

    orc_vec_each (t, &s->tasks) {
        bool runs = orc_streq(t->desired, "run");

        if (!holds(t, node))
            continue;
        x.left += runs;
        x.stopping += !runs;
        if (!why && runs && ro)
            why = waits_for(ro, t->slot);
    }
    if (!x.left && !x.stopping)
        return;
    x.name = orc_strdup(s->name);
    x.why = orc_strdup(why);
    d->left += x.left;
    d->stopping += x.stopping;
    orc_vec_push(&d->services, x);
}

void drain_build(const struct cluster *c, const struct report *r, const char *node, struct drain *ret)
{
    const struct cluster_entry *policy = cluster_find(c, key_node_policy(c->name, node));
    const struct cluster_entry *said = cluster_find(c, key_node_state(c->name, node));
    const struct report_service *s;
    const struct report_node *n;

    *ret = (struct drain){.wanted = policy && policy->as.policy.drain,
                          .removed = policy && policy->as.policy.removed,
                          .registered = cluster_find(c, key_node(c->name, node)) != NULL,
                          .alive = cluster_find(c, key_alive(c->name, node)) != NULL,
                          .forced = said && said->as.node_state.forced};
    orc_vec_each (n, &r->nodes)
        if (orc_streq(n->name, node))
            ret->state = n->state;
    orc_vec_each (s, &r->services)
        add(ret, c, s, node);
}

void drain_release(struct drain *d)
{
    struct drain_service *s;

    orc_vec_each (s, &d->services) {
        free(s->name);
        free(s->why);
    }
    orc_vec_release(&d->services);
}

bool drain_is_done(const struct drain *d)
{
    return d->wanted && !d->left && !d->stopping;
}

bool drain_is_removed(const struct drain *d)
{
    return d->removed && drain_is_done(d) && (d->alive || !d->registered);
}

static bool is_silent(const struct drain *d)
{
    return orc_streq(d->state, "unknown") || orc_streq(d->state, "down");
}

char *drain_head(const struct drain *d, const char *node)
{
    bool silent = is_silent(d);

    return orc_printf("%s: %d task%s to move, %d stopping%s%s", node, d->left, d->left == 1 ? "" : "s",
                      d->stopping, silent ? "; the node is " : "", silent ? d->state : "");
}

char *drain_line(const struct drain *d, const char *node)
{
    struct orc_buf b = ORC_BUF_INIT(LINE_MAX_BYTES);
    orc_auto_free char *head = drain_head(d, node);
    const struct drain_service *s;
    bool first = true;

    orc_buf_puts(&b, head);
    orc_vec_each (s, &d->services) {
        orc_buf_printf(&b, "%s%s %d", first ? ": " : ", ", s->name, s->left + s->stopping);
        if (s->why)
            orc_buf_printf(&b, " (%.300s)", s->why);
        first = false;
    }
    return orc_buf_take(&b);
}

char *drain_advice(const struct drain *d, const char *node)
{
    if (is_silent(d) && !d->removed)
        return orc_printf(
            "it gives no sign of life, so nobody says that its tasks have stopped; if it is gone for "
            "good, `orc node rm %s` lets it go",
            node);
    if (d->left && !d->forced)
        return orc_printf(
            "`orc node drain %s --deadline DURATION` stops what is left after so long, whatever it "
            "costs; `orc node uncordon %s` ends the drain",
            node, node);
    return NULL;
}

json_t *drain_services_to_json(const struct drain *d)
{
    json_t *all = json_array();
    const struct drain_service *s;

    orc_vec_each (s, &d->services) {
        json_t *j = json_object();

        orc_json_set_str(j, "name", s->name);
        json_object_set_new(j, "left", json_integer(s->left));
        json_object_set_new(j, "stopping", json_integer(s->stopping));
        orc_json_set_str(j, "why", s->why);
        json_array_append_new(all, j);
    }
    return all;
}
