#include "specs/container_rules.h"

#include <string.h>

static bool any_sysctl(const struct spec_service *s, bool of_network)
{
    for (size_t i = 0; i < s->container.sysctls.n; i++)
        if ((strncmp(s->container.sysctls.at[i].key, "net.", 4) == 0) == of_network)
            return true;
    return false;
}

static bool net_sysctl_of_server(const struct spec_service *s, bool sidecar)
{
    return !sidecar && s->network == SPEC_NETWORK_HOST && any_sysctl(s, true);
}

static bool net_sysctl_of_main(const struct spec_service *s, bool sidecar)
{
    return sidecar && any_sysctl(s, true);
}

static bool ipc_is(const struct spec_service *s, const char *mode)
{
    return s->container.ipc && strcmp(s->container.ipc, mode) == 0;
}

static bool ipc_sysctl_of_server(const struct spec_service *s, bool sidecar)
{
    return ipc_is(s, "host") && any_sysctl(s, false);
}

static bool shm_of_server(const struct spec_service *s, bool sidecar)
{
    return s->container.shm_size && (ipc_is(s, "host") || ipc_is(s, "none"));
}

static bool name_of_server(const struct spec_service *s, bool sidecar)
{
    return s->container.uts && (s->container.hostname || s->container.domainname);
}

static bool swap_without_memory(const struct spec_service *s, bool sidecar)
{
    return s->container.memswap_limit && !s->limits.memory;
}

static bool swap_below_memory(const struct spec_service *s, bool sidecar)
{
    return s->container.memswap_limit > 0 && s->container.memswap_limit < s->limits.memory;
}

static bool is_mounted(const struct spec_service *s, const char *target)
{
    for (size_t i = 0; i < s->mounts.n; i++)
        if (strcmp(s->mounts.at[i].target, target) == 0)
            return true;
    return false;
}

static bool tmpfs_on_mount(const struct spec_service *s, bool sidecar)
{
    for (size_t i = 0; i < s->container.tmpfs.n; i++)
        if (is_mounted(s, s->container.tmpfs.at[i].target))
            return true;
    return false;
}

/* Sorted by target, as below by name. */
static bool tmpfs_twice(const struct spec_service *s, bool sidecar)
{
    for (size_t i = 1; i < s->container.tmpfs.n; i++)
        if (strcmp(s->container.tmpfs.at[i - 1].target, s->container.tmpfs.at[i].target) == 0)
            return true;
    return false;
}

static bool device_twice(const struct spec_service *s, bool sidecar)
{
    for (size_t i = 1; i < s->container.devices.n; i++)
        if (strcmp(s->container.devices.at[i - 1].target, s->container.devices.at[i].target) == 0)
            return true;
    return false;
}

static bool ulimit_twice(const struct spec_service *s, bool sidecar)
{
    for (size_t i = 1; i < s->container.ulimits.n; i++)
        if (strcmp(s->container.ulimits.at[i - 1].name, s->container.ulimits.at[i].name) == 0)
            return true;
    return false;
}

static bool soft_above_hard(const struct spec_service *s, bool sidecar)
{
    for (size_t i = 0; i < s->container.ulimits.n; i++) {
        const struct spec_ulimit *u = &s->container.ulimits.at[i];

        if (u->hard != -1 && (u->soft == -1 || u->soft > u->hard))
            return true;
    }
    return false;
}

static bool two_seccomps(const struct spec_service *s, bool sidecar)
{
    return s->container.security.seccomp && s->container.security.seccomp_unconfined;
}

static const struct spec_rule rules[] = {
    {"sysctls", net_sysctl_of_server,
     "net.* is the server's own beside network_mode \"host\"; set it there (sysctl.conf), or remove it"},
    {"sysctls", net_sysctl_of_main,
     "net.* is of the network, which is the main service's; give it to that one"},
    {"sysctls", ipc_sysctl_of_server,
     "those of kernel.* and fs.mqueue.* are the server's own beside ipc \"host\"; set them there "
     "(sysctl.conf), "
     "or remove them"},
    {"shm_size", shm_of_server,
     "with ipc \"host\" and \"none\" the container has no /dev/shm of its own; remove one of the two"},
    {"uts", name_of_server,
     "\"host\" leaves the container no name of its own; remove hostname and domainname"},
    {"memswap_limit", swap_without_memory,
     "it is for memory and swap together, and there is no limit of memory; give \"deploy: {resources: "
     "{limits: "
     "{memory: ...}}}\""},
    {"memswap_limit", swap_below_memory,
     "it is for memory and swap together, and less than the limit of memory; give as much, for no swap, or "
     "more"},
    {"tmpfs", tmpfs_on_mount, "something of \"volumes\" is mounted there; remove one of the two"},
    {"tmpfs", tmpfs_twice, "two are mounted at one place; remove one of them"},
    {"devices", device_twice, "two have one place in the container; remove one of them"},
    {"ulimits", ulimit_twice, "one limit is there twice; remove one of them"},
    {"ulimits", soft_above_hard, "a soft limit is above the hard one, which a process could never reach"},
    {"security_opt", two_seccomps, "a seccomp profile and \"unconfined\" contradict one another; remove one"},
};

const struct spec_rule *spec_rule_broken(const struct spec_service *s, bool sidecar, size_t *i)
{
    while (*i < ORC_ARRAY_SIZE(rules)) {
        const struct spec_rule *rule = &rules[(*i)++];

        if (rule->broken(s, sidecar))
            return rule;
    }
    return NULL;
}
