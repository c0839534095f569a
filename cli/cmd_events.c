/* cmd_events.c - `orc events`: what happened, oldest first; with --follow what happens. */
#include "cli/cmd.h"
#include "cli/follow.h"
#include "cli/print_lists.h"
#include "lib/clock.h"

struct events_args {
    struct session_args session;
    uint64_t since_ms;
    bool follow;
};

struct events {
    const struct events_args *args;
    const struct out *out;
    const char *object; /* NULL: all */
    int64_t from;       /* wall ms; 0: all */
    json_t *list;       /* with -o json and without --follow */
};

static const enum key_kind event_kinds[] = {KEY_EVENT, KEY_UNKNOWN};

/* Whether a text has the word in it: "shop.web.0.3" is not in "shop.web.0.31 on k1". */
static bool has_word(const char *text, const char *word)
{
    for (const char *p = text; (p = strstr(p, word)) != NULL; p++)
        if ((p == text || p[-1] == ' ') && (!p[strlen(word)] || strchr(" ,:", p[strlen(word)])))
            return true;
    return false;
}

/* A service's events are those of its tasks, too; and several tasks that are made at once are in one event of
 * their service, which is each one's. */
static bool is_about(const struct record_event *e, const char *what)
{
    const char *slash = strchr(what, '/');
    orc_auto_free char *tasks = slash ? orc_printf("%.*s.%s.", (int)(slash - what), what, slash + 1) : NULL;
    struct key task;
    int64_t attempt;
    int slot;

    if (!e->object)
        return false;
    if (strstr(e->object, what) || (tasks && strncmp(e->object, tasks, strlen(tasks)) == 0))
        return true;
    return e->message && key_task_id_parse(what, &task, &slot, &attempt) == 0 && has_word(e->message, what);
}

static bool is_wanted(const struct events *ev, const struct cluster_entry *e)
{
    return e->key.kind == KEY_EVENT && !e->problem && e->as.event.at >= ev->from &&
           (!ev->object || is_about(&e->as.event, ev->object));
}

static void on_event(const struct cluster_entry *e, void *arg)
{
    struct events *ev = arg;

    if (!is_wanted(ev, e))
        return;
    if (ev->list)
        json_array_append_new(ev->list, record_event_to_json(&e->as.event));
    else if (ev->out->json)
        out_json_line(record_event_to_json(&e->as.event));
    else
        print_event(ev->out, &e->as.event, stdout);
    fflush(stdout);
}

static int need_cluster(struct session *s, struct orc_err *err)
{
    static const enum key_kind kinds[] = {KEY_CONFIG, KEY_UNKNOWN};
    struct cluster c;
    int r = session_read(s, kinds, &c, err);

    cluster_release(&c);
    return r;
}

static int once(struct session *s, struct events *ev, struct orc_err *err)
{
    struct cluster c;
    int r = session_load(s, event_kinds, &c, err);

    if (r < 0)
        return r;
    if (s->out.json)
        ev->list = json_array();
    cluster_sort(&c);
    for (const struct cluster_entry *e = c.entries; e; e = e->hh.next)
        on_event(e, ev);
    if (ev->list)
        out_json(ev->list);
    cluster_release(&c);
    return 0;
}

static int run(struct events_args *a, const char *object, struct orc_err *err)
{
    struct session s;
    struct events ev = {.args = a, .out = &s.out, .object = object};
    int r;

    if (session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    if (a->since_ms)
        ev.from = orc_wall_ms() - (int64_t)a->since_ms;
    r = need_cluster(&s, err);
    if (r == 0 && a->follow)
        follow_run(
            &s, &(struct follow_opts){.kinds = event_kinds, .on_put = on_event, .shows = true, .arg = &ev});
    else if (r == 0)
        r = once(&s, &ev, err);
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
         .help = "only the last 10m, 2h, ... (default: all that are kept)"},
        {.name = "follow",
         .letter = 'f',
         .kind = ORC_OPT_BOOL,
         .value = &a.follow,
         .help = "go on with what happens, until Ctrl-C; with -o json a document per line"},
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(
        table, argc, argv, &words, "orc events [WHAT] [--since DURATION] [--follow] [-o json]",
        "What happened, oldest first. WHAT: a part of an app's, service's, task's or node's name; "
        "APP/SERVICE is its tasks as well.");

    if (r < 0) {
        r = CLI_USAGE;
        if (words.n > 1)
            orc_fail(&err, -EINVAL,
                     "name one app, service, task or node at most, such as shop/orders, not %zu", words.n);
        else
            r = run(&a, words.n ? words.at[0] : NULL, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
