#include "lib/json.h"

#include "lib/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAX_NESTING 64

/* Deepest nesting of brackets outside of strings. jansson's own limit (2048) is a compile-time constant. */
static size_t nesting(const char *text, size_t n)
{
    size_t depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < n; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"') {
            in_string = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > deepest)
                deepest = depth;
        } else if ((text[i] == '}' || text[i] == ']') && depth) {
            depth--;
        }
    }
    return deepest;
}

json_t *orc_json_parse(const char *text, size_t n, struct orc_err *err)
{
    json_error_t e;
    json_t *j;

    if (nesting(text, n) > MAX_NESTING) {
        orc_fail(err, -EINVAL, "not accepted as JSON: nested deeper than %d levels", MAX_NESTING);
        return NULL;
    }
    j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
    if (!j)
        orc_fail(err, -EINVAL, "not valid JSON at line %d, column %d: %s", e.line, e.column, e.text);
    return j;
}

char *orc_json_text(const json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | ORC_JSON_REALS);

    if (!text) {
        fputs("orc: a JSON value could not be written (out of memory, or it contains itself)\n", stderr);
        abort();
    }
    return text;
}

static const char *type_name(const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

static int wrong(const char *key, const char *expected, const json_t *got, struct orc_err *err)
{
    return orc_fail(err, -EINVAL, "\"%.64s\": expected %s, got %s", key, expected, type_name(got));
}

/* The member, or NULL when it is absent or null; fails when obj is no object. */
static int member(const json_t *obj, const char *key, json_t **ret, struct orc_err *err)
{
    if (!json_is_object(obj))
        return orc_fail(err, -EINVAL, "expected an object with \"%.64s\", got %s", key,
                        obj ? type_name(obj) : "nothing");
    *ret = json_object_get(obj, key);
    if (json_is_null(*ret))
        *ret = NULL;
    return 0;
}

/* Like member(), but fails when there is none. */
static int required(const json_t *obj, const char *key, const char *expected, json_t **ret,
                    struct orc_err *err)
{
    int r = member(obj, key, ret, err);

    if (r == 0 && !*ret)
        return orc_fail(err, -EINVAL, "\"%.64s\" is missing; expected %s", key, expected);
    return r;
}

int orc_json_as_str(const json_t *j, const char *key, size_t max, const char **ret, struct orc_err *err)
{
    if (!json_is_string(j))
        return wrong(key, "a string", j, err);
    if (json_string_length(j) > max)
        return orc_fail(err, -EINVAL, "\"%.64s\": expected at most %zu bytes, got %zu", key, max,
                        json_string_length(j));
    *ret = json_string_value(j);
    return 0;
}

static int copy_str(const json_t *j, const char *key, size_t max, char **ret, struct orc_err *err)
{
    const char *s = NULL;
    int r = orc_json_as_str(j, key, max, &s, err);

    if (r == 0)
        *ret = orc_strdup(s);
    return r;
}

int orc_json_str(const json_t *obj, const char *key, size_t max, char **ret, struct orc_err *err)
{
    json_t *j = NULL;
    int r = required(obj, key, "a string", &j, err);

    return r < 0 ? r : copy_str(j, key, max, ret, err);
}

int orc_json_str_opt(const json_t *obj, const char *key, size_t max, char **ret, struct orc_err *err)
{
    json_t *j = NULL;
    int r = member(obj, key, &j, err);

    return r < 0 || !j ? r : copy_str(j, key, max, ret, err);
}

static int wrong_int(const char *key, int64_t min, int64_t max, const json_t *got, struct orc_err *err)
{
    char expected[80];

    snprintf(expected, sizeof expected, "an integer in %" PRId64 "..%" PRId64, min, max);
    if (!json_is_integer(got))
        return wrong(key, expected, got, err);
    return orc_fail(err, -EINVAL, "\"%.64s\": expected %s, got %" JSON_INTEGER_FORMAT, key, expected,
                    json_integer_value(got));
}

int orc_json_as_int(const json_t *j, const char *key, int64_t min, int64_t max, int64_t *ret,
                    struct orc_err *err)
{
    json_int_t value = json_integer_value(j);

    if (!json_is_integer(j) || value < min || value > max)
        return wrong_int(key, min, max, j, err);
    *ret = value;
    return 0;
}

int orc_json_int(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *ret,
                 struct orc_err *err)
{
    json_t *j = NULL;
    int r = required(obj, key, "an integer", &j, err);

    return r < 0 ? r : orc_json_as_int(j, key, min, max, ret, err);
}

int orc_json_int_opt(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *ret,
                     struct orc_err *err)
{
    json_t *j = NULL;
    int r = member(obj, key, &j, err);

    return r < 0 || !j ? r : orc_json_as_int(j, key, min, max, ret, err);
}

int orc_json_as_bool(const json_t *j, const char *key, bool *ret, struct orc_err *err)
{
    if (!json_is_boolean(j))
        return wrong(key, "true or false", j, err);
    *ret = json_is_true(j);
    return 0;
}

int orc_json_bool_opt(const json_t *obj, const char *key, bool *ret, struct orc_err *err)
{
    json_t *j = NULL;
    int r = member(obj, key, &j, err);

    return r < 0 || !j ? r : orc_json_as_bool(j, key, ret, err);
}

int orc_json_as_obj(const json_t *j, const char *key, struct orc_err *err)
{
    return json_is_object(j) ? 0 : wrong(key, "an object", j, err);
}

int orc_json_as_arr(const json_t *j, const char *key, struct orc_err *err)
{
    return json_is_array(j) ? 0 : wrong(key, "a list", j, err);
}

int orc_json_obj_opt(const json_t *obj, const char *key, json_t **ret, struct orc_err *err)
{
    json_t *j = NULL;
    int r = member(obj, key, &j, err);

    if (r == 0 && j)
        r = orc_json_as_obj(j, key, err);
    if (r == 0)
        *ret = j;
    return r;
}

int orc_json_arr_opt(const json_t *obj, const char *key, json_t **ret, struct orc_err *err)
{
    json_t *j = NULL;
    int r = member(obj, key, &j, err);

    if (r == 0 && j)
        r = orc_json_as_arr(j, key, err);
    if (r == 0)
        *ret = j;
    return r;
}

int orc_json_as_strv(const json_t *list, const char *key, size_t max, struct orc_strv *v, struct orc_err *err)
{
    json_t *item;
    size_t i;

    if (!json_is_array(list))
        return wrong(key, "a list of strings", list, err);
    json_array_foreach(list, i, item)
    {
        if (!json_is_string(item))
            return orc_fail(err, -EINVAL, "\"%.64s\"[%zu]: expected a string, got %s", key, i,
                            type_name(item));
        if (json_string_length(item) > max)
            return orc_fail(err, -EINVAL, "\"%.64s\"[%zu]: expected at most %zu bytes, got %zu", key, i, max,
                            json_string_length(item));
    }
    json_array_foreach(list, i, item) orc_strv_add(v, json_string_value(item));
    return 0;
}

int orc_json_strv_opt(const json_t *obj, const char *key, size_t max, struct orc_strv *v, struct orc_err *err)
{
    json_t *j = NULL;
    int r = member(obj, key, &j, err);

    return r < 0 || !j ? r : orc_json_as_strv(j, key, max, v, err);
}

/* jansson refuses text that isn't UTF-8; so that a container's garbled message loses its letters and not its
 * place. */
json_t *orc_json_str_new(const char *s)
{
    json_t *j = s ? json_string(s) : NULL;
    orc_auto_free char *ascii = NULL;

    if (j || !s)
        return j;
    ascii = orc_strdup(s);
    for (char *p = ascii; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_string(ascii);
}

void orc_json_set_str(json_t *obj, const char *key, const char *s)
{
    if (s)
        json_object_set_new(obj, key, orc_json_str_new(s));
}

/* Text that stands in quotes as it is: ASCII without what RFC 8259, section 7, has escaped. */
static size_t plain_len(const char *s)
{
    const unsigned char *p = (const unsigned char *)s;

    while (*p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
        p++;
    return (size_t)(p - (const unsigned char *)s);
}

void orc_json_write_str(const char *s, struct orc_buf *b)
{
    size_t n = plain_len(s);
    orc_auto_json json_t *j = s[n] ? orc_json_str_new(s) : NULL;
    orc_auto_free char *text = j ? orc_json_text(j) : NULL;

    if (text) {
        orc_buf_puts(b, text);
        return;
    }
    orc_buf_putc(b, '"');
    orc_buf_add(b, s, n);
    orc_buf_putc(b, '"');
}

int orc_json_int64_any(const json_t *j, int64_t *ret)
{
    if (json_is_integer(j)) {
        *ret = json_integer_value(j);
        return 0;
    }
    if (!json_is_string(j))
        return -EINVAL;
    return orc_parse_int(json_string_value(j), INT64_MIN, INT64_MAX, ret, NULL);
}
