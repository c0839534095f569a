#include "gateway/control.h"

#include "gateway/table.h"

#include "lib/units.h"

struct orc_http_call *gw_control_ask(struct orc_http *http, const char *dir, const char *path,
                                     const char *body,
                                     void (*on_done)(const struct orc_http_res *res, void *arg), void *arg)
{
    orc_auto_free char *url = orc_printf("http://nginx%s", path);
    orc_auto_free char *socket = orc_printf("%s/control/nginx.sock", dir);
    struct orc_http_req req = {
        .method = body ? "PUT" : "GET",
        .url = url,
        .unix_socket = socket,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .timeout_ms = 2000,
        .max_body = GW_TABLE_TEXT_MAX,
        .on_done = on_done,
        .arg = arg,
    };

    return orc_http_start(http, &req);
}

int gw_control_read_state(const char *body, struct gw_control_state *ret)
{
    orc_auto_free char *copy = orc_strdup(body);
    char *s = copy, *word[4] = {NULL};
    struct gw_control_state got = {0};
    int64_t master;

    copy[strcspn(copy, "\n")] = '\0';
    for (int i = 0; i < 4; i++)
        if (!(word[i] = strsep(&s, " ")))
            return -EINVAL;
    if (s || strcmp(word[0], "orc1") != 0 || orc_parse_int(word[1], 0, UINT32_MAX, &got.version, NULL) < 0 ||
        orc_parse_int(word[2], 0, 1 << 30, &master, NULL) < 0 || strlen(word[3]) != GW_CONF_HASH_MAX - 1)
        return -EINVAL;
    got.master = (pid_t)master;
    memcpy(got.hash, word[3], sizeof got.hash);
    *ret = got;
    return 0;
}
