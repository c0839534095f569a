/* Fed change by change, or all at once in another order: what is decided is the same. */
#include "tests/sim/sim.h"

#define SERVICES 4

static struct spec_service *spec(struct sim *s, int i)
{
    static const char *const images[] = {"good", "good", "good", "sick", "crash", "missing"};
    char name[16];
    struct spec_service *w;

    snprintf(name, sizeof name, "s%d", i);
    w = sim_spec(name, (int)(sim_random(s) % 12), images[sim_random(s) % ORC_ARRAY_SIZE(images)]);
    w->limits.memory = (int64_t)(50 + sim_random(s) % 300) * SIM_MIB;
    if (sim_chance(s, 3)) {
        struct spec_constraint *k = orc_vec_add(&w->constraints);

        *k = (struct spec_constraint){orc_strdup("node.labels.disk"), true, orc_strdup("ssd")};
    }
    if (sim_chance(s, 4))
        w->max_per_node = 1 + (int)(sim_random(s) % 3);
    if (sim_chance(s, 4))
        orc_strv_add(&w->spread_over, "node.labels.disk");
    if (sim_chance(s, 5)) {
        struct spec_port *p = orc_vec_add(&w->ports);

        *p = (struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80};
    }
    if (sim_chance(s, 5))
        w->strategy = SPEC_BINPACK;
    return w;
}

static void node(struct sim *s, int k)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(s, name, k,
                 (struct sim_node_opts){.cpus = 1 << sim_random(s) % 4,
                                        .memory_mib = (int64_t)(500 + sim_random(s) % 4000),
                                        .label = "disk",
                                        .value = sim_chance(s, 2) ? "ssd" : "hdd",
                                        .not_ready = sim_chance(s, 10) ? "no" : NULL});
}

static void change(struct sim *s, int nodes)
{
    int k = 1 + (int)(sim_random(s) % (uint64_t)nodes), i = (int)(sim_random(s) % SERVICES);
    char name[16], service[16];

    snprintf(name, sizeof name, "k%d", k);
    snprintf(service, sizeof service, "s%d", i);
    switch (sim_random(s) % 10) {
    case 0:
        sim_policy(s, name, sim_chance(s, 2), sim_chance(s, 3));
        break;
    case 1:
        node(s, k);
        break;
    case 2:
    case 3:
        sim_apply(s, "shop", (int64_t)s->revision, spec(s, i));
        break;
    case 4:
    case 5:
        sim_scale(s, "shop", service, (int)(sim_random(s) % 60));
        break;
    case 6:
        sim_restart(s, "shop", service, s->revision);
        break;
    case 7:
        sim_del(s, key_rollout(SIM_CLUSTER, "shop", service));
        break;
    default:
        s->now += sim_random(s) % 40000;
    }
}

static char *decided(struct sim *s)
{
    struct plan p = {0};
    char *text;

    core_step(s->core, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    plan_release(&p);
    return text;
}

static void history(uint64_t seed)
{
    struct sim *s = sim_new();
    orc_auto_free char *grown = NULL, *fresh = NULL;
    int nodes = 2 + (int)(seed % 7);

    s->random = seed;
    s->slow = 2;
    for (int k = 1; k <= nodes; k++) {
        char name[16];

        node(s, k);
        snprintf(name, sizeof name, "k%d", k);
        sim_alive(s, name, true);
    }
    for (int i = 0; i < SERVICES; i++)
        sim_apply(s, "shop", 1, spec(s, i));
    for (int i = 0; i < 40; i++) {
        change(s, nodes);
        if (sim_chance(s, 2))
            free(sim_step(s));
        if (sim_chance(s, 2))
            sim_act(s);
    }
    core_lead(s->core); /* so that the times that were observed are forgotten */
    grown = decided(s);
    sim_new_leader(s);
    fresh = decided(s);
    if (strcmp(grown, fresh) != 0)
        fail_msg("seed %llu: fed change by change:\n%s\nfed anew:\n%s", (unsigned long long)seed, grown,
                 fresh);
    sim_free(s);
}

static void test_incremental__equal_to_deciding_from_scratch(void **state)
{
    for (uint64_t seed = 1; seed <= 150; seed++)
        history(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_incremental__equal_to_deciding_from_scratch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
