/* NGINX's configuration as text, compared with files in tests/golden/nginx. ORC_GOLDEN=write rewrites them.
 */
#include "gateway/nginx_conf.h"

#include "gateway/files.h"

#include "lib/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

struct world {
    struct gw_routes routes;
    struct orc_strv conflicts, listen;
    struct gw_conf_opts opts;
};

static void init(struct world *w)
{
    *w = (struct world){.opts = {.dir = "/srv/orc/nginx", .max_files = 65536, .lua_digest = "0123"}};
    orc_strv_add(&w->listen, "10.0.0.11:80");
    w->opts.listen = &w->listen;
}

static void add(struct world *w, const char *service, const char *host, const char *path, bool strip)
{
    orc_auto_free char *h = orc_strdup(host), *p = orc_strdup(path);
    struct spec_gateway g = {.host = h, .path = p, .port = 8080, .strip_prefix = strip};

    assert_int_equal(gw_routes_add(&w->routes, "shop", service, &g, NULL), 0);
}

static char *render(struct world *w, char hash[GW_CONF_HASH_MAX])
{
    gw_routes_resolve(&w->routes, &w->conflicts);
    return gw_conf_render(&w->opts, &w->routes, hash);
}

static void release(struct world *w)
{
    gw_routes_release(&w->routes);
    orc_strv_release(&w->conflicts);
    orc_strv_release(&w->listen);
}

static void assert_golden(const char *name, const char *text)
{
    orc_auto_free char *path = orc_printf("tests/golden/nginx/%s", name), *expected = NULL;

    if (orc_streq(getenv("ORC_GOLDEN"), "write"))
        assert_int_equal(orc_file_write(path, text, strlen(text), 0644, NULL), 0);
    assert_int_equal(orc_file_read(path, 1u << 20, &expected, NULL, NULL), 0);
    assert_string_equal(text, expected);
}

static void test_conf__no_routes(void **state)
{
    struct world w;
    char hash[GW_CONF_HASH_MAX];

    init(&w);
    orc_auto_free char *text = render(&w, hash);
    assert_golden("empty.conf", text);
    release(&w);
}

static void test_conf__the_shop(void **state)
{
    struct world w;
    char hash[GW_CONF_HASH_MAX];

    init(&w);
    orc_strv_add(&w.listen, "[::]:8080");
    w.opts.user = "www-data";
    w.opts.workers = 4;
    add(&w, "auth", "", "/auth/", true);
    add(&w, "inventory", "", "/inventory", true);
    add(&w, "orders", "shop.example.com", "/orders/", true);
    add(&w, "web", "shop.example.com", "/", true);
    add(&w, "tenants", "*.example.com", "/", false);
    orc_auto_free char *text = render(&w, hash);
    assert_golden("shop.conf", text);
    release(&w);
}

static void test_conf__a_path_and_the_same_with_a_slash_live_together(void **state)
{
    struct world w;
    char hash[GW_CONF_HASH_MAX];

    init(&w);
    add(&w, "bare", "", "/orders", false);
    add(&w, "slash", "", "/orders/", false);
    orc_auto_free char *text = render(&w, hash);
    assert_golden("slash.conf", text);
    release(&w);
}

static void test_conf__order_of_services_does_not_matter(void **state)
{
    struct world a, b;
    char hash_a[GW_CONF_HASH_MAX], hash_b[GW_CONF_HASH_MAX];

    init(&a);
    init(&b);
    add(&a, "auth", "", "/auth/", true);
    add(&a, "orders", "", "/orders/", true);
    add(&b, "orders", "", "/orders/", true);
    add(&b, "auth", "", "/auth/", true);
    orc_auto_free char *ta = render(&a, hash_a), *tb = render(&b, hash_b);
    assert_string_equal(ta, tb);
    assert_string_equal(hash_a, hash_b);
    release(&a);
    release(&b);
}

static void test_conf__hash_changes_with_routes_and_with_lua(void **state)
{
    struct world w;
    char first[GW_CONF_HASH_MAX], second[GW_CONF_HASH_MAX], third[GW_CONF_HASH_MAX], read[GW_CONF_HASH_MAX];

    init(&w);
    orc_auto_free char *one = render(&w, first);
    add(&w, "auth", "", "/auth/", true);
    orc_auto_free char *two = render(&w, second);
    w.opts.lua_digest = "4567";
    orc_auto_free char *three = render(&w, third);
    assert_non_null(one);
    assert_non_null(three);
    assert_string_not_equal(first, second);
    assert_string_not_equal(second, third);
    assert_int_equal(gw_conf_hash_of(two, read), 0);
    assert_string_equal(read, second);
    assert_int_equal(gw_conf_hash_of("events {}", read), -EINVAL);
    release(&w);
}

