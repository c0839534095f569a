/* cap_add, cap_drop, security_opt, devices: what a container may do. */
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/check_rights.h"
#include "specs/parse_service.h"

#include <string.h>

/* capabilities ----------------------------------------------------------------------------------------- */

void spec_key_caps(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct orc_strv *to = (void *)((char *)into + k->offset);
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;
        const char *s = spec_read_string(r, k->name, item);
        struct orc_err err = ORC_ERR_INIT;
        orc_auto_free char *name = NULL;

        if (s && spec_cap(s, &name, &err) < 0)
            spec_say(r, item, "%s: %s", k->name, err.msg);
        else if (s)
            orc_strv_add(to, name);
    }
}

/* security_opt ----------------------------------------------------------------------------------------- */

static int take_no_new_privileges(const char *value, struct spec_security *to, struct orc_err *err)
{
    bool yes = !*value || strcmp(value, "true") == 0;

    if (!yes && strcmp(value, "false") != 0)
        return orc_fail(err, -EINVAL, "no-new-privileges is true or false, not \"%s\"",
                        spec_quote(value).text);
    to->no_new_privileges = yes;
    return 0;
}

/* One spelling of a profile: compact, as it is sent. */
static int take_profile(const char *json, struct spec_security *to, struct orc_err *err)
{
    orc_auto_json json_t *j = NULL;

    if (spec_check_seccomp_names(json, err) < 0)
        return -EINVAL;
    j = orc_json_parse(json, strlen(json), err);
    free(to->seccomp);
    to->seccomp = orc_json_text(j);
    return 0;
}

static int take_seccomp(const char *value, struct spec_security *to, struct orc_err *err)
{
    if (strcmp(value, "unconfined") == 0)
        to->seccomp_unconfined = true;
    else if (*value == '{')
        return take_profile(value, to, err);
    else
        return orc_fail(
            err, -EINVAL,
            "seccomp is \"%s\"; give \"unconfined\", a file with a profile, or the profile itself, as "
            "in 'seccomp={\"defaultAction\": ...}'",
            spec_quote(value).text);
    return 0;
}

static int take_apparmor(const char *value, struct spec_security *to, struct orc_err *err)
{
    int r = spec_check_token(value, err);

    if (r == 0)
        orc_set_str(&to->apparmor, value);
    return r;
}

static int take_label(const char *value, struct spec_security *to, struct orc_err *err)
{
    int r = spec_check_security_label(value, err);

    if (r == 0)
        orc_strv_add(&to->label, value);
    return r;
}

static int take_systempaths(const char *value, struct spec_security *to, struct orc_err *err)
{
    if (strcmp(value, "unconfined") != 0)
        return orc_fail(err, -EINVAL, "systempaths is \"unconfined\" or left out, not \"%s\"",
                        spec_quote(value).text);
    to->systempaths_unconfined = true;
    return 0;
}

static const struct {
    const char *name;
    int (*take)(const char *value, struct spec_security *to, struct orc_err *err);
} security_opts[] = {
    {"no-new-privileges", take_no_new_privileges},
    {"seccomp", take_seccomp},
    {"apparmor", take_apparmor},
    {"label", take_label},
    {"systempaths", take_systempaths},
};

/* "name=value" or, as it was once written, "name:value". */
static int take_security_opt(const char *s, struct spec_security *to, struct orc_err *err)
{
    size_t n = strcspn(s, "=:");

    for (size_t i = 0; i < ORC_ARRAY_SIZE(security_opts); i++)
        if (strlen(security_opts[i].name) == n && strncmp(s, security_opts[i].name, n) == 0)
            return security_opts[i].take(s[n] ? s + n + 1 : "", to, err);
    return orc_fail(err, -EINVAL,
                    "\"%s\" is not known; no-new-privileges:true, seccomp=, apparmor=, label= and "
                    "systempaths=unconfined are",
                    spec_quote(s).text);
}

