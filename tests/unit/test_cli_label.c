/* test_cli_label.c - labels given and taken away. */
#include "cli/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* "a=1 b=2" after the words, divided by blanks; *ret is what label_change() said. */
static char *changed(struct spec_pairs *labels, const char *line, int *ret, struct orc_err *err)
{
    orc_auto_free char *copy = orc_strdup(line);
    struct orc_strv words = {0};
    char *text = orc_strdup("");

    for (char *save = NULL, *one = strtok_r(copy, " ", &save); one; one = strtok_r(NULL, " ", &save))
        orc_strv_add(&words, one);
    *ret = label_change(labels, &words, err);
    orc_strv_release(&words);
    for (size_t i = 0; i < labels->n; i++) {
        char *longer = orc_printf("%s%s%s=%s", text, i ? " " : "", labels->at[i].key, labels->at[i].value);

        free(text);
        text = longer;
    }
    return text;
}

static void test_label__given_changed_and_taken_away(void **state)
{
    static const struct {
        const char *line, *then;
        int result;
    } steps[] = {
        {"disk=ssd", "disk=ssd", 1},
        {"disk=ssd", "disk=ssd", 0},
        {"zone=b arch=arm", "arch=arm disk=ssd zone=b", 1},
        {"disk=nvme zone=b", "arch=arm disk=nvme zone=b", 1},
        {"disk-", "arch=arm zone=b", 1},
        {"disk-", "arch=arm zone=b", 0},
        {"zone- arch- rack=7=8", "rack=7=8", 1},
        {"rack-a=1", "rack=7=8 rack-a=1", 1},
        {"rack- rack-a-", "", 1},
    };
    struct spec_pairs labels = {0};
    struct orc_err err = ORC_ERR_INIT;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(steps); i++) {
        int r;
        orc_auto_free char *text = changed(&labels, steps[i].line, &r, &err);

        assert_string_equal(text, steps[i].then);
        assert_int_equal(r, steps[i].result);
    }
    spec_pairs_release(&labels);
}

static void test_label__what_is_none_is_refused(void **state)
{
    static const struct {
        const char *word, *says;
    } cases[] = {{"disk", "KEY=VALUE to give one, or KEY- to take it away"},
                 {"-", "KEY=VALUE"},
                 {"=ssd", "names are 1 to 256 bytes"},
                 {"orc.task=1", "orc's own"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct spec_pairs labels = {0};
        struct orc_err err = ORC_ERR_INIT;
        int r;
        orc_auto_free char *text = changed(&labels, cases[i].word, &r, &err);

        assert_int_equal(r, -EINVAL);
        assert_non_null(strstr(err.msg, cases[i].says));
        assert_string_equal(text, "");
        spec_pairs_release(&labels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_label__given_changed_and_taken_away),
        cmocka_unit_test(test_label__what_is_none_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
