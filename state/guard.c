#include "state/guard.h"

#include "lib/file.h"
#include "lib/json.h"
#include "state/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX 4096

/* Judging --------------------------------------------------------------------------------------------- */

static bool freeze(struct guard *g, const char *fmt, ...) ORC_PRINTF(2, 3);
static bool freeze(struct guard *g, const char *fmt, ...)
{
    va_list ap;

    g->frozen = true;
    va_start(ap, fmt);
    vsnprintf(g->reason, sizeof g->reason, fmt, ap);
    va_end(ap);
    return false;
}

static bool same_cluster(struct guard *g, uint64_t id)
{
    if (g->etcd_cluster_id == 0 || g->etcd_cluster_id == id)
        return true;
    return freeze(g,
                  "etcd answers with cluster id %" PRIx64 ", not %" PRIx64
                  " as before: it is another etcd; if that is meant, run `orc recover`",
                  id, g->etcd_cluster_id);
}

/* After `orc recover` the known revision may be lower than when the request was sent. */
static bool not_older(struct guard *g, int64_t revision, int64_t asked_at)
{
    if (revision >= asked_at || revision >= g->revision)
        return true;
    return freeze(
        g,
        "etcd is at revision %" PRId64 ", but %" PRId64
        " was seen before: it was wiped or restored from an older backup; if that is meant, run `orc "
        "recover`",
        revision, g->revision);
}

static void learn(struct guard *g, uint64_t etcd_cluster_id, int64_t revision)
{
    g->etcd_cluster_id = etcd_cluster_id;
    if (revision > g->revision)
        g->revision = revision;
}

bool guard_header(struct guard *g, uint64_t etcd_cluster_id, int64_t revision, int64_t asked_at)
{
    if (g->frozen || !same_cluster(g, etcd_cluster_id) || !not_older(g, revision, asked_at))
        return false;
    learn(g, etcd_cluster_id, revision);
    return true;
}

bool guard_stream(struct guard *g, uint64_t etcd_cluster_id, int64_t revision)
{
    if (g->frozen || !same_cluster(g, etcd_cluster_id))
        return false;
    learn(g, etcd_cluster_id, revision);
    return true;
}

static bool same_config(struct guard *g, const char *id)
{
    if (!g->orc_cluster_id[0] || (id && strcmp(g->orc_cluster_id, id) == 0))
        return true;
    if (!id)
        return freeze(
            g, "the cluster's config is gone from etcd: it was wiped; put a backup back, or run `orc init` "
               "and `orc recover`");
    return freeze(
        g, "etcd holds the cluster \"%.40s\", not \"%.40s\" as before; if that is meant, run `orc recover`",
        id, g->orc_cluster_id);
}

/* Takes the identity as it is now. */
static void adopt(struct guard *g, const char *id, int64_t recovered, uint64_t etcd_cluster_id,
                  int64_t revision)
{
    *g = (struct guard){.etcd_cluster_id = etcd_cluster_id, .revision = revision, .recovered = recovered};
    snprintf(g->orc_cluster_id, sizeof g->orc_cluster_id, "%s", id);
}

enum guard_verdict guard_config(struct guard *g, const char *id, int64_t recovered, uint64_t etcd_cluster_id,
                                int64_t revision, int64_t asked_at)
{
    bool was_frozen = g->frozen;

    if (!g->orc_cluster_id[0]) { /* never seen a cluster: nothing runs that could be harmed */
        if (id)
            adopt(g, id, recovered, etcd_cluster_id, revision);
        else
            *g = (struct guard){0};
        return was_frozen ? GUARD_NEW_STORE : GUARD_SAME_STORE;
    }
    g->frozen = false;
    if (same_cluster(g, etcd_cluster_id) && not_older(g, revision, asked_at) && same_config(g, id)) {
        learn(g, etcd_cluster_id, revision);
        g->reason[0] = '\0';
        if (recovered <= g->recovered)
            return GUARD_SAME_STORE;
        g->recovered = recovered;
        return GUARD_NEW_STORE;
    }
    if (!id || recovered <= g->recovered)
        return GUARD_FROZEN;
    adopt(g, id, recovered, etcd_cluster_id, revision);
    return GUARD_NEW_STORE;
}

/* Keeping --------------------------------------------------------------------------------------------- */

static int from_json(const json_t *j, struct guard *ret, struct orc_err *err)
{
    struct guard g = {.etcd_cluster_id = wire_uint(j, "etcd_cluster_id")};
    orc_auto_free char *id = NULL;

    if (orc_json_str(j, "orc_cluster_id", sizeof g.orc_cluster_id - 1, &id, err) < 0 ||
        orc_json_int(j, "revision", 0, INT64_MAX, &g.revision, err) < 0 ||
        orc_json_int(j, "recovered", 0, INT64_MAX, &g.recovered, err) < 0)
        return -EINVAL;
    strcpy(g.orc_cluster_id, id);
    *ret = g;
    return 0;
}

/* Out of the way, but kept for people to look at. */
static int set_aside(struct guard *g, const char *path, struct orc_err *err)
{
    orc_auto_free char *aside = orc_printf("%s.corrupt", path);

    *g = (struct guard){0};
    if (rename(path, aside) < 0)
        return orc_fail_errno(err, errno, "rename %s to %s", path, aside);
    orc_wrap(err, "%s is corrupt and was renamed to %s; the store is taken as it is now", path, aside);
    return GUARD_CORRUPT;
}

int guard_load(struct guard *g, const char *path, struct orc_err *err)
{
    struct orc_err why = ORC_ERR_INIT;
    orc_auto_free char *text = NULL;
    orc_auto_json json_t *j = NULL;
    size_t n = 0;
    int r = orc_file_read(path, FILE_MAX, &text, &n, &why);

    if (r == -ENOENT) {
        *g = (struct guard){0};
        return 0;
    }
    if (r < 0 && r != -EFBIG) {
        if (err)
            *err = why;
        return r;
    }
    j = text ? orc_json_parse(text, n, &why) : NULL;
    if (j && from_json(j, g, &why) == 0)
        return 0;
    if (err)
        *err = why;
    return set_aside(g, path, err);
}

char *guard_text(const struct guard *g)
{
    orc_auto_json json_t *j = json_object();
    orc_auto_free char *cluster = orc_printf("%" PRIu64, g->etcd_cluster_id);

    orc_json_set_str(j, "etcd_cluster_id", cluster);
    orc_json_set_str(j, "orc_cluster_id", g->orc_cluster_id);
    json_object_set_new(j, "revision", json_integer(g->revision));
    json_object_set_new(j, "recovered", json_integer(g->recovered));
    return orc_json_text(j);
}
