/* people.c - what people do with `orc`: each command as the writes that it makes (docs/keys.md). */
#include "tests/sim/cluster.h"

#include <stdio.h>

static void put(char *key, char *value)
{
    store_put(key, value);
    free(key);
    free(value);
}

/* ---- the cluster */

static void write_config(void)
{
    struct record_config c = {0};

    record_config_default(&c, cluster.cluster_id);
    c.recovered = cluster.recovered;
    put(key_config(SIM_CLUSTER), record_config_text(&c));
    record_config_release(&c);
}

void people_init(void)
{
    snprintf(cluster.cluster_id, sizeof cluster.cluster_id, "%016llx%016llx",
             (unsigned long long)sim_random(), (unsigned long long)sim_random());
    write_config();
}

static int64_t stamp(uint64_t at)
{
    return (int64_t)at + INT64_C(1800000000000);
}

/* `orc recover`, after `orc init` where there is no cluster any more. */
void people_recover(void)
{
    orc_auto_free char *key = key_config(SIM_CLUSTER);

    sim_say("people: orc recover");
    if (!store_find(key))
        people_init();
    cluster.recovered = stamp(world.now);
    write_config();
    cluster.frozen = false;
}

bool people_recovered_since(uint64_t at)
{
    orc_auto_free char *key = key_config(SIM_CLUSTER);
    const struct sim_kv *kv = store_find(key);
    struct record_config c = {0};
    bool since =
        kv && record_config_parse(kv->text->at, kv->text->n, &c, NULL) == 0 && c.recovered > stamp(at);

    record_config_release(&c);
    return since;
}

/* ---- an app */

static struct record_app read_app(void)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, SIM_APP);
    const struct sim_kv *kv = store_find(key);
    struct record_app a = {0};

    if (kv)
        (void)record_app_parse(kv->text->at, kv->text->n, &a, NULL);
    return a;
}

static void write_app(struct record_app *a)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, SIM_APP);

    a->generation++;
    if (a->services.n)
        put(orc_take(key), record_app_text(a));
    else
        store_delete(key);
    record_app_release(a);
}

static struct record_app_service *service_in(struct record_app *a, const char *name)
{
    size_t at = 0;

    while (at < a->services.n && strcmp(a->services.at[at].name, name) < 0)
        at++;
    if (at < a->services.n && strcmp(a->services.at[at].name, name) == 0)
        return &a->services.at[at];
    orc_vec_add(&a->services);
    memmove(&a->services.at[at + 1], &a->services.at[at], (a->services.n - 1 - at) * sizeof *a->services.at);
    a->services.at[at] =
        (struct record_app_service){.name = orc_strdup(name), .replicas = SPEC_REPLICAS_DEFAULT};
    return &a->services.at[at];
}

static void add_health(struct spec_service *w)
{
    w->health.kind = SPEC_HEALTH_HTTP;
    w->health.path = orc_strdup("/health");
    w->health.port = 8080;
    w->health.interval_ms = 2000;
    w->health.timeout_ms = 500;
    w->health.retries = 2;
}

static struct spec_service *spec_of(const struct sim_service *s, const char *image)
{
    struct spec_service *w = spec_service_new(s->name);

    w->image = orc_strdup(image);
    w->replicas = s->replicas;
    w->limits = (struct spec_resources){INT64_C(100000000), SIM_NEED_MEMORY};
    if (!s->job)
        add_health(w);
    w->update.parallelism = s->parallelism;
    w->update.order = s->order;
    w->update.monitor_ms = SIM_MONITOR_MS;
    w->update.failure_action = (enum spec_failure_action)sim_below(3);
    w->update.delay_ms = sim_chance(4) ? 1000 : 0;
    w->drain_timeout_ms = s->drain_ms;
    w->stop_grace_period_ms = s->grace_ms;
    w->max_per_node = s->per_node;
    w->strategy = s->packed ? SPEC_BINPACK : SPEC_SPREAD;
    spec_pairs_add(&w->labels, "version", image);
    if (cluster.wide)
        wide_spec(s, w);
    return w;
}

