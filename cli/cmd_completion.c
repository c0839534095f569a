/* cmd_completion.c - `orc completion`: the scripts for shells, and the words that they ask for. */
#include "cli/cmd.h"
#include "cli/complete.h"
#include "cli/contexts.h"
#include "cli/text.h"
#include "lib/embed.h"
#include "lib/units.h"
#include "state/etcd_sync.h"

#define PATIENCE_MS 700 /* then the words that are known without the cluster must do */

ORC_EMBED(completion_bash, "cli/completion/orc.bash");
ORC_EMBED(completion_zsh, "cli/completion/orc.zsh");
ORC_EMBED(completion_fish, "cli/completion/orc.fish");

static const struct {
    const char *shell, *script;
} scripts[] = {{"bash", completion_bash}, {"zsh", completion_zsh}, {"fish", completion_fish}};

/* ---- names of the cluster ---------------------------------------------------------------------------- */

static void add_app(const struct cluster_entry *e, struct completion *c)
{
    const struct record_app_service *s;

    if (c->wants & COMPLETE_APPS)
        completion_add(c, e->key.app, NULL);
    orc_vec_each (s, &e->as.app.services) {
        orc_auto_free char *name = orc_printf("%s/%s", e->key.app, s->name);
        orc_auto_free char *scaled = orc_printf("%s=", name);

        if (c->wants & COMPLETE_SERVICES)
            completion_add(c, name, NULL);
        if (c->wants & COMPLETE_SCALED)
            completion_add(c, scaled, NULL);
    }
}

static void add_entry(const struct cluster_entry *e, struct completion *c)
{
    if (e->problem)
        return;
    if (e->key.kind == KEY_APP)
        add_app(e, c);
    else if (e->key.kind == KEY_TASK)
        completion_add(c, e->key.task, e->key.node);
    else if (e->key.kind == KEY_NODE)
        completion_add(c, e->key.node, e->as.node.address);
}

/* Their keys say all that is needed. */
static void add_revisions(struct session *s, struct completion *c)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1], number[ORC_UNIT_MAX];
    orc_auto_free char *all = key_range(s->cluster, KEY_REVISION), *prefix = NULL;
    struct orc_err ignored = ORC_ERR_INIT;
    struct etcd_answer a = {0};

    if (session_split(c->before, false, app, service, &ignored) < 0)
        return;
    prefix = orc_printf("%s%s/%s/", all, app, service);
    etcd_sync_range(s->etcd, &s->loop, prefix, 0, &a, &ignored);
    for (size_t i = 0; i < a.kvs.n; i++) {
        struct key k;

        if (key_parse(s->cluster, a.kvs.at[i].key, &k) == KEY_REVISION)
            completion_add(c, orc_format_int(k.n, number), NULL);
    }
    etcd_answer_release(&a);
}

/* The ranges that are wanted, ended by KEY_UNKNOWN. */
static void choose_kinds(unsigned wants, enum key_kind ret[4])
{
    size_t n = 0;

    if (wants & (COMPLETE_APPS | COMPLETE_SERVICES | COMPLETE_SCALED))
        ret[n++] = KEY_APP;
    if (wants & COMPLETE_TASKS)
        ret[n++] = KEY_TASK;
    if (wants & COMPLETE_NODES)
        ret[n++] = KEY_NODE;
    ret[n] = KEY_UNKNOWN;
}

/* Which cluster the command line that is being completed is about: those of its words that are options of
 * every command. */
static int read_where(const struct orc_strv *words, struct session_args *a, struct orc_err *err)
{
    const struct orc_option table[] = {SESSION_OPTIONS(a), {0}};
    struct orc_strv args = {0};
    int r;

    orc_strv_add(&args, "orc");
    for (size_t i = 1; i + 1 < words->n; i++)
        for (const struct orc_option *o = table; o->name; o++) {
            size_t n = strlen(o->name);
            const char *word = words->at[i];

            if (strncmp(word, "--", 2) != 0 || strncmp(word + 2, o->name, n) != 0 || o->kind == ORC_OPT_BOOL)
                continue;
            if (word[n + 2] == '=')
                orc_strv_add(&args, word);
            else if (!word[n + 2] && i + 2 < words->n) {
                orc_strv_add(&args, word);
                orc_strv_add(&args, words->at[i + 1]);
            }
        }
    r = orc_options_parse(table, (int)args.n, args.at, NULL, err);
    orc_strv_release(&args);
    free(a->output); /* of the other command */
    a->output = NULL;
    return r;
}

