#include "gateway/nginx.h"

#include "gateway/control.h"
#include "gateway/helper.h"

#include "lib/clock.h"
#include "lib/file.h"

#include <stdio.h>
#include <sys/socket.h>

#define CONFIRM_MS 10000
#define CONFIRM_EVERY_MS 15
#define QUIT_MS 5000
#define DEATHS_MAX 3
#define BACKOFF_MAX_MS 10000
#define CONF_FILE_MAX (64u << 20)

enum phase {
    IDLE,
    LOOKING, /* GET /state of whatever runs */
    LOOKING_AT_TABLE,
    ADOPTING, /* the helper looks for the master */
    TESTING,  /* the helper runs nginx -t */
    STARTING,
    RELOADING,
    CONFIRMING, /* GET /state until it shows the new hash */
    QUITTING,
    WAITING, /* before the next try */
};

struct gw_nginx {
    struct gw_nginx_opts o;
    uv_poll_t poll;
    uv_timer_t timer;
    int open_handles;
    bool closed;
    enum phase phase;
    struct orc_http_call *call;
    bool looked; /* on_found was called */
    bool up, starting;
    char hash[GW_CONF_HASH_MAX];     /* in force */
    char expected[GW_CONF_HASH_MAX]; /* while CONFIRMING */
    uint64_t confirm_until, backoff_ms;
    int deaths; /* in a row, before the expected configuration was confirmed */
    struct gw_control_state found;
    char *want; /* NULL: none yet */
    char want_hash[GW_CONF_HASH_MAX], given_up[GW_CONF_HASH_MAX];
    bool quit, quit_twice;
    void (*quit_done)(void *arg);
    void *quit_arg;
};

static void step(struct gw_nginx *n);

static char *in_dir(const struct gw_nginx *n, const char *name)
{
    return orc_printf("%s/%s", n->o.dir, name);
}

/* ---- the helper */

static void ask_helper(struct gw_nginx *n, enum gw_helper_command command, enum phase phase)
{
    char c = (char)command;

    n->phase = phase;
    if (send(n->o.helper_fd, &c, 1, MSG_NOSIGNAL | MSG_DONTWAIT) != 1)
        n->o.on_helper_lost(n->o.arg);
}

/* ---- up and down */

static void again_later(struct gw_nginx *n);
static void look(struct gw_nginx *n);

static void went_up(struct gw_nginx *n, const char *hash, bool fresh)
{
    bool was_up = n->up && !fresh;

    n->up = true;
    n->backoff_ms = 0;
    snprintf(n->hash, sizeof n->hash, "%s", hash);
    if (!was_up)
        n->o.on_up(fresh, n->o.arg);
}

static void went_down(struct gw_nginx *n)
{
    bool was_up = n->up;

    n->up = false;
    n->hash[0] = '\0';
    if (was_up)
        n->o.on_down(n->o.arg);
}

static void found(struct gw_nginx *n, const char *table)
{
    if (!n->looked) {
        n->looked = true;
        n->o.on_found(table, n->o.arg);
    }
}

/* Something runs but does not tell what it holds (yet): what is on disk may differ from that, and NGINX would
 * count requests in flight for other endpoints than we think. */
static void does_not_tell(struct gw_nginx *n, const char *why)
{
    orc_auto_free char *sentence =
        orc_printf("NGINX does not answer on its control socket and is asked again: %s", why);

    n->o.on_trouble(sentence, n->o.arg);
    again_later(n);
}

static void on_table(const struct orc_http_res *res, void *arg)
{
    struct gw_nginx *n = arg;

    n->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (!n->looked && res->error) {
        does_not_tell(n, res->error_text);
        return;
    }
    found(n, res->error == 0 && res->status == 200 ? res->body : NULL);
    ask_helper(n, GW_HELPER_ADOPT, ADOPTING);
}

static void on_state(const struct orc_http_res *res, void *arg)
{
    struct gw_nginx *n = arg;

    n->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error == 0 && res->status == 200 && gw_control_read_state(res->body, &n->found) == 0) {
        n->phase = LOOKING_AT_TABLE;
        n->call = gw_control_ask(n->o.http, n->o.dir, "/table", NULL, on_table, n);
        return;
    }
    if (!n->looked && res->error == -ETIMEDOUT) {
        does_not_tell(n, res->error_text);
        return;
    }
    n->phase = IDLE;
    found(n, NULL);
    went_down(n);
    step(n);
}

