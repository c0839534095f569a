/* Where data is: nodes that say which volumes they have, and slots that go there. */
#include "scheduler/explain.h"
#include "tests/sim/sim.h"

static void mount(struct spec_service *w, const char *name, bool read_only)
{
    struct spec_mount *m = orc_vec_add(&w->mounts);

    *m = (struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                             .source = orc_strdup(name),
                             .target = orc_printf("/%s", name),
                             .read_only = read_only};
}

static struct spec_service *with(const char *name, int replicas, const char *volume)
{
    struct spec_service *w = sim_spec(name, replicas, "good");

    mount(w, volume, false);
    return w;
}

static void node(struct sim *s, int k, const char *a, const char *b)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(s, name, k, (struct sim_node_opts){.cpus = 4, .memory_mib = 8000, .volumes = {a, b}});
}

static struct sim *cluster(int nodes)
{
    struct sim *s = sim_new();

    for (int i = 0; i < nodes; i++)
        sim_node(s, 4, 8000);
    return s;
}

static int on(struct sim *s, const char *service, const char *name)
{
    return sim_count(s, (struct sim_want){.service = service, .node = name, .available = true});
}

static void assert_waits(struct sim *s, const char *service, size_t slots, const char *why)
{
    const struct record_rollout *r = sim_rollout(s, "shop", service);

    assert_int_equal(r->pending.n, slots);
    if (slots && !strstr(r->pending.at[0].reason, why))
        fail_msg("waits because \"%s\", without \"%s\"", r->pending.at[0].reason, why);
}

/* Behaviour 96. Whichever node has it; a volume of the same name that is another app's counts for nothing. */
static void test_volume__a_service_goes_where_its_data_is(void **state)
{
    for (int k = 1; k <= 4; k++) {
        struct sim *s = cluster(4);
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        node(s, k % 4 + 1, "blog.data", "shop.data2");
        node(s, k, "shop.data", NULL);
        sim_apply(s, "shop", 1, with("db", 1, "data"));
        sim_settle(s);
        assert_int_equal(on(s, "db", name), 1);
        sim_free(s);
    }
}

static void test_volume__a_new_one_is_made_anywhere(void **state)
{
    struct sim *s = cluster(3);

    sim_apply(s, "shop", 1, with("db", 3, "data"));
    sim_settle(s);
    assert_int_equal(on(s, "db", "k1"), 1);
    assert_int_equal(on(s, "db", "k2"), 1);
    assert_int_equal(on(s, "db", "k3"), 1);
    sim_free(s);
}

/* Why a slot can't be where its data is says nothing of one that has none yet. */
static void test_volume__a_slot_kept_from_its_data_keeps_no_other_waiting(void **state)
{
    struct sim *s = cluster(2);
    char id[KEY_TASK_MAX + 1], its[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_pass(s, 60000);
    assert_true(sim_task_in(s, "db", 0, id, its));
    sim_policy(s, its, true, false);
    sim_turn(s, "db", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_scale(s, "shop", "db", 2);
    sim_pass(s, 60000);
    assert_waits(s, "db", 1, ": cordoned");
    assert_int_equal(on(s, "db", strcmp(its, "k1") == 0 ? "k2" : "k1"), 1);
    sim_free(s);
}

/* Nor does one that is tied to a volume on a node that takes nothing keep another from its own. */
static void test_volume__a_slot_without_a_place_keeps_no_other_from_its_data(void **state)
{
    struct sim *s = cluster(2);
    char id[KEY_TASK_MAX + 1], first[KEY_NAME_MAX + 1], second[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, with("db", 2, "data"));
    sim_pass(s, 60000);
    assert_true(sim_task_in(s, "db", 0, id, first));
    assert_true(sim_task_in(s, "db", 1, id, second));
    sim_node(s, 4, 8000);
    node(s, 3, "shop.data", NULL);
    sim_policy(s, "k3", true, false);
    sim_alive(s, first, false);
    sim_del(s, key_node(SIM_CLUSTER, first));
    sim_pass(s, 60000);
    assert_waits(s, "db", 1, "data is on k3");
    sim_turn(s, "db", 1, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_pass(s, 60000);
    assert_waits(s, "db", 1, "data is on k3");
    assert_int_equal(on(s, "db", second), 1);
    sim_free(s);
}

/* Each slot its own: first those that nobody has, then new ones. */
static void test_volume__replicas_take_each_a_volume_that_is_there_then_new_ones(void **state)
{
    struct sim *s = cluster(5);

    node(s, 2, "shop.data", NULL);
    node(s, 5, "shop.data", NULL);
    sim_apply(s, "shop", 1, with("db", 2, "data"));
    sim_settle(s);
    assert_int_equal(on(s, "db", "k2"), 1);
    assert_int_equal(on(s, "db", "k5"), 1);
    sim_scale(s, "shop", "db", 4);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "db", .available = true}), 4);
    assert_int_equal(on(s, "db", "k2"), 1);
    assert_int_equal(on(s, "db", "k5"), 1);
    sim_free(s);
}

