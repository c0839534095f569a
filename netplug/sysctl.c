#include "netplug/sysctl.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int open_key(const char *key, int flags, struct orc_err *err)
{
    char path[PATH_MAX];
    int fd;

    snprintf(path, sizeof path, "/proc/sys/%s", key);
    fd = open(path, flags | O_CLOEXEC);
    return fd >= 0 ? fd : orc_fail_errno(err, errno, "open %s", path);
}

static void squeeze(char *s)
{
    char *out = s;

    for (char *p = s; *p; p++) {
        if (!strchr(" \t\n", *p))
            *out++ = *p;
        else if (out > s && out[-1] != ' ')
            *out++ = ' ';
    }
    if (out > s && out[-1] == ' ')
        out--;
    *out = '\0';
}

int sysctl_read(const char *key, char ret[SYSCTL_MAX], struct orc_err *err)
{
    char buf[SYSCTL_MAX];
    orc_auto_close int fd = open_key(key, O_RDONLY, err);
    ssize_t n;

    if (fd < 0)
        return fd;
    n = read(fd, buf, sizeof buf - 1);
    if (n < 0)
        return orc_fail_errno(err, errno, "read %s", key);
    buf[n] = '\0';
    squeeze(buf);
    memcpy(ret, buf, sizeof buf);
    return 0;
}

int sysctl_write(const char *key, const char *value, struct orc_err *err)
{
    orc_auto_close int fd = open_key(key, O_WRONLY, err);

    if (fd < 0)
        return fd;
    if (write(fd, value, strlen(value)) < 0)
        return orc_fail_errno(err, errno, "write \"%s\" to %s", value, key);
    return 0;
}
