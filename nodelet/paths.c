#include "nodelet/paths.h"

#include "lib/mem.h"

bool path_mismatch(const struct path_self *self, const struct path *p)
{
    return p->reachable && (!p->full || (p->mtu && p->mtu != self->mtu));
}

char *path_text(const struct path_self *self, const struct path *p)
{
    int larger = p->mtu > self->mtu ? p->mtu : self->mtu;
    int passes = p->full ? (p->mtu < self->mtu ? p->mtu : self->mtu) : p->path_mtu;

    if (p->mtu && p->mtu != self->mtu)
        return orc_printf("%s %s (MTU %d) ↔ %s %s (MTU %d): %d bytes do not pass, %d do", self->node,
                          self->address, self->mtu, p->node, p->address, p->mtu, larger, passes);
    return orc_printf("%s %s ↔ %s %s: %d bytes do not pass, %d do", self->node, self->address, p->node,
                      p->address, self->mtu, p->path_mtu);
}

char *paths_blame(const struct path_self *self, const struct path *paths, size_t n)
{
    const struct path *first = NULL;
    size_t reachable = 0, wrong = 0;
    orc_auto_free char *pair = NULL;

    for (size_t i = 0; i < n; i++) {
        reachable += paths[i].reachable;
        if (path_mismatch(self, &paths[i])) {
            wrong++;
            if (!first)
                first = &paths[i];
        }
    }
    if (!first || (reachable > 1 && 2 * wrong <= reachable))
        return NULL;
    if (reachable == 1 && first->subnet >= 0 && self->subnet < first->subnet)
        return NULL;
    pair = path_text(self, first);
    if (wrong == 1)
        return orc_take(pair);
    return orc_printf("%s; the same or worse to %zu other nodes", pair, wrong - 1);
}
