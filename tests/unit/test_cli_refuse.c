/* test_cli_refuse.c - what `orc apply` does not write. */
#include "cli/refuse.h"
#include "tests/unit/cli_cluster.h"
#include "tests/unit/spec_test.h"

/* The sentence about a file, in a cluster of this config; freed by the caller. */
static char *refused(const char *config, const char *yaml)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(yaml);
    struct delta delta = {0};
    struct cluster c;
    char *sentence;

    cluster_init(&c, "default");
    if (config)
        put(&c, "config", config);
    delta_build(&c, app, &delta);
    sentence = refuse_privileged(&c, app->name, &delta);
    delta_release(&delta);
    cluster_release(&c);
    return sentence;
}

#define CONFIG "{\"cluster_id\":\"00ff\"}"
#define ALLOWING "{\"cluster_id\":\"00ff\",\"allow_privileged\":true}"

static void test_refuse__privileged_containers_unless_the_cluster_allows_them(void **state)
{
    static const char side[] = WEB("") "  side: {image: a, network_mode: 'service:web', privileged: true}\n";
    static const struct {
        const char *config, *yaml;
        bool refused;
    } cases[] = {
        {CONFIG, WEB("    privileged: true\n"), true},
        {NULL, WEB("    privileged: true\n"), true},
        {CONFIG, side, true},
        {CONFIG, WEB("    privileged: false\n    cap_add: [ALL]\n"), false},
        {ALLOWING, WEB("    privileged: true\n"), false},
        {ALLOWING, side, false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *sentence = refused(cases[i].config, cases[i].yaml);

        if (!sentence != !cases[i].refused)
            fail_msg("%s: %s", cases[i].yaml, sentence ? sentence : "accepted");
        if (sentence)
            assert_non_null(strstr(sentence, "shop/web asks for a privileged container"));
        if (sentence)
            assert_non_null(strstr(sentence, "orc init --allow-privileged"));
    }
}

/* A service of an app, with a route. */
static void routed(struct cluster *c, const char *app, const char *service, const char *host,
                   const char *path)
{
    orc_auto_free char *key = orc_printf("apps/%s", app),
                       *rev = orc_printf("revisions/%s/%s/00000001", app, service);
    orc_auto_free char *now = orc_printf(
        "{\"generation\":1,\"services\":[{\"name\":\"%s\",\"revision\":1,\"replicas\":-1}]}", service);
    orc_auto_free char *text =
        orc_printf("{\"spec\":{\"name\":\"%s\",\"image\":\"a\",\"gateway\":[{\"host\":\"%s\",\"path\":\"%s\","
                   "\"port\":80}]},\"hash\":\"\",\"container_hash\":\"\",\"by\":\"ann\",\"at\":1}",
                   service, host, path);

    put(c, key, now);
    put(c, rev, text);
}

/* Behaviour 100: whose app it is makes no difference. */
static void test_refuse__a_route_that_another_service_has(void **state)
{
    static const struct {
        const char *yaml, *sentence; /* NULL: accepted */
        const char *mark;            /* of the place in the file */
    } cases[] = {
        {WEB("    x-orc: {gateway: {port: 80}}\n"),
         "shop/web routes any host with the path \"/\", which is blog/site's: ", "web |/"},
        {WEB("    x-orc: {gateway: [{port: 80, path: /a/}, {port: 80, host: X.example.com, path: /old/}]}\n"),
         "shop/web routes \"x.example.com\" with the path \"/old/\", which is shop/old's: ",
         "web x.example.com|/old/"},
        {WEB("    x-orc: {gateway: {port: 80, path: /old/}}\n"), NULL, NULL},
        {WEB("    x-orc: {gateway: {port: 80, host: x.example.com}}\n"), NULL, NULL},
        {WEB("") "  old: {image: a}\n  api: {image: a, x-orc: {gateway: {port: 80, host: x.example.com, "
                 "path: "
                 "/old/}}}\n",
         NULL, NULL}, /* taken from one to the other by the same file */
        {WEB(""), NULL, NULL},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(cases[i].yaml);
        orc_auto(orc_strv_release) struct orc_strv routes = {0};
        orc_auto_free char *sentence = NULL;
        struct delta delta = {0};
        struct cluster c;

        cluster_init(&c, "default");
        routed(&c, "blog", "site", "", "/");
        routed(&c, "shop", "old", "x.example.com", "/old/");
        delta_build(&c, app, &delta);
        sentence = refuse_change(&c, app->name, &delta, &routes);
        if (!sentence != !cases[i].sentence)
            fail_msg("%s: %s", cases[i].yaml, sentence ? sentence : "accepted");
        if (sentence)
            assert_int_equal(strncmp(sentence, cases[i].sentence, strlen(cases[i].sentence)), 0);
        assert_int_equal(routes.n, cases[i].sentence != NULL);
        if (routes.n)
            assert_string_equal(routes.at[0], cases[i].mark);
        delta_release(&delta);
        cluster_release(&c);
    }
}

static void test_refuse__all_of_it_at_once(void **state)
{
    orc_auto(spec_app_free_p) struct spec_app *app = parse_ok(WEB(
        "    x-orc: {gateway: [{port: 80}, {port: 80, host: x.example.com, path: /old/}]}\n"
        "    privileged: true\n") "  db: {image: a, privileged: true}\n"
                                  "  api: {image: a, deploy: {placement: {constraints: [node.labels.a == "
                                  "1]}}, x-orc: {gateway: {port: 80, host: x.example.com, path: /new/}}}\n");
    orc_auto(orc_strv_release) struct orc_strv routes = {0};
    orc_auto_free char *rights = NULL, *rest = NULL, *long_one = NULL;
    struct delta delta = {0};
    struct cluster c;

    cluster_init(&c, "default");
    node(&c, "k1", true);
    routed(&c, "blog", "site", "", "/");
    routed(&c, "shop", "new", "x.example.com", "/new/");
    delta_build(&c, app, &delta);
    rights = refuse_privileged(&c, app->name, &delta);
    rest = refuse_change(&c, app->name, &delta, &routes);
    assert_non_null(strstr(rights, "shop/db asks for a privileged container"));
    assert_non_null(strstr(rights, "; and shop/web asks for a privileged container"));
    assert_non_null(strstr(rest, "shop/api could run nowhere"));
    assert_non_null(strstr(rest, "; and shop/web routes any host with the path \"/\", which is blog/site's"));
    assert_non_null(strstr(rest, "; and shop/api routes \"x.example.com\" with the path \"/new/\""));
    assert_int_equal(routes.n, 2);
    for (int i = 0; i < 100; i++)
        long_one = refuse_both(long_one, orc_strdup("one could run nowhere: 0 of 3 nodes fit"));
    assert_true(strlen(long_one) < ORC_ERR_MAX);
    assert_non_null(strstr(long_one, "nodes fit; and one could"));
    assert_string_equal(long_one + strlen(long_one) - 19, "; and there is more");
    delta_release(&delta);
    cluster_release(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuse__privileged_containers_unless_the_cluster_allows_them),
        cmocka_unit_test(test_refuse__a_route_that_another_service_has),
        cmocka_unit_test(test_refuse__all_of_it_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
