#include "state/store_args.h"

#include "specs/spec.h"

#include <string.h>

static void split(struct orc_strv *v)
{
    struct orc_strv all = {0};

    for (size_t i = 0; i < v->n; i++)
        for (char *save = NULL, *one = strtok_r(v->at[i], ", ", &save); one;
             one = strtok_r(NULL, ", ", &save))
            orc_strv_add(&all, one);
    orc_strv_release(v);
    *v = all;
}

int store_args_settle(struct store_args *a, struct orc_err *err)
{
    split(&a->etcd);
    if (a->etcd.n == 0)
        orc_strv_add(&a->etcd, STORE_DEFAULT_ETCD);
    if (!a->cluster)
        a->cluster = orc_strdup(STORE_DEFAULT_CLUSTER);
    return spec_check_name("cluster name", a->cluster, err);
}

struct orc_http_tls store_args_tls(const struct store_args *a)
{
    return (struct orc_http_tls){a->cacert, a->cert, a->key};
}

void store_args_release(struct store_args *a)
{
    orc_strv_release(&a->etcd);
    free(a->cacert);
    free(a->cert);
    free(a->key);
    free(a->cluster);
    *a = (struct store_args){0};
}
