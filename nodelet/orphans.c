/* orphans.c - containers with our label that belong to no task: reported, never touched ("What absence
 * means"). Kept by task id: the task may still come. */
#include "nodelet/task.h"

#include "lib/buf.h"

#include <stdio.h>
#include <string.h>

struct orphan {
    char task[TASK_ID_MAX + 1]; /* or a sidecar's, with its name */
    UT_hash_handle hh;
};

void orphans_report(struct agent *a)
{
    struct orc_buf b = ORC_BUF_INIT(600);
    struct orphan *o, *next;
    unsigned n = HASH_COUNT(a->unclaimed);
    orc_auto_free char *names = NULL, *text = NULL;

    HASH_ITER (hh, a->unclaimed, o, next)
        if (orc_buf_printf(&b, "%s" CONTAINER_NAME_PREFIX "%s", b.len ? ", " : "", o->task) < 0)
            break;
    names = orc_buf_take(&b);
    if (n)
        text = orc_printf("%u containers of this cluster belong to no task and are left alone: %s", n, names);
    if (orc_streq(text, a->orphans))
        return;
    orc_set_str(&a->orphans, text);
    a->opts.on_orphans(text, a->opts.arg);
}

void orphans_add(struct agent *a, const char *task)
{
    struct orphan *o;

    HASH_FIND_STR(a->unclaimed, task, o);
    if (o || strlen(task) > TASK_ID_MAX || !*task)
        return;
    o = orc_new(struct orphan);
    snprintf(o->task, sizeof o->task, "%s", task);
    HASH_ADD_STR(a->unclaimed, task, o);
}

void orphans_clear(struct agent *a)
{
    struct orphan *o, *next;

    HASH_ITER (hh, a->unclaimed, o, next) {
        HASH_DEL(a->unclaimed, o);
        free(o);
    }
}

bool orphans_claim(struct agent *a, const char *task)
{
    struct orphan *o;

    HASH_FIND_STR(a->unclaimed, task, o);
    if (!o)
        return false;
    HASH_DEL(a->unclaimed, o);
    free(o);
    return true;
}
