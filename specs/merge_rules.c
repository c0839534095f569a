/* What Compose merges in a way of its own: a table of its keys. */
#include "specs/merge_internal.h"

/* Ways ----------------------------------------------------------------------------------------------- */

static struct spec_node *replace(struct spec_merge *m, const struct merge_rule *rule, struct spec_node *base,
                                 struct spec_node *over)
{
    return over;
}

/* "NAME=value" -> NAME and value; "NAME" -> NAME and nothing. */
static struct spec_entry split_pair(struct spec_merge *m, const struct spec_node *item, char separator)
{
    const char *at = separator ? strchr(item->text, separator) : NULL;
    orc_auto_free char *name = orc_strndup(item->text, at ? (size_t)(at - item->text) : strlen(item->text));
    struct spec_place place = spec_node_place(item);
    struct spec_entry e = {.key = spec_doc_add_text(m->pool, name, &place),
                           .value = spec_doc_add_text(m->pool, at ? at + 1 : "", &place)};

    e.value->plain = !at; /* then it is nothing */
    return e;
}

/* A list of texts as a mapping; NULL when there is something else in it (said), n itself when it is none. */
static struct spec_node *as_map(struct spec_merge *m, struct spec_node *n, char separator)
{
    struct spec_node *map;

    if (n->kind != SPEC_NODE_LIST)
        return n;
    if (!merge_may_make(m, n, n->entries.n))
        return NULL;
    map = merge_make(m, n, SPEC_NODE_MAP, n->entries.n);
    for (size_t i = 0; i < n->entries.n; i++) {
        const struct spec_node *item = n->entries.at[i].value;

        if (item->kind != SPEC_NODE_SCALAR || spec_node_is_null(item)) {
            spec_node_say(m->problems, item, "an element of this list must be a string, but this is %s",
                          spec_node_kind_name(item));
            return NULL;
        }
        if (item->tag != SPEC_TAG_RESET)
            orc_vec_push(&map->entries, split_pair(m, item, separator));
    }
    return map;
}

struct spec_node *spec_merge_pairs(struct spec_merge *m, struct spec_node *n)
{
    return as_map(m, n, '=');
}

static struct spec_node *merge_as_maps(struct spec_merge *m, const struct merge_rule *rule,
                                       struct spec_node *base, struct spec_node *over, char separator)
{
    struct spec_node *a = as_map(m, base, separator), *b = as_map(m, over, separator);

    return a && b ? merge_by_kind(m, rule, a, b) : over;
}

/* environment, labels, sysctls ...: "NAME=value" in a list is NAME: value in a mapping. */
static struct spec_node *merge_pairs(struct spec_merge *m, const struct merge_rule *rule,
                                     struct spec_node *base, struct spec_node *over)
{
    return merge_as_maps(m, rule, base, over, '=');
}

/* build: a folder alone is its context. */
static struct spec_node *merge_build(struct spec_merge *m, const struct merge_rule *rule,
                                     struct spec_node *base, struct spec_node *over)
{
    struct spec_node *sides[] = {base, over};

    for (int i = 0; i < 2; i++) {
        struct spec_entry context = {.value = sides[i]};
        struct spec_place at = spec_node_place(sides[i]);

        if (sides[i]->kind != SPEC_NODE_SCALAR || !merge_may_make(m, sides[i], 1))
            continue;
        context.key = spec_doc_add_text(m->pool, "context", &at);
        sides[i] = merge_make(m, sides[i], SPEC_NODE_MAP, 1);
        orc_vec_push(&sides[i]->entries, context);
    }
    return merge_by_kind(m, rule, sides[0], sides[1]);
}

/* networks: a name in a list is one without settings in a mapping. */
static struct spec_node *merge_names(struct spec_merge *m, const struct merge_rule *rule,
                                     struct spec_node *base, struct spec_node *over)
{
    return merge_as_maps(m, rule, base, over, '\0');
}

static void add_text(struct spec_merge *m, struct spec_node *map, const char *key, const char *text)
{
    struct spec_place at = spec_node_place(map);
    struct spec_entry e = {.key = spec_doc_add_text(m->pool, key, &at),
                           .value = spec_doc_add_text(m->pool, text, &at)};

    orc_vec_push(&map->entries, e);
}

/* depends_on: a name in a list says of a dependency that it is to be started, and goes over what a mapping
 * below said. */
static struct spec_node *merge_depends(struct spec_merge *m, const struct merge_rule *rule,
                                       struct spec_node *base, struct spec_node *over)
{
    struct spec_node *names = base->kind == SPEC_NODE_MAP ? as_map(m, over, '\0') : over;

