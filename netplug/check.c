#include "netplug/check.h"

#include "netplug/link_read.h"
#include "netplug/sysctl.h"
#include "netplug/types.h"

#include "lib/units.h"

/* The recommended values are those of the operators' articles that orc follows; see also ip-sysctl in the
 * kernel's documentation. tcp_tw_recycle is gone since Linux 4.12. */
const struct check_rule check_rules[] = {
    {"net/ipv4/ip_forward", CHECK_NEEDED, "1", "containers reach other networks; netplug sets it"},
    {"net/ipv4/tcp_tw_recycle", CHECK_NEVER, "1", "it breaks connections from behind NAT"},
    {"net/ipv4/tcp_tw_reuse", CHECK_EQUAL, "1", "many short connections run out of ports"},
    {"net/ipv4/ip_local_port_range", CHECK_EQUAL, "1024 65535", "many short connections run out of ports"},
    {"net/core/somaxconn", CHECK_AT_LEAST, "4096", "bursts of new connections are dropped"},
    {"net/ipv4/tcp_syncookies", CHECK_AT_LEAST, "1", "a SYN flood stops the gateway"},
    {"fs/file-max", CHECK_AT_LEAST, "2097152", "all processes together run out of files"},
    {"net/bridge/bridge-nf-call-iptables", CHECK_SHOWN, "", ""},
    {"net/bridge/bridge-nf-call-ip6tables", CHECK_SHOWN, "", ""},
    {"net/bridge/bridge-nf-call-arptables", CHECK_SHOWN, "", ""},
};
const size_t check_n_rules = ORC_ARRAY_SIZE(check_rules);

static bool at_least(const char *have, const char *want)
{
    int64_t h, w;

    /* fs.file-max may be 2^63-1 and more */
    if (orc_parse_int(want, 0, INT64_MAX, &w, NULL) < 0)
        return false;
    return orc_parse_int(have, 0, INT64_MAX, &h, NULL) < 0 ? strlen(have) >= 19 : h >= w;
}

enum check_verdict check_judge(const struct check_rule *rule, const char *have, bool bridge_there)
{
    if (!have)
        return rule->how == CHECK_NEEDED ? CHECK_BROKEN : CHECK_FINE;
    switch (rule->how) {
    case CHECK_EQUAL:
        return strcmp(have, rule->value) == 0 ? CHECK_FINE : CHECK_ADVICE;
    case CHECK_AT_LEAST:
        return at_least(have, rule->value) ? CHECK_FINE : CHECK_ADVICE;
    case CHECK_NEVER:
        return strcmp(have, rule->value) == 0 ? CHECK_BROKEN : CHECK_FINE;
    case CHECK_NEEDED:
        return strcmp(have, rule->value) == 0 || !bridge_there ? CHECK_FINE : CHECK_BROKEN;
    case CHECK_SHOWN:
        break;
    }
    return CHECK_FINE;
}

static void raise(enum check_verdict *worst, enum check_verdict v)
{
    if (v > *worst)
        *worst = v;
}

static enum check_verdict check_member(const struct link *bridge, const struct link *l, FILE *out)
{
    bool container = strcmp(l->kind, "veth") == 0;

    if (l->master != bridge->index || l->mtu == bridge->mtu)
        return CHECK_FINE;
    if (l->mtu < bridge->mtu) {
        fprintf(out, "BROKEN  %s has MTU %d, its member %s only %d: larger packets are lost there.\n",
                bridge->name, bridge->mtu, l->name, l->mtu);
        return CHECK_BROKEN;
    }
    if (!container) /* a smaller bridge over a larger underlay only wastes a little */
        fprintf(out, "advice  %s has MTU %d, though its port %s could carry %d.\n", bridge->name, bridge->mtu,
                l->name, l->mtu);
    else
        fprintf(out, "advice  container link %s has MTU %d, more than %s's %d: recreate the container.\n",
                l->name, l->mtu, bridge->name, bridge->mtu);
    return CHECK_ADVICE;
}

