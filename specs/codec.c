/* codec.c - reading, sorting, freeing: see codec.h. */
#include "specs/codec_internal.h"

#define PAIR_KEY_MAX 256

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

static size_t list_max(const struct codec_field *f)
{
    return f->kind == CODEC_LIST && f->max ? (size_t)f->max : SPEC_LIST_MAX;
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

static int decode_str(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    const char *s = NULL;
    char *copy;
    int r = orc_json_as_str(j, f->name, text_max(f), &s, err);

    if (r == 0)
        r = check_with(f->check, s, f->name, err);
    if (r < 0)
        return r;
    if (f->kind == CODEC_FIXED) {
        memcpy(m, s, strlen(s) + 1);
        return 0;
    }
    copy = orc_strdup(s);
    free(pointer_at(m)); /* the default */
    memcpy(m, &copy, sizeof copy);
    return 0;
}

static int decode_int(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    int64_t v = 0;
    int r = orc_json_as_int(j, f->name, f->min, f->max, &v, err);

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
    const char *s = NULL;
    int v = 0, r = orc_json_as_str(j, f->name, SPEC_TEXT_MAX, &s, err);

    if (r < 0)
        return r;
    if (codec_enum_from_name(f->names, s, &v) < 0)
        return orc_fail(err, -EINVAL, "\"%s\": \"%s\" is none of the known values (\"%s\", ...)", f->name,
                        spec_quote(s).text, f->names[0]);
    set_int(f, m, v);
    return 0;
}

static int too_many(const struct codec_field *f, size_t n, const char *what, struct orc_err *err)
{
    if (n <= list_max(f))
        return 0;
    return orc_fail(err, -EINVAL, "\"%s\" has more than %zu %s", f->name, list_max(f), what);
}

static int str_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_set(struct orc_strv *v)
{
    size_t kept = 0;

    if (v->n > 1)
        qsort(v->at, v->n, sizeof *v->at, str_cmp);
    for (size_t i = 0; i < v->n; i++)
        if (kept > 0 && strcmp(v->at[kept - 1], v->at[i]) == 0)
            free(v->at[i]);
        else
            v->at[kept++] = v->at[i];
    v->n = kept;
}

static int decode_strv(const struct codec_field *f, const json_t *list, void *m, void *obj,
                       struct orc_err *err)
{
    struct orc_strv *v = m;
    int r = orc_json_as_arr(list, f->name, err);

    if (r == 0)
        r = too_many(f, json_array_size(list), "elements", err);
    if (r < 0)
        return r;
    if (f->flag)
        *(bool *)((char *)obj + f->flag) = true;
    r = orc_json_as_strv(list, f->name, text_max(f), v, err);
    for (size_t i = 0; i < v->n && r == 0; i++)
        r = check_with(f->check, v->at[i], f->name, err);
    if (f->set)
        sort_set(v);
    return r;
}

static int check_key(const struct codec_field *f, const char *key, struct orc_err *err)
{
    if (f->check_key)
        return check_with(f->check_key, key, f->name, err);
    if (strlen(key) > PAIR_KEY_MAX)
        return orc_fail(err, -EINVAL, "\"%s\": the name \"%s\" has more than %d bytes", f->name,
                        spec_quote(key).text, PAIR_KEY_MAX);
    return 0;
}

static int decode_pair(const struct codec_field *f, const char *key, const json_t *value,
                       struct spec_pairs *p, struct orc_err *err)
{
    bool null = f->nulls && json_is_null(value);
    int r = check_key(f, key, err);

    if (r < 0)
        return r;
    if (!null && (!json_is_string(value) || json_string_length(value) > text_max(f)))
        return orc_fail(err, -EINVAL, "\"%s\": the value of \"%s\" must be a string of at most %zu bytes",
                        f->name, spec_quote(key).text, text_max(f));
    r = null ? 0 : check_with(f->check, json_string_value(value), f->name, err);
    if (r == 0)
        spec_pairs_add(p, key, null ? NULL : json_string_value(value));
    return r;
}

static int pair_cmp(const void *a, const void *b)
{
    return strcmp(((const struct spec_pair *)a)->key, ((const struct spec_pair *)b)->key);
}

static void sort_pairs(struct spec_pairs *p)
{
    if (p->n > 1)
        qsort(p->at, p->n, sizeof *p->at, pair_cmp);
}

static int decode_pairs(const struct codec_field *f, json_t *map, struct spec_pairs *p, struct orc_err *err)
{
    json_t *value;
    const char *key;
    int r = orc_json_as_obj(map, f->name, err);

    if (r == 0)
        r = too_many(f, json_object_size(map), "members", err);
    json_object_foreach(map, key, value)
    {
        if (r < 0)
            return r;
        r = decode_pair(f, key, value, p, err);
    }
    sort_pairs(p);
    return r;
}

/* Sorts; what is there twice is dropped in a strict codec, whose cmp sees every member, and else told. */
static bool sort_list(const struct codec *c, struct any_vec *v)
{
    size_t kept = 0;

    if (!c->cmp || v->n < 2)
        return true;
    qsort(v->at, v->n, c->size, c->cmp);
    for (size_t i = 0; i < v->n; i++) {
        char *here = (char *)v->at + i * c->size, *free_place = (char *)v->at + kept * c->size;
        bool twice = kept > 0 && c->cmp(free_place - c->size, here) == 0;

        if (twice && !c->strict)
            return false;
        if (twice) {
            codec_release(c, here);
            continue;
        }
        memmove(free_place, here, c->size);
        kept++;
    }
    v->n = kept;
    return true;
}

static int decode_list(const struct codec_field *f, const json_t *list, void *m, struct orc_err *err)
{
    struct any_vec v = {0};
    int r = orc_json_as_arr(list, f->name, err);

    if (r < 0 || json_array_size(list) == 0)
        return r;
    r = too_many(f, json_array_size(list), "elements", err);
    if (r < 0)
        return r;
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
    if (!sort_list(f->sub, &v))
        return orc_fail(err, -EINVAL, "\"%s\" names the same thing twice", f->name);
    memcpy(m, &v, sizeof v);
    return 0;
}

static int decode_struct(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    int r = orc_json_as_obj(j, f->name, err);

    if (r < 0)
        return r;
    if (f->sub->init)
        f->sub->init(m);
    r = codec_decode_into(f->sub, j, m, err);
    if (r < 0)
        orc_wrap(err, "\"%s\"", f->name);
    return r;
}

static int decode_owned(const struct codec_field *f, const json_t *j, void *m, struct orc_err *err)
{
    int r = orc_json_as_obj(j, f->name, err);
    void *p;

    if (r < 0)
        return r;
    p = f->owned->from_json(j, err);
    if (!p) {
        orc_wrap(err, "\"%s\"", f->name);
        return -EINVAL;
    }
    memcpy(m, &p, sizeof p);
    return 0;
}

static int decode_field(const struct codec_field *f, json_t *j, void *obj, struct orc_err *err)
{
    void *m = member(f, obj);

    if (!j || json_is_null(j))
        return f->required ? orc_fail(err, -EINVAL, "\"%s\" is missing", f->name) : 0;
    switch (f->kind) {
    case CODEC_STR:
    case CODEC_FIXED:
        return decode_str(f, j, m, err);
    case CODEC_BOOL:
        return orc_json_as_bool(j, f->name, m, err);
    case CODEC_ENUM:
        return decode_enum(f, j, m, err);
    case CODEC_STRV:
        return decode_strv(f, j, m, obj, err);
    case CODEC_PAIRS:
        return decode_pairs(f, j, m, err);
    case CODEC_STRUCT:
        return decode_struct(f, j, m, err);
    case CODEC_LIST:
        return decode_list(f, j, m, err);
    case CODEC_OWNED:
        return decode_owned(f, j, m, err);
    default:
        return decode_int(f, j, m, err);
    }
}

static bool is_known(const struct codec *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->fields[i].name, name) == 0)
            return true;
    return false;
}

