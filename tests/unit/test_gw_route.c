/* Routes: precedence, conflicts, names that are not fit for a configuration. */
#include "gateway/route.h"

#include "state/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world {
    struct gw_routes routes;
    struct orc_strv conflicts;
};

static int add(struct world *w, const char *app, const char *service, const char *host, const char *path)
{
    orc_auto_free char *h = orc_strdup(host), *p = orc_strdup(path);
    struct spec_gateway g = {.host = h, .path = p, .port = 8080};

    return gw_routes_add(&w->routes, app, service, &g, NULL);
}

static void resolve(struct world *w)
{
    gw_routes_resolve(&w->routes, &w->conflicts);
}

static void release(struct world *w)
{
    gw_routes_release(&w->routes);
    orc_strv_release(&w->conflicts);
}

/* "service:path service:path" of the routes that apply to a host. */
static char *seen_by(const struct world *w, const char *host)
{
    struct gw_route_list list = {0};
    char *text = orc_strdup("");

    gw_routes_for_host(&w->routes, host, &list);
    for (size_t i = 0; i < list.n; i++) {
        char *longer = orc_printf("%s%s%s:%s", text, *text ? " " : "", list.at[i]->service, list.at[i]->path);
        free(text);
        text = longer;
    }
    orc_vec_release(&list);
    return text;
}

static void assert_seen(const struct world *w, const char *host, const char *expected)
{
    orc_auto_free char *got = seen_by(w, host);

    assert_string_equal(got, expected);
}

/* Behaviour 100: the precedence is exact host, then the longest wildcard, then any host. */
static void test_route__exact_host_wins_over_wildcard_wins_over_any(void **state)
{
    struct world w = {0};

    assert_int_equal(add(&w, "a", "any", "", "/x/"), 0);
    assert_int_equal(add(&w, "a", "wild", "*.example.com", "/x/"), 0);
    assert_int_equal(add(&w, "a", "wilder", "*.com", "/x/"), 0);
    assert_int_equal(add(&w, "a", "exact", "shop.example.com", "/x/"), 0);
    resolve(&w);
    assert_seen(&w, "shop.example.com", "exact:/x/");
    assert_seen(&w, "*.example.com", "wild:/x/");
    assert_seen(&w, "*.com", "wilder:/x/");
    assert_seen(&w, "", "any:/x/");
    release(&w);
}

static void test_route__less_exact_host_serves_the_paths_that_are_left(void **state)
{
    struct world w = {0};

    add(&w, "a", "auth", "", "/auth/");
    add(&w, "a", "deep", "", "/orders/archive/");
    add(&w, "a", "orders", "shop.example.com", "/orders/");
    resolve(&w);
    assert_seen(&w, "shop.example.com", "orders:/orders/ auth:/auth/");
    assert_seen(&w, "", "auth:/auth/ deep:/orders/archive/");
    release(&w);
}

/* Behaviour 97: never another service's page. */
static void test_route__exact_host_with_root_hides_every_other_route(void **state)
{
    struct world w = {0};

    add(&w, "a", "any", "", "/auth/");
    add(&w, "a", "own", "shop.example.com", "/");
    resolve(&w);
    assert_seen(&w, "shop.example.com", "own:/");
    release(&w);
}

static void test_route__longer_path_of_a_less_exact_host_is_hidden_only_at_segments(void **state)
{
    assert_true(gw_path_covers("/orders", "/orders"));
    assert_true(gw_path_covers("/orders", "/orders/"));
    assert_true(gw_path_covers("/orders", "/orders/7"));
    assert_false(gw_path_covers("/orders", "/ordersheet"));
    assert_true(gw_path_covers("/orders/", "/orders/7"));
    assert_false(gw_path_covers("/orders/", "/orders"));
    assert_true(gw_path_covers("/", "/anything"));
    assert_false(gw_path_covers("/a/b", "/a"));
}

static void test_route__host_covers_what_its_wildcard_ends_on(void **state)
{
    assert_true(gw_host_covers("", "any.example"));
    assert_true(gw_host_covers("*.example", "a.example"));
    assert_true(gw_host_covers("*.example", "b.a.example"));
    assert_true(gw_host_covers("*.example", "*.a.example"));
    assert_false(gw_host_covers("*.example", "example"));
    assert_false(gw_host_covers("*.example", "aexample"));
    assert_false(gw_host_covers("*.example", ".example"));
    assert_false(gw_host_covers("*.example", ""));
    assert_false(gw_host_covers("a.example", "b.example"));
}

