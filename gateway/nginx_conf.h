/* nginx_conf.h - the text of NGINX's configuration, from routes and a few settings.
 *
 * Pure: text in, text out; the same input always gives the same text, so that comparing texts tells whether a
 * reload is needed. It must not know endpoints: they never are in the configuration. Names of apps and
 * services are not in it either, only hosts and paths that route.h let in, each within quotes.
 *
 * Defaults of a route, from the operators' articles: keep-alive to endpoints, HTTP/1.1, connect 2 s, read 5
 * s, next endpoint on error, time-out and HTTP 500. What NGINX has already sent of a POST, LOCK or PATCH is
 * not sent again (its own rule for requests that are not idempotent). A POST that could not be sent at all
 * is.
 */
#ifndef GATEWAY_NGINX_CONF_H
#define GATEWAY_NGINX_CONF_H

#include "gateway/route.h"

#include "lib/err.h"
#include "lib/hash.h"

struct gw_conf_opts {
    const char *dir; /* NGINX's own folder, absolute; checked by gw_conf_check_dir() */
    const struct orc_strv
        *listen;       /* "10.0.0.11:80", "[::1]:8080", "unix:/path": checked by gw_conf_check_listen() */
    const char *user;  /* whom workers run as; NULL: as NGINX is started */
    int workers;       /* 0: one per processor */
    int64_t max_files; /* open files per worker */
    bool verbose;      /* log each failed try to an endpoint (at a high rate: a disk's worth) */
    const char *lua_digest; /* changes with the Lua code, so that new code is a new configuration */
};

#define GW_CONF_HASH_MAX ORC_SHA256_HEX

/* The text, freed by the caller, and its hash, which NGINX itself repeats on GET /state. */
char *gw_conf_render(const struct gw_conf_opts *opts, const struct gw_routes *routes,
                     char ret_hash[GW_CONF_HASH_MAX]);

/* Reads the hash out of a text that gw_conf_render() made; -EINVAL when there is none. */
int gw_conf_hash_of(const char *text, char ret_hash[GW_CONF_HASH_MAX]);

/* 0 or -EINVAL with a sentence. */
int gw_conf_check_dir(const char *dir, struct orc_err *err);
int gw_conf_check_listen(const char *listen, struct orc_err *err);

#endif
