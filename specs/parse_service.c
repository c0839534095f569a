/* One service: its table of keys, and the subjects too small for a file of their own. */
#include "specs/parse_service.h"

#include "specs/check.h"
#include "specs/check_container.h"

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

/* stopping -------------------------------------------------------------------------------- */

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

/* where it runs, what image ----------------------------------------------------------------------------- */

static void add_constraint(struct spec_service *s, const char *key, const char *value)
{
    *orc_vec_add(&s->constraints) =
        (struct spec_constraint){.key = orc_strdup(key), .equal = true, .value = orc_strdup(value)};
}

/* Also where it may run: an image of another architecture would be pulled, and not start (behaviour 32). */
static void read_platform(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    struct spec_service *s = IN(into)->service;
    const char *text = spec_read_string(r, k->name, v);
    orc_auto_free char *platform = NULL, *arch = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if (!text)
        return;
    if (spec_platform(text, &platform, &arch, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return;
    }
    s->platform = orc_take(platform);
    add_constraint(s, "node.platform.os", "linux");
    add_constraint(s, "node.platform.arch", arch);
}

static void read_pull_policy(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    static const struct {
        const char *name;
        enum spec_pull policy;
    } policies[] = {{"missing", SPEC_PULL_MISSING},
                    {"if_not_present", SPEC_PULL_MISSING},
                    {"always", SPEC_PULL_ALWAYS},
                    {"never", SPEC_PULL_NEVER}};
    const char *s = spec_read_string(r, k->name, v);

    for (size_t i = 0; s && i < ORC_ARRAY_SIZE(policies); i++)
        if (strcmp(s, policies[i].name) == 0) {
            IN(into)->service->pull_policy = policies[i].policy;
            return;
        }
    if (s && strcmp(s, "build") == 0)
        spec_say(r, v,
                 "pull_policy is \"build\", but orc runs images; build and push it first, and remove this");
    else if (s)
        spec_say(
            r, v,
            "pull_policy is \"%s\", but must be \"missing\", \"if_not_present\", \"always\" or \"never\" "
            "(what runs is replaced by \"orc apply\" and \"orc restart\", never because time has passed)",
            spec_quote(s).text);
}

/* What the loader reads ------------------------------------------------------------------------------- */

static const struct spec_key env_file_keys[] = {
    {"path", .read = spec_key_loaded, .form = SPEC_IS_SCALAR, .doc = "the file, from the folder of this one"},
    {"required", .read = spec_key_loaded, .form = SPEC_IS_BOOL, .doc = "false: it need not be there"},
    {"format", .read = spec_key_loaded, SPEC_WORDS("raw"), .doc = "`raw`: values as they are, quotes too"},
};
static const struct spec_keys env_file_map = SPEC_KEYS("env_file", env_file_keys);

static const struct spec_key extends_keys[] = {
    {"service", .read = spec_key_loaded, .form = SPEC_IS_SCALAR, .doc = "the service it begins with"},
    {"file", .read = spec_key_loaded, .form = SPEC_IS_SCALAR, .doc = "the file that has it; else this one"},
};
static const struct spec_keys extends_map = SPEC_KEYS("extends", extends_keys);

/* The table ------------------------------------------------------------------------------------------- */

#define WORDS .form = SPEC_IS_LIST | SPEC_IS_SCALAR | SPEC_IS_NULL, .items = SPEC_IS_SCALAR

static const struct spec_key service_keys[] = {
    {"image", .read = read_image, .form = SPEC_IS_TEXT,
     .doc = "what runs; a digest (`@sha256:...`) keeps it the same on every server"},
    {"command", .read = read_command, WORDS,
     .doc = "the image's arguments replaced; a string is split as a shell would, but run without one"},
    {"entrypoint", .read = read_entrypoint, WORDS, .doc = "the image's program replaced, likewise"},
    {"environment", .read = spec_key_environment, SPEC_PAIRS, .doc = "variables, as a mapping or a list"},
    {"labels", .read = spec_key_labels, SPEC_PAIRS, .doc = "of the containers; `orc.` is orc's own"},
    {"stop_grace_period", .read = read_stop_grace_period, .form = SPEC_IS_DURATION,
     .doc = "from the stop signal to the kill; else 10 s"},
    {"stop_signal", .read = read_stop_signal, .form = SPEC_IS_SCALAR, .empty = true,
     .doc = "the first signal of a stop; else the image's, or SIGTERM"},
    {"restart", .read = spec_key_restart, .form = SPEC_IS_SCALAR, .empty = true,
     .doc = "`always` (also when left out), `unless-stopped`, `on-failure[:N]`, `no`: what nodelet does when "
            "a container ends"},
    {"depends_on", .read = spec_key_depends_on, .form = SPEC_IS_LIST | SPEC_IS_NAMES, .items = SPEC_IS_TEXT,
     .values = SPEC_IS_MAP | SPEC_IS_NULL,
     .doc = "services of the file that are waited for, as a list or a mapping: below",
     .sub = &spec_depend_keys},
    {"healthcheck", .read = spec_key_healthcheck, .form = SPEC_IS_MAP,
     .doc = "a command in the container that says whether it is healthy: below. Over HTTP or TCP: "
            "`x-orc.health`",
     .sub = &spec_healthcheck_keys},
    {"deploy", .read = spec_key_deploy, .form = SPEC_IS_MAP,
     .doc = "how many, where, how much, how updated: below", .sub = &spec_deploy_keys},
    {"ports", .read = spec_key_ports, .form = SPEC_IS_LIST, .items = SPEC_IS_SCALAR | SPEC_IS_MAP,
     .doc =
         "ports of the server that the replica is on, `[[IP:]HOST:]PORT[/udp]`, also ranges, as long on both "
         "sides, or as a "
         "mapping: below. Two replicas never take one on the same server. Two services that publish one are "
         "named, and refused where one of them runs on every server",
     .sub = &spec_port_keys},
    {"volumes", .read = spec_key_volumes, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT | SPEC_IS_MAP,
     .doc = "`VOLUME:PATH[:ro]`, `/PATH:/PATH[:ro]`, or as a mapping: below. Paths relative to the file are "
            "refused: they are of one machine",
     .sub = &spec_mount_keys},
    {"configs", .read = spec_key_configs, .form = SPEC_IS_LIST, .items = SPEC_IS_TEXT | SPEC_IS_MAP,
     .doc = "declared configs that are files in the container, as names or mappings: below",
     .sub = &spec_config_use_keys},
    {"networks", .read = spec_key_networks, .form = SPEC_IS_LIST | SPEC_IS_NAMES, .items = SPEC_IS_TEXT,
     .values = SPEC_IS_MAP | SPEC_IS_NULL, .doc = "names that are declared; they separate nothing: below",
     .sub = &spec_service_network_keys},
    {"network_mode", .read = spec_key_network_mode, .form = SPEC_IS_TEXT, .empty = true,
     .doc = "`bridge` (the cluster's network), `none`, `host`, `service:NAME` (a sidecar in each replica of "
            "that service)"},
    {"expose", .read = spec_key_expose, .form = SPEC_IS_LIST, .items = SPEC_IS_SCALAR,
     .doc = "beside network_mode `host`: ports of the server that it listens on, which no two replicas "
            "share. Else no effect, containers reach one another on every port"},
    {"x-orc", .read = spec_key_x_orc, .form = SPEC_IS_MAP, .sub = &spec_orc_keys,
     .doc = "what Compose has no words for: health over HTTP and TCP, gateway, drain, schedules "
            "(x-orc.md)"},

    {"platform", .read = read_platform, .form = SPEC_IS_TEXT, .empty = true,
     .doc = "`linux/ARCH[/VARIANT]`: what image is pulled, and as constraints which servers take it"},
    {"pull_policy", .read = read_pull_policy, .form = SPEC_IS_TEXT, .empty = true,
     .doc = "`missing`, `if_not_present`, `always` (before each container), `never`; `build`, `daily`, "
            "`weekly` and the like are refused"},
    {"scale", .read = spec_key_node, .offset = offsetof(struct spec_service_in, scale), .form = SPEC_IS_INT,
     .max = SPEC_REPLICAS_MAX, .doc = "as `deploy.replicas`; both must say the same"},
    {"cpus", .read = spec_key_node, .offset = offsetof(struct spec_service_in, cpus), .form = SPEC_IS_NUMBER,
     .doc = "as `deploy.resources.limits.cpus`"},
    {"mem_limit", .read = spec_key_node, .offset = offsetof(struct spec_service_in, mem_limit),
     .form = SPEC_IS_SIZE, .doc = "as `deploy.resources.limits.memory`"},
    {"mem_reservation", .read = spec_key_node, .offset = offsetof(struct spec_service_in, mem_reservation),
     .form = SPEC_IS_SIZE, .doc = "as `deploy.resources.reservations.memory`"},
    {"pids_limit", .read = spec_key_node, .offset = offsetof(struct spec_service_in, pids_limit),
     .form = SPEC_IS_INT | SPEC_IS_UNLIMITED, .min = 1, .max = SPEC_PIDS_MAX,
     .doc = "as `deploy.resources.limits.pids`; -1: no limit"},
    {"links", .read = spec_key_node, .offset = offsetof(struct spec_service_in, links), .form = SPEC_IS_LIST,
     .items = SPEC_IS_TEXT,
     .doc = "as `depends_on`: services of the file. Their names do not resolve yet. Another `:ALIAS` is "
            "refused"},
    {"build", .read = spec_key_ignore,
     .doc = "beside `image` no effect: orc runs what was built and pushed, and says so. Without `image` "
            "refused, with the commands that do that"},
    {"attach", .read = spec_key_ignore, .doc = "no effect: orc attaches to no container"},
    {"develop", .read = spec_key_ignore, .doc = "no effect: it is for `docker compose watch`"},
    {"env_file", .read = spec_key_loaded, .form = SPEC_IS_SCALAR | SPEC_IS_LIST | SPEC_IS_MAP,
     .items = SPEC_IS_SCALAR | SPEC_IS_MAP, .sub = &env_file_map,
     .doc = "files of variables, read when the file is applied: a path, a list, or mappings with `path`, "
            "`required` and `format`. `environment` wins over them, later files over earlier ones"},
    {"label_file", .read = spec_key_loaded, .form = SPEC_IS_SCALAR | SPEC_IS_LIST, .items = SPEC_IS_SCALAR,
     .doc = "files of labels, written as those of variables are, read when the file is applied: a path or a "
            "list. "
            "`labels` wins over them, later files over earlier ones"},
    {"extends", .read = spec_key_loaded, .form = SPEC_IS_SCALAR | SPEC_IS_MAP, .sub = &extends_map,
     .doc = "begins with another service's keys: its name, or `service` and `file`"},
    {"profiles", .read = spec_key_loaded, .form = SPEC_IS_LIST | SPEC_IS_NULL, .items = SPEC_IS_SCALAR,
     .doc = "the service is there only with one of these profiles: `--profile`, or COMPOSE_PROFILES"},

    {"container_name",
     .refusal = "the names of replicas would clash; remove it: orc names containers by service and replica"},
    {"external_links",
     .refusal =
         "services of other apps are reached through the gateway, or by a port of their server; remove it"},
    {"replicas", .refusal = "give \"deploy: {replicas: N}\" instead"},
    {"health", .refusal = "give \"healthcheck:\", or \"x-orc: {health: ...}\""},
    {"gateway", .refusal = "give \"x-orc: {gateway: ...}\" instead"},
    {"drain", .refusal = "give \"x-orc: {drain: ...}\" instead"},
    {"blkio_config", .refusal = "orc limits CPUs, memory and processes, not disks; remove it"},
    {"cgroup_parent", .refusal = "the engine keeps its containers in one place; limit them with \"deploy: "
                                 "{resources: {limits: ...}}\""},
    {"cpu_quota", .refusal = "give \"cpus\" instead: cpu_quota divided by cpu_period"},
    {"cpu_period", .refusal = "give \"cpus\" instead: cpu_quota divided by cpu_period"},
    {"cpu_rt_period", .refusal = "cgroup v2 has no share of real-time scheduling to give; remove it"},
    {"cpu_rt_runtime", .refusal = "cgroup v2 has no share of real-time scheduling to give; remove it"},
    {"cpu_count", .refusal = "it is for Windows; give \"cpus\" instead"},
    {"cpu_percent", .refusal = "it is for Windows; give \"cpus\" instead"},
    {"credential_spec", .refusal = "it is for Windows; remove it"},
    {"isolation", .refusal = "it is for Windows; remove it"},
    {"gpus", .refusal =
                 "orc reserves no devices; give the device files in \"devices\", and constraints for the "
                 "servers that have them"},
    {"mac_address", .refusal = "replicas would clash; remove it, the engine gives each its own"},
    {"mem_swappiness", .refusal = "cgroup v2 has it no more; give \"memswap_limit\" to bound swap"},
    {"oom_kill_disable", .refusal = "cgroup v2 has it no more; give \"oom_score_adj\" instead"},
    {"models", .refusal = "orc runs no models; give their address in \"environment\""},
    {"provider", .refusal = "orc runs containers only; give an \"image\""},
    {"post_start",
     .refusal = "let the image's entrypoint do it, or a job (\"deploy: {mode: replicated-job}\")"},
    {"pre_start", .refusal = "let the image's entrypoint do it, or a job that \"depends_on\" waits for "
                             "(\"condition: service_completed_successfully\")"},
    {"pre_stop", .refusal = "let the program do it when it gets its stop signal; orc withdraws it from its "
                            "clients before that"},
    {"pull_refresh_after",
     .refusal = "give \"pull_policy: always\"; each new container then asks for a newer image"},
    {"storage_opt", .refusal =
                        "it needs a storage driver with quotas; bound what is written with \"read_only\" and "
                        "a \"tmpfs\" with a size"},
    {"use_api_socket", .refusal = "who has the engine's socket has the server; mount /var/run/docker.sock in "
                                  "\"volumes\" if that is meant"},
    {"volumes_from", .refusal = "mount the same named volume in both, in \"volumes\""},
    {"secrets", .refusal = "orc keeps no secrets yet; mount a file that the servers have, in \"volumes\""},
};

static void *container_of(void *into)
{
    return &IN(into)->service->container;
}

const struct spec_keys spec_service_keys = {.what = "a service",
                                            .keys = service_keys,
                                            .n = ORC_ARRAY_SIZE(service_keys),
                                            .more = &spec_container_keys,
                                            .more_into = container_of};

/* The folder that `docker build FOLDER` would build as Compose does; NULL: there is more to say. */
static const char *only_folder(const struct spec_node *build)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@#-";
    const struct spec_node *folder = build->kind == SPEC_NODE_MAP ? spec_node_get(build, "context") : build;

    if (build->kind == SPEC_NODE_MAP && build->entries.n != (folder ? 1 : 0))
        return NULL;
    if (!folder || (folder->kind == SPEC_NODE_SCALAR && !*folder->text))
        return ".";
    return folder->kind == SPEC_NODE_SCALAR && folder->text[strspn(folder->text, plain)] == '\0'
               ? folder->text
               : NULL;
}

