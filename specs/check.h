/* check.h - the rules for single values of a spec: names, images, hosts, paths, signals.
 *
 * Used by the parser (which adds the place) and by the reader of stored JSON (which adds the member), so that
 * neither lets through what the other refuses. Knows nothing of YAML, of JSON or of a whole service.
 *
 * Every function: 0, or -EINVAL with a sentence that quotes the value and says what would be accepted.
 */
#ifndef SPECS_CHECK_H
#define SPECS_CHECK_H

#include "lib/err.h"

#include <stdbool.h>

#define SPEC_TEXT_MAX 131071 /* bytes of one argument or variable: Linux's MAX_ARG_STRLEN less its NUL */
#define SPEC_LIST_MAX 1000   /* elements of any list or map in a service */
#define SPEC_DURATION_MAX_MS (365ULL * 24 * 3600 * 1000)
#define SPEC_STARTING_DEADLINE_MAX_MS (7ULL * 24 * 3600 * 1000)
#define SPEC_CPUS_MAX 10000                /* CPUs */
#define SPEC_CPUS_MIN 10000000             /* billionths of a CPU; the Engine refuses less */
#define SPEC_ID_MAX 2147483646             /* user and group ids: int, less -1 */
#define SPEC_PIDS_MAX 4194304              /* Linux's PID_MAX_LIMIT on 64 bits */
#define SPEC_RETRIES_MAX 1000000           /* of a container or a job's slot */
#define SPEC_MEMORY_MAX (INT64_C(1) << 50) /* bytes */
#define SPEC_MEMORY_MIN (6 * 1024 * 1024)  /* bytes; the Engine refuses a limit below 6 MiB */

/* A value from outside, fit to stand in a message: cut to 60 bytes at a character's border, control
 * characters escaped. Use as spec_quote(s).text within one full expression. */
struct spec_quoted {
    char text[256];
};
struct spec_quoted spec_quote(const char *s);

/* An image reference as the OCI distribution project's grammar has it: [domain[:port]/]path[:tag][@digest].
 * A digest is sha256 or sha512, in lower-case hex. */
int spec_check_image(const char *image, struct orc_err *err);

/* A route's host: "" (any), or letters, digits, hyphens and dots (RFC 1123), with an optional leading "*.".
 * It ends up in an NGINX configuration. */
int spec_check_host(const char *host, struct orc_err *err);

/* A route's prefix: absolute, made of [A-Za-z0-9._~-] segments; no "..", "." or empty segment. It ends up in
 * an NGINX configuration. */
int spec_check_route_path(const char *path, struct orc_err *err);

/* What a health check asks for: absolute, visible ASCII, may have a query; it ends up in a request line. */
int spec_check_health_path(const char *path, struct orc_err *err);

/* An absolute path on a server or in a container: no "..", no ':' or ',' (the Engine's separators). */
int spec_check_abs_path(const char *path, struct orc_err *err);

/* A named volume, as the Engine names them: [A-Za-z0-9][A-Za-z0-9_.-]*, at most 64 bytes. */
int spec_check_volume(const char *name, struct orc_err *err);
/* The Engine's own name for one, which a file may give: the same letters, 2 bytes at least (moby,
 * daemon/names, RestrictedNamePattern), and few enough to be told of. */
#define SPEC_VOLUME_NAME_MAX 120
int spec_check_volume_name(const char *name, struct orc_err *err);

int spec_check_env_key(const char *key, struct orc_err *err);
int spec_check_label_key(const char *key, struct orc_err *err); /* "orc." is orc's own */
int spec_check_constraint_key(const char *key, struct orc_err *err);
int spec_check_spread_key(const char *key, struct orc_err *err);
int spec_check_constraint_value(const char *value, struct orc_err *err);
int spec_check_ipv4(const char *ip, struct orc_err *err);   /* "" allowed */
int spec_check_text(const char *text, struct orc_err *err); /* only its length */

/* "TERM", "sigterm", "15", "SIGRTMIN+3" -> "SIGTERM", "SIGTERM", "SIGTERM", "SIGRTMIN+3" (signal(7)). The
 * caller frees *ret_name; NULL to check only. */
int spec_signal(const char *s, char **ret_name, struct orc_err *err);
int spec_check_signal(const char *s, struct orc_err *err); /* only the normal form */

#endif
