#include "lib/options_internal.h"

#include "lib/buf.h"
#include "lib/units.h"
#include "lib/version.h"

#include <inttypes.h>
#include <string.h>

#define HELP_COLUMN 28
#define MAX_WORD 64 /* longer words are near to nothing */

static size_t count(const struct orc_option *table)
{
    size_t n = 0;

    while (table[n].name)
        n++;
    return n;
}

int options_find(const struct orc_option *table, const char *name, size_t n)
{
    for (int i = 0; table[i].name; i++)
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
            return i;
    return -1;
}

static int find_letter(const struct orc_option *table, char letter)
{
    for (int i = 0; table[i].name; i++)
        if (table[i].letter && table[i].letter == letter)
            return i;
    return -1;
}

int options_unknown(const struct orc_option *table, const char *prefix, const char *name, struct orc_err *err)
{
    orc_auto_free const char **names = orc_calloc(count(table) + 3, sizeof *names);
    const char *near, *dashes = strncmp(prefix, "unknown option --", 17) == 0 ? "--" : "";
    size_t n = 0;

    for (; table[n].name; n++)
        names[n] = table[n].name;
    if (*dashes)
        for (size_t i = 0; orc_options_always[i].name; i++)
            names[n++] = orc_options_always[i].name;
    near = orc_nearest(name, names);
    if (near)
        return orc_fail(err, -EINVAL, "%s%.64s; did you mean %s%s?", prefix, name, dashes, near);
    return orc_fail(err, -EINVAL, "%s%.64s; %s", prefix, name,
                    *dashes ? "--help lists the known ones" : "the options are those of --help");
}

static int add_given(struct options_given *given, const char *where, const char *value)
{
    orc_set_str(&given->where, where);
    orc_strv_add(&given->values, value);
    return 0;
}

struct cursor {
    const struct orc_option *table;
    struct options_given *given;
    char **argv;
    int argc, at; /* argv[at] is being read */
    struct orc_strv words;
    struct orc_err *err;
};

/* The value behind an option: what is attached to it, or the next word. */
static int take_value(struct cursor *c, int option, const char *where, const char *attached)
{
    const struct orc_option *o = &c->table[option];

    if (attached)
        return add_given(&c->given[option], where, attached);
    if (o->kind == ORC_OPT_BOOL)
        return add_given(&c->given[option], where, "true");
    if (c->at + 1 >= c->argc)
        return orc_fail(c->err, -EINVAL, "option %s needs a value: %s %s", where, where,
                        o->meta ? o->meta : "VALUE");
    return add_given(&c->given[option], where, c->argv[++c->at]);
}

static int read_long(struct cursor *c, const char *word)
{
    size_t n = strcspn(word + 2, "=");
    orc_auto_free char *name = orc_strndup(word + 2, n), *where = orc_strndup(word, n + 2);
    int option = options_find(c->table, name, n);

    if (option < 0 && strcmp(name, "help") == 0)
        return ORC_OPTIONS_HELP;
    if (option < 0 && strcmp(name, "version") == 0)
        return ORC_OPTIONS_VERSION;
    if (option < 0)
        return options_unknown(c->table, "unknown option --", name, c->err);
    return take_value(c, option, where, word[n + 2] ? word + n + 3 : NULL);
}

