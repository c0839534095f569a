/* volumes of the top level: declared for the services to mount, and what a server makes them with. */
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/parse_service.h"

#include <string.h>

#define VOLUME(member) .offset = offsetof(struct spec_volume_in, member)

static void read_driver(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    spec_read_word(r, k, v);
    ((struct spec_volume_in *)into)->made_at = v;
}

/* What the engine's driver "local" takes: what mount(8) is called with, and a quota. */
static int check_local_option(const char *name, struct orc_err *err)
{
    static const char *const known[] = {"type", "o", "device", "size"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(known); i++)
        if (strcmp(name, known[i]) == 0)
            return 0;
    return orc_fail(err, -EINVAL,
                    "option \"%s\" is none of the driver \"local\": type, o, device and size are",
                    spec_quote(name).text);
}

static void read_driver_opts(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    static const struct spec_pairs_rule rule = {"option", check_local_option, false};
    struct spec_volume_in *in = into;

    if (spec_node_is_null(v))
        return;
    in->made_at = v;
    spec_read_pairs(r, k->name, &rule, v, &in->driver_opts);
}

static void read_labels(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    static const struct spec_pairs_rule rule = {"label", spec_check_label_key, true};
    struct spec_volume_in *in = into;

    if (spec_node_is_null(v))
        return;
    in->made_at = v;
    spec_read_pairs(r, k->name, &rule, v, &in->labels);
}

static void read_name(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    ((struct spec_volume_in *)into)->engine_name = spec_read_checked(r, k->name, v, spec_check_volume_name);
}

static const struct spec_key external_keys[] = {
    {"name", .read = read_name, .form = SPEC_IS_SCALAR, .doc = "an older spelling of `name` beside it"},
};
static const struct spec_keys external_map = SPEC_KEYS("external", external_keys);

static void read_external(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    struct spec_volume_in *in = into;

    if (v->kind == SPEC_NODE_MAP)
        in->external = spec_read_map(r, &external_map, v, in);
    else
        spec_read_bool(r, k->name, v, &in->external);
}

static const struct spec_key volume_keys[] = {
    {"driver", .read = read_driver, SPEC_WORDS("local"), .doc = "`local`, the engine's own"},
    {"driver_opts", .read = read_driver_opts, .form = SPEC_IS_NAMES | SPEC_IS_LIST | SPEC_IS_NULL,
     .values = SPEC_IS_SCALAR, .items = SPEC_IS_SCALAR,
     .doc = "`type`, `o`, `device`, `size` of the driver `local` (an NFS share, for one). They count when a "
            "server first makes the volume"},
    {"external", .read = read_external, .form = SPEC_IS_BOOL | SPEC_IS_MAP,
     .doc = "true: orc never makes it. A replica goes where servers say they have it; on one that has it not "
            "it waits, and says so, until somebody makes it there (`docker volume create`)",
     .sub = &external_map},
    {"labels", .read = read_labels, .form = SPEC_IS_NAMES | SPEC_IS_LIST | SPEC_IS_NULL,
     .values = SPEC_IS_SCALAR | SPEC_IS_NULL, .items = SPEC_IS_SCALAR,
     .doc = "of the volume; they count when a server first makes it"},
    {"name", .read = read_name, .form = SPEC_IS_SCALAR,
     .doc = "what the engine calls it, as it is: apps that give the same share it. Else `orc.APP.VOLUME`, or "
            "as it is here when it is external"},
};
const struct spec_keys spec_volume_keys = SPEC_KEYS("volumes", volume_keys);

static int cmp_keys(const void *x, const void *y)
{
    return strcmp(((const struct spec_pair *)x)->key, ((const struct spec_pair *)y)->key);
}

static void sort(struct spec_pairs *p)
{
    if (p->n > 1)
        qsort(p->at, p->n, sizeof *p->at, cmp_keys);
}

/* Nobody makes it, so nobody makes it with anything; and it has a name. */
static void finish_external(struct spec_reader *r, const struct spec_node *key, struct spec_volume_in *in)
{
    struct orc_err err = ORC_ERR_INIT;

    if (in->made_at)
        spec_say(r, in->made_at,
                 "volume \"%s\" is external, so orc makes it nowhere and this means nothing; remove it, or "
                 "\"external\"",
                 in->name);
    if (!in->engine_name && spec_check_volume_name(in->name, &err) < 0)
        spec_say(r, key, "%s", err.msg);
    if (!in->engine_name)
        in->engine_name = in->name;
}

void spec_read_volumes(struct spec_reader *r, const struct spec_node *v, struct orc_strv *names,
                       struct spec_volumes_in *declared)
{
    size_t n = spec_read_is_names(r, v, spec_volume_keys.what) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        struct spec_volume_in in = {.name = e->key->text};
        struct orc_err err = ORC_ERR_INIT;

        if (!spec_read_is_declared(r, e->key))
            continue;
        if (spec_check_volume(e->key->text, &err) < 0)
            spec_say(r, e->key, "%s", err.msg);
        if (!spec_node_is_null(e->value))
            spec_read_map(r, &spec_volume_keys, e->value, &in);
        if (in.external)
            finish_external(r, e->key, &in);
        sort(&in.driver_opts);
        sort(&in.labels);
        orc_strv_add(names, e->key->text);
        *orc_vec_add(declared) = in;
    }
}

static const struct spec_volume_in *find(const struct spec_volumes_in *declared, const char *name)
{
    for (size_t i = 0; i < declared->n; i++)
        if (strcmp(declared->at[i].name, name) == 0)
            return &declared->at[i];
    return NULL;
}

bool spec_takes_room(struct spec_room *room, size_t bytes)
{
    room->used += bytes;
    return room->used <= SPEC_COPIES_MAX;
}

static void add_all(struct spec_pairs *to, const struct spec_pairs *from, struct spec_room *room)
{
    for (size_t i = 0; i < from->n; i++)
        if (spec_takes_room(room, strlen(from->at[i].value)))
            spec_pairs_add(to, from->at[i].key, from->at[i].value);
}

/* A name that it has anyway is none: `orc config` prints each volume's. */
static void give(const struct spec_volume_in *in, const char *app, struct spec_mount *m,
                 struct spec_room *room)
{
    orc_auto_free char *own = app ? spec_mount_volume(app, m) : NULL;

    if (in->engine_name && (in->external || !own || strcmp(in->engine_name, own) != 0))
        m->name = orc_strdup(in->engine_name);
    m->external = in->external;
    add_all(&m->driver_opts, &in->driver_opts, room);
    add_all(&m->labels, &in->labels, room);
}

void spec_give_volumes(const struct spec_volumes_in *declared, const char *app, struct spec_service *s,
                       struct spec_room *room)
{
    for (size_t i = 0; i < s->mounts.n; i++) {
        struct spec_mount *m = &s->mounts.at[i];
        const struct spec_volume_in *in = m->kind == SPEC_MOUNT_VOLUME ? find(declared, m->source) : NULL;

        if (in)
            give(in, app, m, room);
    }
}

void spec_volumes_in_release(struct spec_volumes_in *declared)
{
    for (size_t i = 0; i < declared->n; i++) {
        spec_pairs_release(&declared->at[i].driver_opts);
        spec_pairs_release(&declared->at[i].labels);
    }
    orc_vec_release(declared);
}