/* The same in one step. */
static void test_volume__four_at_once_on_two_volumes(void **state)
{
    struct sim *s = cluster(5);

    node(s, 2, "shop.data", NULL);
    node(s, 5, "shop.data", NULL);
    sim_apply(s, "shop", 1, with("db", 4, "data"));
    sim_settle(s);
    assert_int_equal(on(s, "db", "k2"), 1);
    assert_int_equal(on(s, "db", "k5"), 1);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "db", .available = true}), 4);
    sim_free(s);
}

/* Behaviour 96. Its node has not said yet that the volume is there, and what made it is just told to go, has
 * stopped, or is about to be made anew: who shares it waits for its node, and is not sent elsewhere. */
static void test_volume__who_shares_one_is_not_sent_elsewhere_while_its_owner_restarts(void **state)
{
    for (int rounds = 0; rounds < 4; rounds++)
        for (int read_only = 0; read_only < 2; read_only++) {
            struct spec_service *w = sim_spec("aside", 1, "good"); /* before "db" by name */
            struct sim *s = cluster(4);
            char id[KEY_TASK_MAX + 1], node_of[KEY_NAME_MAX + 1];

            sim_apply(s, "shop", 1, with("db", 1, "data"));
            sim_settle(s);
            assert_true(sim_task_in(s, "db", 0, id, node_of));
            sim_restart(s, "shop", "db", 1);
            free(sim_step(s));
            for (int i = 0; i < rounds; i++)
                sim_act(s);
            mount(w, "data", read_only);
            sim_apply(s, "shop", 1, w);
            sim_pass(s, 30000);
            assert_int_equal(on(s, "db", node_of), 1);
            assert_int_equal(on(s, "aside", node_of), 1);
            sim_free(s);
        }
}

static struct spec_service *only_on(struct spec_service *w, const char *node)
{
    orc_vec_push(&w->constraints,
                 ((struct spec_constraint){orc_strdup("node.hostname"), true, orc_strdup(node)}));
    return w;
}

/* Behaviour 96. Whoever waited for data is looked at when that has become another's no more, at once. */
static void test_volume__who_waits_for_data_goes_on_when_nobody_has_it_any_more(void **state)
{
    struct sim *s = cluster(2);

    sim_apply(s, "shop", 1, only_on(with("owner", 1, "data"), "k1"));
    sim_settle(s);
    sim_apply(s, "shop", 1, only_on(with("aside", 1, "data"), "k2"));
    sim_settle(s);
    assert_waits(s, "aside", 1, "k2 volume: data is on k1");
    sim_apply(s, "shop", 2, only_on(sim_spec("owner", 1, "good"), "k1")); /* without it */
    sim_settle(s);
    assert_int_equal(on(s, "owner", "k1"), 1);
    assert_int_equal(on(s, "aside", "k2"), 1);
    sim_free(s);
}

