#include "state/etcd_doubt.h"

/* A guard that never saw a cluster has nothing to protect. */
static bool is_guarded(const struct etcd_doubt *d)
{
    return d->guard && (d->guard->orc_cluster_id[0] || d->guard->frozen);
}

enum etcd_leave etcd_doubt_leave(const struct etcd_doubt *d, bool write)
{
    if (!write || !is_guarded(d))
        return ETCD_SEND;
    if (d->guard->frozen)
        return ETCD_HOLD;
    return d->doubts != d->cleared ? ETCD_ASK : ETCD_SEND;
}

int64_t etcd_doubt_asked_at(const struct etcd_doubt *d)
{
    return d->guard ? d->guard->revision : 0;
}

bool etcd_doubt_learn(struct etcd_doubt *d, uint64_t cluster_id, int64_t revision, int64_t asked_at,
                      uint64_t doubts, bool lease)
{
    bool well;

    if (!is_guarded(d) || d->guard->frozen)
        return true;
    if (lease)
        well = guard_stream(d->guard, cluster_id, revision) && revision >= asked_at;
    else
        well = guard_header(d->guard, cluster_id, revision, asked_at);
    if (!well)
        d->doubts++;
    else if (!lease)
        d->cleared = doubts;
    return well;
}
