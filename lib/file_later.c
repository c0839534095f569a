#include "lib/file_later.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <stdbool.h>
#include <string.h>

struct orc_file_later {
    uv_loop_t *loop;
    char *path;
    mode_t mode;
    void (*on_written)(int r, const struct orc_err *err, void *arg);
    void *arg;
    char *waiting; /* NULL: none */
    bool freed;
    /* while busy, the thread's: */
    bool busy;
    uv_work_t work;
    char *text;
    int r;
    struct orc_err err;
};

static void release(struct orc_file_later *f)
{
    free(f->path);
    free(f->waiting);
    free(f);
}

static void on_work(uv_work_t *work)
{
    struct orc_file_later *f = work->data;

    f->r = orc_file_write(f->path, f->text, strlen(f->text), f->mode, &f->err);
}

static void begin(struct orc_file_later *f);

static void on_done(uv_work_t *work, int status)
{
    struct orc_file_later *f = work->data;
    struct orc_err err = f->err;

    f->busy = false;
    free(f->text);
    f->text = NULL;
    if (f->waiting)
        begin(f);
    else if (f->freed)
        release(f);
    else if (f->on_written)
        f->on_written(f->r, &err, f->arg);
}

static void begin(struct orc_file_later *f)
{
    f->text = orc_take(f->waiting);
    f->err = (struct orc_err)ORC_ERR_INIT;
    f->work.data = f;
    f->busy = true;
    if (uv_queue_work(f->loop, &f->work, on_work, on_done) < 0)
        abort(); /* never: both functions are there */
}

struct orc_file_later *orc_file_later_new(uv_loop_t *loop, const char *path, mode_t mode,
                                          void (*on_written)(int r, const struct orc_err *err, void *arg),
                                          void *arg)
{
    struct orc_file_later *f = orc_new(struct orc_file_later);

    f->loop = loop;
    f->path = orc_strdup(path);
    f->mode = mode;
    f->on_written = on_written;
    f->arg = arg;
    return f;
}

void orc_file_later_write(struct orc_file_later *f, const char *text)
{
    orc_set_str(&f->waiting, text);
    if (!f->busy)
        begin(f);
}

struct orc_file_later *orc_file_later_free(struct orc_file_later *f)
{
    if (!f)
        return NULL;
    f->freed = true;
    if (!f->busy)
        release(f);
    return NULL;
}
