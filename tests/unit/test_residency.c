/* Constraints that no node can ever satisfy: refused with the values that there are. */
#include "scheduler/residency.h"
#include "tests/sim/sim.h"

static void labelled(struct sim *s, int k, const char *label, const char *value)
{
    orc_auto_free char *name = orc_printf("k%d", k);

    sim_node_put(s, name, k,
                 (struct sim_node_opts){.cpus = 4, .memory_mib = 1000, .label = label, .value = value});
    sim_alive(s, name, true);
}

static struct spec_service *constrained(const char *key, bool equal, const char *value)
{
    struct spec_service *w = sim_spec("web", 1, "good");

    *orc_vec_add(&w->constraints) = (struct spec_constraint){orc_strdup(key), equal, orc_strdup(value)};
    return w;
}

/* Takes w. */
static void assert_refused(struct sim *s, struct spec_service *w, const char *want)
{
    orc_auto_free char *got = residency_refusal(s->core, w);

    if (want)
        assert_string_equal(got, want);
    else
        assert_null(got);
    spec_service_free(w);
}

/* Behaviour 24. */
static void test_residency__the_values_that_exist_are_named(void **state)
{
    struct sim *s = sim_new();

    labelled(s, 1, "country", "DE");
    labelled(s, 2, "country", "DE");
    labelled(s, 3, "country", "SE");
    labelled(s, 4, NULL, NULL);
    assert_refused(s, constrained("node.labels.country", true, "NO"),
                   "no node satisfies node.labels.country == NO: it is \"DE\" on k1 and 1 more, \"SE\" on "
                   "k3, \"\" on k4");
    assert_refused(s, constrained("node.labels.country", true, "se"), NULL);
    assert_refused(s, constrained("node.labels.country", false, "DE"), NULL);
    assert_refused(s, constrained("node.hostname", true, "k9"),
                   "no node satisfies node.hostname == k9: it is \"k1\" on k1, \"k2\" on k2, \"k3\" on k3, "
                   "\"k4\" on k4");
    assert_refused(s, sim_spec("web", 1, "good"), NULL);
    sim_free(s);
}

/* Behaviour 25: each holds somewhere, and not all on one node. */
static void test_residency__constraints_must_hold_together(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = constrained("node.labels.disk", true, "ssd");

    labelled(s, 1, "disk", "ssd");
    labelled(s, 2, "disk", "hdd");
    *orc_vec_add(&w->constraints) =
        (struct spec_constraint){orc_strdup("node.hostname"), true, orc_strdup("k2")};
    assert_refused(s, w,
                   "no node satisfies all of node.labels.disk == ssd (it is \"ssd\" on k1, \"hdd\" on k2), "
                   "node.hostname == k2 "
                   "(it is \"k1\" on k1, \"k2\" on k2)");
    sim_free(s);
}

/* Behaviour 22: a cluster without servers yet refuses nothing; and a server that is down or full may come
 * back. */
static void test_residency__only_what_no_registered_node_can_ever_satisfy(void **state)
{
    struct sim *s = sim_new();

    assert_refused(s, constrained("node.labels.country", true, "NO"), NULL);
    labelled(s, 1, "country", "NO");
    sim_policy(s, "k1", true, true);
    sim_alive(s, "k1", false);
    labelled(s, 2, "country", "DE");
    sim_pass(s, 60000);
    assert_refused(s, constrained("node.labels.country", true, "NO"), NULL);
    sim_free(s);
}

/* Labels of the policy go before the node's own; behaviour 26: what they say later counts. */
static void test_residency__follows_the_labels(void **state)
{
    struct sim *s = sim_new();
    struct record_node_policy p = {0};
    orc_auto_free char *why = NULL;

    labelled(s, 1, "country", "NO");
    sim_apply(s, "shop", 1, constrained("node.labels.country", true, "NO"));
    sim_settle(s);
    assert_null(residency_of(s->core, "shop", "web"));
    spec_pairs_add(&p.labels, "country", "DE");
    sim_put(s, key_node_policy(SIM_CLUSTER, "k1"), record_node_policy_text(&p));
    record_node_policy_release(&p);
    sim_settle(s);
    why = residency_of(s->core, "shop", "web");
    assert_string_equal(why, "no node satisfies node.labels.country == NO: it is \"DE\" on k1");
    assert_null(residency_of(s->core, "shop", "db"));
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_residency__the_values_that_exist_are_named),
        cmocka_unit_test(test_residency__constraints_must_hold_together),
        cmocka_unit_test(test_residency__only_what_no_registered_node_can_ever_satisfy),
        cmocka_unit_test(test_residency__follows_the_labels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