/* Behaviour 100: a conflict has one winner, whatever the order in which services are known. */
static void test_route__conflict_goes_to_the_first_name_in_every_order(void **state)
{
    static const char *const names[] = {"alpha", "beta", "gamma"};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(orders); i++) {
        struct world w = {0};

        for (int j = 0; j < 3; j++)
            add(&w, "shop", names[orders[i][j]], j == 0 ? "A.example" : "a.EXAMPLE", "/x");
        resolve(&w);
        assert_int_equal(w.routes.n, 1);
        assert_string_equal(w.routes.at[0].service, "alpha");
        assert_int_equal(w.conflicts.n, 2);
        assert_non_null(strstr(w.conflicts.at[0], "service shop/beta"));
        assert_non_null(strstr(w.conflicts.at[0], "shop/alpha"));
        release(&w);
    }
}

static void test_route__same_path_of_different_hosts_is_no_conflict(void **state)
{
    struct world w = {0};

    add(&w, "a", "one", "one.example", "/");
    add(&w, "a", "two", "two.example", "/");
    add(&w, "a", "three", "", "/");
    resolve(&w);
    assert_int_equal(w.routes.n, 3);
    assert_int_equal(w.conflicts.n, 0);
    release(&w);
}

/* Behaviour 97: whatever the store holds, such names never reach the configuration. */
static void test_route__hostile_names_are_refused(void **state)
{
    static const char *const hosts[] = {"a;b", "a b", "a\nb", "\"",    "a{", "$host", "a#",   "..", "a..b",
                                        "-a",  "a-",  "*",    "*.*.a", "a*", "\\",    "\x80", "_",  "a/../b"};
    static const char *const paths[] = {"",     "x",    "/a b", "/a;",     "/a\"", "/a{", "/$x",
                                        "/a#",  "/a\n", "/..",  "/a/../b", "/./",  "//",  "/a//b",
                                        "/%41", "/\\",  "/a?b", "/a}",     "/\x80"};
    struct world w = {0};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(hosts); i++)
        assert_int_equal(add(&w, "a", "s", hosts[i], "/"), -EINVAL);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(paths); i++)
        assert_int_equal(add(&w, "a", "s", "", paths[i]), -EINVAL);
    assert_int_equal(add(&w, "a b", "s", "", "/"), -EINVAL);
    assert_int_equal(add(&w, "a", "S\n", "", "/"), -EINVAL);
    assert_int_equal(w.routes.n, 0);
    release(&w);
}

static void test_route__number_of_routes_is_bounded(void **state)
{
    struct world w = {0};
    int r = 0;

    for (int i = 0; i < GW_ROUTES_MAX; i++) {
        orc_auto_free char *path = orc_printf("/p%d/", i);
        r |= add(&w, "a", "s", "", path);
    }
    assert_int_equal(r, 0);
    assert_int_equal(add(&w, "a", "s", "", "/one-more/"), -EINVAL);
    assert_int_equal(w.routes.n, GW_ROUTES_MAX);
    release(&w);
}

static void test_route__backend_tells_services_and_ports_apart(void **state)
{
    char a[GW_BACKEND_MAX], b[GW_BACKEND_MAX];

    gw_backend_id("ab", "c", "/", a);
    gw_backend_id("a", "bc", "/", b);
    assert_string_not_equal(a, b);
    gw_backend_id("ab", "c", "/x", b);
    assert_string_not_equal(a, b);
    gw_backend_id("ab", "c", "/", b);
    assert_string_equal(a, b);
    assert_int_equal(strspn(a, "0123456789abcdef"), 16);
}

/* The name that nodelet gives the port and the one the route looks for are the same. */
static void test_route__backend_is_that_of_the_endpoint_port_name(void **state)
{
    char host[] = "Shop.example", path[] = "/orders/";
    struct spec_gateway g = {.host = host, .path = path, .port = 1};
    orc_auto_free char *name = endpoint_port_name(&g);
    char expected[GW_BACKEND_MAX];
    struct world w = {0};

    gw_backend_id("shop", "orders", name, expected);
    assert_int_equal(gw_routes_add(&w.routes, "shop", "orders", &g, NULL), 0);
    assert_string_equal(w.routes.at[0].backend, expected);
    release(&w);
}

