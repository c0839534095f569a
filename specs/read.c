#include "specs/read.h"

#include "lib/buf.h"
#include "lib/options.h"
#include "lib/units.h"
#include "specs/check.h"
#include "specs/words.h"

#include <stdarg.h>
#include <string.h>

void spec_ref_add(struct spec_reader *r, enum spec_ref_kind kind, const struct spec_node *at,
                  const char *name)
{
    struct spec_ref *ref = orc_vec_add(&r->refs);

    *ref = (struct spec_ref){.kind = kind, .at = at, .from = r->service, .name = orc_strdup(name)};
}

void spec_reader_release(struct spec_reader *r)
{
    for (size_t i = 0; i < r->refs.n; i++)
        free(r->refs.at[i].name);
    orc_vec_release(&r->refs);
}

/* Mappings -------------------------------------------------------------------------------------------- */

static const struct spec_key *find_key(const struct spec_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->n; i++)
        if (strcmp(keys->keys[i].name, name) == 0)
            return &keys->keys[i];
    return NULL;
}

/* "image, command, ports": what a row reads. */
static void list_names(const struct spec_keys *keys, struct orc_buf *list)
{
    for (; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++)
            if (keys->keys[i].read)
                orc_buf_printf(list, "%s%s", list->len ? ", " : "", keys->keys[i].name);
}

/* Also one that is refused: then it says why. */
static const struct spec_key *nearest_key(const struct spec_keys *keys, const char *name)
{
    const char **names = orc_calloc(keys->n + (keys->more ? keys->more->n : 0) + 1, sizeof *names);
    const char *found;
    size_t n = 0;

    for (int refused = 0; refused <= 1; refused++)
        for (const struct spec_keys *part = keys; part; part = part->more)
            for (size_t i = 0; i < part->n; i++)
                if (!part->keys[i].read == (refused == 1))
                    names[n++] = part->keys[i].name;
    found = orc_nearest(name, names);
    free(names);
    if (!found)
        return NULL;
    return find_key(keys, found) ?: find_key(keys->more, found);
}

static void refuse_unknown(struct spec_reader *r, const struct spec_keys *keys, const struct spec_node *key)
{
    bool full = r->problems->n >= SPEC_PROBLEMS_MAX; /* then nobody will read it */
    const struct spec_key *near = !full && strlen(key->text) <= 40 ? nearest_key(keys, key->text) : NULL;
    struct orc_buf list = ORC_BUF_INIT(2048);

    if (full)
        return;
    if (near) {
        spec_say(r, key, "unknown key \"%s\" in %s; did you mean \"%s\"?%s%s", spec_quote(key->text).text,
                 keys->what, near->name,
                 near->read ? "" : " That is not accepted: ", near->read ? "" : near->refusal);
        return;
    }
    list_names(keys, &list);
    if (list.len)
        spec_say(r, key, "unknown key \"%s\" in %s; known are: %s", spec_quote(key->text).text, keys->what,
                 orc_buf_str(&list));
    else
        spec_say(r, key, "unknown key \"%s\" in %s; nothing can be set there", spec_quote(key->text).text,
                 keys->what);
    orc_buf_release(&list);
}

static bool is_empty(const struct spec_node *v)
{
    return v->kind == SPEC_NODE_SCALAR && !v->broken && !*v->text && !spec_node_is_null(v);
}

static void read_entry(struct spec_reader *r, const struct spec_keys *keys, const struct spec_entry *e,
                       void *into)
{
    const char *name = e->key->text;
    const struct spec_key *k = find_key(keys, name);

    if (!k && keys->more && (k = find_key(keys->more, name)))
        into = keys->more_into(into);
    if (k && k->empty && is_empty(e->value))
        return;
    if (k && k->read)
        k->read(r, k, e->value, into);
    else if (k)
        spec_say(r, e->key, "\"%s\" in %s is not accepted: %s", name, keys->what, k->refusal);
    else if (strcmp(name, "x-orc") == 0)
        spec_say(r, e->key, "\"x-orc\" has no meaning in %s; it belongs into a service", keys->what);
    else if (strncmp(name, "x-", 2) != 0)
        refuse_unknown(r, keys, e->key);
}