static void refuse_build(struct spec_reader *r, const struct spec_node *name, const struct spec_entry *build)
{
    const char *folder = only_folder(build->value);
    struct spec_quoted image = spec_quote(name->text);

    if (folder)
        spec_say(
            r, build->key,
            "service \"%s\" has \"build\" and no \"image\", and orc runs images; build and push it first: "
            "docker build -t REGISTRY/%s:TAG %s && docker push REGISTRY/%s:TAG, then add \"image: "
            "REGISTRY/%s:TAG\"",
            image.text, image.text, spec_quote(folder).text, image.text, image.text);
    else
        spec_say(
            r, build->key,
            "service \"%s\" has \"build\" and no \"image\", and orc runs images; add \"image: "
            "REGISTRY/%s:TAG\", then build and push it: docker compose build %s && docker compose push %s",
            image.text, image.text, image.text, image.text);
}

/* orc builds none. What Compose would build it runs when that has been pushed. */
static void check_image(struct spec_reader *r, const struct spec_node *name, const struct spec_node *v)
{
    const struct spec_entry *build = spec_node_entry(v, "build");
    bool has = spec_node_entry(v, "image");

    if (has && build && !r->build_noted) {
        spec_note(r, build->key,
                  "orc builds nothing: it runs the image as \"docker compose build\" and \"docker compose "
                  "push\" left it in the registry");
        r->build_noted = true; /* one is enough for the file */
    }
    if (!has && build)
        refuse_build(r, name, build);
    if (!has && !build &&
        !spec_node_entry(v, "extends")) /* one that is still here has failed, which was said */
        spec_say(r, name, "service \"%s\" has no image; give one, such as \"image: nginx:1.25\"",
                 spec_quote(name->text).text);
}

