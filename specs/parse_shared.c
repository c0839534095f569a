/* Routes and ports of servers: what two services of a file can't both have. */
#include "specs/parse_service.h"

#include <stdlib.h>
#include <string.h>

/* Routes ---------------------------------------------------------------------------------------------- */

static int cmp_routes(const void *x, const void *y)
{
    const struct spec_ref *const *a = x, *const *b = y;
    int r = strcmp((*a)->name, (*b)->name);

    return r ? r : (*a > *b) - (*a < *b); /* then as they are in the file */
}

static void say_route(struct spec_reader *r, const struct spec_ref *ref, const struct spec_ref *first)
{
    const char *bar = strchr(ref->name, '|');

    spec_say(r, ref->at,
             "host \"%.*s\" with path \"%s\" is routed twice; service \"%s\" has it in line %d already",
             (int)(bar - ref->name), ref->name, bar + 1, first->from, first->at->line);
}

/* Another app may have it (cli/refuse.c). */
static void mark_route(struct spec_reader *r, const struct spec_ref *ref)
{
    orc_auto_free char *name = orc_printf("%s %s", ref->from, ref->name);
    struct spec_place at = spec_node_place(ref->at);

    spec_problems_mark(r->problems, &at, name);
}

void spec_check_routes(struct spec_reader *r)
{
    const struct spec_ref **routes = orc_calloc(r->refs.n + 1, sizeof *routes), *first;
    size_t n = 0;

    for (size_t i = 0; i < r->refs.n; i++)
        if (r->refs.at[i].kind == SPEC_REF_ROUTE)
            routes[n++] = &r->refs.at[i];
    for (size_t i = 0; i < n; i++)
        mark_route(r, routes[i]);
    qsort(routes, n, sizeof *routes, cmp_routes);
    first = routes[0];
    for (size_t i = 1; i < n; i++)
        if (strcmp(first->name, routes[i]->name) == 0)
            say_route(r, routes[i], first);
        else
            first = routes[i];
    free(routes);
}

/* Ports ----------------------------------------------------------------------------------------------- */

/* A port of the server, and whose it is. */
struct published {
    const struct spec_port *port;
    struct spec_service_at *of;
};

static bool any_address(const struct published *p)
{
    return strcmp(p->port->host_ip, "0.0.0.0") == 0;
}

static bool same_number(const struct published *a, const struct published *b)
{
    return a->port->host == b->port->host && a->port->udp == b->port->udp;
}

static int cmp_published(const void *x, const void *y)
{
    const struct published *a = x, *b = y;
    int r = (int)a->port->host - (int)b->port->host;

    r = r ? r : (int)a->port->udp - (int)b->port->udp;
    r = r ? r : strcmp(a->port->host_ip, b->port->host_ip);
    return r ? r : a->of->key->line - b->of->key->line;
}

static bool on_every_server(const struct spec_service_at *at)
{
    return at->service->global && !at->service->job && at->service->constraints.n == 0;
}

static void say_port(struct spec_reader *r, const struct published *x, const struct published *y)
{
    bool in_order = x->of->key->line < y->of->key->line;
    struct spec_service_at *first = in_order ? x->of : y->of, *second = in_order ? y->of : x->of;
    const struct spec_node *list = spec_node_get(second->value, "ports");
    const char *name = first->service->name;

    if (second->clashes)
        return;
    second->clashes = true;
    if (on_every_server(x->of) || on_every_server(y->of))
        spec_say(
            r, list ? list : second->key,
            "port %u of the server is published by service \"%s\" in line %d, too, and \"%s\" runs on every "
            "server; give one of them another port",
            x->port->host, name, first->key->line, on_every_server(first) ? name : second->service->name);
    else
        spec_note(r, list ? list : second->key,
                  "port %u of the server is published by service \"%s\" in line %d, too: no server runs both",
                  x->port->host, name, first->key->line);
}

/* Of one number, sorted by address: an address clashes with itself and with 0.0.0.0. One sentence for each
 * service: `ports` may be a range of a thousand. */
static void check_number(struct spec_reader *r, const struct published *ports, size_t n)
{
    const struct published *any = NULL, *first = ports;

    for (size_t i = 0; i < n && !any; i++)
        any = any_address(&ports[i]) ? &ports[i] : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct published *p = &ports[i], *other;

        if (strcmp(first->port->host_ip, p->port->host_ip) != 0)
            first = p;
        other = first->of != p->of ? first : any;
        if (other && other->of != p->of)
            say_port(r, other, p);
    }
}

void spec_check_ports(struct spec_reader *r, struct spec_service_at *at, size_t n)
{
    ORC_VEC(struct published) ports = {0};

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < at[i].service->ports.n; k++)
            if (at[i].service->ports.at[k].host)
                *orc_vec_add(&ports) = (struct published){&at[i].service->ports.at[k], &at[i]};
    if (ports.n > 1)
        qsort(ports.at, ports.n, sizeof *ports.at, cmp_published);
    for (size_t i = 0, end; i < ports.n; i = end) {
        for (end = i + 1; end < ports.n && same_number(&ports.at[i], &ports.at[end]); end++)
            ;
        check_number(r, &ports.at[i], end - i);
    }
    orc_vec_release(&ports);
}
