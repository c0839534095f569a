/* A recording: its form, and every way in which it may be cut off or damaged. */
#include "lib/mem.h"
#include "scheduler/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void add(struct orc_buf *b, struct journal_entry e)
{
    assert_int_equal(journal_write(b, b->len, &e), 0);
}

static struct orc_buf begun(void)
{
    struct orc_buf b = ORC_BUF_INIT(64 << 20);

    orc_buf_puts(&b, JOURNAL_MAGIC);
    add(&b, (struct journal_entry){.kind = JOURNAL_BEGIN,
                                   .cluster = journal_text("default"),
                                   .text = journal_text("ctl"),
                                   .wall = 1700000000000});
    return b;
}

/* One of each kind. */
static struct orc_buf whole(void)
{
    struct orc_buf b = begun();

    add(&b, (struct journal_entry){.kind = JOURNAL_PUT,
                                   .key = journal_text("/orc/default/apps/shop"),
                                   .value = {"a\0b", 3},
                                   .create = 7,
                                   .mod = INT64_MAX});
    add(&b, (struct journal_entry){.kind = JOURNAL_DELETE, .key = journal_text("/orc/default/alive/k1")});
    add(&b, (struct journal_entry){.kind = JOURNAL_LEAD});
    add(&b, (struct journal_entry){.kind = JOURNAL_STEP,
                                   .now = 300,
                                   .wall = -5,
                                   .hash = UINT64_MAX,
                                   .text = journal_text("create a.b.0.1\n")});
    add(&b, (struct journal_entry){.kind = JOURNAL_FATE, .index = 300, .committed = true});
    add(&b, (struct journal_entry){.kind = JOURNAL_FATE});
    add(&b, (struct journal_entry){.kind = JOURNAL_END, .text = journal_text("enough")});
    return b;
}

static void test_journal__what_is_written_is_read(void **state)
{
    struct orc_buf b = whole();
    struct journal_entry e;
    struct journal j;

    assert_int_equal(journal_open(&j, b.data, b.len, NULL), 0);
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.kind, JOURNAL_BEGIN);
    assert_string_equal(e.cluster.at, "default");
    assert_string_equal(e.text.at, "ctl");
    assert_int_equal(e.wall, 1700000000000);
    assert_int_equal(e.place, sizeof JOURNAL_MAGIC - 1);
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.kind, JOURNAL_PUT);
    assert_string_equal(e.key.at, "/orc/default/apps/shop");
    assert_int_equal(e.value.n, 3);
    assert_memory_equal(e.value.at, "a\0b", 4);
    assert_int_equal(e.create, 7);
    assert_true(e.mod == INT64_MAX);
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.kind, JOURNAL_DELETE);
    assert_string_equal(e.key.at, "/orc/default/alive/k1");
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.kind, JOURNAL_LEAD);
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.kind, JOURNAL_STEP);
    assert_int_equal(e.now, 300);
    assert_int_equal(e.wall, -5);
    assert_true(e.hash == UINT64_MAX);
    assert_string_equal(e.text.at, "create a.b.0.1\n");
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.index, 300);
    assert_true(e.committed);
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.index, 0);
    assert_false(e.committed);
    assert_int_equal(journal_next(&j, &e, NULL), 1);
    assert_int_equal(e.kind, JOURNAL_END);
    assert_string_equal(e.text.at, "enough");
    assert_int_equal(journal_next(&j, &e, NULL), 0);
    assert_int_equal(journal_next(&j, &e, NULL), 0);
    orc_buf_release(&b);
}

/* Reads all of it; the sentence when it is refused, "" otherwise. */
static char *refusal(const char *data, size_t n)
{
    orc_auto_free char *copy = orc_calloc(n + 1, 1); /* so that a byte read beyond its end is found */
    struct orc_err err = ORC_ERR_INIT;
    struct journal_entry e;
    struct journal j;
    int r;

    memcpy(copy, data, n);
    r = journal_open(&j, copy, n, &err);
    if (r == 0)
        while ((r = journal_next(&j, &e, &err)) > 0)
            ;
    assert_int_equal(r < 0, err.msg[0] != 0);
    return orc_strdup(err.msg);
}

