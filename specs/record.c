#include "specs/record.h"

#include "specs/check.h"
#include "specs/spec.h"

#include <string.h>

/* Any growable array of mem.h, read and written bytewise because its element type isn't known here. */
struct any_vec {
    void *at;
    size_t n, cap;
};

static const void *member(const struct record_field *f, const void *obj)
{
    return (const char *)obj + f->offset;
}

static const char *str_of(const void *m)
{
    char *s;

    memcpy(&s, m, sizeof s);
    return s;
}

static int64_t int_of(const struct record_field *f, const void *m)
{
    int64_t wide;
    uint16_t small;
    int plain;
    bool flag;

    switch (f->kind) {
    case RECORD_INT64:
        memcpy(&wide, m, sizeof wide);
        return wide;
    case RECORD_U16:
        memcpy(&small, m, sizeof small);
        return small;
    case RECORD_BOOL:
        memcpy(&flag, m, sizeof flag);
        return flag;
    default:
        memcpy(&plain, m, sizeof plain);
        return plain;
    }
}

/* Writing --------------------------------------------------------------------------------------------- */

static json_t *encode_strv(const struct record_field *f, const void *obj)
{
    const struct orc_strv *v = member(f, obj);
    const bool *set = f->flag ? (const void *)((const char *)obj + f->flag) : NULL;
    json_t *a;

    if (v->n == 0 && !(set && *set))
        return NULL;
    a = json_array();
    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(a, json_string(v->at[i]));
    return a;
}

static json_t *encode_pairs(const struct spec_pairs *p)
{
    json_t *o;

    if (p->n == 0)
        return NULL;
    o = json_object();
    for (size_t i = 0; i < p->n; i++)
        json_object_set_new(o, p->at[i].key, p->at[i].value ? json_string(p->at[i].value) : json_null());
    return o;
}

static json_t *encode_list(const struct record_field *f, const void *m)
{
    struct any_vec v;
    json_t *a;

    memcpy(&v, m, sizeof v);
    if (v.n == 0)
        return NULL;
    a = json_array();
    for (size_t i = 0; i < v.n; i++)
        json_array_append_new(a, record_encode(f->sub, (const char *)v.at + i * f->sub->size, NULL, false));
    return a;
}

static json_t *encode_struct(const struct record_field *f, const void *m, const void *def)
{
    json_t *o = record_encode(f->sub, m, def, false);

    if (json_object_size(o) > 0)
        return o;
    json_decref(o);
    return NULL;
}

static json_t *encode_str(const char *s, const char *def)
{
    return s && !orc_streq(s, def) ? json_string(s) : NULL;
}

static json_t *encode_int(const struct record_field *f, int64_t v, int64_t def)
{
    if (v == def)
        return NULL;
    if (f->kind == RECORD_BOOL)
        return json_boolean(v);
    return f->kind == RECORD_ENUM ? json_string(f->names[v]) : json_integer(v);
}

static json_t *encode_field(const struct record_field *f, const void *obj, const void *def)
{
    const void *m = member(f, obj), *d = def ? member(f, def) : NULL;

    switch (f->kind) {
    case RECORD_STR:
        return encode_str(str_of(m), d ? str_of(d) : NULL);
    case RECORD_STRV:
        return encode_strv(f, obj);
    case RECORD_PAIRS:
        return encode_pairs(m);
    case RECORD_STRUCT:
        return encode_struct(f, m, d);
    case RECORD_LIST:
        return encode_list(f, m);
    default:
        return encode_int(f, int_of(f, m), d ? int_of(f, d) : 0);
    }
}

json_t *record_encode(const struct record *r, const void *obj, const void *def, bool marked_only)
{
    json_t *o = json_object();

    for (size_t i = 0; i < r->n; i++) {
        const struct record_field *f = &r->fields[i];
        json_t *value = marked_only && !f->marked ? NULL : encode_field(f, obj, def);

        if (value)
            json_object_set_new(o, f->name, value);
    }
    return o;
}

/* Reading --------------------------------------------------------------------------------------------- */

static int check_with(int (*check)(const char *, struct orc_err *), const char *s, const char *name,
                      struct orc_err *err)
{
    int r = check ? check(s, err) : 0;

    if (r < 0)
        orc_wrap(err, "\"%s\"", name);
    return r;
}

static int decode_str(const struct record_field *f, const json_t *j, void *m, struct orc_err *err)
{
    char *s = NULL, *old;
    int r;

    r = f->required ? orc_json_str(j, f->name, SPEC_TEXT_MAX, &s, err)
                    : orc_json_str_opt(j, f->name, SPEC_TEXT_MAX, &s, err);
    if (r < 0 || !s)
        return r;
    memcpy(&old, m, sizeof old);
    free(old);
    memcpy(m, &s, sizeof s);
    return check_with(f->check, s, f->name, err);
}

static int decode_int(const struct record_field *f, const json_t *j, void *m, struct orc_err *err)
{
    int64_t v = int_of(f, m);
    int r = orc_json_int_opt(j, f->name, f->min, f->max, &v, err);
    int plain = (int)v;
    uint16_t small = (uint16_t)v;

    if (r < 0)
        return r;
    if (f->kind == RECORD_INT64)
        memcpy(m, &v, sizeof v);
    else if (f->kind == RECORD_U16)
        memcpy(m, &small, sizeof small);
    else
        memcpy(m, &plain, sizeof plain);
    return 0;
}