    if (!names)
        return over; /* said */
    for (size_t i = 0; names != over && i < names->entries.n && merge_may_make(m, over, 2); i++) {
        struct spec_entry *e = &names->entries.at[i];

        e->value = merge_make(m, e->key, SPEC_NODE_MAP, 2);
        add_text(m, e->value, "condition", "service_started");
        add_text(m, e->value, "required", "true");
    }
    return merge_names(m, rule, base, names);
}

/* A list; of one thing, a list with that in it. */
static struct spec_node *as_list(struct spec_merge *m, struct spec_node *n)
{
    struct spec_node *list;
    struct spec_entry e = {.value = n};

    if (n->kind == SPEC_NODE_LIST || !merge_may_make(m, n, 1))
        return n;
    list = merge_make(m, n, SPEC_NODE_LIST, 1);
    if (!merge_is_nothing(n))
        orc_vec_push(&list->entries, e);
    return list;
}

/* dns, tmpfs, env_file ...: one of them may stand without a list. */
static struct spec_node *merge_one_or_many(struct spec_merge *m, const struct merge_rule *rule,
                                           struct spec_node *base, struct spec_node *over)
{
    return merge_by_kind(m, rule, as_list(m, base), as_list(m, over));
}

/* x-orc.gateway: a route merges with a route; routes are added to routes. */
static struct spec_node *merge_routes(struct spec_merge *m, const struct merge_rule *rule,
                                      struct spec_node *base, struct spec_node *over)
{
    if (base->kind == over->kind)
        return merge_by_kind(m, rule, base, over);
    return merge_one_or_many(m, rule, base, over);
}

/* Adds "KEY=TEXT", of a list one for each text in it. False: there is something else. */
static bool add_lines(struct spec_merge *m, struct spec_node *list, const char *key,
                      const struct spec_node *n)
{
    struct spec_place at = spec_node_place(n);
    orc_auto_free char *line = NULL;
    struct spec_entry item;

    for (size_t i = 0; n->kind == SPEC_NODE_LIST && i < n->entries.n; i++)
        if (n->entries.at[i].value->kind != SPEC_NODE_SCALAR ||
            !add_lines(m, list, key, n->entries.at[i].value))
            return false;
    if (n->kind != SPEC_NODE_SCALAR)
        return n->kind == SPEC_NODE_LIST;
    if (spec_node_is_null(n) || !merge_may_make(m, n, 1))
        return false;
    line = orc_concat(key, "=", n->text);
    item = (struct spec_entry){.value = spec_doc_add_text(m->pool, line, &at)};
    orc_vec_push(&list->entries, item);
    return true;
}

/* A mapping's entries as lines, for lists in which one name may stand several times. */
static struct spec_node *as_lines(struct spec_merge *m, struct spec_node *n)
{
    struct spec_node *list;

    if (n->kind != SPEC_NODE_MAP)
        return n;
    list = merge_make(m, n, SPEC_NODE_LIST, n->entries.n);
    for (size_t i = 0; i < n->entries.n; i++)
        if (!add_lines(m, list, n->entries.at[i].key->text, n->entries.at[i].value))
            return n;
    return list;
}

/* extra_hosts: a name may have several addresses, those of both. */
static struct spec_node *merge_hosts(struct spec_merge *m, const struct merge_rule *rule,
                                     struct spec_node *base, struct spec_node *over)
{
    struct spec_node *a = as_lines(m, base), *b = as_lines(m, over);

    return a->kind == b->kind ? merge_by_kind(m, rule, a, b) : merge_by_kind(m, rule, base, over);
}

/* logging: another driver has other options. */
static struct spec_node *merge_logging(struct spec_merge *m, const struct merge_rule *rule,
                                       struct spec_node *base, struct spec_node *over)
{
    const struct spec_node *a = spec_node_get(base, "driver"), *b = spec_node_get(over, "driver");
    bool same = !a || !b ||
                (a->kind == SPEC_NODE_SCALAR && b->kind == SPEC_NODE_SCALAR && strcmp(a->text, b->text) == 0);

    return same ? merge_by_kind(m, rule, base, over) : over;
}

/* ulimits: a number replaces soft and hard, and they it. */
static struct spec_node *merge_ulimit(struct spec_merge *m, const struct merge_rule *rule,
                                      struct spec_node *base, struct spec_node *over)
{
    return base->kind == over->kind ? merge_by_kind(m, rule, base, over) : over;
}

