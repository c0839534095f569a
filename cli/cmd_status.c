/* cmd_status.c - `orc status`: is it up, and if not, why not. */
#include "cli/cmd.h"
#include "cli/brain.h"
#include "cli/change.h"
#include "cli/print.h"
#include "cli/wait.h"
#include "lib/clock.h"

#define AGES_MS 1000 /* a watched picture is drawn again for its ages alone */

#define ASKED_MOST 20000 /* keys: of a larger cluster the text leaves out what the core must be asked for */

struct status_args {
    struct session_args session;
    bool watch;
};

struct status {
    struct out *out;
    const char *only;
    bool watch;
    char *last; /* the picture drawn last: stays when the watching ends */
};

static char *picture(const struct status *st, const struct report *r)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    if (!f)
        abort();
    print_status(st->out, r, st->only != NULL, f);
    fclose(f);
    return text;
}

static bool on_change(struct cluster *c, void *arg)
{
    struct status *st = arg;
    struct report r;

    report_build(c, st->only, orc_wall_ms(), &r);
    if (st->out->json || (!st->only && HASH_COUNT(c->entries) <= ASKED_MOST)) {
        struct core *core = brain_new(c, orc_wall_ms());

        report_explain(core, &r);
        core_free(core);
    }
    if (st->out->json) {
        (st->watch ? out_json_line : out_json)(report_to_json(&r));
    } else if (st->watch && st->out->terminal) {
        out_measure(st->out);
        free(st->last);
        st->last = picture(st, &r);
        print_picture(st->out, st->last, stdout);
    } else {
        print_status(st->out, &r, st->only != NULL, stdout);
        if (st->watch)
            putchar('\n');
    }
    fflush(stdout);
    report_release(&r);
    return false;
}

/* What was named must be there, or have been: its rollout or its containers may outlive it. */
static int check_name(const struct session *s, const struct cluster *c, const char *only, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];

    if (!only)
        return 0;
    if (session_split(only, true, app, service, err) < 0)
        return -EINVAL;
    if (service[0] ? cluster_wanted(c, app, service) != NULL
                   : cluster_find(c, key_app(s->cluster, app)) != NULL)
        return 0;
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_ROLLOUT && orc_streq(e->key.app, app) &&
            (!service[0] || orc_streq(e->key.service, service)))
            return 0;
    return change_no_service(c, app, service, err);
}

static int once(struct session *s, struct status *st, struct orc_err *err)
{
    struct cluster c;
    int r = session_read(s, wait_report_kinds, &c, err);

    if (r == 0)
        r = check_name(s, &c, st->only, err);
    if (r == 0 && !st->watch)
        on_change(&c, st);
    cluster_release(&c);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

/* Ctrl-C is how one stops to watch: no failure. */
static void watch(struct session *s, struct status *st)
{
    bool live = s->out.terminal && !s->out.json;

    if (live)
        fputs("\033[?1049h", stdout); /* the terminal's second screen: what was there comes back */
    follow_run(s, &(struct follow_opts){.kinds = wait_report_kinds,
                                        .tick_ms = live ? AGES_MS : 0,
                                        .on_change = on_change,
                                        .shows = true,
                                        .arg = st});
    if (live)
        printf("\033[?1049l%s", st->last ? st->last : "");
    free(st->last);
}

static int run(struct status_args *a, const struct orc_strv *words, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
    struct session s;
    struct status st = {.out = &s.out, .watch = a->watch};
    int r;

    if (words->n > 1) {
        orc_fail(err, -EINVAL, "one app or service at a time, not %zu", words->n);
        return CLI_USAGE;
    }
    if (words->n == 1 && session_split(words->at[0], true, app, service, err) < 0)
        return CLI_USAGE;
    if (session_open(&s, &a->session, err) < 0)
        return CLI_USAGE;
    st.only = words->n ? words->at[0] : NULL;
    r = once(&s, &st, err);
    if (r == CLI_DONE && a->watch)
        watch(&s, &st);
    session_close(&s);
    return r;
}

int cmd_status(int argc, char **argv)
{
    struct status_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        {.name = "watch",
         .letter = 'w',
         .kind = ORC_OPT_BOOL,
         .value = &a.watch,
         .help = "again with each change, until Ctrl-C; with -o json a document per line"},
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r =
        cmd_options(table, argc, argv, &words, "orc status [APP[/SERVICE]] [-o json] [--watch]",
                    "Services, replicas and nodes, and the reason for everything that is not as desired.");

    if (r < 0) {
        r = run(&a, &words, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
