/* wire.h - the JSON of etcd's gateway (etcdserverpb as JSON): bodies made, answers taken apart.
 *
 * Hides that bytes are base64, that int64 are strings, that zero values are left out. It must not know HTTP.
 * Source: etcd's api_grpc_gateway and rpc.proto, 3.4.
 */
#ifndef STATE_WIRE_H
#define STATE_WIRE_H

#include "lib/buf.h"
#include "lib/json.h"
#include "state/etcd.h"

#define WIRE_BODY_MAX (8u * 1024 * 1024)    /* bytes of a request */
#define WIRE_ANSWER_MAX (64u * 1024 * 1024) /* bytes of an answer, or of one message of a stream */

/* "name":"<base64>" and, for ints, "name":"<decimal>"; a comma goes in front unless the text so far ends in
 * '{' or '['. */
void wire_add_bytes(struct orc_buf *b, const char *name, const void *data, size_t n);
void wire_add_str(struct orc_buf *b, const char *name, const char *s);
void wire_add_int(struct orc_buf *b, const char *name, int64_t v);
/* range_end of all keys that begin with the prefix. */
void wire_add_prefix_end(struct orc_buf *b, const char *prefix);
/* The first text behind all that begin with `prefix`; "" when there is none (etcd then wants "\0"). Freed by
 * the caller. */
char *wire_prefix_end(const char *prefix);

/* A document of etcd's. Most of it are values in base64, which need no reading as JSON: long ones stay where
 * they stand in the text, and in `json` a "value" is then its number among them. */
struct wire_doc {
    json_t *json;
    struct wire_values {
        struct wire_value {
            const char *at;
            size_t n;
        } * at;
        size_t n, cap;
    } values;
};
/* The text is kept by the caller until the release, which takes a zeroed one, too. 0, or -EINVAL with `json`
 * NULL. */
int wire_doc_parse(struct wire_doc *d, const char *text, size_t n, struct orc_err *err);
void wire_doc_release(struct wire_doc *d);

struct wire_kvs {
    struct etcd_kv *at; /* strings owned */
    size_t n, cap;
};
void wire_kvs_release(struct wire_kvs *v);

int64_t wire_int(const json_t *obj, const char *name);   /* 0 when absent or no int64 */
uint64_t wire_uint(const json_t *obj, const char *name); /* likewise */
bool wire_bool(const json_t *obj, const char *name);

/* cluster_id and revision of obj.header into ret; absent members leave 0. */
void wire_header(const json_t *obj, uint64_t *ret_cluster_id, int64_t *ret_revision);
/* One key-value object in two halves, as the key may decide whether the value is worth decoding. A NUL inside
 * a key becomes '?': no name of ours has either, and cut short it could pass for another key. 0 or -EINVAL.
 */
int wire_kv_head(const json_t *obj, struct etcd_kv *ret);
int wire_kv_value(const struct wire_doc *d, const json_t *obj, struct etcd_kv *kv);
void wire_kv_release(struct etcd_kv *kv);
/* Appends obj.kvs, of an object within d. */
int wire_kvs_add(const struct wire_doc *d, const json_t *obj, struct wire_kvs *v, struct orc_err *err);

#endif
