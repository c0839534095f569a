/* The top level of a file, and what takes several services to see. */
#include "specs/parse.h"

#include "lib/options.h"
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

struct app_in {
    struct spec_app *app;
    struct spec_service_at *at; /* beside the services */
    size_t n, cap;
    const struct spec_node *name, *services; /* values; NULL: not in the file */
    struct orc_strv networks;
    struct spec_volumes_in volumes;
    struct spec_configs_in configs;
};

/* The top level --------------------------------------------------------------------------------------- */

static void read_name(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct app_in *in = into;
    const char *s = spec_read_string(r, k->name, v);

    in->name = v;
    if (s && spec_check_named(r, "app name", v))
        orc_set_str(&in->app->name, s);
}

static void read_services(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    struct app_in *in = into;

    in->services = v;
    if (v->kind != SPEC_NODE_MAP) {
        spec_say(r, v, "services must be a mapping of names to services, but this is %s",
                 spec_node_kind_name(v));
        return;
    }
    if (v->entries.n == 0)
        spec_say(
            r, v,
            "there is no service in this file; give one below \"services:\", or remove the app with orc rm");
    if (v->entries.n > SPEC_SERVICES_MAX) {
        spec_say(r, v, "there are %zu services in this file; an app has at most %d", v->entries.n,
                 SPEC_SERVICES_MAX);
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        struct spec_service *s;

        if (strncmp(e->key->text, "x-", 2) == 0)
            continue;
        s = spec_parse_service(r, e->key, e->value);
        if (!s)
            continue;
        *orc_vec_add(in) = (struct spec_service_at){.key = e->key, .value = e->value, .service = s};
        spec_app_add(in->app, s);
    }
}

static void read_networks(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    struct orc_strv *names = &((struct app_in *)into)->networks;

    spec_read_networks(r, v, names);
    if (names->n > 1 || (names->n && strcmp(names->at[0], "default") != 0))
        spec_note(r, v->entries.at[0].key,
                  "networks separate nothing here: every service reaches every other one of the cluster");
}

static void read_volumes(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    struct app_in *in = into;

    spec_read_volumes(r, v, &in->app->volumes, &in->volumes);
}

static void read_configs(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    spec_read_configs(r, v, &((struct app_in *)into)->configs);
}

#define PATHS .form = SPEC_IS_SCALAR | SPEC_IS_LIST, .items = SPEC_IS_SCALAR

static const struct spec_key include_keys[] = {
    {"path", .read = spec_key_loaded, PATHS, .doc = "the file; of several, later ones over earlier ones"},
    {"project_directory", .read = spec_key_loaded, PATHS,
     .doc = "where its relative paths begin; else its folder"},
    {"env_file", .read = spec_key_loaded, PATHS, .doc = "files of its variables; else `.env` in that folder"},
};
static const struct spec_keys include_map = SPEC_KEYS("include", include_keys);

#define DECLARED .form = SPEC_IS_NAMES, .values = SPEC_IS_MAP | SPEC_IS_NULL

static const struct spec_key app_keys[] = {
    {"name", .read = read_name, .form = SPEC_IS_TEXT,
     .doc = "the app's name; else that of the folder the file is in"},
    {"version", .read = spec_key_ignore, .doc = "no effect, as in Compose"},
    {"services", .read = read_services, .form = SPEC_IS_NAMES, .values = SPEC_IS_MAP,
     .doc = "the services of the app: below", .sub = &spec_service_keys},
    {"networks", .read = read_networks, DECLARED,
     .doc = "names for services to use: below. orc has one network over all servers, on which every service "
            "of every app reaches every other; names do not resolve yet; declared networks separate nothing",
     .sub = &spec_network_keys},
    {"volumes", .read = read_volumes, DECLARED,
     .doc = "named volumes for services to mount: below. The engine of the server makes one when it is first "
            "mounted there, and a replica stays where its data is",
     .sub = &spec_volume_keys},
    {"configs", .read = read_configs, DECLARED,
     .doc = "texts that are files in containers: below. They are stored in etcd with the services that name "
            "them",
     .sub = &spec_config_keys},
    {"secrets",
     .refusal =
         "orc keeps no secrets yet; mount a file that the servers have, in \"volumes\" of the service"},
    {"include", .read = spec_key_loaded, .form = SPEC_IS_SCALAR | SPEC_IS_LIST | SPEC_IS_NULL,
     .items = SPEC_IS_SCALAR | SPEC_IS_MAP, .sub = &include_map,
     .doc = "other files, as if theirs were services of this one: a path, a list, or mappings with `path`, "
            "`project_directory` and `env_file`"},
    {"models", .refusal = "orc runs no models; give their address in \"environment\" of the service"},
};
const struct spec_keys spec_file_keys = SPEC_KEYS("the top level", app_keys);