static void add_lists(const struct sim_service *s, struct spec_service *w)
{
    if (s->zones)
        orc_strv_add(&w->spread_over, "node.labels.zone");
    if (s->volume)
        orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                      .source = orc_strdup("data"),
                                                      .target = orc_strdup("/data")}));
    if (s->port)
        orc_vec_push(&w->ports,
                     ((struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80}));
    if (s->routed)
        orc_vec_push(&w->gateway,
                     ((struct spec_gateway){
                         .host = orc_strdup(""), .path = orc_printf("/%s/", s->name), .port = 8080}));
}

static void write_revision(const struct sim_service *s, struct spec_service *w)
{
    struct record_revision r = {.spec = w, .by = orc_strdup("somebody")};

    spec_service_sort(w);
    spec_service_hash(w, r.hash, r.container_hash);
    put(key_revision(SIM_CLUSTER, SIM_APP, s->name, s->revision), record_revision_text(&r));
    record_revision_release(&r);
}

/* The image's name carries the revision, so that each is another container. */
void people_apply(struct sim_service *s, const char *image)
{
    struct record_app a = read_app();
    orc_auto_free char *named = orc_printf("%s-%lld", image, (long long)s->revision + 1);
    struct spec_service *w;
    struct record_app_service *in;

    if (!s->wanted)
        s->replicas = 1 + (int)sim_below(4);
    if (s->port && s->replicas > cluster.n_nodes)
        s->replicas = cluster.n_nodes;
    if (s->per_node && s->replicas > cluster.n_nodes * s->per_node)
        s->replicas = cluster.n_nodes * s->per_node;
    if (s->global)
        s->replicas = cluster.n_nodes;
    sim_say("people: orc apply %s, revision %lld: %d of %s", s->name, (long long)s->revision + 1, s->replicas,
            image);
    s->wanted = true;
    s->target = ++s->revision;
    if (strncmp(image, "good", 4) == 0 || strncmp(image, "stubborn", 8) == 0)
        s->good = s->revision;
    w = spec_of(s, named);
    add_lists(s, w);
    write_revision(s, w);
    in = service_in(&a, s->name);
    in->revision = s->revision;
    in->replicas = s->global ? SPEC_REPLICAS_DEFAULT : s->replicas;
    write_app(&a);
}

void people_settle(struct sim_service *s)
{
    s->settled = s->revision + 1;
    people_apply(s, s->job ? "finished" : "good");
}

void people_scale(struct sim_service *s, int replicas)
{
    struct record_app a = read_app();

    sim_say("people: orc scale %s=%d", s->name, replicas);
    s->replicas = replicas;
    service_in(&a, s->name)->replicas = replicas;
    write_app(&a);
}

void people_rollback(struct sim_service *s)
{
    struct record_app a = read_app();

    sim_say("people: orc rollback %s to revision %lld", s->name, (long long)s->good);
    s->target = s->good;
    service_in(&a, s->name)->revision = s->good;
    service_in(&a, s->name)->replicas = s->global ? SPEC_REPLICAS_DEFAULT : s->replicas;
    write_app(&a);
}

static void write_intent(const struct sim_service *s)
{
    struct record_intent i = {.restart_epoch = s->epoch,
                              .rollout = {s->asked.action, s->asked.epoch, s->asked.revision, NULL, 0},
                              .rebalance_epoch = s->rebalance_epoch,
                              .rebalance_max = s->rebalance_max};

    put(key_intent(SIM_CLUSTER, SIM_APP, s->name), record_intent_text(&i));
}

void people_restart(struct sim_service *s)
{
    sim_say("people: orc restart %s", s->name);
    s->epoch++;
    write_intent(s);
}

void people_order(struct sim_service *s, enum intent_action action, int64_t revision)
{
    sim_say("people: orc rollout %s %s, of revision %lld", intent_action_name(action), s->name,
            (long long)revision);
    s->asked.action = action;
    s->asked.epoch++;
    s->asked.revision = revision;
    write_intent(s);
}

void people_rebalance(struct sim_service *s, int max)
{
    sim_say("people: orc rebalance %s, %d at most", s->name, max);
    s->rebalance_epoch++;
    s->rebalance_max = max;
    write_intent(s);
}

