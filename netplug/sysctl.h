/* sysctl.h - kernel settings below /proc/sys, of the caller's own network namespace (proc(5)). */
#ifndef NETPLUG_SYSCTL_H
#define NETPLUG_SYSCTL_H

#include "lib/err.h"

#define SYSCTL_MAX 256 /* bytes of a value */
#define SYSCTL_FORWARD "net/ipv4/ip_forward"

/* Reads a value, blanks and tabs between words made single blanks, no newline. key: "net/ipv4/ip_forward".
 * -ENOENT when this kernel does not have it, else -errno. */
int sysctl_read(const char *key, char ret[SYSCTL_MAX], struct orc_err *err);
int sysctl_write(const char *key, const char *value, struct orc_err *err);

#endif
