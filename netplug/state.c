#include "netplug/state.h"

#include "lib/file.h"
#include "lib/json.h"
#include "netplug/sysctl.h"

#include <stdio.h>
#include <sys/socket.h>
#include <time.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* asm-generic/socket.h; since Linux 5.14 */
#endif

#define STATE_FILE "takeover.json"
#define STATE_VERSION 1
#define STATE_MAX_BYTES (8 << 20)

void netplug_state_release(struct netplug_state *state)
{
    link_taken_release(&state->taken);
    *state = (struct netplug_state){0};
}

uint64_t state_clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* "boot id/namespace": differs whenever the kernel's links can't be the ones of the record. */
static char *where(void)
{
    char boot[SYSCTL_MAX] = "";
    uint64_t cookie = 0;
    socklen_t n = sizeof cookie;
    orc_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    sysctl_read("kernel/random/boot_id", boot, NULL);
    if (fd >= 0)
        getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie,
                   &n); /* older kernels: 0, the boot id alone counts */
    return orc_printf("%.64s/%llu", boot, (unsigned long long)cookie);
}

static json_t *taken_json(const struct link_taken *t)
{
    const struct link_addr *a;
    const struct link_route *r;
    json_t *addrs = json_array(), *routes = json_array();

    orc_vec_each (a, &t->addrs)
        json_array_append_new(addrs, link_addr_json(a));
    orc_vec_each (r, &t->routes)
        json_array_append_new(routes, link_route_json(r));
    return json_pack("{ss ss si so sb sb sb sb sb sb sb so so}", "interface", t->interface, "port", t->port,
                     "vlan", t->vlan, "own", link_addr_json(&t->own), "bridge_made", t->bridge_made,
                     "vlan_made", t->vlan_made, "bridge_first", t->bridge_first, "joined_first",
                     t->joined_first, "port_up", t->port_up, "interface_up", t->interface_up, "moved",
                     t->moved, "addresses", addrs, "routes", routes);
}

static int get_name(const json_t *j, const char *key, char ret[LINK_NAME_MAX], struct orc_err *err)
{
    orc_auto_free char *s = NULL;
    int r = orc_json_str(j, key, LINK_NAME_MAX - 1, &s, err);

    if (r < 0 || (s[0] && (r = link_name_check(s, err)) < 0))
        return r;
    snprintf(ret, LINK_NAME_MAX, "%s", s);
    return 0;
}

static int read_addrs(const json_t *j, struct link_taken *t, struct orc_err *err)
{
    json_t *list = NULL, *item;
    size_t i;
    int r = orc_json_arr_opt(j, "addresses", &list, err);

    json_array_foreach(list, i, item)
    {
        struct link_addr a = {0};

        if (r < 0 || (r = link_addr_from_json(item, &a, err)) < 0)
            return r;
        orc_vec_push(&t->addrs, a);
    }
    return r;
}

static int read_routes(const json_t *j, struct link_taken *t, struct orc_err *err)
{
    json_t *list = NULL, *item;
    size_t i;
    int r = orc_json_arr_opt(j, "routes", &list, err);

    json_array_foreach(list, i, item)
    {
        struct link_route v = {0};

        if (r < 0 || (r = link_route_from_json(item, &v, err)) < 0)
            return r;
        orc_vec_push(&t->routes, v);
    }
    return r;
}

