#include "lib/log.h"

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/mem.h"
#include "lib/units.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES (64 * 1024) /* an escaped line; a longer message is cut before */
#define MESSAGE_MAX 8192
#define PAIRS_MAX 16

static const char *const level_names[] = {"error", "warn", "info", "debug"};

static struct {
    char process[64];
    enum orc_log_level level;
    bool json;
} config = {.process = "orc", .level = ORC_LOG_INFO};

void orc_log_init(const char *process, enum orc_log_level level, bool json)
{
    snprintf(config.process, sizeof config.process, "%s", process);
    config.level = level;
    config.json = json;
}

bool orc_log_writes(enum orc_log_level level)
{
    return level <= config.level;
}

int orc_log_level_from_name(const char *name, enum orc_log_level *ret)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(level_names); i++)
        if (strcmp(name, level_names[i]) == 0) {
            *ret = (enum orc_log_level)i;
            return 0;
        }
    return -EINVAL;
}

/* One byte that may move a terminal's cursor or end a line, in a form that can't. */
static void put_escaped(struct orc_buf *line, unsigned char c)
{
    if (c == '\n')
        orc_buf_puts(line, "\\n");
    else if (c == '\t')
        orc_buf_puts(line, "\\t");
    else
        orc_buf_printf(line, "\\x%02x", c);
}

/* C0, DEL, and C1 in its UTF-8 form (c2 80 .. c2 9f), which terminals obey, too. */
static void put_text(struct orc_buf *line, const char *s)
{
    for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
        if (*p < 0x20 || *p == 0x7f) {
            put_escaped(line, *p);
        } else if (*p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) {
            put_escaped(line, *p++);
            put_escaped(line, *p);
        } else {
            orc_buf_add(line, p, 1);
        }
    }
}

/* Splits "key=value" (value without blanks, or in double quotes) into its parts; false when it is no pair. */
static bool split_pair(char *word, char **ret_value)
{
    size_t n = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_");
    char *value = word + n + 1;
    size_t len;

    if (!n || word[n] != '=')
        return false;
    word[n] = '\0';
    len = strlen(value);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value[len - 1] = '\0';
        value++;
    }
    *ret_value = value;
    return true;
}

/* The start of the last word of text[0..n), where a word may hold blanks inside a pair's double quotes. */
static size_t last_word(const char *text, size_t n)
{
    if (n && text[n - 1] == '"') {
        size_t q = n - 1;

        while (q > 0 && text[q - 1] != '"')
            q--;
        if (q >= 2 && text[q - 2] == '=')
            n = q - 2;
    }
    while (n && text[n - 1] != ' ')
        n--;
    return n;
}

/* The pairs that end a message become members of the object; msg keeps them as well. */
static void add_pairs(json_t *line, const char *message)
{
    orc_auto_free char *text = orc_strdup(message);
    size_t n = strlen(text);

    for (int i = 0; i < PAIRS_MAX && n; i++) {
        size_t start = last_word(text, n);
        char *value;

        text[n] = '\0';
        if (!split_pair(text + start, &value))
            return;
        if (!json_object_get(line, text + start))
            orc_json_set_str(line, text + start, value);
        n = start ? start - 1 : 0;
    }
}

static void format_json(struct orc_buf *out, const char *time, const char *level, const char *message)
{
    orc_auto_json json_t *line = json_object();
    orc_auto_free char *text = NULL;

    orc_json_set_str(line, "ts", time);
    orc_json_set_str(line, "level", level);
    orc_json_set_str(line, "process", config.process);
    orc_json_set_str(line, "msg", message);
    add_pairs(line, message);
    text = orc_json_text(line);
    /* DEL is legal in JSON, but this line is read on terminals as well. */
    for (const char *p = text; *p; p++)
        if (*p == 0x7f)
            orc_buf_puts(out, "\\u007f");
        else
            orc_buf_add(out, p, 1);
}

static void write_line(const char *data, size_t n)
{
    while (n) {
        ssize_t put = write(STDERR_FILENO, data, n);

        if (put < 0 && errno != EINTR)
            return; /* nowhere to say so */
        if (put > 0) {
            data += put;
            n -= (size_t)put;
        }
    }
}

static void say(enum orc_log_level level, const char *message)
{
    struct orc_buf line = ORC_BUF_INIT(LINE_MAX_BYTES);
    char time[ORC_TIME_MAX];

    if (!orc_log_writes(level))
        return;
    orc_format_time(orc_wall_ms(), time);
    if (config.json) {
        format_json(&line, time, level_names[level], message);
    } else {
        orc_buf_printf(&line, "%s %s %s: ", time, level_names[level], config.process);
        put_text(&line, message);
    }
    orc_buf_puts(&line, "\n");
    write_line(line.data, line.len);
    orc_buf_release(&line);
}

static void format_message(char text[MESSAGE_MAX], const char *fmt, va_list ap) ORC_PRINTF(2, 0);
static void format_message(char text[MESSAGE_MAX], const char *fmt, va_list ap)
{
    if (vsnprintf(text, MESSAGE_MAX, fmt, ap) >= MESSAGE_MAX)
        memcpy(text + MESSAGE_MAX - 4, "...", 4);
}

void orc_log(enum orc_log_level level, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    va_list ap;

    if (!orc_log_writes(level))
        return;
    va_start(ap, fmt);
    format_message(text, fmt, ap);
    va_end(ap);
    say(level, text);
}

void orc_log_begin(struct orc_log_once *once, enum orc_log_level level, const char *fmt, ...)
{
    char text[MESSAGE_MAX];
    uint64_t hash;
    va_list ap;

    va_start(ap, fmt);
    format_message(text, fmt, ap);
    va_end(ap);
    hash = orc_hash64_str(0, text);
    hash += hash == 0; /* 0 means: not in force */
    if (!once->hash) {
        once->since = orc_clock_ms();
        once->repeats = 0;
    }
    once->repeats++;
    if (once->hash != hash)
        say(level, text);
    once->hash = hash;
}

void orc_log_end(struct orc_log_once *once, const char *fmt, ...)
{
    char text[MESSAGE_MAX], age[ORC_UNIT_MAX];
    va_list ap;

    if (!once->hash)
        return;
    va_start(ap, fmt);
    format_message(text, fmt, ap);
    va_end(ap);
    orc_format_age(orc_clock_ms() - once->since, age);
    orc_log(ORC_LOG_INFO, "%s (after %s, %" PRIu64 " %s)", text, age, once->repeats,
            once->repeats == 1 ? "try" : "tries");
    memset(once, 0, sizeof *once);
}
