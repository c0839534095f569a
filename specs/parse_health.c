/* healthcheck, as Compose writes it, and x-orc.health, which can also ask over HTTP or TCP. */
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

void spec_probe_init(struct spec_probe_in *p)
{
    *p = (struct spec_probe_in){.health = {.interval_ms = SPEC_UNSET_MS,
                                           .timeout_ms = SPEC_UNSET_MS,
                                           .start_period_ms = SPEC_UNSET_MS,
                                           .start_interval_ms = SPEC_UNSET_MS}};
}

void spec_probe_release(struct spec_probe_in *p)
{
    free(p->health.path);
    orc_strv_release(&p->health.exec);
}

#define PROBE(member) .offset = offsetof(struct spec_probe_in, health.member)
#define TIMES                                                                                                \
    {"interval", .read = spec_key_ms, PROBE(interval_ms), .min = 1,                                          \
     .doc = "between two checks; else 10 s (Compose: 30 s)"},                                                \
        {"timeout", .read = spec_key_ms, PROBE(timeout_ms), .min = 1,                                        \
         .doc = "after so long a check has failed; else 30 s of a command"},                                 \
        {"retries", .read = spec_key_int, PROBE(retries),                                                    \
         .min = 1,  .max = 1000,          .doc = "failures in a row that make it unhealthy; else 3"},        \
        {"start_period", .read = spec_key_ms, PROBE(start_period_ms),                                        \
         .doc = "failures in the first so long do not count; else 0 s"},                                     \
    {                                                                                                        \
        "start_interval", .read = spec_key_ms, PROBE(start_interval_ms),                                     \
                          .doc = "between two checks while it starts"                                        \
    }

/* healthcheck ----------------------------------------------------------------------------------------- */

static void set_shell(struct spec_health *h, const char *line)
{
    orc_strv_add(&h->exec, "/bin/sh");
    orc_strv_add(&h->exec, "-c");
    orc_strv_add(&h->exec, line);
}

/* ["NONE"], ["CMD", argv...], ["CMD-SHELL", line] */
static void read_test_list(struct spec_reader *r, const struct spec_node *v, struct spec_probe_in *p)
{
    orc_auto(orc_strv_release) struct orc_strv words = {0};
    const char *form;

    if (!spec_read_texts(r, "test", v, &words))
        return;
    form = words.n ? words.at[0] : "";
    if (strcmp(form, "NONE") == 0 && words.n == 1)
        p->disabled = true;
    else if (strcmp(form, "CMD-SHELL") == 0 && words.n == 2 && *words.at[1])
        set_shell(&p->health, words.at[1]);
    else if (strcmp(form, "CMD") == 0 && words.n > 1)
        for (size_t i = 1; i < words.n; i++)
            orc_strv_add(&p->health.exec, words.at[i]);
    else
        spec_say(
            r, v,
            "test begins with \"%s\" and has %zu elements; accepted are [\"CMD\", \"program\", \"argument\", "
            "...], [\"CMD-SHELL\", \"a shell's line\"] and [\"NONE\"]",
            spec_quote(form).text, words.n);
}

static void read_test(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_probe_in *p = into;
    const char *line;

    p->test = v;
    if (v->kind == SPEC_NODE_LIST) {
        read_test_list(r, v, p);
        return;
    }
    line = spec_read_string(r, k->name, v);
    if (line && *line)
        set_shell(&p->health, line);
    else if (line)
        spec_say(r, v, "test is empty; give a command, such as \"curl -f http://localhost/health\"");
}

static void read_disable(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    struct spec_probe_in *p = into;
    bool disable = false;

    if (spec_read_bool(r, k->name, v, &disable) && disable)
        p->disabled = true;
}

static const struct spec_key healthcheck_keys[] = {
    {"test", .read = read_test, .form = SPEC_IS_LIST | SPEC_IS_TEXT, .items = SPEC_IS_SCALAR,
     .doc = "`[CMD, ...]`, `[CMD-SHELL, LINE]`, a string for the shell, `[NONE]`"},
    {"disable", .read = read_disable, .form = SPEC_IS_BOOL,
     .doc = "true: no check; a replica is ready when it runs"},
    TIMES,
};
const struct spec_keys spec_healthcheck_keys = SPEC_KEYS("healthcheck", healthcheck_keys);

void spec_key_healthcheck(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    struct spec_service_in *in = into;

    in->healthcheck.at = v;
    spec_read_map(r, &spec_healthcheck_keys, v, &in->healthcheck);
}

