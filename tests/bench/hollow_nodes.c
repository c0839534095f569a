/* hollow_nodes.c - nodelets without engines: each task is running and healthy as soon as it is seen.
 *
 * What a nodelet writes is written: nodes/, subnets/, alive/ on a lease of its own that is kept alive, and
 * for each task the one transaction that publish.c makes of a fast start, with its guards, status and
 * endpoint.
 */
#include "tests/bench/hollow.h"

#include "lib/clock.h"
#include "state/lease.h"

#include <stdio.h>

#define IN_FLIGHT 64  /* as many connections are kept; one nodelet each would have its own */
#define REGISTER_MS 5 /* one node after the other, so that their keep-alives are spread, too */
#define GIB (INT64_C(1024) * 1024 * 1024)

struct node {
    struct hollow_nodes *h;
    char name[16];
    struct lease *lease;
    int64_t alive; /* create revision of alive/; 0: none */
};

struct answer { /* owed to the store about one task */
    struct node *node;
    char task[KEY_TASK_MAX + 1], app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1], address[16];
    int64_t create, mod;
    bool run;
};

struct hollow_nodes {
    uv_loop_t *loop;
    struct etcd *e;
    struct node *at;
    int n, begun, ready;
    uv_timer_t pace;
    struct view *view;
    ORC_VEC(struct answer) queue;
    size_t next;
    long assigned, answered;
    int flying;
    bool hushed, freeing;
};

/* ---- registering --------------------------------------------------------------------------------------- */

static void on_alive(const struct etcd_result *res, void *arg)
{
    struct node *n = arg;

    if (res->error == -ECANCELED)
        return;
    if (res->error || !res->succeeded)
        hollow_die("node %s could not register: %s", n->name, res->error_text);
    n->h->ready += !n->alive;
    n->alive = res->revision;
}

static void put(struct etcd_txn *t, char *key, char *value, int64_t lease)
{
    etcd_txn_put(t, key, value, lease);
    free(key);
    free(value);
}

static void on_lease(int64_t id, void *arg)
{
    struct node *n = arg;
    int i = (int)(n - n->h->at);
    struct etcd_txn *t;

    if (!id)
        hollow_die("node %s lost its lease: %s; this machine is too busy for so many nodes", n->name,
                   lease_reason(n->lease));
    t = etcd_txn_new();
    put(t, key_alive(HOLLOW_CLUSTER, n->name),
        orc_printf("{\"machine_id\":\"%s\",\"boot_id\":\"b\",\"instance\":\"i\"}", n->name), id);
    put(t, key_subnet(HOLLOW_CLUSTER, i), orc_printf("{\"node\":\"%s\"}", n->name), 0);
    put(t, key_node(HOLLOW_CLUSTER, n->name),
        orc_printf(
            "{\"address\":\"10.1.%d.%d\",\"subnet\":\"10.%d.%d.0/24\",\"capacity\":{\"cpus_nano\":%lld,"
            "\"memory\":%lld},\"labels\":{\"disk\":\"%s\"},\"os\":\"linux\",\"arch\":\"amd64\"}",
            i / 250, i % 250 + 1, 128 + i / 256, i % 256, 8000000000LL << i % 3,
            (long long)(16 * GIB << i % 3), i % 2 ? "ssd" : "hdd"),
        0);
    etcd_txn_commit(n->h->e, t, on_alive, n);
}

static void on_pace(uv_timer_t *timer)
{
    struct hollow_nodes *h = timer->data;
    struct node *n = &h->at[h->begun++];

    n->h = h;
    snprintf(n->name, sizeof n->name, "n%05d", h->begun - 1);
    n->lease = lease_new(h->loop, h->e,
                         &(struct lease_opts){.ttl_s = HOLLOW_NODE_TTL_S, .on_lease = on_lease, .arg = n});
    if (h->begun == h->n)
        uv_timer_stop(timer);
}

/* ---- answering ----------------------------------------------------------------------------------------- */

static void pump(struct hollow_nodes *h);

static void on_answered(const struct etcd_result *res, void *arg)
{
    struct hollow_nodes *h = arg;

    h->flying--;
    if (h->freeing)
        return;
    if (res->error)
        hollow_die("a status could not be written: %s", res->error_text);
    h->answered += res->succeeded;
    pump(h);
}

static char *status_of(const struct answer *a)
{
    static char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                probe[] = "HTTP 200 after 1 ms";
    struct record_status s = {.state = a->run ? TASK_RUNNING : TASK_REMOVED,
                              .health = a->run ? TASK_HEALTHY : TASK_UNKNOWN,
                              .probe = a->run ? probe : NULL,
                              .container = a->run ? id : NULL,
                              .exit_code = a->run ? -1 : 0,
                              .since = orc_wall_ms()};

    return record_status_text(&s);
}