static bool has_any(const struct spec_node *n, const char *const *keys)
{
    for (; *keys; keys++)
        if (spec_node_get(n, *keys))
            return true;
    return false;
}

static struct spec_node *without(struct spec_merge *m, struct spec_node *n, const char *const *keys,
                                 const struct spec_node *but_those_of)
{
    for (; *keys; keys++)
        if (!but_those_of || !spec_node_get(but_those_of, *keys))
            n = spec_merge_without(m, n, *keys);
    return n;
}

/* x-orc.health: there is one probe, or one each for readiness and liveness; another kind takes the place of
 * the one below. */
static struct spec_node *merge_health(struct spec_merge *m, const struct merge_rule *rule,
                                      struct spec_node *base, struct spec_node *over)
{
    static const char *const probes[] = {"http", "tcp", "exec", NULL},
                             *const apart[] = {"readiness", "liveness", NULL},
                             *const times[] = {"interval",     "timeout",        "retries",
                                               "start_period", "start_interval", NULL};

    if (has_any(over, probes))
        base = without(m, without(m, base, probes, over), apart, NULL);
    if (has_any(over, apart))
        base = without(m, without(m, base, probes, NULL), times, NULL);
    return merge_by_kind(m, rule, base, over);
}

/* Keys of elements ------------------------------------------------------------------------------------ */

static char *text_of(const struct spec_node *n)
{
    return n && n->kind == SPEC_NODE_SCALAR ? orc_strdup(n->text) : NULL;
}

static char *key_text(const struct spec_node *n)
{
    return text_of(n);
}

/* volumes, devices: where it is in the container. "SOURCE:TARGET[:MODE]", "TARGET[:MODE]", {target: ...} */
static char *key_target(const struct spec_node *n)
{
    const char *target = n->text;

    if (n->kind != SPEC_NODE_SCALAR)
        return text_of(spec_node_get(n, "target"));
    if (target[strcspn(target, ":")] && target[strcspn(target, ":") + 1] == '/')
        target += strcspn(target, ":") + 1;
    return orc_strndup(target, strcspn(target, ":"));
}

/* tmpfs: "TARGET[:OPTIONS]" */
static char *key_before_colon(const struct spec_node *n)
{
    return n->kind == SPEC_NODE_SCALAR ? orc_strndup(n->text, strcspn(n->text, ":")) : NULL;
}

/* configs, secrets: "NAME", which is the file /NAME; {source: NAME, target: ...} */
static char *key_source(const struct spec_node *n)
{
    char *target = text_of(spec_node_get(n, "target"));
    orc_auto_free char *name =
        n->kind == SPEC_NODE_SCALAR ? orc_strdup(n->text) : text_of(spec_node_get(n, "source"));

    return target || !name ? target : orc_concat("/", name);
}

/* env_file: "PATH", {path: PATH}. The same words in a file of another folder are another file. */
static char *key_path(const struct spec_node *n)
{
    const struct spec_node *path = n->kind == SPEC_NODE_SCALAR ? n : spec_node_get(n, "path");
    const char *dir = path && path->source && path->source->dir ? path->source->dir : "";

    return path && path->kind == SPEC_NODE_SCALAR ? orc_concat(dir, "/", path->text) : NULL;
}

/* ports: a short one's text; of a long one what makes it another port. */
static char *key_port(const struct spec_node *n)
{
    orc_auto_free char *target = text_of(spec_node_get(n, "target"));
    orc_auto_free char *published = text_of(spec_node_get(n, "published"));
    orc_auto_free char *ip = text_of(spec_node_get(n, "host_ip"));
    orc_auto_free char *protocol = text_of(spec_node_get(n, "protocol"));

    if (n->kind == SPEC_NODE_SCALAR)
        return orc_strdup(n->text);
    return orc_concat(ip ? ip : "0.0.0.0", ":", published ? published : "", ":", target ? target : "", "/",
                      protocol ? protocol : "tcp");
}

/* x-orc.gateway: host and path. */
static char *key_route(const struct spec_node *n)
{
    orc_auto_free char *host = text_of(spec_node_get(n, "host"));
    orc_auto_free char *path = text_of(spec_node_get(n, "path"));

    return orc_concat(host ? host : "", "|", path ? path : "/");
}

/* security_opt: "NAME=value", "NAME:value"; of label there may be several. */
static char *key_option(const struct spec_node *n)
{
    if (n->kind != SPEC_NODE_SCALAR)
        return NULL;
    return strncmp(n->text, "label", 5) == 0 ? orc_strdup(n->text)
                                             : orc_strndup(n->text, strcspn(n->text, "=:"));
}

