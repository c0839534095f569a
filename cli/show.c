#include "cli/show.h"

#include "cli/follow.h"
#include "cli/print.h"

#define AGES_MS 1000 /* a watched picture is drawn again for its ages alone */

struct showing {
    struct session s;
    const struct show *show;
    const void *what;
    bool watch;
    char *last; /* the picture drawn last: stays when the watching ends */
};

static bool is_live(const struct showing *w)
{
    return w->watch && w->s.out.live && w->s.out.form <= OUT_WIDE;
}

static char *picture(struct showing *w, struct cluster *c)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    if (!f)
        abort();
    w->show->print(&w->s.out, c, w->what, f);
    fclose(f);
    return text;
}

static void draw(struct showing *w, struct cluster *c)
{
    out_measure(&w->s.out);
    free(w->last);
    w->last = picture(w, c);
    print_picture(&w->s.out, w->last, stdout);
}

static bool on_change(struct cluster *c, void *arg)
{
    struct showing *w = arg;

    if (w->s.out.json) {
        (w->watch ? out_json_line : out_json)(w->show->document(c, w->what));
    } else if (is_live(w)) {
        draw(w, c);
    } else {
        w->show->print(&w->s.out, c, w->what, stdout);
        if (w->watch)
            putchar('\n');
    }
    fflush(stdout);
    return false;
}

static int once(struct showing *w, struct orc_err *err)
{
    struct cluster c;
    int r = session_read(&w->s, w->show->kinds, &c, err);

    if (r == 0 && w->show->check)
        r = w->show->check(&c, w->what, err);
    if (r == 0 && !w->watch)
        on_change(&c, w);
    cluster_release(&c);
    return r < 0 ? CLI_FAILED : CLI_DONE;
}

/* Ctrl-C is how one stops to watch: no failure. */
static void watch(struct showing *w)
{
    bool live = is_live(w);

    if (live)
        fputs("\033[?1049h", stdout); /* the terminal's second screen: what was there comes back */
    follow_run(&w->s, &(struct follow_opts){.kinds = w->show->kinds,
                                            .tick_ms = live ? AGES_MS : 0,
                                            .on_change = on_change,
                                            .shows = true,
                                            .arg = w});
    if (live)
        printf("\033[?1049l%s", w->last ? w->last : "");
    free(w->last);
}

int show_run(const struct show *show, struct show_args *a, const void *what, struct orc_err *err)
{
    struct showing w = {.show = show, .what = what, .watch = a->watch};
    int r;

    if (session_open(&w.s, &a->session, err) < 0)
        return CLI_USAGE;
    r = once(&w, err);
    if (r == CLI_DONE && a->watch)
        watch(&w);
    session_close(&w.s);
    return r;
}