static void check_app_name(struct spec_reader *r, const struct spec_node *root, const char *default_name,
                           struct app_in *in)
{
    struct orc_err err = ORC_ERR_INIT;
    char better[SPEC_NAME_MAX + 1];

    if (in->name)
        return;
    if (!default_name) {
        spec_say(r, root, "the app has no name; add a line such as \"name: shop\"");
        return;
    }
    if (spec_check_name("app name", default_name, &err) < 0) {
        spec_suggest_name(default_name, better);
        spec_say(r, root, "%s; add a line such as \"name: %s\" to the file", err.msg,
                 *better ? better : "shop");
    }
    orc_set_str(&in->app->name, default_name);
}

/* References ------------------------------------------------------------------------------------------ */

static bool is_declared(const struct orc_strv *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++)
        if (strcmp(names->at[i], name) == 0)
            return true;
    return false;
}

static int cmp_services(const void *x, const void *y)
{
    const struct spec_service_at *a = x, *b = y;

    return strcmp(a->service->name, b->service->name);
}

/* in->at is sorted by then. */
static const struct spec_service_at *find_service(const struct app_in *in, const char *name)
{
    struct spec_service named = {.name = (char *)(uintptr_t)name};
    struct spec_service_at wanted = {.service = &named};

    return in->n ? bsearch(&wanted, in->at, in->n, sizeof *in->at, cmp_services) : NULL;
}

/* Is it in the file at all, however wrong? Then its own problems are said already. */
static bool is_in_file(const struct app_in *in, const char *name)
{
    for (size_t i = 0; in->services->kind == SPEC_NODE_MAP && i < in->services->entries.n; i++)
        if (strcmp(in->services->entries.at[i].key->text, name) == 0)
            return true;
    return false;
}

/* NULL also when nobody will read it. */
static const char *nearest_service(const struct spec_reader *r, const struct app_in *in, const char *name,
                                   const char *but)
{
    const char **names, *found = NULL;
    size_t n = 0;

    if (r->problems->n >= SPEC_PROBLEMS_MAX)
        return NULL;
    names = orc_calloc(in->n + 1, sizeof *names);
    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->at[i].service->name, but) != 0)
            names[n++] = in->at[i].service->name;
    if (strlen(name) <= SPEC_NAME_MAX)
        found = orc_nearest(name, names);
    free(names);
    return found;
}

/* Whether what is waited for can ever come. */
static void check_condition(struct spec_reader *r, const struct spec_ref *ref, const struct spec_service *to)
{
    if (ref->condition == SPEC_DEPENDS_HEALTHY && to->health.kind == SPEC_HEALTH_NONE)
        spec_say(r, ref->at,
                 "\"%s\" waits for \"%s\" to be healthy, which has no health check; give it a healthcheck or "
                 "x-orc.health, or wait for %s",
                 ref->from, ref->name, to->job ? "service_completed_successfully" : "service_started");
    if (ref->condition == SPEC_DEPENDS_COMPLETED && !to->job)
        spec_say(r, ref->at,
                 "\"%s\" waits for \"%s\" to complete, which is no job; give it \"deploy: {mode: "
                 "replicated-job}\", or wait for service_started or service_healthy",
                 ref->from, ref->name);
}