bool spec_check_named(struct spec_reader *r, const char *what, const struct spec_node *n)
{
    struct orc_err err = ORC_ERR_INIT;
    char better[SPEC_NAME_MAX + 1];

    if (spec_check_name(what, n->text, &err) == 0)
        return true;
    spec_suggest_name(n->text, better);
    spec_say(r, n, "%s%s%s%s", err.msg, *better ? "; how about \"" : "", better, *better ? "\"?" : "");
    return false;
}

struct spec_service *spec_parse_service(struct spec_reader *r, const struct spec_node *key,
                                        const struct spec_node *v)
{
    orc_auto_free char *what = orc_printf("service \"%s\"", spec_quote(key->text).text);
    struct spec_keys keys = spec_service_keys;
    struct spec_service_in in = {.key = key};
    bool named = spec_check_named(r, "service name", key), is_map;

    keys.what = what;
    in.service = spec_service_new(key->text);
    in.exposed = spec_service_new(NULL);
    spec_probe_init(&in.healthcheck);
    spec_probe_init(&in.override);
    spec_probe_init(&in.readiness);
    spec_probe_init(&in.liveness);
    r->service = key->text;
    is_map = spec_read_map(r, &keys, v, &in);
    if (is_map)
        check_image(r, key, v);
    spec_finish_health(r, &in);
    spec_finish_older(r, &in);
    spec_finish_resources(r, &in);
    if (in.main && is_map) {
        spec_finish_sidecar(r, &in, v);
    } else {
        spec_finish_links(r, &in);
        spec_finish_network(r, &in);
        spec_finish_mode(r, &in);
    }
    spec_probe_release(&in.healthcheck);
    spec_probe_release(&in.override);
    spec_probe_release(&in.readiness);
    spec_probe_release(&in.liveness);
    spec_service_free(in.exposed);
    spec_service_sort(in.service);
    if (is_map)
        spec_finish_container(r, &in, v);
    return named && is_map ? in.service : spec_service_free(in.service);
}
