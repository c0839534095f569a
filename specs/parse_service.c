/* One service: its table of keys, and the subjects too small for a file of their own. */
#include "specs/parse_service.h"

#include "specs/check.h"

#include <ctype.h>
#include <string.h>

#define IN(into) ((struct spec_service_in *)(into))

static void read_image(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_image(s, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    orc_set_str(&IN(into)->service->image, s);
}

/* command, entrypoint ---------------------------------------------------------------------------------- */

/* Nothing behind the key leaves the image's own, as in Compose; an empty list or string takes it away. */
static void read_command(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    struct spec_service *s = IN(into)->service;

    if (!spec_node_is_null(v) && spec_read_words(r, k->name, v, &s->command))
        s->command_set = true;
}

static void read_entrypoint(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                            void *into)
{
    struct spec_service *s = IN(into)->service;

    if (!spec_node_is_null(v) && spec_read_words(r, k->name, v, &s->entrypoint))
        s->entrypoint_set = true;
}

/* environment, labels --------------------------------------------------------------------------------- */

struct pairs_rule {
    const char *what; /* "variable" */
    int (*check_key)(const char *key, struct orc_err *err);
    bool may_lack_value; /* a label without one is "" */
};

static void add_pair(struct spec_reader *r, const struct pairs_rule *rule, const struct spec_node *at,
                     struct spec_pairs *p, const char *key, const char *value)
{
    struct orc_err err = ORC_ERR_INIT;

    if (!value && !rule->may_lack_value) {
        spec_say(
            r, at,
            "%s \"%s\" has no value; give a value (orc does not take it from the shell of whoever applies)",
            rule->what, spec_quote(key).text);
        return;
    }
    if (rule->check_key(key, &err) < 0 || spec_check_text(value ? value : "", &err) < 0) {
        spec_say(r, at, "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].key, key) == 0) {
            spec_say(r, at, "%s \"%s\" is here twice", rule->what, spec_quote(key).text);
            return;
        }
    spec_pairs_add(p, key, value ? value : "");
}

/* "KEY=VALUE" or "KEY" */
static void read_pair_item(struct spec_reader *r, const struct pairs_rule *rule, const struct spec_node *v,
                           struct spec_pairs *p)
{
    const char *s = spec_read_text(r, rule->what, v);
    const char *equals = s ? strchr(s, '=') : NULL;
    orc_auto_free char *key = s ? orc_strndup(s, equals ? (size_t)(equals - s) : strlen(s)) : NULL;

    if (s)
        add_pair(r, rule, v, p, key, equals ? equals + 1 : NULL);
}

static void read_pair_entry(struct spec_reader *r, const struct pairs_rule *rule, const struct spec_entry *e,
                            struct spec_pairs *p)
{
    orc_auto_free char *what = orc_printf("%s \"%s\"", rule->what, spec_quote(e->key->text).text);
    bool null = spec_node_is_null(e->value);
    const char *s = null ? NULL : spec_read_text(r, what, e->value);

    if (s || null)
        add_pair(r, rule, e->key, p, e->key->text, s);
}

static void read_pairs(struct spec_reader *r, const char *name, const struct pairs_rule *rule,
                       const struct spec_node *v, struct spec_pairs *p)
{
    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v, "%s must be a mapping or a list of \"NAME=value\", but this is %s", name,
                 spec_node_kind_name(v));
        return;
    }
    if (v->entries.n > SPEC_LIST_MAX) {
        spec_say(r, v, "%s has %zu elements; at most %d are possible", name, v->entries.n, SPEC_LIST_MAX);
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++)
        if (v->kind == SPEC_NODE_MAP)
            read_pair_entry(r, rule, &v->entries.at[i], p);
        else
            read_pair_item(r, rule, v->entries.at[i].value, p);
}

static void read_environment(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    static const struct pairs_rule rule = {"variable", spec_check_env_key, false};

    read_pairs(r, k->name, &rule, v, &IN(into)->service->environment);
}

static void read_labels(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    static const struct pairs_rule rule = {"label", spec_check_label_key, true};

    read_pairs(r, k->name, &rule, v, &IN(into)->service->labels);
}

/* stopping, restarting -------------------------------------------------------------------------------- */

