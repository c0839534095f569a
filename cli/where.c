#include "cli/where.h"

#include "cli/contexts.h"
#include "cli/session.h"

/* An option's value comes from the environment when it is what stands there. */
static bool is_from(const char *variable, const char *value)
{
    const char *there = getenv(variable);

    return value && there && *there && strcmp(there, value) == 0;
}

/* One that is named by --context counts more than the environment, the current one less. */
static void take_member(char **value, const char *variable, const char *of_context, bool named)
{
    if (!*value || (named && is_from(variable, *value)))
        orc_set_str(value, of_context);
}

static void take(const struct context *x, struct session_args *a)
{
    bool named = a->context != NULL;

    orc_strv_release(&a->store.etcd);
    orc_strv_copy(&a->store.etcd, &x->etcd);
    take_member(&a->store.cluster, "ORC_CLUSTER", x->cluster, named);
    take_member(&a->store.cacert, "ORC_CACERT", x->cacert, named);
    take_member(&a->store.cert, "ORC_CERT", x->cert, named);
    take_member(&a->store.key, "ORC_KEY", x->key, named);
}

static int choose(const struct contexts *c, struct session_args *a, char **ret_advice, struct orc_err *err)
{
    const char *name = a->context ? a->context : c->current;
    const struct context *x = name ? contexts_find(c, name) : NULL;

    if (name && !x)
        return contexts_unknown(c, name, err);
    if (x) {
        take(x, a);
        *ret_advice = orc_printf("is etcd up, and is the context \"%s\" right (`orc context show`)?", name);
    } else {
        *ret_advice =
            orc_strdup("is etcd up? Nothing says where it is, so this machine was asked: say --etcd URL, "
                       "set ORC_ETCD, or `orc context add NAME --etcd URL` once");
    }
    return 0;
}

static int by_context(struct session_args *a, char **ret_advice, struct orc_err *err)
{
    struct contexts c;
    int r = contexts_load(&c, err);

    if (r < 0 && !a->context && r == -ENOENT) { /* no place for contexts */
        *ret_advice = orc_strdup("is etcd up, and is --etcd (or ORC_ETCD) right?");
        return 0;
    }
    if (r < 0)
        return r;
    r = choose(&c, a, ret_advice, err);
    contexts_release(&c);
    return r;
}

int where_settle(struct session_args *a, char **ret_advice, struct orc_err *err)
{
    bool given = a->store.etcd.n > 0;
    bool by_environment = a->store.etcd.n == 1 && is_from("ORC_ETCD", a->store.etcd.at[0]);
    int r = 0;

    if (a->context && given && !by_environment)
        return orc_fail(err, -EINVAL,
                        "--etcd and --context both say where the cluster is: leave one of them out");
    if (a->context || !given)
        r = by_context(a, ret_advice, err);
    else
        *ret_advice = orc_strdup("is etcd up, and is --etcd (or ORC_ETCD) right?");
    if (r == 0)
        r = store_args_settle(&a->store, err);
    if (r < 0) {
        free(*ret_advice);
        *ret_advice = NULL;
    }
    return r;
}
