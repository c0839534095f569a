#include "cli/complete.h"

#include <ctype.h>

#define FORM_WORDS_MAX 8 /* of a form; more are not looked at */

static const struct {
    const char *name;
    unsigned want;
} placeholders[] = {
    {"APP", COMPLETE_APPS},
    {"APP/SERVICE", COMPLETE_SERVICES},
    {"APP[/SERVICE]", COMPLETE_APPS | COMPLETE_SERVICES},
    {"APP/SERVICE=N", COMPLETE_SCALED},
    {"TASK", COMPLETE_TASKS},
    {"NODE", COMPLETE_NODES},
    {"WHAT", COMPLETE_SERVICES | COMPLETE_TASKS | COMPLETE_NODES},
    {"CONTEXT", COMPLETE_CONTEXTS},
    {"REVISION", COMPLETE_REVISIONS},
    {"FILE", COMPLETE_FILES},
    {"DIR", COMPLETE_FILES},
    {"SOCKET", COMPLETE_FILES},
};

void completion_add(struct completion *c, const char *word, const char *about)
{
    if (strncmp(word, c->word, strlen(c->word)) != 0)
        return;
    orc_strv_add(&c->words, word);
    orc_strv_add(&c->abouts, about ? about : "");
}

void completion_release(struct completion *c)
{
    free(c->prefix);
    free(c->word);
    free(c->before);
    orc_strv_release(&c->words);
    orc_strv_release(&c->abouts);
}

static void add_commands(struct completion *c)
{
    for (const struct command *x = commands; x->name; x++)
        completion_add(c, x->name, x->summary);
}

/* ---- alternatives: "cordon|uncordon", "APP/SERVICE|TASK" --------------------------------------------- */

/* The next of them, freed by the caller; NULL: none is left. A "|" within brackets does not divide. */
static char *next_alternative(const char **at)
{
    const char *p = *at;
    char *one;
    int depth = 0;

    if (!*p)
        return NULL;
    for (; *p && (depth > 0 || *p != '|'); p++)
        depth += (*p == '[') - (*p == ']');
    one = orc_strndup(*at, (size_t)(p - *at));
    *at = p + (*p == '|');
    return one;
}

static bool stands_for_itself(const char *alternative)
{
    return islower((unsigned char)*alternative);
}

static void want(struct completion *c, const char *alternative)
{
    if (stands_for_itself(alternative))
        completion_add(c, alternative, NULL);
    else if (orc_streq(alternative, "COMMAND"))
        add_commands(c);
    else
        for (size_t i = 0; i < ORC_ARRAY_SIZE(placeholders); i++)
            if (orc_streq(alternative, placeholders[i].name))
                c->wants |= placeholders[i].want;
}

static void want_any(struct completion *c, const char *alternatives)
{
    for (const char *at = alternatives;;) {
        orc_auto_free char *one = next_alternative(&at);

        if (!one)
            return;
        want(c, one);
    }
}

/* Whether a word may stand there: what is no literal may be anything. */
static bool admits(const char *alternatives, const char *word)
{
    for (const char *at = alternatives;;) {
        orc_auto_free char *one = next_alternative(&at);

        if (!one)
            return false;
        if (*one != '-' && (!stands_for_itself(one) || orc_streq(one, word)))
            return true;
    }
}

/* ---- the forms of a usage line ----------------------------------------------------------------------- */

struct form {
    struct orc_strv words;
    bool repeats; /* the last of them */
};

