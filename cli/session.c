#include "cli/session.h"

#include "cli/where.h"
#include "lib/zone.h"
#include "state/etcd_sync.h"

#include <pwd.h>
#include <stdio.h>

void session_args_release(struct session_args *a)
{
    store_args_release(&a->store);
    free(a->context);
    free(a->output);
    *a = (struct session_args){0};
}

int session_open(struct session *s, struct session_args *a, struct orc_err *err)
{
    struct etcd_opts opts = {.endpoints = &a->store.etcd, .timeout_ms = a->timeout_ms};
    enum out_form form;

    *s = (struct session){0};
    if (out_form_from_name(a->output, a->tables, &form, err) < 0 || where_settle(a, &s->advice, err) < 0)
        return -EINVAL;
    out_init(&s->out, form, a->quiet);
    s->out.no_headings = a->no_headers;
    uv_loop_init(&s->loop);
    opts.tls = store_args_tls(&a->store);
    s->etcd = etcd_new(&s->loop, &opts, err);
    if (!s->etcd) {
        uv_loop_close(&s->loop);
        free(s->advice);
        return -EINVAL;
    }
    s->cluster = orc_strdup(a->store.cluster);
    s->zones = orc_zones_new(ORC_ZONE_DIR);
    return 0;
}

struct core_zones session_zones(const struct session *s)
{
    return (struct core_zones){orc_zones_ask, s->zones};
}

void session_close(struct session *s)
{
    if (!s->cluster)
        return;
    etcd_free(s->etcd);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    uv_loop_close(&s->loop);
    free(s->cluster);
    free(s->advice);
    orc_zones_free(s->zones);
    *s = (struct session){0};
}

/* etcd's sentence says what was tried and answered; this adds what to do. */
static int advise(const struct session *s, int r, struct orc_err *err)
{
    orc_auto_free char *said = orc_strdup(err->msg);

    if (r == -EINVAL) /* an answer that makes no sense: no mistake of whoever asked */
        r = -EIO;
    return orc_fail(err, r, "%s; %s", said, s->advice);
}

static void take_kv(const struct etcd_kv *kv, void *arg)
{
    cluster_put(arg, kv->key, kv->value, kv->value_len, kv->create_revision, kv->mod_revision);
}

int session_load(struct session *s, const enum key_kind *kinds, struct cluster *c, struct orc_err *err)
{
    cluster_init(c, s->cluster);
    for (; *kinds != KEY_UNKNOWN; kinds++) {
        orc_auto_free char *prefix = key_range(s->cluster, *kinds);
        int r = etcd_sync_scan(s->etcd, &s->loop, prefix, c->revision, take_kv, c, &c->revision, err);

        if (r < 0) {
            cluster_release(c);
            return advise(s, r, err);
        }
    }
    return 0;
}

static int need_config(const struct session *s, const struct cluster *c, struct orc_err *err)
{
    const char *problem = cluster_problem(c, key_config(s->cluster));

    if (problem)
        return orc_fail(err, -EIO, "the key /orc/%s/config can't be read: %s; put it right with etcdctl",
                        s->cluster, problem);
    if (cluster_find(c, key_config(s->cluster)))
        return 0;
    return orc_fail(
        err, -ENOENT,
        "there is no cluster \"%s\" in etcd %s: make one with `orc init`, or name yours with --cluster",
        s->cluster, etcd_endpoint(s->etcd));
}

int session_read(struct session *s, const enum key_kind *kinds, struct cluster *c, struct orc_err *err)
{
    int r = session_load(s, kinds, c, err);

    if (r == 0)
        r = need_config(s, c, err);
    if (r < 0)
        cluster_release(c);
    return r;
}

int session_commit(struct session *s, struct etcd_txn *t, int64_t *ret_revision, struct orc_err *err)
{
    struct etcd_answer a = {0};
    int r = etcd_sync_txn(s->etcd, &s->loop, t, &a, err);

    if (r < 0 && a.maybe)
        orc_wrap(err, "the change may or may not have been made (look with `orc status`)");
    if (r >= 0 && ret_revision)
        *ret_revision = a.revision;
    etcd_answer_release(&a);
    return r < 0 ? advise(s, r, err) : r == ETCD_CONFLICT ? SESSION_CONFLICT : 0;
}

int session_split(const char *word, bool optional, char ret_app[SPEC_NAME_MAX + 1],
                  char ret_service[SPEC_NAME_MAX + 1], struct orc_err *err)
{
    const char *slash = strchr(word, '/');
    orc_auto_free char *app = slash ? orc_strndup(word, (size_t)(slash - word)) : orc_strdup(word);

    if (!slash && !optional)
        return orc_fail(err, -EINVAL, "\"%s\" is not a service: write APP/SERVICE, as `orc status` shows it",
                        word);
    if (spec_check_name("app name", app, err) < 0 ||
        (slash && spec_check_name("service name", slash + 1, err) < 0))
        return -EINVAL;
    snprintf(ret_app, SPEC_NAME_MAX + 1, "%s", app);
    snprintf(ret_service, SPEC_NAME_MAX + 1, "%s", slash ? slash + 1 : "");
    return 0;
}

char *session_who(void)
{
    const struct passwd *pw = getpwuid(getuid());
    char host[256] = "?";

    gethostname(host, sizeof host - 1);
    return orc_printf("%s@%s", pw ? pw->pw_name : "?", host);
}
