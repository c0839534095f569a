#include "gateway/nginx_conf.h"

#include "lib/buf.h"
#include "lib/units.h"
#include "specs/check.h"

#include <arpa/inet.h>
#include <stdio.h>

#define CONF_MAX (64u << 20)

/* Everything in front of the servers. Arguments in order: user line, workers, error level, dir x 9. */
static const char head[] =
    "# Written by orc-gateway; changes made by hand are lost with the next route.\n"
    "load_module /usr/share/nginx/modules/ndk_http_module.so;\n"
    "load_module /usr/share/nginx/modules/ngx_http_lua_module.so;\n"
    "%s"
    "daemon off;\n"
    "worker_processes %s;\n"
    "worker_rlimit_nofile %lld;\n"
    "worker_shutdown_timeout 10m;\n"
    "pid %s/nginx.pid;\n"
    "error_log %s/error.log %s;\n"
    "events {\n"
    "    worker_connections 16384;\n"
    "}\n"
    "http {\n"
    "    access_log off;\n"
    "    server_tokens off;\n"
    "    default_type text/plain;\n"
    "    absolute_redirect off;\n"
    "    server_names_hash_bucket_size 512;\n"
    "    server_names_hash_max_size 16384;\n"
    "    client_body_temp_path %s/tmp/body;\n"
    "    proxy_temp_path %s/tmp/proxy;\n"
    "    fastcgi_temp_path %s/tmp/fastcgi;\n"
    "    uwsgi_temp_path %s/tmp/uwsgi;\n"
    "    scgi_temp_path %s/tmp/scgi;\n"
    "    client_max_body_size 100m;\n"
    "    keepalive_timeout 65s;\n"
    "    keepalive_requests 100000;\n"
    "    tcp_nodelay on;\n"
    "\n"
    "    lua_package_path \"%s/lua/?.lua;/usr/share/lua/5.1/?.lua;;\";\n"
    "    lua_shared_dict orc 32m;\n"
    "    init_by_lua_block {\n"
    "        require(\"orc_shm\").attach()\n"
    "        orc_balancer = require(\"orc_balancer\")\n"
    "        orc_control = require(\"orc_control\")\n"
    "    }\n"
    "    init_worker_by_lua_block { orc_balancer.init_worker() }\n"
    "    exit_worker_by_lua_block { require(\"orc_shm\").release() }\n"
    "\n"
    "    map $http_upgrade $orc_upgrade {\n" /* HTTP/2 in the clear would be a tunnel past the routes */
    "        default $http_upgrade;\n"
    "        ~*h2c \"\";\n"
    "    }\n"
    "    map $orc_upgrade $orc_connection {\n"
    "        default upgrade;\n"
    "        \"\" \"\";\n"
    "    }\n"
    "    map $http_x_request_id $orc_request_id {\n"
    "        default $request_id;\n"
    "        \"~^[A-Za-z0-9._-]{1,128}$\" $http_x_request_id;\n"
    "    }\n"
    "    proxy_http_version 1.1;\n"
    "    proxy_set_header Host $host;\n"
    "    proxy_set_header Connection $orc_connection;\n"
    "    proxy_set_header Upgrade $orc_upgrade;\n"
    "    proxy_set_header X-Real-IP $remote_addr;\n"
    "    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
    "    proxy_set_header X-Forwarded-Proto $scheme;\n"
    "    proxy_set_header X-Forwarded-Host $host;\n"
    "    proxy_set_header X-Request-ID $orc_request_id;\n"
    "    proxy_set_header Proxy \"\";\n"
    "    proxy_hide_header X-Request-ID;\n"
    "    proxy_ignore_headers X-Accel-Redirect;\n" /* a service would reach another one's routes, and the
                                                     count of its requests in flight would be lost */
    "    add_header X-Request-ID $orc_request_id always;\n"
    "    proxy_connect_timeout 2s;\n"
    "    proxy_send_timeout 5s;\n"
    "    proxy_read_timeout 5s;\n"
    "    proxy_next_upstream error timeout http_500;\n"
    "    proxy_next_upstream_timeout 10s;\n"
    "    error_page 500 502 503 504 @orc_failed;\n"
    "\n"
    "    server {\n"
    "        listen unix:%s/control/nginx.sock;\n"
    "        client_max_body_size 8m;\n"
    "        client_body_buffer_size 8m;\n"
    "        location = /table { content_by_lua_block { orc_control.table() } }\n"
    "        location = /in-flight { content_by_lua_block { orc_control.in_flight() } }\n"
    "        location = /state { content_by_lua_block { orc_control.state(\"%s\") } }\n"
    "        location @orc_failed { return 500 \"see the error log\\n\"; }\n"
    "        location / { return 404 \"not found\\n\"; }\n"
    "    }\n";