enum check_verdict check_links(const struct link_set *set, FILE *out)
{
    const struct link *bridge = link_find(set, NETPLUG_BRIDGE), *l;
    enum check_verdict worst = CHECK_FINE;

    if (!bridge) {
        fprintf(out, "note    there is no %s yet; nodelet has netplug make it.\n", NETPLUG_BRIDGE);
        return CHECK_FINE;
    }
    if (strcmp(bridge->kind, "bridge") != 0) {
        fprintf(out, "BROKEN  %s is there but is not a bridge; rename or remove it.\n", NETPLUG_BRIDGE);
        return CHECK_BROKEN;
    }
    if (!bridge->up) {
        fprintf(out, "BROKEN  %s is down (ip link set %s up).\n", NETPLUG_BRIDGE, NETPLUG_BRIDGE);
        worst = CHECK_BROKEN;
    }
    orc_vec_each (l, &set->links)
        raise(&worst, check_member(bridge, l, out));
    return worst;
}

static void print_link(const struct link_set *set, const struct link *l, FILE *out)
{
    const struct link *master = link_at_index(set, l->master);
    const struct link_addr *a;
    char text[LINK_TEXT_MAX];

    fprintf(out, "%-16s %6d  %-8s %-5s %-16s", l->name, l->mtu, l->kind[0] ? l->kind : "-",
            l->up ? "up" : "down", master ? master->name : "-");
    orc_vec_each (a, &l->addrs)
        fprintf(out, " %s", link_addr_text(a, text));
    fputc('\n', out);
}

static const char *dotted(const char *key, char buf[SYSCTL_MAX])
{
    snprintf(buf, SYSCTL_MAX, "%s", key);
    for (char *p = buf; *p; p++)
        if (*p == '/')
            *p = '.';
    return buf;
}

static enum check_verdict print_rule(const struct check_rule *rule, bool bridge_there, FILE *out)
{
    char have[SYSCTL_MAX], name[SYSCTL_MAX];
    bool there = sysctl_read(rule->key, have, NULL) == 0;
    enum check_verdict v = check_judge(rule, there ? have : NULL, bridge_there);
    const char *words[] = {[CHECK_FINE] = "fine", [CHECK_ADVICE] = "advice", [CHECK_BROKEN] = "BROKEN"};

    fprintf(out, "%-7s %s = %s", rule->how == CHECK_SHOWN ? "" : words[v], dotted(rule->key, name),
            there ? have : "(not in this kernel)");
    if (v != CHECK_FINE && rule->how == CHECK_NEVER)
        fprintf(out, ": must not be %s, %s", rule->value, rule->why);
    else if (v != CHECK_FINE)
        fprintf(out, ": %s%s is recommended, else %s", rule->value,
                rule->how == CHECK_AT_LEAST ? " or more" : "", rule->why);
    fputc('\n', out);
    return v;
}

int check_run(FILE *out, struct orc_err *err)
{
    struct netlink nl = {0};
    struct link_set set = {0};
    enum check_verdict worst = CHECK_FINE;
    const struct link *l;
    bool bridge_there;
    int r = netlink_open(&nl, err);

    if (r == 0)
        r = link_read(&nl, &set, err);
    netlink_close(&nl);
    if (r < 0)
        return r;
    fprintf(out, "%-16s %6s  %-8s %-5s %-16s %s\n", "INTERFACE", "MTU", "KIND", "STATE", "MASTER",
            "ADDRESSES");
    orc_vec_each (l, &set.links)
        print_link(&set, l, out);
    fputc('\n', out);
    bridge_there = link_find(&set, NETPLUG_BRIDGE);
    for (size_t i = 0; i < check_n_rules; i++)
        raise(&worst, print_rule(&check_rules[i], bridge_there, out));
    fputc('\n', out);
    raise(&worst, check_links(&set, out));
    link_set_release(&set);
    return (int)worst;
}
