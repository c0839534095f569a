/* Helpers of the tests of specs/: a text in, a service or its complaints out. */
#ifndef TESTS_UNIT_SPEC_TEST_H
#define TESTS_UNIT_SPEC_TEST_H

#include "specs/load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "3:7: text\n" for every problem; freed by the caller. */
static inline char *problems_text(const struct spec_problems *p)
{
    char *all = orc_strdup("");

    for (size_t i = 0; i < p->n; i++) {
        char *more = orc_printf("%s%d:%d: %s\n", all, p->at[i].line, p->at[i].column, p->at[i].text);

        free(all);
        all = more;
    }
    return all;
}

/* Fails the test with the complaints when there are any. */
static inline struct spec_app *parse_ok(const char *yaml)
{
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;
    int r = spec_parse(yaml, strlen(yaml), "shop", &app, &problems);

    if (r != 0) {
        char *text = problems_text(&problems);

        print_error("%s\n---\n%s", yaml, text);
        free(text);
        spec_problems_release(&problems);
        fail();
    }
    assert_int_equal(problems.n, 0);
    spec_problems_release(&problems); /* notices */
    return app;
}

/* Its complaints; freed by the caller. */
static inline char *parse_refused_n(const char *yaml, size_t n, const char *default_name)
{
    struct spec_problems problems = {0};
    struct spec_app *app = (void *)&problems; /* must stay as it is */
    int r = spec_parse(yaml, n, default_name, &app, &problems);
    char *text;

    if (r == 0)
        print_error("accepted: %s\n", yaml);
    assert_int_equal(r, -EINVAL);
    assert_ptr_equal(app, &problems);
    assert_true(problems.n > 0);
    text = problems_text(&problems);
    spec_problems_release(&problems);
    return text;
}

static inline char *parse_refused(const char *yaml)
{
    return parse_refused_n(yaml, strlen(yaml), "shop");
}

/* Among the complaints is one that begins with `place` ("3:7: ") and has `part` in it. */
static inline void assert_problem(const char *yaml, const char *place, const char *part)
{
    char *text = parse_refused(yaml), *line = NULL, *rest = text;
    int found = 0;

    while ((line = strsep(&rest, "\n")) && !found)
        found = strncmp(line, place, strlen(place)) == 0 && strstr(line, part);
    if (!found) {
        free(text);
        text = parse_refused(yaml);
        print_error("%s\n--- said:\n%s--- expected: %s...%s\n", yaml, text, place, part);
    }
    free(text);
    assert_true(found);
}

/* One service "web" with an image, and `lines` below it, indented by four spaces. The first of them is
 * line 4. */
#define WEB(lines) "services:\n  web:\n    image: nginx\n" lines

static inline const struct spec_service *web_of(const struct spec_app *app)
{
    const struct spec_service *s = spec_app_service(app, "web");

    assert_non_null(s);
    return s;
}

struct refusal {
    const char *yaml, *place, *part;
};

static inline void assert_refusals(const struct refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_problem(cases[i].yaml, cases[i].place, cases[i].part);
}
#define ASSERT_REFUSALS(cases) assert_refusals(cases, ORC_ARRAY_SIZE(cases))

/* The services of a file as JSON, a line each, without "{"name":"web","image":"nginx"". */
static inline void assert_web(const char *yaml, const char *json)
{
    struct spec_app *app = parse_ok(yaml);
    char *text = spec_service_text(web_of(app));
    char *wanted = orc_printf("{\"name\":\"web\",\"image\":\"nginx\"%s%s}", *json ? "," : "", json);

    if (strcmp(text, wanted) != 0)
        print_error("%s\n", yaml);
    assert_string_equal(text, wanted);
    free(text);
    free(wanted);
    spec_app_free(app);
}

static inline void assert_same(const char *yaml_a, const char *yaml_b)
{
    struct spec_app *a = parse_ok(yaml_a), *b = parse_ok(yaml_b);

    assert_string_equal(a->name, b->name);
    assert_int_equal(a->services.n, b->services.n);
    assert_true(orc_strv_eq(&a->volumes, &b->volumes));
    for (size_t i = 0; i < a->services.n; i++) {
        char *x = spec_service_text(a->services.at[i]), *y = spec_service_text(b->services.at[i]);

        assert_string_equal(x, y);
        free(x);
        free(y);
    }
    spec_app_free(a);
    spec_app_free(b);
}

#endif