static char *endpoint_of(const struct answer *a)
{
    char name[] = "/";
    struct endpoint_port port = {.name = name, .port = 8080};
    struct record_endpoint e = {
        .node = a->node->name, .address = (char *)a->address, .state = ENDPOINT_READY};
    char *text;

    orc_vec_push(&e.ports, port);
    text = record_endpoint_text(&e);
    orc_vec_release(&e.ports);
    return text;
}

static void answer(struct hollow_nodes *h, const struct answer *a)
{
    orc_auto_free char *task = key_task(HOLLOW_CLUSTER, a->node->name, a->task);
    orc_auto_free char *alive = key_alive(HOLLOW_CLUSTER, a->node->name);
    orc_auto_free char *endpoint = key_endpoint(HOLLOW_CLUSTER, a->app, a->service, a->task);
    struct etcd_txn *t = etcd_txn_new();

    etcd_txn_if_create_revision(t, task, a->create);
    if (a->run) {
        etcd_txn_if_mod_revision(t, task, a->mod);
        etcd_txn_if_create_revision(t, alive, a->node->alive);
    }
    etcd_txn_else_get(t, task);
    etcd_txn_else_get(t, alive);
    put(t, key_status(HOLLOW_CLUSTER, a->node->name, a->task), status_of(a), 0);
    if (a->run)
        put(t, orc_take(endpoint), endpoint_of(a), lease_id(a->node->lease));
    else
        etcd_txn_delete(t, endpoint);
    h->flying++;
    etcd_txn_commit(h->e, t, on_answered, h);
}

static void pump(struct hollow_nodes *h)
{
    while (h->flying < IN_FLIGHT && h->next < h->queue.n && !h->hushed)
        answer(h, &h->queue.at[h->next++]);
    if (h->next == h->queue.n)
        h->next = h->queue.n = 0;
}

static void on_task(const struct etcd_kv *kv, void *arg)
{
    struct hollow_nodes *h = arg;
    struct record_task t = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct key key;
    struct answer *a;
    int node = -1;

    if (key_parse(HOLLOW_CLUSTER, kv->key, &key) != KEY_TASK || sscanf(key.node, "n%d", &node) != 1 ||
        node < 0 || node >= h->n || record_task_parse(kv->value, kv->value_len, &t, &err) < 0)
        hollow_die("%s: %s", kv->key, err.msg);
    h->assigned += kv->create_revision == kv->mod_revision;
    a = orc_vec_add(&h->queue);
    a->node = &h->at[node];
    memcpy(a->task, key.task, sizeof a->task);
    snprintf(a->app, sizeof a->app, "%s", t.app);
    snprintf(a->service, sizeof a->service, "%s", t.service);
    snprintf(a->address, sizeof a->address, "%s", t.address ? t.address : "");
    a->create = kv->create_revision;
    a->mod = kv->mod_revision;
    a->run = t.desired == TASK_RUN;
    record_task_release(&t);
}

static void on_gone(const char *key, int64_t revision, void *arg)
{
}

static void on_batch(int64_t revision, void *arg)
{
    pump(arg);
}

/* ---- life cycle ---------------------------------------------------------------------------------------- */

static bool all_ready(void *arg)
{
    const struct hollow_nodes *h = arg;

    return h->ready == h->n && view_state(h->view) == VIEW_LIVE;
}

struct hollow_nodes *hollow_nodes_new(uv_loop_t *loop, struct etcd *e, int n)
{
    struct hollow_nodes *h = orc_new(struct hollow_nodes);
    orc_auto_free char *range = key_range(HOLLOW_CLUSTER, KEY_TASK);
    const char *prefixes[] = {range, NULL};
    struct view_opts o = {
        .prefixes = prefixes, .on_put = on_task, .on_delete = on_gone, .on_batch = on_batch, .arg = h};

    h->loop = loop;
    h->e = e;
    h->n = n;
    h->at = orc_calloc((size_t)n, sizeof *h->at);
    h->view = view_new(loop, e, &o);
    uv_timer_init(loop, &h->pace);
    h->pace.data = h;
    uv_timer_start(&h->pace, on_pace, 0, REGISTER_MS);
    hollow_until(loop, all_ready, h, "the nodes did not register");
    return h;
}

static void on_closed(uv_handle_t *handle)
{
    struct hollow_nodes *h = handle->data;

    free(h->at);
    orc_vec_release(&h->queue);
    free(h);
}

struct hollow_nodes *hollow_nodes_free(struct hollow_nodes *h)
{
    h->freeing = true;
    view_free(h->view);
    for (int i = 0; i < h->n; i++)
        lease_free(h->at[i].lease);
    uv_close((uv_handle_t *)&h->pace, on_closed);
    return NULL;
}

long hollow_nodes_assigned(const struct hollow_nodes *h)
{
    return h->assigned;
}

long hollow_nodes_answered(const struct hollow_nodes *h)
{
    return h->answered;
}

long hollow_nodes_owed(const struct hollow_nodes *h)
{
    return (long)(h->queue.n - h->next) + h->flying;
}

void hollow_nodes_hush(struct hollow_nodes *h, bool hushed)
{
    h->hushed = hushed;
    pump(h);
}
