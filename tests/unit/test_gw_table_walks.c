/* gateway/table: whatever walks over all endpoints finds those in the first slot, in the last, and all
 * between: a suspect in each place, alone or among others, for each thing that a suspect is looked for. And
 * the numbers by which NGINX's table is known to be this one.
 */
#include "tests/unit/gw_table_story.h"

#define MANY 5

/* ---- tables in which some are suspect */

/* Of each endpoint whether it is suspect, a bit; the rest is ready. Endpoint i is of service s<i>, on node
 * n<i>. */
static struct gw_table *suspects(unsigned which)
{
    struct gw_table *t = gw_table_new();

    for (int i = 0; i < MANY; i++) {
        orc_auto_free char *service = orc_printf("s%d", i), *node = orc_printf("n%d", i),
                           *address = orc_printf("10.210.1.%d", i + 2);

        gw_table_node(t, node, LEASE + i);
        assert_int_equal(put_at(t, service, 0, node, address, ENDPOINT_READY, 10 + i, LEASE + i), 0);
    }
    commit(t, 20);
    push(t, 0);
    for (int i = 0; i < MANY; i++)
        if (which >> i & 1) {
            orc_auto_free char *node = orc_printf("n%d", i), *task = orc_printf("shop.s%d.0.1", i);

            gw_table_node(t, node, 0);
            gw_table_delete(t, task);
        }
    commit(t, 30);
    assert_int_equal(gw_table_counts(t).suspect, __builtin_popcount(which));
    return t;
}

/* The state of endpoint i as the table tells it: r, s or d. */
static char state_of(struct gw_table *t, int i)
{
    orc_auto_free char *text = gw_table_text(t), *task = orc_printf(" shop.s%d.0.1 ", i);
    char *at = strstr(text, task);

    assert_non_null(at);
    return at[-1];
}

/* All but endpoint i are what they were. */
static void assert_only(struct gw_table *t, unsigned which, int i, char is)
{
    for (int k = 0; k < MANY; k++) {
        char want = which >> k & 1 ? 's' : 'r';

        assert_int_equal(state_of(t, k), k == i ? is : want);
    }
}

static void test_walks__a_suspect_gives_its_address_up_in_any_place(void **state)
{
    for (unsigned which = 1; which < 1u << MANY; which++)
        for (int i = 0; i < MANY; i++) {
            struct gw_table *t;
            orc_auto_free char *address = orc_printf("10.210.1.%d", i + 2);

            if (!(which >> i & 1))
                continue;
            t = suspects(which);
            assert_int_equal(put_at(t, "new", 0, "k9", address, ENDPOINT_READY, 40, LEASE), 0);
            commit(t, 40);
            assert_only(t, which, i, 'd');
            assert_int_equal(gw_table_counts(t).suspect, __builtin_popcount(which) - 1);
            gw_table_free(t);
        }
}

/* Who has the address already when its holder vanishes, in a slot before it or behind it. */
static void test_walks__whose_address_another_has_is_never_suspect_in_any_place(void **state)
{
    for (int i = 0; i < MANY; i++)
        for (int k = 0; k < MANY; k++)
            for (int draining = 0; draining < 2; draining++) {
                orc_auto_free char *address = orc_printf("10.210.1.%d", i + 2),
                                   *service = orc_printf("s%d", k), *node = orc_printf("n%d", i),
                                   *task = orc_printf("shop.s%d.0.1", i);
                struct gw_table *t;

                if (i == k)
                    continue;
                t = suspects(0);
                put_at(t, service, 0, "k9", address, draining ? ENDPOINT_DRAINING : ENDPOINT_READY, 40,
                       LEASE);
                commit(t, 40);
                gw_table_node(t, node, 0);
                gw_table_delete(t, task);
                commit(t, 41);
                assert_int_equal(state_of(t, i), 'd');
                assert_int_equal(gw_table_counts(t).suspect, 0);
                assert_int_equal(gw_table_counts(t).gone, 1);
                assert_int_equal(gw_table_counts(t).draining, draining);
                gw_table_free(t);
            }
}

static void test_walks__suspects_of_a_removed_service_go_in_any_place(void **state)
{
    for (unsigned which = 0; which < 1u << MANY; which++)
        for (int i = 0; i < MANY; i++) {
            struct gw_table *t = suspects(which);
            orc_auto_free char *service = orc_printf("s%d", i);

            gw_table_service_gone(t, "other", service);
            gw_table_service_gone(t, "shop", "s");
            assert_only(t, which, -1, 0);
            gw_table_service_gone(t, "shop", service);
            assert_only(t, which, i, which >> i & 1 ? 'd' : 'r');
            gw_table_free(t);
        }
}

