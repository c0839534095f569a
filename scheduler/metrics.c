#include "scheduler/metrics.h"

#include "scheduler/model.h"

static void node_metrics(const struct core *c, struct orc_metrics_text *t)
{
    const struct core_node *n;

    orc_metric(t, "orc_node_ready", "gauge",
               "1 for a node whose heartbeat is there and whose conditions are well.");
    for (n = c->nodes; n; n = n->hh.next)
        if (n->fed.present)
            orc_metric_sample(t, "node", n->name,
                              n->alive_fed.present && !n->fed.unreadable && record_node_ready(&n->rec, NULL));
    orc_metric(t, "orc_node_cpu_cores", "gauge", "Cores that tasks may be given on the node.");
    for (n = c->nodes; n; n = n->hh.next)
        if (n->fed.present)
            orc_metric_sample(t, "node", n->name,
                              (double)(n->rec.capacity.cpus_nano - n->rec.reserve.cpus_nano) / 1e9);
    orc_metric(t, "orc_node_cpu_cores_taken", "gauge", "Cores that tasks of the node have reserved.");
    for (n = c->nodes; n; n = n->hh.next)
        if (n->fed.present)
            orc_metric_sample(t, "node", n->name, (double)n->used.cpus_nano / 1e9);
    orc_metric(t, "orc_node_memory_bytes", "gauge", "Memory that tasks may be given on the node.");
    for (n = c->nodes; n; n = n->hh.next)
        if (n->fed.present)
            orc_metric_sample(t, "node", n->name, (double)(n->rec.capacity.memory - n->rec.reserve.memory));
    orc_metric(t, "orc_node_memory_bytes_taken", "gauge", "Memory that tasks of the node have reserved.");
    for (n = c->nodes; n; n = n->hh.next)
        if (n->fed.present)
            orc_metric_sample(t, "node", n->name, (double)n->used.memory);
}

static int available(const struct core_service *s)
{
    const struct core_task *t;
    int n = 0;

    core_each_task (t, s)
        n += core_task_available(t);
    return n;
}

static void service_metrics(const struct core *c, struct orc_metrics_text *t)
{
    const struct core_service *s;

    orc_metric(t, "orc_service_replicas_desired", "gauge", "Replicas that the service shall have.");
    for (s = c->services; s; s = s->hh.next)
        if (s->rollout_fed.present)
            orc_metric_sample(t, "service", s->name, s->rollout.replicas);
    orc_metric(t, "orc_service_replicas_available", "gauge",
               "Replicas that run and answer their health check.");
    for (s = c->services; s; s = s->hh.next)
        if (s->rollout_fed.present)
            orc_metric_sample(t, "service", s->name, available(s));
}

static void rollout_metrics(const struct core *c, struct orc_metrics_text *t)
{
    int by_state[ROLLOUT_REMOVING + 1] = {0};
    const struct core_service *s;
    int degraded = 0;

    for (s = c->services; s; s = s->hh.next)
        if (s->rollout_fed.present && !s->rollout_fed.unreadable) {
            by_state[s->rollout.state]++;
            degraded += s->rollout.degraded != NULL;
        }
    orc_metric_gauge(t, "orc_services_degraded", "Services of which a replica fails again and again.",
                     degraded);
    orc_metric(t, "orc_services", "gauge", "Services by the state of their rollout.");
    for (int i = 0; i <= ROLLOUT_REMOVING; i++)
        orc_metric_sample(t, "state", rollout_state_name((enum rollout_state)i), by_state[i]);
}

static void task_metrics(const struct core *c, struct orc_metrics_text *t)
{
    int by_state[TASK_REMOVED + 1] = {0};
    const struct core_service *s;
    const struct core_task *task;

    for (s = c->services; s; s = s->hh.next)
        core_each_task (task, s)
            if (task->fed.present)
                by_state[core_task_reported(task) ? task->state : TASK_ASSIGNED]++;
    orc_metric(t, "orc_tasks", "gauge", "Tasks by what their node says of them.");
    for (int i = 0; i <= TASK_REMOVED; i++)
        orc_metric_sample(t, "state", task_state_name((enum task_state)i), by_state[i]);
}

void core_metrics(const struct core *c, struct orc_metrics_text *t)
{
    node_metrics(c, t);
    service_metrics(c, t);
    rollout_metrics(c, t);
    task_metrics(c, t);
}
