/* Why a slot waits: every node, every filter, in numbers; and the smallest change that helps. */
#include "scheduler/explain.h"
#include "tests/sim/sim.h"

static struct spec_service *needs(const char *name, int replicas, double cpus, int64_t memory_mib)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    w->limits = (struct spec_resources){(int64_t)(cpus * 1e9), memory_mib * SIM_MIB};
    return w;
}

static struct explain explain(struct sim *s, const char *service, int slot)
{
    struct orc_err err = ORC_ERR_INIT;
    struct explain e = {0};

    if (explain_slot(s->core, "shop", service, slot, &e, &err) < 0)
        fail_msg("%s", err.msg);
    return e;
}

/* "k1 memory 512/372/140; k2 cordon" with the counts in MiB, in thousandths of a CPU, or as they are. */
static char *text(const struct explain *e)
{
    struct orc_buf b = ORC_BUF_INIT(4000);
    const struct explain_node *n;
    const struct place_refusal *r;

    orc_vec_each (n, &e->nodes) {
        orc_buf_printf(&b, "%s%s", b.len ? "; " : "", n->name);
        if (!n->refusals.n)
            orc_buf_puts(&b, " fits");
        orc_vec_each (r, &n->refusals) {
            int64_t unit = r->filter == FILTER_MEMORY ? SIM_MIB : r->filter == FILTER_CPU ? 1000000 : 1;

            orc_buf_printf(&b, " %s", place_filter_name(r->filter));
            if (r->counted)
                orc_buf_printf(&b, " %lld/%lld/%lld", (long long)(r->needed / unit),
                               (long long)(r->available / unit), (long long)(r->missing / unit));
        }
    }
    return orc_buf_take(&b);
}

static void assert_explains(struct sim *s, const char *service, int slot, const char *want,
                            const char *want_change)
{
    struct explain e = explain(s, service, slot);
    orc_auto_free char *got = text(&e);

    assert_string_equal(got, want);
    if (want_change)
        assert_string_equal(e.change, want_change);
    else
        assert_null(e.change);
    explain_release(&e);
}

/* Behaviour 15: 512 MiB asked for, 372 free on the fuller node: 140 short. */
static void test_explain__every_node_says_what_it_lacks(void **state)
{
    struct sim *s = sim_new();

    sim_node(s, 4, 372);
    sim_node(s, 4, 300);
    sim_node(s, 4, 8000);
    sim_policy(s, "k3", true, false);
    sim_apply(s, "shop", 1, needs("web", 1, 0.5, 512));
    sim_settle(s);
    assert_explains(s, "web", -1, "k1 memory 512/372/140; k2 memory 512/300/212; k3 cordon",
                    "`orc node uncordon k3`");
    sim_policy(s, "k3", false, false);
    sim_node_put(s, "k3", 3, (struct sim_node_opts){.cpus = 4, .memory_mib = 100});
    sim_settle(s);
    assert_explains(s, "web", -1, "k1 memory 512/372/140; k2 memory 512/300/212; k3 memory 512/100/412",
                    "reserve 372 MiB of memory instead of 512 MiB, or free 140 MiB on k1");
    sim_free(s);
}

/* Behaviours 15, 24, 27, 29: all filters of a node are told, not the first alone. */
static void test_explain__all_filters_of_a_node_are_told(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = needs("web", 3, 1.5, 600);

    *orc_vec_add(&w->ports) = (struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80};
    w->max_per_node = 1;
    sim_node(s, 2, 1000);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_explains(
        s, "web", -1, "k1 max_replicas_per_node 2/1/1 CPU 1500/500/1000 memory 600/400/200 host port",
        "raise max_replicas_per_node to 2; and reserve 0.5 of CPU instead of 1.5, or free 1 on k1; "
        "and reserve 400 MiB of memory instead of 600 MiB, or free 200 MiB on k1; and free the host "
        "port on k1: 8080/tcp is taken by shop.web.0.6");
    sim_free(s);
}

/* A slot that has a task: where that could be, were it not where it is. */
static void test_explain__a_task_counts_as_gone(void **state)
{
    struct sim *s = sim_new();
    struct explain e;

    sim_node(s, 4, 1000);
    sim_node(s, 4, 500);
    sim_apply(s, "shop", 1, needs("web", 1, 0.5, 800));
    sim_settle(s);
    e = explain(s, "web", 0);
    assert_false(e.waits);
    assert_string_equal(e.node, "k1");
    assert_int_equal(e.fitting, 1);
    assert_int_equal(e.nodes.at[0].replicas, 0);
    explain_release(&e);
    assert_explains(s, "web", 0, "k1 fits; k2 memory 800/500/300", NULL);
    sim_free(s);
}

