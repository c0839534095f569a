/* ports: Compose's short form "[IP:][HOST:]CONTAINER[/PROTOCOL]" with ranges, and the long form; expose. */
#include "lib/units.h"
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

struct range {
    int64_t first, last;
};

static void add_port(struct spec_service *s, const char *ip, int64_t host, int64_t container, bool udp)
{
    *orc_vec_add(&s->ports) = (struct spec_port){
        .host_ip = orc_strdup(ip), .host = (uint16_t)host, .container = (uint16_t)container, .udp = udp};
}

/* "80" or "8000-8005" */
static int parse_range(const char *s, size_t n, struct range *ret, struct orc_err *err)
{
    orc_auto_free char *first = orc_strndup(s, n);
    char *dash = strchr(first, '-');

    if (dash)
        *dash++ = '\0';
    if (orc_parse_int(first, 1, 65535, &ret->first, NULL) < 0 ||
        orc_parse_int(dash ? dash : first, 1, 65535, &ret->last, NULL) < 0 || ret->last < ret->first)
        return orc_fail(err, -EINVAL,
                        "\"%.*s\" is no port; a port is a number in 1..65535, a range is written 8000-8005",
                        (int)(n > 40 ? 40 : n), s);
    return 0;
}

/* The protocol behind the slash; *ret_n becomes the length before it. */
static int parse_protocol(const char *s, size_t *ret_n, bool *ret_udp, struct orc_err *err)
{
    const char *slash = strchr(s, '/');

    *ret_udp = slash && strcmp(slash, "/udp") == 0;
    *ret_n = slash ? (size_t)(slash - s) : strlen(s);
    if (slash && !*ret_udp && strcmp(slash, "/tcp") != 0)
        return orc_fail(err, -EINVAL, "protocol \"%s\" is not supported; tcp and udp are",
                        spec_quote(slash + 1).text);
    return 0;
}

static int add_ranges(struct spec_service *s, const char *ip, const struct range *host,
                      const struct range *container, bool udp, struct orc_err *err)
{
    int64_t n = container->last - container->first;

    if (n >= SPEC_LIST_MAX || s->ports.n + (size_t)n >= SPEC_LIST_MAX)
        return orc_fail(err, -EINVAL, "there are more than %d ports up to here; publish fewer",
                        SPEC_LIST_MAX);
    if (host->first && host->last - host->first != n)
        return orc_fail(err, -EINVAL,
                        "%d host ports for %d container ports; give as many of the one as of the other",
                        (int)(host->last - host->first + 1), (int)n + 1);
    for (int64_t i = 0; i <= n; i++)
        add_port(s, ip, host->first ? host->first + i : 0, container->first + i, udp);
    return 0;
}

static int parse_ip(const char *s, size_t n, char **ret, struct orc_err *err)
{
    *ret = orc_strndup(s, n);
    if (n == 0 || **ret == '[')
        return orc_fail(err, -EINVAL,
                        "the address before the ports must be an IPv4 address, such as 127.0.0.1");
    return spec_check_ipv4(*ret, err);
}

static int parse_short(const char *s, struct spec_service *to, struct orc_err *err)
{
    orc_auto_free char *ip = NULL;
    struct range host = {0}, container = {0};
    const char *last, *before;
    bool udp;
    size_t n;
    int r = parse_protocol(s, &n, &udp, err);

    if (r < 0)
        return r;
    last = memrchr(s, ':', n);
    before = last ? memrchr(s, ':', (size_t)(last - s)) : NULL;
    if (last && last + 1 == s + n)
        return orc_fail(err, -EINVAL, "the container's port is missing behind the last \":\"");
    r = parse_range(last ? last + 1 : s, n - (size_t)(last ? last + 1 - s : 0), &container, err);
    if (r == 0 && before)
        r = parse_ip(s, (size_t)(before - s), &ip, err);
    if (r == 0 && last && !(before && before + 1 == last)) { /* "IP::80" leaves the host's port open */
        const char *from = before ? before + 1 : s;

        r = parse_range(from, (size_t)(last - from), &host, err);
    }
    return r < 0 ? r : add_ranges(to, ip ? ip : "", &host, &container, udp, err);
}

static void read_short(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    const char *text = spec_read_text(r, "a port", v);
    struct orc_err err = ORC_ERR_INIT;

    if (text && parse_short(text, s, &err) < 0)
        spec_say(r, v, "port \"%s\": %s", spec_quote(text).text, err.msg);
}

/* The long form --------------------------------------------------------------------------------------- */