/* Adds a word of a usage line to the form, without its brackets; options are left out. */
static void add_word(struct form *f, const char *text, size_t n)
{
    orc_auto_free char *word = NULL;

    if (n > 2 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (*text == '-' || f->words.n == FORM_WORDS_MAX)
        return;
    f->repeats = n > 3 && strncmp(text + n - 3, "...", 3) == 0;
    word = orc_strndup(text, f->repeats ? n - 3 : n);
    orc_strv_add(&f->words, word);
}

/* Bytes of the word at s: up to a blank that is not within brackets. */
static size_t word_length(const char *s)
{
    size_t n = 0;
    int depth = 0;

    for (; s[n] && (depth > 0 || s[n] != ' '); n++)
        depth += (s[n] == '[') - (s[n] == ']');
    return n;
}

/* Reads one form from *at on and moves it behind. False: there is none. */
static bool next_form(const char **at, struct form *ret)
{
    const char *s = *at + strspn(*at, " ");

    *ret = (struct form){0};
    if (!*s)
        return false;
    while (*s) {
        size_t n = word_length(s);

        if (n == 1 && *s == '|') {
            s++;
            break;
        }
        add_word(ret, s, n);
        s += n;
        s += strspn(s, " ");
    }
    *at = s;
    return true;
}

static const char *word_of(const struct form *f, size_t i)
{
    if (i < f->words.n)
        return f->words.at[i];
    return f->repeats && f->words.n ? f->words.at[f->words.n - 1] : NULL;
}

/* What may come after the words given, by every form that has begun with them. */
static void complete_word(const char *usage, const struct orc_strv *given, struct completion *c)
{
    const char *at = usage;
    struct form f;

    for (int skipped = 0; skipped < 2; skipped++) { /* "orc", and the command */
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
    while (next_form(&at, &f)) {
        bool begun = true;

        for (size_t i = 0; i < given->n && begun; i++)
            begun = word_of(&f, i) && admits(word_of(&f, i), given->at[i]);
        if (begun && word_of(&f, given->n))
            want_any(c, word_of(&f, given->n));
        orc_strv_release(&f.words);
    }
}

/* ---- options ----------------------------------------------------------------------------------------- */

static const struct orc_option *find_option(const struct orc_option *table, const char *word)
{
    size_t n = strcspn(word + 2, "=");

    for (const struct orc_option *o = table; o->name; o++)
        if (word[1] == '-' ? strlen(o->name) == n && strncmp(o->name, word + 2, n) == 0
                           : o->letter && word[1] == o->letter && !word[2])
            return o;
    return NULL;
}

static bool is_option(const char *word)
{
    return word[0] == '-' && word[1];
}

/* The option whose value comes after this word, or NULL. */
static const struct orc_option *awaits_value(const struct orc_option *table, const char *word)
{
    const struct orc_option *o = is_option(word) && !strchr(word, '=') ? find_option(table, word) : NULL;

    return o && o->kind != ORC_OPT_BOOL ? o : NULL;
}

static void add_options(const struct orc_option *table, struct completion *c)
{
    for (; table->name; table++) {
        orc_auto_free char *word = orc_printf("--%s", table->name);

        completion_add(c, word, table->help);
    }
}

static void complete_value(const struct orc_option *o, struct completion *c)
{
    if (o->meta)
        want_any(c, o->meta);
}

/* "--node=k": everything up to the "=" is a prefix. */
static bool complete_attached(const struct orc_option *table, const char *last, struct completion *c)
{
    const char *equals = strchr(last, '=');
    const struct orc_option *o = strncmp(last, "--", 2) == 0 && equals ? find_option(table, last) : NULL;

    if (!o)
        return false;
    free(c->prefix);
    free(c->word);
    c->prefix = orc_strndup(last, (size_t)(equals + 1 - last));
    c->word = orc_strdup(equals + 1);
    complete_value(o, c);
    return true;
}

static void begin(const char *last, struct completion *ret)
{
    *ret = (struct completion){.prefix = orc_strdup(""), .word = orc_strdup(last), .before = orc_strdup("")};
}

void complete_command(const struct manual *m, const struct orc_strv *words, struct completion *ret)
{
    const char *last = words->at[words->n - 1];
    const struct orc_option *awaiting = NULL;
    struct orc_strv given = {0};

    begin(last, ret);
    for (size_t i = 1; i + 1 < words->n; i++) {
        const char *word = words->at[i];

        if (!awaiting && !is_option(word))
            orc_strv_add(&given, word);
        awaiting = awaiting ? NULL : awaits_value(m->options, word);
    }
    if (given.n)
        orc_set_str(&ret->before, given.at[given.n - 1]);
    if (awaiting) {
        complete_value(awaiting, ret);
    } else if (*last == '-') {
        if (!complete_attached(m->options, last, ret)) {
            add_options(m->options, ret);
            add_options(orc_options_always, ret);
        }
    } else {
        complete_word(m->usage, &given, ret);
    }
    orc_strv_release(&given);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

struct asking {
    const struct orc_strv *words;
    struct completion *ret;
};

static void on_manual(const struct manual *m, void *arg)
{
    struct asking *a = arg;

    complete_command(m, a->words, a->ret);
}

void complete(const struct orc_strv *words, struct completion *ret)
{
    const struct command *c = words->n > 1 ? command_find(words->at[0]) : NULL;

    if (c) {
        command_manual(c, on_manual, &(struct asking){words, ret});
        return;
    }
    begin(words->n ? words->at[words->n - 1] : "", ret);
    if (words->n > 1)
        return;
    add_commands(ret);
    if (*ret->word == '-')
        add_options(orc_options_always, ret);
}
