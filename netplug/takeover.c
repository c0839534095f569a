#include "netplug/takeover.h"

#include "lib/file.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "netplug/link_apply.h"
#include "netplug/link_read.h"
#include "netplug/link_text.h"
#include "netplug/state.h"
#include "netplug/sysctl.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <sys/file.h>

#define BACK_RETRY_MS 5000
#define CONFIRM_MIN_MS 1000
#define CONFIRM_MAX_MS 600000

struct takeover {
    struct netlink nl;
    uv_timer_t timer;
    char *state_dir;
    int lock_fd;
    struct netplug_state state;
    struct orc_log_once back_failing;
};

static bool is_pending(const struct takeover *t)
{
    return t->state.taken.active && t->state.taken.port[0] && !t->state.confirmed;
}

static uint64_t time_left(const struct takeover *t)
{
    uint64_t now = state_clock_ms();

    return is_pending(t) && t->state.deadline_ms > now ? t->state.deadline_ms - now : 0;
}

/* --- putting back --- */

/* After a putting-back that left the bridge which had been there before its port. */
static void forget_port(struct link_taken *taken)
{
    struct link_taken kept = {
        .active = true, .bridge_made = taken->bridge_made, .own = taken->own, .moved = true};

    link_taken_release(taken);
    *taken = kept;
}

static int put_back(struct takeover *t, bool all, struct orc_err *err)
{
    struct link_set now = {0};
    struct link_plan plan = {0};
    bool keep = !all && t->state.taken.bridge_first;
    int r = link_read(&t->nl, &now, err);

    if (r < 0)
        return r;
    link_plan_back(&now, &t->state.taken, all, &plan);
    link_set_release(&now);
    r = link_apply_all(&t->nl, &plan, err);
    link_plan_release(&plan);
    if (r < 0)
        return r;
    if (keep)
        forget_port(&t->state.taken);
    else
        netplug_state_release(&t->state);
    t->state.confirmed = true;
    t->state.token[0] = '\0';
    return netplug_state_write(t->state_dir, &t->state, err);
}

static void on_timer(uv_timer_t *timer);

static void arm(struct takeover *t)
{
    uv_update_time(t->timer.loop);
    if (is_pending(t))
        uv_timer_start(&t->timer, on_timer, time_left(t), 0);
    else
        uv_timer_stop(&t->timer);
}

/* Why: a clause that ends "... : everything is as it was before". */
static void put_back_unconfirmed(struct takeover *t, const char *why)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *port = orc_strdup(t->state.taken.port);

    if (put_back(t, false, &err) < 0) {
        orc_log_begin(&t->back_failing, ORC_LOG_ERROR,
                      "%s could not be put back (tried again every %d s): %s", port, BACK_RETRY_MS / 1000,
                      err.msg);
        uv_timer_start(&t->timer, on_timer, BACK_RETRY_MS, 0);
        return;
    }
    orc_log_end(&t->back_failing, "%s could be put back", port);
    orc_warn("%s %s: %s is as it was before", port, why, port);
    arm(t);
}

static void on_timer(uv_timer_t *timer)
{
    put_back_unconfirmed(timer->data, "was taken over and not confirmed in time");
}

/* --- bridge --- */

/* What a change is recorded as before it is made. */
static void prepare(struct netplug_state *next, const struct link_plan *plan, bool first, uint64_t confirm_ms)
{
    if (!plan->takes_over) {
        if (first)
            next->confirmed = true; /* there is nothing to confirm */
        return;
    }
    orc_random_hex(STATE_TOKEN_LEN, next->token);
    next->confirmed = false;
    next->deadline_ms = state_clock_ms() + confirm_ms;
}

static void copy_state(struct netplug_state *dst, const struct netplug_state *src)
{
    *dst = *src;
    link_taken_copy(&dst->taken, &src->taken);
}

static void replace_state(struct takeover *t, struct netplug_state *next)
{
    netplug_state_release(&t->state);
    t->state = *next;
    *next = (struct netplug_state){0};
}