static void read_host_ip(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct spec_port *p = into;
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_ipv4(s, &err) < 0)
        spec_say(r, v, "%s: %s", k->name, err.msg);
    else
        orc_set_str(&p->host_ip, s);
}

static void read_protocol(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    ((struct spec_port *)into)->udp = spec_read_word(r, k, v) == 1;
}

/* What orc does anyway, and how Compose calls what the short form is. */
static void read_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_word(r, k, v);
}

#define PORT(member) .offset = offsetof(struct spec_port, member)

static const struct spec_key port_keys[] = {
    {"target", .read = spec_key_port, PORT(container), .doc = "the container's port"},
    {"published", .read = spec_key_port, PORT(host),
     .doc = "the server's port, which is one; left out: any that is free"},
    {"host_ip", .read = read_host_ip, .form = SPEC_IS_TEXT,
     .doc = "the server's address; else its private one"},
    {"protocol", .read = read_protocol, SPEC_WORDS("tcp", "udp"), .doc = "`tcp` or `udp`"},
    {"mode", .read = read_mode, SPEC_WORDS("host", "ingress"),
     .doc =
         "`host` or `ingress`, which is the same here as in Compose: the port is that of the server that the "
         "replica is on, and of no other"},
    {"name", .read = spec_key_ignore, .doc = "no effect: nothing here asks for a port by its name"},
    {"app_protocol", .read = spec_key_ignore,
     .doc = "no effect: what speaks HTTP is said in `x-orc.gateway` and `x-orc.health`"},
};
const struct spec_keys spec_port_keys = SPEC_KEYS("a port", port_keys);

static void read_long(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    size_t before = r->problems->n;
    struct spec_port *p = orc_vec_add(&s->ports);

    p->host_ip = orc_strdup("");
    spec_read_map(r, &spec_port_keys, v, p);
    if (p->container == 0 && r->problems->n == before)
        spec_say(r, v, "this port has no \"target\"; give the one that the container listens on");
}

/* Do two rows want one port of the server, for different ports of the container? */
static bool clash(const struct spec_port *a, const struct spec_port *b)
{
    if (!a->host || a->host != b->host || a->udp != b->udp || a->container == b->container)
        return false;
    return strcmp(a->host_ip, b->host_ip) == 0 || strcmp(a->host_ip, "0.0.0.0") == 0 ||
           strcmp(b->host_ip, "0.0.0.0") == 0;
}

static int cmp_hosts(const void *x, const void *y)
{
    const struct spec_port *const *a = x, *const *b = y;

    return (int)(*a)->host - (int)(*b)->host;
}

/* By host port, so that a thousand ports need no million comparisons. */
static void refuse_clashes(struct spec_reader *r, const struct spec_node *v, const struct spec_service *s)
{
    size_t n = s->ports.n;
    const struct spec_port **by_host = orc_calloc(n, sizeof *by_host);

    for (size_t i = 0; i < n; i++)
        by_host[i] = &s->ports.at[i];
    if (n > 1)
        qsort(by_host, n, sizeof *by_host, cmp_hosts);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && by_host[i]->host && by_host[j]->host == by_host[i]->host; j++)
            if (clash(by_host[i], by_host[j]))
                spec_say(r, v, "port %u of the server is published twice, for %u and for %u in the container",
                         by_host[i]->host, by_host[i]->container, by_host[j]->container);
    free(by_host);
}

void spec_key_ports(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_service *s = ((struct spec_service_in *)into)->service;
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    ((struct spec_service_in *)into)->ports = v;
    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;

        if (item->kind == SPEC_NODE_MAP)
            read_long(r, item, s);
        else
            read_short(r, item, s);
    }
    refuse_clashes(r, v, s);
}

/* expose: "PORT[/PROTOCOL]", also as a range. In the server's network they are the server's
 * (parse_network.c); elsewhere containers reach one another on every port. */
static int parse_exposed(const char *s, struct spec_service *to, struct orc_err *err)
{
    struct range ports = {0};
    bool udp;
    size_t n;
    int r = parse_protocol(s, &n, &udp, err);

    if (r == 0)
        r = parse_range(s, n, &ports, err);
    return r < 0 ? r : add_ranges(to, "0.0.0.0", &ports, &ports, udp, err);
}

void spec_key_expose(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_service_in *in = into;
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    in->expose = v;
    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;
        const char *text = spec_read_text(r, "a port", item);
        struct orc_err err = ORC_ERR_INIT;

        if (text && parse_exposed(text, in->exposed, &err) < 0)
            spec_say(r, item, "port \"%s\": %s", spec_quote(text).text, err.msg);
    }
}
