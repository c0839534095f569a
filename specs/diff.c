#include "specs/diff.h"

#include "lib/hash.h"
#include "specs/compose.h"

#include <string.h>

/* What may change while containers run on; the rest of a service is the container, and its check. */
static const char *const in_place[] = {
    "depends_on",
    "deploy.mode",
    "deploy.placement",
    "deploy.replicas",
    "deploy.restart_policy",
    "deploy.rollback_config",
    "deploy.update_config",
    "x-orc.canary",
    "x-orc.disconnect",
    "x-orc.drain",
    "x-orc.job",
    "x-orc.placement",
    "x-orc.progress_deadline",
    "x-orc.rebalance",
    "x-orc.schedule",
};

/* Lists whose order means nothing: their elements come and go one by one. */
static const char *const sets[] = {"deploy.placement.constraints", "expose", "ports", "x-orc.gateway"};

struct differ {
    struct spec_changes *ret;
    const char *prefix; /* "sidecar proxy: ", or "" */
    bool other_kind;    /* it becomes a job, or no longer is one */
};

static bool is_below(const char *path, const char *top)
{
    size_t n = strlen(top);

    return strncmp(path, top, n) == 0 && (path[n] == '\0' || path[n] == '.');
}

static bool is_among(const char *path, const char *const *tops, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_below(path, tops[i]))
            return true;
    return false;
}

static enum spec_effect effect_of(const struct differ *d, const char *path)
{
    if (d->other_kind && is_below(path, "deploy.mode"))
        return SPEC_REPLACES;
    return is_among(path, in_place, ORC_ARRAY_SIZE(in_place)) ? SPEC_IN_PLACE : SPEC_REPLACES;
}

/* A file has each "$" twice. */
static char *single_dollars(char *s)
{
    char *to = s;

    for (const char *c = s; *c; c += c[0] == '$' && c[1] == '$' ? 2 : 1)
        *to++ = *c;
    *to = '\0';
    return s;
}

static const char *member(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s ? s : "";
}

/* Compose's short form: "127.0.0.1:8080:80/udp". */
static char *short_port(const json_t *p)
{
    const char *ip = member(p, "host_ip"), *host = member(p, "published"), *udp = member(p, "protocol");

    return orc_printf("%s%s%s%s%lld%s", ip, *ip ? ":" : "", host, *host || *ip ? ":" : "",
                      (long long)json_integer_value(json_object_get(p, "target")),
                      strcmp(udp, "udp") == 0 ? "/udp" : "");
}

/* Texts as they are, whatever else as JSON. */
static char *shown(const char *path, const json_t *j)
{
    if (!j || json_is_null(j))
        return NULL;
    if (json_is_object(j) && strcmp(path, "ports") == 0)
        return short_port(j);
    return single_dollars(json_is_string(j) ? orc_strdup(json_string_value(j)) : orc_json_text(j));
}

static void tell(const struct differ *d, const char *path, const json_t *before, const json_t *after)
{
    orc_auto_free char *was = shown(path, before), *is = shown(path, after);

    if (was || is) /* `command: null` is as good as none */
        *orc_vec_add(d->ret) = (struct spec_change){.path = orc_printf("%s%s", d->prefix, path),
                                                    .before = orc_take(was),
                                                    .after = orc_take(is),
                                                    .effect = effect_of(d, path)};
}

static bool has_element(const json_t *list, const json_t *wanted)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), wanted))
            return true;
    return false;
}

static void compare_sets(const struct differ *d, const char *path, const json_t *before, const json_t *after)
{
    for (size_t i = 0; i < json_array_size(before); i++)
        if (!has_element(after, json_array_get(before, i)))
            tell(d, path, json_array_get(before, i), NULL);
    for (size_t i = 0; i < json_array_size(after); i++)
        if (!has_element(before, json_array_get(after, i)))
            tell(d, path, NULL, json_array_get(after, i));
}

static void compare(const struct differ *d, const char *path, json_t *before, json_t *after);