/* keepalive counts all endpoints of a worker together. Its time-out is below the 5 s after which common HTTP
 * servers close an idle connection themselves, perhaps just as a request comes. */
static const char upstream[] = "    upstream orc_%s {\n"
                               "        server 0.0.0.1;\n"
                               "        balancer_by_lua_block { orc_balancer.balance(\"%s\") }\n"
                               "        keepalive 512;\n"
                               "        keepalive_requests 100000;\n"
                               "        keepalive_timeout 4s;\n"
                               "    }\n";

static const char state_mark[] = "orc_control.state(\"";

static void add_head(struct orc_buf *b, const struct gw_conf_opts *opts, const char *hash)
{
    const char *d = opts->dir;
    orc_auto_free char *user = opts->user ? orc_printf("user %s;\n", opts->user) : orc_strdup("");
    char workers[16] = "auto";

    if (opts->workers > 0)
        snprintf(workers, sizeof workers, "%d", opts->workers);
    orc_buf_printf(b, head, user, workers, (long long)opts->max_files, d, d, opts->verbose ? "error" : "crit",
                   d, d, d, d, d, d, d, hash);
}

static int cmp_str(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_upstreams(struct orc_buf *b, const struct gw_routes *routes)
{
    ORC_VEC(const char *) ids = {0};

    for (size_t i = 0; i < routes->n; i++)
        orc_vec_push(&ids, routes->at[i].backend);
    if (ids.n > 1)
        qsort(ids.at, ids.n, sizeof *ids.at, cmp_str);
    for (size_t i = 0; i < ids.n; i++)
        if (i == 0 || strcmp(ids.at[i], ids.at[i - 1]) != 0)
            orc_buf_printf(b, upstream, ids.at[i], ids.at[i]);
    orc_vec_release(&ids);
}

static bool has_path(const struct gw_route_list *list, const char *path, size_t n, const char *suffix)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *p = list->at[i]->path;

        if (strncmp(p, path, n) == 0 && strcmp(p + n, suffix) == 0)
            return true;
    }
    return false;
}

static void add_location(struct orc_buf *b, const char *match, const char *path, const char *slash,
                         const struct gw_route *route)
{
    bool strip = route->strip_prefix && strcmp(route->path, "/") != 0;

    orc_buf_printf(b,
                   "        location %s \"%s%s\" {\n"
                   "            log_by_lua_block { orc_balancer.done() }\n"
                   "            proxy_pass http://orc_%s%s;\n"
                   "        }\n",
                   match, path, slash, route->backend, strip ? "/" : "");
}

/* Returns whether the list serves "/" and with it everything. */
static bool add_locations(struct orc_buf *b, const struct gw_route_list *list)
{
    bool root = false;

    for (size_t i = 0; i < list->n; i++) {
        const struct gw_route *route = list->at[i];
        size_t n = strlen(route->path);

        if (n > 0 && route->path[n - 1] == '/') {
            root = root || n == 1;
            add_location(b, "^~", route->path, "", route);
        } else {
            add_location(b, "=", route->path, "", route);
            if (!has_path(list, route->path, n, "/"))
                add_location(b, "^~", route->path, "/", route);
        }
    }
    return root;
}

