#include "netplug/link_text.h"

void link_describe(const struct link_set *set, struct netplug_links_res *ret)
{
    const struct link *l, *master;
    const struct link_addr *a;
    char text[LINK_TEXT_MAX];

    orc_vec_each (l, &set->links) {
        struct netplug_link *out = orc_vec_add(&ret->links);

        master = link_at_index(set, l->master);
        out->name = orc_strdup(l->name);
        out->kind = orc_strdup(l->kind);
        out->mac = orc_strdup(l->has_mac ? link_mac_text(l->mac, text) : "");
        out->master = orc_strdup(master ? master->name : "");
        out->index = l->index;
        out->mtu = l->mtu;
        out->up = l->up;
        out->running = l->running;
        orc_vec_each (a, &l->addrs)
            orc_strv_add(&out->addresses, link_addr_text(a, text));
    }
}
