#include "netplug/protocol.h"

#define MAX_TEXT 128 /* of a name, an address, a token */
#define MAX_CLAUSE 1024

static const struct {
    int error;
    const char *name;
} errors[] = {
    {-EINVAL, "EINVAL"},     {-EACCES, "EACCES"}, {-EPERM, "EPERM"},   {-EOPNOTSUPP, "EOPNOTSUPP"},
    {-ENODEV, "ENODEV"},     {-EEXIST, "EEXIST"}, {-ESTALE, "ESTALE"}, {-EIO, "EIO"},
    {-EMSGSIZE, "EMSGSIZE"}, {-EBUSY, "EBUSY"},
};

const char *protocol_error_name(int error)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(errors); i++)
        if (errors[i].error == error)
            return errors[i].name;
    return "EIO";
}

int protocol_error_from_name(const char *name)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(errors); i++)
        if (orc_streq(errors[i].name, name))
            return errors[i].error;
    return -EIO;
}

/* A string that stays j's; untouched when absent. */
static int borrow(const json_t *j, const char *key, const char **ret, struct orc_err *err)
{
    const json_t *v = json_object_get(j, key);

    if (!v || json_is_null(v))
        return 0;
    if (!json_is_string(v))
        return orc_fail(err, -EINVAL, "\"%s\": expected a string.", key);
    if (json_string_length(v) > MAX_TEXT || strlen(json_string_value(v)) != json_string_length(v))
        return orc_fail(err, -EINVAL, "\"%s\": expected at most %d characters, none of them NUL.", key,
                        MAX_TEXT);
    *ret = json_string_value(v);
    return 0;
}

static int get_int(const json_t *j, const char *key, int *ret, struct orc_err *err)
{
    int64_t v = *ret;
    int r = orc_json_int_opt(j, key, INT32_MIN, INT32_MAX, &v, err);

    if (r == 0)
        *ret = (int)v;
    return r;
}

static json_t *strings(const struct orc_strv *v)
{
    json_t *list = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(list, json_string(v->at[i]));
    return list;
}

/* --- requests --- */

json_t *protocol_bridge_req(const struct netplug_bridge_req *req)
{
    json_t *j = json_pack("{ss}", "op", "bridge");

    orc_json_set_str(j, "mode", req->mode);
    orc_json_set_str(j, "interface", req->interface ? req->interface : "");
    json_object_set_new(j, "vlan", json_integer(req->vlan));
    orc_json_set_str(j, "address", req->address);
    json_object_set_new(j, "mtu", json_integer(req->mtu));
    if (req->confirm_within_ms)
        json_object_set_new(j, "confirm_within_ms", json_integer((json_int_t)req->confirm_within_ms));
    return j;
}

int protocol_read_bridge_req(const json_t *j, struct netplug_bridge_req *ret, struct orc_err *err)
{
    struct netplug_bridge_req req = {0};
    int64_t confirm = 0;
    int r;

    if ((r = borrow(j, "mode", &req.mode, err)) < 0 ||
        (r = borrow(j, "interface", &req.interface, err)) < 0 ||
        (r = get_int(j, "vlan", &req.vlan, err)) < 0 || (r = borrow(j, "address", &req.address, err)) < 0 ||
        (r = get_int(j, "mtu", &req.mtu, err)) < 0 ||
        (r = orc_json_int_opt(j, "confirm_within_ms", 0, INT64_MAX, &confirm, err)) < 0)
        return r;
    req.confirm_within_ms = (uint64_t)confirm;
    *ret = req;
    return 0;
}

json_t *protocol_confirm_req(const char *token)
{
    return json_pack("{ss ss}", "op", "confirm", "token", token);
}

int protocol_read_confirm_req(const json_t *j, const char **ret_token, struct orc_err *err)
{
    const char *token = NULL;
    int r = borrow(j, "token", &token, err);

    if (r < 0)
        return r;
    if (!token)
        return orc_fail(err, -EINVAL,
                        "\"token\" is missing: the one from the answer to \"bridge\" is expected.");
    *ret_token = token;
    return 0;
}

