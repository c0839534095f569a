#include "state/codec.h"

#include "specs/spec.h"

#include <string.h>

#define STRV_MAX 1000  /* elements of a list of strings */
#define PAIRS_MAX 1000 /* members of a map */
#define PAIR_KEY_MAX 256

/* Any growable array of mem.h, handled bytewise because its element type isn't known here. */
struct any_vec {
    void *at;
    size_t n, cap;
};

static void *member(const struct codec_field *f, void *obj)
{
    return (char *)obj + f->offset;
}

static const void *member_const(const struct codec_field *f, const void *obj)
{
    return (const char *)obj + f->offset;
}

static void *pointer_at(const void *m)
{
    void *p;

    memcpy(&p, m, sizeof p);
    return p;
}

static struct any_vec vec_at(const void *m)
{
    struct any_vec v;

    memcpy(&v, m, sizeof v);
    return v;
}

static int64_t int_at(const struct codec_field *f, const void *m)
{
    int64_t wide;
    uint16_t small;
    int plain;

    switch (f->kind) {
    case CODEC_INT64:
        memcpy(&wide, m, sizeof wide);
        return wide;
    case CODEC_U16:
        memcpy(&small, m, sizeof small);
        return small;
    default:
        memcpy(&plain, m, sizeof plain);
        return plain;
    }
}

static void set_int(const struct codec_field *f, void *m, int64_t v)
{
    uint16_t small = (uint16_t)v;
    int plain = (int)v;

    if (f->kind == CODEC_INT64)
        memcpy(m, &v, sizeof v);
    else if (f->kind == CODEC_U16)
        memcpy(m, &small, sizeof small);
    else
        memcpy(m, &plain, sizeof plain);
}

/* Writing --------------------------------------------------------------------------------------------- */

static void encode_str(json_t *o, const struct codec_field *f, const char *s)
{
    size_t n = s ? strlen(s) : 0, max = (size_t)f->max;
    orc_auto_free char *cut = NULL;

    if (n > max) {
        while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
            max--;
        s = cut = orc_strndup(s, max);
    }
    orc_json_set_str(o, f->name, s);
}

static void encode_strv(json_t *o, const struct codec_field *f, const struct orc_strv *v)
{
    json_t *a = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(a, json_string(v->at[i]));
    json_object_set_new(o, f->name, a);
}

static void encode_pairs(json_t *o, const struct codec_field *f, const struct spec_pairs *p)
{
    json_t *map = json_object();

    for (size_t i = 0; i < p->n; i++)
        orc_json_set_str(map, p->at[i].key, p->at[i].value ? p->at[i].value : "");
    json_object_set_new(o, f->name, map);
}

static void encode_list(json_t *o, const struct codec_field *f, struct any_vec v)
{
    json_t *a = json_array();

    for (size_t i = 0; i < v.n; i++)
        json_array_append_new(a, codec_encode(f->sub, (const char *)v.at + i * f->sub->size));
    json_object_set_new(o, f->name, a);
}

static void encode_field(json_t *o, const struct codec_field *f, const void *m)
{
    switch (f->kind) {
    case CODEC_STR:
        encode_str(o, f, pointer_at(m));
        break;
    case CODEC_FIXED:
        orc_json_set_str(o, f->name, m);
        break;
    case CODEC_BOOL:
        json_object_set_new(o, f->name, json_boolean(*(const bool *)m));
        break;
    case CODEC_ENUM:
        orc_json_set_str(o, f->name, f->names[int_at(f, m)]);
        break;
    case CODEC_STRV:
        encode_strv(o, f, m);
        break;
    case CODEC_PAIRS:
        encode_pairs(o, f, m);
        break;
    case CODEC_STRUCT:
        json_object_set_new(o, f->name, codec_encode(f->sub, m));
        break;
    case CODEC_LIST:
        encode_list(o, f, vec_at(m));
        break;
    case CODEC_SPEC:
        json_object_set_new(o, f->name, spec_service_to_json(pointer_at(m)));
        break;
    default:
        json_object_set_new(o, f->name, json_integer(int_at(f, m)));
    }
}

json_t *codec_encode(const struct codec *c, const void *obj)
{
    json_t *o = json_object();

    for (size_t i = 0; i < c->n; i++)
        encode_field(o, &c->fields[i], member_const(&c->fields[i], obj));
    return o;
}

