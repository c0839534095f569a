/* x-orc: what Compose has no words for. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static struct spec_service *service_of(void *into)
{
    return ((struct spec_service_in *)into)->service;
}

/* gateway --------------------------------------------------------------------------------------------- */

static void read_host(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct spec_gateway *g = into;
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_host(s, &err) < 0) {
        spec_say(r, v, "%s", err.msg);
        return;
    }
    orc_set_str(&g->host, s);
    for (char *c = g->host; *c; c++) /* host names are compared without case (RFC 4343) */
        *c = (char)tolower((unsigned char)*c);
}

static void read_path(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct spec_gateway *g = into;
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_route_path(s, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    else
        orc_set_str(&g->path, s);
}

static const struct spec_key gateway_keys[] = {
    {"port", .read = spec_key_port, .offset = offsetof(struct spec_gateway, port),
     .doc = "the port that the container listens on; needed"},
    {"host", .read = read_host, .form = SPEC_IS_TEXT,
     .doc = "the host name that is asked for, `*.example.com` for all below one; else any. An exact one goes "
            "before a wildcard"},
    {"path", .read = read_path, .form = SPEC_IS_TEXT,
     .doc = "where the request's path begins; else `/`. The longest one of a host counts"},
    {"strip_prefix", .read = spec_key_bool, .offset = offsetof(struct spec_gateway, strip_prefix),
     .doc = "true: the container gets the path without that beginning"},
};
static const struct spec_keys gateway_map = SPEC_KEYS("x-orc.gateway", gateway_keys);

static void read_route(struct spec_reader *r, const struct spec_node *v, struct spec_service *s)
{
    size_t before = r->problems->n;
    struct spec_gateway *g = orc_vec_add(&s->gateway);
    orc_auto_free char *name = NULL;

    g->host = orc_strdup("");
    g->path = orc_strdup("/");
    spec_read_map(r, &gateway_map, v, g);
    if (g->port == 0 && r->problems->n == before)
        spec_say(r, v, "this route has no \"port\"; give the one that the container listens on");
    name = orc_printf("%s|%s", g->host, g->path);
    spec_ref_add(r, SPEC_REF_ROUTE, v, name);
}

/* One route as a mapping, or a list of them. */
static void read_gateway(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    ((struct spec_service_in *)into)->gateway = v;
    if (v->kind == SPEC_NODE_MAP) {
        read_route(r, v, service_of(into));
        return;
    }
    if (v->kind == SPEC_NODE_SCALAR) {
        spec_say(r, v,
                 "x-orc.gateway must be a mapping with port, host, path and strip_prefix, or a list of "
                 "them, but this is %s",
                 spec_node_kind_name(v));
        return;
    }
    if (spec_read_is_list(r, "x-orc.gateway", v))
        for (size_t i = 0; i < v->entries.n; i++)
            read_route(r, v->entries.at[i].value, service_of(into));
}

/* drain, placement, rebalance ------------------------------------------------------------------------- */

#define IN_SERVICE(member) .offset = offsetof(struct spec_service, member)

static const struct spec_key drain_keys[] = {
    {"timeout", .read = spec_key_ms, IN_SERVICE(drain_timeout_ms),
     .doc = "how long requests in flight may take, after the gateways have stopped sending new ones, before "
            "the stop signal; else 30 s. What runs keeps what it was started with"},
};
static const struct spec_keys drain_map = SPEC_KEYS("x-orc.drain", drain_keys);

static bool is_weighed(const struct spec_service *s, const struct spec_constraint *c)
{
    const struct spec_weight *w;

    orc_vec_each (w, &s->weights)
        if (strcasecmp(w->key, c->key) == 0 && w->equal == c->equal && strcasecmp(w->value, c->value) == 0)
            return true;
    return false;
}

static void read_weight(struct spec_reader *r, const struct spec_entry *e, struct spec_service *s)
{
    struct spec_constraint c;
    int64_t weight = 0;
    bool twice;

    if (!spec_read_int(r, "a weight", e->value, -SPEC_WEIGHT_MAX, SPEC_WEIGHT_MAX, &weight) ||
        !spec_read_constraint(r, e->key, e->key->text, &c))
        return;
    twice = is_weighed(s, &c);
    if (twice)
        spec_say(r, e->key, "\"%s\" has a weight already", spec_quote(e->key->text).text);
    if (weight == 0 || twice) { /* 0 is as if it was not there: a file over another takes a weight away */
        free(c.key);
        free(c.value);
        return;
    }
    *orc_vec_add(&s->weights) =
        (struct spec_weight){.key = c.key, .equal = c.equal, .value = c.value, .weight = (int)weight};
}

static void read_weights(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    if (v->kind != SPEC_NODE_MAP) {
        spec_say(r, v, "weights must be a mapping of constraints to numbers, but this is %s",
                 spec_node_kind_name(v));
        return;
    }
    if (v->entries.n > SPEC_WEIGHTS_MAX) {
        spec_say(r, v, "weights has %zu elements; at most %d are possible", v->entries.n, SPEC_WEIGHTS_MAX);
        return;
    }
    for (size_t i = 0; i < v->entries.n; i++)
        read_weight(r, &v->entries.at[i], into);
}

static const struct spec_key placement_keys[] = {
    {"strategy", .read = spec_key_word, IN_SERVICE(strategy), SPEC_WORDS("spread", "binpack"),
     .doc = "`spread` (else): replicas apart, on the emptiest servers; `binpack`: on the fullest server that "
            "takes them"},
    {"weights", .read = read_weights, .form = SPEC_IS_NAMES, .values = SPEC_IS_INT, .min = -SPEC_WEIGHT_MAX,
     .max = SPEC_WEIGHT_MAX,
     .doc =
         "servers that are preferred, not demanded: constraints as in `deploy.placement`, each with what a "
         "server is worth where it holds, -1000 to 1000. Those whose weights add up to most are filled "
         "first; among equals preferences and strategy decide. Such a service is not rebalanced"},
    {"survive_node_loss", .read = spec_key_bool, IN_SERVICE(survive_node_loss),
     .doc = "true: `orc apply` refuses when without any one of the servers a replica had no place"},
    {"constraints", .refusal = "give \"deploy: {placement: {constraints: ...}}\" instead"},
    {"preferences", .refusal = "give \"deploy: {placement: {preferences: ...}}\" instead"},
};
static const struct spec_keys placement_map = SPEC_KEYS("x-orc.placement", placement_keys);

static const char *const modes[] = {"manual", "auto", NULL};

static void read_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    int i = spec_read_word(r, k, v);

    if (i >= 0)
        ((struct spec_service *)into)->rebalance_auto = i;
}

