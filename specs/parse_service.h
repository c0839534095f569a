/* parse_service.h - the parts of the parser, between specs/parse*.c only.
 *
 * parse.c reads the file's top level and judges what takes several services to see; parse_service.c one
 * service; the others one subject each. A service is collected in a struct spec_service_in, because some of
 * its keys can only be judged together.
 */
#ifndef SPECS_PARSE_SERVICE_H
#define SPECS_PARSE_SERVICE_H

#include "specs/read.h"
#include "specs/spec.h"

#define SPEC_UNSET_MS UINT64_MAX

/* A health check as written; times that the file doesn't give are SPEC_UNSET_MS, retries 0. */
struct spec_probe_in {
    const struct spec_node *at; /* NULL: not in the file */
    const struct spec_node *test;
    bool disabled; /* healthcheck: test NONE or disable: true */
    struct spec_health health;
};

/* deploy.restart_policy as written. */
struct spec_policy_in {
    const struct spec_node *at, *condition_at, *attempts_at, *delay_at,
        *window_at; /* NULL: not in the file */
    int condition;  /* enum condition of parse_restart.c; -1: not in the file */
    int max_attempts;
    uint64_t delay_ms;
};

struct spec_service_in {
    struct spec_policy_in policy;
    struct spec_service *service;
    const struct spec_node *key;                /* the service's name in the file */
    struct spec_probe_in healthcheck, override; /* Compose's, x-orc's */
    struct spec_probe_in readiness, liveness;   /* x-orc's, apart */
    const struct spec_node *reservations;       /* where they are */
    /* Where these are, to be judged by the service's mode; NULL: not in the file. */
    const struct spec_node *replicas, *max_per_node, *preferences, *update, *rollback, *canary, *disconnect,
        *restart, *gateway, *job, *schedule, *weights;
    /* By its network. */
    const char *main; /* the service whose sidecar it is; NULL: none */
    const struct spec_node *network_mode, *networks, *ports, *expose, *links;
    struct spec_service *exposed; /* of which only the ports count: those of `expose` */
    /* Compose's older spellings of what deploy has; parse_older.c. */
    const struct spec_node *cpus, *mem_limit, *mem_reservation, *pids_limit, *scale;
};

/* One service from its mapping; NULL (said) when it can't be made. */
struct spec_service *spec_parse_service(struct spec_reader *r, const struct spec_node *key,
                                        const struct spec_node *v);

/* The name in a scalar; false (said, with one that could be used). */
bool spec_check_named(struct spec_reader *r, const char *what, const struct spec_node *n);

/* What the top level declares for the services to name. Each has its own copy of it, so that a line that
 * names a large one costs much: all copies together are bounded. */
#define SPEC_COPIES_MAX (16 * 1024 * 1024) /* bytes */
struct spec_room {
    size_t used; /* beyond SPEC_COPIES_MAX nothing is copied any more */
};
bool spec_takes_room(struct spec_room *room, size_t bytes); /* false: there is none left */
struct spec_volumes_in {
    struct spec_volume_in {
        const char *name, *engine_name;  /* the document's; engine_name: NULL, the file gives none */
        bool external;                   /* it has an engine_name then */
        const struct spec_node *made_at; /* something that it would be made with; NULL: there is nothing */
        struct spec_pairs driver_opts, labels;
    } * at;
    size_t n, cap;
};
void spec_read_networks(struct spec_reader *r, const struct spec_node *v, struct orc_strv *names);
void spec_read_volumes(struct spec_reader *r, const struct spec_node *v, struct orc_strv *names,
                       struct spec_volumes_in *declared);
/* To each of the service's mounts of a volume, what the volume is called and made with. `app`: NULL, the file
 * gives none, which is said elsewhere. */
void spec_give_volumes(const struct spec_volumes_in *declared, const char *app, struct spec_service *s,
                       struct spec_room *room);
void spec_volumes_in_release(struct spec_volumes_in *declared);
/* A mapping of at most SPEC_LIST_MAX names; false (said) for anything else. */
bool spec_read_is_names(struct spec_reader *r, const struct spec_node *v, const char *what);
/* One of these names, which is no extension field; false also (said) when it is too long. */
bool spec_read_is_declared(struct spec_reader *r, const struct spec_node *key);

struct spec_configs_in {
    struct spec_config_in {
        const char *name, *content; /* the document's; without content something was said of it */
    } * at;
    size_t n, cap;
};
void spec_read_configs(struct spec_reader *r, const struct spec_node *v, struct spec_configs_in *declared);
const struct spec_config_in *spec_find_config(const struct spec_configs_in *declared,
                                              const char *name); /* or NULL */
/* To each config that the service names, its content, or none where there is no room for it. */
void spec_give_configs(const struct spec_configs_in *declared, struct spec_service *s,
                       struct spec_room *room);
/* Permission bits in octal, which a number without a leading 0 need not be. */
void spec_read_mode(struct spec_reader *r, const char *what, const struct spec_node *v, int *ret);
extern const struct spec_keys spec_config_keys, spec_config_use_keys;

/* The form of names and values, as a mapping or as a list of "NAME=value". */
#define SPEC_PAIRS                                                                                           \
    .form = SPEC_IS_NAMES | SPEC_IS_LIST, .values = SPEC_IS_SCALAR | SPEC_IS_NULL, .items = SPEC_IS_SCALAR