/* Each at its own time, and none before; the deadline is always the next one's. */
static void test_walks__each_suspect_is_forgotten_at_its_own_time(void **state)
{
    static const int orders[][3] = {{0, 2, 4}, {0, 4, 2}, {2, 0, 4}, {2, 4, 0}, {4, 0, 2}, {4, 2, 0}};

    for (size_t o = 0; o < ORC_ARRAY_SIZE(orders); o++) {
        struct gw_table *t = suspects(0);

        for (int i = 0; i < 3; i++) {
            int k = orders[o][i];
            orc_auto_free char *node = orc_printf("n%d", k), *task = orc_printf("shop.s%d.0.1", k);

            gw_table_node(t, node, 0);
            gw_table_delete(t, task);
            gw_table_commit(t, 30 + i, 1000 * (uint64_t)(i + 1));
        }
        for (int i = 0; i < 3; i++) {
            uint64_t at = 1000 * (uint64_t)(i + 1) + GW_SUSPECT_MS;

            assert_int_equal(gw_table_deadline(t), at);
            gw_table_expire(t, at - 1);
            assert_int_equal(gw_table_counts(t).suspect, 3 - i);
            gw_table_expire(t, at);
            assert_int_equal(gw_table_counts(t).suspect, 2 - i);
            assert_int_equal(state_of(t, orders[o][i]), 'd');
        }
        assert_int_equal(gw_table_deadline(t), 0);
        gw_table_free(t);
    }
}

/* ---- the node of a suspect */

/* Half a minute after it is back, also when that is at the first moment of the clock; when it goes again,
 * not. */
static void test_walks__the_return_of_a_node_counts_from_when_it_was_last_back(void **state)
{
    static const struct {
        uint64_t back, gone, again; /* 0: it does not */
        uint64_t forgotten;
    } cases[] = {
        {5000, 0, 0, 5000 + GW_SUSPECT_RETURN_MS},
        {5000, 9000, 0, 1000 + GW_SUSPECT_MS},
        {5000, 9000, 20000, 20000 + GW_SUSPECT_RETURN_MS},
        {1000 + GW_SUSPECT_MS - 1, 0, 0, 1000 + GW_SUSPECT_MS},
        {1000 + GW_SUSPECT_MS - GW_SUSPECT_RETURN_MS, 0, 0, 1000 + GW_SUSPECT_MS},
        {1000 + GW_SUSPECT_MS - GW_SUSPECT_RETURN_MS - 1, 0, 0, 1000 + GW_SUSPECT_MS - 1},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct gw_table *t = table_with_suspect();

        gw_table_node(t, "k1", LEASE + 1);
        gw_table_commit(t, 31, cases[i].back);
        gw_table_commit(t, 32, cases[i].back + 10); /* it is no second return */
        if (cases[i].gone) {
            gw_table_node(t, "k1", 0);
            gw_table_commit(t, 33, cases[i].gone);
        }
        if (cases[i].again) {
            gw_table_node(t, "k1", LEASE + 2);
            gw_table_commit(t, 34, cases[i].again);
        }
        assert_int_equal(gw_table_deadline(t), cases[i].forgotten);
        gw_table_free(t);
    }
}

static void test_walks__at_the_first_moment_of_the_clock_a_node_is_back_too(void **state)
{
    struct gw_table *t = table_with(1);

    gw_table_node(t, "k1", LEASE + 1);
    gone(t, 0);
    gw_table_commit(t, 30, 0);
    assert_int_equal(gw_table_counts(t).suspect, 1);
    assert_true(gw_table_deadline(t) <= 1 + GW_SUSPECT_RETURN_MS);
    gw_table_free(t);
}

/* A name as long as one may be is a node's; one that is longer is nobody's. */
static void test_walks__a_nodes_name_has_all_its_letters(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        char name[KEY_NAME_MAX + 2] = "";
        struct gw_table *t = gw_table_new();

        memset(name, 'k', KEY_NAME_MAX + more);
        gw_table_node(t, name, LEASE);
        assert_int_equal(put_at(t, "web", 0, name, "10.210.1.2", ENDPOINT_READY, 10, LEASE),
                         more ? -EINVAL : 0);
        commit(t, 20);
        gone(t, 0);
        commit(t, 30);
        assert_counts(t, more ? "0000" : "0001"); /* taken away by its nodelet, whose node is known */
        gw_table_free(t);
    }
}

