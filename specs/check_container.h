/* check_container.h - the rules for single values that a container is made with: users, names, addresses,
 * limits, namespaces. What it may do is in check_rights.h.
 *
 * As check.h, of which it is the second part: used by the parser and by the reader of stored JSON. Every
 * function: 0, or -EINVAL with a sentence that quotes the value and says what would be accepted.
 */
#ifndef SPECS_CHECK_CONTAINER_H
#define SPECS_CHECK_CONTAINER_H

#include "lib/err.h"

#define SPEC_MODE_MAX 07777        /* permission bits (chmod(2)) */
#define SPEC_CPU_SHARES_MAX 262144 /* Linux's MAX_SHARES; the least is 2 */
#define SPEC_OOM_SCORE_MAX 1000    /* OOM_SCORE_ADJ_MAX, proc(5) */
#define SPEC_HOSTNAME_MAX 64       /* HOST_NAME_MAX, sethostname(2) */

/* USER or USER:GROUP, names or numbers. */
int spec_check_user(const char *user, struct orc_err *err);
int spec_check_group(const char *group, struct orc_err *err);
int spec_check_working_dir(const char *path, struct orc_err *err);

/* A host's or domain's name for the kernel: RFC 1123's labels, SPEC_HOSTNAME_MAX bytes at most. */
int spec_check_hostname(const char *name, struct orc_err *err);
int spec_check_dns(const char *ip, struct orc_err *err);            /* IPv4 or IPv6 */
int spec_check_dns_search(const char *domain, struct orc_err *err); /* a domain, or "." for none */
int spec_check_host_name(const char *name, struct orc_err *err);    /* of /etc/hosts: "_" is possible, too */
int spec_check_host_address(const char *ip, struct orc_err *err);   /* IPv4, IPv6 or "host-gateway" */

int spec_check_ulimit(const char *name, struct orc_err *err); /* as docker run --ulimit names them */
/* One that belongs to a container's own namespaces: the others runc refuses
 * (opencontainers/runc, libcontainer/configs/validate). */
int spec_check_sysctl(const char *name, struct orc_err *err);
int spec_check_cpuset(const char *cpus, struct orc_err *err); /* "0-3,7" (cpuset(7), list format) */

/* Options of a tmpfs that differ from the engine's own, in the order of spec_tmpfs_options(). */
int spec_check_tmpfs_options(const char *options, struct orc_err *err);
/* "uid=1000,rw,exec" -> "exec,uid=1000": in one order, without what the engine does anyway; NULL: none is
 * left. The caller frees *ret. */
int spec_tmpfs_options(const char *options, char **ret, struct orc_err *err);

/* "linux/arm64" or "linux/arm/v7", as the OCI image index names them (GOOS, GOARCH and a variant); the normal
 * form, without a variant that its architecture has anyway. */
int spec_check_platform(const char *platform, struct orc_err *err);
/* "Linux/aarch64/v8" -> "linux/arm64"; *ret_arch is its part behind the first slash and before a second. The
 * caller frees both. */
int spec_platform(const char *s, char **ret_platform, char **ret_arch, struct orc_err *err);
int spec_check_propagation(const char *mode, struct orc_err *err); /* mount_namespaces(7) */
int spec_check_ipc(const char *mode, struct orc_err *err);
int spec_check_cgroup(const char *mode, struct orc_err *err);
int spec_check_server_only(const char *mode, struct orc_err *err); /* "host" */
int spec_check_driver(const char *name, struct orc_err *err); /* a driver's, plugin's or runtime's name */
int spec_check_option(const char *name, struct orc_err *err); /* an option's name */
int spec_check_token(const char *s, struct orc_err *err);     /* visible ASCII without spaces */

#endif