/* Record, change, record that it is done. A failed change leaves the machine and the record as they were. */
static int carry_out(struct takeover *t, struct netplug_state *next, const struct link_plan *plan,
                     struct orc_err *err)
{
    int r = netplug_state_write(t->state_dir, next, err);

    if (r < 0) {
        orc_wrap(err, "nothing was changed, since its undoing can't be recorded");
        return -EIO;
    }
    r = link_apply(&t->nl, plan, err);
    if (r < 0) {
        netplug_state_write(t->state_dir, &t->state, NULL);
        return r == -EOPNOTSUPP ? r : -EIO;
    }
    next->taken.moved = true;
    replace_state(t, next);
    r = netplug_state_write(t->state_dir, &t->state, err);
    if (r < 0)
        orc_wrap(err, "the change is made but not recorded as done");
    return r < 0 ? -EIO : 0;
}

static void describe(const struct takeover *t, const struct link_want *want, const struct link_plan *plan,
                     struct netplug_bridge_res *ret)
{
    const struct link_op *op;

    ret->mtu = want->mtu;
    ret->changed = plan->ops.n > 0;
    ret->must_confirm = is_pending(t);
    ret->token = orc_strdup(ret->must_confirm ? t->state.token : "");
    ret->confirm_left_ms = time_left(t);
    orc_vec_each (op, &plan->ops) {
        orc_auto_free char *text = link_op_text(op);

        orc_strv_add(&ret->steps, text);
    }
}

static int list_addresses(struct takeover *t, struct orc_strv *ret, struct orc_err *err)
{
    struct link_set now = {0};
    const struct link *bridge;
    const struct link_addr *a;
    char text[LINK_TEXT_MAX];
    int r = link_read(&t->nl, &now, err);

    bridge = r < 0 ? NULL : link_find(&now, NETPLUG_BRIDGE);
    if (bridge)
        orc_vec_each (a, &bridge->addrs)
            if (a->scope != RT_SCOPE_LINK)
                orc_strv_add(ret, link_addr_text(a, text));
    link_set_release(&now);
    return r;
}

static bool is_forwarding(void)
{
    char value[SYSCTL_MAX];

    return sysctl_read(SYSCTL_FORWARD, value, NULL) == 0 && strcmp(value, "1") == 0;
}

static int check_confirm(uint64_t *ms, struct orc_err *err)
{
    if (*ms == 0)
        *ms = NETPLUG_CONFIRM_MS;
    if (*ms < CONFIRM_MIN_MS || *ms > CONFIRM_MAX_MS)
        return orc_fail(err, -EINVAL, "confirm_within_ms %llu is out of range: %d..%d are possible.",
                        (unsigned long long)*ms, CONFIRM_MIN_MS, CONFIRM_MAX_MS);
    return 0;
}

static int make_bridge(struct takeover *t, const struct netplug_bridge_req *req, const struct link_set *now,
                       struct netplug_bridge_res *ret, struct orc_err *err)
{
    struct netplug_state next = {0};
    struct link_plan plan = {0};
    struct link_want want = {0};
    uint64_t confirm_ms = req->confirm_within_ms;
    int r = check_confirm(&confirm_ms, err);

    if (r < 0 || (r = link_want_resolve(req, now, &t->state.taken, &want, err)) < 0)
        return r;
    copy_state(&next, &t->state);
    link_take(&next.taken, now, &want);
    link_plan_bridge(now, &want, &next.taken, is_forwarding(), &plan);
    prepare(&next, &plan, !t->state.taken.active, confirm_ms);
    if (plan.ops.n > 0 || !t->state.taken.active)
        r = carry_out(t, &next, &plan, err);
    if (r == 0)
        describe(t, &want, &plan, ret);
    link_plan_release(&plan);
    netplug_state_release(&next);
    return r;
}

int takeover_bridge(struct takeover *t, const struct netplug_bridge_req *req, struct netplug_bridge_res *ret,
                    struct orc_err *err)
{
    struct netplug_bridge_res res = {0};
    struct link_set now = {0};
    int r = link_read(&t->nl, &now, err);

