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

/* The table ------------------------------------------------------------------------------------------- */

#define NOT_YET .refusal = "it is one of Compose's keys that orc does not support yet; remove it"

static const struct spec_key service_keys[] = {
    {"image", .read = read_image},
    {"command", .read = read_command},
    {"entrypoint", .read = read_entrypoint},
    {"environment", .read = spec_key_environment},
    {"labels", .read = spec_key_labels},
    {"stop_grace_period", .read = read_stop_grace_period},
    {"stop_signal", .read = read_stop_signal},
    {"restart", .read = read_restart},
    {"depends_on", .read = spec_key_depends_on},
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
    {"platform", NOT_YET},
    {"profiles", NOT_YET},
    {"pull_policy", NOT_YET},
    {"secrets", NOT_YET},
    {"configs", NOT_YET},
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

static void *container_of(void *into)
{
    return &IN(into)->service->container;
}

struct spec_service *spec_parse_service(struct spec_reader *r, const struct spec_node *key,
                                        const struct spec_node *v)
{
    orc_auto_free char *what = orc_printf("service \"%s\"", spec_quote(key->text).text);
    const struct spec_keys keys = {.what = what,
                                   .keys = service_keys,
                                   .n = ORC_ARRAY_SIZE(service_keys),
                                   .more = &spec_container_keys,
                                   .more_into = container_of};
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
    if (is_map)
        spec_finish_container(r, &in, v);
    return named && is_map ? in.service : spec_service_free(in.service);
}