static void read_stop_signal(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    const char *s = spec_read_text(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;
    char *name = NULL;

    if (!s)
        return;
    if (spec_signal(s, &name, &err) < 0) {
        spec_say(r, v, "%s: %s", k->name, err.msg);
        return;
    }
    free(IN(into)->service->stop_signal);
    IN(into)->service->stop_signal = name;
}

static void read_stop_grace_period(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                                   void *into)
{
    static const struct spec_key row = {"stop_grace_period",
                                        .offset = offsetof(struct spec_service, stop_grace_period_ms)};

    spec_key_ms(r, &row, v, IN(into)->service);
}

/* "on-failure:5" -> 5; 0 without a number; -1 for anything else. */
static int failures(const char *s)
{
    size_t n;

    if (strncmp(s, "on-failure", 10) != 0)
        return -1;
    s += 10;
    if (!*s)
        return 0;
    n = strspn(s + 1, "0123456789");
    if (*s != ':' || n == 0 || n > 6 || s[1 + n] || s[1] == '0')
        return -1;
    return atoi(s + 1);
}

static void read_restart(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    static const struct {
        const char *name;
        enum spec_restart restart;
    } policies[] = {{"always", SPEC_RESTART_ALWAYS},
                    {"no", SPEC_RESTART_NO},
                    {"unless-stopped", SPEC_RESTART_UNLESS_STOPPED}};
    struct spec_service *to = IN(into)->service;
    const char *s = spec_read_text(r, k->name, v);
    int max = s ? failures(s) : -1;

    IN(into)->restart = v;
    for (size_t i = 0; s && i < ORC_ARRAY_SIZE(policies); i++)
        if (strcmp(s, policies[i].name) == 0) {
            to->restart = policies[i].restart;
            return;
        }
    if (max >= 0) {
        to->restart = SPEC_RESTART_ON_FAILURE;
        to->restart_max = max;
    } else if (s) {
        spec_say(r, v,
                 "restart is \"%s\", but must be \"always\", \"unless-stopped\", \"no\", \"on-failure\" or "
                 "\"on-failure:5\" with a number of tries",
                 spec_quote(s).text);
    }
}

/* depends_on ------------------------------------------------------------------------------------------ */

static void add_depend(struct spec_reader *r, const struct spec_node *at, struct spec_service *s,
                       const char *name, enum spec_depends condition)
{
    for (size_t i = 0; i < s->depends_on.n; i++)
        if (strcmp(s->depends_on.at[i].service, name) == 0) {
            spec_say(r, at, "\"%s\" is in depends_on twice", spec_quote(name).text);
            return;
        }
    spec_ref_add(r, SPEC_REF_SERVICE, at, name);
    r->refs.at[r->refs.n - 1].condition = (int)condition;
    *orc_vec_add(&s->depends_on) = (struct spec_depend){.service = orc_strdup(name), .condition = condition};
}

static void read_condition(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    static const char *const names[] = {"service_started", "service_healthy",
                                        "service_completed_successfully", NULL};
    int i = spec_read_word(r, k->name, v, names);

    if (i >= 0)
        *(enum spec_depends *)into = (enum spec_depends)i;
}

static const struct spec_key depend_keys[] = {
    {"condition", .read = read_condition},
    {"restart", .refusal = "orc does not restart a service because another one did; remove it"},
    {"required", .refusal = "in orc a dependency is always required; remove it"},
};

static void read_depend_entry(struct spec_reader *r, const struct spec_entry *e, struct spec_service *s)
{
    static const struct spec_keys keys = SPEC_KEYS("a dependency", depend_keys);
    enum spec_depends condition = SPEC_DEPENDS_STARTED;

    if (spec_node_is_null(e->value) || spec_read_map(r, &keys, e->value, &condition))
        add_depend(r, e->key, s, e->key->text, condition);
}

static void read_depends_on(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                            void *into)
{
    struct spec_service *s = IN(into)->service;

    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v, "%s must be a list of services, or a mapping of them to conditions, but this is %s",
                 k->name, spec_node_kind_name(v));
        return;
    }
    if (v->entries.n > SPEC_SERVICES_MAX) {
        spec_say(r, v, "%s has %zu elements; at most %d are possible", k->name, v->entries.n,
                 SPEC_SERVICES_MAX);
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        const char *name = v->kind == SPEC_NODE_LIST ? spec_read_string(r, k->name, e->value) : NULL;

        if (v->kind == SPEC_NODE_MAP)
            read_depend_entry(r, e, s);
        else if (name)
            add_depend(r, e->value, s, name, SPEC_DEPENDS_STARTED);
    }
}

/* The table ------------------------------------------------------------------------------------------- */

#define NOT_YET .refusal = "it is one of Compose's keys that orc does not support yet; remove it"