static void add_entries(struct session *s, struct completion *c)
{
    struct orc_err ignored = ORC_ERR_INIT;
    struct cluster cluster;
    enum key_kind kinds[4];

    choose_kinds(c->wants, kinds);
    if (session_load(s, kinds, &cluster, &ignored) < 0)
        return;
    cluster_sort(&cluster);
    for (const struct cluster_entry *e = cluster.entries; e; e = e->hh.next)
        add_entry(e, c);
    cluster_release(&cluster);
}

static void ask_cluster(const struct orc_strv *words, struct completion *c)
{
    struct session_args a = {.timeout_ms = PATIENCE_MS};
    struct orc_err ignored = ORC_ERR_INIT;
    struct session s;

    if (!(c->wants & ~(unsigned)(COMPLETE_CONTEXTS | COMPLETE_FILES)))
        return;
    if (read_where(words, &a, &ignored) == 0 && session_open(&s, &a, &ignored) == 0) {
        if (c->wants & COMPLETE_REVISIONS)
            add_revisions(&s, c);
        else
            add_entries(&s, c);
        session_close(&s);
    }
    session_args_release(&a);
}

static void add_contexts(struct completion *c)
{
    struct orc_err ignored = ORC_ERR_INIT;
    struct contexts all;
    const struct context *x;

    if (!(c->wants & COMPLETE_CONTEXTS) || contexts_load(&all, &ignored) < 0)
        return;
    orc_vec_each (x, &all.all)
        completion_add(c, x->name, x->etcd.at[0]);
    contexts_release(&all);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

/* A word a line, with a tab and what it is behind it where that is known; ":files" where the shell's own
 * names of files fit. Nothing is ever said on stderr: the operator is in the middle of a line. */
static void print_words(const struct orc_strv *words)
{
    struct completion c;

    complete(words, &c);
    add_contexts(&c);
    ask_cluster(words, &c);
    for (size_t i = 0; i < c.words.n; i++) {
        orc_auto_free char *about = text_safe(c.abouts.at[i]);

        printf("%s%s%s%s\n", c.prefix, c.words.at[i], *about ? "\t" : "", about);
    }
    if (c.wants & COMPLETE_FILES)
        puts(":files");
    completion_release(&c);
}

static int run(const struct orc_strv *words, struct orc_err *err)
{
    if (words->n && orc_streq(words->at[0], "words")) {
        print_words(&(struct orc_strv){.at = words->at + 1, .n = words->n - 1}); /* borrowed */
        return CLI_DONE;
    }
    for (size_t i = 0; words->n == 1 && i < ORC_ARRAY_SIZE(scripts); i++)
        if (orc_streq(words->at[0], scripts[i].shell)) {
            fputs(scripts[i].script, stdout);
            return CLI_DONE;
        }
    orc_fail(err, -EINVAL, "name one shell, bash, zsh or fish: `source <(orc completion bash)`");
    return CLI_USAGE;
}

int cmd_completion(int argc, char **argv)
{
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {{0}};
    int r = cmd_options(
        table, argc, argv, &words, "orc completion bash|zsh|fish",
        "Prints the script by which a shell completes orc's commands, options and names of services, "
        "tasks and servers. It asks `orc completion words -- WORD...`, which prints what may stand in "
        "place of the last WORD.");

    if (r < 0) {
        r = run(&words, &err);
        cmd_end(NULL, r, &err, NULL);
    }
    orc_strv_release(&words);
    return r;
}