static int refuse_unknown(const struct codec *c, const json_t *j, struct orc_err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)j, key, value)
    {
        if (!is_known(c, key))
            return orc_fail(err, -EINVAL, "member \"%s\" is not known to this version of orc",
                            spec_quote(key).text);
    }
    return 0;
}

/* What orc wrote has its members in the order of the rows: the next one is looked at before the object is
 * searched. */
static json_t *next_member(json_t *j, const char *name, void **next)
{
    json_t *value;

    if (!*next || strcmp(json_object_iter_key(*next), name) != 0)
        return json_object_get(j, name);
    value = json_object_iter_value(*next);
    *next = json_object_iter_next(j, *next);
    return value;
}

int codec_decode_into(const struct codec *c, const json_t *j, void *obj, struct orc_err *err)
{
    json_t *o = (json_t *)(uintptr_t)j; /* only read */
    void *next;
    int r;

    if (!json_is_object(j))
        return orc_fail(err, -EINVAL, "expected a JSON object");
    r = c->strict ? refuse_unknown(c, j, err) : 0;
    next = json_object_iter(o);
    for (size_t i = 0; i < c->n && r == 0; i++)
        r = decode_field(&c->fields[i], next_member(o, c->fields[i].name, &next), obj, err);
    return r;
}

int codec_decode(const struct codec *c, const json_t *j, void *obj, struct orc_err *err)
{
    orc_auto_free void *fresh = orc_calloc(1, c->size);
    int r;

    if (c->init)
        c->init(fresh);
    r = codec_decode_into(c, j, fresh, err);
    if (r < 0)
        codec_release(c, fresh);
    else
        memcpy(obj, fresh, c->size);
    return r;
}

