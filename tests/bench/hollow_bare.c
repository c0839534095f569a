/* hollow_bare.c - what the scheduler wrote, read back from etcd's history, and written again by a client that
 * only has to send it: the floor under the time that assigning takes.
 */
#include "tests/bench/hollow.h"

#include "state/watch.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

struct write {
    char *key, *value;
    bool made; /* the key was absent */
};

struct committed { /* one transaction */
    int64_t revision;
    ORC_VEC(struct write) writes;
};

struct hollow_history {
    ORC_VEC(struct committed) at;
    long tasks, expected;
};

/* ---- reading ------------------------------------------------------------------------------------------- */

static bool wanted(const char *key, void *arg)
{
    struct key k;
    enum key_kind kind = key_parse(HOLLOW_CLUSTER, key, &k);

    return kind == KEY_TASK || kind == KEY_ROLLOUT || kind == KEY_EVENT;
}

static void keep(struct hollow_history *h, const struct etcd_kv *kv)
{
    struct committed *c = h->at.n ? &h->at.at[h->at.n - 1] : NULL;
    struct write *w;
    struct key k;

    if (!c || c->revision != kv->mod_revision) {
        if (h->tasks >= h->expected)
            return;
        c = orc_vec_add(&h->at);
        c->revision = kv->mod_revision;
    }
    w = orc_vec_add(&c->writes);
    w->key = orc_strdup(kv->key);
    w->value = orc_strdup(kv->value);
    w->made = kv->create_revision == kv->mod_revision;
    h->tasks += w->made && key_parse(HOLLOW_CLUSTER, kv->key, &k) == KEY_TASK;
}

static void on_events(size_t range, const struct watch_event *events, size_t n, uint64_t cluster_id,
                      void *arg)
{
    struct hollow_history *h = arg;

    for (size_t i = 0; i < n; i++)
        if (!events[i].deleted && wanted(events[i].kv.key, NULL))
            keep(h, &events[i].kv);
}

static void on_created(uint64_t cluster_id, int64_t revision, void *arg)
{
}

static void on_end(int error, const char *text, void *arg)
{
    hollow_die("etcd's history can't be read: %s", text);
}

static bool complete(void *arg)
{
    const struct hollow_history *h = arg;

    return h->tasks >= h->expected;
}

struct hollow_history *hollow_history_read(uv_loop_t *loop, struct etcd *e, int64_t revision, long tasks)
{
    struct hollow_history *h = orc_new(struct hollow_history);
    orc_auto_free char *from = key_prefix(HOLLOW_CLUSTER), *to = orc_printf("%s~", from);
    struct watch_range range = {.from = from, .to = to, .start_revision = revision + 1};
    struct watch_opts o = {.ranges = &range,
                           .n_ranges = 1,
                           .dead_peer_ms = 4000,
                           .on_created = on_created,
                           .wanted = wanted,
                           .on_events = on_events,
                           .on_end = on_end,
                           .arg = h};
    struct watch *w;

    h->expected = tasks;
    w = watch_new(e, &o);
    hollow_until(loop, complete, h, "etcd's history does not come");
    watch_free(w);
    return h;
}

struct hollow_history *hollow_history_free(struct hollow_history *h)
{
    struct committed *c;
    struct write *w;

    orc_vec_each (c, &h->at) {
        orc_vec_each (w, &c->writes) {
            free(w->key);
            free(w->value);
        }
        orc_vec_release(&c->writes);
    }
    orc_vec_release(&h->at);
    free(h);
    return NULL;
}

long hollow_history_count(const struct hollow_history *h)
{
    return (long)h->at.n;
}

/* ---- writing ------------------------------------------------------------------------------------------- */

struct sender {
    const struct hollow_history *h;
    struct etcd *e;
    size_t next;
    int flying, width;
    int64_t app; /* mod revision of the app's key */
};

static void pump(struct sender *s);

static void on_sent(const struct etcd_result *res, void *arg)
{
    struct sender *s = arg;

    if (res->error || !res->succeeded)
        hollow_die("the bare client's transaction was refused: %s", res->error_text);
    s->flying--;
    pump(s);
}

/* A key that stands for the leader's, the app's or the rollout's: compared, and it holds in any order. */
static void compare_something(struct sender *s, struct etcd_txn *t)
{
    orc_auto_free char *app = key_app(HOLLOW_CLUSTER, "a0");

    etcd_txn_if_mod_revision(t, app, s->app);
}

static void compare_node(struct etcd_txn *t, const char *node)
{
    orc_auto_free char *alive = key_alive(HOLLOW_CLUSTER, node),
                       *policy = key_node_policy(HOLLOW_CLUSTER, node);

    etcd_txn_if_exists(t, alive);
    etcd_txn_if_mod_revision(t, policy, 0);
}

static bool is_first_of_node(const struct committed *c, const struct write *w, const struct key *k)
{
    const struct write *o;
    struct key other;

    for (o = c->writes.at; o < w; o++)
        if (key_parse(HOLLOW_CLUSTER, o->key, &other) == KEY_TASK && strcmp(other.node, k->node) == 0)
            return false;
    return true;
}

static void send_one(struct sender *s, const struct committed *c)
{
    struct etcd_txn *t = etcd_txn_new();
    const struct write *w;
    bool event = false;

    orc_vec_each (w, &c->writes) {
        struct key k;
        enum key_kind kind = key_parse(HOLLOW_CLUSTER, w->key, &k);

        event = kind == KEY_EVENT;
        if (kind == KEY_TASK && w->made)
            etcd_txn_if_create_revision(t, w->key, 0);
        if (kind == KEY_TASK && w->made && is_first_of_node(c, w, &k))
            compare_node(t, k.node);
        etcd_txn_put(t, w->key, w->value, 0);
    }
    for (int i = 0; i < 3 && !event; i++)
        compare_something(s, t);
    s->flying++;
    etcd_txn_commit(s->e, t, on_sent, s);
}

static void pump(struct sender *s)
{
    while (s->flying < s->width && s->next < s->h->at.n)
        send_one(s, &s->h->at.at[s->next++]);
}

static bool all_sent(void *arg)
{
    const struct sender *s = arg;

    return s->next == s->h->at.n && !s->flying;
}

/* The forked process: a loop and connections of its own. */
_Noreturn static void send_all(const struct hollow_history *h, const char *url, int in_flight)
{
    orc_auto_free char *key = key_app(HOLLOW_CLUSTER, "a0");
    struct sender s = {.h = h, .width = in_flight};
    struct etcd_answer a = {0};
    struct orc_err err = ORC_ERR_INIT;
    uv_loop_t loop;

    uv_loop_init(&loop);
    s.e = hollow_connect(&loop, url);
    if (etcd_sync_get(s.e, &loop, key, &a, &err) < 0 || !a.kvs.n)
        hollow_die("the app's key can't be read: %s", err.msg);
    s.app = a.kvs.at[0].mod_revision;
    pump(&s);
    hollow_until(&loop, all_sent, &s, "the bare client does not come to an end");
    _exit(0);
}

pid_t hollow_history_send(const struct hollow_history *h, const char *url, int in_flight)
{
    pid_t pid = fork();

    if (pid < 0)
        hollow_die("no process can be made");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        send_all(h, url, in_flight);
    }
    return pid;
}