static void test_explain__a_volume_leaves_one_node_to_ask(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = needs("db", 1, 0.5, 800);
    struct explain e;

    *orc_vec_add(&w->mounts) = (struct spec_mount){
        .kind = SPEC_MOUNT_VOLUME, .source = orc_strdup("data"), .target = orc_strdup("/data")};
    sim_node(s, 4, 1000);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    sim_node(s, 4, 8000);
    e = explain(s, "db", -1);
    assert_string_equal(e.pin, "k1");
    assert_int_equal(e.nodes.n, 1);
    explain_release(&e);
    sim_free(s);
}

static void test_explain__without_a_node_one_is_to_be_started(void **state)
{
    struct sim *s = sim_new();

    sim_apply(s, "shop", 1, needs("web", 2, 0.5, 100));
    sim_settle(s);
    assert_explains(s, "web", -1, "", "start nodelet on a server: the cluster has none");
    sim_free(s);
}

static void test_explain__what_is_not_there_is_refused(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    struct sim *s = sim_new();
    struct explain e;

    assert_int_equal(explain_slot(s->core, "shop", "web", -1, &e, &err), -ENOENT);
    assert_string_equal(err.msg, "there is no service shop/web");
    sim_free(s);
}

/* What explain says and what the scheduler does are one: a node fits exactly when placing would take it. */
static void test_explain__fits_is_what_placing_finds(void **state)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim *s = sim_new();
        struct explain e;

        s->random = seed;
        for (int k = 0; k < 4; k++)
            sim_node(s, (double)(1 + sim_random(s) % 3), 200 + (int64_t)(sim_random(s) % 1000));
        if (sim_chance(s, 2))
            sim_policy(s, "k1", true, false);
        for (int i = 0; i < 4; i++) {
            orc_auto_free char *name = orc_printf("s%d", i);

            sim_apply(s, "shop", 1,
                      needs(name, 1 + (int)(sim_random(s) % 4), 0.3, 100 + (int64_t)(sim_random(s) % 500)));
        }
        sim_settle(s);
        for (int i = 0; i < 4; i++) {
            orc_auto_free char *name = orc_printf("s%d", i);
            const struct record_rollout *r = sim_rollout(s, "shop", name);

            e = explain(s, name, -1);
            assert_int_equal(e.waits, r->pending.n > 0);
            if (e.waits && !e.task)
                assert_int_equal(e.fitting, 0);
            assert_true(e.fitting == 0 ? e.change != NULL : e.change == NULL);
            explain_release(&e);
        }
        sim_free(s);
    }
}

/* Behaviour 15: of many nodes the counts, and the nearest in numbers. */
static void test_explain__many_nodes_are_summed_up_with_the_nearest(void **state)
{
    struct sim *s = sim_new();
    const char *why;

    for (int k = 1; k <= 12; k++)
        sim_node(s, k < 5 ? 1 : 8, 1000 + 10 * k);
    sim_policy(s, "k9", true, false);
    sim_apply(s, "shop", 1, needs("web", 1, 2, 1500));
    sim_settle(s);
    why = sim_rollout(s, "shop", "web")->pending.at[0].reason;
    assert_string_equal(why,
                        "0 of 12 nodes fit: 1 cordoned, 4 short of CPU, 7 short of memory; the nearest, k12 "
                        "memory: needs 1.5 GiB, 1.1 GiB free, 380 MiB short");
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain__every_node_says_what_it_lacks),
        cmocka_unit_test(test_explain__all_filters_of_a_node_are_told),
        cmocka_unit_test(test_explain__a_task_counts_as_gone),
        cmocka_unit_test(test_explain__a_volume_leaves_one_node_to_ask),
        cmocka_unit_test(test_explain__without_a_node_one_is_to_be_started),
        cmocka_unit_test(test_explain__what_is_not_there_is_refused),
        cmocka_unit_test(test_explain__fits_is_what_placing_finds),
        cmocka_unit_test(test_explain__many_nodes_are_summed_up_with_the_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