bool spec_read_map(struct spec_reader *r, const struct spec_keys *keys, const struct spec_node *v, void *into)
{
    struct orc_buf list = ORC_BUF_INIT(2048);

    if (v->kind == SPEC_NODE_MAP) {
        for (size_t i = 0; i < v->entries.n; i++)
            read_entry(r, keys, &v->entries.at[i], into);
        return true;
    }
    list_names(keys, &list);
    spec_say(r, v, "%s must be a mapping, but this is %s%s%s", keys->what, spec_node_kind_name(v),
             list.len ? "; its keys are: " : "", orc_buf_str(&list));
    orc_buf_release(&list);
    return false;
}

/* Scalars --------------------------------------------------------------------------------------------- */

const char *spec_read_text(struct spec_reader *r, const char *what, const struct spec_node *v)
{
    if (v->kind == SPEC_NODE_SCALAR && !spec_node_is_null(v))
        return v->broken ? NULL : v->text;
    spec_say(r, v, "%s must be a string, but this is %s", what, spec_node_kind_name(v));
    return NULL;
}

const char *spec_read_checked(struct spec_reader *r, const char *what, const struct spec_node *v,
                              int (*check)(const char *s, struct orc_err *err))
{
    const char *s = spec_read_text(r, what, v);
    struct orc_err err = ORC_ERR_INIT;

    if (!s || ((!check || check(s, &err) == 0) && spec_check_text(s, &err) == 0))
        return s;
    spec_say(r, v, "%s: %s", what, err.msg);
    return NULL;
}

const char *spec_read_string(struct spec_reader *r, const char *what, const struct spec_node *v)
{
    if (v->kind == SPEC_NODE_SCALAR && spec_node_scalar(v) == SPEC_SCALAR_STRING)
        return v->broken ? NULL : v->text;
    if (v->kind == SPEC_NODE_SCALAR && !spec_node_is_null(v))
        spec_say(r, v, "%s must be a string, but this is %s; write \"%s\" with quotes if it is meant", what,
                 spec_node_kind_name(v), spec_quote(v->text).text);
    else
        spec_say(r, v, "%s must be a string, but this is %s", what, spec_node_kind_name(v));
    return NULL;
}

bool spec_read_bool(struct spec_reader *r, const char *what, const struct spec_node *v, bool *ret)
{
    const char *s = v->kind == SPEC_NODE_SCALAR ? v->text : "";
    bool yes = strcasecmp(s, "true") == 0;

    if (!yes && strcasecmp(s, "false") != 0) {
        if (!v->broken)
            spec_say(r, v, "%s must be true or false, not %s", what,
                     *s ? spec_quote(s).text : spec_node_kind_name(v));
        return false;
    }
    *ret = yes;
    return true;
}

bool spec_read_int(struct spec_reader *r, const char *what, const struct spec_node *v, int64_t min,
                   int64_t max, int64_t *ret)
{
    const char *s = spec_read_text(r, what, v);
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return false;
    if (orc_parse_int(s, min, max, ret, &err) == 0)
        return true;
    spec_say(r, v, "%s: %s", what, err.msg);
    return false;
}

int spec_read_word(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v)
{
    const char *s = spec_read_string(r, k->name, v), *const *names = k->words;
    struct orc_buf list = ORC_BUF_INIT(2048);

    for (int i = 0; s && names[i]; i++)
        if (strcmp(s, names[i]) == 0)
            return i;
    if (!s)
        return -1;
    for (int i = 0; names[i]; i++)
        orc_buf_printf(&list, "%s\"%s\"", i == 0 ? "" : names[i + 1] ? ", " : " or ", names[i]);
    spec_say(r, v, "%s is \"%s\", but must be %s", k->name, spec_quote(s).text, orc_buf_str(&list));
    orc_buf_release(&list);
    return -1;
}

/* Lists ----------------------------------------------------------------------------------------------- */

bool spec_read_is_list(struct spec_reader *r, const char *what, const struct spec_node *v)
{
    if (v->kind != SPEC_NODE_LIST) {
        spec_say(r, v, "%s must be a list, but this is %s", what, spec_node_kind_name(v));
        return false;
    }
    if (v->entries.n > SPEC_LIST_MAX) {
        spec_say(r, v, "%s has %zu elements; at most %d are possible", what, v->entries.n, SPEC_LIST_MAX);
        return false;
    }
    return true;
}

static bool fits(struct spec_reader *r, const char *what, const struct spec_node *v, const char *text)
{
    struct orc_err err = ORC_ERR_INIT;

    if (spec_check_text(text, &err) == 0)
        return true;
    spec_say(r, v, "%s: %s", what, err.msg);
    return false;
}

