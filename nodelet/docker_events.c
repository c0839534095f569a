#include "nodelet/docker_events.h"

#include "lib/clock.h"
#include "lib/http.h"
#include "lib/mem.h"
#include "lib/units.h"
#include "state/timer.h"

#include <inttypes.h>
#include <string.h>

#define BACKOFF_MIN_MS 50
#define BACKOFF_MAX_MS 2000

struct docker_events {
    struct docker *d;
    struct docker_events_opts opts;
    char *label;
    struct docker_call *stream; /* of events, or the question for the version before it */
    struct timer *retry, *resync;
    uint64_t backoff;
    bool up, told, closing;
};

static void tell(struct docker_events *ev, bool up, const char *why)
{
    if (ev->told && ev->up == up && up)
        return;
    ev->up = up;
    ev->told = true;
    ev->opts.on_engine(up, why, ev->opts.arg);
}

static void on_line(const json_t *line, void *arg)
{
    struct docker_events *ev = arg;
    const json_t *actor = json_object_get(line, "Actor");
    const json_t *attributes = json_object_get(actor, "Attributes");
    const char *action = json_string_value(json_object_get(line, "Action"));
    const char *task = json_string_value(json_object_get(attributes, "orc.task"));
    const char *sidecar = json_string_value(json_object_get(attributes, "orc.sidecar"));
    const char *exit_code = json_string_value(json_object_get(attributes, "exitCode"));
    const char *signal = json_string_value(json_object_get(attributes, "signal"));
    int64_t code = -1;

    if (!action || !task)
        return;
    if (exit_code || signal)
        (void)orc_parse_int(exit_code ? exit_code : signal, -1, 255, &code, NULL);
    ev->opts.on_event(action, task, sidecar ? sidecar : "", (int)code, ev->opts.arg);
}

static void later(struct docker_events *ev)
{
    timer_start(ev->retry, ev->backoff);
    ev->backoff = ev->backoff * 2 < BACKOFF_MAX_MS ? ev->backoff * 2 : BACKOFF_MAX_MS;
}

static void on_stream_end(const struct docker_res *res, void *arg)
{
    struct docker_events *ev = arg;

    ev->stream = NULL;
    if (ev->closing)
        return;
    timer_stop(ev->resync);
    tell(ev, false, res->kind == DOCKER_OK ? "the Docker Engine ended its stream of events" : res->text);
    later(ev);
}

/* Since a second ago, so that nothing falls between the list and the stream; what comes twice does no harm,
 * because an event only makes somebody look. */
static void open_stream(struct docker_events *ev)
{
    orc_auto_free char *filter =
        orc_printf("{\"type\":[\"container\"],\"event\":[\"die\",\"oom\",\"destroy\",\"start\",\"kill\"],"
                   "\"label\":[\"%s\"]}",
                   ev->label);
    orc_auto_free char *escaped = orc_http_escape(filter);
    orc_auto_free char *path =
        orc_printf("/events?since=%" PRId64 "&filters=%s", orc_wall_ms() / 1000 - 1, escaped);
    struct docker_req req = {
        .path = path, .timeout_ms = UINT64_MAX, .on_line = on_line, .cb = on_stream_end, .arg = ev};

    ev->stream = docker_request(ev->d, &req);
}

static void on_version(const struct docker_res *res, void *arg)
{
    struct docker_events *ev = arg;

    ev->stream = NULL;
    if (ev->closing)
        return;
    if (res->kind != DOCKER_OK) {
        tell(ev, false, res->text);
        later(ev);
        return;
    }
    ev->backoff = BACKOFF_MIN_MS;
    open_stream(ev);
    tell(ev, true, "");
    timer_start(ev->resync, DOCKER_RESYNC_MS);
    ev->opts.on_resync(ev->opts.arg);
}

static void on_retry(void *arg)
{
    struct docker_events *ev = arg;

    if (!ev->stream)
        ev->stream = docker_negotiate(ev->d, on_version, ev);
}

static void on_slow_resync(void *arg)
{
    struct docker_events *ev = arg;

    timer_start(ev->resync, DOCKER_RESYNC_MS);
    ev->opts.on_resync(ev->opts.arg);
}

struct docker_events *docker_events_new(uv_loop_t *loop, struct docker *d,
                                        const struct docker_events_opts *opts)
{
    struct docker_events *ev = orc_new(struct docker_events);

    ev->d = d;
    ev->opts = *opts;
    ev->label = orc_strdup(opts->label);
    ev->backoff = BACKOFF_MIN_MS;
    ev->retry = timer_new(loop, on_retry, ev);
    ev->resync = timer_new(loop, on_slow_resync, ev);
    timer_start(ev->retry, 0);
    return ev;
}

bool docker_events_up(const struct docker_events *ev)
{
    return ev->up;
}

struct docker_events *docker_events_free(struct docker_events *ev)
{
    if (!ev)
        return NULL;
    ev->closing = true;
    if (ev->stream)
        docker_cancel(ev->stream);
    timer_free(ev->retry);
    timer_free(ev->resync);
    free(ev->label);
    free(ev);
    return NULL;
}