/* Sidecars start and end with their main service. */
static void check_no_sidecar(struct spec_reader *r, const struct spec_ref *ref,
                             const struct spec_service_at *to)
{
    if (strcmp(to->main->name, ref->from) == 0)
        spec_say(r, ref->at, "\"%s\" is a sidecar of \"%s\" and starts after it; remove it here", ref->name,
                 ref->from);
    else
        spec_say(r, ref->at, "\"%s\" is a sidecar of \"%s\"; wait for \"%s\", which is healthy when both are",
                 ref->name, to->main->name, to->main->name);
}

/* A sidecar of one that is one itself. */
static void check_main(struct spec_reader *r, const struct spec_ref *ref, const struct spec_ref *other)
{
    if (strcmp(other->name, ref->from) == 0)
        spec_say(r, ref->at,
                 "\"%s\" and \"%s\" are sidecars of one another; one of them must have a network of its own",
                 ref->from, ref->name);
    else
        spec_say(r, ref->at, "\"%s\" is itself a sidecar, of \"%s\"; give \"service:%s\"", ref->name,
                 other->name, other->name);
}

/* Nothing is waited for that is not there and need not be. */
static void drop_depend(const struct app_in *in, const struct spec_ref *ref)
{
    const struct spec_service_at *at = find_service(in, ref->from);
    struct spec_service *s = at ? (struct spec_service *)(uintptr_t)at->service : NULL;

    for (size_t i = 0; s && i < s->depends_on.n; i++)
        if (strcmp(s->depends_on.at[i].service, ref->name) == 0) {
            free(s->depends_on.at[i].service);
            memmove(&s->depends_on.at[i], &s->depends_on.at[i + 1],
                    (--s->depends_on.n - i) * sizeof *s->depends_on.at);
        }
}

/* A sidecar does; nothing else (decision 0200). */
static void check_restart(struct spec_reader *r, const struct app_in *in, const struct spec_ref *ref)
{
    const struct spec_service_at *from = find_service(in, ref->from);

    if (ref->restart && from && !from->main)
        spec_say(
            r, ref->restart,
            "\"%s\" does not restart because \"%s\" does; remove it, and let it connect again, or give it a "
            "health check that fails without \"%s\"",
            ref->from, spec_quote(ref->name).text, spec_quote(ref->name).text);
}

static void check_service_ref(struct spec_reader *r, const struct app_in *in, const struct spec_ref *ref)
{
    const struct spec_service_at *to = find_service(in, ref->name);
    const char *near;

    check_restart(r, in, ref);
    if (strcmp(ref->name, ref->from) == 0) {
        spec_say(r, ref->at, "service \"%s\" %s itself; remove it", spec_quote(ref->name).text,
                 ref->kind == SPEC_REF_MAIN ? "is in the network of" : "depends on");
    } else if (to && ref->kind == SPEC_REF_MAIN) {
        if (to->main)
            check_main(r, ref, to->main);
    } else if (to && to->main) {
        check_no_sidecar(r, ref, to);
    } else if (to) {
        check_condition(r, ref, to->service);
    } else if (!is_in_file(in, ref->name) && ref->optional) {
        drop_depend(in, ref);
    } else if (!is_in_file(in, ref->name)) {
        near = nearest_service(r, in, ref->name, ref->from);
        spec_say(r, ref->at, "service \"%s\" is not in this file%s%s%s", spec_quote(ref->name).text,
                 near ? "; did you mean \"" : "; add it, or remove it here", near ? near : "",
                 near ? "\"?" : "");
    }
}

