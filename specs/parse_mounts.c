/* volumes of a service: "SOURCE:TARGET[:MODE]" and the long form. */
#include "specs/check.h"
#include "specs/check_container.h"
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

/* What "consistency" says in a mapping: no effect on Linux. */
static bool is_consistency(const char *option)
{
    return strcmp(option, "cached") == 0 || strcmp(option, "consistent") == 0 ||
           strcmp(option, "delegated") == 0;
}

/* "ro", "rw", and what only one kind of mount has. */
static int take_option(const char *option, struct spec_mount *m, struct orc_err *err)
{
    if (strcmp(option, "ro") == 0)
        m->read_only = true;
    else if (strcmp(option, "nocopy") == 0 && m->kind == SPEC_MOUNT_VOLUME)
        m->nocopy = true;
    else if (m->kind == SPEC_MOUNT_BIND && spec_check_propagation(option, NULL) == 0)
        orc_set_str(&m->propagation, option);
    else if (strcasecmp(option, "z") == 0)
        return orc_fail(err, -EINVAL,
                        "mode \"%s\": orc relabels no files of a server; do it there (chcon), and remove it",
                        option);
    else if (strcmp(option, "rw") != 0 && !is_consistency(option))
        return orc_fail(err, -EINVAL,
                        "mode \"%s\" is not supported; \"ro\" and \"rw\" are, \"nocopy\" of a volume, and "
                        "\"rslave\" and the like of a path",
                        spec_quote(option).text);
    return 0;
}

static int parse_mode(const char *mode, struct spec_mount *m, struct orc_err *err)
{
    orc_auto_free char *copy = orc_strdup(mode);
    char *rest = copy, *one;

    while ((one = strsep(&rest, ",")))
        if (take_option(one, m, err) < 0)
            return -EINVAL;
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
    if (check_source(source, false, m, err) < 0 || (mode && parse_mode(mode, m, err) < 0) ||
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
    if (parse_short(text, &m, &err) == 0) {
        add_mount(r, v, s, &m);
        return;
    }
    spec_say(r, v, "volume \"%s\": %s", spec_quote(text).text, err.msg);
    free(m.propagation);
}

/* The long form --------------------------------------------------------------------------------------- */

enum { LONG_VOLUME = SPEC_MOUNT_VOLUME, LONG_BIND = SPEC_MOUNT_BIND, LONG_TMPFS };
static const char *const types[] = {"volume", "bind", "tmpfs", NULL};

struct long_mount {
    int kind; /* -1: not given */
    const char *source, *target;
    const struct spec_node *options[3]; /* by kind: where they are; NULL: not given */
    const char *propagation;
    bool read_only, nocopy;
    struct spec_tmpfs tmpfs;
};

static void read_type(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    ((struct long_mount *)into)->kind = spec_read_word(r, k, v);
}

#define MOUNT(member) .offset = offsetof(struct long_mount, member)

static void read_propagation(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    ((struct long_mount *)into)->propagation = spec_read_checked(r, k->name, v, spec_check_propagation);
}

/* The engine makes no folders for a mount of this form. */
static void read_create_host_path(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                                  void *into)
{
    bool create = false;

    if (spec_read_bool(r, k->name, v, &create) && create)
        spec_say(
            r, v,
            "create_host_path is true, but orc makes no folders on servers: an empty one in place of the "
            "data would go unnoticed; make it there and give false");
}

static const struct spec_key bind_keys[] = {
    {"propagation", .read = read_propagation, .form = SPEC_IS_TEXT,
     .doc = "`rprivate`, `private`, `rslave`, `slave`, `rshared`, `shared`"},
    {"create_host_path", .read = read_create_host_path, .form = SPEC_IS_BOOL,
     .doc = "false, which is how it is: the path must exist on the server. true is refused"},
    {"recursive", .refusal = "what is mounted below the path is in the container as well; remove it"},
    {"selinux", .refusal = "orc relabels no files of a server; do it there (chcon), and remove it"},
};

static const struct spec_key volume_keys[] = {
    {"nocopy", .read = spec_key_bool, MOUNT(nocopy),
     .doc = "true: a new volume does not begin with what the image has there"},
    {"subpath", .refusal = "the Engine API that orc speaks mounts whole volumes only; use a volume for each"},
    {"labels", .refusal = "give them to the volume itself, in the top-level \"volumes\""},
};

/* Unix permission bits: in octal, which a number without a leading 0 need not be. */
void spec_read_mode(struct spec_reader *r, const char *what, const struct spec_node *v, int *ret)
{
    const char *s = spec_read_text(r, what, v);
    size_t skip = s && strncmp(s, "0o", 2) == 0 ? 2 : 0, n = s ? strlen(s) : 0;
    bool octal = s && n > skip && n <= 8 && strspn(s + skip, "01234567") == n - skip;
    long mode = octal ? strtol(s + skip, NULL, 8) : -1;

    if (!s)
        return;
    if (octal && v->plain && s[0] != '0')
        spec_say(r, v,
                 "%s %s may be meant in octal or not; write 0%s for the permission bits that it looks like",
                 what, spec_quote(s).text, s);
    else if (mode < 0 || mode > SPEC_MODE_MAX)
        spec_say(r, v, "%s is \"%s\", but must be permission bits in octal, such as 01777", what,
                 spec_quote(s).text);
    else
        *ret = (int)mode;
}

static void read_tmpfs_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                            void *into)
{
    spec_read_mode(r, k->name, v, &((struct long_mount *)into)->tmpfs.mode);
}

