/* value.h - a value of the simulated store: its text, and what that text says, read once.
 *
 * A value never changes: a put makes another. So whoever looks at the store at some moment keeps it by its
 * count and copies nothing; reading the text each time took nine tenths of a simulation.
 */
#ifndef TESTS_SIM_VALUE_H
#define TESTS_SIM_VALUE_H

#include "lib/mem.h"
#include "state/record.h"

struct sim_value {
    char *text;
    int holders;
    enum key_kind kind;
    bool read, readable;
    union {
        struct record_task task;
        struct record_status status;
        struct record_rollout rollout;
    };
};

/* Takes the text; one holder. */
ORC_UNUSED static struct sim_value *sim_value_new(enum key_kind kind, char *text)
{
    struct sim_value *v = orc_new(struct sim_value);

    v->text = text;
    v->kind = kind;
    v->holders = 1;
    return v;
}

ORC_UNUSED static struct sim_value *sim_value_hold(struct sim_value *v)
{
    v->holders++;
    return v;
}

ORC_UNUSED static void sim_value_drop(struct sim_value *v)
{
    if (!v || --v->holders)
        return;
    if (v->readable && v->kind == KEY_TASK)
        record_task_release(&v->task);
    if (v->readable && v->kind == KEY_STATUS)
        record_status_release(&v->status);
    if (v->readable && v->kind == KEY_ROLLOUT)
        record_rollout_release(&v->rollout);
    free(v->text);
    free(v);
}

ORC_UNUSED static bool sim_value_read(struct sim_value *v)
{
    size_t n = v->read ? 0 : strlen(v->text);

    if (!v->read && v->kind == KEY_TASK)
        v->readable = record_task_parse(v->text, n, &v->task, NULL) == 0;
    else if (!v->read && v->kind == KEY_STATUS)
        v->readable = record_status_parse(v->text, n, &v->status, NULL) == 0;
    else if (!v->read && v->kind == KEY_ROLLOUT)
        v->readable = record_rollout_parse(v->text, n, &v->rollout, NULL) == 0;
    v->read = true;
    return v->readable;
}

/* What it says, valid while it is held; NULL: it is of another kind, or can't be read. */
ORC_UNUSED static const struct record_task *sim_value_task(struct sim_value *v)
{
    return v->kind == KEY_TASK && sim_value_read(v) ? &v->task : NULL;
}

ORC_UNUSED static const struct record_status *sim_value_status(struct sim_value *v)
{
    return v->kind == KEY_STATUS && sim_value_read(v) ? &v->status : NULL;
}

ORC_UNUSED static const struct record_rollout *sim_value_rollout(struct sim_value *v)
{
    return v->kind == KEY_ROLLOUT && sim_value_read(v) ? &v->rollout : NULL;
}

#endif