/* Behaviour 96. After `orc rm` nothing is remembered but what the engines have. */
static void test_volume__a_service_removed_and_applied_again_finds_its_data(void **state)
{
    struct sim *s = cluster(5);
    char id[KEY_TASK_MAX + 1], before[KEY_NAME_MAX + 1], after[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_true(sim_task_in(s, "db", 0, id, before));
    node(s, atoi(before + 1), "shop.data", NULL);
    sim_rm(s, "shop");
    sim_pass(s, 300000);
    assert_int_equal(sim_keys(s, KEY_TASK), 0);
    for (int i = 0; i < 8; i++) { /* that place is now the worst by any score */
        char name[16];
        struct spec_service *w;

        snprintf(name, sizeof name, "other%d", i);
        w = sim_spec(name, 1, "good");
        orc_vec_push(&w->constraints,
                     ((struct spec_constraint){orc_strdup("node.hostname"), true, orc_strdup(before)}));
        sim_apply(s, "blog", 1, w);
    }
    sim_apply(s, "shop", 2, with("db", 1, "data"));
    sim_settle(s);
    assert_true(sim_task_in(s, "db", 0, id, after));
    assert_string_equal(before, after);
    sim_free(s);
}

static void test_volume__it_waits_for_a_node_that_is_down_and_each_node_says_why(void **state)
{
    struct sim *s = cluster(3);
    struct explain e;

    node(s, 2, "shop.data", NULL);
    sim_alive(s, "k2", false);
    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_pass(s, 60000);
    assert_waits(s, "db", 1,
                 "0 of 3 nodes fit: k1 volume: data is on k2; k2: lost; k3 volume: data is on k2");
    assert_int_equal(explain_slot(s->core, "shop", "db", 0, &e, NULL), 0);
    assert_int_equal(e.nodes.at[0].refusals.at[0].filter, FILTER_VOLUME);
    assert_string_equal(e.nodes.at[0].refusals.at[0].text, "data is on k2");
    explain_release(&e);
    sim_alive(s, "k2", true);
    sim_settle(s);
    assert_int_equal(on(s, "db", "k2"), 1);
    sim_free(s);
}

static void test_volume__of_many_nodes_they_are_counted(void **state)
{
    struct sim *s = cluster(12);

    for (int k = 1; k <= 5; k++) {
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        node(s, k, "shop.data", NULL);
        sim_policy(s, name, true, false);
    }
    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_waits(s, "db", 1, "0 of 12 nodes fit: 5 cordoned, 7 without its volume");
    sim_free(s);
}

/* "node is where", of up to five. */
static void test_volume__the_smallest_change_names_the_nodes(void **state)
{
    struct sim *s = cluster(5);
    struct explain e;

    for (int k = 1; k <= 4; k++) {
        struct sim_node_opts o = {
            .cpus = 4, .memory_mib = 10, .not_ready = "1500 bytes do not pass", .volumes = {"shop.data"}};
        char name[16];

        snprintf(name, sizeof name, "k%d", k);
        sim_node_put(s, name, k, o);
    }
    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_int_equal(explain_slot(s->core, "shop", "db", 0, &e, NULL), 0);
    assert_string_equal(e.change,
                        "copy the volume to k5, and remove it where it is: data is on k1, k2, k3 and 1 more");
    explain_release(&e);
    sim_free(s);
}

static void test_volume__two_volumes_on_two_nodes_fit_nowhere(void **state)
{
    struct sim *s = cluster(2);
    struct spec_service *w = with("db", 1, "data");

    mount(w, "log", false);
    node(s, 1, "shop.data", NULL);
    node(s, 2, "shop.log", NULL);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_waits(s, "db", 1, "k1 volume: log is on k2; k2 volume: data is on k1");
    node(s, 2, "shop.log", "shop.data"); /* somebody has copied it */
    sim_settle(s);
    assert_int_equal(on(s, "db", "k2"), 1);
    sim_free(s);
}

/* What reads it goes where it is, each of them; and two services that share one are together, whichever is
 * decided first, also before any node has said something. */
static void test_volume__who_shares_it_is_where_it_is(void **state)
{
    for (int reader_large = 0; reader_large < 2; reader_large++) {
        struct sim *s = cluster(4);
        struct spec_service *db = with("db", 1, "data"), *backup = sim_spec("backup", 3, "good");
        char id[KEY_TASK_MAX + 1], where[KEY_NAME_MAX + 1];

        mount(backup, "data", true);
        (reader_large ? backup : db)->limits.memory = 256 * SIM_MIB;
        sim_apply(s, "shop", 1, db);
        sim_apply(s, "shop", 1, backup);
        sim_settle(s);
        assert_true(sim_task_in(s, "db", 0, id, where));
        assert_int_equal(on(s, "backup", where), 3);
        sim_free(s);
    }
}

/* A global service has its own on each node. */
static void test_volume__a_global_service_is_not_tied(void **state)
{
    struct sim *s = cluster(3);
    struct spec_service *w = with("agent", SPEC_REPLICAS_DEFAULT, "data");

    w->global = true;
    node(s, 2, "shop.data", NULL);
    sim_apply(s, "shop", 1, w);
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "agent", .available = true}), 3);
    sim_free(s);
}