/* x-orc.health ---------------------------------------------------------------------------------------- */

static void read_path(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_probe_in *p = into;
    const char *s = spec_read_string(r, k->name, v);
    struct orc_err err = ORC_ERR_INIT;

    if (!s)
        return;
    if (spec_check_health_path(s, &err) < 0)
        spec_say(r, v, "%s", err.msg);
    else
        orc_set_str(&p->health.path, s);
}

static const struct spec_key http_keys[] = {
    {"path", .read = read_path, .form = SPEC_IS_TEXT,
     .doc = "what is asked for with GET; else `/`. An answer of 200 to 399 is healthy"},
    {"port", .read = spec_key_port, PROBE(port), .doc = "the port that the container listens on; needed"},
};
static const struct spec_keys http_map = SPEC_KEYS("x-orc.health.http", http_keys);
static const struct spec_key tcp_keys[] = {
    {"port", .read = spec_key_port, PROBE(port),
     .doc = "the port that the container listens on; needed. Who accepts a connection is healthy"},
};
static const struct spec_keys tcp_map = SPEC_KEYS("x-orc.health.tcp", tcp_keys);

/* False (said) when the check has one kind already. */
static bool set_kind(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                     struct spec_probe_in *p, enum spec_health_kind kind)
{
    if (p->health.kind != SPEC_HEALTH_NONE) {
        spec_say(r, v, "\"%s\" is the second way to check; give exactly one of http, tcp and exec", k->name);
        return false;
    }
    p->health.kind = kind;
    return true;
}

static bool has_key(const struct spec_node *map, const char *name)
{
    for (size_t i = 0; i < map->entries.n; i++)
        if (strcmp(map->entries.at[i].key->text, name) == 0)
            return true;
    return false;
}

static void read_net(struct spec_reader *r, const struct spec_keys *keys, const struct spec_node *v,
                     struct spec_probe_in *p)
{
    if (!spec_read_map(r, keys, v, p) || has_key(v, "port"))
        return;
    spec_say(r, v, "%s needs a \"port\", the one that the container listens on", keys->what);
}

static void read_http(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_probe_in *p = into;

    if (!set_kind(r, k, v, p, SPEC_HEALTH_HTTP))
        return;
    orc_set_str(&p->health.path, "/");
    read_net(r, &http_map, v, p);
}

static void read_tcp(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_probe_in *p = into;

    if (set_kind(r, k, v, p, SPEC_HEALTH_TCP))
        read_net(r, &tcp_map, v, p);
}

static void read_exec(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_probe_in *p = into;

    if (set_kind(r, k, v, p, SPEC_HEALTH_EXEC) && spec_read_words(r, k->name, v, &p->health.exec) &&
        p->health.exec.n == 0)
        spec_say(r, v, "exec is empty; give a command, such as [\"/bin/check\", \"--quick\"]");
}

static const struct spec_key probe_keys[] = {
    {"http", .read = read_http, .form = SPEC_IS_MAP, .doc = "asks over HTTP/1.1, without TLS",
     .sub = &http_map},
    {"tcp", .read = read_tcp, .form = SPEC_IS_MAP, .doc = "connects", .sub = &tcp_map},
    {"exec", .read = read_exec, .form = SPEC_IS_LIST | SPEC_IS_SCALAR, .items = SPEC_IS_SCALAR,
     .doc = "a command in the container, without a shell; healthy is who exits with 0"},
    TIMES,
};
static const struct spec_keys probe_map = SPEC_KEYS("x-orc.health", probe_keys);

static void read_probe(struct spec_reader *r, const char *what, const struct spec_node *v,
                       struct spec_probe_in *p)
{
    struct spec_keys keys = probe_map;

    keys.what = what;
    p->at = v;
    if (spec_read_map(r, &keys, v, p) && !has_key(v, "http") && !has_key(v, "tcp") && !has_key(v, "exec"))
        spec_say(r, v,
                 "%s does not say how to check; give one of http: {path, port}, tcp: {port} and "
                 "exec: [program, argument, ...]",
                 what);
}

static void read_readiness(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                           void *into)
{
    read_probe(r, "x-orc.health.readiness", v, &((struct spec_service_in *)into)->readiness);
}

static void read_liveness(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    read_probe(r, "x-orc.health.liveness", v, &((struct spec_service_in *)into)->liveness);
}

