#include "state/key.h"

#include "lib/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REVISION_DIGITS 8
#define EVENT_DIGITS 13
#define SUBNETS_MAX 65536
#define RANDOM_MAX 32

/* The layout. Each letter is one segment below the name: a app, s service, r revision number, n node or
 * gateway, t task, k subnet, e event. */
static const struct layout {
    enum key_kind kind;
    const char *name, *segments;
} layouts[] = {
    {KEY_CONFIG, "config", ""},
    {KEY_REVISION, "revisions", "asr"},
    {KEY_APP, "apps", "a"},
    {KEY_INTENT, "intents", "as"},
    {KEY_ROLLOUT, "rollouts", "as"},
    {KEY_TASK, "tasks", "nt"},
    {KEY_STATUS, "status", "nt"},
    {KEY_NODE, "nodes", "n"},
    {KEY_NODE_POLICY, "node-policy", "n"},
    {KEY_NODE_STATE, "node-state", "n"},
    {KEY_ALIVE, "alive", "n"},
    {KEY_SUBNET, "subnets", "k"},
    {KEY_ENDPOINT, "endpoints", "ast"},
    {KEY_GATEWAY, "gateways", "n"},
    {KEY_GATEWAY_ALIVE, "gateway-alive", "n"},
    {KEY_LEADER, "leader", ""},
    {KEY_EVENT, "events", "e"},
};

static const struct layout *layout_of(enum key_kind kind)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(layouts); i++)
        if (layouts[i].kind == kind)
            return &layouts[i];
    return NULL;
}

/* Making ---------------------------------------------------------------------------------------------- */

char *key_prefix(const char *cluster)
{
    return orc_printf("/orc/%s/", cluster);
}

char *key_range(const char *cluster, enum key_kind kind)
{
    const struct layout *l = layout_of(kind);

    return orc_printf("/orc/%s/%s%s", cluster, l ? l->name : "", l && *l->segments ? "/" : "");
}

/* The key of one kind with its segments, NULL-terminated. Put together by hand: most of what is done with a
 * record begins with its key. */
static char *make(const char *cluster, enum key_kind kind, const char *a, const char *b, const char *c)
{
    const char *const parts[] = {"/orc", cluster, layout_of(kind)->name, a, b, c};
    size_t n = 1;
    char *key, *at;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(parts) && parts[i]; i++)
        n += strlen(parts[i]) + 1;
    key = at = orc_calloc(1, n);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(parts) && parts[i]; i++) {
        if (i > 0)
            *at++ = '/';
        at = stpcpy(at, parts[i]);
    }
    return key;
}

char *key_config(const char *cluster)
{
    return make(cluster, KEY_CONFIG, NULL, NULL, NULL);
}

char *key_leader(const char *cluster)
{
    return make(cluster, KEY_LEADER, NULL, NULL, NULL);
}

char *key_app(const char *cluster, const char *app)
{
    return make(cluster, KEY_APP, app, NULL, NULL);
}

char *key_revision(const char *cluster, const char *app, const char *service, int64_t n)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%0*" PRId64, REVISION_DIGITS, n);
    return make(cluster, KEY_REVISION, app, service, digits);
}

char *key_intent(const char *cluster, const char *app, const char *service)
{
    return make(cluster, KEY_INTENT, app, service, NULL);
}

char *key_rollout(const char *cluster, const char *app, const char *service)
{
    return make(cluster, KEY_ROLLOUT, app, service, NULL);
}

char *key_task(const char *cluster, const char *node, const char *task)
{
    return make(cluster, KEY_TASK, node, task, NULL);
}

char *key_tasks_of(const char *cluster, const char *node)
{
    return make(cluster, KEY_TASK, node, "", NULL);
}

char *key_status(const char *cluster, const char *node, const char *task)
{
    return make(cluster, KEY_STATUS, node, task, NULL);
}

char *key_status_of(const char *cluster, const char *node)
{
    return make(cluster, KEY_STATUS, node, "", NULL);
}

char *key_node(const char *cluster, const char *node)
{
    return make(cluster, KEY_NODE, node, NULL, NULL);
}

char *key_node_policy(const char *cluster, const char *node)
{
    return make(cluster, KEY_NODE_POLICY, node, NULL, NULL);
}

char *key_node_state(const char *cluster, const char *node)
{
    return make(cluster, KEY_NODE_STATE, node, NULL, NULL);
}

char *key_alive(const char *cluster, const char *node)
{
    return make(cluster, KEY_ALIVE, node, NULL, NULL);
}

char *key_subnet(const char *cluster, int k)
{
    char digits[16];

    snprintf(digits, sizeof digits, "%d", k);
    return make(cluster, KEY_SUBNET, digits, NULL, NULL);
}

char *key_endpoint(const char *cluster, const char *app, const char *service, const char *task)
{
    return make(cluster, KEY_ENDPOINT, app, service, task);
}

char *key_gateway(const char *cluster, const char *id)
{
    return make(cluster, KEY_GATEWAY, id, NULL, NULL);
}

char *key_gateway_alive(const char *cluster, const char *id)
{
    return make(cluster, KEY_GATEWAY_ALIVE, id, NULL, NULL);
}

char *key_event(const char *cluster, int64_t wall_ms, const char *id)
{
    char name[64];

    snprintf(name, sizeof name, "%0*" PRId64 "-%.*s", EVENT_DIGITS, wall_ms, RANDOM_MAX, id);
    return make(cluster, KEY_EVENT, name, NULL, NULL);
}

/* Taking apart ---------------------------------------------------------------------------------------- */