/* Reading --------------------------------------------------------------------------------------------- */

static int check_str(const struct codec_field *f, const char *s, struct orc_err *err)
{
    int r = f->check ? f->check(s, err) : 0;

    if (r < 0)
        orc_wrap(err, "\"%s\"", f->name);
    return r;
}

static int decode_str(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    orc_auto_free char *s = NULL;
    int r = orc_json_str_opt(j, f->name, (size_t)f->max, &s, err);

    if (r < 0 || !s)
        return r;
    r = check_str(f, s, err);
    if (r < 0)
        return r;
    if (f->kind == CODEC_FIXED) {
        memcpy(m, s, strlen(s) + 1);
        return 0;
    }
    free(pointer_at(m)); /* the default */
    memcpy(m, &s, sizeof s);
    s = NULL;
    return 0;
}

static int decode_int(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    int64_t v = int_at(f, m);
    int r = orc_json_int_opt(j, f->name, f->min, f->max, &v, err);

    if (r == 0)
        set_int(f, m, v);
    return r;
}

int codec_enum_from_name(const char *const *names, const char *name, int *ret)
{
    for (int v = 0; names[v]; v++)
        if (strcmp(name, names[v]) == 0) {
            *ret = v;
            return 0;
        }
    return -EINVAL;
}

static int decode_enum(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    orc_auto_free char *s = NULL;
    int v = 0, r = orc_json_str_opt(j, f->name, 64, &s, err);

    if (r < 0 || !s)
        return r;
    if (codec_enum_from_name(f->names, s, &v) < 0)
        return orc_fail(err, -EINVAL, "\"%s\": \"%s\" is none of the known values (\"%s\", ...)", f->name, s,
                        f->names[0]);
    set_int(f, m, v);
    return 0;
}

static int decode_strv(const struct codec_field *f, const json_t *j, struct orc_strv *v, struct orc_err *err)
{
    int r = orc_json_strv_opt(j, f->name, (size_t)f->max, v, err);

    if (r == 0 && v->n > STRV_MAX)
        r = orc_fail(err, -EINVAL, "\"%s\" has more than %d elements", f->name, STRV_MAX);
    for (size_t i = 0; i < v->n && r == 0; i++)
        r = check_str(f, v->at[i], err);
    return r;
}

static int pair_cmp(const void *a, const void *b)
{
    return strcmp(((const struct spec_pair *)a)->key, ((const struct spec_pair *)b)->key);
}

static int decode_pairs(const struct codec_field *f, const json_t *j, struct spec_pairs *p,
                        struct orc_err *err)
{
    json_t *map = NULL, *value;
    const char *key;
    int r = orc_json_obj_opt(j, f->name, &map, err);

    if (r < 0 || !map)
        return r;
    if (json_object_size(map) > PAIRS_MAX)
        return orc_fail(err, -EINVAL, "\"%s\" has more than %d members", f->name, PAIRS_MAX);
    json_object_foreach(map, key, value)
    {
        struct spec_pair *pair;

        if (strlen(key) > PAIR_KEY_MAX || !json_is_string(value) ||
            json_string_length(value) > (size_t)f->max)
            return orc_fail(err, -EINVAL,
                            "\"%s\": \"%.64s\": expected a name of at most %d bytes and a text of at most %d",
                            f->name, key, PAIR_KEY_MAX, (int)f->max);
        pair = orc_vec_add(p);
        pair->key = orc_strdup(key);
        pair->value = orc_strdup(json_string_value(value));
    }
    if (p->n > 1)
        qsort(p->at, p->n, sizeof *p->at, pair_cmp);
    return 0;
}

static int sort_list(const struct codec_field *f, const struct any_vec *v, struct orc_err *err)
{
    const struct codec *c = f->sub;

    if (!c->cmp || v->n < 2)
        return 0;
    qsort(v->at, v->n, c->size, c->cmp);
    for (size_t i = 1; i < v->n; i++)
        if (c->cmp((char *)v->at + (i - 1) * c->size, (char *)v->at + i * c->size) == 0)
            return orc_fail(err, -EINVAL, "\"%s\" names the same thing twice", f->name);
    return 0;
}