static void assert_refused(const char *data, size_t n, const char *has)
{
    orc_auto_free char *why = refusal(data, n);

    if (!*why || !strstr(why, has))
        fail_msg("\"%s\" does not say \"%s\"", why, has);
}

static void test_journal__cut_off_at_any_byte_it_is_refused_with_the_place(void **state)
{
    struct orc_buf b = whole();

    for (size_t n = 0; n < b.len; n++) {
        orc_auto_free char *why = refusal(b.data, n);

        assert_non_null(strstr(why, "byte "));
    }
    assert_refused(b.data, b.len - 1, "the recording is cut off at byte 2");
    assert_refused(b.data, 3, "it is no recording of this version");
    orc_buf_release(&b);
}

static void test_journal__a_flipped_bit_anywhere_is_refused(void **state)
{
    struct orc_buf b = whole();

    for (size_t i = 0; i < b.len * 8; i++) {
        orc_auto_free char *why = NULL;

        b.data[i / 8] = (char)(b.data[i / 8] ^ (1 << (i % 8)));
        why = refusal(b.data, b.len);
        if (!*why)
            fail_msg("bit %zu of byte %zu flipped and nobody noticed", i % 8, i / 8);
        b.data[i / 8] = (char)(b.data[i / 8] ^ (1 << (i % 8)));
    }
    orc_buf_release(&b);
}

static void test_journal__bytes_after_its_end_are_refused(void **state)
{
    struct orc_buf b = whole();

    add(&b, (struct journal_entry){.kind = JOURNAL_LEAD});
    assert_refused(b.data, b.len, "something follows its end");
    orc_buf_release(&b);
}

static void test_journal__an_entry_that_was_moved_is_refused(void **state)
{
    struct orc_buf b = begun(), twice = begun();
    size_t at = b.len;

    add(&b, (struct journal_entry){.kind = JOURNAL_DELETE, .key = journal_text("/orc/default/alive/k1")});
    orc_buf_add(&twice, b.data + at, b.len - at);
    assert_refused(twice.data, twice.len, "its end is missing"); /* where it was it is good */
    orc_buf_add(&twice, b.data + at, b.len - at);
    assert_refused(twice.data, twice.len, "its checksum does not match");
    orc_buf_release(&b);
    orc_buf_release(&twice);
}

static void test_journal__it_begins_once_and_first(void **state)
{
    struct orc_buf b = begun(), c = ORC_BUF_INIT(1 << 20);

    add(&b, (struct journal_entry){.kind = JOURNAL_BEGIN});
    assert_refused(b.data, b.len, "it begins a second time");
    orc_buf_puts(&c, JOURNAL_MAGIC);
    add(&c, (struct journal_entry){.kind = JOURNAL_LEAD});
    assert_refused(c.data, c.len, "its beginning is missing");
    orc_buf_release(&b);
    orc_buf_release(&c);
}

static void test_journal__an_entry_that_is_too_large_is_not_written(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(64 << 20);
    orc_auto_free char *big = orc_calloc(1, JOURNAL_ENTRY_MAX);
    struct journal_entry e = {.kind = JOURNAL_PUT, .value = {big, JOURNAL_ENTRY_MAX}};

    assert_int_equal(journal_write(&b, 0, &e), -EMSGSIZE);
    assert_int_equal(b.len, 0);
    orc_buf_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal__what_is_written_is_read),
        cmocka_unit_test(test_journal__cut_off_at_any_byte_it_is_refused_with_the_place),
        cmocka_unit_test(test_journal__a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(test_journal__bytes_after_its_end_are_refused),
        cmocka_unit_test(test_journal__an_entry_that_was_moved_is_refused),
        cmocka_unit_test(test_journal__it_begins_once_and_first),
        cmocka_unit_test(test_journal__an_entry_that_is_too_large_is_not_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
