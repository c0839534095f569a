#include "nodelet/volumes.h"

#include "lib/http.h"
#include "lib/log.h"
#include "state/record.h"
#include "state/timer.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 300
#define RETRY_MS 5000
#define PATH "/volumes"
#define LIST_MAX (16 * 1024 * 1024) /* bytes of an answer: 300 or so a volume */

struct volumes {
    struct volumes_opts opts;
    struct timer *timer;
    struct docker_call *call;
    struct orc_strv told;
    bool up, known, again;
    struct orc_log_once many;
};

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;

    return (*x == '/') - (*y == '/') ?: strcmp(x, y);
}

bool volumes_from_list(const json_t *answer, struct orc_strv *ret)
{
    const json_t *one;
    size_t i, kept = 0;
    bool cut;

    json_array_foreach(json_object_get(answer, "Volumes"), i, one)
    {
        const char *name = json_string_value(json_object_get(one, "Name"));
        orc_auto_free char *told = name ? record_volume(name) : NULL;

        if (told)
            orc_strv_add(ret, told);
    }
    if (ret->n)
        qsort(ret->at, ret->n, sizeof *ret->at, by_name);
    for (i = 0; i < ret->n; i++)
        if (kept && strcmp(ret->at[kept - 1], ret->at[i]) == 0)
            free(ret->at[i]);
        else
            ret->at[kept++] = ret->at[i];
    cut = kept > RECORD_VOLUMES_MAX;
    for (ret->n = kept; ret->n > RECORD_VOLUMES_MAX;)
        free(ret->at[--ret->n]);
    return cut;
}

static void take(struct volumes *v, const json_t *answer)
{
    struct orc_strv now = {0};

    if (volumes_from_list(answer, &now))
        orc_log_begin(&v->many, ORC_LOG_WARN,
                      "the engine has more than %d volumes of apps: the others are not told of, so a replica "
                      "may be placed without its data; remove what nobody needs (`docker volume rm`)",
                      RECORD_VOLUMES_MAX);
    else
        orc_log_end(&v->many, "the volumes of apps are few enough again");
    if (v->known && orc_strv_eq(&now, &v->told)) {
        orc_strv_release(&now);
        return;
    }
    orc_strv_release(&v->told);
    v->told = now;
    v->known = true;
    v->opts.on_volumes(&v->told, v->opts.arg);
}

static void on_list(const struct docker_res *res, void *arg)
{
    struct volumes *v = arg;
    bool again = v->again;

    v->call = NULL;
    v->again = false;
    if (res->kind == DOCKER_OK && json_is_object(res->json))
        take(v, res->json);
    else if (v->up) /* otherwise it is asked when it comes up */
        timer_start(v->timer, RETRY_MS);
    if (again)
        volumes_look(v);
}

/* ---- those that nobody makes ------------------------------------------------------------------------- */

static bool has(const json_t *answer, const char *name)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(answer, "Volumes"), i,
                       one) if (orc_streq(json_string_value(json_object_get(one, "Name")), name)) return true;
    return false;
}

const char *volumes_missing(const json_t *answer, const struct spec_service *spec)
{
    const struct spec_mount *m;

    orc_vec_each (m, &spec->mounts)
        if (m->external && !has(answer, m->name))
            return m->name;
    return NULL;
}

/* The engine finds a name anywhere in a volume's; which it is exactly is seen in its answer. */
struct docker_call *volumes_ask(struct docker *d, const struct spec_service *spec, docker_cb *cb, void *arg)
{
    orc_auto_json json_t *names = json_array();
    orc_auto_free char *list = NULL, *filter = NULL, *escaped = NULL, *path = NULL;
    const struct spec_mount *m;

    orc_vec_each (m, &spec->mounts)
        if (m->external)
            json_array_append_new(names, json_string(m->name));
    if (!json_array_size(names))
        return NULL;
    list = orc_json_text(names);
    filter = orc_printf("{\"name\":%s}", list);
    escaped = orc_http_escape(filter);
    path = orc_printf(PATH "?filters=%s", escaped);
    return docker_request(d, &(struct docker_req){.path = path, .max_body = LIST_MAX, .cb = cb, .arg = arg});
}

/* ---- asking -------------------------------------------------------------------------------------------- */

static void look(void *arg)
{
    struct volumes *v = arg;

    if (v->up && !v->call)
        v->call =
            docker_request(v->opts.docker,
                           &(struct docker_req){.path = PATH, .max_body = LIST_MAX, .cb = on_list, .arg = v});
}

void volumes_look(struct volumes *v)
{
    v->again = v->call != NULL;
    if (!v->call && !timer_is_running(v->timer))
        timer_start(v->timer, SETTLE_MS);
}

void volumes_engine(struct volumes *v, bool up)
{
    v->up = up;
    if (up)
        look(v);
}

struct volumes *volumes_new(const struct volumes_opts *opts)
{
    struct volumes *v = orc_new(struct volumes);

    v->opts = *opts;
    v->timer = timer_new(opts->loop, look, v);
    return v;
}

struct volumes *volumes_free(struct volumes *v)
{
    if (!v)
        return NULL;
    if (v->call)
        docker_cancel(v->call);
    timer_free(v->timer);
    orc_strv_release(&v->told);
    free(v);
    return NULL;
}