static void look(struct gw_nginx *n)
{
    n->phase = LOOKING;
    n->call = gw_control_ask(n->o.http, n->o.dir, "/state", NULL, on_state, n);
}

/* Workers may answer although their master is dead: then it counts as down, and the start ends them. */
static void adopted(struct gw_nginx *n, const struct gw_helper_reply *r)
{
    n->phase = IDLE;
    if (r->status == 0 && r->pid == n->found.master)
        went_up(n, n->found.hash, n->found.version == 0);
    else
        went_down(n);
    step(n);
}

/* The line of NGINX's words that matters: the first of the gravest level, without its time and process, so
 * that the same trouble has the same text each time. */
static char *salient(const struct gw_nginx *n, const char *text)
{
    static const char *const levels[] = {"[emerg] ", "[alert] ", "[crit] ", "[error] ", "[warn] "};
    const char *from = NULL;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(levels) && !from; i++) {
        from = strstr(text, levels[i]);
        if (from)
            from += strlen(levels[i]);
    }
    if (!from && *text && !strstr(text, "[notice] ")) /* not NGINX's words, but the helper's */
        from = text;
    if (!from)
        return orc_printf("it ended at once without a word; see %s/error.log, and is there room on its disk?",
                          n->o.dir);
    if (from[strspn(from, "0123456789#")] == ':') /* "274#274: " */
        from += strspn(from, "0123456789#: ");
    return orc_strndup(from, strcspn(from, "\n"));
}

/* ---- a new configuration */

static void give_up(struct gw_nginx *n, const char *why)
{
    orc_auto_free char *sentence =
        orc_printf("a new NGINX configuration is not used, the last one stays: %s", why);

    memcpy(n->given_up, n->want_hash, sizeof n->given_up);
    n->phase = IDLE;
    n->o.on_trouble(sentence, n->o.arg);
    step(n);
}

static void try_conf(struct gw_nginx *n)
{
    orc_auto_free char *path = in_dir(n, "nginx.conf.new");
    struct orc_err err = ORC_ERR_INIT;

    memcpy(n->expected, n->want_hash, sizeof n->expected);
    if (orc_file_write(path, n->want, strlen(n->want), 0644, &err) < 0)
        give_up(n, err.msg);
    else
        ask_helper(n, GW_HELPER_TEST, TESTING);
}

/* Puts the tested file in force; the one before stays as nginx.conf.last. */
static int swap(struct gw_nginx *n, struct orc_err *err)
{
    orc_auto_free char *new = in_dir(n, "nginx.conf.new"), *conf = in_dir(n, "nginx.conf"),
                       *last = in_dir(n, "nginx.conf.last"), *old = NULL;
    size_t size = 0;
    int r;

    if (orc_file_read(conf, CONF_FILE_MAX, &old, &size, NULL) == 0) {
        r = orc_file_write(last, old, size, 0644, err);
        if (r < 0)
            return r;
    }
    if (rename(new, conf) < 0)
        return orc_fail_errno(err, errno, "renaming %s to %s", new, conf);
    return 0;
}

static void swap_back(struct gw_nginx *n)
{
    orc_auto_free char *conf = in_dir(n, "nginx.conf"), *last = in_dir(n, "nginx.conf.last");

    (void)!rename(last, conf);
}

static void start(struct gw_nginx *n)
{
    n->starting = true;
    ask_helper(n, GW_HELPER_START, STARTING);
}

static void tested(struct gw_nginx *n, const struct gw_helper_reply *r)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *why = salient(n, r->text);

    if (r->status < 0) {
        give_up(n, why);
    } else if (swap(n, &err) < 0) {
        give_up(n, err.msg);
    } else if (n->up) {
        n->starting = false;
        ask_helper(n, GW_HELPER_RELOAD, RELOADING);
    } else {
        start(n);
    }
}

static void on_confirm(const struct orc_http_res *res, void *arg);