static const struct spec_key each_keys[] = {
    {"readiness", .read = read_readiness, .form = SPEC_IS_MAP,
     .doc = "only who passes gets requests and counts as available. Who fails is `unready`, and left alone",
     .sub = &probe_map},
    {"liveness", .read = read_liveness, .form = SPEC_IS_MAP,
     .doc = "who fails is replaced. Beside a readiness it is Compose's `healthcheck` if this is left out; "
            "alone it is both",
     .sub = &probe_map},
};

/* What one may write: a check, or one of each kind. */
const struct spec_keys spec_health_keys = {
    .what = "x-orc.health", .keys = each_keys, .n = ORC_ARRAY_SIZE(each_keys), .more = &probe_map};

#define APART .refusal = "beside readiness and liveness it is given below each of them; move it there"

static const struct spec_key apart_keys[] = {
    {"http", APART},    {"tcp", APART},     {"exec", APART},         {"interval", APART},
    {"timeout", APART}, {"retries", APART}, {"start_period", APART}, {"start_interval", APART},
};
static const struct spec_keys apart_map = SPEC_KEYS("x-orc.health", apart_keys);

static void *same(void *into)
{
    return into;
}

/* One check for both, or one each. */
void spec_key_probe(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_keys keys = spec_health_keys;
    struct spec_service_in *in = into;

    keys.more = &apart_map;
    keys.more_into = same;
    in->override.at = v;
    if (v->kind == SPEC_NODE_MAP && (has_key(v, "readiness") || has_key(v, "liveness")))
        spec_read_map(r, &keys, v, into);
    else
        read_probe(r, "x-orc.health", v, &in->override);
}

/* Both together --------------------------------------------------------------------------------------- */

static void pick_ms(uint64_t *to, uint64_t first, uint64_t second)
{
    if (first != SPEC_UNSET_MS)
        *to = first;
    else if (second != SPEC_UNSET_MS)
        *to = second;
}

static void set_times(struct spec_health *to, const struct spec_health *first,
                      const struct spec_health *second)
{
    if (to->kind == SPEC_HEALTH_EXEC)
        to->timeout_ms = 30000;
    pick_ms(&to->interval_ms, first->interval_ms, second->interval_ms);
    pick_ms(&to->timeout_ms, first->timeout_ms, second->timeout_ms);
    pick_ms(&to->start_period_ms, first->start_period_ms, second->start_period_ms);
    pick_ms(&to->start_interval_ms, first->start_interval_ms, second->start_interval_ms);
    if (first->retries || second->retries)
        to->retries = first->retries ? first->retries : second->retries;
}

static void take_check(struct spec_health *to, struct spec_probe_in *p, const struct spec_health *times)
{
    to->kind = p->health.kind;
    if (to->kind == SPEC_HEALTH_NONE)
        return;
    to->path = orc_take(p->health.path);
    to->port = p->health.port;
    to->exec = p->health.exec;
    p->health.exec = (struct orc_strv){0};
    set_times(to, &p->health, times);
}

/* A check alone is for both. Beside a readiness a healthcheck is the liveness, as it is in Compose. */
static void finish_apart(struct spec_service_in *in)
{
    struct spec_service *s = in->service;
    struct spec_probe_in *ready = in->readiness.at ? &in->readiness : &in->liveness, *live = NULL;

    if (in->readiness.at && in->liveness.at)
        live = &in->liveness;
    else if (in->readiness.at && in->healthcheck.test && !in->healthcheck.disabled)
        live = &in->healthcheck;
    if (live == &in->healthcheck)
        live->health.kind = SPEC_HEALTH_EXEC;
    s->live_apart = in->readiness.at && in->readiness.health.kind != SPEC_HEALTH_NONE;
    take_check(&s->health, ready, &ready->health);
    if (live && s->live_apart)
        take_check(&s->live, live, &live->health);
}

void spec_finish_health(struct spec_reader *r, struct spec_service_in *in)
{
    struct spec_probe_in *p = in->override.at ? &in->override : &in->healthcheck;

    if (!p->at)
        return;
    if (in->readiness.at || in->liveness.at) {
        finish_apart(in);
        return;
    }
    if (!in->override.at && !p->disabled && !p->test) {
        spec_say(r, p->at,
                 "healthcheck has no \"test\"; give one, or x-orc.health, because orc does not read "
                 "the check that an image may carry");
        return;
    }
    if (!in->override.at)
        p->health.kind = p->disabled ? SPEC_HEALTH_NONE : SPEC_HEALTH_EXEC;
    take_check(&in->service->health, p, &in->healthcheck.health);
}
