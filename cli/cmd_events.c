/* cmd_events.c - `orc events`: what happened, oldest first. */
#include "cli/cmd.h"
#include "lib/clock.h"

struct events_args {
    struct session_args session;
    uint64_t since_ms;
};

static void print_one(const struct out *o, const struct record_event *e)
{
    char time[ORC_TIME_MAX];

    printf("%s%s%s  %-9s %-24s %s %s(%s)%s\n", out_begin(o, OUT_DIM), orc_format_time(e->at, time),
           out_end(o, OUT_DIM), e->type, e->object, e->message, out_begin(o, OUT_DIM), e->by ? e->by : "?",
           out_end(o, OUT_DIM));
}

static int run(const struct events_args *a, const char *object, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_EVENT, KEY_UNKNOWN};
    orc_auto_json json_t *all = json_array();
    struct cluster_entry *e, *next;
    struct session s;
    struct cluster c;
    int r;

    if (session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    r = session_load(&s, kinds, &c, err);
    if (r == 0) {
        cluster_sort(&c);
        HASH_ITER (hh, c.entries, e, next) {
            const struct record_event *ev = &e->as.event;

            if (e->key.kind != KEY_EVENT || e->problem ||
                (a->since_ms && ev->at < orc_wall_ms() - (int64_t)a->since_ms) ||
                (object && !strstr(ev->object, object)))
                continue;
            if (s.out.json)
                json_array_append_new(all, record_event_to_json(ev));
            else
                print_one(&s.out, ev);
        }
        r = session_need_config(&s, &c, err);
        if (r == 0 && s.out.json)
            out_json(json_incref(all));
        cluster_release(&c);
    }
    session_close(&s);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_events(int argc, char **argv)
{
    struct events_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "since",
         .kind = ORC_OPT_MS,
         .value = &a.since_ms,
         .meta = "DURATION",
         .help = "only the last 10m, 2h, ..."},
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(
        table, argc, argv, &words, "orc events [WHAT] [--since DURATION] [-o json]",
        "What happened, oldest first. WHAT: a part of an app's, service's, task's or node's name.");

    if (r < 0) {
        r = run(&a, words.n ? words.at[0] : NULL, &err);
        if (r != CLI_DONE)
            cmd_fail(r, &err);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
