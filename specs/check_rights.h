/* check_rights.h - the rules for what a container may do: capabilities, devices, seccomp profiles, labels.
 *
 * As check.h: used by the parser and by the reader of stored JSON. Every function: 0, or -EINVAL with a
 * sentence that quotes the value and says what would be accepted.
 */
#ifndef SPECS_CHECK_RIGHTS_H
#define SPECS_CHECK_RIGHTS_H

#include "lib/err.h"

#define SPEC_SECCOMP_MAX (128 * 1024) /* bytes of a profile */

/* "cap_net_admin", "NET_ADMIN", "all" -> "NET_ADMIN", "NET_ADMIN", "ALL" (capabilities(7)). The caller frees
 * *ret_name; NULL to check only. */
int spec_cap(const char *s, char **ret_name, struct orc_err *err);
int spec_check_cap(const char *s, struct orc_err *err); /* only the normal form */

int spec_check_device_permissions(const char *s, struct orc_err *err); /* of "rwm" in this order */
/* "c 1:3 mr", "a *:* rwm" (the kernel's cgroup-v1/devices) */
int spec_check_device_rule(const char *rule, struct orc_err *err);

int spec_check_seccomp(const char *json, struct orc_err *err); /* a JSON object */
/* The profile's syscall names, too, against those that libseccomp knows. */
int spec_check_seccomp_names(const char *json, struct orc_err *err);
int spec_check_security_label(const char *label, struct orc_err *err);

#endif
