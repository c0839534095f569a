#include "nodelet/nodelet.h"

#include "nodelet/agent.h"
#include "nodelet/host.h"
#include "nodelet/network.h"
#include "nodelet/node.h"
#include "nodelet/registration.h"
#include "nodelet/statedir.h"
#include "nodelet/vitals.h"
#include "nodelet/volumes.h"

#include "lib/file_later.h"
#include "lib/log.h"
#include "state/guard.h"
#include "state/timer.h"
#include "state/view.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define SAVE_MS 5000 /* so often what changed goes to the disk */

struct nodelet {
    struct nodelet_opts opts;
    struct statedir state;
    struct host host;
    struct guard guard;
    char *guard_path, *configs, *by;
    struct guard guard_saved;
    struct orc_file_later *guard_file;
    bool guard_unsaved;
    int catching_up; /* waits for the view under way */
    struct timer *save_timer;

    struct etcd *etcd;
    struct event_log *events;
    struct docker *docker;
    struct view *view;
    struct registration *registration;
    struct node *node;
    struct network *network;
    struct agent *agent;
    struct vitals *vitals;
    struct volumes *volumes;

    struct record_config config;
    bool configured, synced;
    struct orc_log_once garbage, no_config, store, disk;
};

/* ---- what the parts tell one another ------------------------------------------------------------------- */

static void on_alive(int64_t lease, int64_t create_revision, void *arg)
{
    struct nodelet *n = arg;

    node_alive(n->node, create_revision);
    agent_alive(n->agent, lease, create_revision, registration_heard_at(n->registration));
}

static void on_held(void *arg)
{
    struct nodelet *n = arg;

    agent_held(n->agent);
}

static void on_back(void *arg);

static void on_caught_up(int error, void *arg)
{
    struct nodelet *n = arg;

    if (--n->catching_up || error == -ECANCELED)
        return;
    if (error)
        on_back(n); /* the store is another one: what it holds */
    else
        agent_caught_up(n->agent);
}

/* Whatever its headers have told is seen. */
static void on_back(void *arg)
{
    struct nodelet *n = arg;

    n->catching_up++;
    view_wait(n->view, n->guard.revision, on_caught_up, n);
}

/* It may be deleted before the view has shown it. */
static void on_written(const char *key, void *arg)
{
    struct nodelet *n = arg;

    if (n->view)
        view_expect(n->view, key);
}

static void on_alive_doubt(void *arg)
{
    struct nodelet *n = arg;

    registration_doubt(n->registration);
}

static void on_subnet(int k, const char *why, void *arg)
{
    struct nodelet *n = arg;
    orc_auto_free char *subnet = NULL;
    char text[INET_ADDRSTRLEN];
    struct in_addr in;
    uint32_t net;
    int prefix;

    if (k < 0 || record_config_cidr(&n->config, &net, &prefix, NULL) < 0) {
        node_subnet(n->node, NULL);
        node_condition(n->node, "network", false, why);
        return;
    }
    in.s_addr = htonl(net + ((uint32_t)k << 8));
    inet_ntop(AF_INET, &in, text, sizeof text);
    subnet = orc_printf("%s/24", text);
    orc_info("this node's share of the cluster's addresses is %s", subnet);
    node_subnet(n->node, subnet);
    network_begin(n->network, &n->config, k);
}

static void on_engine(bool up, const char *why, void *arg)
{
    struct nodelet *n = arg;

    node_condition(n->node, "engine", up, why);
    if (up)
        node_engine(n->node, docker_engine(n->docker));
    network_engine(n->network, up);
    vitals_engine(n->vitals, up);
    volumes_engine(n->volumes, up);
}

static void on_volumes(const struct orc_strv *names, void *arg)
{
    struct nodelet *n = arg;

    node_volumes(n->node, names);
}

static void on_volumes_doubt(void *arg)
{
    struct nodelet *n = arg;

    volumes_look(n->volumes);
}

static void on_vital(const char *type, bool ok, bool avoid, const char *reason, void *arg)
{
    struct nodelet *n = arg;

    if (ok)
        node_avoid(n->node, type, avoid, reason);
    else
        node_condition(n->node, type, false, reason);
}

static void on_engine_labels(const struct spec_pairs *labels, void *arg)
{
    struct nodelet *n = arg;

    node_engine_labels(n->node, labels);
}

static void on_orphans(const char *text, void *arg)
{
    struct nodelet *n = arg;

    node_condition(n->node, "orphans", true, text ? text : "");
}

static void on_network_doubt(void *arg)
{
    struct nodelet *n = arg;

    network_doubt(n->network);
}

