#include "netplug/by_hand.h"

#include "lib/options.h"
#include "lib/proc.h"
#include "netplug/check.h"
#include "netplug/client.h"
#include "netplug/link_read.h"
#include "netplug/mtu.h"
#include "netplug/probe.h"
#include "netplug/protocol.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static int fail(int status, const char *text)
{
    fprintf(stderr, "netplug: %s\n", text);
    return status;
}

/* Parses a command's options; -1: go on, else the exit status. */
static int parse(const struct orc_option *table, int argc, char **argv, struct orc_strv *words,
                 const char *usage, const char *summary)
{
    struct orc_err err = ORC_ERR_INIT;
    int r = orc_options_parse(table, argc, argv, words, &err);

    if (r == ORC_OPTIONS_HELP)
        orc_options_help(stdout, usage, summary, table);
    if (r == ORC_OPTIONS_VERSION)
        orc_options_version(stdout, "netplug");
    if (r > 0)
        return DONE;
    return r < 0 ? fail(USAGE, err.msg) : -1;
}

/* --- asking the daemon --- */

struct asking {
    struct netplug_client *client;
    int status;
};

static void finish(struct asking *a, int error, const char *text)
{
    a->status = error ? fail(FAILED, text) : DONE;
}

static int ask(struct asking *a)
{
    uv_run(uv_default_loop(), UV_RUN_DEFAULT); /* an idle client does not keep it alive */
    netplug_client_free(a->client);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return a->status;
}

/* --- check --- */

static int cmd_check(int argc, char **argv)
{
    static const struct orc_option table[] = {{0}};
    struct orc_err err = ORC_ERR_INIT;
    int r = parse(table, argc, argv, NULL, "netplug check",
                  "Shows what of this machine's network matters to orc.");

    if (r >= 0)
        return r;
    r = check_run(stdout, &err);
    if (r < 0)
        return fail(FAILED, err.msg);
    return r == CHECK_BROKEN ? FAILED : DONE;
}

/* --- probe --- */

static int print_peers(const struct netplug_probe_res *res)
{
    const struct netplug_peer *p;
    int status = DONE;

    orc_vec_each (p, &res->peers) {
        printf("%-15s %-11s path MTU %5d  ", p->address, netplug_path_name(p->path), p->path_mtu);
        if (p->rtt_us >= 0)
            printf("%lld.%03lld ms  ", (long long)p->rtt_us / 1000, (long long)p->rtt_us % 1000);
        printf("%d of %d answered%s%s\n", p->received, p->sent, p->reason[0] ? "; " : "", p->reason);
        if (p->path != NETPLUG_PATH_OK)
            status = FAILED;
    }
    return status;
}

static void on_probed(const struct netplug_probe_res *res, void *arg)
{
    *(int *)arg = print_peers(res);
}

/* The MTU of the interface that packets to `address` leave by: the one that holds the source address. */
static int mtu_towards(const char *address, int64_t *ret, struct orc_err *err)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)}, from;
    socklen_t n = sizeof from;
    orc_auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct netlink nl = {0};
    struct link_set set = {0};
    const struct link *l;
    const struct link_addr *a;
    int r;

    if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
        return orc_fail(err, -EINVAL, "\"%.64s\" is not a numeric IPv4 address.", address);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        getsockname(fd, (struct sockaddr *)&from, &n) < 0)
        return orc_fail_errno(err, errno, "find the way to %s", address);
    r = netlink_open(&nl, err);
    if (r == 0)
        r = link_read(&nl, &set, err);
    netlink_close(&nl);
    orc_vec_each (l, &set.links)
        orc_vec_each (a, &l->addrs) {
            if (*ret == 0 && a->ip.family == AF_INET && memcmp(a->ip.at, &from.sin_addr, 4) == 0)
                *ret = l->mtu > MTU_MAX ? MTU_MAX : l->mtu;
        }
    link_set_release(&set);
    return r < 0 || *ret
               ? r
               : orc_fail(err, -ENOENT, "The MTU towards %s is unknown; give one with --mtu.", address);
}