static void confirm(struct gw_nginx *n)
{
    n->phase = CONFIRMING;
    n->call = gw_control_ask(n->o.http, n->o.dir, "/state", NULL, on_confirm, n);
}

static void on_confirm_timer(uv_timer_t *timer)
{
    confirm(timer->data);
}

static void not_confirmed(struct gw_nginx *n)
{
    orc_auto_free char *why =
        orc_printf("NGINX does not take it within %d s, see %s/error.log", CONFIRM_MS / 1000, n->o.dir);

    if (n->want && strcmp(n->expected, n->want_hash) == 0) {
        swap_back(n);
        give_up(n, why);
    } else {
        n->o.on_trouble(why, n->o.arg);
        again_later(n);
    }
}

static void confirmed(struct gw_nginx *n, const char *hash)
{
    bool started = n->starting;

    n->phase = IDLE;
    n->starting = false;
    n->deaths = 0;
    went_up(n, hash, started);
    n->o.on_conf(started, n->o.arg);
    step(n);
}

static void on_confirm(const struct orc_http_res *res, void *arg)
{
    struct gw_nginx *n = arg;

    n->call = NULL;
    if (res->error == -ECANCELED)
        return;
    if (res->error == 0 && res->status == 200 && gw_control_read_state(res->body, &n->found) == 0 &&
        strcmp(n->found.hash, n->expected) == 0)
        confirmed(n, n->found.hash);
    else if (orc_clock_ms() >= n->confirm_until)
        not_confirmed(n);
    else
        uv_timer_start(&n->timer, on_confirm_timer, CONFIRM_EVERY_MS, 0);
}

static void await_hash(struct gw_nginx *n)
{
    n->confirm_until = orc_clock_ms() + CONFIRM_MS;
    confirm(n);
}

/* ---- starting */

static void on_wait_over(uv_timer_t *timer)
{
    struct gw_nginx *n = timer->data;

    n->phase = IDLE;
    look(n);
}

static void again_later(struct gw_nginx *n)
{
    n->backoff_ms = n->backoff_ms == 0 ? 250 : n->backoff_ms * 2;
    if (n->backoff_ms > BACKOFF_MAX_MS)
        n->backoff_ms = BACKOFF_MAX_MS;
    n->phase = WAITING;
    uv_timer_start(&n->timer, on_wait_over, n->backoff_ms, 0);
}

static void started(struct gw_nginx *n, const struct gw_helper_reply *r)
{
    if (r->status == 0) {
        await_hash(n);
    } else {
        orc_auto_free char *why = salient(n, r->text);
        orc_auto_free char *sentence = orc_printf("NGINX does not start, it is tried again: %s", why);
        n->o.on_trouble(sentence, n->o.arg);
        again_later(n);
    }
}

static void reloaded(struct gw_nginx *n, const struct gw_helper_reply *r)
{
    if (r->status == 0) {
        await_hash(n);
    } else { /* it ended meanwhile; GW_HELPER_EXITED said so or will */
        n->phase = IDLE;
        went_down(n);
        step(n);
    }
}

/* Starts what is on disk. Returns whether there was something. only: nothing but the configuration with this
 * hash. */
static bool start_kept(struct gw_nginx *n, const char *only)
{
    orc_auto_free char *path = in_dir(n, "nginx.conf");
    orc_auto_free char *text = NULL;

    if (orc_file_read(path, CONF_FILE_MAX, &text, NULL, NULL) < 0 || gw_conf_hash_of(text, n->expected) < 0 ||
        (only && strcmp(only, n->expected) != 0))
        return false;
    start(n);
    return true;
}

/* Level-triggered: does the next thing that is missing. */
static void step(struct gw_nginx *n)
{
    bool fresh_want = n->want && strcmp(n->want_hash, n->given_up) != 0;

    if (n->phase != IDLE || n->closed)
        return;
    if (n->quit) {
        if (n->up)
            ask_helper(n, GW_HELPER_QUIT, QUITTING);
        else if (n->quit_done)
            n->quit_done(n->quit_arg), n->quit_done = NULL;
    } else if (!n->up && start_kept(n, fresh_want ? n->want_hash : NULL)) {
        return;
    } else if (fresh_want && strcmp(n->want_hash, n->hash) != 0) {
        try_conf(n);
    }
}