static bool is_label(const char *s, size_t max)
{
    size_t n = strlen(s);

    if (n == 0 || n > max || s[0] == '-' || s[n - 1] == '-')
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

int key_check_node_name(const char *name, struct orc_err *err)
{
    if (!is_label(name, KEY_NAME_MAX))
        return orc_fail(err, -EINVAL,
                        "name \"%.64s\" can't be used: names of nodes and gateways are 1 to %d lower-case "
                        "letters, digits and hyphens, with a letter or digit at both ends",
                        name, KEY_NAME_MAX);
    return 0;
}

/* A decimal number without sign, spaces or leading zeros. */
static bool plain_number(const char *s, int64_t max, int64_t *ret)
{
    size_t n = strlen(s);

    if (n == 0 || n > 19 || strspn(s, "0123456789") != n || (n > 1 && s[0] == '0'))
        return false;
    return orc_parse_int(s, 0, max, ret, NULL) == 0;
}

/* Exactly `width` digits. */
static bool fixed_number(const char *s, size_t width, int64_t *ret)
{
    char *end = NULL;

    if (strspn(s, "0123456789") != width)
        return false;
    *ret = (int64_t)strtoll(s, &end, 10);
    return end == s + width;
}

static char *put_name(char *at, const char *end, const char *name)
{
    while (at < end && *name)
        *at++ = *name++;
    if (at < end)
        *at++ = '.';
    return at;
}

/* Made several times for each task that is decided: printf(3) would be a twentieth of a change's time. */
void key_task_id(const char *app, const char *service, int slot, int64_t attempt, char ret[KEY_TASK_MAX + 1])
{
    const char *end = ret + KEY_TASK_MAX;
    char *at = put_name(put_name(ret, end, app), end, service);

    at = orc_put_digits(at, end, (uint64_t)slot);
    if (at < end)
        *at++ = '.';
    *orc_put_digits(at, end, (uint64_t)attempt) = '\0';
}

int key_task_id_parse(const char *id, struct key *ret, int *ret_slot, int64_t *ret_attempt)
{
    char copy[KEY_TASK_MAX + 1], *part[4] = {NULL}, *rest = copy;
    int64_t slot = 0, attempt = 0;

    if (strlen(id) > KEY_TASK_MAX)
        return -EINVAL;
    strcpy(copy, id);
    for (size_t i = 0; i < 4; i++)
        part[i] = strsep(&rest, ".");
    if (rest || !part[3] || !is_label(part[0], SPEC_NAME_MAX) || !is_label(part[1], SPEC_NAME_MAX) ||
        !plain_number(part[2], SPEC_REPLICAS_MAX - 1, &slot) || !plain_number(part[3], INT64_MAX, &attempt))
        return -EINVAL;
    strcpy(ret->app, part[0]);
    strcpy(ret->service, part[1]);
    strcpy(ret->task, id);
    *ret_slot = (int)slot;
    *ret_attempt = attempt;
    return 0;
}

/* A task's id; where app and service went before, they must be the same. */
static bool parse_task(const char *s, struct key *k)
{
    struct key id = {0};
    int slot;
    int64_t attempt;

    if (key_task_id_parse(s, &id, &slot, &attempt) < 0)
        return false;
    if (k->app[0] && (strcmp(k->app, id.app) != 0 || strcmp(k->service, id.service) != 0))
        return false;
    strcpy(k->app, id.app);
    strcpy(k->service, id.service);
    strcpy(k->task, id.task);
    return true;
}

static bool parse_event(const char *s, struct key *k)
{
    const char *random = strchr(s, '-');

    if (!random || (size_t)(random - s) != EVENT_DIGITS || !fixed_number(s, EVENT_DIGITS, &k->n))
        return false;
    random++;
    return is_label(random, RANDOM_MAX);
}

static bool parse_segment(char type, const char *s, struct key *k)
{
    switch (type) {
    case 'a':
        return is_label(s, SPEC_NAME_MAX) && strcpy(k->app, s);
    case 's':
        return is_label(s, SPEC_NAME_MAX) && strcpy(k->service, s);
    case 'n':
        return is_label(s, KEY_NAME_MAX) && strcpy(k->node, s);
    case 't':
        return parse_task(s, k);
    case 'r':
        return fixed_number(s, REVISION_DIGITS, &k->n) && !s[REVISION_DIGITS];
    case 'k':
        return plain_number(s, SUBNETS_MAX - 1, &k->n);
    default:
        return parse_event(s, k);
    }
}

/* `rest`: what is below "/orc/<cluster>/", taken to pieces in place. */
static bool parse_rest(char *rest, struct key *k)
{
    const char *name = strsep(&rest, "/");
    const struct layout *l = NULL;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(layouts) && !l; i++)
        if (strcmp(layouts[i].name, name) == 0)
            l = &layouts[i];
    if (!l)
        return false;
    for (const char *type = l->segments; *type; type++) {
        const char *segment = strsep(&rest, "/");

        if (!segment || !parse_segment(*type, segment, k))
            return false;
    }
    k->kind = l->kind;
    return rest == NULL;
}

/* What is below "/orc/<cluster>/"; NULL: it is not below that. */
static const char *below(const char *cluster, const char *key)
{
    size_t root = strlen("/orc/"), n = strlen(cluster);

    if (strncmp(key, "/orc/", root) != 0 || strncmp(key + root, cluster, n) != 0 || key[root + n] != '/')
        return NULL;
    return key + root + n + 1;
}

enum key_kind key_parse(const char *cluster, const char *key, struct key *ret)
{
    const char *rest = strlen(key) > KEY_MAX ? NULL : below(cluster, key);
    char copy[KEY_MAX + 1];

    memset(ret, 0, sizeof *ret);
    if (!rest)
        return KEY_UNKNOWN;
    strcpy(copy, rest);
    if (!parse_rest(copy, ret))
        memset(ret, 0, sizeof *ret);
    return ret->kind;
}
