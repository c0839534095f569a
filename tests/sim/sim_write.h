/* sim_write.h - what people (`orc apply`, `scale`, `drain` ...) and registering nodes write into sim.h's
 * store.
 */
#ifndef TESTS_SIM_SIM_WRITE_H
#define TESTS_SIM_SIM_WRITE_H

#include "tests/sim/sim_store.h"

/* The node registers, having been started for the n-th time; its word about tasks is of the last start. */
SIM_FN void sim_boot(struct sim *s, const char *node, int n)
{
    sim_put(s, key_alive(SIM_CLUSTER, node),
            orc_printf("{\"machine_id\":\"m\",\"boot_id\":\"boot-%d\",\"instance\":\"i\"}", n));
}

SIM_FN void sim_alive(struct sim *s, const char *node, bool alive)
{
    if (!alive)
        sim_del(s, key_alive(SIM_CLUSTER, node));
    else
        sim_put(s, key_alive(SIM_CLUSTER, node),
                orc_strdup("{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}"));
}

struct sim_node_opts {
    double cpus;
    int64_t memory_mib;
    const char *label, *value; /* NULL: none */
    const char *not_ready;     /* a condition's reason, or NULL */
    const char *avoid;         /* likewise of one that makes others preferable */
    const char *volumes[4];    /* "shop.data"; up to the first NULL */
    int pids;                  /* 0: it does not say */
};

SIM_FN void sim_node_put(struct sim *s, const char *name, int k, struct sim_node_opts o)
{
    struct record_node n = {.capacity = {(int64_t)(o.cpus * 1e9), o.memory_mib * SIM_MIB}, .pids = o.pids};

    n.address = orc_printf("10.0.0.%d", 10 + k);
    n.subnet = orc_printf("10.210.%d.0/24", k);
    if (o.label) {
        struct spec_pair *p = orc_vec_add(&n.labels);

        p->key = orc_strdup(o.label);
        p->value = orc_strdup(o.value);
    }
    if (o.not_ready) {
        struct record_condition *c = orc_vec_add(&n.conditions);

        c->type = orc_strdup("mtu");
        c->reason = orc_strdup(o.not_ready);
    }
    if (o.avoid) {
        struct record_condition *c = orc_vec_add(&n.conditions);

        *c = (struct record_condition){orc_strdup("steal"), true, true, orc_strdup(o.avoid), 1};
    }
    for (size_t i = 0; i < 4 && o.volumes[i]; i++)
        orc_strv_add(&n.volumes, o.volumes[i]);
    sim_put(s, key_node(SIM_CLUSTER, name), record_node_text(&n));
    record_node_release(&n);
}

/* Adds a living node k<n>; returns its number. */
SIM_FN int sim_node(struct sim *s, double cpus, int64_t memory_mib)
{
    orc_auto_free char *state = NULL;
    int k = ++s->nodes;
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    state = key_node_state(SIM_CLUSTER, name);
    sim_node_put(s, name, k, (struct sim_node_opts){.cpus = cpus, .memory_mib = memory_mib});
    sim_alive(s, name, true);
    sim_put_at(s, state, "{\"state\":\"ready\"}"); /* a scheduler has said so before */
    return k;
}

SIM_FN void sim_policy(struct sim *s, const char *node, bool cordon, bool drain)
{
    struct record_node_policy p = {.cordon = cordon, .drain = drain};

    sim_put(s, key_node_policy(SIM_CLUSTER, node), record_node_policy_text(&p));
}

SIM_FN void sim_drain(struct sim *s, const char *node, uint64_t deadline_ms)
{
    struct record_node_policy p = {.cordon = true, .drain = true, .drain_deadline_ms = deadline_ms};

    sim_put(s, key_node_policy(SIM_CLUSTER, node), record_node_policy_text(&p));
}

/* A service of 0.1 CPU and 64 MiB with a health check. */
SIM_FN struct spec_service *sim_spec(const char *name, int replicas, const char *image)
{
    struct spec_service *w = spec_service_new(name);

    w->image = orc_strdup(image);
    w->replicas = replicas;
    w->limits = (struct spec_resources){INT64_C(100000000), 64 * SIM_MIB};
    w->health.kind = SPEC_HEALTH_HTTP;
    w->health.path = orc_strdup("/health");
    w->health.port = 8080;
    return w;
}

SIM_FN struct record_app sim_app(struct sim *s, const char *app)
{
    orc_auto_free char *key = key_app(SIM_CLUSTER, app);
    struct sim_kv *kv = sim_find(s, key);
    struct record_app a = {0};

    if (kv)
        assert_int_equal(record_app_parse(kv->value->text, strlen(kv->value->text), &a, NULL), 0);
    return a;
}