static void add_server(struct orc_buf *b, const struct gw_conf_opts *opts, const struct gw_routes *routes,
                       const char *host)
{
    struct gw_route_list list = {0};

    orc_buf_puts(b, "    server {\n");
    for (size_t i = 0; i < opts->listen->n; i++)
        orc_buf_printf(b, "        listen %s%s;\n", opts->listen->at[i],
                       *host ? "" : " default_server backlog=4096");
    orc_buf_printf(b, "        server_name \"%s\";\n", host);
    gw_routes_for_host(routes, host, &list);
    if (!add_locations(b, &list))
        orc_buf_puts(b, "        location / { return 404 \"There is nothing at this address. Request "
                        "$orc_request_id.\\n\"; }\n");
    orc_buf_puts(b, "        location @orc_failed {\n"
                    "            log_by_lua_block { orc_balancer.done() }\n"
                    "            content_by_lua_block { orc_control.failed() }\n"
                    "        }\n"
                    "    }\n");
    orc_vec_release(&list);
}

static void add_servers(struct orc_buf *b, const struct gw_conf_opts *opts, const struct gw_routes *routes)
{
    add_server(b, opts, routes, "");
    for (size_t i = 0; i < routes->n; i++) {
        const char *host = routes->at[i].host;

        if (*host && (i == 0 || strcmp(host, routes->at[i - 1].host) != 0))
            add_server(b, opts, routes, host);
    }
}

static char *render(const struct gw_conf_opts *opts, const struct gw_routes *routes, const char *hash)
{
    struct orc_buf b = ORC_BUF_INIT(CONF_MAX);

    add_head(&b, opts, hash);
    add_upstreams(&b, routes);
    add_servers(&b, opts, routes);
    orc_buf_printf(&b, "}\n# lua %s\n", opts->lua_digest);
    return orc_buf_take(&b);
}

char *gw_conf_render(const struct gw_conf_opts *opts, const struct gw_routes *routes,
                     char ret_hash[GW_CONF_HASH_MAX])
{
    orc_auto_free char *draft = render(opts, routes, "");

    orc_sha256_hex(draft, strlen(draft), ret_hash);
    return render(opts, routes, ret_hash);
}

int gw_conf_hash_of(const char *text, char ret_hash[GW_CONF_HASH_MAX])
{
    const char *at = strstr(text, state_mark);
    size_t n;

    if (!at)
        return -EINVAL;
    at += strlen(state_mark);
    n = strspn(at, "0123456789abcdef");
    if (n != GW_CONF_HASH_MAX - 1 || at[n] != '"')
        return -EINVAL;
    memcpy(ret_hash, at, n);
    ret_hash[n] = '\0';
    return 0;
}

#define PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-"

int gw_conf_check_dir(const char *dir, struct orc_err *err)
{
    /* its control socket's path must fit in sockaddr_un */
    if (*dir != '/' || dir[strspn(dir, PATH_CHARS)] != '\0' || strlen(dir) > 80)
        return orc_fail(
            err, -EINVAL,
            "the folder \"%s\" can't be NGINX's: it must be an absolute path of at most 80 letters, "
            "digits, \"/\", \".\", \"_\" and \"-\"",
            spec_quote(dir).text);
    return 0;
}

static bool is_port(const char *s)
{
    int64_t port;

    return orc_parse_int(s, 1, 65535, &port, NULL) == 0;
}

static bool is_address(const char *s, size_t n)
{
    unsigned char addr[sizeof(struct in6_addr)];
    char copy[INET6_ADDRSTRLEN + 2]; /* in brackets */

    if (n == 0 || n >= sizeof copy)
        return false;
    memcpy(copy, s, n);
    copy[n] = '\0';
    if (copy[0] != '[')
        return inet_pton(AF_INET, copy, addr) == 1;
    if (copy[n - 1] != ']')
        return false;
    copy[n - 1] = '\0';
    return inet_pton(AF_INET6, copy + 1, addr) == 1;
}

int gw_conf_check_listen(const char *listen, struct orc_err *err)
{
    const char *colon = strrchr(listen, ':');

    if (strncmp(listen, "unix:/", 6) == 0 && listen[strspn(listen, PATH_CHARS ":")] == '\0' &&
        !strchr(listen + 5, ':') && strlen(listen + 5) <= 107)
        return 0;
    if (!colon || !is_port(colon + 1) || !is_address(listen, (size_t)(colon - listen)))
        return orc_fail(err, -EINVAL,
                        "can't listen on \"%s\": expected ADDR:PORT with a numeric address, such as "
                        "10.0.0.11:80, 0.0.0.0:80 or [::]:80",
                        spec_quote(listen).text);
    return 0;
}
