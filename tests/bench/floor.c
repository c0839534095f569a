/* floor.c - the engines' own floor: how long it takes to create and start N containers over some engines
 * through the API alone, so many requests in flight per engine, and nothing else. What an orchestrator adds
 * is measured against this.
 *
 *   bench-floor N INFLIGHT IMAGE NETWORK SOCKET...
 *
 * Prints one JSON object: {"containers":30,"engines":3,"inflight":6,"seconds":1.62}. Removes what it made.
 */
#include "lib/clock.h"
#include "lib/http.h"
#include "lib/json.h"
#include "lib/units.h"

#include <stdio.h>

struct engine {
    const char *socket;
    int left; /* containers still to be begun here */
    int inflight;
};

struct floor {
    uv_loop_t loop;
    struct orc_http *http;
    struct engine *engines;
    size_t n_engines;
    int width, running;
    const char *image, *network;
    struct orc_strv ids; /* "socket id" of what was started */
};

struct step {
    struct floor *f;
    struct engine *e;
    char *id;
};

static void fill(struct floor *f, struct engine *e);

static void die(const char *what, const struct orc_http_res *res)
{
    fprintf(stderr, "bench-floor: %s: %s %d %s\n", what, res->error_text, res->status, res->body);
    exit(1);
}

static void call(struct floor *f, const char *socket, const char *method, const char *path, const char *body,
                 void (*done)(const struct orc_http_res *, void *), void *arg)
{
    orc_auto_free char *url = orc_printf("http://engine/v1.41%s", path);
    static const char *const headers[] = {"Content-Type: application/json", NULL};

    orc_http_start(f->http, &(struct orc_http_req){.method = method,
                                                   .url = url,
                                                   .unix_socket = socket,
                                                   .body = body,
                                                   .body_len = body ? strlen(body) : 0,
                                                   .headers = headers,
                                                   .timeout_ms = 60000,
                                                   .on_done = done,
                                                   .arg = arg});
}

static void on_started(const struct orc_http_res *res, void *arg)
{
    struct step *s = arg;
    orc_auto_free char *entry = orc_printf("%s %s", s->e->socket, s->id);

    if (res->status != 204)
        die("start", res);
    orc_strv_add(&s->f->ids, entry);
    s->f->running++;
    s->e->inflight--;
    fill(s->f, s->e);
    free(s->id);
    free(s);
}

static void on_created(const struct orc_http_res *res, void *arg)
{
    struct step *s = arg;
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *j = res->status == 201 ? orc_json_parse(res->body, res->body_len, &err) : NULL;
    orc_auto_free char *path = NULL;

    if (!j || orc_json_str(j, "Id", 128, &s->id, &err) < 0)
        die("create", res);
    path = orc_printf("/containers/%s/start", s->id);
    call(s->f, s->e->socket, "POST", path, "", on_started, s);
}

static void fill(struct floor *f, struct engine *e)
{
    orc_auto_free char *body = orc_printf("{\"Image\":\"%s\",\"HostConfig\":{\"NetworkMode\":\"%s\","
                                          "\"Memory\":67108864,\"NanoCpus\":500000000}}",
                                          f->image, f->network);

    while (e->left > 0 && e->inflight < f->width) {
        struct step *s = orc_new(struct step);

        *s = (struct step){.f = f, .e = e};
        e->left--;
        e->inflight++;
        call(f, e->socket, "POST", "/containers/create", body, on_created, s);
    }
}

static void on_removed(const struct orc_http_res *res, void *arg)
{
    struct floor *f = arg;

    if (res->status != 204)
        die("remove", res);
    f->running--;
}

static void clean(struct floor *f)
{
    for (size_t i = 0; i < f->ids.n; i++) {
        char *space = strchr(f->ids.at[i], ' ');
        orc_auto_free char *socket = orc_strndup(f->ids.at[i], (size_t)(space - f->ids.at[i]));
        orc_auto_free char *path = orc_printf("/containers/%s?force=1", space + 1);

        call(f, socket, "DELETE", path, NULL, on_removed, f);
    }
    uv_run(&f->loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    struct floor f = {0};
    struct orc_err err = ORC_ERR_INIT;
    int64_t n = 0, width = 0;
    uint64_t begun;

    if (argc < 6 || orc_parse_int(argv[1], 1, 1000, &n, &err) < 0 ||
        orc_parse_int(argv[2], 1, 64, &width, &err) < 0) {
        fprintf(stderr, "usage: bench-floor N INFLIGHT IMAGE NETWORK SOCKET... %s\n", err.msg);
        return 2;
    }
    uv_loop_init(&f.loop);
    f.http = orc_http_new(&f.loop);
    f.width = (int)width;
    f.image = argv[3];
    f.network = argv[4];
    f.n_engines = (size_t)argc - 5;
    f.engines = orc_calloc(f.n_engines, sizeof *f.engines);
    for (int64_t i = 0; i < n; i++)
        f.engines[(size_t)i % f.n_engines].left++;
    begun = orc_clock_ms();
    for (size_t i = 0; i < f.n_engines; i++) {
        f.engines[i].socket = argv[5 + i];
        fill(&f, &f.engines[i]);
    }
    uv_run(&f.loop, UV_RUN_DEFAULT);
    printf("{\"containers\":%d,\"engines\":%zu,\"inflight\":%d,\"seconds\":%.2f}\n", f.running, f.n_engines,
           f.width, (double)(orc_clock_ms() - begun) / 1000);
    clean(&f);
    orc_http_free(f.http);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    uv_loop_close(&f.loop);
    orc_strv_release(&f.ids);
    free(f.engines);
    return f.running == 0 ? 0 : 1;
}