/* preferences: {spread: WHAT} */
static char *key_spread(const struct spec_node *n)
{
    return text_of(spec_node_get(n, "spread"));
}

/* The table ------------------------------------------------------------------------------------------- */

static const struct merge_rule labels_rules[] = {{"labels", .merge = merge_pairs}, {0}};
static const struct merge_rule placement_rules[] = {
    {"constraints", .element_key = key_text}, {"preferences", .element_key = key_spread}, {0}};
static const struct merge_rule deploy_rules[] = {
    {"labels", .merge = merge_pairs}, {"placement", .below = placement_rules}, {0}};
static const struct merge_rule build_rules[] = {{"additional_contexts", .merge = merge_pairs},
                                                {"args", .merge = merge_pairs},
                                                {"extra_hosts", .merge = merge_hosts},
                                                {"labels", .merge = merge_pairs},
                                                {0}};
static const struct merge_rule healthcheck_rules[] = {{"test", .merge = replace}, {0}};
static const struct merge_rule ulimits_rules[] = {{"*", .merge = merge_ulimit}, {0}};
static const struct merge_rule network_rules[] = {
    {"aliases", .element_key = key_text}, {"link_local_ips", .element_key = key_text}, {0}};
static const struct merge_rule networks_rules[] = {{"*", .below = network_rules}, {0}};
static const struct merge_rule probe_rules[] = {{"exec", .merge = replace}, {0}};
static const struct merge_rule health_rules[] = {{"exec", .merge = replace},
                                                 {"readiness", .merge = merge_health, .below = probe_rules},
                                                 {"liveness", .merge = merge_health, .below = probe_rules},
                                                 {0}};
static const struct merge_rule orc_rules[] = {{"health", .merge = merge_health, .below = health_rules},
                                              {"gateway", .merge = merge_routes, .element_key = key_route},
                                              {0}};

static const struct merge_rule service_rules[] = {
    {"annotations", .merge = merge_pairs},
    {"build", .merge = merge_build, .below = build_rules},
    {"cap_add", .element_key = key_text},
    {"cap_drop", .element_key = key_text},
    {"command", .merge = replace},
    {"configs", .element_key = key_source},
    {"depends_on", .merge = merge_depends},
    {"deploy", .below = deploy_rules},
    {"devices", .element_key = key_target},
    {"dns", .merge = merge_one_or_many, .element_key = key_text},
    {"dns_opt", .merge = merge_one_or_many, .element_key = key_text},
    {"dns_search", .merge = merge_one_or_many, .element_key = key_text},
    {"entrypoint", .merge = replace},
    {"env_file", .merge = merge_one_or_many, .element_key = key_path},
    {"environment", .merge = merge_pairs},
    {"expose", .element_key = key_text},
    {"extra_hosts", .merge = merge_hosts, .element_key = key_text},
    {"group_add", .element_key = key_text},
    {"healthcheck", .below = healthcheck_rules},
    {"label_file", .merge = merge_one_or_many, .element_key = key_path},
    {"labels", .merge = merge_pairs},
    {"links", .element_key = key_text},
    {"logging", .merge = merge_logging},
    {"networks", .merge = merge_names, .below = networks_rules},
    {"ports", .element_key = key_port},
    {"profiles", .element_key = key_text},
    {"secrets", .element_key = key_source},
    {"security_opt", .element_key = key_option},
    {"sysctls", .merge = merge_pairs},
    {"tmpfs", .merge = merge_one_or_many, .element_key = key_before_colon},
    {"ulimits", .below = ulimits_rules},
    {"volumes", .element_key = key_target},
    {"x-orc", .below = orc_rules},
    {0},
};
static const struct merge_rule service_rule = {"*", .below = service_rules};

static const struct merge_rule services_rules[] = {{"*", .below = service_rules}, {0}};
static const struct merge_rule declared_rules[] = {{"*", .below = labels_rules}, {0}};
static const struct merge_rule file_rules[] = {
    {"services", .below = services_rules},
    {"networks", .below = declared_rules},
    {"volumes", .below = declared_rules},
    {0},
};
static const struct merge_rule file_rule = {"*", .below = file_rules};

struct spec_node *spec_merge_files(struct spec_merge *m, struct spec_node *base, struct spec_node *over)
{
    return merge_node(m, &file_rule, base, over);
}

struct spec_node *spec_merge_services(struct spec_merge *m, struct spec_node *base, struct spec_node *over)
{
    return merge_node(m, &service_rule, base, over);
}
