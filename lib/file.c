#include "lib/file.h"

#include "lib/mem.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static ssize_t read_some(int fd, char *to, size_t n)
{
    ssize_t got;

    do
        got = read(fd, to, n);
    while (got < 0 && errno == EINTR);
    return got;
}

int orc_file_read(const char *path, size_t max, char **ret_data, size_t *ret_n, struct orc_err *err)
{
    orc_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    orc_auto_free char *data = NULL;
    size_t n = 0, cap = 0;
    ssize_t got;

    if (fd < 0)
        return orc_fail_errno(err, errno, "%s: can't be opened", path);
    do {
        if (n + 1 >= cap) { /* room for at least one byte and the NUL */
            cap = orc_vec_grow_(cap, 4096);
            data = orc_realloc(data, cap, 1);
        }
        got = read_some(fd, data + n, cap - 1 - n);
        if (got < 0)
            return orc_fail_errno(err, errno, "%s: can't be read", path);
        n += (size_t)got;
        if (n > max)
            return orc_fail(err, -EFBIG, "%s: is larger than %zu bytes, the most that is accepted here", path,
                            max);
    } while (got > 0);
    data[n] = '\0';
    *ret_data = orc_take(data);
    if (ret_n)
        *ret_n = n;
    return 0;
}

static int write_all(int fd, const char *data, size_t n)
{
    while (n) {
        ssize_t put = write(fd, data, n);

        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0) {
            data += put;
            n -= (size_t)put;
        }
    }
    return 0;
}

static int sync_folder(const char *path)
{
    orc_auto_free char *folder = orc_strdup(path);
    char *slash = strrchr(folder, '/');
    orc_auto_close int fd = -1;

    if (slash)
        slash[slash == folder] = '\0';
    fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /* Some file systems can't sync a folder (EINVAL); the rename itself is done by then. */
    if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
        return -errno;
    return 0;
}

/* Fills and renames the open temporary file. */
static int replace(int fd, const char *tmp, const char *path, const void *data, size_t n, mode_t mode,
                   bool durable)
{
    int r = write_all(fd, data, n);

    if (r < 0)
        return r;
    if (fchmod(fd, mode) < 0 || (durable && fsync(fd) < 0) || rename(tmp, path) < 0)
        return -errno;
    return 0;
}

static int write_file(const char *path, const void *data, size_t n, mode_t mode, bool durable,
                      struct orc_err *err)
{
    orc_auto_free char *tmp = orc_printf("%s.tmp-XXXXXX", path);
    orc_auto_close int fd = mkostemp(tmp, O_CLOEXEC);
    int r;

    if (fd < 0)
        return orc_fail_errno(err, errno, "%s: no file can be created beside it", path);
    r = replace(fd, tmp, path, data, n, mode, durable);
    if (r < 0) {
        unlink(tmp);
        return orc_fail_errno(err, -r, "%s: can't be written", path);
    }
    r = durable ? sync_folder(path) : 0;
    if (r < 0)
        return orc_fail_errno(err, -r, "%s: is written, but its folder can't be synced to the disk", path);
    return 0;
}

int orc_file_write(const char *path, const void *data, size_t n, mode_t mode, struct orc_err *err)
{
    return write_file(path, data, n, mode, true, err);
}

int orc_file_write_soon(const char *path, const void *data, size_t n, mode_t mode, struct orc_err *err)
{
    return write_file(path, data, n, mode, false, err);
}

static int make_one(const char *path)
{
    struct stat st;

    if (mkdir(path, 0755) == 0)
        return 0;
    if (errno == EEXIST)
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
    return -errno;
}

int orc_file_mkdirs(const char *path, struct orc_err *err)
{
    orc_auto_free char *part = orc_strdup(path);
    char *p = part;
    int r;

    do {
        p += strspn(p, "/");
        p = strchrnul(p, '/');
        if (*p)
            *p = '\0';
        else
            p = NULL;
        r = *part ? make_one(part) : 0;
        if (r == -EACCES && geteuid() != 0)
            return orc_fail(
                err, r,
                "%s: the folder can't be created: permission denied; start this as root, or name a "
                "folder that it may write to",
                part);
        if (r < 0)
            return orc_fail_errno(err, -r, "%s: the folder can't be created", part);
        if (p)
            *p++ = '/';
    } while (p && *p);
    return 0;
}
