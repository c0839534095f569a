#include "cli/follow.h"

#include <signal.h>
#include <stdio.h>

#define CHANGES_MS 100 /* between two calls of on_change */
#define READER_MS 500  /* between two looks at whether stdout is still read */

struct follow {
    const struct follow_opts *opts;
    struct session *s;
    struct cluster cluster;
    struct view *view;
    uv_timer_t redraw, tick, deadline, reader;
    uv_signal_t interrupt, terminate;
    enum follow_end end;
    bool ended, synced, changed, troubled;
};

static void stop(struct follow *f, enum follow_end end)
{
    if (!f->ended)
        f->end = end;
    f->ended = true;
    uv_stop(&f->s->loop);
}

static void show(struct follow *f)
{
    if (f->ended || !f->synced || !f->changed)
        return;
    f->changed = false;
    if (f->opts->on_change && f->opts->on_change(&f->cluster, f->opts->arg))
        stop(f, FOLLOW_ENDED);
}

static void trouble(struct follow *f, char *sentence)
{
    if (f->opts->on_trouble)
        f->opts->on_trouble(sentence, f->opts->arg);
    else
        fprintf(stderr, "orc: %s\n", sentence);
    free(sentence);
}

/* ---- what the view says
 * -------------------------------------------------------------------------------------- */

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct follow *f = arg;
    struct cluster_entry *e = NULL;

    cluster_put(&f->cluster, kv->key, kv->value, kv->value_len, kv->create_revision, kv->mod_revision);
    f->changed = true;
    if (!f->opts->on_put || f->ended)
        return;
    HASH_FIND_STR(f->cluster.entries, kv->key, e);
    if (e)
        f->opts->on_put(e, f->opts->arg);
}

static void on_delete(const char *key, int64_t revision, void *arg)
{
    struct follow *f = arg;

    cluster_delete(&f->cluster, key);
    f->changed = true;
}

static void on_redraw(uv_timer_t *t)
{
    show(t->data);
}

static void on_batch(int64_t revision, void *arg)
{
    struct follow *f = arg;

    f->cluster.revision = revision;
    if (!f->synced) {
        f->synced = f->changed = true;
        show(f);
    }
    if (f->changed && !uv_is_active((uv_handle_t *)&f->redraw))
        uv_timer_start(&f->redraw, on_redraw, CHANGES_MS, 0);
}

static void on_state(enum view_state state, const char *why, void *arg)
{
    struct follow *f = arg;

    if (state == VIEW_LIVE) {
        if (f->troubled)
            trouble(f, orc_strdup("etcd answers again"));
        f->troubled = false;
    } else if (*why && !f->troubled) {
        f->troubled = true;
        trouble(f, orc_printf("%s; trying again", why));
    }
}

/* ---- timers and signals
 * -------------------------------------------------------------------------------------- */

static void on_deadline(uv_timer_t *t)
{
    stop(t->data, FOLLOW_TIMED_OUT);
}

static void on_tick(uv_timer_t *t)
{
    struct follow *f = t->data;

    f->changed = true;
    show(f);
}

static void on_reader(uv_timer_t *t)
{
    if (out_is_abandoned())
        stop(t->data, FOLLOW_INTERRUPTED);
}

static void on_signal(uv_signal_t *h, int signum)
{
    stop(h->data, FOLLOW_INTERRUPTED);
}

static void open_handles(struct follow *f)
{
    uv_loop_t *loop = &f->s->loop;

    uv_timer_init(loop, &f->redraw);
    uv_timer_init(loop, &f->tick);
    uv_timer_init(loop, &f->deadline);
    uv_timer_init(loop, &f->reader);
    uv_signal_init(loop, &f->interrupt);
    uv_signal_init(loop, &f->terminate);
    f->redraw.data = f->tick.data = f->deadline.data = f->reader.data = f->interrupt.data =
        f->terminate.data = f;
    if (f->opts->timeout_ms)
        uv_timer_start(&f->deadline, on_deadline, f->opts->timeout_ms, 0);
    if (f->opts->tick_ms)
        uv_timer_start(&f->tick, on_tick, f->opts->tick_ms, f->opts->tick_ms);
    if (f->opts->shows)
        uv_timer_start(&f->reader, on_reader, READER_MS, READER_MS);
    uv_signal_start(&f->interrupt, on_signal, SIGINT);
    uv_signal_start(&f->terminate, on_signal, SIGTERM);
}

static void on_closed(uv_handle_t *h)
{
    ++*(int *)h->data;
}

static void close_handles(struct follow *f)
{
    uv_handle_t *all[] = {(uv_handle_t *)&f->redraw,    (uv_handle_t *)&f->tick,
                          (uv_handle_t *)&f->deadline,  (uv_handle_t *)&f->reader,
                          (uv_handle_t *)&f->interrupt, (uv_handle_t *)&f->terminate};
    int closed = 0;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(all); i++) {
        all[i]->data = &closed;
        uv_close(all[i], on_closed);
    }
    while (closed < (int)ORC_ARRAY_SIZE(all))
        uv_run(&f->s->loop, UV_RUN_ONCE);
}

static void open_view(struct follow *f)
{
    struct orc_strv ranges = {0};
    const char **prefixes;

    for (size_t i = 0; f->opts->kinds[i] != KEY_UNKNOWN; i++) {
        orc_auto_free char *range = key_range(f->s->cluster, f->opts->kinds[i]);

        orc_strv_add(&ranges, range);
    }
    prefixes = orc_calloc(ranges.n + 1, sizeof *prefixes);
    for (size_t i = 0; i < ranges.n; i++)
        prefixes[i] = ranges.at[i];
    f->view = view_new(&f->s->loop, f->s->etcd,
                       &(struct view_opts){.prefixes = prefixes,
                                           .on_put = on_put,
                                           .on_delete = on_delete,
                                           .on_batch = on_batch,
                                           .on_state = on_state,
                                           .arg = f});
    free(prefixes);
    orc_strv_release(&ranges);
}

enum follow_end follow_run(struct session *s, const struct follow_opts *opts)
{
    struct follow f = {.s = s, .opts = opts};

    cluster_init(&f.cluster, s->cluster);
    open_handles(&f);
    open_view(&f);
    while (!f.ended)
        uv_run(&s->loop, UV_RUN_DEFAULT);
    view_free(f.view);
    close_handles(&f);
    cluster_release(&f.cluster);
    return f.end;
}
