/* What is remembered of constraints, held against asking each node. */
#include "scheduler/allow.h"
#include "tests/sim/sim.h"

#define NODES 70
#define SERVICES 5

static void node(struct sim *s, int k)
{
    static const char *const disks[] = {"ssd", "hdd", "SSD", ""};
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(s, name, k,
                 (struct sim_node_opts){
                     .cpus = 4, .memory_mib = 4000, .label = "disk", .value = disks[sim_random(s) % 4]});
    sim_alive(s, name, true);
}

static void forget(struct sim *s, int k)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_del(s, key_node(SIM_CLUSTER, name));
    sim_alive(s, name, false);
}

static void constrain(struct spec_service *w, const char *key, bool equal, const char *value)
{
    struct spec_constraint *k = orc_vec_add(&w->constraints);

    *k = (struct spec_constraint){orc_strdup(key), equal, orc_strdup(value)};
}

static void apply(struct sim *s, int revision, const char *service, const char *key, const char *value)
{
    struct spec_service *w = sim_spec(service, 0, "good");

    if (key)
        constrain(w, key, true, value);
    sim_apply(s, "shop", revision, w);
}

static struct core_service *service(struct sim *s, const char *name)
{
    struct core_service *x = core_service_find(s->core, "shop", name);

    assert_non_null(x);
    return x;
}

static const struct spec_service *spec(const struct core_service *x, int revision)
{
    return core_service_revision(x, revision)->rec.spec;
}

static void begin(struct sim *s, const char *name, int revision)
{
    struct core_service *x = service(s, name);

    allow_begin(s->core, x, spec(x, revision));
}

/* Every node, however it is asked. */
static void expect_as_asked(struct sim *s, const char *name)
{
    struct core_service *x = service(s, name);
    const struct spec_service *w = spec(x, 1);
    struct core_node *n, *next;

    HASH_ITER (hh, s->core->nodes, n, next)
        assert_int_equal(allow_node(s->core, x, w, n), place_allowed(n, w, NULL));
    if (!w->constraints.n)
        return;
    allow_begin(s->core, x, w);
    HASH_ITER (hh, s->core->nodes, n, next)
        assert_int_equal(allow_row(x, n->row), place_allowed(n, w, NULL));
}

static void test_allow__follows_labels_and_nodes_that_come_and_go(void **state)
{
    static const struct {
        const char *key, *value;
    } lists[SERVICES] = {{"node.labels.disk", "ssd"},
                         {"node.labels.disk", "ssd"},
                         {"node.labels.disk", "hdd"},
                         {"node.hostname", "k7"},
                         {NULL, NULL}};
    struct sim *s = sim_new();
    char name[16];

    for (int i = 0; i < SERVICES; i++) {
        snprintf(name, sizeof name, "s%d", i);
        apply(s, 1, name, lists[i].key, lists[i].value);
    }
    for (int round = 0; round < 200; round++) {
        for (uint64_t i = sim_random(s) % (round % 20 ? 4 : 2 * NODES); i; i--) {
            int k = 1 + (int)(sim_random(s) % NODES);

            if (sim_chance(s, 3))
                forget(s, k);
            else
                node(s, k);
        }
        snprintf(name, sizeof name, "s%d", (int)(sim_random(s) % SERVICES));
        expect_as_asked(s, name);
    }
    sim_free(s);
}

static void test_allow__services_with_the_same_constraints_share_what_is_known(void **state)
{
    struct sim *s = sim_new();

    node(s, 1);
    apply(s, 1, "a", "node.labels.disk", "ssd");
    apply(s, 1, "b", "node.labels.disk", "ssd");
    apply(s, 2, "b", "node.labels.disk", "hdd");
    begin(s, "a", 1);
    begin(s, "b", 1);
    assert_ptr_equal(service(s, "a")->allow, service(s, "b")->allow);
    begin(s, "b", 2); /* another revision, another list */
    assert_ptr_not_equal(service(s, "a")->allow, service(s, "b")->allow);
    assert_int_equal(HASH_COUNT(s->core->allows), 2);
    begin(s, "a", 1);
    begin(s, "b", 1); /* nobody has the other one any more */
    assert_int_equal(HASH_COUNT(s->core->allows), 1);
    sim_free(s);
}

/* Texts that are one when put together. */
static void test_allow__lists_that_look_alike_are_two(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("b", 0, "good");

    node(s, 1);
    apply(s, 1, "a", "node.labels.a", "xnode.labels.y==z");
    constrain(w, "node.labels.a", true, "x");
    constrain(w, "node.labels.y", true, "z");
    sim_apply(s, "shop", 1, w);
    begin(s, "a", 1);
    begin(s, "b", 1);
    assert_ptr_not_equal(service(s, "a")->allow, service(s, "b")->allow);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allow__follows_labels_and_nodes_that_come_and_go),
        cmocka_unit_test(test_allow__services_with_the_same_constraints_share_what_is_known),
        cmocka_unit_test(test_allow__lists_that_look_alike_are_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
