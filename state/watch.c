#include "state/watch.h"

#include "state/etcd_internal.h"
#include "state/json_split.h"

#include <string.h>

#define CONNECT_MS 2000

struct watch {
    struct etcd *e;
    struct watch_opts opts;
    size_t endpoint, created;
    bool cancelled; /* nothing more may be delivered */
    bool busy;      /* inside on_data: freeing waits for its end */
    bool freed;
    struct orc_http_call *http;
    struct json_split split;
    int error;
    char *text;
};

/* Ends the stream with the first reason; the owner is told from on_done(). */
static void give_up(struct watch *w, int error, const char *text)
{
    if (w->cancelled)
        return;
    w->cancelled = true;
    w->error = error;
    w->text = orc_printf("etcd %s: %s", w->e->endpoints.at[w->endpoint].name, text);
}

static void really_free(struct watch *w)
{
    json_split_release(&w->split);
    free(w->text);
    free(w);
}

/* Messages -------------------------------------------------------------------------------------------- */

static void events_release(struct watch_event *events, size_t n)
{
    for (size_t i = 0; i < n; i++)
        wire_kv_release(&events[i].kv);
    free(events);
}

/* The key first: an unwanted one's value is not worth decoding. */
static int decode_event(struct watch *w, const struct wire_doc *doc, const json_t *item,
                        struct watch_event *ret)
{
    const char *type = json_string_value(json_object_get(item, "type"));
    const json_t *kv = json_object_get(item, "kv");

    ret->deleted = type && strcmp(type, "DELETE") == 0;
    if (wire_kv_head(kv, &ret->kv) < 0 || ret->kv.mod_revision <= 0)
        return -EPROTO;
    if (ret->deleted || (w->opts.wanted && !w->opts.wanted(ret->kv.key, w->opts.arg)))
        return 0;
    return wire_kv_value(doc, kv, &ret->kv) < 0 ? -EPROTO : 0;
}

static void deliver(struct watch *w, const struct wire_doc *doc, const json_t *result, size_t range)
{
    const json_t *list = json_object_get(result, "events"), *item;
    struct watch_event *events = orc_calloc(json_array_size(list) + 1, sizeof *events);
    uint64_t cluster_id;
    int64_t revision;
    size_t i, n = 0;

    wire_header(result, &cluster_id, &revision);
    json_array_foreach(list, i, item)
    {
        if (decode_event(w, doc, item, &events[n]) < 0) {
            give_up(w, -EPROTO, "an event that is not as etcd writes them");
            wire_kv_release(&events[n].kv);
            break;
        }
        n++;
    }
    if (n && !w->cancelled)
        w->opts.on_events(range, events, n, cluster_id, w->opts.arg);
    events_release(events, n);
}

static void on_cancelled(struct watch *w, const json_t *result)
{
    int64_t compacted = wire_int(result, "compact_revision");
    const char *reason = json_string_value(json_object_get(result, "cancel_reason"));

    if (compacted)
        give_up(w, -ESTALE, "the revision to watch from is compacted");
    else
        give_up(w, -EIO, reason && *reason ? reason : "the watch was cancelled");
}

static void on_message(struct watch *w, const struct wire_doc *doc)
{
    const json_t *result = json_object_get(doc->json, "result");
    int64_t id = wire_int(result, "watch_id");
    const char *text;
    int error;

    if (etcd_error_of(doc->json, &error, &text)) {
        give_up(w, error, text);
    } else if (!result) {
        give_up(w, -EPROTO, "a message that is neither a result nor an error");
    } else if (wire_bool(result, "canceled")) {
        on_cancelled(w, result);
    } else if (wire_bool(result, "created")) {
        uint64_t cluster_id;
        int64_t revision;

        wire_header(result, &cluster_id, &revision);
        if (++w->created == w->opts.n_ranges)
            w->opts.on_created(cluster_id, revision, w->opts.arg);
    } else if (id >= 1 && (size_t)id <= w->opts.n_ranges) {
        deliver(w, doc, result, (size_t)id - 1);
    }
}

static void on_document(struct watch *w)
{
    struct orc_err err = ORC_ERR_INIT;
    struct wire_doc message;

    if (wire_doc_parse(&message, orc_buf_str(&w->split.buf), w->split.buf.len, &err) == 0)
        on_message(w, &message);
    else
        give_up(w, -EPROTO, err.msg);
    wire_doc_release(&message);
    json_split_next(&w->split);
}

