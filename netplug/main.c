/* netplug: the privileged part of a node. A daemon behind a unix socket; also a command by hand. */
#include "lib/daemon.h"
#include "lib/proc.h"
#include "lib/units.h"
#include "netplug/by_hand.h"
#include "netplug/privilege.h"
#include "netplug/server.h"
#include "netplug/takeover.h"

#include <stdio.h>

struct settings {
    struct orc_daemon_args args;
    char *socket, *state_dir;
    struct orc_strv uids;
};

struct daemon {
    uv_loop_t loop;
    struct takeover *takeover;
    struct server *server;
};

static void settings_release(struct settings *s)
{
    free(s->socket);
    free(s->state_dir);
    orc_daemon_args_release(&s->args);
    orc_strv_release(&s->uids);
}

static int fail(int status, const struct orc_err *err)
{
    fprintf(stderr, "netplug: %s\n", err->msg);
    return status;
}

static int read_uids(const struct orc_strv *words, uid_t **ret, struct orc_err *err)
{
    orc_auto_free uid_t *uids = orc_calloc(words->n, sizeof *uids);
    int64_t v;

    for (size_t i = 0; i < words->n; i++) {
        if (orc_parse_int(words->at[i], 0, UINT32_MAX - 1, &v, err) < 0) {
            orc_wrap(err, "--allow-uid takes a numeric user id");
            return -EINVAL;
        }
        uids[i] = (uid_t)v;
    }
    *ret = orc_take(uids);
    return 0;
}

static void on_stop(int signum, void *arg)
{
    struct daemon *d = arg;

    orc_info("stopping");
    orc_signals_close();
    d->server = server_free(d->server);
    d->takeover = takeover_free(d->takeover);
}

static int start(struct daemon *d, const struct settings *s, struct orc_err *err)
{
    orc_auto_free uid_t *uids = NULL;
    struct server_opts opts = {.socket_path = s->socket, .n_uids = s->uids.n};
    int r;

    if ((r = read_uids(&s->uids, &uids, err)) < 0 || (r = privilege_check(err)) < 0 ||
        (r = takeover_new(&d->loop, s->state_dir, &d->takeover, err)) < 0)
        return r;
    opts.uids = uids;
    opts.takeover = d->takeover;
    if ((r = server_new(&d->loop, &opts, &d->server, err)) < 0)
        return r;
    return privilege_drop(err);
}

static int run_daemon(const struct settings *s)
{
    struct orc_err err = ORC_ERR_INIT;
    struct daemon d = {0};
    int r;

    uv_loop_init(&d.loop);
    r = start(&d, s, &err);
    if (r < 0) {
        d.server = server_free(d.server);
        d.takeover = takeover_free(d.takeover);
    } else {
        orc_signals_init(&d.loop, on_stop, &d);
        orc_info("listening at %s", s->socket);
    }
    uv_run(&d.loop, UV_RUN_DEFAULT);
    uv_loop_close(&d.loop);
    return r < 0 ? fail(r == -EINVAL ? 2 : 1, &err) : 0;
}

static int daemon_main(int argc, char **argv, struct settings *s)
{
    const struct orc_option table[] = {
        {"socket", 0, ORC_OPT_STR, &s->socket, "PATH", "where to listen", NULL, 0, 0},
        {"allow-uid", 0, ORC_OPT_STRV, &s->uids, "UID", "a user who may ask, beside root", NULL, 0, 0},
        {"state-dir", 0, ORC_OPT_STR, &s->state_dir, "DIR", "where to note what was taken over", NULL, 0, 0},
        ORC_DAEMON_ROWS(&s->args),
        {0},
    };
    struct orc_err err = ORC_ERR_INIT;
    int r = orc_daemon_options(table, argc, argv, "netplug [options]",
                               "Makes and measures a node's network, for nodelet.", &err);

    if (r == ORC_OPTIONS_HELP)
        by_hand_help();
    if (r > 0)
        return 0;
    if (r < 0 || orc_daemon_start_log(&s->args, "netplug", NULL, &err) < 0)
        return fail(2, &err);
    return run_daemon(s);
}

int main(int argc, char **argv)
{
    struct settings s = {.socket = orc_strdup(NETPLUG_SOCKET), .state_dir = orc_strdup(NETPLUG_STATE_DIR)};
    struct orc_err err = ORC_ERR_INIT;
    int status;

    if (argc > 1 && argv[1][0] != '-') {
        status = by_hand_run(argc - 1, argv + 1);
        if (status < 0) {
            orc_fail(&err, -EINVAL, "There is no command \"%.64s\"; `netplug --help` lists them.", argv[1]);
            status = fail(2, &err);
        }
    } else {
        status = daemon_main(argc, argv, &s);
    }
    settings_release(&s);
    return status;
}
