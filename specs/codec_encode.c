/* codec_encode.c - writing: see codec.h. */
#include "specs/codec_internal.h"

/* Writing. Each returns NULL for what is left out. ---------------------------------------------------- */

struct manner {
    bool changed_only, marked_only;
};

static json_t *encode(const struct codec *c, const void *obj, const void *def, struct manner how);

static json_t *encode_str(const struct codec_field *f, const char *s)
{
    size_t n = s ? strlen(s) : 0, max = text_max(f);
    orc_auto_free char *cut = NULL;

    if (n > max) {
        while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
            max--;
        s = cut = orc_strndup(s, max);
    }
    return orc_json_str_new(s);
}

static json_t *encode_strv(const struct orc_strv *v)
{
    json_t *a = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(a, orc_json_str_new(v->at[i]));
    return a;
}

static json_t *encode_pairs(const struct codec_field *f, const struct spec_pairs *p)
{
    json_t *map = json_object();

    for (size_t i = 0; i < p->n; i++) {
        const char *value = p->at[i].value;

        json_object_set_new(map, p->at[i].key,
                            value || !f->nulls ? orc_json_str_new(value ? value : "") : json_null());
    }
    return map;
}

/* Elements differ from what their codec fills in. */
static json_t *encode_list(const struct codec_field *f, struct any_vec v, struct manner how)
{
    bool filled = how.changed_only && f->sub->init;
    orc_auto_free void *def = filled ? orc_calloc(1, f->sub->size) : NULL;
    json_t *a = json_array();

    if (filled)
        f->sub->init(def);
    for (size_t i = 0; i < v.n; i++)
        json_array_append_new(a, encode(f->sub, (const char *)v.at + i * f->sub->size, def, how));
    if (filled)
        codec_release(f->sub, def);
    return a;
}

static json_t *encode_number(const struct codec_field *f, const void *m)
{
    if (f->kind == CODEC_BOOL)
        return json_boolean(int_at(f, m));
    if (f->kind == CODEC_ENUM)
        return json_string(f->names[int_at(f, m)]);
    return json_integer(int_at(f, m));
}

static json_t *encode_field(const struct codec_field *f, const void *m, const void *def, struct manner how)
{
    const void *p;

    switch (f->kind) {
    case CODEC_STR:
        return encode_str(f, pointer_at(m));
    case CODEC_FIXED:
        return encode_str(f, m);
    case CODEC_STRV:
        return encode_strv(m);
    case CODEC_PAIRS:
        return encode_pairs(f, m);
    case CODEC_STRUCT:
        return encode(f->sub, m, def, how);
    case CODEC_LIST:
        return encode_list(f, vec_at(m), how);
    case CODEC_OWNED:
        p = pointer_at(m);
        return p ? f->owned->to_json(p) : NULL;
    default:
        return encode_number(f, m);
    }
}

/* Is the member what the default (NULL: zero) has? Lists and maps have the empty default. */
static bool is_default(const struct codec_field *f, const void *obj, const void *def)
{
    const void *m = member_const(f, obj), *d = def ? member_const(f, def) : NULL;

    switch (f->kind) {
    case CODEC_STR:
        return orc_streq(pointer_at(m), d ? pointer_at(d) : NULL);
    case CODEC_FIXED:
        return orc_streq(m, d ? d : "");
    case CODEC_STRV:
        return vec_at(m).n == 0 && !(f->flag && *(const bool *)((const char *)obj + f->flag));
    case CODEC_PAIRS:
    case CODEC_LIST:
        return vec_at(m).n == 0;
    case CODEC_STRUCT:
    case CODEC_OWNED:
        return false;
    default:
        return int_at(f, m) == (d ? int_at(f, d) : 0);
    }
}

static json_t *encode(const struct codec *c, const void *obj, const void *def, struct manner how)
{
    const struct manner below = {.changed_only = how.changed_only};
    json_t *o = json_object();

    for (size_t i = 0; i < c->n; i++) {
        const struct codec_field *f = &c->fields[i];
        json_t *value;

        if ((how.marked_only && !f->marked) || (how.changed_only && is_default(f, obj, def)))
            continue;
        value = encode_field(f, member_const(f, obj), def ? member_const(f, def) : NULL, below);
        if (value && how.changed_only && f->kind == CODEC_STRUCT && json_object_size(value) == 0)
            json_decref(value);
        else if (value)
            json_object_set_new_nocheck(o, f->name, value); /* names of members are ASCII */
    }
    return o;
}

json_t *codec_encode(const struct codec *c, const void *obj)
{
    return encode(c, obj, NULL, (struct manner){0});
}

json_t *codec_encode_changed(const struct codec *c, const void *obj, const void *def, bool marked_only)
{
    return encode(c, obj, def, (struct manner){.changed_only = true, .marked_only = marked_only});
}
