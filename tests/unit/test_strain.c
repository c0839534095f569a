/* Strain of a server: what /proc says, coarse and slow, so that its record is not written all the time. */
#include "nodelet/strain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* One second of four CPUs, `steal` of 400 ticks stolen. */
static bool second(struct strain *s, uint64_t *idle, uint64_t *stolen, int steal)
{
    char text[200];

    *idle += (uint64_t)(400 - steal);
    *stolen += (uint64_t)steal;
    snprintf(text, sizeof text, "cpu  10 0 20 %llu 3 0 1 %llu 5 0\ncpu0 1 1 1 1\n", (unsigned long long)*idle,
             (unsigned long long)*stolen);
    return strain_cpu(s, text);
}

static bool memory(struct strain *s, const char *avg60)
{
    char text[200];

    snprintf(text, sizeof text,
             "some avg10=0.00 avg60=%s avg300=0.87 total=58\nfull avg10=0.00 avg60=99.00\n", avg60);
    return strain_memory(s, text);
}

static void test_strain__steal_begins_after_three_looks_and_ends_after_twelve(void **state)
{
    uint64_t idle = 1000, stolen = 7;
    struct strain s = {0};
    char text[STRAIN_TEXT_MAX];

    assert_false(second(&s, &idle, &stolen, 400)); /* since the boot: says nothing about now */
    assert_false(second(&s, &idle, &stolen, 100));
    assert_false(second(&s, &idle, &stolen, 100));
    assert_string_equal(strain_text(&s, STRAIN_STEAL, "", text), "");
    assert_true(second(&s, &idle, &stolen, 100));
    assert_string_equal(strain_text(&s, STRAIN_STEAL, "", text), "25 % of its CPU time is taken by its host");
    for (int i = 1; i < STRAIN_ENDS; i++)
        assert_false(second(&s, &idle, &stolen, 0));
    assert_true(second(&s, &idle, &stolen, 0));
    assert_false(s.of[STRAIN_STEAL].on);
}

/* Between the two bounds nothing changes, and one good look among bad ones begins the count anew. */
static void test_strain__does_not_flap(void **state)
{
    struct strain s = {0};

    for (int i = 0; i < 100; i++)
        assert_false(memory(&s, i % 3 == 2 ? "1.00" : "90.00"));
    assert_false(memory(&s, "0.00"));
    for (int i = 0; i < 2; i++)
        assert_false(memory(&s, "20.00"));
    assert_int_equal(memory(&s, "20.00"), true);
    for (int i = 0; i < 100; i++)
        assert_false(memory(&s, i % 12 == 11 ? "6.00" : "0.00")); /* twelve in a row below 5 never come */
    assert_true(s.of[STRAIN_MEMORY].on);
}

/* Behaviour 22: a full disk keeps work off, with the figure of the moment it began. */
static void test_strain__a_full_disk(void **state)
{
    const uint64_t gib = UINT64_C(1) << 30;
    struct strain s = {0};
    char text[STRAIN_TEXT_MAX];

    assert_true(strain_keeps_off(STRAIN_DISK));
    assert_false(strain_keeps_off(STRAIN_STEAL));
    assert_false(strain_disk(&s, 4 * gib, 100 * gib));
    assert_false(strain_disk(&s, 4 * gib, 100 * gib));
    assert_true(strain_disk(&s, 4 * gib, 100 * gib));
    assert_string_equal(strain_text(&s, STRAIN_DISK, "/var/lib/docker", text),
                        "96 % of the disk of /var/lib/docker is in use, 95 % is the most");
    for (int i = 1; i < STRAIN_ENDS; i++)
        assert_false(strain_disk(&s, 11 * gib, 100 * gib));
    assert_true(strain_disk(&s, 11 * gib, 100 * gib));
}

static void test_strain__a_large_disk_may_be_fuller(void **state)
{
    struct strain s = {0};

    for (int i = 0; i < 20; i++)
        assert_false(strain_disk(&s, STRAIN_DISK_ENOUGH, STRAIN_DISK_ENOUGH * 100));
    assert_false(strain_disk(&s, 1, 0));
    assert_false(strain_disk(&s, 2, 1));
}

static void test_strain__what_is_no_figure_says_nothing(void **state)
{
    static const char *const stats[] = {
        "", "cpu", "cpu  1 2 3", "cpu  a b c d e f g h", "intr 1 2 3", "cpu0 1 2 3 4 5 6 7 8"};
    static const char *const pressures[] = {
        "", "some", "some avg60=", "full avg60=99.00", "some avg60=101", "some avg60=-1", "some avg60=nan"};
    struct strain s = {0};

    for (int n = 0; n < 5; n++) {
        for (size_t i = 0; i < sizeof stats / sizeof *stats; i++)
            assert_false(strain_cpu(&s, stats[i]));
        for (size_t i = 0; i < sizeof pressures / sizeof *pressures; i++)
            assert_false(strain_memory(&s, pressures[i]));
    }
    assert_false(s.of[STRAIN_MEMORY].on || s.of[STRAIN_STEAL].on);
}

/* Counters that go back (a migrated machine) are no look at all. */
static void test_strain__counters_that_go_back(void **state)
{
    struct strain s = {0};

    for (int i = 20; i > 0; i--) {
        char text[100];

        snprintf(text, sizeof text, "cpu  1 1 1 1 1 1 1 %d", i * 100);
        assert_false(strain_cpu(&s, text));
    }
    assert_false(s.of[STRAIN_STEAL].on);
}

/* ---- to the tenth of a per cent ---- */

/* Of a disk, each share from nothing to all of it: on from 95 %, off below 90 %. */
static void test_strain__the_share_of_a_disk_is_exact(void **state)
{
    for (int per_mille = 0; per_mille <= 1000; per_mille++) {
        struct strain s = {0};
        uint64_t all = 10000000;
        bool on = per_mille >= 950;

        for (int i = 0; i < STRAIN_BEGINS; i++)
            strain_disk(&s, all - (uint64_t)per_mille * all / 1000, all);
        assert_int_equal(s.of[STRAIN_DISK].on, on);
        assert_in_range(s.of[STRAIN_DISK].per_mille, per_mille, per_mille + 1);
        for (int i = 0; i < STRAIN_BEGINS; i++) /* full */
            strain_disk(&s, 0, all);
        assert_true(s.of[STRAIN_DISK].on);
        assert_int_equal(s.of[STRAIN_DISK].per_mille, 1000);
    }
}

/* So many free bytes are enough on any disk; one less is not. */
static void test_strain__enough_is_enough_to_the_byte(void **state)
{
    for (int less = 0; less < 2; less++) {
        struct strain s = {0};

        for (int i = 0; i < 2 * STRAIN_BEGINS; i++)
            strain_disk(&s, STRAIN_DISK_ENOUGH - (uint64_t)less, STRAIN_DISK_ENOUGH * 100);
        assert_int_equal(s.of[STRAIN_DISK].on, less);
        assert_true(less || s.of[STRAIN_DISK].per_mille < 950);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strain__steal_begins_after_three_looks_and_ends_after_twelve),
        cmocka_unit_test(test_strain__does_not_flap),
        cmocka_unit_test(test_strain__a_full_disk),
        cmocka_unit_test(test_strain__a_large_disk_may_be_fuller),
        cmocka_unit_test(test_strain__what_is_no_figure_says_nothing),
        cmocka_unit_test(test_strain__counters_that_go_back),
        cmocka_unit_test(test_strain__the_share_of_a_disk_is_exact),
        cmocka_unit_test(test_strain__enough_is_enough_to_the_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