/* nginx itself takes the text: the golden files are more than our opinion. */
static void test_conf__nginx_accepts_it(void **state)
{
    char dir[] = "/tmp/orc-conf-XXXXXX", hash[GW_CONF_HASH_MAX];
    struct world w;

    if (access("/usr/sbin/nginx", X_OK) != 0 ||
        access("/usr/share/nginx/modules/ngx_http_lua_module.so", R_OK))
        skip();
    assert_non_null(mkdtemp(dir));
    assert_int_equal(gw_files_install(dir, NULL), 0);
    init(&w);
    w.opts.dir = dir;
    orc_strv_release(&w.listen);
    orc_auto_free char *listen = orc_printf("unix:%s/web.sock", dir);
    orc_strv_add(&w.listen, listen);
    add(&w, "bare", "", "/orders", true);
    add(&w, "slash", "", "/orders/", false);
    add(&w, "long", "a-rather-long-host-name-for-a-test-of-hash-buckets.department.shop.example.com", "/",
        false);
    add(&w, "wild", "*.example.com", "/a.b~c_d-e/", false);
    orc_auto_free char *text = render(&w, hash);
    orc_auto_free char *conf = orc_printf("%s/nginx.conf", dir);
    orc_auto_free char *command =
        orc_printf("/usr/sbin/nginx -t -q -p %s -c %s -e stderr; s=$?; rm -rf %s; exit $s", dir, conf, dir);
    assert_int_equal(orc_file_write(conf, text, strlen(text), 0644, NULL), 0);
    assert_int_equal(system(command), 0);
    release(&w);
}

static void test_conf__listen_addresses_are_checked(void **state)
{
    static const char *const good[] = {"10.0.0.1:80", "0.0.0.0:65535", "[::]:80", "[::1]:8080",
                                       "unix:/run/a.sock"};
    static const char *const bad[] = {
        "",        "80",        ":80",          "10.0.0.1",      "10.0.0.1:0",
        "host:80", "[::1:80",   "10.0.0.1:80;", "1.2.3.4:65536", "10.0.0.1:80 ssl",
        "unix:a",  "unix:/a;b", "[]:80",        "1.2.3:80"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(good); i++)
        assert_int_equal(gw_conf_check_listen(good[i], NULL), 0);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(bad); i++)
        assert_int_equal(gw_conf_check_listen(bad[i], NULL), -EINVAL);
}

static void test_conf__folder_must_not_speak_to_the_parser(void **state)
{
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(gw_conf_check_dir("/var/lib/orc-gateway/nginx", &err), 0);
    assert_int_equal(gw_conf_check_dir("/var/lib;daemon", &err), -EINVAL);
    assert_non_null(strstr(err.msg, "/var/lib;daemon"));
    assert_int_equal(gw_conf_check_dir("relative", NULL), -EINVAL);
    assert_int_equal(gw_conf_check_dir("/with space", NULL), -EINVAL);
}

/* The program carries the Lua files as they are in the repository. */
static void test_conf__embedded_lua_is_that_of_the_repository(void **state)
{
    for (const struct gw_file *f = gw_files(NULL); f->name; f++) {
        orc_auto_free char *path = orc_printf("gateway/lua/%s", f->name), *text = NULL;
        size_t n = 0;

        assert_int_equal(orc_file_read(path, 1u << 20, &text, &n, NULL), 0);
        assert_int_equal(n, f->n);
        assert_memory_equal(text, f->data, n);
    }
}

/* To the byte: a folder of 80, a socket of 107, an address no longer than the longest there is. */
static void test_conf__lengths_end_where_the_kernels_do(void **state)
{
    for (size_t more = 0; more < 2; more++) {
        orc_auto_free char *dir = orc_calloc(1, 200), *socket = orc_calloc(1, 200),
                           *address = orc_calloc(1, 200);

        memset(dir, '/', 80 + more);
        assert_int_equal(gw_conf_check_dir(dir, NULL), more ? -EINVAL : 0);
        memcpy(socket, "unix:", 5);
        memset(socket + 5, '/', 107 + more);
        assert_int_equal(gw_conf_check_listen(socket, NULL), more ? -EINVAL : 0);
    }
    assert_int_equal(gw_conf_check_listen("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:80", NULL), 0);
    assert_int_equal(gw_conf_check_listen("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:80", NULL),
                     -EINVAL);
    assert_int_equal(gw_conf_check_listen("[:80", NULL), -EINVAL);
    assert_int_equal(gw_conf_check_listen("::1:80", NULL), -EINVAL);
    assert_int_equal(gw_conf_check_dir("", NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conf__no_routes),
        cmocka_unit_test(test_conf__the_shop),
        cmocka_unit_test(test_conf__a_path_and_the_same_with_a_slash_live_together),
        cmocka_unit_test(test_conf__order_of_services_does_not_matter),
        cmocka_unit_test(test_conf__hash_changes_with_routes_and_with_lua),
        cmocka_unit_test(test_conf__nginx_accepts_it),
        cmocka_unit_test(test_conf__listen_addresses_are_checked),
        cmocka_unit_test(test_conf__folder_must_not_speak_to_the_parser),
        cmocka_unit_test(test_conf__embedded_lua_is_that_of_the_repository),
        cmocka_unit_test(test_conf__lengths_end_where_the_kernels_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
