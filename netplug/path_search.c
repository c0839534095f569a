#include "netplug/path_search.h"

#include "netplug/mtu.h"

static int small_size(const struct path_search *s)
{
    return s->mtu > PATH_SMALL ? PATH_SMALL : MTU_MIN;
}

/* The size of a stage's next try. */
static int choose(const struct path_search *s)
{
    switch (s->stage) {
    case PATH_FULL:
    case PATH_AGAIN:
        return s->mtu;
    case PATH_SMALLEST:
        return small_size(s);
    case PATH_SEARCHING:
        if (s->hint > s->lo && s->hint < s->hi)
            return s->hint;
        return s->lo + (s->hi - s->lo) / 2;
    case PATH_DECIDED:
        break;
    }
    return 0;
}

void path_search_init(struct path_search *s, int mtu)
{
    *s = (struct path_search){.mtu = mtu, .hi = mtu, .size = mtu};
}

int path_search_next(const struct path_search *s)
{
    return s->size;
}

static void decide(struct path_search *s, enum netplug_path verdict, int path_mtu)
{
    s->stage = PATH_DECIDED;
    s->verdict = verdict;
    s->lo = path_mtu;
}

static void narrow(struct path_search *s, bool passed)
{
    bool hinted = s->size == s->hint;

    if (passed)
        s->lo = s->size;
    else
        s->hi = s->size;
    if (passed && hinted)
        s->hint = s->size + 1; /* a hint that holds is most likely exact: one more try proves it */
    if (s->hi - s->lo <= 1)
        s->stage = PATH_AGAIN;
}

void path_search_result(struct path_search *s, bool passed)
{
    switch (s->stage) {
    case PATH_FULL:
    case PATH_AGAIN:
        if (passed)
            decide(s, NETPLUG_PATH_OK, s->mtu);
        else if (s->stage == PATH_AGAIN)
            decide(s, NETPLUG_PATH_MTU, s->lo);
        else if (s->mtu == MTU_MIN)
            decide(s, NETPLUG_PATH_UNREACHABLE, 0);
        else
            s->stage = PATH_SMALLEST;
        break;
    case PATH_SMALLEST:
        if (!passed) {
            decide(s, NETPLUG_PATH_UNREACHABLE, 0);
            break;
        }
        s->lo = small_size(s);
        s->stage = s->hi - s->lo <= 1 ? PATH_AGAIN : PATH_SEARCHING;
        break;
    case PATH_SEARCHING:
        narrow(s, passed);
        break;
    case PATH_DECIDED:
        break;
    }
    s->size = choose(s);
}

void path_search_hint(struct path_search *s, int next_hop_mtu)
{
    if (s->stage != PATH_DECIDED)
        s->hint = next_hop_mtu;
}
