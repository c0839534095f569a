/* The files in specs/examples, and the golden files: what a file becomes, and what is said about a bad one.
 *
 * Run from the repository's root. ORC_GOLDEN_UPDATE=1 writes the golden files anew, to be read before they
 * are committed: a changed normal form changes every hash, and so replaces every container of every cluster.
 */
#include "lib/buf.h"
#include "specs/compose.h"
#include "tests/unit/load_files.h"
#include "tests/unit/golden.h"

#include <ftw.h>

/* to JSON, back, and the same hashes. */
static void assert_lossless(const char *path, const struct spec_service *s)
{
    orc_auto_free char *text = spec_service_text(s), *again = NULL;
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *j = orc_json_parse(text, strlen(text), &err);
    orc_auto(spec_service_free_p) struct spec_service *back = spec_service_from_json(j, &err);
    char w1[SPEC_HASH_MAX], c1[SPEC_HASH_MAX], w2[SPEC_HASH_MAX], c2[SPEC_HASH_MAX];

    if (!back)
        fail_msg("%s: %s: %s", path, text, err.msg);
    again = spec_service_text(back);
    assert_string_equal(text, again);
    spec_service_hash(s, w1, c1);
    spec_service_hash(back, w2, c2);
    assert_string_equal(w1, w2);
    assert_string_equal(c1, c2);
}

/* What `orc config` prints is a file again, and means the same. */
static void assert_same_as_file(const struct spec_app *app, const char *yaml, enum compose_form form)
{
    orc_auto_json json_t *j = spec_app_to_compose(app, form);
    orc_auto_free char *text = orc_json_text(j);

    assert_same(yaml, text);
}

/* A file over itself, and under one that only names its services, is the file. */
static void assert_merges_to_itself(const char *text, const struct spec_app *app)
{
    const struct load_story once = {.files = {{"a.yaml", text}}, .profile = "*"};
    const struct load_story twice = {.files = {{"a.yaml", text}, {"-b.yaml", text}}, .profile = "*"};
    struct load_story under = {.files = {{"a.yaml", text}, {"-b.yaml", NULL}}, .profile = "*"};
    orc_auto_free char *alone = story_result(&once, true), *itself = story_result(&twice, true),
                       *named = NULL;
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    assert_string_equal(itself, alone);
    orc_buf_puts(&b, "services:\n");
    for (size_t i = 0; i < app->services.n; i++)
        orc_buf_printf(&b, "  %s: {}\n", app->services.at[i]->name);
    under.files[1].text = orc_buf_str(&b);
    named = story_result(&under, true);
    assert_string_equal(named, alone);
    orc_buf_release(&b);
}

static int examples;

static int check_example(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    size_t n = strlen(path);
    orc_auto_free char *text = NULL;
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;

    if (type != FTW_F || n < 5 || (strcmp(path + n - 5, ".yaml") != 0 && strcmp(path + n - 4, ".yml") != 0))
        return 0;
    text = golden_read(path);
    print_message("%s\n", path);
    app = parse_ok(text);
    assert_true(app->services.n > 0);
    for (size_t i = 0; i < app->services.n; i++)
        assert_lossless(path, app->services.at[i]);
    assert_merges_to_itself(text, app);
    assert_same(text, text); /* behaviour 13: applied again, it is the same */
    assert_same_as_file(app, text, COMPOSE_PROGRAMS);
    assert_same_as_file(app, text, COMPOSE_PEOPLE);
    examples++;
    return 0;
}

static void test_spec_examples__all_are_accepted_and_survive_json(void **state)
{
    examples = 0;
    assert_int_equal(nftw("specs/examples", check_example, 8, FTW_PHYS), 0);
    assert_true(examples >= 6);
}

static void test_spec_golden__the_normal_form_is_stable(void **state)
{
    orc_auto_free char *yaml = golden_read("specs/examples/every-key.yaml"), *text = NULL;
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    for (size_t i = 0; i < app->services.n; i++) {
        orc_auto_free char *compact = spec_service_text(app->services.at[i]);
        orc_auto_json json_t *j = orc_json_parse(compact, strlen(compact), NULL);
        orc_auto_free char *pretty = json_dumps(j, JSON_INDENT(2) | ORC_JSON_REALS);
        char whole[SPEC_HASH_MAX], container[SPEC_HASH_MAX];

        spec_service_hash(app->services.at[i], whole, container);
        orc_buf_printf(&b, "%s\nwhole %s\ncontainer %s\n", pretty, whole, container);
    }
    text = orc_buf_take(&b);
    golden_assert("tests/golden/specs/every-key.txt", text);
}

static void test_spec_golden__as_a_file_again_it_looks_like_this(void **state)
{
    orc_auto_free char *yaml = golden_read("specs/examples/every-key.yaml"), *text = NULL, *lines = NULL;
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
    orc_auto_json json_t *j = spec_app_to_compose(app, COMPOSE_PROGRAMS);

    text = json_dumps(j, JSON_INDENT(2) | ORC_JSON_REALS);
    lines = orc_printf("%s\n", text);
    golden_assert("tests/golden/specs/every-key-config.json", lines);
}

static void test_spec_golden__mistakes_are_told_like_this(void **state)
{
    orc_auto_free char *yaml = golden_read("tests/golden/specs/mistakes.yaml");
    orc_auto_free char *text = parse_refused(yaml);

    golden_assert("tests/golden/specs/mistakes.txt", text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_examples__all_are_accepted_and_survive_json),
        cmocka_unit_test(test_spec_golden__the_normal_form_is_stable),
        cmocka_unit_test(test_spec_golden__as_a_file_again_it_looks_like_this),
        cmocka_unit_test(test_spec_golden__mistakes_are_told_like_this),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
