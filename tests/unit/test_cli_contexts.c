/* test_cli_contexts.c - the operator's file of clusters, and who says where the cluster is. */
#include "cli/contexts.h"
#include "cli/session.h"
#include "cli/where.h"
#include "lib/file.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const char two[] = "current: prod\n"
                          "contexts:\n"
                          "  prod:\n"
                          "    etcd:\n"
                          "    - https://10.0.0.11:2379\n"
                          "    - https://10.0.0.12:2379\n"
                          "    cluster: shops\n"
                          "    cacert: /etc/orc/ca.pem\n"
                          "  test:\n"
                          "    etcd:\n"
                          "    - http://127.0.0.1:1\n";

/* ---- the file ---------------------------------------------------------------------------------------- */

static struct contexts parsed(const char *text)
{
    struct orc_err err = ORC_ERR_INIT;
    struct contexts c;

    if (contexts_parse("f", text, strlen(text), &c, &err) < 0)
        fail_msg("%s", err.msg);
    return c;
}

static void test_contexts__are_read(void **state)
{
    struct contexts c = parsed(two);
    const struct context *x = contexts_find(&c, "prod");

    assert_string_equal(c.current, "prod");
    assert_int_equal(c.all.n, 2);
    assert_int_equal(x->etcd.n, 2);
    assert_string_equal(x->etcd.at[1], "https://10.0.0.12:2379");
    assert_string_equal(x->cluster, "shops");
    assert_string_equal(x->cacert, "/etc/orc/ca.pem");
    assert_null(x->key);
    assert_null(contexts_find(&c, "none"));
    contexts_release(&c);
    c = parsed("contexts: {a: {etcd: http://x}}");
    assert_string_equal(contexts_find(&c, "a")->etcd.at[0], "http://x");
    assert_null(c.current);
    contexts_release(&c);
}

static void test_contexts__a_file_that_says_nothing_has_none(void **state)
{
    static const char *const texts[] = {"", "\n \r\n\t\n", "# none yet\n", "  # contexts:\n#   a: {etcd: x}"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++) {
        struct contexts c = parsed(texts[i]);

        assert_int_equal(c.all.n, 0);
        contexts_release(&c);
    }
}

static void test_contexts__what_is_wrong_has_its_place(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"- a\n", "f:1:1: a mapping with \"current\" and \"contexts\" is expected"},
        {"a: b\n", "f:1:1: \"current\", a context's name, and \"contexts\", a mapping, are expected"},
        {"current: [a]\n", "f:1:1: \"current\", a"},
        {"contexts: a\n", "f:1:11: \"contexts\" is a mapping"},
        {"contexts:\n  \"a\\e[2J\": {etcd: x}\n", "f:2:3: context name \"a\\x1b[2J\" can't be used"},
        {"contexts:\n  a: b\n", "f:2:6: a context is a mapping"},
        {"contexts:\n  a: {cluster: x}\n", "f:2:6: this context has no \"etcd\""},
        {"contexts:\n  a: {etcd: {}}\n", "f:2:13: \"etcd\" is one address or a list"},
        {"contexts:\n  a: {etcd: []}\n", "f:2:13: \"etcd\" is one address or a list"},
        {"contexts:\n  a: {etcd: [[]]}\n", "f:2:14: an address is expected"},
        {"contexts:\n  a: {etcd: x, cert: [y]}\n", "f:2:22: a text is expected here"},
        {"contexts:\n  a: {etcd: x, crt: y}\n", "f:2:16: this key is not known"},
        {"contexts:\n  a: {etcd: x}\n  a: {etcd: y}\n", "f:3:3: key \"a\" is here twice"},
        {"contexts: {\n", "f:2:1: "},
        {"a: \xff\n", "f:1:"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct orc_err err = ORC_ERR_INIT;
        struct contexts c;

        assert_int_equal(contexts_parse("f", cases[i].text, strlen(cases[i].text), &c, &err), -EINVAL);
        if (strncmp(err.msg, cases[i].says, strlen(cases[i].says)) != 0)
            fail_msg("\"%s\" is not \"%s\"", err.msg, cases[i].says);
        assert_int_equal(c.all.n, 0);
    }
}

static void test_contexts__no_more_than_a_hundred(void **state)
{
    orc_auto_free char *text = orc_strdup("contexts:\n");
    struct orc_err err = ORC_ERR_INIT;
    struct contexts c;

    for (int i = 0; i < CONTEXTS_MAX + 1; i++) {
        char *longer = orc_printf("%s  c%d: {etcd: x}\n", text, i);

        free(text);
        text = longer;
    }
    assert_int_equal(contexts_parse("f", text, strlen(text), &c, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "more than 100"));
}

static void test_contexts__added_changed_and_removed(void **state)
{
    struct contexts c = parsed(two);
    struct context *x = contexts_add(&c, "prod"); /* anew */

    assert_int_equal(c.all.n, 2);
    assert_int_equal(x->etcd.n, 0);
    assert_null(x->cluster);
    contexts_add(&c, "third");
    assert_int_equal(c.all.n, 3);
    assert_true(contexts_remove(&c, "test"));
    assert_false(contexts_remove(&c, "test"));
    assert_string_equal(c.current, "prod");
    assert_non_null(contexts_find(&c, "third"));
    assert_true(contexts_remove(&c, "prod"));
    assert_null(c.current); /* it was */
    assert_true(contexts_remove(&c, "third"));
    assert_int_equal(c.all.n, 0);
    contexts_release(&c);
}