static void on_data(struct orc_http_call *call, const char *data, size_t n, void *arg)
{
    struct watch *w = arg;

    w->busy = true;
    while (n && !w->cancelled) {
        size_t used = 0;
        int r = json_split_feed(&w->split, data, n, &used);

        data += used;
        n -= used;
        if (r > 0)
            on_document(w);
        else if (r < 0)
            give_up(w, r, r == -EMSGSIZE ? "a message larger than 64 MiB" : "something that is not JSON");
    }
    w->busy = false;
    if (w->freed)
        really_free(w);
    else if (w->cancelled)
        orc_http_cancel(call); /* on_done tells the owner */
}

/* The end --------------------------------------------------------------------------------------------- */

static void fail_http(struct watch *w, const struct orc_http_res *res)
{
    orc_auto_json json_t *answer = orc_json_parse(res->body, res->body_len, NULL);
    orc_auto_free char *clause = NULL;
    const char *text = "no error document; is this etcd?";
    int error = -EPROTO;

    if (res->error) {
        const char *colon = strstr(res->error_text, ": ");

        give_up(w, res->error, colon ? colon + 2 : res->error_text);
    } else if (res->status == 200) {
        give_up(w, -ECONNRESET, "the watch stream ended");
    } else {
        if (answer)
            etcd_error_of(answer, &error, &text);
        clause = orc_printf("HTTP %d: %s", res->status, text);
        give_up(w, error, clause);
    }
}

static void on_done(const struct orc_http_res *res, void *arg)
{
    struct watch *w = arg;
    orc_auto_free char *text = NULL;

    w->http = NULL;
    if (w->freed)
        return;
    if (!w->cancelled) {
        fail_http(w, res);
        etcd_trouble(w->e, w->endpoint);
    }
    text = orc_take(w->text); /* on_end() may free w and still need it */
    w->opts.on_end(w->error, text, w->opts.arg);
}

static void body_of(const struct watch_opts *opts, struct orc_buf *b)
{
    orc_buf_init(b, WIRE_BODY_MAX);
    for (size_t i = 0; i < opts->n_ranges; i++) {
        const struct watch_range *r = &opts->ranges[i];

        orc_buf_puts(b, "{\"create_request\":{");
        wire_add_str(b, "key", r->from);
        if (r->to)
            wire_add_bytes(b, "range_end", r->to, *r->to ? strlen(r->to) : 1);
        wire_add_int(b, "start_revision", r->start_revision);
        wire_add_int(b, "watch_id", (int64_t)i + 1);
        orc_buf_puts(b, "}}\n");
    }
}

struct watch *watch_new(struct etcd *e, const struct watch_opts *opts)
{
    /* etcd's HTTP server throws away what it has not yet read of a request when it begins to answer, and with
     * it the watches behind the first: but for requests that ask for the connection's end (Go's net/http,
     * chunkWriter.writeHeader). The stream has the connection for itself anyway. */
    static const char *const headers[] = {"Content-Type: application/json", "Connection: close", NULL};
    struct watch *w = orc_new(struct watch);
    orc_auto_free char *url = NULL;
    struct orc_buf body;
    struct orc_http_req req = {.headers = headers,
                               .connect_timeout_ms = CONNECT_MS,
                               .dead_peer_ms = opts->dead_peer_ms,
                               .on_data = on_data,
                               .on_done = on_done,
                               .arg = w};

    w->e = e;
    w->opts = *opts;
    w->endpoint = e->current;
    json_split_init(&w->split, WIRE_ANSWER_MAX);
    body_of(opts, &body);
    req.body = orc_buf_str(&body);
    req.body_len = body.len;
    etcd_address(e, w->endpoint, "/v3/watch", &req, &url);
    w->http = orc_http_start(e->http, &req);
    orc_buf_release(&body);
    return w;
}

struct watch *watch_free(struct watch *w)
{
    struct orc_http_call *http = w ? w->http : NULL;

    if (!w)
        return NULL;
    w->freed = w->cancelled = true;
    w->http = NULL;
    if (http)
        orc_http_cancel(http);
    if (!w->busy)
        really_free(w);
    return NULL;
}

size_t watch_endpoint(const struct watch *w)
{
    return w->endpoint;
}
