/* Files as they lie about in the world, in tests/compose: web and database, a voting app, monitoring,
 * workers, a blog, sidecars, a shop, a forge, search, releases with a file over another. Each is accepted as
 * it is; what it becomes, and what is noticed, is in tests/golden/compose.
 *
 * Run from the repository's root. ORC_GOLDEN_UPDATE=1 writes the golden files anew.
 */
#include "lib/buf.h"
#include "lib/file.h"
#include "specs/compose.h"
#include "specs/load.h"
#include "tests/unit/spec_test.h"
#include "tests/unit/golden.h"

static int read_file(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                     struct orc_err *err)
{
    return orc_file_read(path, max, ret, ret_n, err);
}

static const char *no_variable(void *arg, const char *name)
{
    return NULL;
}

static struct spec_app *load(const char *folder, const char *over, struct spec_problems *problems)
{
    orc_auto_free char *first = orc_printf("tests/compose/%s/docker-compose.yml", folder);
    orc_auto_free char *second = over ? orc_printf("tests/compose/%s/%s", folder, over) : NULL;
    struct spec_load l = {.default_name = folder, .read = read_file, .variable = no_variable};
    struct spec_app *app = NULL;
    int r;

    orc_strv_add(&l.files, first);
    if (second)
        orc_strv_add(&l.files, second);
    r = spec_load(&l, &app, problems);
    orc_strv_release(&l.files);
    if (r < 0)
        fail_msg("%s: %d: %s", problems->at[0].file, problems->at[0].line, problems->at[0].text);
    return app;
}

/* Its notices, then the file as `orc config` prints it. */
static char *told(const struct spec_app *app, const struct spec_problems *problems)
{
    orc_auto_json json_t *j = spec_app_to_compose(app, COMPOSE_PROGRAMS);
    orc_auto_free char *text = json_dumps(j, JSON_INDENT(2) | ORC_JSON_REALS);
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    const struct spec_problem *p;

    orc_vec_each (p, &problems->notices)
        orc_buf_printf(&b, "%s:%d:%d: %s\n", p->file, p->line, p->column, p->text);
    orc_buf_printf(&b, "%s\n", text);
    return orc_buf_take(&b);
}

static const struct {
    const char *folder, *over;
} files[] = {
    {"guestbook", NULL},  {"voting", NULL},
    {"monitoring", NULL}, {"queue", NULL},
    {"wordpress", NULL},  {"logship", NULL},
    {"storefront", NULL}, {"forge", NULL},
    {"search", NULL},     {"releases", "production.yml"},
};

static void test_compose_files__each_is_accepted_as_it_is(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(files); i++) {
        struct spec_problems problems = {0};
        orc_auto(spec_app_free_p) struct spec_app *app = load(files[i].folder, files[i].over, &problems);
        orc_auto_free char *text = told(app, &problems);
        orc_auto_free char *path = orc_printf("tests/golden/compose/%s.txt", files[i].folder);

        golden_assert(path, text);
        spec_problems_release(&problems);
    }
}

/* Behaviour 13, through the whole way there and back. */
static void test_compose_files__as_a_file_again_each_is_the_same(void **state)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(files); i++) {
        struct spec_problems problems = {0};
        orc_auto(spec_app_free_p) struct spec_app *app = load(files[i].folder, files[i].over, &problems);
        orc_auto_json json_t *j = spec_app_to_compose(app, COMPOSE_PEOPLE), *again = NULL;
        orc_auto_free char *text = orc_json_text(j);
        orc_auto(spec_app_free_p) struct spec_app *back = parse_ok(text);

        again = spec_app_to_compose(back, COMPOSE_PEOPLE);
        assert_true(json_equal(j, again));
        spec_problems_release(&problems);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compose_files__each_is_accepted_as_it_is),
        cmocka_unit_test(test_compose_files__as_a_file_again_each_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