void spec_key_security_opt(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    struct spec_security *to = &((struct spec_container *)into)->security;
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;
        const char *s = spec_read_string(r, k->name, item);
        struct orc_err err = ORC_ERR_INIT;

        if (s && take_security_opt(s, to, &err) < 0)
            spec_say(r, item, "%s: %s", k->name, err.msg);
    }
}

/* devices ---------------------------------------------------------------------------------------------- */

struct device_in {
    const char *source, *target, *permissions;
};

/* "mr" -> "rm"; NULL when it is none. */
static const char *normal_permissions(const char *s, char ret[4])
{
    size_t n = 0;

    for (const char *c = "rwm"; *c; c++)
        if (strchr(s, *c))
            ret[n++] = *c;
    ret[n] = '\0';
    return n > 0 && n == strlen(s) ? ret : NULL;
}

static int add_device(const struct device_in *in, struct spec_container *c, struct orc_err *err)
{
    const char *target = in->target ? in->target : in->source;
    char buf[4];
    const char *permissions = in->permissions ? normal_permissions(in->permissions, buf) : "rwm";

    if (in->source[0] != '/')
        return orc_fail(
            err, -EINVAL,
            "\"%s\" is no path of a device, such as /dev/fuse; orc knows no device by another name",
            spec_quote(in->source).text);
    if (spec_check_abs_path(in->source, err) < 0 || spec_check_abs_path(target, err) < 0)
        return -EINVAL;
    if (!permissions)
        return spec_check_device_permissions(in->permissions, err);
    *orc_vec_add(&c->devices) = (struct spec_device){.source = spec_normal_path(in->source),
                                                     .target = spec_normal_path(target),
                                                     .permissions = orc_strdup(permissions)};
    return 0;
}

/* "SOURCE[:TARGET[:PERMISSIONS]]", and "SOURCE:PERMISSIONS", as the engine's own command line has it. */
static int add_short(const char *text, struct spec_container *c, struct orc_err *err)
{
    orc_auto_free char *source = orc_strdup(text);
    char *target = strchr(source, ':'), *permissions = target ? strchr(target + 1, ':') : NULL;

    if (target)
        *target++ = '\0';
    if (permissions)
        *permissions++ = '\0';
    if (target && !permissions && target[0] != '/') {
        permissions = target;
        target = NULL;
    }
    return add_device(&(struct device_in){source, target, permissions}, c, err);
}

static const struct spec_key device_keys[] = {
    {"source", .read = spec_key_borrowed, .offset = offsetof(struct device_in, source),
     .doc = "its path on the server"},
    {"target", .read = spec_key_borrowed, .offset = offsetof(struct device_in, target),
     .doc = "its path in the container; else the same"},
    {"permissions", .read = spec_key_borrowed, .offset = offsetof(struct device_in, permissions),
     .doc = "of `rwm`; else all"},
};
const struct spec_keys spec_device_keys = SPEC_KEYS("a device", device_keys);

static void read_long(struct spec_reader *r, const struct spec_node *v, struct spec_container *c)
{
    struct orc_err err = ORC_ERR_INIT;
    struct device_in in = {0};
    size_t before = r->problems->n;

    spec_read_map(r, &spec_device_keys, v, &in);
    if (r->problems->n > before)
        return;
    if (!in.source)
        spec_say(r, v, "this device has no \"source\"; give its path on the server, such as /dev/fuse");
    else if (add_device(&in, c, &err) < 0)
        spec_say(r, v, "%s", err.msg);
}

void spec_key_devices(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *item = v->entries.at[i].value;
        const char *text = item->kind == SPEC_NODE_MAP ? NULL : spec_read_string(r, "a device", item);
        struct orc_err err = ORC_ERR_INIT;

        if (item->kind == SPEC_NODE_MAP)
            read_long(r, item, into);
        else if (text && add_short(text, into, &err) < 0)
            spec_say(r, item, "device \"%s\": %s", spec_quote(text).text, err.msg);
    }
}
