#include "lib/file_append.h"

#include "lib/buf.h"
#include "lib/mem.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

struct orc_file_append {
    uv_loop_t *loop;
    char *path;
    int fd;
    void (*on_failed)(const struct orc_err *err, void *arg);
    void *arg;
    struct orc_buf waiting;
    bool failed, freed;
    /* while busy, the thread's: */
    bool busy;
    uv_work_t work;
    struct orc_buf writing;
    int error; /* errno */
};

static void release(struct orc_file_append *f)
{
    close(f->fd);
    orc_buf_release(&f->waiting);
    orc_buf_release(&f->writing);
    free(f->path);
    free(f);
}

static void on_work(uv_work_t *work)
{
    struct orc_file_append *f = work->data;
    size_t done = 0;

    while (done < f->writing.len) {
        ssize_t n = write(f->fd, f->writing.data + done, f->writing.len - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            f->error = errno;
            return;
        }
        done += (size_t)n;
    }
}

static void begin(struct orc_file_append *f);

static void fail(struct orc_file_append *f)
{
    struct orc_err err = ORC_ERR_INIT;

    f->failed = true;
    orc_buf_release(&f->waiting);
    orc_fail_errno(&err, f->error, "%s can't be written", f->path);
    if (f->on_failed && !f->freed)
        f->on_failed(&err, f->arg);
}

static void on_done(uv_work_t *work, int status)
{
    struct orc_file_append *f = work->data;

    f->busy = false;
    orc_buf_clear(&f->writing);
    if (f->error && !f->failed)
        fail(f);
    if (f->waiting.len)
        begin(f);
    else if (f->freed)
        release(f);
}

static void begin(struct orc_file_append *f)
{
    struct orc_buf empty = f->writing;

    f->writing = f->waiting;
    f->waiting = empty;
    f->work.data = f;
    f->busy = true;
    if (uv_queue_work(f->loop, &f->work, on_work, on_done) < 0)
        abort(); /* never: both functions are there */
}

static int create(const char *path, mode_t mode, struct orc_err *err)
{
    orc_auto_free char *old = orc_printf("%s.old", path);
    int fd;

    if (rename(path, old) < 0 && errno != ENOENT)
        return orc_fail_errno(err, errno, "%s can't be kept as %s", path, old);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, mode);
    return fd < 0 ? orc_fail_errno(err, errno, "%s can't be made", path) : fd;
}

struct orc_file_append *orc_file_append_new(uv_loop_t *loop, const char *path, mode_t mode,
                                            void (*on_failed)(const struct orc_err *err, void *arg),
                                            void *arg, struct orc_err *err)
{
    int fd = create(path, mode, err);
    struct orc_file_append *f;

    if (fd < 0)
        return NULL;
    f = orc_new(struct orc_file_append);
    f->loop = loop;
    f->path = orc_strdup(path);
    f->fd = fd;
    f->on_failed = on_failed;
    f->arg = arg;
    orc_buf_init(&f->waiting, SIZE_MAX);
    orc_buf_init(&f->writing, SIZE_MAX);
    return f;
}

void orc_file_append_add(struct orc_file_append *f, const void *data, size_t n)
{
    if (f->failed)
        return;
    orc_buf_add(&f->waiting, data, n);
    if (!f->busy)
        begin(f);
}

size_t orc_file_append_waiting(const struct orc_file_append *f)
{
    return f->waiting.len + f->writing.len;
}

struct orc_file_append *orc_file_append_free(struct orc_file_append *f)
{
    if (!f)
        return NULL;
    f->freed = true;
    if (!f->busy)
        release(f);
    return NULL;
}
