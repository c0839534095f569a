#include "specs/dotenv.h"

#include "lib/buf.h"
#include "specs/check.h"
#include "specs/interpolate.h"
#include "specs/utf8.h"

#include <limits.h>

struct dotenv {
    const struct spec_source *source;
    const char *at, *end;
    const char *line_start;
    int line;
    struct spec_env *into;
    struct spec_problems *problems;
    size_t n, bytes; /* of variables */
    bool wrong;
};

/* Places and problems --------------------------------------------------------------------------------- */

static int column_of(const struct dotenv *d, const char *s)
{
    int column = 1;

    for (const char *c = d->line_start; c < s;) {
        size_t n = spec_utf8_len(c, (size_t)(d->end - c));

        c += n ? n : 1;
        column++;
    }
    return column;
}

/* In the line that is being read; n bytes long. */
static struct spec_place place_of(const struct dotenv *d, const char *s, size_t n)
{
    int column = column_of(d, s);

    return (struct spec_place){d->source, d->line, column, column_of(d, s + n) - column};
}

static void wrong(struct dotenv *d, const struct spec_place *at, const char *text)
{
    spec_problems_add(d->problems, at, "%s", text);
    d->wrong = true;
}

/* Reading --------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

static void skip_blanks(struct dotenv *d)
{
    while (d->at < d->end && is_blank(*d->at))
        d->at++;
}

/* The end of the line at s. */
static const char *line_end(const struct dotenv *d, const char *s)
{
    const char *n = memchr(s, '\n', (size_t)(d->end - s));

    return n ? n : d->end;
}

static void next_line(struct dotenv *d)
{
    d->at = line_end(d, d->at);
    if (d->at < d->end)
        d->at++;
    d->line_start = d->at;
    d->line++;
}

static const char *trim_end(const char *from, const char *end)
{
    while (end > from && is_blank(end[-1]))
        end--;
    return end;
}

static void set(struct dotenv *d, const char *name, const char *value, const struct spec_place *at)
{
    struct orc_err err = ORC_ERR_INIT;

    if (spec_check_env_key(name, &err) < 0 || spec_check_text(value ? value : "", &err) < 0) {
        wrong(d, at, err.msg);
        return;
    }
    d->bytes += value ? strlen(value) : 0;
    if (++d->n > SPEC_DOTENV_MAX || d->bytes > 4 * SPEC_FILE_MAX) {
        wrong(d, at, "there are more than 10000 variables or 4 MiB of values up to here; write less");
        d->at = d->end;
        return;
    }
    spec_env_set(d->into, name, value, at);
}

/* NAME alone: what it has outside, or in a file before. */
static void inherit(struct dotenv *d, const char *name, const struct spec_place *at)
{
    const char *value = spec_env_get(d->into, name);
    orc_auto_free char *copy = orc_strdup(value);
    struct orc_err err = ORC_ERR_INIT;

    if (value && spec_env_check(name, value, &err) < 0)
        wrong(d, at, err.msg);
    else
        set(d, name, copy, at);
}

/* Fills variables in. `at` is the value's place. NULL: said. */
static char *fill(struct dotenv *d, const char *value, const struct spec_place *at)
{
    struct spec_filled filled;
    struct orc_err err = ORC_ERR_INIT;
    char *text;

    if (spec_interpolate(value, d->into, SPEC_TEXT_MAX, &filled, &err) < 0)
        wrong(d, at, err.msg);
    for (size_t i = 0; i < filled.unset.n; i++)
        spec_problems_note(
            d->problems, at,
            "variable \"%s\" is not set; nothing is put in its place (\"$$\" is a dollar sign)",
            filled.unset.at[i].name);
    text = orc_take(filled.text);
    spec_filled_release(&filled);
    return text;
}

/* Quoted values --------------------------------------------------------------------------------------- */

/* Of a double-quoted value, at s behind a backslash: appends what the escape stands for, and returns what is
 * behind it. A dollar sign stays one for good: "$$". Others than these are no escapes. */
static const char *unescape(struct orc_buf *out, const char *s)
{
    static const char letters[] = "abfnrtv\"\\", meanings[] = "\a\b\f\n\r\t\v\"\\";
    const char *letter = *s ? strchr(letters, *s) : NULL;
    int octal = 0, n = 0;

    if (letter) {
        orc_buf_putc(out, meanings[letter - letters]);
        return s + 1;
    }
    if (*s == '$') {
        orc_buf_puts(out, "$$");
        return s + 1;
    }
    while (*s == '0' && n < 3 && s[1 + n] >= '0' && s[1 + n] <= '7')
        octal = octal * 8 + s[1 + n++] - '0';
    if (n == 3 && octal > 0 && octal < 0x80 && octal != '$') {
        orc_buf_putc(out, (char)octal);
        return s + 1 + n;
    }
    orc_buf_putc(out, '\\');
    return s;
}

static char *expand_escapes(const char *s)
{
    struct orc_buf out = ORC_BUF_INIT(2 * SPEC_FILE_MAX);

    while (*s)
        if (*s == '\\')
            s = unescape(&out, s + 1);
        else
            orc_buf_putc(&out, *s++);
    return orc_buf_take(&out);
}

/* d->at stands at the opening quote; afterwards behind the closing one, perhaps lines later. A backslash
 * before the quote makes it one of the value. NULL: it isn't closed (said). */
