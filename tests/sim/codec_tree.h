/* codec_tree.h - the tree of what codec_text() writes, made with jansson alone: what the text is held against
 * (tests/unit/test_codec_write.c), and a document that the simulation needn't read (json.c).
 *
 * Plain and slow: an object for every struct, and jansson's own rules for what is cut, escaped and left out.
 */
#ifndef TESTS_SIM_CODEC_TREE_H
#define TESTS_SIM_CODEC_TREE_H

#include "specs/codec_internal.h"

static inline json_t *codec_tree(const struct codec *c, const void *obj);

static inline json_t *codec_tree_str(const struct codec_field *f, const char *s)
{
    size_t max = text_max(f);
    orc_auto_free char *cut = NULL;

    if (!s || strlen(s) <= max)
        return orc_json_str_new(s);
    while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
        max--;
    cut = orc_strndup(s, max);
    return orc_json_str_new(cut);
}

static inline json_t *codec_tree_strv(const struct orc_strv *v)
{
    json_t *a = json_array();

    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(a, orc_json_str_new(v->at[i]));
    return a;
}

static inline json_t *codec_tree_pairs(const struct codec_field *f, const struct spec_pairs *p)
{
    json_t *map = json_object();

    for (size_t i = 0; i < p->n; i++) {
        const char *value = p->at[i].value;

        if (!value && f->nulls)
            json_object_set_new(map, p->at[i].key, json_null());
        else
            json_object_set_new(map, p->at[i].key, orc_json_str_new(value ? value : ""));
    }
    return map;
}

static inline json_t *codec_tree_list(const struct codec_field *f, struct any_vec v)
{
    json_t *a = json_array();

    for (size_t i = 0; i < v.n; i++)
        json_array_append_new(a, codec_tree(f->sub, (const char *)v.at + i * f->sub->size));
    return a;
}

static inline json_t *codec_tree_owned(const struct codec_owned *how, const void *p)
{
    orc_auto_free char *text = p ? how->text(p) : NULL;

    return text ? orc_json_parse(text, strlen(text), NULL) : NULL;
}

static inline json_t *codec_tree_member(const struct codec_field *f, const void *m)
{
    switch (f->kind) {
    case CODEC_STR:
        return codec_tree_str(f, pointer_at(m));
    case CODEC_FIXED:
        return codec_tree_str(f, m);
    case CODEC_BOOL:
        return json_boolean(*(const bool *)m);
    case CODEC_ENUM:
        return json_string(f->names[*(const int *)m]);
    case CODEC_STRV:
        return codec_tree_strv(m);
    case CODEC_PAIRS:
        return codec_tree_pairs(f, m);
    case CODEC_STRUCT:
        return codec_tree(f->sub, m);
    case CODEC_LIST:
        return codec_tree_list(f, vec_at(m));
    case CODEC_OWNED:
        return codec_tree_owned(f->owned, pointer_at(m));
    default:
        return json_integer(int_at(f, m));
    }
}

/* NULL members are left out: jansson takes none. */
static inline json_t *codec_tree(const struct codec *c, const void *obj)
{
    json_t *o = json_object();

    for (size_t i = 0; i < c->n; i++)
        json_object_set_new_nocheck(o, c->fields[i].name,
                                    codec_tree_member(&c->fields[i], member_const(&c->fields[i], obj)));
    return o;
}

#endif
