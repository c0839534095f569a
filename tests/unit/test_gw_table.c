/* The endpoint table: what etcd says, remembered through what etcd forgets; what is acknowledged, and when.
 */
#include "tests/unit/gw_table_story.h"

/* ---- what is served */

static void test_table__text_names_endpoints_and_backends(void **state)
{
    struct gw_table *t = table_with(2);
    char id[GW_BACKEND_MAX];
    orc_auto_free char *text = NULL, *expected = NULL;

    gw_backend_id("shop", "web", "/", id);
    text = gw_table_text(t);
    expected = orc_printf("orc1 20\n"
                          "T 0 r shop.web.0.1 k1 77 10.210.1.2\n"
                          "T 1 r shop.web.1.1 k1 77 10.210.1.3\n"
                          "B %s\nE 0 8080\nE 1 8080\n",
                          id);
    assert_string_equal(text, expected);
    gw_table_free(t);
}

static void test_table__new_table_is_pushed_even_when_empty(void **state)
{
    struct gw_table *t = gw_table_new();

    commit(t, 5);
    assert_true(gw_table_dirty(t));
    assert_int_equal(gw_table_served(t), 0);
    push(t, 0);
    assert_false(gw_table_dirty(t));
    assert_int_equal(gw_table_served(t), 5);
    gw_table_free(t);
}

static void test_table__what_changes_nobodys_choice_is_served_without_a_push(void **state)
{
    struct gw_table *t = table_with(1);

    put(t, 0, ENDPOINT_READY, 21); /* the same again, on a renewed lease */
    commit(t, 21);
    assert_false(gw_table_dirty(t));
    assert_int_equal(gw_table_served(t), 21);
    gw_table_free(t);
}

static void test_table__served_is_the_revision_that_was_pushed(void **state)
{
    struct gw_table *t = table_with(2);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    assert_int_equal(gw_table_served(t), 20);
    orc_auto_free char *text = gw_table_text(t);
    assert_non_null(text);
    put(t, 1, ENDPOINT_DRAINING, 31); /* while the push is on its way */
    commit(t, 31);
    gw_table_pushed(t, true);
    assert_int_equal(gw_table_served(t), 30);
    assert_true(gw_table_dirty(t));
    push(t, 0);
    assert_int_equal(gw_table_served(t), 31);
    gw_table_free(t);
}

static void test_table__failed_push_is_not_served(void **state)
{
    struct gw_table *t = table_with(1);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    orc_auto_free char *text = gw_table_text(t);
    assert_non_null(text);
    gw_table_pushed(t, false);
    assert_int_equal(gw_table_served(t), 20);
    assert_true(gw_table_dirty(t));
    gw_table_free(t);
}

/* ---- withdrawal */

static void test_table__draining_endpoint_is_listed_until_its_requests_end(void **state)
{
    struct gw_table *t = table_with(2);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    push(t, 3);
    assert_inflight(t, "shop.web.0.1=3 ");
    assert_true(gw_table_has_draining_requests(t));
    assert_int_equal(gw_table_in_flight(t, "orc1 2\n0 0\n", NULL), 0);
    assert_inflight(t, "");
    assert_false(gw_table_has_draining_requests(t));
    gw_table_free(t);
}

/* Counts that were read before the endpoint stopped being chosen say nothing. */
static void test_table__counts_from_before_the_push_are_not_believed(void **state)
{
    struct gw_table *t = table_with(2);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    assert_int_equal(gw_table_in_flight(t, "orc1 1\n0 0\n", NULL), 0);
    assert_inflight(t, "shop.web.0.1=1 ");
    gw_table_free(t);
}

/* A task withdrawn as unhealthy is put as draining afterwards: its requests still count. */
static void test_table__gone_endpoint_that_comes_back_draining_keeps_its_count(void **state)
{
    struct gw_table *t = table_with(2);

    gone(t, 0);
    commit(t, 30);
    push(t, 2);
    assert_counts(t, "1001");
    assert_inflight(t, "");
    put(t, 0, ENDPOINT_DRAINING, 31);
    commit(t, 31);
    assert_int_equal(gw_table_served(t), 31);
    assert_inflight(t, "shop.web.0.1=2 ");
    gw_table_free(t);
}