bool spec_read_texts(struct spec_reader *r, const char *what, const struct spec_node *v, struct orc_strv *ret)
{
    bool good = spec_read_is_list(r, what, v);
    size_t n = good ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;
        const char *s = spec_read_text(r, what, item);

        if (s && fits(r, what, item, s))
            orc_strv_add(ret, s);
        else
            good = false;
    }
    return good;
}

bool spec_read_words(struct spec_reader *r, const char *what, const struct spec_node *v, struct orc_strv *ret)
{
    struct orc_err err = ORC_ERR_INIT;
    const char *s;

    if (v->kind == SPEC_NODE_LIST)
        return spec_read_texts(r, what, v, ret);
    s = spec_read_text(r, what, v);
    if (!s || !fits(r, what, v, s))
        return false;
    if (spec_split_words(s, ret, &err) == 0)
        return true;
    spec_say(r, v, "%s: %s", what, err.msg);
    return false;
}

/* Generic rows ---------------------------------------------------------------------------------------- */

#define MEMBER(type) ((type *)(void *)((char *)into + k->offset))

void spec_key_ignore(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
}

void spec_key_loaded(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
}

void spec_key_node(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    *MEMBER(const struct spec_node *) = v;
}

void spec_key_bool(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_bool(r, k->name, v, MEMBER(bool));
}

void spec_key_int(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int64_t n;

    if (spec_read_int(r, k->name, v, k->min, k->max, &n))
        *MEMBER(int) = (int)n;
}

void spec_key_port(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int64_t n;

    if (spec_read_int(r, k->name, v, 1, 65535, &n))
        *MEMBER(uint16_t) = (uint16_t)n;
}

void spec_key_ms(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_text(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;
    uint64_t ms;

    if (!s)
        return;
    if (orc_parse_duration_ms(s, &ms, &err) < 0)
        spec_say(r, v, "%s: %s", k->name, err.msg);
    else if (ms > SPEC_DURATION_MAX_MS)
        spec_say(r, v, "%s: \"%s\" is too long a time; the longest is a year, 8760h", k->name,
                 spec_quote(s).text);
    else if (ms < (uint64_t)k->min)
        spec_say(r, v, "%s: \"%s\" is too short a time; the shortest is %dms", k->name, spec_quote(s).text,
                 (int)k->min);
    else
        *MEMBER(uint64_t) = ms;
}

void spec_key_bytes(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_text(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;
    int64_t bytes;

    if (!s)
        return;
    if (orc_parse_size(s, &bytes, &err) < 0)
        spec_say(r, v, "%s: %s", k->name, err.msg);
    else if (bytes > SPEC_MEMORY_MAX)
        spec_say(r, v, "%s: \"%s\" is more than any server has; the most is 1024T", k->name,
                 spec_quote(s).text);
    else if (bytes != 0 && bytes < k->min)
        spec_say(r, v, "%s: \"%s\" is too little; the engine takes no limit below 6M", k->name,
                 spec_quote(s).text);
    else
        *MEMBER(int64_t) = bytes;
}

void spec_key_cpus(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_text(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;
    int64_t nano;

    if (!s)
        return;
    if (orc_parse_cpus(s, &nano, &err) < 0)
        spec_say(r, v, "%s: %s", k->name, err.msg);
    else if (nano > SPEC_CPUS_MAX * ORC_NANO_CPU)
        spec_say(r, v, "%s: \"%s\" is more than any server has; the most is %d", k->name, spec_quote(s).text,
                 SPEC_CPUS_MAX);
    else if (nano != 0 && nano < k->min)
        spec_say(r, v, "%s: \"%s\" is too little; the engine takes no limit below 0.01", k->name,
                 spec_quote(s).text);
    else
        *MEMBER(int64_t) = nano;
}

void spec_key_word(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int i = spec_read_word(r, k, v);

    if (i >= 0)
        memcpy((char *)into + k->offset, &i, sizeof i); /* whatever enum it is, an int holds it */
}

void spec_key_text(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_checked(r, k->name, v, k->check);

    if (s)
        orc_set_str(MEMBER(char *), s);
}

void spec_key_borrowed(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);

    if (s)
        *MEMBER(const char *) = s;
}

void spec_key_texts(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    bool alone = v->kind == SPEC_NODE_SCALAR && !spec_node_is_null(v);
    size_t n = alone ? 1 : spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const char *s = spec_read_checked(r, k->name, alone ? v : v->entries.at[i].value, k->check);

        if (s)
            orc_strv_add(MEMBER(struct orc_strv), s);
    }
}
