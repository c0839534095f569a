/* etcd_kv.c - the single requests: get, range, put, delete, leases. */
#include "state/etcd_internal.h"

#include "state/base64.h"

#include <string.h>

/* Of one page: so many keys at most, fewer at first, when nobody knows how large the values are, and then
 * about so many bytes: they are in memory three times over. */
#define PAGE_KEYS 500
#define PAGE_FIRST 50
#define PAGE_BYTES (512UL * 1024)

static void begin(struct orc_buf *b)
{
    orc_buf_init(b, WIRE_BODY_MAX);
    orc_buf_puts(b, "{");
}

static int on_kvs(struct etcd_call *call, const struct wire_doc *answer, struct orc_err *err)
{
    return wire_kvs_add(answer, answer->json, &call->kvs, err);
}

/* Reading --------------------------------------------------------------------------------------------- */

static struct etcd_call *get(struct etcd *e, const char *key, struct etcd_request *req)
{
    struct orc_buf body;

    begin(&body);
    wire_add_str(&body, "key", key);
    orc_buf_puts(&body, "}");
    req->path = "/v3/kv/range";
    req->body = &body;
    req->on_answer = on_kvs;
    return etcd_call_start(e, req);
}

struct etcd_call *etcd_get(struct etcd *e, const char *key, etcd_cb *cb, void *arg)
{
    struct etcd_request req = {.cb = cb, .arg = arg};

    return get(e, key, &req);
}

struct etcd_call *etcd_get_at(struct etcd *e, size_t endpoint, const char *key, uint64_t timeout_ms,
                              etcd_cb *cb, void *arg)
{
    struct etcd_request req = {
        .pinned = true, .endpoint = endpoint, .timeout_ms = timeout_ms, .cb = cb, .arg = arg};

    return get(e, key, &req);
}

/* A range read in pages, all at the revision of the first. */
struct scan {
    char *prefix;
    char *next; /* the first key of the next page */
    size_t next_len;
    int64_t revision;
    int64_t limit;
    etcd_cb *on_page; /* NULL: pages are collected */
};

static void scan_free(void *extra)
{
    struct scan *s = extra;

    free(s->prefix);
    free(s->next);
    free(s);
}

static void scan_body(const struct scan *s, struct orc_buf *b)
{
    orc_buf_clear(b);
    orc_buf_puts(b, "{");
    wire_add_bytes(b, "key", s->next, s->next_len);
    wire_add_prefix_end(b, s->prefix);
    wire_add_int(b, "limit", s->limit);
    if (s->revision)
        wire_add_int(b, "revision", s->revision);
    orc_buf_puts(b, "}");
}

/* The smallest key behind the last one of the page: that key as etcd wrote it (it may hold any byte) and a
 * NUL. */
static int set_next(struct scan *s, const json_t *answer, struct orc_err *err)
{
    const json_t *kvs = json_object_get(answer, "kvs");
    const json_t *last = json_object_get(json_array_get(kvs, json_array_size(kvs) - 1), "key");
    char *next = NULL;
    size_t n = 0;

    if (!json_is_string(last) ||
        base64_decode(json_string_value(last), json_string_length(last), &next, &n) < 0)
        return orc_fail(err, -EPROTO, "a page without keys that says there is more");
    free(s->next);
    s->next = next;
    s->next_len = n + 1;
    return 0;
}

/* After a page whose first key is the n-th that is there. */
static void set_limit(struct scan *s, const struct wire_kvs *kvs, size_t n)
{
    size_t bytes = 1, keys = kvs->n - n;

    for (; n < kvs->n; n++)
        bytes += strlen(kvs->at[n].key) + kvs->at[n].value_len;
    keys = keys * PAGE_BYTES / bytes;
    s->limit = keys < 1 ? 1 : keys > PAGE_KEYS ? PAGE_KEYS : (int64_t)keys;
}

static int on_scan(struct etcd_call *call, const struct wire_doc *answer, struct orc_err *err)
{
    struct scan *s = call->extra;
    int64_t at = call->result.revision;
    size_t before = call->kvs.n;
    int r = wire_kvs_add(answer, answer->json, &call->kvs, err);

    if (!s->revision)
        s->revision = at;
    call->result.revision = s->revision;
    if (r < 0 || !wire_bool(answer->json, "more"))
        return r;
    r = set_next(s, answer->json, err);
    if (r < 0)
        return r;
    set_limit(s, &call->kvs, before);
    if (s->on_page) {
        call->result.kvs = call->kvs.at;
        call->result.n_kvs = call->kvs.n;
        s->on_page(&call->result, call->arg);
        if (call->cancelled)
            return ETCD_ENDED;
        wire_kvs_release(&call->kvs);
    }
    scan_body(s, &call->body);
    return ETCD_AGAIN;
}

static bool on_scan_too_large(struct etcd_call *call)
{
    struct scan *s = call->extra;

    if (s->limit <= 1)
        return false;
    s->limit /= 8;
    if (s->limit < 1)
        s->limit = 1;
    scan_body(s, &call->body);
    return true;
}