static char *read_quoted(struct dotenv *d, const struct spec_place *at)
{
    struct orc_buf out = ORC_BUF_INIT(SPEC_FILE_MAX);
    char quote = *d->at++;
    char *text = NULL;

    for (; d->at < d->end && *d->at != quote; d->at++) {
        if (*d->at == '\\' && d->at + 1 < d->end) {
            if (d->at[1] != quote || quote == '"')
                orc_buf_putc(&out, '\\');
            d->at++;
        }
        if (*d->at == '\r' && d->at + 1 < d->end && d->at[1] == '\n')
            continue;
        orc_buf_putc(&out, *d->at);
        if (*d->at == '\n') {
            d->line++;
            d->line_start = d->at + 1;
        }
    }
    if (d->at < d->end) {
        d->at++;
        text = orc_buf_take(&out);
    } else {
        wrong(d, at, "the quote that begins here is not closed");
    }
    orc_buf_release(&out);
    return text;
}

static char *quoted_value(struct dotenv *d, const struct spec_place *at)
{
    bool twice = *d->at == '"';
    orc_auto_free char *raw = read_quoted(d, at);
    orc_auto_free char *text = raw && twice ? expand_escapes(raw) : NULL;
    struct spec_place rest;

    skip_blanks(d);
    if (raw && d->at < d->end && *d->at != '\n' && *d->at != '#') {
        rest = place_of(d, d->at, (size_t)(trim_end(d->at, line_end(d, d->at)) - d->at));
        wrong(d, &rest, "something stands behind the closing quote; write \\\" for a quote within the value");
    }
    if (!raw)
        return NULL;
    return twice ? fill(d, text, at) : orc_take(raw);
}

/* Statements ------------------------------------------------------------------------------------------ */

/* Up to " #" or the end of the line. */
static char *plain_value(struct dotenv *d, const struct spec_place *at)
{
    const char *end = line_end(d, d->at);
    orc_auto_free char *text = NULL;

    for (const char *c = d->at; c + 1 < end; c++)
        if (*c == ' ' && c[1] == '#')
            end = c;
    text = orc_strndup(d->at, (size_t)(trim_end(d->at, end) - d->at));
    return fill(d, text, at);
}

static void read_value(struct dotenv *d, const char *name, const struct spec_place *name_at)
{
    const char *end;
    struct spec_place at;
    orc_auto_free char *value = NULL;

    skip_blanks(d);
    end = trim_end(d->at, line_end(d, d->at));
    at = place_of(d, d->at, end > d->at ? (size_t)(end - d->at) : 0);
    value = d->at < d->end && (*d->at == '"' || *d->at == '\'') ? quoted_value(d, &at) : plain_value(d, &at);
    if (value)
        set(d, name, value, name_at);
}

static bool is_name_char(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80 ||
           (c && strchr("_.-[]", c));
}

static void skip_export(struct dotenv *d)
{
    if (d->end - d->at > 6 && memcmp(d->at, "export", 6) == 0 && is_blank(d->at[6])) {
        d->at += 6;
        skip_blanks(d);
    }
}

static void read_statement(struct dotenv *d)
{
    orc_auto_free char *name = NULL;
    const char *from;
    struct spec_place at;

    skip_export(d);
    from = d->at;
    while (d->at < d->end && is_name_char((unsigned char)*d->at))
        d->at++;
    name = orc_strndup(from, (size_t)(d->at - from));
    at = place_of(d, from, (size_t)(d->at - from));
    skip_blanks(d);
    if (*name && (d->at == d->end || *d->at == '\n' || *d->at == '#')) {
        inherit(d, name, &at);
        return;
    }
    if (!*name || (*d->at != '=' && *d->at != ':')) {
        at = place_of(d, from, (size_t)(trim_end(from, line_end(d, from)) - from));
        wrong(d, &at, "this is no variable; a line is NAME=value, or a comment that begins with \"#\"");
        return;
    }
    d->at++;
    read_value(d, name, &at);
}

static void read_raw(struct dotenv *d)
{
    const char *end = line_end(d, d->at), *equals = memchr(d->at, '=', (size_t)(end - d->at));
    orc_auto_free char *name = NULL, *value = NULL;
    struct spec_place at;

    if (end > d->at && end[-1] == '\r')
        end--;
    name = orc_strndup(d->at, (size_t)((equals ? equals : end) - d->at));
    at = place_of(d, d->at, strlen(name));
    if (!equals) {
        inherit(d, name, &at);
        return;
    }
    value = orc_strndup(equals + 1, (size_t)(end - equals - 1));
    set(d, name, value, &at);
}

/* Nothing that could not be shown or stored. */
static int check_bytes(struct dotenv *d)
{
    struct spec_place at = {d->source, 1, 1, 1};
    struct spec_utf8_fault fault;

    if (spec_utf8_check(d->source->text, d->source->n, &fault) == 0)
        return 0;
    at.line = fault.line;
    at.column = fault.column;
    spec_problems_add(d->problems, &at, "byte 0x%02x is %s; a file of variables is UTF-8 text", fault.byte,
                      fault.control ? "a control character" : "not UTF-8");
    return -EINVAL;
}

int spec_dotenv_parse(const struct spec_source *source, enum spec_dotenv format, struct spec_env *into,
                      struct spec_problems *problems)
{
    struct dotenv d = {.source = source,
                       .at = source->text,
                       .end = source->text + source->n,
                       .line = 1,
                       .into = into,
                       .problems = problems};

    if (check_bytes(&d) < 0)
        return -EINVAL;
    if (source->n >= 3 && memcmp(d.at, "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        d.at += 3;
    for (d.line_start = d.at; d.at < d.end; next_line(&d)) {
        skip_blanks(&d);
        if (d.at == d.end || *d.at == '\n' || *d.at == '#')
            continue;
        if (format == SPEC_DOTENV_RAW)
            read_raw(&d);
        else
            read_statement(&d);
    }
    return d.wrong ? -EINVAL : 0;
}
