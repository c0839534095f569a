#include "lib/hash.h"

#include "lib/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_hash__sha256_gives_the_published_digests(void **state)
{
    char hex[ORC_SHA256_HEX];

    /* FIPS 180-2, appendix B.1; the empty message */
    orc_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    orc_sha256_hex("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_hash__placement_ties_stay_as_they_are_across_releases(void **state)
{
    /* Plans depend on these values: a change here moves containers. */
    assert_true(orc_hash64_str(0, "") == UINT64_C(0xefd01f60ba992926));
    assert_true(orc_hash64_str(0, "shop/orders") == orc_hash64(0, "shop/orders", 11));
    assert_true(orc_hash64_str(0, "k1") != orc_hash64_str(0, "k2"));
    assert_true(orc_hash64_str(1, "k1") != orc_hash64_str(0, "k1"));
}

static void test_hash__low_bits_spread_over_similar_names(void **state)
{
    size_t bucket[16] = {0};

    for (int i = 0; i < 1600; i++) {
        orc_auto_free char *name = orc_printf("shop.web.%d.1", i);

        bucket[orc_hash64_str(0, name) & 15]++;
    }
    for (size_t i = 0; i < 16; i++)
        assert_in_range(bucket[i], 50, 150);
}

static void test_hash__random_ids_have_the_length_asked_for_and_differ(void **state)
{
    char a[65] = "", b[65] = "";

    for (size_t n = 0; n <= 64; n++) {
        memset(a, 'x', sizeof a);
        orc_random_hex(n, a);
        assert_int_equal(strlen(a), n);
        assert_int_equal(strspn(a, "0123456789abcdef"), n);
    }
    orc_random_hex(64, b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash__sha256_gives_the_published_digests),
        cmocka_unit_test(test_hash__placement_ties_stay_as_they_are_across_releases),
        cmocka_unit_test(test_hash__low_bits_spread_over_similar_names),
        cmocka_unit_test(test_hash__random_ids_have_the_length_asked_for_and_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
