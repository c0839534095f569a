/* specs/parse_shared: ports of the server that several services of a file publish. */
#include "lib/buf.h"
#include "tests/unit/spec_test.h"

/* "LINE:COLUMN: TEXT" of the only problem or notice, "" where there is none. */
static char *told(const char *yaml, bool *ret_refused)
{
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;
    char *text = NULL;

    *ret_refused = spec_parse(yaml, strlen(yaml), "shop", &app, &problems) < 0;
    assert_true(problems.n + problems.notices.n <= 1);
    if (problems.n || problems.notices.n) {
        const struct spec_problem *p = problems.n ? &problems.at[0] : &problems.notices.at[0];

        text = orc_printf("%d:%d: %s", p->line, p->column, p->text);
    }
    spec_problems_release(&problems);
    spec_app_free(app);
    return text ? text : orc_strdup("");
}

static void test_spec_ports__of_two_services(void **state)
{
#define IMAGE "image: 'a:1', "
#define GLOBAL ", deploy: {mode: global}"
    static const struct {
        const char *web, *api, *want;
        bool refused;
    } cases[] = {
        {"ports: ['80:80']", "ports: ['81:80']", "", false},
        {"ports: ['80']", "ports: ['80']", "", false},
        {"ports: ['80:80']", "ports: ['80:80/udp']", "", false},
        {"ports: ['10.0.0.1:80:80']", "ports: ['10.0.0.2:80:80']", "", false},
        {"ports: ['80:80']", "ports: ['80:8080']",
         "3:30: port 80 of the server is published by service \"web\" in line 2, too: no server runs both",
         false},
        {"ports: ['80:80']", "ports: ['0.0.0.0:80:80']", "3:30: port 80 of the server", false},
        {"ports: ['0.0.0.0:80:80']", "ports: ['10.0.0.2:80:80']", "3:30: port 80 of the server", false},
        {"ports: ['80-90:80-90']", "ports: ['85-95:85-95', '1:1']", "3:30: port 85 of the server", false},
        {"network_mode: host, expose: ['80']", "ports: ['80:80']", "3:30: port 80 of the server", false},
        {"ports: ['80:80']", "network_mode: host, expose: ['80']", "3:3: port 80 of the server", false},
        {"ports: ['80:80']" GLOBAL, "ports: ['80:80']",
         "3:30: port 80 of the server is published by service \"web\" in line 2, too, and \"web\" runs on "
         "every "
         "server; give one of them another port",
         true},
        {"ports: ['80:80']", "ports: ['80:80']" GLOBAL,
         "3:30: port 80 of the server is published by service \"web\" in line 2, too, and \"api\" runs on "
         "every "
         "server",
         true},
        {"ports: ['80:80'], deploy: {mode: global, placement: {constraints: ['node.labels.edge == 1']}}",
         "ports: ['80:80']", "3:30: port 80 of the server", false},
        {"ports: ['80:80'], deploy: {mode: global-job}", "ports: ['80:80']", "3:30: port 80 of the server",
         false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        orc_auto_free char *yaml = orc_printf(
            "services:\n  web: {image: 'a:1', %s}\n  api: {image: 'a:1', %s}\n", cases[i].web, cases[i].api);
        bool refused;
        orc_auto_free char *text = told(yaml, &refused);

        if (strncmp(text, cases[i].want, strlen(cases[i].want)) != 0 || (!*cases[i].want && *text))
            fail_msg("%s\nsays: %s\nnot: %s", yaml, text, cases[i].want);
        assert_int_equal(refused, cases[i].refused);
    }
}

/* At random: whoever is told of has a clash, and without those nobody has. */

#define SERVICES 6

struct mine {
    struct {
        unsigned number;
        bool udp;
        const char *ip;
    } at[2];
};

static bool clash(const struct mine *a, const struct mine *b)
{
    for (size_t i = 0; i < 2; i++)
        for (size_t k = 0; k < 2; k++)
            if (a->at[i].number == b->at[k].number && a->at[i].udp == b->at[k].udp &&
                (strcmp(a->at[i].ip, b->at[k].ip) == 0 || strcmp(a->at[i].ip, "0.0.0.0") == 0 ||
                 strcmp(b->at[k].ip, "0.0.0.0") == 0))
                return true;
    return false;
}

static bool clashes_with_any(const struct mine *all, size_t of, const bool *without)
{
    for (size_t i = 0; i < SERVICES; i++)
        if (i != of && !without[i] && clash(&all[i], &all[of]))
            return true;
    return false;
}

static char *file_of(struct mine *all)
{
    static const char *const ips[] = {"", "0.0.0.0", "10.0.0.1", "10.0.0.2"};
    struct orc_buf b = ORC_BUF_INIT(4096);

    orc_buf_printf(&b, "services:\n");
    for (size_t i = 0; i < SERVICES; i++) {
        orc_buf_printf(&b, "  s%zu: {image: 'a:1', ports: [",
                       (i * 5) % SERVICES); /* names in another order */
        for (size_t k = 0; k < 2; k++) {
            all[i].at[k].number = 80 + (unsigned)(rand() % 9);
            all[i].at[k].udp = rand() % 2;
            all[i].at[k].ip = ips[rand() % 4];
            orc_buf_printf(&b, "'%s%s%u:7%s', ", all[i].at[k].ip, *all[i].at[k].ip ? ":" : "",
                           all[i].at[k].number, all[i].at[k].udp ? "/udp" : "");
        }
        orc_buf_printf(&b, "]}\n");
    }
    return orc_buf_take(&b);
}

static void test_spec_ports__of_many_services(void **state)
{
    static const bool nobody[SERVICES];
    size_t some = 0;

    srand(1);
    for (int round = 0; round < 2000; round++) {
        struct mine all[SERVICES];
        bool told_of[SERVICES] = {false};
        struct spec_problems problems = {0};
        struct spec_app *app = NULL;
        orc_auto_free char *yaml = file_of(all);

        if (spec_parse(yaml, strlen(yaml), "shop", &app, &problems) < 0)
            fail_msg("%s\nis refused: %s", yaml, problems.at[0].text);
        for (size_t i = 0; i < problems.notices.n; i++)
            told_of[problems.notices.at[i].line - 2] = true;
        some += problems.notices.n;
        for (size_t i = 0; i < SERVICES; i++)
            if (told_of[i] ? !clashes_with_any(all, i, nobody) : clashes_with_any(all, i, told_of))
                fail_msg("%s\nservice %zu of it was%s told of", yaml, i, told_of[i] ? "" : " not");
        spec_problems_release(&problems);
        spec_app_free(app);
    }
    assert_true(some > 1000 && some < 2000 * (SERVICES - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_ports__of_two_services),
        cmocka_unit_test(test_spec_ports__of_many_services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