static int read_taken(const json_t *j, struct link_taken *t, struct orc_err *err)
{
    json_t *own = NULL;
    int64_t vlan = 0;
    int r;

    if ((r = get_name(j, "interface", t->interface, err)) < 0 ||
        (r = get_name(j, "port", t->port, err)) < 0 ||
        (r = orc_json_int_opt(j, "vlan", 0, 4094, &vlan, err)) < 0 ||
        (r = orc_json_obj_opt(j, "own", &own, err)) < 0)
        return r;
    if (own && (r = link_addr_from_json(own, &t->own, err)) < 0)
        return r;
    if ((r = orc_json_bool_opt(j, "bridge_made", &t->bridge_made, err)) < 0 ||
        (r = orc_json_bool_opt(j, "vlan_made", &t->vlan_made, err)) < 0 ||
        (r = orc_json_bool_opt(j, "bridge_first", &t->bridge_first, err)) < 0 ||
        (r = orc_json_bool_opt(j, "joined_first", &t->joined_first, err)) < 0 ||
        (r = orc_json_bool_opt(j, "port_up", &t->port_up, err)) < 0 ||
        (r = orc_json_bool_opt(j, "interface_up", &t->interface_up, err)) < 0 ||
        (r = orc_json_bool_opt(j, "moved", &t->moved, err)) < 0 || (r = read_addrs(j, t, err)) < 0)
        return r;
    t->vlan = (int)vlan;
    t->active = true;
    return read_routes(j, t, err);
}

static int read_state(const json_t *j, struct netplug_state *s, struct orc_err *err)
{
    orc_auto_free char *token = NULL;
    json_t *taken = NULL;
    int64_t version, deadline = 0;
    int r;

    if ((r = orc_json_int(j, "version", STATE_VERSION, STATE_VERSION, &version, err)) < 0 ||
        (r = orc_json_str(j, "token", STATE_TOKEN_LEN, &token, err)) < 0 ||
        (r = orc_json_bool_opt(j, "confirmed", &s->confirmed, err)) < 0 ||
        (r = orc_json_int_opt(j, "deadline_ms", 0, INT64_MAX, &deadline, err)) < 0 ||
        (r = orc_json_obj_opt(j, "taken", &taken, err)) < 0)
        return r;
    if (!taken)
        return orc_fail(err, -EINVAL, "\"taken\" is missing");
    snprintf(s->token, sizeof s->token, "%s", token);
    s->deadline_ms = (uint64_t)deadline;
    return read_taken(taken, &s->taken, err);
}

int netplug_state_read(const char *dir, struct netplug_state *ret, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/%s", dir, STATE_FILE), *text = NULL, *here = where(),
                       *there = NULL;
    orc_auto_json json_t *j = NULL;
    struct netplug_state state = {0};
    size_t n;
    int r = orc_file_read(path, STATE_MAX_BYTES, &text, &n, err);

    *ret = (struct netplug_state){0};
    if (r == -ENOENT)
        return STATE_NONE;
    if (r < 0)
        return r;
    j = orc_json_parse(text, n, err);
    if (!j || !json_is_object(j) || orc_json_str(j, "where", 128, &there, err) < 0) {
        orc_wrap(err, "%s", path);
        return -EINVAL;
    }
    if (strcmp(here, there) != 0)
        return STATE_OTHER_BOOT;
    r = read_state(j, &state, err);
    if (r < 0) {
        orc_wrap(err, "%s", path);
        netplug_state_release(&state);
        return r;
    }
    *ret = state;
    return 0;
}

int netplug_state_write(const char *dir, const struct netplug_state *s, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/%s", dir, STATE_FILE), *here = where(), *text = NULL;
    orc_auto_json json_t *j = NULL;

    if (!s->taken.active) {
        if (unlink(path) < 0 && errno != ENOENT)
            return orc_fail_errno(err, errno, "remove %s", path);
        return 0;
    }
    j = json_pack("{si ss ss sb sI so}", "version", STATE_VERSION, "where", here, "token", s->token,
                  "confirmed", s->confirmed, "deadline_ms", (json_int_t)s->deadline_ms, "taken",
                  taken_json(&s->taken));
    text = orc_json_text(j);
    return orc_file_write(path, text, strlen(text), 0600, err);
}

int netplug_state_set_aside(const char *dir, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/%s", dir, STATE_FILE), *aside = orc_printf("%s.damaged", path);

    if (rename(path, aside) < 0)
        return orc_fail_errno(err, errno, "rename %s", path);
    return 0;
}
