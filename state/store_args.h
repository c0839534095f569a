/* store_args.h - the options by which every program finds its cluster's store: etcd's addresses, the
 * certificates for them, and the cluster's name.
 */
#ifndef STATE_STORE_ARGS_H
#define STATE_STORE_ARGS_H

#include "lib/http.h"
#include "lib/options.h"

#define STORE_DEFAULT_ETCD "http://127.0.0.1:2379"
#define STORE_DEFAULT_CLUSTER "default"

struct store_args {
    struct orc_strv etcd;
    char *cacert, *cert, *key, *cluster;
};

/* clang-format off */
#define STORE_ARGS_ROWS(a)                                                                                     \
    {.name = "etcd", .kind = ORC_OPT_STRV, .value = &(a)->etcd, .meta = "URL[,URL...]", .env = "ORC_ETCD",      \
     .help = "etcd's client addresses (default " STORE_DEFAULT_ETCD ")"},                                      \
    {.name = "cacert", .kind = ORC_OPT_STR, .value = &(a)->cacert, .meta = "FILE", .env = "ORC_CACERT",         \
     .help = "authority that signed etcd's certificate, PEM"},                                                 \
    {.name = "cert", .kind = ORC_OPT_STR, .value = &(a)->cert, .meta = "FILE", .env = "ORC_CERT",               \
     .help = "client certificate for etcd, PEM"},                                                              \
    {.name = "key", .kind = ORC_OPT_STR, .value = &(a)->key, .meta = "FILE", .env = "ORC_KEY",                  \
     .help = "its key, PEM"},                                                                                  \
    {.name = "cluster", .kind = ORC_OPT_STR, .value = &(a)->cluster, .meta = "NAME", .env = "ORC_CLUSTER",      \
     .help = "which cluster in that etcd (default \"" STORE_DEFAULT_CLUSTER "\")"}
/* clang-format on */

/* Splits "a,b" into a and b, fills in the defaults and checks the cluster's name. 0 or -EINVAL. */
int store_args_settle(struct store_args *a, struct orc_err *err);
/* The certificates; borrowed. */
struct orc_http_tls store_args_tls(const struct store_args *a);
void store_args_release(struct store_args *a);

#endif