static void check_ref(struct spec_reader *r, const struct app_in *in, const struct spec_ref *ref)
{
    switch (ref->kind) {
    case SPEC_REF_SERVICE:
    case SPEC_REF_MAIN:
        check_service_ref(r, in, ref);
        break;
    case SPEC_REF_VOLUME:
        if (!is_declared(&in->app->volumes, ref->name))
            spec_say(r, ref->at,
                     "volume \"%s\" is not declared; add \"%s:\" below the top-level \"volumes:\"", ref->name,
                     ref->name);
        break;
    case SPEC_REF_CONFIG:
        if (!spec_find_config(&in->configs, ref->name))
            spec_say(
                r, ref->at,
                "config \"%s\" is not declared; add \"%s: {file: ...}\" below the top-level \"configs:\"",
                spec_quote(ref->name).text, spec_quote(ref->name).text);
        break;
    case SPEC_REF_NETWORK:
        if (!is_declared(&in->networks, ref->name) && strcmp(ref->name, "default") != 0)
            spec_say(r, ref->at,
                     "network \"%s\" is not declared; add \"%s:\" below the top-level \"networks:\"",
                     spec_quote(ref->name).text, spec_quote(ref->name).text);
        break;
    case SPEC_REF_ROUTE: /* all together: spec_check_routes() */
        break;
    }
}

/* Circles in depends_on ------------------------------------------------------------------------------- */

enum colour { WHITE, GREY, BLACK };

struct circles {
    const struct app_in *in;
    enum colour *colours;
    const struct spec_service_at **path;
    size_t depth;
    bool found;
};

static void say_circle(struct spec_reader *r, const struct circles *c, const struct spec_service_at *back)
{
    orc_auto_free char *text = NULL;
    size_t from = c->depth - 1;

    while (c->path[from] != back)
        from--;
    for (size_t i = from; i < c->depth && i < from + 10; i++) {
        char *longer = orc_printf("%s%s -> ", text ? text : "", c->path[i]->service->name);

        free(text);
        text = longer;
    }
    spec_say(r, back->key, "depends_on goes round in a circle: %s%s%s; one of them must start first", text,
             c->depth - from > 10 ? "... -> " : "", back->service->name);
}

/* Depth first; at most SPEC_SERVICES_MAX deep. */
static void visit(struct spec_reader *r, struct circles *c, const struct spec_service_at *at)
{
    size_t me = (size_t)(at - c->in->at);
    const struct spec_service *s = at->service;

    c->colours[me] = GREY;
    c->path[c->depth++] = at;
    for (size_t i = 0; i < s->depends_on.n && !c->found; i++) {
        const struct spec_service_at *to = find_service(c->in, s->depends_on.at[i].service);
        enum colour colour = to && to != at ? c->colours[to - c->in->at] : BLACK;

        if (colour == GREY) {
            say_circle(r, c, to);
            c->found = true;
        } else if (colour == WHITE) {
            visit(r, c, to);
        }
    }
    c->depth--;
    c->colours[me] = BLACK;
}

static void check_circles(struct spec_reader *r, const struct app_in *in)
{
    struct circles c = {
        .in = in, .colours = orc_calloc(in->n, sizeof *c.colours), .path = orc_calloc(in->n, sizeof *c.path)};

    for (size_t i = 0; i < in->n && !c.found; i++)
        if (c.colours[i] == WHITE)
            visit(r, &c, &in->at[i]);
    free(c.colours);
    free(c.path);
}

/* Sidecars -------------------------------------------------------------------------------------------- */

static void mark_sidecars(const struct spec_reader *r, struct app_in *in)
{
    for (size_t i = 0; i < r->refs.n; i++) {
        const struct spec_ref *ref = &r->refs.at[i];
        const struct spec_service_at *at = ref->kind == SPEC_REF_MAIN ? find_service(in, ref->from) : NULL;

        if (at)
            in->at[at - in->at].main = ref;
    }
}

/* What the network of its main service allows. */
static void check_network(struct spec_reader *r, const struct spec_ref *ref, struct spec_service *main,
                          const struct spec_service *s)
{
    if (main->network == SPEC_NETWORK_NONE && spec_service_is_probed(s))
        spec_say(r, ref->at, "\"%s\" has no network, so nobody can ask \"%s\" for its health; give \"exec\"",
                 main->name, s->name);
    if (main->sidecars.n == SPEC_SIDECARS_MAX)
        spec_say(r, ref->at, "\"%s\" has more than %d sidecars", main->name, SPEC_SIDECARS_MAX);
    if (main->network == SPEC_NETWORK_HOST)
        spec_take_probed(main, s);
}

