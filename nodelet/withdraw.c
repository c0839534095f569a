#include "nodelet/withdraw.h"

#include <inttypes.h>

void withdraw_release(struct withdraw *w)
{
    orc_strv_release(&w->gateways);
    free(w->waiting_for);
    *w = (struct withdraw){.step = WITHDRAW_IDLE};
}

void withdraw_begin(struct withdraw *w, bool ever_ready, uint64_t timeout_ms)
{
    withdraw_release(w);
    w->timeout_ms = timeout_ms;
    w->step = ever_ready ? WITHDRAW_PUTTING : WITHDRAW_DONE;
}

void withdraw_written(struct withdraw *w, int64_t revision, const struct orc_strv *gateways, uint64_t now)
{
    if (w->step != WITHDRAW_PUTTING)
        return;
    w->step = WITHDRAW_WAITING;
    w->revision = revision;
    if (!w->begun)
        w->since = now;
    w->begun = true;
    orc_strv_release(&w->gateways);
    orc_strv_copy(&w->gateways, gateways);
}

void withdraw_again(struct withdraw *w)
{
    if (w->step == WITHDRAW_WAITING)
        w->step = WITHDRAW_PUTTING;
}

void withdraw_heard(struct withdraw_gateway *g, struct record_gateway_alive report, int64_t revision)
{
    record_gateway_alive_release(&g->report);
    g->report = report;
    g->alive = true;
    if (report.served >= revision)
        g->report.served = 0;
}

static const struct gateway_inflight *in_flight(const struct record_gateway_alive *report, const char *task)
{
    for (size_t i = 0; i < report->inflight.n; i++)
        if (orc_streq(report->inflight.at[i].task, task))
            return &report->inflight.at[i];
    return NULL;
}

/* NULL when this gateway agrees or no longer counts, else why it doesn't; freed by the caller. */
static char *objection(const struct withdraw *w, const char *id, const char *task,
                       const struct withdraw_gateway *table)
{
    const struct withdraw_gateway *g = NULL;
    const struct gateway_inflight *f;

    HASH_FIND_STR(table, id, g);
    if (!g || (!g->registered && g->deleted <= w->revision))
        return orc_printf("gateway %s: its report is not in yet", id);
    if (!g->registered)
        return NULL;
    if (!g->alive)
        return orc_printf("gateway %s: no heartbeat, its NGINX may still route", id);
    if (g->report.served < w->revision)
        return orc_printf("gateway %s: serves revision %" PRId64 ", not yet %" PRId64, id, g->report.served,
                          w->revision);
    f = in_flight(&g->report, task);
    if (f && f->requests == 0)
        return orc_printf("gateway %s: saw its endpoint vanish, not draining, and may still choose it", id);
    return f ? orc_printf("gateway %s: %" PRId64 " requests in flight", id, f->requests) : NULL;
}

bool withdraw_judge(struct withdraw *w, const char *task, const struct withdraw_gateway *table, uint64_t now)
{
    char *why = NULL;

    if (w->step != WITHDRAW_WAITING && !(w->step == WITHDRAW_PUTTING && w->begun))
        return w->step == WITHDRAW_DONE;
    if (w->step == WITHDRAW_PUTTING)
        why = orc_strdup("etcd: its endpoint vanished, and is to be written as draining again");
    for (size_t i = 0; i < w->gateways.n && !why; i++)
        why = objection(w, w->gateways.at[i], task, table);
    free(w->waiting_for);
    w->waiting_for = why;
    w->timed_out = why && now - w->since >= w->timeout_ms;
    if (!why || w->timed_out)
        w->step = WITHDRAW_DONE;
    return w->step == WITHDRAW_DONE;
}

uint64_t withdraw_deadline(const struct withdraw *w)
{
    return w->begun && w->step != WITHDRAW_DONE ? w->since + w->timeout_ms : UINT64_MAX;
}