/* A node whose lease is another one now has not taken the endpoint away. */
static void test_walks__only_the_lease_it_was_written_on_says_that_it_was_taken_away(void **state)
{
    static const struct {
        int64_t of_endpoint, of_node;
        const char *counts;
    } cases[] = {{LEASE, LEASE, "0001"},
                 {LEASE, LEASE + 1, "0010"},
                 {LEASE, 0, "0010"},
                 {0, LEASE, "0010"},
                 {0, 0, "0010"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct gw_table *t = gw_table_new();

        gw_table_node(t, "k1", LEASE);
        put_at(t, "web", 0, "k1", "10.210.1.2", ENDPOINT_READY, 10, cases[i].of_endpoint);
        commit(t, 20);
        gw_table_node(t, "k1", cases[i].of_node);
        gone(t, 0);
        commit(t, 30);
        assert_counts(t, cases[i].counts);
        gw_table_free(t);
    }
}

/* ---- a table that is full */

static int put_nth(struct gw_table *t, int i, const char *node)
{
    orc_auto_free char *address = orc_printf("10.%d.%d.%d", 100 + i / 62500, i / 250 % 250, 2 + i % 250);

    return put_at(t, "web", i, node, address, ENDPOINT_READY, 10, LEASE);
}

/* All of them suspect at once, the last slot's too: found by its address, by its time, and by its service. */
static void test_walks__of_a_full_table_the_last_slot_is_found(void **state)
{
    struct gw_table *t = gw_table_new();

    gw_table_node(t, "k1", LEASE);
    for (int i = 0; i < GW_SLOTS; i++)
        assert_int_equal(put_nth(t, i, "k1"), 0);
    assert_int_equal(put_nth(t, GW_SLOTS, "k1"), -ENOSPC);
    commit(t, 20);
    assert_int_equal(gw_table_counts(t).ready, GW_SLOTS);
    gw_table_node(t, "k1", 0);
    for (int i = 0; i < GW_SLOTS; i++)
        gone(t, i);
    commit(t, 30);
    assert_int_equal(gw_table_counts(t).suspect, GW_SLOTS);
    assert_int_equal(gw_table_deadline(t), 1000 + GW_SUSPECT_MS);
    gw_table_service_gone(t, "shop", "other");
    assert_int_equal(gw_table_counts(t).suspect, GW_SLOTS);
    gw_table_expire(t, 1000 + GW_SUSPECT_MS - 1);
    assert_int_equal(gw_table_counts(t).suspect, GW_SLOTS);
    gw_table_expire(t, 1000 + GW_SUSPECT_MS);
    assert_int_equal(gw_table_counts(t).suspect, 0);
    assert_int_equal(gw_table_counts(t).gone, GW_SLOTS);
    gw_table_free(t);
}

/* ---- whether NGINX has it */

/* The store was exchanged while a push was on its way: what arrives is of the other store, however many
 * changes were made in between. */
static void test_push__one_of_a_store_that_was_forgotten_is_not_the_table(void **state)
{
    for (int changes = 0; changes < 4; changes++) {
        struct gw_table *t = table_with(2);
        orc_auto_free char *text = gw_table_text(t);

        for (int i = 0; i < changes; i++)
            put(t, 2 + i, ENDPOINT_READY, 30 + i);
        commit(t, 40);
        gw_table_forget(t);
        gw_table_pushed(t, true);
        assert_true(gw_table_dirty(t));
        assert_int_equal(gw_table_served(t), 0);
        gw_table_free(t);
    }
}

/* Each change while a push is on its way leaves something to push; what is no change does not. */
static void test_push__what_changed_while_it_was_on_its_way_is_pushed_again(void **state)
{
    for (int what = 0; what < 6; what++) {
        struct gw_table *t = table_with(2);
        orc_auto_free char *text = NULL;

        put(t, 2, ENDPOINT_READY, 30);
        commit(t, 30);
        assert_true(gw_table_dirty(t));
        text = gw_table_text(t);
        switch (what) {
        case 0:
            put(t, 3, ENDPOINT_READY, 31);
            break;
        case 1:
            put(t, 0, ENDPOINT_DRAINING, 31);
            break;
        case 2: /* elsewhere */
            assert_int_equal(put_at(t, "web", 0, "k1", "10.210.1.99", ENDPOINT_READY, 31, LEASE), 0);
            break;
        case 3: /* the same again */
            put(t, 0, ENDPOINT_READY, 31);
            break;
        case 4: /* on another lease */
            assert_int_equal(put_at(t, "web", 0, "k1", "10.210.1.2", ENDPOINT_READY, 31, LEASE + 5), 0);
            break;
        default: /* one that nobody ever chose */
            assert_int_equal(put_at(t, "web", 9, "k1", "10.210.1.88", ENDPOINT_DRAINING, 31, LEASE), 0);
        }
        commit(t, 31);
        gw_table_pushed(t, true);
        assert_int_equal(gw_table_dirty(t), what < 3);
        gw_table_free(t);
    }
}

/* What did not reach NGINX is pushed again, and what it has is what it was. */
static void test_push__a_failed_one_leaves_all_to_push(void **state)
{
    struct gw_table *t = table_with(2);
    orc_auto_free char *first = NULL, *second = NULL;

    put(t, 2, ENDPOINT_READY, 30);
    commit(t, 30);
    first = gw_table_text(t);
    gw_table_pushed(t, false);
    assert_true(gw_table_dirty(t));
    assert_int_equal(gw_table_served(t), 20);
    second = gw_table_text(t);
    assert_string_equal(first, second);
    gw_table_pushed(t, true);
    assert_false(gw_table_dirty(t));
    assert_int_equal(gw_table_served(t), 30);
    gw_table_free(t);
}

/* Who is suspect already stays so from when it was, however often what holds it is not in the store. */
static void test_walks__a_suspect_is_no_younger_by_another_snapshot(void **state)
{
    struct gw_table *t = table_with_suspect();

    for (uint64_t now = 2000; now <= 400000; now += 99500) {
        gw_table_snapshot(t);
        gw_table_commit(t, (int64_t)now, now);
        assert_counts(t, "0010");
        assert_int_equal(gw_table_deadline(t), 1000 + GW_SUSPECT_MS);
    }
    gw_table_free(t);
}

/* Doubted at a start, its time begins with the first commit, and only then. */
static void test_walks__a_doubted_one_counts_from_the_first_commit(void **state)
{
    struct gw_table *t = table_with(2), *again = gw_table_new();
    orc_auto_free char *text = gw_table_text(t);

    assert_int_equal(gw_table_adopt(again, text, NULL), 0);
    gw_table_doubt(again);
    assert_counts(again, "0020");
    gw_table_commit(again, 50, 7000);
    assert_int_equal(gw_table_deadline(again), 7000 + GW_SUSPECT_MS);
    gw_table_commit(again, 51, 9000);
    assert_int_equal(gw_table_deadline(again), 7000 + GW_SUSPECT_MS);
    gw_table_free(t);
    gw_table_free(again);
}

/* One that registers again and vanishes again is suspect from the second time. */
static void test_walks__each_time_as_a_suspect_is_its_own(void **state)
{
    struct gw_table *t = table_with_suspect();

    put(t, 0, ENDPOINT_READY, 40);
    gw_table_commit(t, 40, 300000);
    assert_counts(t, "1000");
    assert_int_equal(gw_table_deadline(t), 0);
    gone(t, 0);
    gw_table_commit(t, 41, 500000);
    assert_counts(t, "0010");
    assert_int_equal(gw_table_deadline(t), 500000 + GW_SUSPECT_MS);
    gw_table_free(t);
}

/* Changes of several kinds in one batch never cancel each other. */
static void test_push__changes_of_several_kinds_add_up(void **state)
{
    for (unsigned which = 1; which < 16; which++) {
        struct gw_table *t = table_with(4);

        if (which & 1)
            put(t, 7, ENDPOINT_READY, 30);
        if (which & 2)
            assert_int_equal(put_at(t, "web", 0, "k1", "10.210.1.90", ENDPOINT_READY, 31, LEASE), 0);
        if (which & 4)
            put(t, 1, ENDPOINT_DRAINING, 32);
        if (which & 8)
            gone(t, 2);
        commit(t, 40);
        assert_true(gw_table_dirty(t));
        gw_table_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks__a_suspect_gives_its_address_up_in_any_place),
        cmocka_unit_test(test_walks__whose_address_another_has_is_never_suspect_in_any_place),
        cmocka_unit_test(test_walks__suspects_of_a_removed_service_go_in_any_place),
        cmocka_unit_test(test_walks__each_suspect_is_forgotten_at_its_own_time),
        cmocka_unit_test(test_walks__the_return_of_a_node_counts_from_when_it_was_last_back),
        cmocka_unit_test(test_walks__at_the_first_moment_of_the_clock_a_node_is_back_too),
        cmocka_unit_test(test_walks__a_nodes_name_has_all_its_letters),
        cmocka_unit_test(test_walks__only_the_lease_it_was_written_on_says_that_it_was_taken_away),
        cmocka_unit_test(test_walks__of_a_full_table_the_last_slot_is_found),
        cmocka_unit_test(test_push__one_of_a_store_that_was_forgotten_is_not_the_table),
        cmocka_unit_test(test_push__what_changed_while_it_was_on_its_way_is_pushed_again),
        cmocka_unit_test(test_push__a_failed_one_leaves_all_to_push),
        cmocka_unit_test(test_walks__a_suspect_is_no_younger_by_another_snapshot),
        cmocka_unit_test(test_walks__a_doubted_one_counts_from_the_first_commit),
        cmocka_unit_test(test_walks__each_time_as_a_suspect_is_its_own),
        cmocka_unit_test(test_push__changes_of_several_kinds_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