static void on_condition(const char *type, bool ok, const char *reason, void *arg)
{
    struct nodelet *n = arg;

    node_condition(n->node, type, ok, reason);
}

static void on_address(const char *address, int mtu, void *arg)
{
    struct nodelet *n = arg;

    node_address(n->node, address, mtu);
    agent_address(n->agent, address);
}

static void on_network_ready(bool ready, void *arg)
{
    struct nodelet *n = arg;

    agent_network(n->agent, ready);
}

/* ---- on the disk ---------------------------------------------------------------------------------- */

static void say_not_kept(struct nodelet *n, const struct orc_err *err)
{
    orc_log_begin(&n->disk, ORC_LOG_ERROR,
                  "what nodelet must remember can't be kept: %s. Containers and nodelet go on", err->msg);
}

static void on_guard_written(int r, const struct orc_err *err, void *arg)
{
    struct nodelet *n = arg;

    n->guard_unsaved = r < 0;
    if (r < 0 && !n->state.unsaved)
        say_not_kept(n, err);
}

/* Without waiting for the disk: while an image is unpacked that may take longer than the node's lease. */
static void save_guard(struct nodelet *n)
{
    const struct guard *g = &n->guard, *saved = &n->guard_saved;
    orc_auto_free char *text = NULL;

    if (g->frozen || (!n->guard_unsaved && g->revision == saved->revision &&
                      g->recovered == saved->recovered && g->etcd_cluster_id == saved->etcd_cluster_id))
        return;
    text = guard_text(g);
    n->guard_saved = *g;
    orc_file_later_write(n->guard_file, text);
}

static void save(void *arg)
{
    struct nodelet *n = arg;
    struct orc_err err = ORC_ERR_INIT;

    timer_start(n->save_timer, SAVE_MS);
    if (n->state.unsaved && statedir_save(&n->state, &err) < 0) {
        say_not_kept(n, &err); /* one file's trouble is enough to be said */
        return;
    }
    if (!n->guard_unsaved)
        orc_log_end(&n->disk, "what nodelet must remember is kept again");
    save_guard(n);
}

/* ---- the view ------------------------------------------------------------------------------------------ */

static int subnets_of(const struct record_config *c)
{
    uint32_t net;
    int prefix;

    if (record_config_cidr(c, &net, &prefix, NULL) < 0 || prefix > 24)
        return 0;
    return 1 << (24 - prefix);
}

static void garbage(struct nodelet *n, const struct etcd_kv *kv, const struct orc_err *err)
{
    orc_log_begin(&n->garbage, ORC_LOG_ERROR, "%s is not understood and changes nothing: %s", kv->key,
                  err->msg);
}

static void put_config(struct nodelet *n, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_config c = {0};
    int subnets;

    if (record_config_parse(kv->value, kv->value_len, &c, &err) < 0) {
        garbage(n, kv, &err);
        return;
    }
    orc_log_end(&n->no_config, "the cluster \"%s\" is there", n->opts.cluster);
    record_config_release(&n->config);
    n->config = c;
    n->configured = true;
    subnets = subnets_of(&c);
    if (!n->host.refused)
        agent_cluster_id(n->agent, c.cluster_id);
    if (subnets)
        registration_begin(n->registration, c.cluster_id, c.node_ttl_s, subnets);
}

static void put_subnet(struct nodelet *n, const struct key *key, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_subnet rec = {0};

    if (record_subnet_parse(kv->value, kv->value_len, &rec, &err) < 0)
        garbage(n, kv, &err);
    registration_subnet(n->registration, (int)key->n, rec.node ? rec.node : SUBNET_UNREADABLE);
    record_subnet_release(&rec);
}

static void put_node(struct nodelet *n, const struct key *key, const struct etcd_kv *kv)
{
    struct orc_err err = ORC_ERR_INIT;
    struct record_node rec = {0};

    bool self = strcmp(key->node, n->opts.name) == 0;

    if (self)
        node_seen(n->node, kv);
    if (record_node_parse(kv->value, kv->value_len, &rec, &err) < 0)
        garbage(n, kv, &err);
    else if (self)
        registration_address(n->registration, rec.address);
    else
        network_peer(n->network, key->node, &rec);
    record_node_release(&rec);
}

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct nodelet *n = arg;
    struct key key;

    switch (key_parse(n->opts.cluster, kv->key, &key)) {
    case KEY_CONFIG:
        put_config(n, kv);
        break;
    case KEY_SUBNET:
        put_subnet(n, &key, kv);
        break;
    case KEY_NODE:
        put_node(n, &key, kv);
        break;
    case KEY_ALIVE:
        if (strcmp(key.node, n->opts.name) == 0)
            registration_alive_seen(n->registration, kv);
        break;
    case KEY_TASK:
    case KEY_STATUS:
    case KEY_GATEWAY:
    case KEY_GATEWAY_ALIVE:
        agent_put(n->agent, &key, kv);
        break;
    case KEY_UNKNOWN:
        orc_log_begin(&n->garbage, ORC_LOG_ERROR, "%s is no key of orc's and changes nothing", kv->key);
        break;
    default:
        break;
    }
}

