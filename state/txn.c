/* txn.c - transactions: compares, operations, and the answer's gets. */
#include "state/etcd_internal.h"

#include <string.h>

struct etcd_txn {
    struct orc_buf compares, then, otherwise; /* JSON objects with commas between */
    size_t n_compares, n_then, n_otherwise;
    bool writes;
    size_t bytes; /* of keys and values, as etcd counts them */
};

struct etcd_txn *etcd_txn_new(void)
{
    struct etcd_txn *t = orc_new(struct etcd_txn);

    orc_buf_init(&t->compares, WIRE_BODY_MAX / 4);
    orc_buf_init(&t->then, WIRE_BODY_MAX / 2);
    orc_buf_init(&t->otherwise, WIRE_BODY_MAX / 8);
    return t;
}

struct etcd_txn *etcd_txn_free(struct etcd_txn *t)
{
    if (!t)
        return NULL;
    orc_buf_release(&t->compares);
    orc_buf_release(&t->then);
    orc_buf_release(&t->otherwise);
    free(t);
    return NULL;
}

size_t etcd_txn_n_compares(const struct etcd_txn *t)
{
    return t->n_compares;
}

size_t etcd_txn_n_ops(const struct etcd_txn *t)
{
    return t->n_then > t->n_otherwise ? t->n_then : t->n_otherwise;
}

size_t etcd_txn_bytes(const struct etcd_txn *t)
{
    return t->bytes;
}

/* Too much is counted but not kept; committing then says so. */
static bool fits(const struct etcd_txn *t)
{
    return t->n_compares <= ETCD_TXN_OPS_MAX && etcd_txn_n_ops(t) <= ETCD_TXN_OPS_MAX &&
           t->bytes <= ETCD_TXN_BYTES_MAX;
}

/* Compares -------------------------------------------------------------------------------------------- */

/* Begins one compare; false when there is no room for it. */
static bool compare(struct etcd_txn *t, const char *key, const char *target, const char *result, size_t more)
{
    t->n_compares++;
    t->bytes += strlen(key) + more;
    if (!fits(t))
        return false;
    orc_buf_printf(&t->compares, "%s{\"target\":\"%s\",\"result\":\"%s\"", t->n_compares > 1 ? "," : "",
                   target, result);
    wire_add_str(&t->compares, "key", key);
    return true;
}

static void compare_int(struct etcd_txn *t, const char *key, const char *target, const char *name, int64_t v)
{
    if (!compare(t, key, target, "EQUAL", 0))
        return;
    wire_add_int(&t->compares, name, v);
    orc_buf_puts(&t->compares, "}");
}

void etcd_txn_if_create_revision(struct etcd_txn *t, const char *key, int64_t revision)
{
    compare_int(t, key, "CREATE", "create_revision", revision);
}

void etcd_txn_if_mod_revision(struct etcd_txn *t, const char *key, int64_t revision)
{
    compare_int(t, key, "MOD", "mod_revision", revision);
}

void etcd_txn_if_exists(struct etcd_txn *t, const char *key)
{
    if (!compare(t, key, "CREATE", "NOT_EQUAL", 0))
        return;
    wire_add_int(&t->compares, "create_revision", 0);
    orc_buf_puts(&t->compares, "}");
}

void etcd_txn_if_value(struct etcd_txn *t, const char *key, const char *value)
{
    if (!compare(t, key, "VALUE", "EQUAL", strlen(value)))
        return;
    wire_add_str(&t->compares, "value", value);
    orc_buf_puts(&t->compares, "}");
}

/* Operations ------------------------------------------------------------------------------------------ */

/* Begins one operation of a branch; false when there is no room for it. */
static bool op(struct etcd_txn *t, struct orc_buf *branch, size_t *n, const char *what, size_t bytes)
{
    ++*n;
    t->bytes += bytes;
    if (!fits(t))
        return false;
    orc_buf_printf(branch, "%s{\"%s\":{", *n > 1 ? "," : "", what);
    return true;
}

void etcd_txn_put(struct etcd_txn *t, const char *key, const char *value, int64_t lease)
{
    if (!op(t, &t->then, &t->n_then, "request_put", strlen(key) + strlen(value)))
        return;
    t->writes = true;
    wire_add_str(&t->then, "key", key);
    wire_add_str(&t->then, "value", value);
    if (lease)
        wire_add_int(&t->then, "lease", lease);
    orc_buf_puts(&t->then, "}}");
}

void etcd_txn_delete(struct etcd_txn *t, const char *key)
{
    if (!op(t, &t->then, &t->n_then, "request_delete_range", strlen(key)))
        return;
    t->writes = true;
    wire_add_str(&t->then, "key", key);
    orc_buf_puts(&t->then, "}}");
}

static void add_get(struct etcd_txn *t, struct orc_buf *branch, size_t *n, const char *key, bool prefix)
{
    if (!op(t, branch, n, "request_range", strlen(key)))
        return;
    wire_add_str(branch, "key", key);
    if (prefix)
        wire_add_prefix_end(branch, key);
    orc_buf_puts(branch, "}}");
}

void etcd_txn_get(struct etcd_txn *t, const char *key)
{
    add_get(t, &t->then, &t->n_then, key, false);
}

void etcd_txn_get_prefix(struct etcd_txn *t, const char *prefix)
{
    add_get(t, &t->then, &t->n_then, prefix, true);
}

void etcd_txn_else_get(struct etcd_txn *t, const char *key)
{
    add_get(t, &t->otherwise, &t->n_otherwise, key, false);
}

/* Committing ------------------------------------------------------------------------------------------ */

static int on_txn(struct etcd_call *call, const struct wire_doc *answer, struct orc_err *err)
{
    const json_t *responses = json_object_get(answer->json, "responses"), *item;
    size_t i;
    int r = 0;

    call->result.succeeded = wire_bool(answer->json, "succeeded");
    json_array_foreach(responses, i, item)
    {
        const json_t *range = json_object_get(item, "response_range");

        if (range && r == 0)
            r = wire_kvs_add(answer, range, &call->kvs, err);
    }
    return r;
}

static void body_of(const struct etcd_txn *t, struct orc_buf *b)
{
    orc_buf_init(b, WIRE_BODY_MAX);
    orc_buf_puts(b, "{\"compare\":[");
    orc_buf_puts(b, orc_buf_str(&t->compares));
    orc_buf_puts(b, "],\"success\":[");
    orc_buf_puts(b, orc_buf_str(&t->then));
    orc_buf_puts(b, "],\"failure\":[");
    orc_buf_puts(b, orc_buf_str(&t->otherwise));
    orc_buf_puts(b, "]}");
}

struct etcd_call *etcd_txn_commit(struct etcd *e, struct etcd_txn *t, etcd_cb *cb, void *arg)
{
    struct orc_buf body;
    struct etcd_request req = {
        .path = "/v3/kv/txn", .body = &body, .write = t->writes, .on_answer = on_txn, .cb = cb, .arg = arg};
    struct etcd_call *call;

    if (!fits(t)) {
        req.reject = -E2BIG;
        req.reject_text = "the transaction is larger than etcd takes (128 compares, 128 operations, 1 MB)";
    }
    body_of(t, &body);
    call = etcd_call_start(e, &req);
    etcd_txn_free(t);
    return call;
}