static int probe_here(const struct netplug_probe_req *req)
{
    struct orc_err err = ORC_ERR_INIT;
    struct probe *probe;
    int status = FAILED;

    if (probe_start(uv_default_loop(), req, on_probed, &status, &probe, &err) < 0)
        return fail(FAILED, err.msg);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return status;
}

static void on_probed_there(int error, const char *text, const struct netplug_probe_res *res, void *arg)
{
    struct asking *a = arg;

    finish(a, error, text);
    if (res)
        a->status = print_peers(res);
}

static int probe_there(const char *path, const struct netplug_probe_req *req)
{
    struct asking a = {.client = netplug_client_new(uv_default_loop(), path), .status = FAILED};

    netplug_probe(a.client, req, on_probed_there, &a);
    return ask(&a);
}

static int cmd_probe(int argc, char **argv)
{
    int64_t mtu = 0, count = 0, timeout = 0;
    orc_auto_free char *source = NULL, *path = NULL;
    struct orc_strv words = {0};
    const struct orc_option table[] = {
        {"mtu", 0, ORC_OPT_INT, &mtu, "BYTES",
         "size that should pass (default: the outgoing interface's MTU)", NULL, MTU_MIN, MTU_MAX},
        {"count", 0, ORC_OPT_INT, &count, "N", "echoes of that size (default 3)", NULL, 1, NETPLUG_MAX_COUNT},
        {"timeout-ms", 0, ORC_OPT_INT, &timeout, "MS", "wait so long for an echo (default 1000)", NULL, 1,
         NETPLUG_MAX_TIMEOUT_MS},
        {"source", 0, ORC_OPT_STR, &source, "ADDR", "send from this address", NULL, 0, 0},
        {"socket", 0, ORC_OPT_STR, &path, "PATH", "have the netplug that listens there do it", NULL, 0, 0},
        {0},
    };
    struct netplug_probe_req req = {.peers = &words};
    struct orc_err err = ORC_ERR_INIT;
    int r = parse(table, argc, argv, &words, "netplug probe ADDR... [options]",
                  "Finds out which packets reach other machines without being fragmented.");

    if (r < 0 && words.n == 0)
        r = fail(USAGE, "An address to probe is needed, like \"10.0.0.2\".");
    if (r < 0 && mtu == 0 && mtu_towards(words.at[0], &mtu, &err) < 0)
        r = fail(FAILED, err.msg);
    req.mtu = (int)mtu;
    req.count = (int)count;
    req.timeout_ms = (int)timeout;
    req.source = source;
    if (r < 0)
        r = path ? probe_there(path, &req) : probe_here(&req);
    orc_strv_release(&words);
    return r;
}

static void on_done(int error, const char *text, void *arg)
{
    finish(arg, error, text);
}

static void print_json(json_t *j)
{
    orc_auto_free char *text = orc_json_text(j);

    puts(text);
    json_decref(j);
}

static void on_bridge(int error, const char *text, const struct netplug_bridge_res *res, void *arg)
{
    finish(arg, error, text);
    if (res)
        print_json(protocol_bridge_res(res));
}

static void on_links(int error, const char *text, const struct netplug_links_res *res, void *arg)
{
    finish(arg, error, text);
    if (res)
        print_json(protocol_links_res(res));
}

/* --- commands that ask the daemon --- */

#define SOCKET_OPTION                                                                                        \
    {                                                                                                        \
        "socket", 0, ORC_OPT_STR, &path, "PATH", "netplug's socket (default " NETPLUG_SOCKET ")", NULL, 0, 0 \
    }

static int cmd_links(int argc, char **argv)
{
    orc_auto_free char *path = NULL;
    const struct orc_option table[] = {SOCKET_OPTION, {0}};
    struct asking a = {.status = FAILED};
    int r = parse(table, argc, argv, NULL, "netplug links [--socket PATH]", "Prints the interfaces as JSON.");

    if (r >= 0)
        return r;
    a.client = netplug_client_new(uv_default_loop(), path);
    netplug_links(a.client, on_links, &a);
    return ask(&a);
}