/* Its node's lease ended while it was draining; whoever waits for these requests may not know that yet. */
static void test_table__requests_of_an_endpoint_that_vanished_while_draining_are_reported(void **state)
{
    struct gw_table *t = table_with(2);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    push(t, 3);
    gone(t, 0);
    gw_table_node(t, "k1", 0);
    commit(t, 31);
    assert_counts(t, "1001");
    assert_inflight(t, "shop.web.0.1=3 ");
    assert_true(gw_table_has_draining_requests(t));
    assert_int_equal(gw_table_in_flight(t, "orc1 2\n0 0\n", NULL), 0);
    assert_inflight(t, "");
    assert_false(gw_table_has_draining_requests(t));
    gw_table_free(t);
}

static void test_table__slot_of_a_gone_endpoint_is_free_only_without_requests(void **state)
{
    struct gw_table *t = table_with(1);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    push(t, 1);
    gone(t, 0);
    commit(t, 31);
    assert_counts(t, "0001");
    assert_int_equal(gw_table_in_flight(t, "orc1 2\n0 1\n", NULL), 0);
    assert_counts(t, "0001");
    assert_int_equal(gw_table_in_flight(t, "orc1 2\n0 0\n", NULL), 0);
    assert_counts(t, "0000");
    gw_table_free(t);
}

/* ---- another store */

/* A revision of before says nothing about one of a store that was restored from an older backup. */
static void test_table__forgets_what_it_served_with_the_store(void **state)
{
    struct gw_table *t = table_with(2);
    orc_auto_free char *text = NULL;

    put(t, 0, ENDPOINT_DRAINING, 90);
    commit(t, 90);
    push(t, 0);
    assert_int_equal(gw_table_served(t), 90);
    put(t, 1, ENDPOINT_DRAINING, 95);
    commit(t, 95);
    text = gw_table_text(t); /* on its way to NGINX */
    gw_table_forget(t);
    gw_table_pushed(t, true);
    assert_int_equal(gw_table_served(t), 0);
    assert_int_equal(gw_table_draining_revision(t), 0);
    commit(t, 40);
    assert_int_equal(gw_table_served(t), 0);
    push(t, 0);
    assert_int_equal(gw_table_served(t), 40);
    gw_table_free(t);
}

/* ---- absence */

static void test_table__endpoint_taken_away_by_its_nodelet_is_gone(void **state)
{
    struct gw_table *t = table_with(1);

    gone(t, 0);
    commit(t, 30);
    assert_counts(t, "0001");
    gw_table_free(t);
}

static void test_table__endpoint_that_vanished_with_its_nodes_lease_is_suspect(void **state)
{
    struct gw_table *t = table_with(2);
    orc_auto_free char *text = NULL;

    gone(t, 0);
    gw_table_node(t, "k1", 0);
    gone(t, 1);
    commit(t, 30);
    assert_counts(t, "0020");
    assert_true(gw_table_dirty(t));
    text = gw_table_text(t);
    assert_non_null(strstr(text, "T 0 s shop.web.0.1"));
    gw_table_free(t);
}

/* A gateway that read everything anew did not see what was draining meanwhile; no silence for agreement. */
static void test_table__suspects_are_reported_until_nginx_is_done_with_them(void **state)
{
    struct gw_table *t = table_with(2);

    gw_table_snapshot(t);
    put(t, 1, ENDPOINT_READY, 11);
    commit(t, 30);
    push(t, 4);
    assert_counts(t, "1010");
    assert_inflight(t, "shop.web.0.1=0 ");
    assert_false(gw_table_has_draining_requests(t)); /* nothing to ask NGINX for */
    gw_table_service_gone(t, "shop", "web");
    commit(t, 31);
    assert_inflight(t, "shop.web.0.1=1 "); /* NGINX may choose it still */
    push(t, 4);
    assert_inflight(t, "shop.web.0.1=4 ");
    assert_int_equal(gw_table_in_flight(t, "orc1 2\n0 0\n", NULL), 0);
    assert_inflight(t, "");
    gw_table_free(t);
}

/* Once it is seen draining it is withdrawn as any other. */
static void test_table__suspect_that_is_put_as_draining_is_withdrawn(void **state)
{
    struct gw_table *t = table_with(1);

    gw_table_node(t, "k1", 0);
    gone(t, 0);
    commit(t, 30);
    push(t, 1);
    assert_inflight(t, "shop.web.0.1=0 ");
    put(t, 0, ENDPOINT_DRAINING, 32);
    commit(t, 32);
    assert_inflight(t, "shop.web.0.1=1 ");
    push(t, 0);
    assert_int_equal(gw_table_served(t), 32);
    assert_inflight(t, "");
    gw_table_free(t);
}

