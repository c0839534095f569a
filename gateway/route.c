#include "gateway/route.h"

#include "lib/hash.h"
#include "specs/check.h"
#include "state/record.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

void gw_backend_id(const char *app, const char *service, const char *port_name, char ret[GW_BACKEND_MAX])
{
    uint64_t h = 0;

    /* the NUL between the names is hashed too: ("a", "bc") differs from ("ab", "c") */
    h = orc_hash64(h, app, strlen(app) + 1);
    h = orc_hash64(h, service, strlen(service) + 1);
    h = orc_hash64(h, port_name, strlen(port_name) + 1);
    snprintf(ret, GW_BACKEND_MAX, "%016" PRIx64, h);
}

static void route_release(struct gw_route *route)
{
    free(route->app);
    free(route->service);
    free(route->host);
    free(route->path);
}

void gw_routes_release(struct gw_routes *r)
{
    struct gw_route *route;

    orc_vec_each (route, r)
        route_release(route);
    orc_vec_release(r);
}

static char *lower(const char *s)
{
    char *copy = orc_strdup(s);

    for (char *c = copy; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

int gw_routes_add(struct gw_routes *r, const char *app, const char *service, const struct spec_gateway *g,
                  struct orc_err *err)
{
    const char *host = g->host ? g->host : "", *path = g->path ? g->path : "/";
    orc_auto_free char *port_name = endpoint_port_name(g);
    struct gw_route *route;
    int e;

    if ((e = spec_check_name("app name", app, err)) < 0 ||
        (e = spec_check_name("service name", service, err)) < 0 || (e = spec_check_host(host, err)) < 0 ||
        (e = spec_check_route_path(path, err)) < 0) {
        orc_wrap(err, "a route of service %s/%s is left out", spec_quote(app).text, spec_quote(service).text);
        return e;
    }
    if (r->n >= GW_ROUTES_MAX)
        return orc_fail(err, -EINVAL, "a route of service %s/%s is left out: a gateway has at most %d routes",
                        app, service, GW_ROUTES_MAX);
    route = orc_vec_add(r);
    route->app = orc_strdup(app);
    route->service = orc_strdup(service);
    route->host = lower(host);
    route->path = orc_strdup(path);
    route->strip_prefix = g->strip_prefix;
    gw_backend_id(app, service, port_name, route->backend);
    return 0;
}

static bool is_wildcard(const char *host)
{
    return strncmp(host, "*.", 2) == 0;
}

/* Exact hosts, then wildcards with the longest first, then any host. */
static int cmp_host(const char *a, const char *b)
{
    int ra = !*a ? 2 : is_wildcard(a), rb = !*b ? 2 : is_wildcard(b);
    size_t na = strlen(a), nb = strlen(b);

    if (ra != rb)
        return ra < rb ? -1 : 1;
    if (ra == 1 && na != nb)
        return na > nb ? -1 : 1;
    return strcmp(a, b);
}

static int cmp_route(const void *pa, const void *pb)
{
    const struct gw_route *a = pa, *b = pb;
    int c = cmp_host(a->host, b->host);

    if (c == 0)
        c = strcmp(a->path, b->path);
    if (c == 0)
        c = strcmp(a->app, b->app);
    if (c == 0)
        c = strcmp(a->service, b->service);
    if (c == 0)
        c = strcmp(a->backend, b->backend);
    return c;
}

static void say_conflict(struct orc_strv *conflicts, const struct gw_route *winner,
                         const struct gw_route *loser)
{
    orc_auto_free char *text =
        orc_printf("service %s/%s: its route host \"%s\", path \"%s\" already belongs to service %s/%s and "
                   "is left out; give "
                   "one of them another host or path",
                   loser->app, loser->service, loser->host, loser->path, winner->app, winner->service);

    orc_strv_add(conflicts, text);
}

void gw_routes_resolve(struct gw_routes *r, struct orc_strv *ret_conflicts)
{
    size_t kept = 0;

    if (r->n > 1)
        qsort(r->at, r->n, sizeof *r->at, cmp_route);
    for (size_t i = 0; i < r->n; i++) {
        struct gw_route *winner = kept > 0 ? &r->at[kept - 1] : NULL;

        if (winner && strcmp(winner->host, r->at[i].host) == 0 && strcmp(winner->path, r->at[i].path) == 0) {
            say_conflict(ret_conflicts, winner, &r->at[i]);
            route_release(&r->at[i]);
        } else {
            r->at[kept++] = r->at[i];
        }
    }
    r->n = kept;
}

bool gw_host_covers(const char *host, const char *name)
{
    size_t n = strlen(host), m = strlen(name);

    if (!*host || strcmp(host, name) == 0)
        return true;
    if (!is_wildcard(host) || !*name)
        return false;
    /* "*.example" covers "a.example", "b.a.example" and "*.a.example": all that ends in ".example" */
    return m > n - 1 && strcmp(name + m - (n - 1), host + 1) == 0;
}

bool gw_path_covers(const char *prefix, const char *path)
{
    size_t n = strlen(prefix);

    if (strncmp(prefix, path, n) != 0)
        return false;
    return (n > 0 && prefix[n - 1] == '/') || path[n] == '\0' || path[n] == '/';
}

/* Of the routes found so far, is there one with a more exact host that takes every path of `route`? */
static bool is_hidden(const struct gw_route_list *found, const struct gw_route *route)
{
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->at[i]->host, route->host) != 0 && gw_path_covers(found->at[i]->path, route->path))
            return true;
    return false;
}

void gw_routes_for_host(const struct gw_routes *r, const char *host, struct gw_route_list *ret)
{
    const struct gw_route *route;

    orc_vec_each (route, r)
        if (gw_host_covers(route->host, host) && !is_hidden(ret, route))
            orc_vec_push(ret, route);
}