static int cmd_unbridge(int argc, char **argv)
{
    orc_auto_free char *path = NULL;
    const struct orc_option table[] = {SOCKET_OPTION, {0}};
    struct asking a = {.status = FAILED};
    int r = parse(table, argc, argv, NULL, "netplug unbridge [--socket PATH]",
                  "Puts the network back as it was before orc0 was made.");

    if (r >= 0)
        return r;
    a.client = netplug_client_new(uv_default_loop(), path);
    netplug_unbridge(a.client, on_done, &a);
    return ask(&a);
}

static int cmd_confirm(int argc, char **argv)
{
    orc_auto_free char *path = NULL;
    const struct orc_option table[] = {SOCKET_OPTION, {0}};
    struct asking a = {.status = FAILED};
    struct orc_strv words = {0};
    int r = parse(table, argc, argv, &words, "netplug confirm TOKEN [--socket PATH]",
                  "Keeps what `netplug bridge` took over.");

    if (r < 0 && words.n != 1)
        r = fail(USAGE, "The token from the answer of `netplug bridge` is needed, and nothing else.");
    if (r < 0) {
        a.client = netplug_client_new(uv_default_loop(), path);
        netplug_confirm(a.client, words.at[0], on_done, &a);
        r = ask(&a);
    }
    orc_strv_release(&words);
    return r;
}

static int cmd_bridge(int argc, char **argv)
{
    orc_auto_free char *path = NULL, *mode = NULL, *interface = NULL, *address = NULL;
    struct netplug_bridge_req req = {0};
    int64_t vlan = 0, mtu = 0;
    const struct orc_option table[] = {
        SOCKET_OPTION,
        {"mode", 0, ORC_OPT_STR, &mode, "MODE", "bridge", NULL, 0, 0},
        {"interface", 0, ORC_OPT_STR, &interface, "IFACE", "the private network's interface (default: none)",
         NULL, 0, 0},
        {"vlan", 0, ORC_OPT_INT, &vlan, "ID", "802.1Q id on it", NULL, 0, 4094},
        {"address", 0, ORC_OPT_STR, &address, "CIDR", "this node's address on orc0, like 10.210.1.1/16", NULL,
         0, 0},
        {"mtu", 0, ORC_OPT_INT, &mtu, "BYTES", "MTU of orc0 (default: the interface's)", NULL, INT32_MIN,
         INT32_MAX},
        {"confirm-within", 0, ORC_OPT_MS, &req.confirm_within_ms, "TIME",
         "put back unless confirmed (default 30s)", NULL, 0, 0},
        {0},
    };
    struct asking a = {.status = FAILED};
    int r = parse(table, argc, argv, NULL, "netplug bridge --address CIDR [options]",
                  "Makes orc0; an interface that is taken over is put back unless confirmed.");

    if (r >= 0)
        return r;
    req.mode = mode;
    req.interface = interface;
    req.address = address;
    req.vlan = (int)vlan;
    req.mtu = (int)mtu;
    a.client = netplug_client_new(uv_default_loop(), path);
    netplug_bridge(a.client, &req, on_bridge, &a);
    return ask(&a);
}

static const struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"check", "show what of this machine's network matters to orc; 1 when something would break it",
     cmd_check},
    {"probe", "find out which packets reach other machines unfragmented", cmd_probe},
    {"links", "ask the daemon for the interfaces, as JSON", cmd_links},
    {"bridge", "ask the daemon to make orc0", cmd_bridge},
    {"confirm", "ask the daemon to keep what was taken over", cmd_confirm},
    {"unbridge", "ask the daemon to put everything back", cmd_unbridge},
};

void by_hand_help(void)
{
    puts("\nBy hand:");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(commands); i++)
        printf("  netplug %-9s %s\n", commands[i].name, commands[i].help);
}

int by_hand_run(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(commands); i++)
        if (strcmp(commands[i].name, argv[0]) == 0)
            return commands[i].run(argc, argv);
    return -1;
}