/* Also when the node is back, on another lease, before we heard of either. */
static void test_table__endpoint_that_vanished_with_an_older_lease_is_suspect(void **state)
{
    struct gw_table *t = table_with(1);

    gw_table_node(t, "k1", LEASE + 1);
    gone(t, 0);
    commit(t, 30);
    assert_counts(t, "0010");
    gw_table_free(t);
}

static void test_table__draining_endpoint_that_vanishes_is_never_suspect(void **state)
{
    struct gw_table *t = table_with(1);

    put(t, 0, ENDPOINT_DRAINING, 29);
    commit(t, 29);
    gw_table_node(t, "k1", 0);
    gone(t, 0);
    commit(t, 30);
    assert_counts(t, "0001");
    gw_table_free(t);
}

static void test_table__suspect_that_registers_again_is_ready(void **state)
{
    struct gw_table *t = table_with(1);

    gw_table_node(t, "k1", 0);
    gone(t, 0);
    commit(t, 30);
    gw_table_node(t, "k1", LEASE + 1);
    assert_int_equal(put_at(t, "web", 0, "k1", "10.210.1.2", ENDPOINT_READY, 31, LEASE + 1), 0);
    commit(t, 31);
    assert_counts(t, "1000");
    assert_int_equal(gw_table_deadline(t), 0);
    gw_table_free(t);
}

static void test_table__suspect_whose_address_another_endpoint_has_is_forgotten(void **state)
{
    struct gw_table *t = table_with_suspect();

    assert_int_equal(put_at(t, "auth", 0, "k2", "10.210.1.2", ENDPOINT_READY, 31, 5), 0);
    commit(t, 31);
    assert_counts(t, "1001");
    gw_table_free(t);
}

static void test_table__endpoint_vanishing_after_its_address_was_given_away_is_no_suspect(void **state)
{
    struct gw_table *t = table_with(1);

    assert_int_equal(put_at(t, "auth", 0, "k2", "10.210.1.2", ENDPOINT_READY, 25, 5), 0);
    commit(t, 25);
    gw_table_node(t, "k1", 0);
    gone(t, 0);
    commit(t, 30);
    assert_counts(t, "1001");
    gw_table_free(t);
}

static void test_table__suspect_of_a_removed_service_is_forgotten(void **state)
{
    struct gw_table *t = table_with_suspect();

    gw_table_service_gone(t, "shop", "other");
    assert_counts(t, "0010");
    gw_table_service_gone(t, "shop", "web");
    assert_counts(t, "0001");
    gw_table_free(t);
}

static void test_table__suspect_is_forgotten_half_a_minute_after_its_node_is_back(void **state)
{
    struct gw_table *t = table_with_suspect();

    assert_int_equal(gw_table_deadline(t), 1000 + GW_SUSPECT_MS);
    gw_table_node(t, "k1", LEASE + 1);
    gw_table_commit(t, 31, 5000);
    assert_int_equal(gw_table_deadline(t), 5000 + GW_SUSPECT_RETURN_MS);
    gw_table_expire(t, 5000 + GW_SUSPECT_RETURN_MS - 1);
    assert_counts(t, "0010");
    gw_table_expire(t, 5000 + GW_SUSPECT_RETURN_MS);
    assert_counts(t, "0001");
    gw_table_free(t);
}

static void test_table__suspect_of_a_node_that_stays_away_is_forgotten_in_the_end(void **state)
{
    struct gw_table *t = table_with_suspect();

    gw_table_expire(t, 1000 + GW_SUSPECT_MS - 1);
    assert_counts(t, "0010");
    gw_table_expire(t, 1000 + GW_SUSPECT_MS);
    assert_counts(t, "0001");
    gw_table_free(t);
}

static void test_table__snapshot_makes_what_it_lacks_suspect(void **state)
{
    struct gw_table *t = table_with(3);

    gw_table_snapshot(t);
    gw_table_node(t, "k1", LEASE + 1);
    put(t, 1, ENDPOINT_READY, 40);
    commit(t, 40);
    assert_counts(t, "1020");
    gw_table_free(t);
}