json_t *protocol_probe_req(const struct netplug_probe_req *req)
{
    json_t *j = json_pack("{ss si si si}", "op", "probe", "mtu", req->mtu, "timeout_ms", req->timeout_ms,
                          "count", req->count);
    json_t *peers = json_array();

    for (size_t i = 0; i < req->peers->n; i++)
        json_array_append_new(peers, json_pack("{ss}", "address", req->peers->at[i]));
    json_object_set_new(j, "peers", peers);
    orc_json_set_str(j, "source", req->source);
    return j;
}

int protocol_read_probe_req(const json_t *j, struct netplug_probe_req *ret, struct orc_strv *peers,
                            struct orc_err *err)
{
    struct netplug_probe_req req = {.peers = peers};
    json_t *list = NULL, *item;
    size_t i;
    int r;

    if ((r = orc_json_arr_opt(j, "peers", &list, err)) < 0 || (r = get_int(j, "mtu", &req.mtu, err)) < 0 ||
        (r = get_int(j, "timeout_ms", &req.timeout_ms, err)) < 0 ||
        (r = get_int(j, "count", &req.count, err)) < 0 || (r = borrow(j, "source", &req.source, err)) < 0)
        return r;
    json_array_foreach(list, i, item)
    {
        orc_auto_free char *address = NULL;

        if ((r = orc_json_str(item, "address", MAX_TEXT, &address, err)) < 0) {
            orc_wrap(err, "peers[%zu]", i);
            return r;
        }
        orc_strv_add(peers, address);
    }
    *ret = req;
    return 0;
}

/* --- results --- */

json_t *protocol_bridge_res(const struct netplug_bridge_res *res)
{
    return json_pack("{si sb sb ss sI so so}", "mtu", res->mtu, "changed", res->changed, "must_confirm",
                     res->must_confirm, "token", res->token ? res->token : "", "confirm_left_ms",
                     (json_int_t)res->confirm_left_ms, "addresses", strings(&res->addresses), "steps",
                     strings(&res->steps));
}

int protocol_read_bridge_res(const json_t *j, struct netplug_bridge_res *ret, struct orc_err *err)
{
    int64_t left = 0;
    int r;

    if ((r = get_int(j, "mtu", &ret->mtu, err)) < 0 ||
        (r = orc_json_bool_opt(j, "changed", &ret->changed, err)) < 0 ||
        (r = orc_json_bool_opt(j, "must_confirm", &ret->must_confirm, err)) < 0 ||
        (r = orc_json_str(j, "token", MAX_TEXT, &ret->token, err)) < 0 ||
        (r = orc_json_int_opt(j, "confirm_left_ms", 0, INT64_MAX, &left, err)) < 0 ||
        (r = orc_json_strv_opt(j, "addresses", MAX_TEXT, &ret->addresses, err)) < 0 ||
        (r = orc_json_strv_opt(j, "steps", MAX_CLAUSE, &ret->steps, err)) < 0)
        return r;
    ret->confirm_left_ms = (uint64_t)left;
    return 0;
}

json_t *protocol_probe_res(const struct netplug_probe_res *res)
{
    const struct netplug_peer *p;
    json_t *peers = json_array();

    orc_vec_each (p, &res->peers)
        json_array_append_new(peers,
                              json_pack("{ss sb ss si sI si si ss}", "address", p->address, "ok",
                                        p->path == NETPLUG_PATH_OK, "path", netplug_path_name(p->path),
                                        "path_mtu", p->path_mtu, "rtt_us", (json_int_t)p->rtt_us, "sent",
                                        p->sent, "received", p->received, "reason", p->reason));
    return json_pack("{so}", "peers", peers);
}

static int read_peer(const json_t *j, struct netplug_peer *p, struct orc_err *err)
{
    orc_auto_free char *path = NULL;
    int r;

    if ((r = orc_json_str(j, "address", MAX_TEXT, &p->address, err)) < 0 ||
        (r = orc_json_str(j, "path", MAX_TEXT, &path, err)) < 0 ||
        (r = get_int(j, "path_mtu", &p->path_mtu, err)) < 0 ||
        (r = orc_json_int(j, "rtt_us", -1, INT64_MAX, &p->rtt_us, err)) < 0 ||
        (r = get_int(j, "sent", &p->sent, err)) < 0 || (r = get_int(j, "received", &p->received, err)) < 0 ||
        (r = orc_json_str(j, "reason", MAX_CLAUSE, &p->reason, err)) < 0)
        return r;
    if (netplug_path_from_name(path, &p->path) < 0)
        return orc_fail(err, -EINVAL, "\"path\": unknown value \"%s\"", path);
    return 0;
}

