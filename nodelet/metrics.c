/* metrics.c - this node's tasks in numbers. */
#include "nodelet/task.h"

static void by_state(const struct agent *a, struct orc_metrics_text *text)
{
    int n[TASK_REMOVED + 1] = {0}, healthy = 0;
    const struct task *t;

    for (t = a->tasks; t; t = t->hh.next) {
        struct sidecar_part parts[PARTS_MAX];

        n[sidecar_state(parts, parts_of(t, parts), t->pub.last_state)]++;
        healthy += t->pub.last_health == TASK_HEALTHY;
    }
    orc_metric(text, "orc_nodelet_tasks", "gauge", "Tasks of this node by state.");
    for (int i = 0; i <= TASK_REMOVED; i++)
        orc_metric_sample(text, "state", task_state_name((enum task_state)i), n[i]);
    orc_metric_gauge(text, "orc_nodelet_tasks_healthy", "Tasks of this node that answer their health check.",
                     healthy);
}

static void restarts(const struct agent *a, struct orc_metrics_text *text)
{
    const struct task *t;

    orc_metric(text, "orc_nodelet_task_restarts_total", "counter",
               "How often a task's container ended by itself and was started again.");
    for (t = a->tasks; t; t = t->hh.next) {
        struct sidecar_part parts[PARTS_MAX];

        if (t->has_record)
            orc_metric_sample(text, "task", t->id, sidecar_restarts(parts, parts_of(t, parts)));
    }
}

void agent_metrics(const struct agent *a, struct orc_metrics_text *text)
{
    orc_metric_gauge(text, "orc_store_live", "1 when what the store holds is known and current.",
                     a->view == VIEW_LIVE);
    orc_metric_gauge(text, "orc_nodelet_registered", "1 while this node's heartbeat is in the store.",
                     a->lease != 0);
    orc_metric_gauge(text, "orc_nodelet_engine_up", "1 while the engine answers.", a->engine_up);
    orc_metric_gauge(text, "orc_nodelet_network_ready", "1 while containers can be given an address.",
                     a->network);
    by_state(a, text);
    restarts(a, text);
}