static int decode_list(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    struct any_vec v = {0};
    json_t *list = NULL;
    int r = orc_json_arr_opt(j, f->name, &list, err);

    if (r < 0 || !list || json_array_size(list) == 0)
        return r;
    if (json_array_size(list) > (size_t)f->max)
        return orc_fail(err, -EINVAL, "\"%s\" has more than %d elements", f->name, (int)f->max);
    v.n = v.cap = json_array_size(list);
    v.at = orc_calloc(v.n, f->sub->size);
    memcpy(m, &v, sizeof v);
    for (size_t i = 0; i < v.n; i++) {
        r = codec_decode(f->sub, json_array_get(list, i), (char *)v.at + i * f->sub->size, err);
        if (r < 0) {
            orc_wrap(err, "\"%s\"[%zu]", f->name, i);
            return r;
        }
    }
    return sort_list(f, &v, err);
}

static int decode_struct(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    json_t *o = NULL;
    int r = orc_json_obj_opt(j, f->name, &o, err);

    if (r < 0 || !o)
        return r;
    r = codec_decode(f->sub, o, m, err);
    if (r < 0)
        orc_wrap(err, "\"%s\"", f->name);
    return r;
}

static int decode_spec(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    struct spec_service *s;
    json_t *o = NULL;
    int r = orc_json_obj_opt(j, f->name, &o, err);

    if (r < 0 || !o)
        return r;
    s = spec_service_from_json(o, err);
    if (!s) {
        orc_wrap(err, "\"%s\"", f->name);
        return -EINVAL;
    }
    memcpy(m, &s, sizeof s);
    return 0;
}

static int decode_field(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    const json_t *there = json_object_get(j, f->name);

    if (f->required && (!there || json_is_null(there)))
        return orc_fail(err, -EINVAL, "\"%s\" is missing", f->name);
    switch (f->kind) {
    case CODEC_STR:
    case CODEC_FIXED:
        return decode_str(f, j, m, err);
    case CODEC_BOOL:
        return orc_json_bool_opt(j, f->name, m, err);
    case CODEC_ENUM:
        return decode_enum(f, j, m, err);
    case CODEC_STRV:
        return decode_strv(f, j, m, err);
    case CODEC_PAIRS:
        return decode_pairs(f, j, m, err);
    case CODEC_STRUCT:
        return decode_struct(f, j, m, err);
    case CODEC_LIST:
        return decode_list(f, j, m, err);
    case CODEC_SPEC:
        return decode_spec(f, j, m, err);
    default:
        return decode_int(f, j, m, err);
    }
}

int codec_decode(const struct codec *c, const json_t *j, void *obj, struct orc_err *err)
{
    orc_auto_free void *fresh = orc_calloc(1, c->size);
    int r = 0;

    if (!json_is_object(j))
        return orc_fail(err, -EINVAL, "expected a JSON object");
    if (c->init)
        c->init(fresh);
    for (size_t i = 0; i < c->n && r == 0; i++)
        r = decode_field(&c->fields[i], j, member(&c->fields[i], fresh), err);
    if (r < 0)
        codec_release(c, fresh);
    else
        memcpy(obj, fresh, c->size);
    return r;
}

/* Freeing --------------------------------------------------------------------------------------------- */

static void release_pairs(struct spec_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].key);
        free(p->at[i].value);
    }
    free(p->at);
}

static void release_list(const struct codec_field *f, struct any_vec v)
{
    for (size_t i = 0; i < v.n; i++)
        codec_release(f->sub, (char *)v.at + i * f->sub->size);
    free(v.at);
}

void codec_release(const struct codec *c, void *obj)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct codec_field *f = &c->fields[i];
        void *m = member(f, obj);

        if (f->kind == CODEC_STR)
            free(pointer_at(m));
        else if (f->kind == CODEC_STRV)
            orc_strv_release(m);
        else if (f->kind == CODEC_PAIRS)
            release_pairs(m);
        else if (f->kind == CODEC_STRUCT)
            codec_release(f->sub, m);
        else if (f->kind == CODEC_LIST)
            release_list(f, vec_at(m));
        else if (f->kind == CODEC_SPEC)
            spec_service_free(pointer_at(m));
    }
    memset(obj, 0, c->size);
}