    if (r < 0)
        return r;
    r = make_bridge(t, req, &now, &res, err);
    link_set_release(&now);
    arm(t);
    if (r == 0)
        r = list_addresses(t, &res.addresses, err);
    if (r < 0) {
        netplug_bridge_res_clear(&res);
        return r;
    }
    *ret = res;
    return 0;
}

int takeover_confirm(struct takeover *t, const char *token, struct orc_err *err)
{
    int r;

    if (!t->state.taken.active || !t->state.token[0] || strcmp(t->state.token, token) != 0)
        return orc_fail(
            err, -ESTALE,
            "Nothing waits for the token \"%.40s\": it was put back already, or replaced by a newer "
            "request; ask for the bridge again.",
            token);
    if (t->state.confirmed)
        return 0;
    t->state.confirmed = true;
    r = netplug_state_write(t->state_dir, &t->state, err);
    if (r < 0)
        t->state.confirmed = false;
    arm(t);
    return r < 0 ? -EIO : 0;
}

int takeover_unbridge(struct takeover *t, struct orc_err *err)
{
    int r;

    if (!t->state.taken.active)
        return 0;
    r = put_back(t, true, err);
    arm(t);
    return r < 0 ? -EIO : 0;
}

int takeover_links(struct takeover *t, struct netplug_links_res *ret, struct orc_err *err)
{
    struct link_set now = {0};
    int r = link_read(&t->nl, &now, err);

    if (r == 0)
        link_describe(&now, ret);
    link_set_release(&now);
    return r;
}

/* --- life --- */

static int lock_dir(struct takeover *t, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/lock", t->state_dir);
    int r = orc_file_mkdirs(t->state_dir, err);

    if (r < 0)
        return r;
    t->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (t->lock_fd < 0)
        return orc_fail_errno(err, errno, "open %s", path);
    if (flock(t->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return orc_fail(err, -EBUSY,
                        "Another netplug uses the state folder %s; stop it or choose another --state-dir.",
                        t->state_dir);
    return 0;
}

static int load(struct takeover *t, struct orc_err *err)
{
    struct orc_err damage = ORC_ERR_INIT;
    int r = netplug_state_read(t->state_dir, &t->state, &damage);

    if (r == STATE_OTHER_BOOT) {
        orc_info("what was taken over before the last boot is not ours any more: the record is dropped");
        return netplug_state_write(t->state_dir, &t->state, err);
    }
    if (r == -EINVAL) {
        orc_error("the record of what was taken over is damaged and set aside, so that can't be put back: %s",
                  damage.msg);
        return netplug_state_set_aside(t->state_dir, err);
    }
    if (r < 0)
        return orc_fail(err, r, "%s", damage.msg);
    return 0;
}

static void close_all(struct takeover *t)
{
    netlink_close(&t->nl);
    netplug_state_release(&t->state);
    if (t->lock_fd >= 0)
        close(t->lock_fd);
    free(t->state_dir);
    free(t);
}

int takeover_new(uv_loop_t *loop, const char *state_dir, struct takeover **ret, struct orc_err *err)
{
    struct takeover *t = orc_new(struct takeover);
    int r;

    t->state_dir = orc_strdup(state_dir);
    t->lock_fd = -1;
    if ((r = lock_dir(t, err)) < 0 || (r = netlink_open(&t->nl, err)) < 0 || (r = load(t, err)) < 0) {
        close_all(t);
        return r;
    }
    uv_timer_init(loop, &t->timer);
    t->timer.data = t;
    if (is_pending(t) && time_left(t) == 0)
        put_back_unconfirmed(t, "was taken over before netplug ended and not confirmed in time");
    else
        arm(t);
    *ret = t;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    close_all(handle->data);
}

struct takeover *takeover_free(struct takeover *t)
{
    if (!t)
        return NULL;
    if (is_pending(t))
        put_back_unconfirmed(t, "was taken over and netplug stops before a confirmation");
    uv_close((uv_handle_t *)&t->timer, on_closed);
    return NULL;
}