static void test_table__snapshot_in_which_the_node_kept_its_lease_takes_away(void **state)
{
    struct gw_table *t = table_with(2);

    gw_table_snapshot(t);
    gw_table_node(t, "k1", LEASE);
    put(t, 1, ENDPOINT_READY, 11);
    commit(t, 40);
    assert_counts(t, "1001");
    gw_table_free(t);
}

/* Nobody waits for a gateway that is not registered: its NGINX goes on with those it has that are still
 * there. */
static void test_table__held_lets_nobody_begin_to_be_chosen(void **state)
{
    struct gw_table *t = table_with(2);

    put(t, 5, ENDPOINT_READY, 21); /* vanishes, nobody knows when */
    commit(t, 21);
    push(t, 0);
    gw_table_hold(t, true);
    gw_table_snapshot(t);
    gw_table_node(t, "k1", LEASE + 1);
    put(t, 0, ENDPOINT_READY, 10);
    put(t, 2, ENDPOINT_READY, 31);
    assert_int_equal(put_at(t, "api", 3, "k1", "10.210.1.3", ENDPOINT_READY, 32, LEASE + 1), 0);
    commit(t, 40);
    assert_counts(t, "1202"); /* web.1's address is api.3's now */
    put(t, 2, ENDPOINT_READY, 41);
    commit(t, 41);
    assert_counts(t, "1202");
    gw_table_hold(t, false);
    gw_table_snapshot(t);
    put(t, 0, ENDPOINT_READY, 10);
    put(t, 2, ENDPOINT_READY, 41);
    commit(t, 42);
    assert_counts(t, "2003");
    gw_table_free(t);
}

/* ---- NGINX's side */

static void test_table__adopted_table_is_the_one_that_was_pushed(void **state)
{
    struct gw_table *a = table_with(3), *b = gw_table_new();
    orc_auto_free char *first = NULL, *second = NULL;

    put(a, 1, ENDPOINT_DRAINING, 30);
    commit(a, 30);
    first = gw_table_text(a);
    assert_int_equal(gw_table_adopt(b, first, NULL), 0);
    second = gw_table_text(b);
    assert_string_equal(first, second);
    assert_false(gw_table_dirty(b));
    assert_counts(b, "2100");
    assert_inflight(b, "shop.web.1.1=1 "); /* unknown: it may have requests */
    gw_table_free(a);
    gw_table_free(b);
}

static void test_table__adopted_table_equal_to_the_store_needs_no_push(void **state)
{
    struct gw_table *a = table_with(2), *b = gw_table_new();
    orc_auto_free char *text = gw_table_text(a);

    assert_int_equal(gw_table_adopt(b, text, NULL), 0);
    gw_table_snapshot(b);
    gw_table_node(b, "k1", LEASE);
    put(b, 0, ENDPOINT_READY, 10);
    put(b, 1, ENDPOINT_READY, 11);
    commit(b, 50);
    assert_false(gw_table_dirty(b));
    assert_int_equal(gw_table_served(b), 50);
    gw_table_free(a);
    gw_table_free(b);
}

/* What was kept on disk is older than what may have been agreed to: used where there is nothing else, and
 * given up for what the store says. */
static void test_table__a_doubted_table_is_suspect_until_the_store_was_read(void **state)
{
    struct gw_table *a = table_with(3), *b = gw_table_new();
    orc_auto_free char *text = NULL, *pushed = NULL;

    put(a, 2, ENDPOINT_DRAINING, 18);
    commit(a, 20);
    text = gw_table_text(a);
    assert_int_equal(gw_table_adopt(b, text, NULL), 0);
    gw_table_nginx_lost(b);
    gw_table_doubt(b);
    assert_counts(b, "0120");
    pushed = gw_table_text(b);
    assert_non_null(strstr(pushed, "T 0 s shop.web.0.1"));
    assert_non_null(strstr(pushed, "T 2 d shop.web.2.1"));
    assert_inflight(b, "shop.web.0.1=0 shop.web.1.1=0 ");
    gw_table_snapshot(b);
    gw_table_node(b, "k1", LEASE); /* still the one that held them: what lacks was taken away */
    put(b, 0, ENDPOINT_READY, 10);
    commit(b, 30);
    assert_counts(b, "1002");
    gw_table_free(a);
    gw_table_free(b);
}