static const struct spec_key rebalance_keys[] = {
    {"mode", .read = read_mode, .form = SPEC_IS_WORD, .words = modes,
     .doc =
         "`manual` (else): only `orc rebalance` moves what runs; `auto`: it is done when servers have come "
         "back"},
    {"after", .read = spec_key_ms, IN_SERVICE(rebalance_after_ms),
     .doc = "when servers and service have been as they are for so long; else 5 min"},
};
static const struct spec_keys rebalance_map = SPEC_KEYS("x-orc.rebalance", rebalance_keys);

/* Rows whose keys are the service's own. */
static void read_map(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_map(r, k->sub, v, service_of(into));
}

static void read_placement(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    ((struct spec_service_in *)into)->weights = spec_value_of(v, "weights");
    read_map(r, k, v, into);
}

/* The mode alone, or a mapping. */
static void read_rebalance(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    if (v->kind == SPEC_NODE_SCALAR)
        read_mode(r, k, v, service_of(into));
    else
        read_map(r, k, v, into);
}

/* durations ------------------------------------------------------------------------------------------- */

static void read_duration(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    spec_key_ms(r, k, v, service_of(into));
}

static void read_disconnect(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                            void *into)
{
    ((struct spec_service_in *)into)->disconnect = v;
    read_duration(r, k, v, into);
}

static void read_canary(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    ((struct spec_service_in *)into)->canary = v;
    spec_key_int(r, k, v, service_of(into));
}

/* The table ------------------------------------------------------------------------------------------- */