/* A slot that has data keeps it, whatever others say; one that had none before is free to go to it. */
static void test_volume__a_memory_counts_more_than_what_is_said_elsewhere(void **state)
{
    struct sim *s = cluster(3);
    struct spec_service *again = with("db", 1, "data");
    char id[KEY_TASK_MAX + 1], before[KEY_NAME_MAX + 1], after[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_true(sim_task_in(s, "db", 0, id, before));
    node(s, atoi(before + 1) % 3 + 1, "shop.data", NULL); /* somewhere else */
    orc_set_str(&again->image, "good2");
    sim_apply(s, "shop", 2, again);
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "db", "complete", 2, NULL);
    assert_true(sim_task_in(s, "db", 0, id, after));
    assert_string_equal(before, after);
    sim_free(s);
}

static void test_volume__a_version_that_mounts_one_for_the_first_time_goes_to_it(void **state)
{
    struct sim *s = cluster(3);
    char id[KEY_TASK_MAX + 1], before[KEY_NAME_MAX + 1], other[16];

    sim_apply(s, "shop", 1, sim_spec("db", 1, "good"));
    sim_settle(s);
    assert_true(sim_task_in(s, "db", 0, id, before));
    snprintf(other, sizeof other, "k%d", atoi(before + 1) % 3 + 1);
    node(s, atoi(other + 1), "shop.data", NULL);
    sim_apply(s, "shop", 2, with("db", 1, "data"));
    sim_pass(s, 20000);
    assert_rollout(s, "shop", "db", "complete", 2, NULL);
    assert_int_equal(on(s, "db", other), 1);
    sim_free(s);
}

/* A node that was let go has no say, one whose record can't be read still has what it had. */
static void test_volume__a_removed_node_has_none_and_an_unreadable_one_still_has(void **state)
{
    struct sim *s = cluster(3);

    node(s, 2, "shop.data", NULL);
    sim_put(s, key_node(SIM_CLUSTER, "k2"), orc_strdup("{\"capacity\":7}"));
    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_waits(s, "db", 1, "k1 volume: data is on k2; k2: not ready");
    sim_alive(s, "k2", false);
    sim_del(s, key_node(SIM_CLUSTER, "k2"));
    sim_settle(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "db", .available = true}), 1);
    assert_int_equal(on(s, "db", "k2"), 0);
    sim_free(s);
}