static void test_table__garbage_is_not_adopted(void **state)
{
    static const char *const garbage[] = {
        "",
        "orc2 5\n",
        "orc1 x\n",
        "orc1 -5\n",
        "orc1 5\nT\n",
        "orc1 5\nX 1\n",
        "orc1 5\nT 99999 r shop.web.0.1 k1 1 10.0.0.1\n",
        "orc1 5\nT 1 q shop.web.0.1 k1 1 10.0.0.1\n",
        "orc1 5\nT 1 r shop k1 1 10.0.0.1\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1 host\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1 10.0.0.1 more\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1 10.0.0.1\nT 1 r shop.web.1.1 k1 1 10.0.0.2\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1 10.0.0.1\nT 2 r shop.web.0.1 k1 1 10.0.0.2\n",
        "orc1 5\nE 1 80\n",
        "orc1 5\nB xyz\n",
        "orc1 5\nB 0123456789abcdef\nE 1 80\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1 10.0.0.1\nB 0123456789abcdef\nE 1 0\n",
        "orc1 5\nT 1 r shop.web.0.1 k1 1 10.0.0.1\nB 0123456789abcdef\nE 1 80 80\n",
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(garbage); i++) {
        struct gw_table *t = gw_table_new();

        assert_int_equal(gw_table_adopt(t, garbage[i], NULL), -EINVAL);
        assert_counts(t, "0000");
        assert_true(gw_table_dirty(t));
        gw_table_free(t);
    }
}

static void test_table__new_nginx_gets_everything_and_has_nothing_in_flight(void **state)
{
    struct gw_table *t = table_with(2);

    put(t, 0, ENDPOINT_DRAINING, 30);
    gone(t, 1);
    commit(t, 30);
    push(t, 4);
    gw_table_nginx_lost(t);
    assert_counts(t, "0100");
    assert_inflight(t, "");
    assert_true(gw_table_dirty(t));
    gw_table_free(t);
}

static void test_table__unreadable_answer_changes_nothing(void **state)
{
    struct gw_table *t = table_with(1);

    put(t, 0, ENDPOINT_DRAINING, 30);
    commit(t, 30);
    push(t, 2);
    assert_int_equal(gw_table_in_flight(t, "<html>", NULL), -EINVAL);
    assert_int_equal(gw_table_in_flight(t, "orc1 1\nnonsense\n", NULL), -EINVAL);
    assert_int_equal(gw_table_in_flight(t, "orc1 1\n0 -1\n", NULL), -EINVAL);
    assert_inflight(t, "shop.web.0.1=2 ");
    gw_table_free(t);
}

/* ---- hostile records */

static void test_table__unusable_endpoint_is_refused_and_not_used_any_more(void **state)
{
    static const char *const addresses[] = {
        "", "host", "10.0.0", "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "10.0.0.1 ;", "10.0.0.1\n"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(addresses); i++) {
        struct gw_table *t = table_with(1);

        assert_int_equal(put_at(t, "web", 0, "k1", addresses[i], ENDPOINT_READY, 30, LEASE), -EINVAL);
        commit(t, 30);
        assert_counts(t, "0001");
        gw_table_free(t);
    }
}

/* Nobody shall wait for a gateway because a draining record has an address it can't use. */
static void test_table__unusable_draining_endpoint_is_still_acknowledged(void **state)
{
    struct gw_table *t = table_with(1);

    assert_int_equal(put_at(t, "web", 0, "k1", "nonsense", ENDPOINT_DRAINING, 30, LEASE), -EINVAL);
    commit(t, 30);
    push(t, 0);
    assert_int_equal(gw_table_draining_revision(t), 30);
    assert_int_equal(gw_table_served(t), 30);
    gw_table_free(t);
}

static void test_table__number_of_endpoints_is_bounded(void **state)
{
    struct gw_table *t = gw_table_new();
    int r = 0;

    for (int i = 0; i < 10000; i++)
        r |= put_at(t, "web", i, "k1", "10.9.9.9", ENDPOINT_READY, 10, LEASE);
    for (int i = 0; i < GW_SLOTS - 10000; i++)
        r |= put_at(t, "auth", i, "k1", "10.8.8.8", ENDPOINT_READY, 10, LEASE);
    assert_int_equal(r, 0);
    assert_int_equal(put_at(t, "other", 1, "k1", "10.7.7.7", ENDPOINT_READY, 11, LEASE), -ENOSPC);
    orc_auto_free char *text = gw_table_text(t);
    assert_non_null(text);
    gw_table_free(t);
}

