/* codec_write.c - writing: see codec.h. The text goes straight into a buffer; no tree of it is built. */
#include "specs/codec_internal.h"

#include "lib/buf.h"
#include "lib/units.h"

struct manner {
    bool changed_only, marked_only;
};

static void write_object(const struct codec *c, const void *obj, const void *def, struct manner how,
                         struct orc_buf *b);

/* Is left out ----------------------------------------------------------------------------------------- */

static bool is_left_out(const struct codec_field *f, const void *obj, const void *def, struct manner how);

static bool is_empty(const struct codec *c, const void *obj, const void *def, struct manner how)
{
    for (size_t i = 0; i < c->n; i++)
        if (!is_left_out(&c->fields[i], obj, def, how))
            return false;
    return true;
}

/* Is the member what the default (NULL: zero) has? Lists and maps have the empty default. */
static bool is_default(const struct codec_field *f, const void *obj, const void *def, struct manner how)
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
        return is_empty(f->sub, m, d, how);
    case CODEC_OWNED:
        return false;
    default:
        return int_at(f, m) == (d ? int_at(f, d) : 0);
    }
}

static bool is_left_out(const struct codec_field *f, const void *obj, const void *def, struct manner how)
{
    bool points = f->kind == CODEC_STR || f->kind == CODEC_OWNED;

    if (points && !pointer_at(member_const(f, obj)))
        return true;
    return how.changed_only && is_default(f, obj, def, how);
}

/* Writing --------------------------------------------------------------------------------------------- */

/* Before a member or an element: a comma, unless it is the first. */
static void separate(struct orc_buf *b)
{
    char last = b->data[b->len - 1];

    if (last != '{' && last != '[')
        orc_buf_putc(b, ',');
}

static void write_name(const char *name, struct orc_buf *b)
{
    separate(b);
    orc_buf_putc(b, '"');
    orc_buf_puts(b, name);
    orc_buf_putc(b, '"');
    orc_buf_putc(b, ':');
}

static void write_str(const struct codec_field *f, const char *s, struct orc_buf *b)
{
    size_t n = strlen(s), max = text_max(f);
    orc_auto_free char *cut = NULL;

    if (n > max) {
        while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
            max--;
        s = cut = orc_strndup(s, max);
    }
    orc_json_write_str(s, b);
}

static void write_strv(const struct orc_strv *v, struct orc_buf *b)
{
    orc_buf_putc(b, '[');
    for (size_t i = 0; i < v->n; i++) {
        separate(b);
        orc_json_write_str(v->at[i], b);
    }
    orc_buf_putc(b, ']');
}

/* Through an object, which has each key once and only keys that are UTF-8: maps are rare in records. */
static void write_pairs(const struct codec_field *f, const struct spec_pairs *p, struct orc_buf *b)
{
    orc_auto_json json_t *map = json_object();
    orc_auto_free char *text = NULL;

    for (size_t i = 0; i < p->n; i++) {
        const char *value = p->at[i].value;

        json_object_set_new(map, p->at[i].key,
                            value || !f->nulls ? orc_json_str_new(value ? value : "") : json_null());
    }
    text = orc_json_text(map);
    orc_buf_puts(b, text);
}

/* Elements differ from what their codec fills in. */
static void write_list(const struct codec_field *f, struct any_vec v, struct manner how, struct orc_buf *b)
{
    bool filled = how.changed_only && f->sub->init;
    orc_auto_free void *def = filled ? orc_calloc(1, f->sub->size) : NULL;

    if (filled)
        f->sub->init(def);
    orc_buf_putc(b, '[');
    for (size_t i = 0; i < v.n; i++) {
        separate(b);
        write_object(f->sub, (const char *)v.at + i * f->sub->size, def, how, b);
    }
    orc_buf_putc(b, ']');
    if (filled)
        codec_release(f->sub, def);
}

static void write_owned(const struct codec_owned *how, const void *p, struct orc_buf *b)
{
    orc_auto_free char *text = how->text(p);

    orc_buf_puts(b, text);
}

static void write_int(int64_t v, struct orc_buf *b)
{
    char digits[ORC_UNIT_MAX];

    orc_buf_puts(b, orc_format_int(v, digits));
}

static void write_value(const struct codec_field *f, const void *m, const void *def, struct manner how,
                        struct orc_buf *b)
{
    switch (f->kind) {
    case CODEC_STR:
        write_str(f, pointer_at(m), b);
        break;
    case CODEC_FIXED:
        write_str(f, m, b);
        break;
    case CODEC_BOOL:
        orc_buf_puts(b, int_at(f, m) ? "true" : "false");
        break;
    case CODEC_ENUM:
        orc_json_write_str(f->names[int_at(f, m)], b);
        break;
    case CODEC_STRV:
        write_strv(m, b);
        break;
    case CODEC_PAIRS:
        write_pairs(f, m, b);
        break;
    case CODEC_STRUCT:
        write_object(f->sub, m, def, how, b);
        break;
    case CODEC_LIST:
        write_list(f, vec_at(m), how, b);
        break;
    case CODEC_OWNED:
        write_owned(f->owned, pointer_at(m), b);
        break;
    default:
        write_int(int_at(f, m), b);
    }
}

static void write_object(const struct codec *c, const void *obj, const void *def, struct manner how,
                         struct orc_buf *b)
{
    const struct manner below = {.changed_only = how.changed_only};

    orc_buf_putc(b, '{');
    for (size_t i = 0; i < c->n; i++) {
        const struct codec_field *f = &c->fields[i];

        if ((how.marked_only && !f->marked) || is_left_out(f, obj, def, below))
            continue;
        write_name(f->name, b);
        write_value(f, member_const(f, obj), def ? member_const(f, def) : NULL, below, b);
    }
    orc_buf_putc(b, '}');
}

static char *text_of(const struct codec *c, const void *obj, const void *def, struct manner how)
{
    struct orc_buf b = ORC_BUF_INIT(SIZE_MAX);

    write_object(c, obj, def, how, &b);
    return orc_buf_take(&b);
}

char *codec_text(const struct codec *c, const void *obj)
{
    return text_of(c, obj, NULL, (struct manner){0});
}

char *codec_text_changed(const struct codec *c, const void *obj, const void *def, bool marked_only)
{
    return text_of(c, obj, def, (struct manner){.changed_only = true, .marked_only = marked_only});
}