/* The members of both, the older one's first. */
static void compare_maps(const struct differ *d, const char *path, json_t *before, json_t *after)
{
    const char *key;
    json_t *value;

    json_object_foreach(before, key, value)
    {
        orc_auto_free char *below = orc_printf("%s%s%s", path, *path ? "." : "", key);

        compare(d, below, value, json_object_get(after, key));
    }
    json_object_foreach(after, key, value)
    {
        orc_auto_free char *below = orc_printf("%s%s%s", path, *path ? "." : "", key);

        if (!json_object_get(before, key))
            compare(d, below, NULL, value);
    }
}

static void compare(const struct differ *d, const char *path, json_t *before, json_t *after)
{
    if (before && after && json_equal(before, after))
        return;
    if ((!before || json_is_object(before)) && (!after || json_is_object(after)))
        compare_maps(d, path, before, after);
    else if (is_among(path, sets, ORC_ARRAY_SIZE(sets)))
        compare_sets(d, path, before, after);
    else
        tell(d, path, before, after);
}

/* A config's content by its size and hash: it may be long. */
static void add_contents(json_t *service, const struct spec_service *s)
{
    json_t *list = json_object_get(service, "configs");

    for (size_t i = 0; s && i < s->configs.n; i++) {
        const char *content = s->configs.at[i].content;
        orc_auto_free char *text = NULL;
        char hash[ORC_SHA256_HEX];

        orc_sha256_hex(content, strlen(content), hash);
        text = orc_printf("%zu bytes, sha256 %.12s", strlen(content), hash);
        json_object_set_new(json_array_get(list, i), "content", json_string(text));
    }
}

/* What the top level says of the volumes that it mounts. */
static void add_volumes(json_t *service, const struct spec_service *s)
{
    json_t *list = json_object_get(service, "volumes");

    for (size_t i = 0; s && i < s->mounts.n; i++)
        spec_volume_to_compose(&s->mounts.at[i], json_array_get(list, i));
}

/* Mounts and configs by where they are in the container: what changes there is one change. */
static void key_by_target(json_t *service, const char *key)
{
    json_t *map = json_object(), *list = json_object_get(service, key);

    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *m = json_array_get(list, i);

        json_object_set(map, json_string_value(json_object_get(m, "target")), m);
        json_object_del(m, "target");
    }
    if (list)
        json_object_set_new(service, key, map);
    else
        json_decref(map);
}

static void compare_services(struct spec_changes *ret, const char *prefix, const struct spec_service *before,
                             const struct spec_service *after, const char *main)
{
    orc_auto_json json_t *a = before ? spec_service_to_compose(before, main, COMPOSE_PEOPLE) : NULL;
    orc_auto_json json_t *b = after ? spec_service_to_compose(after, main, COMPOSE_PEOPLE) : NULL;
    struct differ d = {
        .ret = ret, .prefix = prefix, .other_kind = before && after && before->job != after->job};

    add_contents(a, before);
    add_contents(b, after);
    add_volumes(a, before);
    add_volumes(b, after);
    key_by_target(a, "volumes");
    key_by_target(b, "volumes");
    key_by_target(a, "configs");
    key_by_target(b, "configs");
    compare(&d, "", a, b);
}

static void compare_sidecar(struct spec_changes *ret, const struct spec_service *main, const char *name,
                            const struct spec_service *before, const struct spec_service *after)
{
    orc_auto_free char *prefix = orc_printf("sidecar %s: ", name);

    compare_services(ret, prefix, before, after, main->name);
}

void spec_diff(const struct spec_service *before, const struct spec_service *after, struct spec_changes *ret)
{
    const struct spec_service *s;

    compare_services(ret, "", before, after, NULL);
    if (before)
        orc_vec_each (s, &before->sidecars)
            compare_sidecar(ret, after, s->name, s, spec_service_sidecar(after, s->name));
    orc_vec_each (s, &after->sidecars)
        if (!before || !spec_service_sidecar(before, s->name))
            compare_sidecar(ret, after, s->name, NULL, s);
}

void spec_changes_release(struct spec_changes *c)
{
    struct spec_change *e;

    orc_vec_each (e, c) {
        free(e->path);
        free(e->before);
        free(e->after);
    }
    orc_vec_release(c);
}

const char *spec_effect_name(enum spec_effect e)
{
    return e == SPEC_REPLACES ? "replaces containers" : "in place";
}