/* `orc node rm` of a node that has registered again. */
static void test_volume__what_is_on_a_node_that_was_let_go_is_given_up(void **state)
{
    struct record_node_policy p = {.cordon = true, .removed = 1};
    struct sim *s = cluster(2);

    node(s, 2, "shop.data", NULL);
    sim_put(s, key_node_policy(SIM_CLUSTER, "k2"), record_node_policy_text(&p));
    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_int_equal(on(s, "db", "k1"), 1);
    sim_free(s);
}

/* Hostile: a name twice, and lists that come and go. */
static void test_volume__names_that_come_and_go_leave_nothing(void **state)
{
    struct sim *s = cluster(2);

    node(s, 1, "shop.data", "shop.data");
    node(s, 2, "shop.data", NULL);
    node(s, 1, NULL, NULL);
    node(s, 1, "shop.data", "shop.log");
    node(s, 2, NULL, NULL);
    node(s, 1, "shop.log", NULL);
    node(s, 2, "shop.data", NULL);
    sim_apply(s, "shop", 1, with("db", 1, "data"));
    sim_settle(s);
    assert_int_equal(on(s, "db", "k2"), 1);
    sim_free(s);
}

/* ---- volumes that have a name of their own ---------------------------------------------------------------
 */

static struct spec_service *with_named(const char *service, int replicas, const char *name, bool external)
{
    struct spec_service *w = with(service, replicas, "data");

    w->mounts.at[0].name = orc_strdup(name);
    w->mounts.at[0].external = external;
    return w;
}

