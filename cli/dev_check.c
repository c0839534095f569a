/* dev_check.c - what `orc dev` needs of its machine, looked at before anything is touched. */
#include "cli/dev.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

/* A program beside this one, else in PATH and the system's sbin folders; NULL when nowhere. */
char *dev_find_program(const char *name)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    orc_auto_free char *beside = NULL;
    orc_auto_free char *path =
        orc_printf("%s:/usr/sbin:/sbin", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
    char *rest = NULL;

    if (n > 0) {
        self[n] = '\0';
        *strrchr(self, '/') = '\0';
        beside = orc_printf("%s/%s", self, name);
        if (access(beside, X_OK) == 0)
            return orc_take(beside);
    }
    for (char *dir = strtok_r(path, ":", &rest); dir; dir = strtok_r(NULL, ":", &rest)) {
        orc_auto_free char *file = orc_printf("%s/%s", dir, name);

        if (access(file, X_OK) == 0)
            return orc_take(file);
    }
    return NULL;
}

static int check_engine(const char *path, struct orc_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    orc_auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (strlen(path) >= sizeof addr.sun_path)
        return orc_fail(err, -ENAMETOOLONG,
                        "the socket's path %s is longer than %zu bytes: name a shorter one with --docker",
                        path, sizeof addr.sun_path - 1);
    memcpy(addr.sun_path, path, strlen(path) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        return orc_fail(err, -errno,
                        "there is no Docker Engine at %s (%s): start it, or name its socket with --docker",
                        path, strerror(errno));
    return 0;
}

int dev_check(const struct dev_opts *o, struct orc_err *err)
{
    static const struct {
        const char *name, *package;
    } needed[] = {{"etcd", "etcd-server"},  {"nginx", "nginx"}, {"netplug", "orc"},
                  {"orc-scheduler", "orc"}, {"nodelet", "orc"}, {"orc-gateway", "orc"}};

    if (geteuid() != 0)
        return orc_fail(
            err, -EPERM,
            "orc dev must be started by root: it makes the network bridge orc0; nothing was touched");
    for (size_t i = 0; i < ORC_ARRAY_SIZE(needed); i++) {
        orc_auto_free char *path = dev_find_program(needed[i].name);

        if (!path)
            return orc_fail(err, -ENOENT, "the program %s is missing: install the package %s", needed[i].name,
                            needed[i].package);
    }
    return check_engine(o->docker, err);
}