static const struct spec_key service_keys[] = {
    {"image", .read = read_image},
    {"command", .read = read_command},
    {"entrypoint", .read = read_entrypoint},
    {"environment", .read = read_environment},
    {"labels", .read = read_labels},
    {"stop_grace_period", .read = read_stop_grace_period},
    {"stop_signal", .read = read_stop_signal},
    {"restart", .read = read_restart},
    {"depends_on", .read = read_depends_on},
    {"healthcheck", .read = spec_key_healthcheck},
    {"deploy", .read = spec_key_deploy},
    {"ports", .read = spec_key_ports},
    {"volumes", .read = spec_key_volumes},
    {"networks", .read = spec_key_networks},
    {"network_mode", .read = spec_key_network_mode},
    {"expose", .read = spec_key_expose},
    {"x-orc", .read = spec_key_x_orc},

    {"build", .refusal =
                  "orc runs images; build and push it first: docker build -t REGISTRY/NAME:TAG . && docker "
                  "push REGISTRY/NAME:TAG, then give \"image: REGISTRY/NAME:TAG\""},
    {"container_name",
     .refusal = "the names of replicas would clash; remove it, orc names containers by service and "
                "replica"},
    {"links", .refusal = "services find one another by name; remove it"},
    {"external_links", .refusal = "services find one another by name; remove it"},
    {"replicas", .refusal = "give \"deploy: {replicas: N}\" instead"},
    {"health", .refusal = "give \"healthcheck:\", or \"x-orc: {health: ...}\""},
    {"gateway", .refusal = "give \"x-orc: {gateway: ...}\" instead"},
    {"drain", .refusal = "give \"x-orc: {drain: ...}\" instead"},
    {"scale", .refusal = "give \"deploy: {replicas: N}\" instead"},
    {"cpus", .refusal = "give \"deploy: {resources: {limits: {cpus: ...}}}\" instead"},
    {"mem_limit", .refusal = "give \"deploy: {resources: {limits: {memory: ...}}}\" instead"},
    {"mem_reservation", .refusal = "give \"deploy: {resources: {reservations: {memory: ...}}}\" instead"},
    {"env_file", NOT_YET},
    {"extends", NOT_YET},
    {"hostname", NOT_YET},
    {"domainname", NOT_YET},
    {"logging", NOT_YET},
    {"user", NOT_YET},
    {"group_add", NOT_YET},
    {"working_dir", NOT_YET},
    {"privileged", NOT_YET},
    {"read_only", NOT_YET},
    {"cap_add", NOT_YET},
    {"cap_drop", NOT_YET},
    {"security_opt", NOT_YET},
    {"sysctls", NOT_YET},
    {"ulimits", NOT_YET},
    {"tmpfs", NOT_YET},
    {"devices", NOT_YET},
    {"dns", NOT_YET},
    {"dns_search", NOT_YET},
    {"extra_hosts", NOT_YET},
    {"init", NOT_YET},
    {"ipc", NOT_YET},
    {"pid", NOT_YET},
    {"platform", NOT_YET},
    {"profiles", NOT_YET},
    {"pull_policy", NOT_YET},
    {"secrets", NOT_YET},
    {"configs", NOT_YET},
    {"shm_size", NOT_YET},
    {"stdin_open", NOT_YET},
    {"tty", NOT_YET},
    {"develop", NOT_YET},
};

static bool has_image(const struct spec_node *v)
{
    for (size_t i = 0; i < v->entries.n; i++)
        if (strcmp(v->entries.at[i].key->text, "image") == 0 ||
            strcmp(v->entries.at[i].key->text, "build") == 0) /* refused with better advice */
            return true;
    return false;
}

/* "My_Service" -> "my-service", for the message. */
static void suggest_name(const char *name, char ret[SPEC_NAME_MAX + 1])
{
    size_t n = 0;

    for (; *name && n < SPEC_NAME_MAX; name++) {
        char c = (char)tolower((unsigned char)*name);
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (good || (n > 0 && ret[n - 1] != '-'))
            ret[n++] = good ? c : '-';
    }
    while (n > 0 && ret[n - 1] == '-')
        n--;
    ret[n] = '\0';
}

static bool check_service_name(struct spec_reader *r, const struct spec_node *key)
{
    struct orc_err err = ORC_ERR_INIT;
    char better[SPEC_NAME_MAX + 1];

    if (spec_check_name("service name", key->text, &err) == 0)
        return true;
    suggest_name(key->text, better);
    spec_say(r, key, "%s%s%s%s", err.msg, *better ? "; how about \"" : "", better, *better ? "\"?" : "");
    return false;
}

struct spec_service *spec_parse_service(struct spec_reader *r, const struct spec_node *key,
                                        const struct spec_node *v)
{
    orc_auto_free char *what = orc_printf("service \"%s\"", spec_quote(key->text).text);
    const struct spec_keys keys = SPEC_KEYS(what, service_keys);
    struct spec_service_in in = {.key = key};
    bool named = check_service_name(r, key), is_map;

    in.service = spec_service_new(key->text);
    spec_probe_init(&in.healthcheck);
    spec_probe_init(&in.override);
    spec_probe_init(&in.readiness);
    spec_probe_init(&in.liveness);
    r->service = key->text;
    is_map = spec_read_map(r, &keys, v, &in);
    if (is_map && !has_image(v))
        spec_say(r, key, "service \"%s\" has no image; give one, such as \"image: nginx:1.25\"",
                 spec_quote(key->text).text);
    spec_finish_health(r, &in);
    spec_finish_resources(r, &in);
    if (in.main && is_map) {
        spec_finish_sidecar(r, &in, v);
    } else {
        spec_finish_network(r, &in);
        spec_finish_mode(r, &in);
    }
    spec_probe_release(&in.healthcheck);
    spec_probe_release(&in.override);
    spec_probe_release(&in.readiness);
    spec_probe_release(&in.liveness);
    spec_service_sort(in.service);
    return named && is_map ? in.service : spec_service_free(in.service);
}