/* It goes by that name; what the app's own would be called is another. */
static void test_volume__one_with_a_name_is_where_that_is(void **state)
{
    static const struct {
        const char *name, *told;
    } rows[] = {{"pgdata", "/pgdata"}, {"orc.blog.data", "blog.data"}, {"orc.Blog", "/orc.Blog"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++)
        for (int external = 0; external < 2; external++) {
            struct sim *s = cluster(4);

            node(s, 1, "shop.data", "/data");
            node(s, 3, rows[i].told, NULL);
            sim_apply(s, "shop", 1, with_named("db", 1, rows[i].name, external));
            sim_settle(s);
            assert_int_equal(on(s, "db", "k3"), 1);
            sim_free(s);
        }
}

/* Two apps that give one name mean one volume: also before its node has said so. */
static void test_volume__apps_that_give_one_name_share_it(void **state)
{
    struct sim *s = cluster(4);
    struct spec_service *other = with_named("reader", 1, "pgdata", false);
    char id[KEY_TASK_MAX + 1], first[KEY_NAME_MAX + 1], second[KEY_NAME_MAX + 1];

    sim_apply(s, "blog", 1, with_named("db", 1, "pgdata", false));
    sim_settle(s);
    orc_set_str(&other->mounts.at[0].source, "theirs");
    sim_apply(s, "shop", 1, other);
    sim_settle(s);
    assert_true(sim_task_in(s, "db", 0, id, first));
    assert_true(sim_task_in(s, "reader", 0, id, second));
    assert_string_equal(first, second);
    sim_free(s);
}

/* Replicas that write to an app's own volume have one each; an external one they have together. */
static void test_volume__replicas_are_together_on_an_external_one(void **state)
{
    for (int external = 0; external < 2; external++) {
        struct sim *s = cluster(4);

        node(s, 2, "/pgdata", NULL);
        sim_apply(s, "shop", 1, with_named("db", 3, "pgdata", external));
        sim_settle(s);
        assert_int_equal(on(s, "db", "k2"), external ? 3 : 1);
        assert_int_equal(sim_count(s, (struct sim_want){.service = "db", .available = true}), 3);
        sim_free(s);
    }
}

/* An external volume is brought to a server by people, so a slot goes where they bring it. */
static void test_volume__no_slot_is_tied_to_where_an_external_one_is_not(void **state)
{
    struct sim *s = cluster(3);
    char id[KEY_TASK_MAX + 1], first[KEY_NAME_MAX + 1], second[KEY_NAME_MAX + 1];

    sim_apply(s, "shop", 1, with_named("db", 1, "pgdata", true));
    sim_settle(s);
    assert_true(sim_task_in(s, "db", 0, id, first));
    node(s, first[1] - '0' == 3 ? 1 : 3, "/pgdata", NULL);
    sim_turn(s, "db", 0, TASK_FAILED, TASK_UNKNOWN, NULL);
    sim_pass(s, 60000);
    assert_true(sim_task_in(s, "db", 0, id, second));
    assert_string_equal(second, first[1] - '0' == 3 ? "k1" : "k3");
    sim_free(s);
}

/* Its server is lost: where another has it, too, it goes there; else it waits. */
static void test_volume__an_external_one_may_be_on_several_servers(void **state)
{
    for (int copies = 1; copies <= 2; copies++) {
        struct sim *s = cluster(4);

        node(s, 2, "/pgdata", NULL);
        sim_apply(s, "shop", 1, with_named("db", 1, "pgdata", true));
        sim_settle(s);
        assert_int_equal(on(s, "db", "k2"), 1);
        if (copies == 2)
            node(s, 4, "/pgdata", NULL);
        sim_alive(s, "k2", false);
        sim_pass(s, 120000);
        if (copies == 2)
            assert_int_equal(on(s, "db", "k4"), 1);
        else
            assert_waits(s, "db", 1, "k1 volume: data is on k2");
        sim_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_volume__a_service_goes_where_its_data_is),
        cmocka_unit_test(test_volume__a_new_one_is_made_anywhere),
        cmocka_unit_test(test_volume__replicas_take_each_a_volume_that_is_there_then_new_ones),
        cmocka_unit_test(test_volume__four_at_once_on_two_volumes),
        cmocka_unit_test(test_volume__who_waits_for_data_goes_on_when_nobody_has_it_any_more),
        cmocka_unit_test(test_volume__who_shares_one_is_not_sent_elsewhere_while_its_owner_restarts),
        cmocka_unit_test(test_volume__a_service_removed_and_applied_again_finds_its_data),
        cmocka_unit_test(test_volume__it_waits_for_a_node_that_is_down_and_each_node_says_why),
        cmocka_unit_test(test_volume__of_many_nodes_they_are_counted),
        cmocka_unit_test(test_volume__the_smallest_change_names_the_nodes),
        cmocka_unit_test(test_volume__two_volumes_on_two_nodes_fit_nowhere),
        cmocka_unit_test(test_volume__who_shares_it_is_where_it_is),
        cmocka_unit_test(test_volume__a_global_service_is_not_tied),
        cmocka_unit_test(test_volume__a_memory_counts_more_than_what_is_said_elsewhere),
        cmocka_unit_test(test_volume__a_version_that_mounts_one_for_the_first_time_goes_to_it),
        cmocka_unit_test(test_volume__a_removed_node_has_none_and_an_unreadable_one_still_has),
        cmocka_unit_test(test_volume__what_is_on_a_node_that_was_let_go_is_given_up),
        cmocka_unit_test(test_volume__names_that_come_and_go_leave_nothing),
        cmocka_unit_test(test_volume__a_slot_kept_from_its_data_keeps_no_other_waiting),
        cmocka_unit_test(test_volume__a_slot_without_a_place_keeps_no_other_from_its_data),
        cmocka_unit_test(test_volume__one_with_a_name_is_where_that_is),
        cmocka_unit_test(test_volume__apps_that_give_one_name_share_it),
        cmocka_unit_test(test_volume__replicas_are_together_on_an_external_one),
        cmocka_unit_test(test_volume__no_slot_is_tied_to_where_an_external_one_is_not),
        cmocka_unit_test(test_volume__an_external_one_may_be_on_several_servers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
