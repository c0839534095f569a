#include "netplug/types.h"

#include <errno.h>

static const char *const path_names[] = {
    [NETPLUG_PATH_OK] = "ok",
    [NETPLUG_PATH_MTU] = "mtu",
    [NETPLUG_PATH_UNREACHABLE] = "unreachable",
};

const char *netplug_path_name(enum netplug_path path)
{
    return (size_t)path < ORC_ARRAY_SIZE(path_names) ? path_names[path] : "?";
}

int netplug_path_from_name(const char *name, enum netplug_path *ret)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(path_names); i++)
        if (orc_streq(name, path_names[i])) {
            *ret = (enum netplug_path)i;
            return 0;
        }
    return -EINVAL;
}

void netplug_bridge_res_clear(struct netplug_bridge_res *res)
{
    free(res->token);
    orc_strv_release(&res->addresses);
    orc_strv_release(&res->steps);
    *res = (struct netplug_bridge_res){0};
}

void netplug_probe_res_clear(struct netplug_probe_res *res)
{
    struct netplug_peer *p;

    orc_vec_each (p, &res->peers) {
        free(p->address);
        free(p->reason);
    }
    orc_vec_release(&res->peers);
}

void netplug_links_res_clear(struct netplug_links_res *res)
{
    struct netplug_link *l;

    orc_vec_each (l, &res->links) {
        free(l->name);
        free(l->kind);
        free(l->mac);
        free(l->master);
        orc_strv_release(&l->addresses);
    }
    orc_vec_release(&res->links);
}