/* ---- the same end, whatever the order */

static void test_table__order_of_changes_within_a_batch_does_not_matter(void **state)
{
    /* node away, endpoint 0 vanished with it, endpoint 1 drains: six orders */
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(orders); i++) {
        struct gw_table *t = table_with(3);

        for (int j = 0; j < 3; j++) {
            if (orders[i][j] == 0)
                gw_table_node(t, "k1", 0);
            else if (orders[i][j] == 1)
                gone(t, 0);
            else
                put(t, 1, ENDPOINT_DRAINING, 30);
        }
        commit(t, 30);
        assert_counts(t, "1110");
        gw_table_free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__text_names_endpoints_and_backends),
        cmocka_unit_test(test_table__new_table_is_pushed_even_when_empty),
        cmocka_unit_test(test_table__what_changes_nobodys_choice_is_served_without_a_push),
        cmocka_unit_test(test_table__served_is_the_revision_that_was_pushed),
        cmocka_unit_test(test_table__failed_push_is_not_served),
        cmocka_unit_test(test_table__draining_endpoint_is_listed_until_its_requests_end),
        cmocka_unit_test(test_table__counts_from_before_the_push_are_not_believed),
        cmocka_unit_test(test_table__gone_endpoint_that_comes_back_draining_keeps_its_count),
        cmocka_unit_test(test_table__requests_of_an_endpoint_that_vanished_while_draining_are_reported),
        cmocka_unit_test(test_table__slot_of_a_gone_endpoint_is_free_only_without_requests),
        cmocka_unit_test(test_table__forgets_what_it_served_with_the_store),
        cmocka_unit_test(test_table__endpoint_taken_away_by_its_nodelet_is_gone),
        cmocka_unit_test(test_table__endpoint_that_vanished_with_its_nodes_lease_is_suspect),
        cmocka_unit_test(test_table__suspects_are_reported_until_nginx_is_done_with_them),
        cmocka_unit_test(test_table__suspect_that_is_put_as_draining_is_withdrawn),
        cmocka_unit_test(test_table__endpoint_that_vanished_with_an_older_lease_is_suspect),
        cmocka_unit_test(test_table__draining_endpoint_that_vanishes_is_never_suspect),
        cmocka_unit_test(test_table__suspect_that_registers_again_is_ready),
        cmocka_unit_test(test_table__suspect_whose_address_another_endpoint_has_is_forgotten),
        cmocka_unit_test(test_table__endpoint_vanishing_after_its_address_was_given_away_is_no_suspect),
        cmocka_unit_test(test_table__suspect_of_a_removed_service_is_forgotten),
        cmocka_unit_test(test_table__suspect_is_forgotten_half_a_minute_after_its_node_is_back),
        cmocka_unit_test(test_table__suspect_of_a_node_that_stays_away_is_forgotten_in_the_end),
        cmocka_unit_test(test_table__snapshot_makes_what_it_lacks_suspect),
        cmocka_unit_test(test_table__snapshot_in_which_the_node_kept_its_lease_takes_away),
        cmocka_unit_test(test_table__held_lets_nobody_begin_to_be_chosen),
        cmocka_unit_test(test_table__adopted_table_is_the_one_that_was_pushed),
        cmocka_unit_test(test_table__adopted_table_equal_to_the_store_needs_no_push),
        cmocka_unit_test(test_table__a_doubted_table_is_suspect_until_the_store_was_read),
        cmocka_unit_test(test_table__garbage_is_not_adopted),
        cmocka_unit_test(test_table__new_nginx_gets_everything_and_has_nothing_in_flight),
        cmocka_unit_test(test_table__unreadable_answer_changes_nothing),
        cmocka_unit_test(test_table__unusable_endpoint_is_refused_and_not_used_any_more),
        cmocka_unit_test(test_table__unusable_draining_endpoint_is_still_acknowledged),
        cmocka_unit_test(test_table__number_of_endpoints_is_bounded),
        cmocka_unit_test(test_table__order_of_changes_within_a_batch_does_not_matter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