static void on_delete(const char *name, int64_t revision, void *arg)
{
    struct nodelet *n = arg;
    struct key key;

    switch (key_parse(n->opts.cluster, name, &key)) {
    case KEY_SUBNET:
        registration_subnet(n->registration, (int)key.n, NULL);
        break;
    case KEY_NODE:
        if (strcmp(key.node, n->opts.name) == 0)
            node_seen(n->node, NULL);
        else
            network_peer(n->network, key.node, NULL);
        break;
    case KEY_ALIVE:
        if (strcmp(key.node, n->opts.name) == 0)
            registration_alive_gone(n->registration);
        break;
    default:
        agent_delete(n->agent, &key, revision);
    }
}

static void on_batch(int64_t revision, void *arg)
{
    struct nodelet *n = arg;

    if (!n->configured) {
        orc_log_begin(&n->no_config, ORC_LOG_WARN,
                      "there is no cluster \"%s\" at %s yet: make it with `orc init`", n->opts.cluster,
                      etcd_endpoint(n->etcd));
        return;
    }
    if (!n->synced) {
        n->synced = true;
        registration_synced(n->registration);
    }
    agent_batch(n->agent);
}

static void on_state(enum view_state state, const char *why, void *arg)
{
    struct nodelet *n = arg;

    if (state == VIEW_LIVE)
        orc_log_end(&n->store, "etcd answers");
    else if (state == VIEW_FROZEN)
        orc_log_begin(&n->store, ORC_LOG_ERROR, "frozen: %s. Everything is kept as it is", why);
    else
        orc_log_begin(
            &n->store, ORC_LOG_WARN,
            "etcd can't be reached: %s. Containers keep running, and etcd is tried again; is it up, "
            "and is --etcd right?",
            why);
    node_store(n->node, state == VIEW_LIVE);
    agent_view(n->agent, state);
}

static void on_forget(void *arg)
{
    struct nodelet *n = arg;

    node_forget(n->node);
    agent_forget(n->agent);
}

static void open_view(struct nodelet *n)
{
    const char *c = n->opts.cluster, *name = n->opts.name;
    orc_auto_free char *config = key_config(c), *tasks = key_tasks_of(c, name),
                       *status = key_status_of(c, name);
    orc_auto_free char *gateways = key_range(c, KEY_GATEWAY), *alive = key_range(c, KEY_GATEWAY_ALIVE);
    orc_auto_free char *nodes = key_range(c, KEY_NODE), *subnets = key_range(c, KEY_SUBNET);
    orc_auto_free char *self = key_alive(c, name);
    const char *prefixes[] = {config, tasks, status, gateways, alive, nodes, subnets, self, NULL};
    struct view_opts opts = {.prefixes = prefixes,
                             .on_put = on_put,
                             .on_delete = on_delete,
                             .on_batch = on_batch,
                             .on_state = on_state,
                             .on_forget = on_forget,
                             .guard = &n->guard,
                             .config_key = config,
                             .separate = true,
                             .arg = n};

    n->view = view_new(n->opts.loop, n->etcd, &opts);
}

/* ---- life ---------------------------------------------------------------------------------------------- */

