/* test_cli_refuse.c - what `orc apply` does not write, whatever --force says. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuse__privileged_containers_unless_the_cluster_allows_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