static int decode_enum(const struct record_field *f, const json_t *j, void *m, struct orc_err *err)
{
    orc_auto_free char *s = NULL;
    int r = orc_json_str_opt(j, f->name, SPEC_TEXT_MAX, &s, err);

    if (r < 0 || !s)
        return r;
    for (int v = 0; f->names[v]; v++)
        if (strcmp(s, f->names[v]) == 0) {
            memcpy(m, &v, sizeof v);
            return 0;
        }
    return orc_fail(err, -EINVAL, "\"%s\": \"%s\" is none of the known values (\"%s\", ...)", f->name,
                    spec_quote(s).text, f->names[0]);
}

static int decode_strv(const struct record_field *f, const json_t *j, void *obj, struct orc_err *err)
{
    struct orc_strv *v = (void *)((char *)obj + f->offset);
    json_t *list = NULL;
    int r = orc_json_arr_opt(j, f->name, &list, err);

    if (r < 0 || !list)
        return r;
    if (json_array_size(list) > SPEC_LIST_MAX)
        return orc_fail(err, -EINVAL, "\"%s\" has more than %d elements", f->name, SPEC_LIST_MAX);
    if (f->flag)
        *(bool *)(void *)((char *)obj + f->flag) = true;
    r = orc_json_strv_opt(j, f->name, SPEC_TEXT_MAX, v, err);
    for (size_t i = 0; i < v->n && r == 0; i++)
        r = check_with(f->check, v->at[i], f->name, err);
    return r;
}

static int decode_pairs(const struct record_field *f, const json_t *j, struct spec_pairs *p,
                        struct orc_err *err)
{
    json_t *o = NULL, *value;
    const char *key;
    int r = orc_json_obj_opt(j, f->name, &o, err);

    if (r < 0 || !o)
        return r;
    if (json_object_size(o) > SPEC_LIST_MAX)
        return orc_fail(err, -EINVAL, "\"%s\" has more than %d members", f->name, SPEC_LIST_MAX);
    json_object_foreach(o, key, value)
    {
        struct spec_pair *pair = orc_vec_add(p);

        pair->key = orc_strdup(key);
        r = check_with(f->check_key, key, f->name, err);
        if (r < 0)
            return r;
        if (json_is_null(value))
            continue;
        if (!json_is_string(value))
            return orc_fail(err, -EINVAL, "\"%s\": the value of \"%s\" must be a string", f->name,
                            spec_quote(key).text);
        pair->value = orc_strdup(json_string_value(value));
        r = check_with(f->check, pair->value, f->name, err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_list(const struct record_field *f, const json_t *j, void *m, struct orc_err *err)
{
    struct any_vec v;
    json_t *list = NULL;
    int r = orc_json_arr_opt(j, f->name, &list, err);

    if (r < 0 || !list || json_array_size(list) == 0)
        return r;
    if (json_array_size(list) > SPEC_LIST_MAX)
        return orc_fail(err, -EINVAL, "\"%s\" has more than %d elements", f->name, SPEC_LIST_MAX);
    v.n = v.cap = json_array_size(list);
    v.at = orc_calloc(v.n, f->sub->size);
    memcpy(m, &v, sizeof v);
    for (size_t i = 0; i < v.n; i++) {
        r = record_decode(f->sub, json_array_get(list, i), (char *)v.at + i * f->sub->size, err);
        if (r < 0) {
            orc_wrap(err, "\"%s\"[%zu]", f->name, i);
            return r;
        }
    }
    return 0;
}

static int decode_struct(const struct record_field *f, const json_t *j, void *m, struct orc_err *err)
{
    json_t *o = NULL;
    int r = orc_json_obj_opt(j, f->name, &o, err);

    if (r < 0 || !o)
        return r;
    r = record_decode(f->sub, o, m, err);
    if (r < 0)
        orc_wrap(err, "\"%s\"", f->name);
    return r;
}

static int decode_field(const struct record_field *f, const json_t *j, void *obj, struct orc_err *err)
{
    void *m = (char *)obj + f->offset;

    switch (f->kind) {
    case RECORD_STR:
        return decode_str(f, j, m, err);
    case RECORD_BOOL:
        return orc_json_bool_opt(j, f->name, m, err);
    case RECORD_ENUM:
        return decode_enum(f, j, m, err);
    case RECORD_STRV:
        return decode_strv(f, j, obj, err);
    case RECORD_PAIRS:
        return decode_pairs(f, j, m, err);
    case RECORD_STRUCT:
        return decode_struct(f, j, m, err);
    case RECORD_LIST:
        return decode_list(f, j, m, err);
    default:
        return decode_int(f, j, m, err);
    }
}

static bool is_known(const struct record *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->fields[i].name, name) == 0)
            return true;
    return false;
}

int record_decode(const struct record *r, const json_t *j, void *obj, struct orc_err *err)
{
    const char *key;
    json_t *value;
    int rc = 0;

    if (!json_is_object(j))
        return orc_fail(err, -EINVAL, "expected an object");
    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        if (!is_known(r, key))
            return orc_fail(err, -EINVAL, "member \"%s\" is not known to this version of orc",
                            spec_quote(key).text);
    }
    for (size_t i = 0; i < r->n && rc == 0; i++)
        rc = decode_field(&r->fields[i], j, obj, err);
    return rc;
}