static void test_contexts__an_unknown_one_is_answered_with_what_there_is(void **state)
{
    static const struct {
        const char *file, *name, *says;
    } cases[] = {
        {two, "prd", "did you mean \"prod\""},
        {two, "elsewhere", "there are: prod, test"},
        {"", "prod", "`orc context add prod --etcd URL` makes it"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct contexts c = parsed(cases[i].file);
        struct orc_err err = ORC_ERR_INIT;

        assert_int_equal(contexts_unknown(&c, cases[i].name, &err), -ENOENT);
        assert_non_null(strstr(err.msg, cases[i].says));
        contexts_release(&c);
    }
}

/* ---- with a folder of its own ------------------------------------------------------------------------ */

static char folder[] = "/tmp/orc-test-contexts-XXXXXX";
static char config[sizeof folder + 16]; /* below it, and not there */

static int make_folder(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    snprintf(config, sizeof config, "%s/new/config", folder);
    return setenv("XDG_CONFIG_HOME", config, 1);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    return remove(path);
}

static int remove_folder(void **state)
{
    return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int clear_environment(void **state)
{
    unsetenv("ORC_ETCD");
    unsetenv("ORC_CLUSTER");
    unsetenv("ORC_CACERT");
    return 0;
}

static void write_file(const char *text)
{
    struct contexts c = parsed(text);
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_close int lock = contexts_lock(&err);

    if (lock < 0 || contexts_save(&c, &err) < 0)
        fail_msg("%s", err.msg);
    contexts_release(&c);
}

static void test_contexts__without_a_file_there_are_none(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    struct contexts c;

    assert_int_equal(contexts_load(&c, &err), 0);
    assert_int_equal(c.all.n, 0);
    contexts_release(&c);
}

static void test_contexts__are_saved_for_the_operator_alone(void **state)
{
    orc_auto_free char *path = contexts_path(NULL), *text = NULL;
    struct orc_err err = ORC_ERR_INIT;
    struct contexts c;
    struct stat st;

    write_file(two);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(orc_file_read(path, 4096, &text, NULL, &err), 0);
    assert_string_equal(text, two);
    assert_int_equal(contexts_load(&c, &err), 0);
    assert_int_equal(c.all.n, 2);
    contexts_release(&c);
}

/* Of those who have their files under version control. */
static void test_contexts__a_link_stays_a_link(void **state)
{
    orc_auto_free char *path = contexts_path(NULL), *target = orc_printf("%s/elsewhere.yaml", folder);
    orc_auto_free char *text = NULL;
    struct orc_err err = ORC_ERR_INIT;
    struct stat st;

    write_file(two);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    write_file("contexts: {a: {etcd: http://x}}\n");
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(orc_file_read(target, 4096, &text, NULL, &err), 0);
    assert_non_null(strstr(text, "http://x"));
    assert_int_equal(unlink(path), 0);
}

static int add_one(int i)
{
    orc_auto_free char *name = orc_printf("c%d", i);
    orc_auto_close int lock = contexts_lock(NULL);
    struct contexts c;
    int r;

    if (lock < 0 || contexts_load(&c, NULL) < 0)
        return 1;
    usleep(2000); /* so that another one comes between, where it can */
    orc_strv_add(&contexts_add(&c, name)->etcd, "http://x");
    r = contexts_save(&c, NULL);
    contexts_release(&c);
    return r < 0;
}

static void test_contexts__of_several_commands_at_once_each_is_kept(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    struct contexts c;
    int status;

    write_file("");
    for (int i = 0; i < 8; i++)
        if (fork() == 0)
            _exit(add_one(i));
    for (int i = 0; i < 8; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(contexts_load(&c, &err), 0);
    assert_int_equal(c.all.n, 8);
    contexts_release(&c);
}

static void test_contexts__the_path_follows_the_environment(void **state)
{
    orc_auto_free char *home = orc_strdup(getenv("HOME")), *path = NULL;
    struct orc_err err = ORC_ERR_INIT;

    unsetenv("XDG_CONFIG_HOME");
    setenv("HOME", "/home/ann", 1);
    path = contexts_path(&err);
    assert_string_equal(path, "/home/ann/.config/orc/contexts.yaml");
    unsetenv("HOME");
    assert_null(contexts_path(&err));
    assert_non_null(strstr(err.msg, "--etcd"));
    if (home)
        setenv("HOME", home, 1);
    setenv("XDG_CONFIG_HOME", config, 1);
}

/* ---- who says where ---------------------------------------------------------------------------------- */

struct given {
    const char *etcd, *cluster, *context, *env_etcd, *env_cluster;
};

/* As the options would give it: the environment stands in for what was not given. "ETCD CLUSTER CACERT", or
 * the error. */
static char *settled(const struct given *g, char **ret_advice)
{
    struct session_args a = {.context = orc_strdup(g->context)};
    struct orc_err err = ORC_ERR_INIT;
    const char *etcd = g->etcd ? g->etcd : g->env_etcd;
    char *text;

    if (g->env_etcd)
        setenv("ORC_ETCD", g->env_etcd, 1);
    if (g->env_cluster)
        setenv("ORC_CLUSTER", g->env_cluster, 1);
    if (etcd)
        orc_strv_add(&a.store.etcd, etcd);
    a.store.cluster = orc_strdup(g->cluster ? g->cluster : g->env_cluster);
    *ret_advice = NULL;
    if (where_settle(&a, ret_advice, &err) < 0)
        text = orc_strdup(err.msg);
    else
        text = orc_printf("%s %s %s", a.store.etcd.at[0], a.store.cluster,
                          a.store.cacert ? a.store.cacert : "-");
    session_args_release(&a);
    clear_environment(NULL);
    return text;
}

static void test_where__options_then_environment_then_context(void **state)
{
    static const struct {
        struct given given;
        const char *then, *advice;
    } cases[] = {
        {{.etcd = "http://a"}, "http://a default -", "--etcd (or ORC_ETCD)"},
        {{.env_etcd = "http://b"}, "http://b default -", "--etcd (or ORC_ETCD)"},
        {{.etcd = "http://a", .env_etcd = "http://b"}, "http://a default -", "--etcd"},
        {{0}, "https://10.0.0.11:2379 shops /etc/orc/ca.pem", "context \"prod\""},
        {{.cluster = "x"}, "https://10.0.0.11:2379 x /etc/orc/ca.pem", "context \"prod\""},
        {{.env_cluster = "x"}, "https://10.0.0.11:2379 x /etc/orc/ca.pem", "context \"prod\""},
        {{.context = "test"}, "http://127.0.0.1:1 default -", "context \"test\""},
        {{.context = "test", .env_etcd = "http://b", .env_cluster = "x"},
         "http://127.0.0.1:1 default -",
         "test"},
        {{.context = "prod", .cluster = "y", .env_cluster = "x"},
         "https://10.0.0.11:2379 y /etc/orc/ca.pem",
         "prod"},
        {{.context = "tset"}, "there is no context \"tset\"; did you mean \"test\"?", NULL},
        {{.context = "test", .etcd = "http://a"},
         "--etcd and --context both say where the cluster is: leave one of them out",
         NULL},
    };

    write_file(two);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *advice = NULL, *got = settled(&cases[i].given, &advice);

        assert_string_equal(got, cases[i].then);
        assert_int_equal(advice != NULL, cases[i].advice != NULL);
        if (advice && !strstr(advice, cases[i].advice))
            fail_msg("%zu: \"%s\" does not say \"%s\"", i, advice, cases[i].advice);
    }
}

static void test_where__nothing_given_is_this_machine_and_says_so(void **state)
{
    orc_auto_free char *advice = NULL, *got = NULL;

    write_file("contexts: {a: {etcd: http://x}}\n"); /* none is current */
    got = settled(&(struct given){0}, &advice);
    assert_string_equal(got, STORE_DEFAULT_ETCD " default -");
    assert_non_null(strstr(advice, "orc context add NAME --etcd URL"));
    assert_non_null(strstr(advice, "is etcd up"));
}

static void test_where__a_broken_file_is_only_met_where_it_is_needed(void **state)
{
    orc_auto_free char *path = contexts_path(NULL), *advice = NULL, *more = NULL, *got = NULL, *fine = NULL;
    struct orc_err err = ORC_ERR_INIT;

    write_file(two);
    assert_int_equal(orc_file_write(path, "a: b\n", 5, 0600, &err), 0);
    got = settled(&(struct given){0}, &advice);
    assert_non_null(strstr(got, "contexts.yaml:1:1: "));
    fine = settled(&(struct given){.etcd = "http://a"}, &more);
    assert_string_equal(fine, "http://a default -");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contexts__are_read),
        cmocka_unit_test(test_contexts__a_file_that_says_nothing_has_none),
        cmocka_unit_test(test_contexts__what_is_wrong_has_its_place),
        cmocka_unit_test(test_contexts__no_more_than_a_hundred),
        cmocka_unit_test(test_contexts__added_changed_and_removed),
        cmocka_unit_test(test_contexts__an_unknown_one_is_answered_with_what_there_is),
        cmocka_unit_test(test_contexts__without_a_file_there_are_none),
        cmocka_unit_test(test_contexts__are_saved_for_the_operator_alone),
        cmocka_unit_test(test_contexts__a_link_stays_a_link),
        cmocka_unit_test(test_contexts__of_several_commands_at_once_each_is_kept),
        cmocka_unit_test(test_contexts__the_path_follows_the_environment),
        cmocka_unit_test_setup(test_where__options_then_environment_then_context, clear_environment),
        cmocka_unit_test_setup(test_where__nothing_given_is_this_machine_and_says_so, clear_environment),
        cmocka_unit_test_setup(test_where__a_broken_file_is_only_met_where_it_is_needed, clear_environment),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
