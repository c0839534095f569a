#include "nodelet/configs.h"

#include "lib/file.h"
#include "lib/log.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *configs_path(const char *dir, size_t i)
{
    return orc_printf("%s/%zu", dir, i);
}

/* As it was written by an earlier start: nothing is written again. */
static bool is_there(const char *path, const struct spec_config *c)
{
    orc_auto_free char *text = NULL;
    struct stat st;
    size_t n;

    return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == (mode_t)c->mode &&
           st.st_uid == (uid_t)c->uid && st.st_gid == (gid_t)c->gid &&
           orc_file_read(path, strlen(c->content), &text, &n, NULL) == 0 && n == strlen(c->content) &&
           memcmp(text, c->content, n) == 0;
}

/* Not synced to the disk: each start looks at it. The mode last: another owner takes the bits away that let a
 * program run as its owner (chown(2)). */
static int write_one(const char *path, const struct spec_config *c, struct orc_err *err)
{
    int r = orc_file_write_soon(path, c->content, strlen(c->content), 0400, err);

    if (r < 0)
        return r;
    if (chown(path, (uid_t)c->uid, (gid_t)c->gid) < 0)
        return orc_fail_errno(err, errno, "%s can't be given to user %d, group %d", path, c->uid, c->gid);
    if (chmod(path, (mode_t)c->mode) < 0)
        return orc_fail_errno(err, errno, "%s can't get the mode %04o", path, (unsigned)c->mode);
    return 0;
}

int configs_write(const char *dir, const struct spec_service *spec, struct orc_err *err)
{
    if (!spec->configs.n)
        return 0;
    if (orc_file_mkdirs(dir, err) < 0)
        return -EIO;
    if (chmod(dir, 0700) < 0) {
        orc_fail_errno(err, errno, "%s can't be closed to others", dir);
        return -EIO;
    }
    for (size_t i = 0; i < spec->configs.n; i++) {
        const struct spec_config *c = &spec->configs.at[i];
        orc_auto_free char *path = configs_path(dir, i);

        if (is_there(path, c))
            continue;
        if (write_one(path, c, err) < 0) {
            orc_wrap(err, "config \"%s\"", c->source);
            return -EIO;
        }
    }
    return 0;
}

static void each_name(const char *dir, void (*fn)(const char *name, void *arg), void *arg)
{
    DIR *d = opendir(dir);
    const struct dirent *e;

    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            fn(e->d_name, arg);
    if (d)
        closedir(d);
}

static void remove_file(const char *name, void *arg)
{
    orc_auto_free char *path = orc_concat(arg, "/", name);

    unlink(path);
}

void configs_remove(const char *dir)
{
    each_name(dir, remove_file, (void *)(uintptr_t)dir);
    if (rmdir(dir) < 0 && errno != ENOENT)
        orc_warn("%s can't be removed: %s", dir, strerror(errno));
}

struct sweep {
    const char *root;
    bool (*keep)(const char *name, void *arg);
    void *arg;
};

static void sweep_one(const char *name, void *arg)
{
    const struct sweep *s = arg;
    orc_auto_free char *dir = NULL;

    if (s->keep(name, s->arg))
        return;
    dir = orc_concat(s->root, "/", name);
    configs_remove(dir);
}

void configs_sweep(const char *root, bool (*keep)(const char *name, void *arg), void *arg)
{
    struct sweep s = {root, keep, arg};

    each_name(root, sweep_one, &s);
}