SIM_FN void sim_app_put(struct sim *s, const char *app, struct record_app *a)
{
    a->generation++;
    if (a->services.n)
        sim_put(s, key_app(SIM_CLUSTER, app), record_app_text(a));
    else
        sim_del(s, key_app(SIM_CLUSTER, app));
    record_app_release(a);
}

SIM_FN struct record_app_service *sim_app_service(struct record_app *a, const char *name)
{
    struct record_app_service *x;
    size_t at = 0;

    orc_vec_each (x, &a->services)
        if (strcmp(x->name, name) == 0)
            return x;
    orc_vec_add(&a->services);
    while (at < a->services.n - 1 && strcmp(a->services.at[at].name, name) < 0)
        at++;
    memmove(&a->services.at[at + 1], &a->services.at[at], (a->services.n - 1 - at) * sizeof *a->services.at);
    a->services.at[at] =
        (struct record_app_service){.name = orc_strdup(name), .replicas = SPEC_REPLICAS_DEFAULT};
    return &a->services.at[at];
}

SIM_FN void sim_know_image(struct sim *s, const char *hash, const char *image)
{
    struct sim_image *i = NULL;

    HASH_FIND_STR(s->images, hash, i);
    if (i)
        return;
    i = orc_new(struct sim_image);
    snprintf(i->hash, sizeof i->hash, "%s", hash);
    snprintf(i->image, sizeof i->image, "%s", image);
    HASH_ADD_STR(s->images, hash, i);
}

/* `orc apply` of one service: writes revision n and points the app to it. Takes w. */
SIM_FN void sim_apply(struct sim *s, const char *app, int64_t n, struct spec_service *w)
{
    struct record_revision r = {.spec = w};
    struct record_app a = sim_app(s, app);

    spec_service_hash(w, r.hash, r.container_hash);
    sim_know_image(s, r.container_hash, w->image);
    r.by = orc_strdup("test");
    sim_put(s, key_revision(SIM_CLUSTER, app, w->name, n), record_revision_text(&r));
    sim_app_service(&a, w->name)->revision = n;
    sim_app_put(s, app, &a);
    record_revision_release(&r);
}

SIM_FN void sim_scale(struct sim *s, const char *app, const char *service, int replicas)
{
    struct record_app a = sim_app(s, app);

    sim_app_service(&a, service)->replicas = replicas;
    sim_app_put(s, app, &a);
}

/* `orc rollback`: an older revision again. */
SIM_FN void sim_point(struct sim *s, const char *app, const char *service, int64_t n)
{
    struct record_app a = sim_app(s, app);

    sim_app_service(&a, service)->revision = n;
    sim_app_put(s, app, &a);
}

SIM_FN void sim_rm(struct sim *s, const char *app)
{
    sim_del(s, key_app(SIM_CLUSTER, app));
}

SIM_FN struct record_intent sim_intent(struct sim *s, const char *app, const char *service)
{
    orc_auto_free char *key = key_intent(SIM_CLUSTER, app, service);
    struct sim_kv *kv = sim_find(s, key);
    struct record_intent i = {0};

    if (kv)
        assert_int_equal(record_intent_parse(kv->value->text, strlen(kv->value->text), &i, NULL), 0);
    return i;
}

SIM_FN void sim_restart(struct sim *s, const char *app, const char *service, int64_t epoch)
{
    struct record_intent i = sim_intent(s, app, service);

    i.restart_epoch = epoch;
    sim_put(s, key_intent(SIM_CLUSTER, app, service), record_intent_text(&i));
    record_intent_release(&i);
}

/* `orc rollout pause|resume|abort`, about a revision. */
SIM_FN void sim_order(struct sim *s, const char *service, enum intent_action action, int64_t revision)
{
    struct record_intent i = sim_intent(s, "shop", service);

    i.rollout.action = action;
    i.rollout.epoch++;
    i.rollout.revision = revision;
    orc_set_str(&i.rollout.by, "ann@desk");
    sim_put(s, key_intent(SIM_CLUSTER, "shop", service), record_intent_text(&i));
    record_intent_release(&i);
}

/* `orc rebalance`, of at most so many replicas (0: any number). */
SIM_FN void sim_rebalance(struct sim *s, const char *app, const char *service, int max)
{
    struct record_intent i = sim_intent(s, app, service);

    i.rebalance_epoch++;
    i.rebalance_max = max;
    sim_put(s, key_intent(SIM_CLUSTER, app, service), record_intent_text(&i));
    record_intent_release(&i);
}

#endif
