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

int wire_kv_value(const json_t *obj, struct etcd_kv *kv)
{
    char *value = NULL;
    int r = bytes(obj, "value", &value, &kv->value_len);

    if (r == 0)
        kv->value = value;
    return r;
}

int wire_kv(const json_t *obj, struct etcd_kv *ret)
{
    struct etcd_kv kv = {0};

    if (wire_kv_head(obj, &kv) < 0 || wire_kv_value(obj, &kv) < 0) {
        wire_kv_release(&kv);
        return -EINVAL;
    }
    *ret = kv;
    return 0;
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

int wire_kvs_add(const json_t *obj, struct wire_kvs *v, struct orc_err *err)
{
    const json_t *list = json_object_get(obj, "kvs"), *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        struct etcd_kv kv;

        if (wire_kv(item, &kv) < 0)
            return orc_fail(err, -EPROTO, "the answer's key %zu is not as etcd writes keys", i);
        orc_vec_push(v, kv);
    }
    return 0;
}