int protocol_read_probe_res(const json_t *j, struct netplug_probe_res *ret, struct orc_err *err)
{
    json_t *list = NULL, *item;
    size_t i;
    int r = orc_json_arr_opt(j, "peers", &list, err);

    json_array_foreach(list, i, item)
    {
        if (r < 0 || (r = read_peer(item, orc_vec_add(&ret->peers), err)) < 0)
            return r;
    }
    return r;
}

json_t *protocol_links_res(const struct netplug_links_res *res)
{
    const struct netplug_link *l;
    json_t *links = json_array();

    orc_vec_each (l, &res->links)
        json_array_append_new(links, json_pack("{ss si ss si sb sb ss ss so}", "name", l->name, "index",
                                               l->index, "kind", l->kind, "mtu", l->mtu, "up", l->up,
                                               "running", l->running, "mac", l->mac, "master", l->master,
                                               "addresses", strings(&l->addresses)));
    return json_pack("{so}", "links", links);
}

static int read_link(const json_t *j, struct netplug_link *l, struct orc_err *err)
{
    int r;

    if ((r = orc_json_str(j, "name", MAX_TEXT, &l->name, err)) < 0 ||
        (r = get_int(j, "index", &l->index, err)) < 0 ||
        (r = orc_json_str(j, "kind", MAX_TEXT, &l->kind, err)) < 0 ||
        (r = get_int(j, "mtu", &l->mtu, err)) < 0 || (r = orc_json_bool_opt(j, "up", &l->up, err)) < 0 ||
        (r = orc_json_bool_opt(j, "running", &l->running, err)) < 0 ||
        (r = orc_json_str(j, "mac", MAX_TEXT, &l->mac, err)) < 0 ||
        (r = orc_json_str(j, "master", MAX_TEXT, &l->master, err)) < 0)
        return r;
    return orc_json_strv_opt(j, "addresses", MAX_TEXT, &l->addresses, err);
}

int protocol_read_links_res(const json_t *j, struct netplug_links_res *ret, struct orc_err *err)
{
    json_t *list = NULL, *item;
    size_t i;
    int r = orc_json_arr_opt(j, "links", &list, err);

    json_array_foreach(list, i, item)
    {
        if (r < 0 || (r = read_link(item, orc_vec_add(&ret->links), err)) < 0)
            return r;
    }
    return r;
}

/* --- the envelope --- */

static json_t *envelope(uint64_t id, bool ok)
{
    json_t *j = json_object();

    if (id)
        json_object_set_new(j, "id", json_integer((json_int_t)id));
    json_object_set_new(j, "ok", json_boolean(ok));
    return j;
}

json_t *protocol_answer(uint64_t id, json_t *result)
{
    json_t *j = envelope(id, true);

    if (result)
        json_object_set_new(j, "result", result);
    return j;
}

json_t *protocol_refusal(uint64_t id, int error, const char *message)
{
    json_t *j = envelope(id, false), *text = json_string(message);

    orc_json_set_str(j, "error", protocol_error_name(error));
    json_object_set_new(j, "message", text ? text : json_string("(a message that is not UTF-8)"));
    return j;
}

int protocol_read_id(const json_t *j, uint64_t *ret, struct orc_err *err)
{
    int64_t id = 0;
    int r = orc_json_int_opt(j, "id", 0, INT64_MAX, &id, err);

    if (r == 0)
        *ret = (uint64_t)id;
    return r;
}

int protocol_read_answer(const json_t *j, const json_t **ret_result, struct orc_err *err)
{
    orc_auto_free char *name = NULL, *message = NULL;
    json_t *result = NULL;
    bool ok = false;
    int r;

    if ((r = orc_json_bool_opt(j, "ok", &ok, err)) < 0 ||
        (r = orc_json_obj_opt(j, "result", &result, err)) < 0)
        return r;
    if (ok) {
        *ret_result = result;
        return 0;
    }
    if ((r = orc_json_str(j, "error", MAX_TEXT, &name, err)) < 0 ||
        (r = orc_json_str(j, "message", 2 * ORC_ERR_MAX, &message, err)) < 0)
        return r;
    return orc_fail(err, protocol_error_from_name(name), "%s", message);
}