struct etcd_call *etcd_scan(struct etcd *e, const char *prefix, int64_t revision, etcd_cb *on_page,
                            etcd_cb *cb, void *arg)
{
    struct scan *s = orc_new(struct scan);
    struct orc_buf body;
    struct etcd_request req = {.path = "/v3/kv/range",
                               .body = &body,
                               .on_answer = on_scan,
                               .on_too_large = on_scan_too_large,
                               .extra = s,
                               .extra_free = scan_free,
                               .cb = cb,
                               .arg = arg};

    s->prefix = orc_strdup(prefix);
    s->next = orc_strdup(prefix);
    s->next_len = strlen(prefix);
    s->revision = revision;
    s->limit = PAGE_FIRST;
    s->on_page = on_page;
    begin(&body);
    scan_body(s, &body);
    return etcd_call_start(e, &req);
}

struct etcd_call *etcd_range(struct etcd *e, const char *prefix, int64_t revision, etcd_cb *cb, void *arg)
{
    return etcd_scan(e, prefix, revision, NULL, cb, arg);
}

/* Writing --------------------------------------------------------------------------------------------- */

struct etcd_call *etcd_put(struct etcd *e, const char *key, const char *value, int64_t lease, etcd_cb *cb,
                           void *arg)
{
    struct orc_buf body;
    struct etcd_request req = {.path = "/v3/kv/put", .body = &body, .write = true, .cb = cb, .arg = arg};

    if (strlen(value) > ETCD_VALUE_MAX) {
        req.reject = -E2BIG;
        req.reject_text = "the value is larger than etcd takes (1 MiB)";
    }
    begin(&body);
    wire_add_str(&body, "key", key);
    if (!req.reject)
        wire_add_str(&body, "value", value);
    if (lease)
        wire_add_int(&body, "lease", lease);
    orc_buf_puts(&body, "}");
    return etcd_call_start(e, &req);
}

struct etcd_call *etcd_delete(struct etcd *e, const char *key, etcd_cb *cb, void *arg)
{
    struct orc_buf body;
    struct etcd_request req = {
        .path = "/v3/kv/deleterange", .body = &body, .write = true, .cb = cb, .arg = arg};

    begin(&body);
    wire_add_str(&body, "key", key);
    orc_buf_puts(&body, "}");
    return etcd_call_start(e, &req);
}

/* Leases: granting twice leaves one to expire, the others are idempotent; so all may be tried elsewhere. */

static void take_lease(struct etcd_call *call, const json_t *from)
{
    call->result.lease = wire_int(from, "ID");
    call->result.ttl_s = wire_int(from, "TTL");
}

static int on_grant(struct etcd_call *call, const struct wire_doc *answer, struct orc_err *err)
{
    const char *error = json_string_value(json_object_get(answer->json, "error"));

    take_lease(call, answer->json);
    if (error && *error)
        return orc_fail(err, -EIO, "%s", error);
    if (!call->result.lease || call->result.ttl_s <= 0)
        return orc_fail(err, -EPROTO, "a lease was granted without an id or a TTL");
    return 0;
}

/* The answer is a stream's: under "result". A lease that is gone has no TTL there, and HTTP says 200. */
static int on_keepalive(struct etcd_call *call, const struct wire_doc *answer, struct orc_err *err)
{
    const json_t *result = json_object_get(answer->json, "result");

    if (!result)
        return orc_fail(err, -EPROTO, "a keep-alive's answer without a result");
    wire_header(result, &call->result.cluster_id, &call->result.revision);
    take_lease(call, result);
    return 0;
}

static struct etcd_call *lease_call(struct etcd *e, struct etcd_request *req, int64_t id, int64_t ttl_s)
{
    struct orc_buf body;

    begin(&body);
    if (id)
        wire_add_int(&body, "ID", id);
    if (ttl_s)
        wire_add_int(&body, "TTL", ttl_s);
    orc_buf_puts(&body, "}");
    req->body = &body;
    return etcd_call_start(e, req);
}

struct etcd_call *etcd_lease_grant(struct etcd *e, int64_t ttl_s, etcd_cb *cb, void *arg)
{
    struct etcd_request req = {
        .path = "/v3/lease/grant", .lease = true, .on_answer = on_grant, .cb = cb, .arg = arg};

    return lease_call(e, &req, 0, ttl_s);
}

struct etcd_call *etcd_lease_keepalive_once(struct etcd *e, int64_t lease, uint64_t timeout_ms, etcd_cb *cb,
                                            void *arg)
{
    struct etcd_request req = {.path = "/v3/lease/keepalive",
                               .lease = true,
                               .once = true,
                               .timeout_ms = timeout_ms,
                               .on_answer = on_keepalive,
                               .cb = cb,
                               .arg = arg};

    return lease_call(e, &req, lease, 0);
}

struct etcd_call *etcd_lease_revoke(struct etcd *e, int64_t lease, etcd_cb *cb, void *arg)
{
    struct etcd_request req = {.path = "/v3/lease/revoke", .lease = true, .cb = cb, .arg = arg};

    return lease_call(e, &req, lease, 0);
}
