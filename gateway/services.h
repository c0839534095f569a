/* services.h - the routes of every service, by the revision that is in force:
 * rollouts/<app>/<service>.complete, or .target for a service that was never complete; none for one that is
 * being removed. So a deployment that fails changes no route (behaviour 99).
 *
 * A revision is read when a rollout first names it. While one is being read, or can't be, the service keeps
 * the routes it had. It must not know NGINX or endpoints.
 */
#ifndef GATEWAY_SERVICES_H
#define GATEWAY_SERVICES_H

#include "gateway/route.h"

#include "state/etcd.h"
#include "state/record.h"

struct gw_services;
struct gw_services_opts {
    uv_loop_t *loop;
    struct etcd *etcd;                                   /* borrowed */
    const char *cluster;                                 /* borrowed */
    void (*on_change)(void *arg);                        /* on the loop, or from put/delete */
    void (*on_trouble)(const char *sentence, void *arg); /* a revision that can't be used */
    void *arg;
};

struct gw_services *gw_services_new(const struct gw_services_opts *opts);
struct gw_services *gw_services_free(struct gw_services *s); /* before the etcd client; returns NULL */

void gw_services_put(struct gw_services *s, const char *app, const char *service,
                     const struct record_rollout *rollout);
void gw_services_delete(struct gw_services *s, const char *app, const char *service);
/* A complete snapshot follows; gw_services_sweep() forgets the services that it did not put. */
void gw_services_snapshot(struct gw_services *s);
void gw_services_sweep(struct gw_services *s, void (*gone)(const char *app, const char *service, void *arg),
                       void *arg);

/* True while a revision is still to be read: routes made now would miss it. */
bool gw_services_pending(const struct gw_services *s);
/* All routes, not yet resolved; a sentence for each one left out is added to *ret_problems. */
void gw_services_routes(const struct gw_services *s, struct gw_routes *ret, struct orc_strv *ret_problems);

#endif