/* "-o json", "-ojson", "-qv" */
static int read_letters(struct cursor *c, const char *word)
{
    for (const char *p = word + 1; *p; p++) {
        char where[] = {'-', *p, '\0'};
        int option = find_letter(c->table, *p);
        int r;

        if (option < 0 && *p == 'h')
            return ORC_OPTIONS_HELP;
        if (option < 0)
            return orc_fail(c->err, -EINVAL, "unknown option -%c in \"%.64s\"; --help lists the known ones",
                            *p, word);
        if (c->table[option].kind != ORC_OPT_BOOL)
            return take_value(c, option, where, p[1] ? p + 1 : NULL);
        r = take_value(c, option, where, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int read_argv(struct cursor *c, bool words_allowed)
{
    bool options = true;
    int r = 0;

    for (c->at = 1; r == 0 && c->at < c->argc; c->at++) {
        const char *word = c->argv[c->at];

        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && strncmp(word, "--", 2) == 0)
            r = read_long(c, word);
        else if (options && word[0] == '-' && word[1])
            r = read_letters(c, word);
        else if (words_allowed)
            orc_strv_add(&c->words, word);
        else
            r = orc_fail(c->err, -EINVAL,
                         "unexpected argument \"%.64s\"; only options are accepted, see --help", word);
    }
    return r;
}

static void read_env(const struct orc_option *table, struct options_given *given)
{
    for (size_t i = 0; table[i].name; i++) {
        const char *value = table[i].env ? getenv(table[i].env) : NULL;

        if (value && *value && !given[i].values.n)
            add_given(&given[i], table[i].env, value);
    }
}

static int read_config(const struct orc_option *table, struct options_given *given, struct orc_err *err)
{
    int config = options_find(table, "config", 6);
    const char *path = NULL;

    if (config < 0)
        return 0;
    if (given[config].values.n)
        path = given[config].values.at[given[config].values.n - 1];
    else if (table[config].env)
        path = getenv(table[config].env);
    return path && *path ? options_read_config(table, path, given, err) : 0;
}

union parsed {
    bool flag;
    int64_t number;
    uint64_t ms;
};

static int parse_flag(const char *value, bool *ret, struct orc_err *err)
{
    if (strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
        return orc_fail(err, -EINVAL, "\"%.64s\" is neither true nor false", value);
    *ret = *value == 't';
    return 0;
}

static int parse_value(const struct orc_option *o, const char *value, union parsed *ret, struct orc_err *err)
{
    switch (o->kind) {
    case ORC_OPT_BOOL:
        return parse_flag(value, &ret->flag, err);
    case ORC_OPT_INT:
        return orc_parse_int(value, o->min, o->max, &ret->number, err);
    case ORC_OPT_MS:
        return orc_parse_duration_ms(value, &ret->ms, err);
    default:
        return 0;
    }
}

/* Of several values for an option that takes one, the last counts. */
static const char *last(const struct options_given *given)
{
    return given->values.at[given->values.n - 1];
}

static int check(const struct orc_option *table, const struct options_given *given, union parsed *parsed,
                 struct orc_err *err)
{
    for (size_t i = 0; table[i].name; i++) {
        int r = given[i].values.n ? parse_value(&table[i], last(&given[i]), &parsed[i], err) : 0;

        if (r < 0) {
            orc_wrap(err, "%s", given[i].where);
            return r;
        }
    }
    return 0;
}

static void store(const struct orc_option *o, const struct options_given *given, const union parsed *parsed)
{
    switch (o->kind) {
    case ORC_OPT_BOOL:
        *(bool *)o->value = parsed->flag;
        break;
    case ORC_OPT_STR:
        orc_set_str(o->value, last(given));
        break;
    case ORC_OPT_STRV:
        orc_strv_release(o->value);
        orc_strv_copy(o->value, &given->values);
        break;
    case ORC_OPT_INT:
        *(int64_t *)o->value = parsed->number;
        break;
    case ORC_OPT_MS:
        *(uint64_t *)o->value = parsed->ms;
        break;
    }
}

/* Gathers the words of all sources, checks them, and only then stores anything. */
static int gather(struct cursor *c, union parsed *parsed, struct orc_strv *ret_words)
{
    int r = read_argv(c, ret_words != NULL);

    if (r != 0)
        return r;
    r = read_config(c->table, c->given, c->err);
    if (r < 0)
        return r;
    read_env(c->table, c->given);
    r = check(c->table, c->given, parsed, c->err);
    if (r < 0)
        return r;
    for (size_t i = 0; c->table[i].name; i++)
        if (c->given[i].values.n)
            store(&c->table[i], &c->given[i], &parsed[i]);
    if (ret_words)
        for (size_t i = 0; i < c->words.n; i++)
            orc_strv_add(ret_words, c->words.at[i]);
    return 0;
}

int orc_options_parse(const struct orc_option *table, int argc, char **argv, struct orc_strv *ret_words,
                      struct orc_err *err)
{
    size_t n = count(table);
    orc_auto_free struct options_given *given = orc_calloc(n, sizeof *given);
    orc_auto_free union parsed *parsed = orc_calloc(n, sizeof *parsed);
    struct cursor c = {.table = table, .given = given, .argv = argv, .argc = argc, .err = err};
    int r = gather(&c, parsed, ret_words);

    for (size_t i = 0; i < n; i++) {
        orc_strv_release(&given[i].values);
        free(given[i].where);
    }
    orc_strv_release(&c.words);
    return r;
}

const struct orc_option orc_options_always[] = {
    {.name = "help", .letter = 'h', .kind = ORC_OPT_BOOL, .help = "this text"},
    {.name = "version", .kind = ORC_OPT_BOOL, .help = "which orc this is"},
    {0},
};

char *orc_option_form(const struct orc_option *o)
{
    const char letter[] = {'-', o->letter, ',', ' ', '\0'};
    bool flag = o->kind == ORC_OPT_BOOL;

    return orc_printf("%s--%s%s%s", o->letter ? letter : "", o->name, flag ? "" : " ",
                      flag      ? ""
                      : o->meta ? o->meta
                                : "VALUE");
}

/* The default as text, or NULL. */
static char *default_text(const struct orc_option *o)
{
    char unit[ORC_UNIT_MAX];

    if (o->kind == ORC_OPT_STR && *(char **)o->value)
        return orc_strdup(*(char **)o->value);
    if (o->kind == ORC_OPT_INT)
        return orc_printf("%" PRId64, *(int64_t *)o->value);
    if (o->kind == ORC_OPT_MS)
        return orc_strdup(orc_format_duration(*(uint64_t *)o->value, unit));
    return NULL;
}

char *orc_option_notes(const struct orc_option *o)
{
    bool told = o->help && strstr(o->help, "(default"); /* in words, which say more than the value does */
    bool once = o->kind != ORC_OPT_STRV || (o->help && strstr(o->help, "may be repeated"));
    const char *repeated = once ? "" : "; may be repeated";
    orc_auto_free char *value = told ? NULL : default_text(o);

    if (told)
        return orc_printf("%s%s%s", o->env ? ", or $" : "", o->env ? o->env : "", repeated);
    if (value && o->env)
        return orc_printf(" (default: $%s, else %s)%s", o->env, value, repeated);
    if (value || o->env)
        return orc_printf(" (default: %s%s)%s", value ? "" : "$", value ? value : o->env, repeated);
    return orc_strdup(repeated);
}

static void help_line(FILE *out, const struct orc_option *o)
{
    orc_auto_free char *form = orc_option_form(o), *notes = orc_option_notes(o);
    orc_auto_free char *left = orc_printf("  %s%s", o->letter ? "" : "    ", form);

    if (strlen(left) >= HELP_COLUMN)
        fprintf(out, "%s\n%*s", left, HELP_COLUMN, "");
    else
        fprintf(out, "%-*s", HELP_COLUMN, left);
    fprintf(out, "%s%s\n", o->help ? o->help : "", notes);
}

void orc_options_help(FILE *out, const char *usage, const char *summary, const struct orc_option *table)
{
    fprintf(out, "Usage: %s\n\n", usage);
    if (summary && *summary)
        fprintf(out, "%s\n\n", summary);
    fputs("Options:\n", out);
    for (; table->name; table++)
        help_line(out, table);
    for (table = orc_options_always; table->name; table++)
        help_line(out, table);
}

void orc_options_version(FILE *out, const char *program)
{
    fprintf(out, "%s %s\n", program, orc_version());
}

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Edit distance in which a swap of two neighbours is one step, too (optimal string alignment); `most` when it
 * is as much or more. */
static size_t distance(const char *a, const char *b, size_t most)
{
    size_t la = strlen(a), lb = strlen(b), rows[3][MAX_WORD + 1], least, last = 0;
    size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;

    for (size_t j = 0; j <= lb; j++)
        above[j] = j;
    for (size_t i = 1; i <= la; i++) {
        row[0] = least = i;
        for (size_t j = 1; j <= lb; j++) {
            row[j] = min_of(min_of(row[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min_of(row[j], before[j - 2] + 1);
            least = min_of(least, row[j]);
        }
        if (least >= most && last >= most) /* each row comes from the two above it */
            return most;
        last = least;
        spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[lb];
}

const char *orc_nearest(const char *s, const char *const *words)
{
    size_t best = 1 + (strlen(s) + 1) / 3; /* a third of the letters may be wrong */
    const char *found = NULL;

    if (strlen(s) > MAX_WORD)
        return NULL;
    for (; *words; words++) {
        size_t d = strlen(*words) > MAX_WORD ? best : distance(s, *words, best);

        if (d < best && d < strlen(*words)) {
            best = d;
            found = *words;
        }
    }
    return found;
}
