#include "nodelet/volumes.h"

#include "lib/log.h"
#include "nodelet/container_config.h"
#include "state/record.h"
#include "state/timer.h"

#include <stdlib.h>
#include <string.h>

#define SETTLE_MS 300
#define RETRY_MS 5000
/* The engine finds the name anywhere in a volume's; which are ours is seen here. */
#define PATH "/volumes?filters=%7B%22name%22%3A%5B%22" CONTAINER_VOLUME_PREFIX "%22%5D%7D"

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
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool volumes_from_list(const json_t *answer, struct orc_strv *ret)
{
    const size_t prefix = strlen(CONTAINER_VOLUME_PREFIX);
    const json_t *one;
    size_t i, kept = 0;
    bool cut;

    json_array_foreach(json_object_get(answer, "Volumes"), i, one)
    {
        const char *name = json_string_value(json_object_get(one, "Name"));

        if (name && strncmp(name, CONTAINER_VOLUME_PREFIX, prefix) == 0 &&
            record_check_volume(name + prefix, NULL) == 0)
            orc_strv_add(ret, name + prefix);
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

static void look(void *arg)
{
    struct volumes *v = arg;

    if (v->up && !v->call)
        v->call = docker_request(v->opts.docker, &(struct docker_req){.path = PATH, .cb = on_list, .arg = v});
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