/* Four exact hosts of one length and two wildcards of another, each path asked for by two services: each
 * conflict is found, and nothing else, in whatever order they come. */
static void test_route__every_conflict_is_found_in_every_order(void **state)
{
    static const char *const hosts[] = {"a.x", "b.x", "*.ab.x", "*.cd.x", ""};
    static const char *const paths[] = {"/", "/p", "/p/"};

    for (unsigned seed = 0; seed < 60; seed++) {
        int order[30], n = 0;
        struct world w = {0};

        for (int i = 0; i < 30; i++)
            order[i] = i;
        for (int i = 29; i > 0; i--) { /* a shuffle of its own for each seed */
            int k = (int)((seed * 2654435761u + (unsigned)i * 40503u) >> 7) % (i + 1), x = order[i];

            order[i] = order[k];
            order[k] = x;
        }
        for (int i = 0; i < 30; i++, n++)
            assert_int_equal(
                add(&w, "shop", order[i] % 2 ? "a" : "b", hosts[order[i] / 2 % 5], paths[order[i] / 10]), 0);
        resolve(&w);
        assert_int_equal(w.routes.n, 15);
        assert_int_equal(w.conflicts.n, 15);
        for (size_t i = 0; i < w.routes.n; i++)
            assert_string_equal(w.routes.at[i].service, "a"); /* the first name */
        for (int i = 0; i < 15; i++) {
            orc_auto_free char *who =
                orc_printf("service shop/b: its route host \"%s\", path \"%s\" already belongs to "
                           "service shop/a",
                           hosts[i % 5], paths[i / 5]);
            int found = 0;

            for (size_t k = 0; k < w.conflicts.n; k++)
                found += strncmp(w.conflicts.at[k], who, strlen(who)) == 0;
            assert_int_equal(found, 1);
        }
        release(&w);
    }
}

/* What is refused says whose route it was. */
static void test_route__a_refusal_names_the_service(void **state)
{
    struct spec_gateway g = {.host = (char *)"a_b", .path = (char *)"/", .port = 80};
    struct gw_routes r = {0};
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(gw_routes_add(&r, "shop", "web", &g, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "a route of service shop/web is left out"));
    assert_non_null(strstr(err.msg, "a_b"));
    assert_int_equal(r.n, 0);
}

/* A prefix ends at a segment's end, unless it ends with a slash. */
static void test_route__which_paths_a_prefix_covers(void **state)
{
    static const struct {
        const char *prefix, *path;
        bool covers;
    } cases[] = {{"/", "/", true},     {"/", "/a", true},     {"/a", "/a", true},    {"/a", "/a/", true},
                 {"/a", "/a/b", true}, {"/a", "/ab", false},  {"/a", "/", false},    {"/a/", "/a", false},
                 {"/a/", "/a/", true}, {"/a/", "/a/b", true}, {"/a/", "/ab", false}, {"/b", "/a", false}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++)
        assert_int_equal(gw_path_covers(cases[i].prefix, cases[i].path), cases[i].covers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_route__exact_host_wins_over_wildcard_wins_over_any),
        cmocka_unit_test(test_route__less_exact_host_serves_the_paths_that_are_left),
        cmocka_unit_test(test_route__exact_host_with_root_hides_every_other_route),
        cmocka_unit_test(test_route__longer_path_of_a_less_exact_host_is_hidden_only_at_segments),
        cmocka_unit_test(test_route__host_covers_what_its_wildcard_ends_on),
        cmocka_unit_test(test_route__conflict_goes_to_the_first_name_in_every_order),
        cmocka_unit_test(test_route__same_path_of_different_hosts_is_no_conflict),
        cmocka_unit_test(test_route__hostile_names_are_refused),
        cmocka_unit_test(test_route__number_of_routes_is_bounded),
        cmocka_unit_test(test_route__backend_tells_services_and_ports_apart),
        cmocka_unit_test(test_route__backend_is_that_of_the_endpoint_port_name),
        cmocka_unit_test(test_route__every_conflict_is_found_in_every_order),
        cmocka_unit_test(test_route__a_refusal_names_the_service),
        cmocka_unit_test(test_route__which_paths_a_prefix_covers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
