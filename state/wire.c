#include "state/wire.h"

#include "state/base64.h"

#include <inttypes.h>
#include <string.h>

/* Making ---------------------------------------------------------------------------------------------- */

static void add_name(struct orc_buf *b, const char *name)
{
    char last = b->len ? b->data[b->len - 1] : '{';

    orc_buf_printf(b, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", name);
}

void wire_add_bytes(struct orc_buf *b, const char *name, const void *data, size_t n)
{
    add_name(b, name);
    orc_buf_puts(b, "\"");
    base64_encode(b, data, n);
    orc_buf_puts(b, "\"");
}

void wire_add_str(struct orc_buf *b, const char *name, const char *s)
{
    wire_add_bytes(b, name, s, strlen(s));
}

void wire_add_int(struct orc_buf *b, const char *name, int64_t v)
{
    add_name(b, name);
    orc_buf_printf(b, "\"%" PRId64 "\"", v);
}

char *wire_prefix_end(const char *prefix)
{
    char *end = orc_strdup(prefix);
    size_t n = strlen(end);

    while (n > 0 && (unsigned char)end[n - 1] == 0xff)
        end[--n] = '\0';
    if (n > 0)
        end[n - 1]++;
    return end;
}

void wire_add_prefix_end(struct orc_buf *b, const char *prefix)
{
    orc_auto_free char *end = wire_prefix_end(prefix);

    wire_add_bytes(b, "range_end", end, *end ? strlen(end) : 1);
}

/* Taking apart ---------------------------------------------------------------------------------------- */

#define VALUE_MIN 32 /* what is shorter is not worth it, and could be shorter than its number */

/* The text but for its values. What is looked for can't stand within a string, where quotes have a backslash
 * in front; it may end a member's name, whose value nobody asks for then. A string with an escape is left for
 * the parser. */
static void lift_values(struct wire_doc *d, const char *text, size_t n, struct orc_buf *ret)
{
    static const char member[] = "\"value\":\"";
    const char *end = text + n, *at = text, *close;

    while ((at = memmem(at, (size_t)(end - at), member, sizeof member - 1))) {
        at += sizeof member - 1;
        close = memchr(at, '"', (size_t)(end - at));
        if (!close)
            break;
        if (close - at < VALUE_MIN || memchr(at, '\\', (size_t)(close - at)))
            continue;
        orc_buf_add(ret, text, (size_t)(at - 1 - text));
        orc_buf_printf(ret, "%zu", d->values.n);
        orc_vec_push(&d->values, ((struct wire_value){at, (size_t)(close - at)}));
        text = at = close + 1;
    }
    orc_buf_add(ret, text, (size_t)(end - text));
}

int wire_doc_parse(struct wire_doc *d, const char *text, size_t n, struct orc_err *err)
{
    struct orc_buf rest;

    memset(d, 0, sizeof *d);
    orc_buf_init(&rest, n + 1);
    lift_values(d, text, n, &rest);
    d->json = orc_json_parse(orc_buf_str(&rest), rest.len, err);
    orc_buf_release(&rest);
    return d->json ? 0 : -EINVAL;
}

void wire_doc_release(struct wire_doc *d)
{
    json_decref(d->json);
    orc_vec_release(&d->values);
    d->json = NULL;
}

int64_t wire_int(const json_t *obj, const char *name)
{
    int64_t v = 0;
    const json_t *j = json_object_get(obj, name);

    return j && orc_json_int64_any(j, &v) == 0 ? v : 0;
}

uint64_t wire_uint(const json_t *obj, const char *name)
{
    const json_t *j = json_object_get(obj, name);
    const char *s = json_string_value(j);
    unsigned long long v;
    char *end = NULL;

    if (json_is_integer(j))
        return (uint64_t)json_integer_value(j);
    if (!s || *s < '0' || *s > '9')
        return 0;
    errno = 0;
    v = strtoull(s, &end, 10);
    return *end || errno ? 0 : v;
}

bool wire_bool(const json_t *obj, const char *name)
{
    return json_is_true(json_object_get(obj, name));
}

void wire_header(const json_t *obj, uint64_t *ret_cluster_id, int64_t *ret_revision)
{
    const json_t *header = json_object_get(obj, "header");

    *ret_cluster_id = wire_uint(header, "cluster_id");
    *ret_revision = wire_int(header, "revision");
}

/* obj.name decoded; an absent one is empty. */
static int bytes(const json_t *obj, const char *name, char **ret, size_t *ret_n)
{
    const json_t *j = json_object_get(obj, name);

    if (j && !json_is_string(j))
        return -EINVAL;
    return base64_decode(j ? json_string_value(j) : "", j ? json_string_length(j) : 0, ret, ret_n);
}

int wire_kv_head(const json_t *obj, struct etcd_kv *ret)
{
    char *key = NULL;
    size_t n = 0;

    if (bytes(obj, "key", &key, &n) < 0)
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        if (!key[i])
            key[i] = '?';
    *ret = (struct etcd_kv){.key = key,
                            .create_revision = wire_int(obj, "create_revision"),
                            .mod_revision = wire_int(obj, "mod_revision"),
                            .version = wire_int(obj, "version"),
                            .lease = wire_int(obj, "lease")};
    return 0;
}

int wire_kv_value(const struct wire_doc *d, const json_t *obj, struct etcd_kv *kv)
{
    const json_t *j = json_object_get(obj, "value");
    json_int_t i = json_integer_value(j);
    char *value = NULL;
    int r;

    if (!json_is_integer(j))
        r = bytes(obj, "value", &value, &kv->value_len);
    else if (i >= 0 && (size_t)i < d->values.n)
        r = base64_decode(d->values.at[i].at, d->values.at[i].n, &value, &kv->value_len);
    else
        r = -EINVAL;
    if (r == 0)
        kv->value = value;
    return r;
}

void wire_kv_release(struct etcd_kv *kv)
{
    free((char *)kv->key);
    free((char *)kv->value);
    *kv = (struct etcd_kv){0};
}

void wire_kvs_release(struct wire_kvs *v)
{
    for (size_t i = 0; i < v->n; i++)
        wire_kv_release(&v->at[i]);
    orc_vec_release(v);
}

int wire_kvs_add(const struct wire_doc *d, const json_t *obj, struct wire_kvs *v, struct orc_err *err)
{
    const json_t *list = json_object_get(obj, "kvs"), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        struct etcd_kv kv = {0};

        if (wire_kv_head(item, &kv) < 0 || wire_kv_value(d, item, &kv) < 0) {
            wire_kv_release(&kv);
            return orc_fail(err, -EPROTO, "the answer's key %zu is not as etcd writes keys", i);
        }
        orc_vec_push(v, kv);
    }
    return 0;
}