void people_remove(struct sim_service *s)
{
    struct record_app a = read_app();
    struct record_app_service *in = service_in(&a, s->name);
    size_t i = (size_t)(in - a.services.at);

    sim_say("people: orc rm %s", s->name);
    free(in->name);
    memmove(in, in + 1, (a.services.n - i - 1) * sizeof *in);
    a.services.n--;
    write_app(&a);
    s->wanted = false;
}

void people_policy(struct sim_node *n, bool cordon, bool drain)
{
    struct record_node_policy p = {.cordon = cordon, .drain = drain};

    sim_say("people: node %s:%s%s", n->name,
            cordon  ? " cordon"
            : drain ? ""
                    : " as usual",
            drain ? " drain" : "");
    people_put_policy(n, &p);
}

void people_put_policy(struct sim_node *n, const struct record_node_policy *p)
{
    put(key_node_policy(SIM_CLUSTER, n->name), record_node_policy_text(p));
}

void people_forget_node(struct sim_node *n)
{
    orc_auto_free char *node = key_node(SIM_CLUSTER, n->name), *alive = key_alive(SIM_CLUSTER, n->name);
    orc_auto_free char *policy = key_node_policy(SIM_CLUSTER, n->name);
    struct sim_kv *kv, *next;

    if (store_find(alive) || !store_find(node))
        return;
    sim_say("people: orc node rm %s", n->name);
    store_delete(node);
    store_delete(policy);
    if (cluster.wide) /* there the scheduler gives addresses back, when nothing hangs on the node */
        return;
    HASH_ITER (hh, store.kvs, kv, next) {
        orc_auto_free char *owner = orc_printf("\"%s\"", n->name);

        if (kv->name->key.kind == KEY_SUBNET && strstr(kv->text->at, owner))
            store_delete(kv->name->at);
    }
}

void people_look(void)
{
    struct record_app a = read_app();

    for (int i = 0; i < cluster.n_services; i++) {
        struct sim_service *s = &cluster.services[i];
        const struct record_app_service *in;
        orc_auto_free char *good = key_revision(SIM_CLUSTER, SIM_APP, s->name, s->good);

        s->wanted = false;
        orc_vec_each (in, &a.services)
            if (strcmp(in->name, s->name) == 0) {
                s->wanted = true;
                s->target = in->revision;
                s->replicas = s->global ? cluster.n_nodes : in->replicas;
            }
        if (!store_find(good))
            s->good = 0;
    }
    record_app_release(&a);
}

/* ---- somebody does something */

static const char *any_image(void)
{
    static const char *const images[] = {"good",     "good", "good",     "good",   "sick",    "missing",
                                         "crashing", "once", "stubborn", "broken", "finished"};

    return images[sim_below(ORC_ARRAY_SIZE(images))];
}

static void act_on(struct sim_service *s)
{
    switch (sim_below(9)) {
    case 0:
    case 1:
    case 2:
        people_apply(s, sim_chance(2) ? "good" : any_image());
        break;
    case 3:
    case 4:
        if (s->wanted && !s->port && !s->per_node && !s->global)
            people_scale(s, (int)sim_below(SIM_REPLICAS_MAX + 1));
        break;
    case 5:
    case 6:
        if (s->wanted)
            people_restart(s);
        break;
    case 7:
        if (s->wanted && s->good && !s->job)
            people_rollback(s);
        break;
    default:
        if (s->wanted && sim_chance(2))
            people_remove(s);
        break;
    }
}

void people_act(void)
{
    struct sim_node *n = &cluster.nodes[sim_below((uint64_t)cluster.n_nodes)];

    if (cluster.frozen) /* they look first, then say that it is right */
        return;
    if (cluster.wide && wide_act(&cluster.services[sim_below((uint64_t)cluster.n_services)], n))
        return;
    if (sim_chance(12))
        people_forget_node(n);
    else if (sim_chance(4))
        people_policy(n, sim_chance(3), sim_chance(3));
    else
        act_on(&cluster.services[sim_below((uint64_t)cluster.n_services)]);
}
