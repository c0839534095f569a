/* netplug/path_search: how large a packet gets through, against simulated paths. */
#include "netplug/path_search.h"

#include "netplug/mtu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Runs a search on a path that lets packets up to `carries` pass (0: none); returns the number of rounds. */
static int search(struct path_search *s, int mtu, int carries)
{
    int rounds = 0, size;

    path_search_init(s, mtu);
    for (; (size = path_search_next(s)) != 0; rounds++) {
        assert_in_range(size, MTU_MIN, mtu);
        assert_int_equal(path_search_next(s), size);
        assert_true(rounds < 40);
        path_search_result(s, size <= carries);
    }
    return rounds;
}

static void test_netplug_path_search__a_good_path_takes_one_round(void **state)
{
    struct path_search s;

    assert_int_equal(search(&s, 1500, 1500), 1);
    assert_int_equal(s.verdict, NETPLUG_PATH_OK);
    assert_int_equal(s.lo, 1500);
}

static void test_netplug_path_search__a_dead_peer_takes_two(void **state)
{
    struct path_search s;

    assert_int_equal(search(&s, 1500, 0), 2);
    assert_int_equal(s.verdict, NETPLUG_PATH_UNREACHABLE);
    assert_int_equal(s.lo, 0);
    assert_int_equal(search(&s, MTU_MIN, 0), 1);
    assert_int_equal(s.verdict, NETPLUG_PATH_UNREACHABLE);
}

static void test_netplug_path_search__every_mtu_is_found_exactly(void **state)
{
    static const int mtus[] = {577, 578, 1280, 1400, 1500, 9000};
    struct path_search s;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(mtus); i++)
        for (int carries = PATH_SMALL; carries < mtus[i]; carries++) {
            assert_in_range(search(&s, mtus[i], carries), 3, 17);
            assert_int_equal(s.verdict, NETPLUG_PATH_MTU);
            assert_int_equal(s.lo, carries);
        }
}

static void test_netplug_path_search__small_mtus_are_searched_below_576(void **state)
{
    struct path_search s;

    for (int carries = MTU_MIN; carries < 500; carries++) {
        search(&s, 500, carries);
        assert_int_equal(s.verdict, NETPLUG_PATH_MTU);
        assert_int_equal(s.lo, carries);
    }
}

/* Full-size packets that are lost once, by chance, are no mismatch. */
static void test_netplug_path_search__bad_luck_is_not_taken_for_an_mtu(void **state)
{
    struct path_search s;
    int size;

    path_search_init(&s, 1500);
    path_search_result(&s, false);
    while ((size = path_search_next(&s)) != 0)
        path_search_result(&s, true);
    assert_int_equal(s.verdict, NETPLUG_PATH_OK);
    assert_int_equal(s.lo, 1500);
}

/* RFC 1191: the next hop's MTU, from a router. */
static void test_netplug_path_search__a_routers_word_shortens_the_search(void **state)
{
    struct path_search s;
    int rounds = 0, size;

    path_search_init(&s, 9000);
    for (; (size = path_search_next(&s)) != 0; rounds++) {
        if (size > 1480)
            path_search_hint(&s, 1480);
        path_search_result(&s, size <= 1480);
    }
    assert_int_equal(s.verdict, NETPLUG_PATH_MTU);
    assert_int_equal(s.lo, 1480);
    assert_int_equal(rounds, 5); /* full, small, the hint, one more byte, full again */
}

static void test_netplug_path_search__a_lying_router_does_no_harm(void **state)
{
    static const int lies[] = {-5, 0, 1, 68, 575, 576, 577, 900, 1399, 1401, 1499, 1500, 1501, 65535};
    struct path_search s;
    int size;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(lies); i++) {
        int rounds = 0;

        path_search_init(&s, 1500);
        for (; (size = path_search_next(&s)) != 0; rounds++) {
            assert_true(rounds < 1000);
            path_search_hint(&s, lies[i]);
            assert_in_range(path_search_next(&s), MTU_MIN, 1500);
            size = path_search_next(&s);
            path_search_result(&s, size <= 1400);
        }
        assert_int_equal(s.verdict, NETPLUG_PATH_MTU);
        assert_int_equal(s.lo, 1400);
    }
}

static void test_netplug_path_search__decided_stays_decided(void **state)
{
    struct path_search s;

    search(&s, 1500, 1400);
    path_search_result(&s, true);
    path_search_hint(&s, 1300);
    assert_int_equal(path_search_next(&s), 0);
    assert_int_equal(s.lo, 1400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_path_search__a_good_path_takes_one_round),
        cmocka_unit_test(test_netplug_path_search__a_dead_peer_takes_two),
        cmocka_unit_test(test_netplug_path_search__every_mtu_is_found_exactly),
        cmocka_unit_test(test_netplug_path_search__small_mtus_are_searched_below_576),
        cmocka_unit_test(test_netplug_path_search__bad_luck_is_not_taken_for_an_mtu),
        cmocka_unit_test(test_netplug_path_search__a_routers_word_shortens_the_search),
        cmocka_unit_test(test_netplug_path_search__a_lying_router_does_no_harm),
        cmocka_unit_test(test_netplug_path_search__decided_stays_decided),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