static const struct spec_key orc_keys[] = {
    {"health", .read = spec_key_probe, .form = SPEC_IS_MAP,
     .doc = "who is healthy, asked by nodelet every few seconds: one check for both questions, or "
            "`readiness` and `liveness` with a check each. Times that it does not give are those of "
            "`healthcheck`. Without a check a replica is healthy while it runs",
     .example = "health:\n"
                "  readiness:\n"
                "    http: {path: /ready, port: 8080}\n"
                "    interval: 2s\n"
                "    timeout: 1s\n"
                "    retries: 3\n"
                "  liveness:\n"
                "    tcp: {port: 8080} # or exec: [/bin/check, --quick]\n"
                "    start_period: 30s\n"
                "    start_interval: 500ms\n",
     .sub = &spec_health_keys},
    {"gateway", .read = read_gateway, .form = SPEC_IS_MAP | SPEC_IS_LIST, .items = SPEC_IS_MAP,
     .doc = "which requests of the public come to the service, through NGINX: one route, or a list of them. "
            "No two services of the cluster have one host and path; that is refused at apply",
     .example = "gateway:\n"
                "  - {host: shop.example.com, path: /api/, port: 8080, strip_prefix: true}\n"
                "  - {host: \"*.shop.example.com\", port: 8081}\n",
     .sub = &gateway_map},
    {"placement", .read = read_placement, .form = SPEC_IS_MAP,
     .doc = "which of the servers that may take a replica gets it. Which may, and evenly over what: "
            "`deploy.placement`",
     .example = "placement:\n"
                "  strategy: spread\n"
                "  weights:\n"
                "    node.labels.disk == ssd: 50\n"
                "    node.hostname == k1: -10\n"
                "  survive_node_loss: true\n",
     .sub = &placement_map},
    {"drain", .read = read_map, .form = SPEC_IS_MAP,
     .doc = "what happens between withdrawing a replica from its clients and stopping it",
     .example = "drain:\n"
                "  timeout: 2m # downloads\n",
     .sub = &drain_map},
    {"canary", .read = read_canary, IN_SERVICE(canary), .form = SPEC_IS_INT, .max = SPEC_REPLICAS_MAX,
     .doc = "an update stops when so many replicas are of it, until `orc rollout resume` or `abort`; 0, or "
            "left out: it does not",
     .example = "canary: 1\n"},
    {"progress_deadline", .read = read_duration, IN_SERVICE(progress_deadline_ms), .form = SPEC_IS_DURATION,
     .doc = "an update has failed when for so long no replica more became available; else 10 min, `0s`: "
            "never",
     .example = "progress_deadline: 5m\n"},
    {"rebalance", .read = read_rebalance, .form = SPEC_IS_MAP | SPEC_IS_WORD, .words = modes,
     .doc = "whether what runs is moved to servers that came back or joined: the mode alone, or a mapping",
     .example = "rebalance:\n"
                "  mode: auto\n"
                "  after: 30m\n",
     .sub = &rebalance_map},
    {"disconnect", .read = read_disconnect, IN_SERVICE(disconnect_ms), .form = SPEC_IS_DURATION,
     .doc = "so long the replicas of a server that is cut off may come back and take their places again from "
            "those that were made for them; else, or `0s`: they stop when the server is back",
     .example = "disconnect: 10m\n"},
    {"fence", .read = read_duration, IN_SERVICE(fence_ms), .form = SPEC_IS_DURATION,
     .doc = "for what must never run twice: a server without etcd for so long stops its replicas itself, and "
            "starts them again when etcd answers; else, or `0s`: they run on",
     .example = "fence: 20s\n"},
    {"job", .read = spec_key_job, .form = SPEC_IS_MAP,
     .doc = "beside `deploy: {mode: replicated-job}` or `global-job`",
     .example = "job:\n"
                "  max_concurrent: 2\n"
                "  keep: 30\n",
     .sub = &spec_job_keys},
    {"schedule", .read = spec_key_schedule, .form = SPEC_IS_MAP | SPEC_IS_TEXT,
     .doc = "when a job runs: the times alone, as `\"0 3 * * *\"`, or a mapping",
     .example = "schedule:\n"
                "  cron: \"30 3 * * mon-fri\"\n"
                "  time_zone: Europe/Oslo\n"
                "  concurrency: forbid\n"
                "  starting_deadline: 30m\n"
                "  keep: 20\n",
     .sub = &spec_schedule_keys},
};
const struct spec_keys spec_orc_keys = SPEC_KEYS("x-orc", orc_keys);

void spec_key_x_orc(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_map(r, &spec_orc_keys, v, into);
}
