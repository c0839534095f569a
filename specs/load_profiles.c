/* profiles: services that are there only when one of their profiles is asked for. */
#include "specs/check.h"
#include "specs/load_internal.h"

struct profiles {
    struct orc_strv active;
    struct spec_node *all, *kept; /* services */
    struct spec_env left_out;     /* names of services, each with a profile to ask for */
};

/* What is active -------------------------------------------------------------------------------------- */

/* "a, b,c" */
static void add_words(struct orc_strv *to, const char *s)
{
    while (*s && to->n < SPEC_LIST_MAX) {
        size_t n;

        s += strspn(s, ", ");
        n = strcspn(s, ", ");
        if (n) {
            orc_auto_free char *word = orc_strndup(s, n);

            orc_strv_add(to, word);
        }
        s += n;
    }
}

static bool is_active(const struct profiles *p, const char *name)
{
    for (size_t i = 0; i < p->active.n; i++)
        if (strcmp(p->active.at[i], "*") == 0 || strcmp(p->active.at[i], name) == 0)
            return true;
    return false;
}

/* A service without profiles always is. */
static bool is_kept(struct loader *l, const struct profiles *p, const struct spec_node *service)
{
    const struct spec_node *list = spec_node_get(service, "profiles");
    bool kept = !list || list->entries.n == 0;

    if (list && list->kind != SPEC_NODE_LIST && !spec_node_is_null(list)) {
        load_say(l, list, "profiles must be a list of names, but this is %s", spec_node_kind_name(list));
        return true;
    }
    for (size_t i = 0; list && i < list->entries.n; i++) {
        const struct spec_node *name = list->entries.at[i].value;

        if (name->kind != SPEC_NODE_SCALAR || spec_node_is_null(name))
            load_say(l, name, "a profile's name must be a string, but this is %s", spec_node_kind_name(name));
        else
            kept = is_active(p, name->text) || kept;
    }
    return kept;
}

/* Who needs what is not there ------------------------------------------------------------------------- */

static bool is_optional(const struct spec_node *dependency)
{
    const struct spec_node *required = dependency ? spec_node_get(dependency, "required") : NULL;

    return required && required->kind == SPEC_NODE_SCALAR && strcasecmp(required->text, "false") == 0;
}

static void refuse(struct loader *l, struct spec_node *at, const char *name, const char *profile)
{
    at->broken = true;
    load_say(
        l, at,
        "service \"%s\" is only there with one of its profiles; give --profile %s (or COMPOSE_PROFILES), or "
        "write \"required: false\" for a dependency that may be missing",
        spec_quote(name).text, spec_quote(profile).text);
}

/* Drops dependencies that need not be there, and those it refuses, so that nobody else complains of them. */
static struct spec_node *check_depends_on(struct loader *l, const struct profiles *p,
                                          struct spec_node *service)
{
    const struct spec_entry *depends = spec_node_entry(service, "depends_on");
    struct spec_node *list = depends ? depends->value : NULL;

    for (size_t i = 0; depends && i < depends->value->entries.n; i++) {
        const struct spec_entry *e = &depends->value->entries.at[i];
        struct spec_node *at = e->key ? e->key : e->value;
        const char *profile = at->kind == SPEC_NODE_SCALAR ? spec_env_get(&p->left_out, at->text) : NULL;

        if (profile && !(e->key && is_optional(e->value)))
            refuse(l, at, at->text, profile);
        if (profile)
            list = spec_merge_without(&l->merge, list, at->text);
    }
    return depends && list != depends->value ? spec_merge_with(&l->merge, service, depends->key, list)
                                             : service;
}

/* network_mode: "service:NAME" */
static void check_network_mode(struct loader *l, const struct profiles *p, const struct spec_node *service)
{
    struct spec_node *mode = spec_node_get(service, "network_mode");
    const char *name = mode && mode->kind == SPEC_NODE_SCALAR && strncmp(mode->text, "service:", 8) == 0
                           ? mode->text + 8
                           : NULL;
    const char *profile = name ? spec_env_get(&p->left_out, name) : NULL;

    if (profile)
        refuse(l, mode, name, profile);
}

/* The whole ------------------------------------------------------------------------------------------- */

static void leave_out(struct profiles *p, const struct spec_entry *service)
{
    const struct spec_node *first = spec_node_get(service->value, "profiles")->entries.at[0].value;
    struct spec_place at = spec_node_place(service->key);

    spec_env_set(&p->left_out, service->key->text, first->text ? first->text : "", &at);
}

static void keep_active(struct loader *l, struct profiles *p)
{
    p->kept = spec_doc_add(l->merge.pool, SPEC_NODE_MAP, p->all);
    for (size_t i = 0; i < p->all->entries.n; i++)
        if (is_kept(l, p, p->all->entries.at[i].value))
            orc_vec_push(&p->kept->entries, p->all->entries.at[i]);
        else
            leave_out(p, &p->all->entries.at[i]);
    if (p->all->entries.n && !p->kept->entries.n)
        load_say(
            l, p->all->entries.at[0].key,
            "every service here is in a profile, and none of them was asked for; give --profile NAME (or "
            "COMPOSE_PROFILES)");
}

static void check_left_out(struct loader *l, struct profiles *p)
{
    for (size_t i = 0; i < p->kept->entries.n; i++) {
        struct spec_entry *e = &p->kept->entries.at[i];

        check_network_mode(l, p, e->value);
        e->value = check_depends_on(l, p, e->value);
    }
}

struct spec_node *load_profiles(struct loader *l, struct spec_node *root)
{
    const struct spec_entry *services = spec_node_entry(root, "services");
    const char *asked = spec_env_get(l->env, "COMPOSE_PROFILES");
    struct profiles p = {0};

    if (!services || services->value->kind != SPEC_NODE_MAP || services->value->entries.n > SPEC_SERVICES_MAX)
        return root;
    p.all = services->value;
    orc_strv_copy(&p.active, &l->ask->profiles);
    if (asked && !p.active.n)
        add_words(&p.active, asked);
    keep_active(l, &p);
    if (p.kept->entries.n && p.kept->entries.n < p.all->entries.n) {
        check_left_out(l, &p);
        root = spec_merge_with(&l->merge, root, services->key, p.kept);
    }
    orc_strv_release(&p.active);
    spec_env_release(&p.left_out);
    return root;
}