static const struct spec_key tmpfs_keys[] = {
    {"size", .read = spec_key_bytes, MOUNT(tmpfs.size), .doc = "at most so much"},
    {"mode", .read = read_tmpfs_mode, .form = SPEC_IS_INT | SPEC_IS_TEXT, .max = 7777,
     .doc = "permission bits in octal: `01777`"},
};

static const struct spec_keys option_maps[] = {[LONG_VOLUME] = SPEC_KEYS("volume", volume_keys),
                                               [LONG_BIND] = SPEC_KEYS("bind", bind_keys),
                                               [LONG_TMPFS] = SPEC_KEYS("tmpfs", tmpfs_keys)};

static void read_options(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    struct long_mount *in = into;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(option_maps); i++)
        if (strcmp(k->name, option_maps[i].what) == 0) {
            in->options[i] = v;
            spec_read_map(r, &option_maps[i], v, in);
        }
}

static const struct spec_key mount_keys[] = {
    {"type", .read = read_type, .form = SPEC_IS_WORD, .words = types, .doc = "`volume`, `bind`, `tmpfs`"},
    {"source", .read = spec_key_borrowed, MOUNT(source),
     .doc = "a declared volume, or an absolute path of the server"},
    {"target", .read = spec_key_borrowed, MOUNT(target), .doc = "where, in the container"},
    {"read_only", .read = spec_key_bool, MOUNT(read_only), .doc = "true: it can't be written there"},
    {"bind", .read = read_options, .form = SPEC_IS_MAP, .doc = "below", .sub = &option_maps[LONG_BIND]},
    {"volume", .read = read_options, .form = SPEC_IS_MAP, .doc = "below", .sub = &option_maps[LONG_VOLUME]},
    {"tmpfs", .read = read_options, .form = SPEC_IS_MAP, .doc = "below", .sub = &option_maps[LONG_TMPFS]},
    {"image", .refusal = "the Engine API that orc speaks mounts no images; copy the files into your image"},
    {"consistency", .read = spec_key_ignore, .doc = "no effect on Linux"},
};
const struct spec_keys spec_mount_keys = SPEC_KEYS("a volume", mount_keys);

/* Options of another kind than the mount's; false: there were some. */
static bool check_options(struct spec_reader *r, const struct long_mount *in)
{
    size_t before = r->problems->n;

    for (int i = 0; i < (int)ORC_ARRAY_SIZE(in->options); i++)
        if (in->options[i] && i != in->kind)
            spec_say(r, in->options[i], "\"%s\" is for a mount of that type, and this is a %s; remove it",
                     types[i], types[in->kind]);
    return r->problems->n == before;
}

static void add_tmpfs(struct spec_reader *r, const struct spec_node *v, struct spec_service *s,
                      const struct long_mount *in)
{
    struct orc_err err = ORC_ERR_INIT;
    struct spec_tmpfs *t;

    if (in->source)
        spec_say(r, v, "a tmpfs has no source, it begins empty; remove it");
    else if (spec_check_target(in->target, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    else {
        t = orc_vec_add(&s->container.tmpfs);
        *t = in->tmpfs;
        t->target = spec_normal_path(in->target);
        t->options = in->read_only ? orc_strdup("ro") : NULL;
    }
}

static void add_long(struct spec_reader *r, const struct spec_node *v, struct spec_service *s,
                     const struct long_mount *in)
{
    struct spec_mount m = {.kind = (enum spec_mount_kind)in->kind, .read_only = in->read_only};
    struct orc_err err = ORC_ERR_INIT;

    if (check_source(in->source, true, &m, &err) < 0 || spec_check_target(in->target, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return;
    }
    m.nocopy = in->nocopy;
    m.propagation = orc_strdup(in->propagation);
    set_paths(&m, in->source, in->target);
    add_mount(r, v, s, &m);
}

static void read_long(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    struct long_mount in = {.kind = -1};
    size_t before = r->problems->n;
    bool sourceless;

    spec_read_map(r, &spec_mount_keys, v, &in);
    if (r->problems->n > before)
        return;
    sourceless = !in.source && in.kind != LONG_TMPFS;
    if (in.kind < 0 || sourceless || !in.target) {
        spec_say(r, v, "this volume has no \"%s\"; give type, source and target",
                 in.kind < 0  ? "type"
                 : sourceless ? "source"
                              : "target");
        return;
    }
    if (!check_options(r, &in))
        return;
    if (in.kind == LONG_TMPFS)
        add_tmpfs(r, v, s, &in);
    else
        add_long(r, v, s, &in);
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
