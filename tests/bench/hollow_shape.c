/* hollow_shape.c - what people write: a cluster's config, revisions, apps. */
#include "tests/bench/hollow.h"

#include "lib/clock.h"

#include <stdio.h>

#define MIB (INT64_C(1024) * 1024)

int hollow_service_index(const struct hollow_shape *s, const char *app, const char *service)
{
    int a = 0, n = 0;

    if (sscanf(app, "a%d", &a) != 1 || sscanf(service, "s%d", &n) != 1 || a < 0 || a >= s->apps || n < 0 ||
        n >= s->services)
        return -1;
    return a * s->services + n;
}

static void put(struct etcd *e, uv_loop_t *loop, char *key, char *value)
{
    struct etcd_answer a = {0};
    struct orc_err err = ORC_ERR_INIT;

    if (etcd_sync_put(e, loop, key, value, 0, &a, &err) < 0)
        hollow_die("%s", err.msg);
    etcd_answer_release(&a);
    free(key);
    free(value);
}

/* A little of everything: CPU, memory, a check, a route; one in ten has a constraint. */
static struct spec_service *service_spec(int i, int replicas)
{
    orc_auto_free char *name = orc_printf("s%d", i);
    struct spec_service *s = spec_service_new(name);

    s->image = orc_strdup("registry.example/app:1");
    s->replicas = replicas;
    s->limits = (struct spec_resources){10000000 * (1 + i % 8), (1 + i % 4) * 16 * MIB};
    s->health.kind = SPEC_HEALTH_HTTP;
    s->health.path = orc_strdup("/health");
    s->health.port = 8080;
    if (i % 10 == 9) {
        struct spec_constraint *c = orc_vec_add(&s->constraints);

        *c = (struct spec_constraint){orc_strdup("node.labels.disk"), true, orc_strdup("ssd")};
    }
    return s;
}

void hollow_write_specs(struct etcd *e, uv_loop_t *loop, const struct hollow_shape *s)
{
    struct record_config c = {0};

    record_config_default(&c, HOLLOW_ID);
    orc_set_str(&c.cidr, "10.128.0.0/9");
    c.node_ttl_s = HOLLOW_NODE_TTL_S;
    put(e, loop, key_config(HOLLOW_CLUSTER), record_config_text(&c));
    record_config_release(&c);
    for (int i = 0; i < s->apps * s->services; i++) {
        orc_auto_free char *app = orc_printf("a%d", i / s->services);
        struct record_revision r = {.spec = service_spec(i % s->services, s->replicas),
                                    .by = orc_strdup("bench")};

        spec_service_hash(r.spec, r.hash, r.container_hash);
        put(e, loop, key_revision(HOLLOW_CLUSTER, app, r.spec->name, 1), record_revision_text(&r));
        record_revision_release(&r);
    }
}

char *hollow_app_text(const struct hollow_shape *s, int64_t generation, const int *replicas)
{
    struct record_app a = {.generation = generation};
    char *text;

    for (int i = 0; i < s->services; i++) {
        struct record_app_service *x = orc_vec_add(&a.services);

        x->name = orc_printf("s%d", i);
        x->revision = 1;
        x->replicas = replicas[i];
    }
    text = record_app_text(&a);
    record_app_release(&a);
    return text;
}
