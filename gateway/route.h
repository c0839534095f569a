/* route.h - which host and path leads to which service: the routes of all services, put in order.
 *
 * Pure. It must not know etcd, NGINX's syntax or endpoints. Every name is checked here again, whatever the
 * store holds (behaviour 97): only what spec_check_host() and spec_check_route_path() accept gets in.
 *
 * Precedence: an exact host before a wildcard ("*.shop.example", the longest first) before any host (""); of
 * the routes with the same host the longest path. A route whose host is less exact still serves the paths
 * that no more exact one covers. Two routes with the same host and path are a conflict: the first service by
 * name has it, the other is reported (behaviour 100).
 *
 * A path ends at a segment: "/orders" serves "/orders" and "/orders/7", not "/ordersheet".
 */
#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H

#include "specs/spec.h"

#include <stdbool.h>

#define GW_BACKEND_MAX 17  /* 16 hex digits and a NUL */
#define GW_ROUTES_MAX 5000 /* accepted routes; further ones are refused */

struct gw_route {
    char *app, *service;
    char *host; /* lower case; "" any */
    char *path;
    bool strip_prefix;
    char backend[GW_BACKEND_MAX];
};

struct gw_routes {
    struct gw_route *at; /* after gw_routes_resolve(): by host precedence, host, path */
    size_t n, cap;
};

/* The name under which NGINX knows the endpoints of one route: a hash of the service and of the name that the
 * endpoint's port has (endpoint_port_name() in state/record.h). It says nothing to the configuration's
 * parser. */
void gw_backend_id(const char *app, const char *service, const char *port_name, char ret[GW_BACKEND_MAX]);

void gw_routes_release(struct gw_routes *r);
/* Copies one route of a service. -EINVAL with a sentence when its names are not fit for a configuration. */
int gw_routes_add(struct gw_routes *r, const char *app, const char *service, const struct spec_gateway *g,
                  struct orc_err *err);
/* Sorts, and takes conflicting routes out. A sentence for each one taken out is added to *ret_conflicts. */
void gw_routes_resolve(struct gw_routes *r, struct orc_strv *ret_conflicts);

/* Does a route for `host` also stand for requests to `name`, an exact or wildcard host? */
bool gw_host_covers(const char *host, const char *name);
/* Does `prefix` serve every path that `path` serves? */
bool gw_path_covers(const char *prefix, const char *path);

/* The routes that apply to requests for `host` (one of the table's own hosts, or "" for every other name),
 * the most exact host first, without those that a more exact host hides. Borrowed from r. r is resolved. */
struct gw_route_list {
    const struct gw_route **at;
    size_t n, cap;
};
void gw_routes_for_host(const struct gw_routes *r, const char *host, struct gw_route_list *ret);

#endif