void codec_sort(const struct codec *c, void *obj)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct codec_field *f = &c->fields[i];
        void *m = member(f, obj);
        struct any_vec v;

        if (f->kind == CODEC_PAIRS)
            sort_pairs(m);
        if (f->kind == CODEC_STRV && f->set)
            sort_set(m);
        if (f->kind == CODEC_STRUCT)
            codec_sort(f->sub, m);
        if (f->kind != CODEC_LIST)
            continue;
        v = vec_at(m);
        sort_list(f->sub, &v);
        memcpy(m, &v, sizeof v);
    }
}

/* Copying --------------------------------------------------------------------------------------------- */

static void set_pointer(void *m, void *p)
{
    memcpy(m, &p, sizeof p);
}

static void copy_strv(const struct orc_strv *from, struct orc_strv *to)
{
    *to = (struct orc_strv){0};
    orc_strv_copy(to, from);
}

static void copy_pairs(const struct spec_pairs *from, struct spec_pairs *to)
{
    *to = (struct spec_pairs){0};
    for (size_t i = 0; i < from->n; i++)
        spec_pairs_add(to, from->at[i].key, from->at[i].value);
}

static void copy_list(const struct codec_field *f, struct any_vec from, void *to)
{
    struct any_vec v = {.at = from.n ? orc_calloc(from.n, f->sub->size) : NULL, .n = from.n, .cap = from.n};

    for (size_t i = 0; i < v.n; i++)
        codec_copy(f->sub, (const char *)from.at + i * f->sub->size, (char *)v.at + i * f->sub->size);
    memcpy(to, &v, sizeof v);
}

/* It reads and writes itself; what it wrote it reads. */
static void *copy_owned(const struct codec_owned *how, const void *p)
{
    orc_auto_free char *text = p ? how->text(p) : NULL;
    orc_auto_json json_t *j = text ? orc_json_parse(text, strlen(text), NULL) : NULL;

    return j ? how->from_json(j, NULL) : NULL;
}

void codec_copy(const struct codec *c, const void *obj, void *ret)
{
    memcpy(ret, obj, c->size);
    for (size_t i = 0; i < c->n; i++) {
        const struct codec_field *f = &c->fields[i];
        const void *from = member_const(f, obj);
        void *to = member(f, ret);

        if (f->kind == CODEC_STR)
            set_pointer(to, orc_strdup(pointer_at(from)));
        else if (f->kind == CODEC_STRV)
            copy_strv(from, to);
        else if (f->kind == CODEC_PAIRS)
            copy_pairs(from, to);
        else if (f->kind == CODEC_STRUCT)
            codec_copy(f->sub, from, to);
        else if (f->kind == CODEC_LIST)
            copy_list(f, vec_at(from), to);
        else if (f->kind == CODEC_OWNED)
            set_pointer(to, copy_owned(f->owned, pointer_at(from)));
    }
}

/* Freeing --------------------------------------------------------------------------------------------- */

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
            spec_pairs_release(m);
        else if (f->kind == CODEC_STRUCT)
            codec_release(f->sub, m);
        else if (f->kind == CODEC_LIST)
            release_list(f, vec_at(m));
        else if (f->kind == CODEC_OWNED)
            f->owned->release(pointer_at(m));
    }
    memset(obj, 0, c->size);
}
