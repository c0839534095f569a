/* text.c - values of the simulated store: shared by their count, and read once. */
#include "tests/sim/store.h"

struct sim_text *sim_text_new(enum key_kind kind, const char *text, size_t n)
{
    struct sim_text *t = orc_calloc(1, sizeof *t + n + 1);
    char *copy = (char *)(t + 1);

    memcpy(copy, text, n);
    t->at = copy;
    t->n = n;
    t->kind = kind;
    t->holders = 1;
    return t;
}

struct sim_text *sim_text_hold(struct sim_text *t)
{
    t->holders++;
    return t;
}

static void release(struct sim_text *t)
{
    if (t->kind == KEY_TASK)
        record_task_release(&t->as.task);
    else if (t->kind == KEY_STATUS)
        record_status_release(&t->as.status);
    else if (t->kind == KEY_ROLLOUT)
        record_rollout_release(&t->as.rollout);
    else if (t->kind == KEY_ENDPOINT)
        record_endpoint_release(&t->as.endpoint);
    else if (t->kind == KEY_APP)
        record_app_release(&t->as.app);
    else if (t->kind == KEY_ALIVE)
        record_alive_release(&t->as.alive);
}

void sim_text_drop(struct sim_text *t)
{
    if (!t || --t->holders)
        return;
    if (t->readable)
        release(t);
    free(t);
}

static bool parse(struct sim_text *t)
{
    switch (t->kind) {
    case KEY_TASK:
        return record_task_parse(t->at, t->n, &t->as.task, NULL) == 0;
    case KEY_STATUS:
        return record_status_parse(t->at, t->n, &t->as.status, NULL) == 0;
    case KEY_ROLLOUT:
        return record_rollout_parse(t->at, t->n, &t->as.rollout, NULL) == 0;
    case KEY_ENDPOINT:
        return record_endpoint_parse(t->at, t->n, &t->as.endpoint, NULL) == 0;
    case KEY_APP:
        return record_app_parse(t->at, t->n, &t->as.app, NULL) == 0;
    case KEY_ALIVE:
        return record_alive_parse(t->at, t->n, &t->as.alive, NULL) == 0;
    default:
        return false;
    }
}

static bool reads_as(struct sim_text *t, enum key_kind kind)
{
    if (!t || t->kind != kind)
        return false;
    if (!t->parsed)
        t->readable = parse(t);
    t->parsed = true;
    return t->readable;
}

const struct record_task *sim_text_task(struct sim_text *t)
{
    return reads_as(t, KEY_TASK) ? &t->as.task : NULL;
}

const struct record_status *sim_text_status(struct sim_text *t)
{
    return reads_as(t, KEY_STATUS) ? &t->as.status : NULL;
}

const struct record_rollout *sim_text_rollout(struct sim_text *t)
{
    return reads_as(t, KEY_ROLLOUT) ? &t->as.rollout : NULL;
}

const struct record_endpoint *sim_text_endpoint(struct sim_text *t)
{
    return reads_as(t, KEY_ENDPOINT) ? &t->as.endpoint : NULL;
}

const struct record_app *sim_text_app(struct sim_text *t)
{
    return reads_as(t, KEY_APP) ? &t->as.app : NULL;
}

const struct record_alive *sim_text_alive(struct sim_text *t)
{
    return reads_as(t, KEY_ALIVE) ? &t->as.alive : NULL;
}