extern const char *const spec_modes[]; /* of deploy */

/* Rows of a service's table; `into` is a struct spec_service_in. */
spec_read_fn spec_key_configs, spec_key_healthcheck, spec_key_deploy, spec_key_ports, spec_key_expose,
    spec_key_volumes, spec_key_x_orc, spec_key_networks, spec_key_network_mode, spec_key_environment,
    spec_key_labels, spec_key_depends_on, spec_key_restart;
/* Those of a service that are the engine's alone to do; `into` is a struct spec_container. */
extern const struct spec_keys spec_container_keys;
/* The other tables, each with the rows' own tables below it: what the top level, a service and a part of one
 * may have. */
extern const struct spec_keys spec_file_keys, spec_service_keys, spec_network_keys, spec_volume_keys,
    spec_depend_keys, spec_deploy_keys, spec_healthcheck_keys, spec_restart_policy_keys, spec_mount_keys,
    spec_service_network_keys, spec_port_keys, spec_device_keys, spec_update_keys, spec_rollback_keys;
/* Rows of that table. */
spec_read_fn spec_key_tmpfs, spec_key_ulimits, spec_key_sysctls, spec_key_annotations, spec_key_caps,
    spec_key_security_opt, spec_key_devices, spec_key_extra_hosts, spec_key_logging;
/* Names and values; the member at k->offset is a struct spec_pairs. */
spec_read_fn spec_key_options;
/* Rows of deploy. */
spec_read_fn spec_key_mode, spec_key_update, spec_key_rollback, spec_key_restart_policy;
/* Rows of x-orc. */
spec_read_fn spec_key_job, spec_key_schedule;
/* Row "health" of x-orc. */
spec_read_fn spec_key_probe;
extern const struct spec_keys spec_orc_keys, spec_health_keys, spec_job_keys, spec_schedule_keys;

/* "node.labels.disk == ssd" or "node.hostname!=k2", at v; false (said) when it is neither. *ret's strings are
 * the caller's. */
bool spec_read_constraint(struct spec_reader *r, const struct spec_node *v, const char *text,
                          struct spec_constraint *ret);

/* Names and values, as a mapping or as a list of "NAME=value". */
struct spec_pairs_rule {
    const char *what; /* "variable" */
    int (*check_key)(const char *key, struct orc_err *err);
    bool may_lack_value; /* a label without one is "" */
};
void spec_read_pairs(struct spec_reader *r, const char *name, const struct spec_pairs_rule *rule,
                     const struct spec_node *v, struct spec_pairs *p);
/* A path in the container that something is mounted at; 0 or -EINVAL. */
int spec_check_target(const char *target, struct orc_err *err);
/* One way to write a path: no slash twice or at the end. Freed by the caller. */
char *spec_normal_path(const char *s);
/* The value of a mapping's key, or NULL. */
const struct spec_node *spec_value_of(const struct spec_node *v, const char *name);

void spec_probe_init(struct spec_probe_in *p);
void spec_probe_release(struct spec_probe_in *p);
/* Makes one health check of both: x-orc.health's probe in place of healthcheck's, its times before
 * healthcheck's before the defaults. */
void spec_finish_health(struct spec_reader *r, struct spec_service_in *in);
/* What is linked is waited for, unless depends_on says so already. */
void spec_finish_links(struct spec_reader *r, struct spec_service_in *in);
/* The older spellings of what deploy has; before spec_finish_resources(). */
void spec_finish_older(struct spec_reader *r, struct spec_service_in *in);
/* Limits against reservations. */
void spec_finish_resources(struct spec_reader *r, struct spec_service_in *in);
/* What makes no sense in the service's network, and which ports of the server it takes; after
 * spec_finish_health(). */
void spec_finish_network(struct spec_reader *r, struct spec_service_in *in);
/* What is probed of s, which is in the server's network, `to` takes: as a published port of every address. */
void spec_take_probed(struct spec_service *to, const struct spec_service *s);
/* What does not go together in the container (container_rules.h); after spec_finish_resources(). */
void spec_finish_container(struct spec_reader *r, struct spec_service_in *in, const struct spec_node *v);
/* What makes no sense in a sidecar, if it is one. */
void spec_finish_sidecar(struct spec_reader *r, struct spec_service_in *in, const struct spec_node *v);
/* What restart or deploy.restart_policy says of a container that ends. */
void spec_finish_restart(struct spec_reader *r, struct spec_service_in *in);
/* What makes no sense in the service's mode; after spec_finish_health(). */
void spec_finish_mode(struct spec_reader *r, struct spec_service_in *in);
/* A service of the file, and where it is. */
struct spec_service_at {
    const struct spec_node *key, *value;
    const struct spec_service *service; /* owned by the app; NULL: a sidecar, and in its main service now */
    const struct spec_ref *main;        /* whose sidecar it is to be; NULL */
    bool clashes;                       /* a port of it is another's, too, which was said */
};
/* What two services of a file can't both have: a route of the gateway; a port of a server that both are on,
 * or may be. */
void spec_check_routes(struct spec_reader *r);
void spec_check_ports(struct spec_reader *r, struct spec_service_at *at, size_t n);

#endif
