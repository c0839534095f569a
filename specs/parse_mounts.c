/* volumes of a service: "SOURCE:TARGET[:MODE]" and the long form. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

char *spec_normal_path(const char *s)
{
    char *path = orc_strdup(s), *to = path;

    for (const char *c = s; *c; c++)
        if (*c != '/' || to == path || to[-1] != '/')
            *to++ = *c;
    if (to > path + 1 && to[-1] == '/')
        to--;
    *to = '\0';
    return path;
}

int spec_check_target(const char *target, struct orc_err *err)
{
    if (spec_check_abs_path(target, err) < 0) {
        orc_wrap(err, "the path in the container");
        return -EINVAL;
    }
    if (target[strspn(target, "/")] == '\0')
        return orc_fail(err, -EINVAL, "\"/\" can't be mounted over; give a path below it");
    return 0;
}

/* A bind mount's or a volume's source; sets m->kind when it isn't given. */
static int check_source(const char *source, bool kind_given, struct spec_mount *m, struct orc_err *err)
{
    bool relative = source[0] == '.' || source[0] == '~' || (source[0] != '/' && strchr(source, '/'));

    if (!kind_given)
        m->kind = source[0] == '/' ? SPEC_MOUNT_BIND : SPEC_MOUNT_VOLUME;
    if (relative)
        return orc_fail(
            err, -EINVAL,
            "\"%s\" is relative to a folder that only one machine has, and the container may run on any "
            "server; give an absolute path that exists on them, or a named volume",
            spec_quote(source).text);
    return m->kind == SPEC_MOUNT_BIND ? spec_check_abs_path(source, err) : spec_check_volume(source, err);
}

static void set_paths(struct spec_mount *m, const char *source, const char *target)
{
    m->source = m->kind == SPEC_MOUNT_BIND ? spec_normal_path(source) : orc_strdup(source);
    m->target = spec_normal_path(target);
}

/* Refuses a second mount at one target, and notes the volume for the check against those declared. */
static void add_mount(struct spec_reader *r, const struct spec_node *v, struct spec_service *s,
                      struct spec_mount *m)
{
    for (size_t i = 0; i < s->mounts.n; i++) {
        const struct spec_mount *other = &s->mounts.at[i];

        if (strcmp(other->target, m->target) == 0)
            spec_say(r, v, "\"%s\" in the container is mounted twice, from \"%s\" and from \"%s\"",
                     spec_quote(m->target).text, spec_quote(other->source).text, spec_quote(m->source).text);
    }
    if (m->kind == SPEC_MOUNT_VOLUME)
        spec_ref_add(r, SPEC_REF_VOLUME, v, m->source);
    *orc_vec_add(&s->mounts) = *m;
}

/* The short form -------------------------------------------------------------------------------------- */

static int parse_mode(const char *mode, struct spec_mount *m, struct orc_err *err)
{
    m->read_only = strcmp(mode, "ro") == 0;
    if (!m->read_only && strcmp(mode, "rw") != 0)
        return orc_fail(err, -EINVAL, "mode \"%s\" is not supported; \"ro\" and \"rw\" are",
                        spec_quote(mode).text);
    return 0;
}

static int parse_short(const char *text, struct spec_mount *m, struct orc_err *err)
{
    orc_auto_free char *source = orc_strdup(text);
    char *target = strchr(source, ':'), *mode = target ? strchr(target + 1, ':') : NULL;

    if (!target)
        return orc_fail(
            err, -EINVAL,
            "it has no name, so its data would be lost with the container; write NAME:%s and declare NAME "
            "under the top-level \"volumes:\"",
            *text == '/' ? spec_quote(text).text : "/path");
    *target++ = '\0';
    if (mode)
        *mode++ = '\0';
    if ((mode && parse_mode(mode, m, err) < 0) || check_source(source, false, m, err) < 0 ||
        spec_check_target(target, err) < 0)
        return -EINVAL;
    set_paths(m, source, target);
    return 0;
}

static void read_short(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    const char *text = spec_read_string(r, "a volume", v);
    struct orc_err err = ORC_ERR_INIT;
    struct spec_mount m = {0};

    if (!text)
        return;
    if (parse_short(text, &m, &err) < 0)
        spec_say(r, v, "volume \"%s\": %s", spec_quote(text).text, err.msg);
    else
        add_mount(r, v, s, &m);
}

/* The long form --------------------------------------------------------------------------------------- */

struct long_mount {
    int kind; /* enum spec_mount_kind, -1: not given */
    const char *source, *target;
    bool read_only;
};

static void read_type(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const char *const names[] = {"volume", "bind", NULL};

    ((struct long_mount *)into)->kind = spec_read_word(r, k->name, v, names);
}

#define MOUNT(member) .offset = offsetof(struct long_mount, member)

static const struct spec_key mount_keys[] = {
    {"type", .read = read_type},
    {"source", .read = spec_key_borrowed, MOUNT(source)},
    {"target", .read = spec_key_borrowed, MOUNT(target)},
    {"read_only", .read = spec_key_bool, MOUNT(read_only)},
    {"bind", .refusal = "orc mounts an existing path as it is; remove it"},
    {"volume", .refusal = "orc's volumes have no options; remove it"},
    {"tmpfs", .refusal = "orc does not support it yet; remove it"},
    {"consistency", .refusal = "it has no meaning on Linux; remove it"},
};

static void read_long(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    static const struct spec_keys keys = SPEC_KEYS("a volume", mount_keys);
    struct long_mount in = {.kind = -1};
    size_t before = r->problems->n;
    struct orc_err err = ORC_ERR_INIT;
    struct spec_mount m = {0};

    spec_read_map(r, &keys, v, &in);
    if (r->problems->n > before)
        return;
    if (in.kind < 0 || !in.source || !in.target) {
        spec_say(r, v, "this volume has no \"%s\"; give type, source and target",
                 in.kind < 0  ? "type"
                 : !in.source ? "source"
                              : "target");
        return;
    }
    m.kind = (enum spec_mount_kind)in.kind;
    m.read_only = in.read_only;
    if (check_source(in.source, true, &m, &err) < 0 || spec_check_target(in.target, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return;
    }
    set_paths(&m, in.source, in.target);
    add_mount(r, v, s, &m);
}

void spec_key_volumes(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_service *s = ((struct spec_service_in *)into)->service;
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;

        if (item->kind == SPEC_NODE_MAP)
            read_long(r, item, s);
        else
            read_short(r, item, s);
    }
}