/* ---- replies */

/* It was killed, or fell over its configuration: the latter shows when it happens again. */
static void died_unconfirmed(struct gw_nginx *n)
{
    if (n->call)
        orc_http_cancel(n->call);
    uv_timer_stop(&n->timer);
    if (++n->deaths >= DEATHS_MAX)
        not_confirmed(n);
    else
        again_later(n);
}

static void exited(struct gw_nginx *n)
{
    went_down(n);
    switch (n->phase) {
    case CONFIRMING:
        died_unconfirmed(n);
        break;
    case QUITTING:
        uv_timer_stop(&n->timer);
        n->phase = IDLE;
        step(n);
        break;
    default: /* whatever is under way finds out */
        step(n);
    }
}

static void on_quit_timer(uv_timer_t *timer)
{
    ask_helper(timer->data, GW_HELPER_QUIT, QUITTING);
}

static void handle(struct gw_nginx *n, const struct gw_helper_reply *r)
{
    switch (r->command) {
    case GW_HELPER_EXITED:
        exited(n);
        break;
    case GW_HELPER_ADOPT:
        adopted(n, r);
        break;
    case GW_HELPER_TEST:
        tested(n, r);
        break;
    case GW_HELPER_START:
        started(n, r);
        break;
    case GW_HELPER_RELOAD:
        reloaded(n, r);
        break;
    case GW_HELPER_QUIT:
        if (r->status < 0)
            exited(n);
        else if (!n->quit_twice)
            uv_timer_start(&n->timer, on_quit_timer, QUIT_MS, 0);
        n->quit_twice = true;
        break;
    default:
        break;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct gw_nginx *n = poll->data;
    struct gw_helper_reply r;
    ssize_t got = recv(n->o.helper_fd, &r, sizeof r, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got != (ssize_t)sizeof r) {
        uv_poll_stop(poll);
        n->o.on_helper_lost(n->o.arg);
        return;
    }
    r.text[sizeof r.text - 1] = '\0';
    handle(n, &r);
}

/* ---- life cycle */

struct gw_nginx *gw_nginx_new(const struct gw_nginx_opts *opts, struct orc_err *err)
{
    struct gw_nginx *n = orc_new(struct gw_nginx);
    int r;

    n->o = *opts;
    n->poll.data = n->timer.data = n;
    if ((r = uv_poll_init(opts->loop, &n->poll, opts->helper_fd)) < 0) {
        close(opts->helper_fd);
        free(n);
        orc_fail(err, r, "watching NGINX's helper: %s", uv_strerror(r));
        return NULL;
    }
    uv_timer_init(opts->loop, &n->timer);
    n->open_handles = 2;
    uv_poll_start(&n->poll, UV_READABLE, on_readable);
    look(n);
    return n;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct gw_nginx *n = handle->data;

    if (--n->open_handles > 0)
        return;
    close(n->o.helper_fd);
    free(n->want);
    free(n);
}

struct gw_nginx *gw_nginx_free(struct gw_nginx *n)
{
    if (!n)
        return NULL;
    n->closed = true;
    if (n->call)
        orc_http_cancel(n->call);
    uv_close((uv_handle_t *)&n->poll, on_handle_closed);
    uv_close((uv_handle_t *)&n->timer, on_handle_closed);
    return NULL;
}

void gw_nginx_want(struct gw_nginx *n, const char *conf, const char *hash)
{
    if (n->want && strcmp(hash, n->want_hash) == 0)
        return;
    orc_set_str(&n->want, conf);
    snprintf(n->want_hash, sizeof n->want_hash, "%s", hash);
    n->given_up[0] = '\0';
    step(n);
}

void gw_nginx_doubt(struct gw_nginx *n)
{
    if (n->phase == IDLE && !n->quit)
        look(n);
}

void gw_nginx_quit(struct gw_nginx *n, void (*done)(void *arg), void *arg)
{
    n->quit = true;
    n->quit_done = done;
    n->quit_arg = arg;
    step(n);
}

const char *gw_nginx_hash(const struct gw_nginx *n)
{
    return n->hash;
}
