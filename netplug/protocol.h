/* protocol.h - the wire between netplug and who asks it: one JSON document per line, both ways, over a unix
 * socket.
 *
 *   {"id":1,"op":"bridge","interface":"eth1","vlan":0,"address":"10.210.1.1/16","mtu":0}
 *   {"id":1,"ok":true,"result":{"mtu":1450,"changed":true,...}}
 *   {"id":2,"ok":false,"error":"ENODEV","message":"There is no interface \"eth7\"; ..."}
 *
 * Answers come in any order; one without an id is about the connection itself. Converts between JSON and the
 * structs of netplug/types.h, for both ends; checks types, ranges and lengths of everything it reads. Knows
 * no sockets.
 */
#ifndef NETPLUG_PROTOCOL_H
#define NETPLUG_PROTOCOL_H

#include "lib/err.h"
#include "lib/json.h"
#include "netplug/types.h"

#define PROTOCOL_MAX_REQUEST 65536    /* bytes of a line, newline included */
#define PROTOCOL_MAX_ANSWER (1 << 20) /* the same */

/* The name of a (negative) errno as it goes over the wire, "EIO" for what has none there; and back. */
const char *protocol_error_name(int error);
int protocol_error_from_name(const char *name); /* negative; -EIO when unknown */

/* Requests. New references; what they are made from is borrowed. */
json_t *protocol_bridge_req(const struct netplug_bridge_req *req);
json_t *protocol_confirm_req(const char *token);
json_t *protocol_probe_req(const struct netplug_probe_req *req);
/* Strings in *ret are borrowed from j. */
int protocol_read_bridge_req(const json_t *j, struct netplug_bridge_req *ret, struct orc_err *err);
int protocol_read_confirm_req(const json_t *j, const char **ret_token, struct orc_err *err);
/* ret->peers is set to *peers, which the caller releases. */
int protocol_read_probe_req(const json_t *j, struct netplug_probe_req *ret, struct orc_strv *peers,
                            struct orc_err *err);

/* Results. New references. The readers leave *ret, which must be zeroed, to be cleared by the caller, also on
 * failure. */
json_t *protocol_bridge_res(const struct netplug_bridge_res *res);
json_t *protocol_probe_res(const struct netplug_probe_res *res);
json_t *protocol_links_res(const struct netplug_links_res *res);
int protocol_read_bridge_res(const json_t *j, struct netplug_bridge_res *ret, struct orc_err *err);
int protocol_read_probe_res(const json_t *j, struct netplug_probe_res *ret, struct orc_err *err);
int protocol_read_links_res(const json_t *j, struct netplug_links_res *ret, struct orc_err *err);

/* Answers. id 0: about the connection. result is taken over, NULL allowed. */
json_t *protocol_answer(uint64_t id, json_t *result);
json_t *protocol_refusal(uint64_t id, int error, const char *message);

/* Every document's id, 0 when it has none. */
int protocol_read_id(const json_t *j, uint64_t *ret, struct orc_err *err);
/* 0 and *ret_result (borrowed, may be NULL); or the refusal's error with its message in err. */
int protocol_read_answer(const json_t *j, const json_t **ret_result, struct orc_err *err);

#endif