static void make_parts(struct nodelet *n)
{
    const struct nodelet_opts *o = &n->opts;
    orc_auto_free char *alive = key_alive(o->cluster, o->name);
    struct registration_opts registration = {.loop = o->loop,
                                             .etcd = n->etcd,
                                             .cluster = o->cluster,
                                             .node = o->name,
                                             .machine_id = n->host.machine_id,
                                             .boot_id = n->host.boot_id,
                                             .state = &n->state,
                                             .shown_only = n->host.refused != NULL,
                                             .on_alive = on_alive,
                                             .on_held = on_held,
                                             .on_subnet = on_subnet,
                                             .on_written = on_written,
                                             .arg = n};
    struct node_opts node = {.loop = o->loop,
                             .etcd = n->etcd,
                             .events = n->events,
                             .cluster = o->cluster,
                             .name = o->name,
                             .host = &n->host,
                             .labels = o->labels,
                             .reserve = o->reserve,
                             .reserve_pids = o->reserve_pids,
                             .on_alive_doubt = on_alive_doubt,
                             .on_written = on_written,
                             .arg = n};
    struct network_opts network = {.loop = o->loop,
                                   .docker = n->docker,
                                   .etcd = n->etcd,
                                   .etcd_probe_key = alive,
                                   .netplug = o->netplug,
                                   .interface = o->interface,
                                   .vlan = o->vlan,
                                   .address = o->address,
                                   .node = o->name,
                                   .on_condition = on_condition,
                                   .on_address = on_address,
                                   .on_ready = on_network_ready,
                                   .arg = n};
    struct vitals_opts vitals = {.loop = o->loop,
                                 .docker = n->docker,
                                 .on_condition = on_vital,
                                 .on_labels = on_engine_labels,
                                 .arg = n};
    struct volumes_opts volumes = {.loop = o->loop, .docker = n->docker, .on_volumes = on_volumes, .arg = n};
    struct agent_opts agent = {.loop = o->loop,
                               .etcd = n->etcd,
                               .docker = n->docker,
                               .cluster = o->cluster,
                               .node = o->name,
                               .boot_id = n->host.boot_id,
                               .configs = n->configs,
                               .events = n->events,
                               .on_engine = on_engine,
                               .on_volumes = on_volumes_doubt,
                               .on_orphans = on_orphans,
                               .on_alive_doubt = on_alive_doubt,
                               .on_network_doubt = on_network_doubt,
                               .on_back = on_back,
                               .arg = n};

    n->registration = registration_new(&registration);
    n->node = node_new(&node);
    n->vitals = vitals_new(&vitals);
    n->volumes = volumes_new(&volumes);
    n->network = network_new(&network);
    n->agent = agent_new(&agent);
}

/* Absolute, as the engine wants it. */
static char *configs_dir(const struct statedir *s)
{
    orc_auto_free char *path = realpath(s->path, NULL);

    return orc_concat(path ? path : s->path, "/configs");
}

static int open_files(struct nodelet *n, struct orc_err *err)
{
    int r = statedir_open(&n->state, n->opts.state_dir ? n->opts.state_dir : STATEDIR_DEFAULT, err);

    if (r < 0)
        return r;
    if (r > 0)
        orc_error("%s", err->msg);
    n->guard_path = statedir_file(&n->state, "guard.json");
    n->configs = configs_dir(&n->state);
    r = guard_load(&n->guard, n->guard_path, err);
    n->guard_saved = n->guard;
    if (r == GUARD_CORRUPT)
        orc_error("%s", err->msg);
    return r < 0 ? r : 0;
}

struct nodelet *nodelet_new(const struct nodelet_opts *opts, struct orc_err *err)
{
    struct nodelet *n = orc_new(struct nodelet);
    struct etcd_opts etcd = {.endpoints = opts->etcd, .tls = opts->tls};

    n->opts = *opts;
    n->state.lock = -1;
    host_read(&n->host, "");
    if (open_files(n, err) < 0 || !(n->etcd = etcd_new(opts->loop, &etcd, err)))
        return nodelet_free(n);
    if (n->host.refused)
        orc_error("%s", n->host.refused);
    n->by = orc_printf("nodelet %s", opts->name);
    n->events = event_log_new(n->etcd, opts->cluster, n->by);
    n->docker = docker_new(opts->loop, opts->docker);
    n->guard_file = orc_file_later_new(opts->loop, n->guard_path, 0600, on_guard_written, n);
    n->save_timer = timer_new(opts->loop, save, n);
    timer_start(n->save_timer, 0);
    make_parts(n);
    open_view(n);
    orc_info("node %s of cluster %s: %s, kernel %s, virtualisation %s, instance %.8s", opts->name,
             opts->cluster, n->host.arch, n->host.kernel, n->host.virt, n->state.instance);
    return n;
}

void nodelet_metrics(const struct nodelet *n, struct orc_metrics_text *t)
{
    if (n)
        agent_metrics(n->agent, t);
}

struct nodelet *nodelet_free(struct nodelet *n)
{
    if (!n)
        return NULL;
    if (n->view) {
        view_free(n->view);
        save(n);
    }
    orc_file_later_free(n->guard_file);
    agent_free(n->agent);
    vitals_free(n->vitals);
    volumes_free(n->volumes);
    network_free(n->network);
    node_free(n->node);
    registration_free(n->registration);
    timer_free(n->save_timer);
    docker_free(n->docker);
    if (n->events)
        event_log_free(n->events);
    if (n->etcd)
        etcd_free(n->etcd);
    record_config_release(&n->config);
    statedir_release(&n->state);
    host_release(&n->host);
    free(n->guard_path);
    free(n->configs);
    free(n->by);
    free(n);
    return NULL;
}