/* Moves each into its main service; nothing is wrong with the references. */
static void attach_sidecars(struct spec_reader *r, struct app_in *in)
{
    for (size_t i = 0; i < in->n; i++) {
        struct spec_service_at *at = &in->at[i];
        struct spec_service *main, *s;

        if (!at->main)
            continue;
        main = (struct spec_service *)(uintptr_t)spec_app_service(in->app, at->main->name);
        s = spec_app_take(in->app, at->service->name);
        check_network(r, at->main, main, s);
        for (size_t k = 0; k < s->constraints.n; k++) /* of its platform: they are on one server */
            orc_vec_push(&main->constraints, s->constraints.at[k]);
        s->constraints.n = 0;
        *orc_vec_add(&main->sidecars) = *s;
        free(s);
        at->service = NULL;
        spec_service_sort(main);
    }
}

/* Stored form: a service has to fit into a key of the store with room to spare. */
static void check_sizes(struct spec_reader *r, const struct app_in *in)
{
    for (size_t i = 0; i < in->n; i++) {
        orc_auto_free char *text = in->at[i].service ? spec_service_text(in->at[i].service) : orc_strdup("");

        if (strlen(text) > SPEC_JSON_MAX)
            spec_say(r, in->at[i].key, "service \"%s\" has %zu bytes of settings; the store takes %d",
                     in->at[i].service->name, strlen(text), SPEC_JSON_MAX);
    }
}

/* What is declared once and is each service's own. */
static void give_copies(struct spec_reader *r, struct app_in *in)
{
    struct spec_room room = {0};

    for (size_t i = 0; i < in->n; i++) {
        struct spec_service *s = (struct spec_service *)(uintptr_t)in->at[i].service;
        bool was = room.used > SPEC_COPIES_MAX;

        spec_give_volumes(&in->volumes, in->app->name, s, &room);
        spec_give_configs(&in->configs, s, &room);
        if (room.used > SPEC_COPIES_MAX && !was)
            spec_say(r, in->at[i].key,
                     "the services up to here name more than %d MiB of configs and options of volumes; each "
                     "has its own copy of what it names, so name less",
                     SPEC_COPIES_MAX / 1024 / 1024);
    }
}

/* The whole ------------------------------------------------------------------------------------------- */

static int cmp_strings(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static void read_app(struct spec_reader *r, const struct spec_node *root, const char *default_name,
                     struct app_in *in)
{
    if (!spec_read_map(r, &spec_file_keys, root, in))
        return;
    check_app_name(r, root, default_name, in);
    if (!in->services)
        spec_say(r, root, "the file has no \"services:\"; it needs one service at least");
    give_copies(r, in);
    if (in->n > 1)
        qsort(in->at, in->n, sizeof *in->at, cmp_services);
    mark_sidecars(r, in);
    for (size_t i = 0; in->services && i < r->refs.n; i++)
        check_ref(r, in, &r->refs.at[i]);
    spec_check_routes(r);
    spec_check_ports(r, in->at, in->n);
    check_circles(r, in);
    if (r->problems->n == 0)
        attach_sidecars(r, in);
    check_sizes(r, in);
    if (in->app->volumes.n > 1)
        qsort(in->app->volumes.at, in->app->volumes.n, sizeof *in->app->volumes.at, cmp_strings);
}

int spec_parse_tree(const struct spec_node *root, const char *default_name, struct spec_app **ret_app,
                    struct spec_problems *problems)
{
    orc_auto(spec_app_free_p) struct spec_app *app = spec_app_new(NULL);
    struct spec_reader r = {.problems = problems};
    struct app_in in = {.app = app};

    read_app(&r, root, default_name, &in);
    orc_vec_release(&in);
    orc_strv_release(&in.networks);
    spec_volumes_in_release(&in.volumes);
    orc_vec_release(&in.configs);
    spec_reader_release(&r);
    if (problems->n)
        return -EINVAL;
    *ret_app = orc_take(app);
    return 0;
}
