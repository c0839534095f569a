#include "scheduler/place.h"

#include "lib/hash.h"
#include "lib/units.h"
#include "scheduler/place_node.h"
#include "scheduler/rank.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

#define ADDRESS_FIRST 2 /* .0 the network, .1 the node itself, .255 by custom a broadcast */
#define ADDRESS_LAST 254
#define EXPLAIN_NODES 8 /* more are summed up */

/* ---- scratch of the step ----------------------------------------------------------------------------- */

static void tent_reset(struct core *c, struct core_node *n)
{
    if (n->tent.stamp == c->stamp)
        return;
    n->tent.stamp = c->stamp;
    n->tent.used = (struct spec_resources){0};
    n->tent.ports.n = 0;
    n->tent.tasks = 0;
    memset(n->tent.octets, 0, sizeof n->tent.octets);
}

void place_spread_begin(struct core *c)
{
    c->spread_stamp++;
}

bool place_spread_count(struct core *c, struct core_task *t, bool counts)
{
    bool counted = t->spread_stamp == c->spread_stamp;

    if (counted == counts)
        return false;
    t->spread_stamp = counts ? c->spread_stamp : 0;
    rank_spread_add(c, t->node, counts ? 1 : -1);
    return true;
}

int place_spread(const struct core *c, const struct core_node *n)
{
    return rank_spread(c, n);
}

/* ---- constraints ------------------------------------------------------------------------------------- */

static const char *pair_value(const struct spec_pairs *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcasecmp(p->at[i].key, key) == 0)
            return p->at[i].value ? p->at[i].value : "";
    return NULL;
}

/* What a constraint's key stands for on this node; labels of the policy go before the node's own. */
static const char *attribute(const struct core_node *n, const char *key)
{
    static const char labels[] = "node.labels.";
    const char *v = NULL;

    if (strncasecmp(key, labels, sizeof labels - 1) == 0) {
        v = pair_value(&n->policy.labels, key + sizeof labels - 1);
        if (!v)
            v = pair_value(&n->rec.labels, key + sizeof labels - 1);
    } else if (strcasecmp(key, "node.hostname") == 0 || strcasecmp(key, "node.id") == 0) {
        v = n->name;
    } else if (strcasecmp(key, "node.platform.os") == 0) {
        v = n->rec.os;
    } else if (strcasecmp(key, "node.platform.arch") == 0) {
        v = n->rec.arch;
    }
    return v ? v : "";
}

/* uname's names of architectures and those of images (OCI) mean the same. */
static const char *arch_name(const char *s)
{
    static const char *const same[][2] = {{"x86_64", "amd64"}, {"aarch64", "arm64"}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(same); i++)
        if (strcasecmp(s, same[i][0]) == 0)
            return same[i][1];
    return s;
}

static bool same_value(const char *key, const char *a, const char *b)
{
    if (strcasecmp(key, "node.platform.arch") == 0)
        return strcasecmp(arch_name(a), arch_name(b)) == 0;
    return strcasecmp(a, b) == 0;
}

bool place_allowed(const struct core_node *n, const struct spec_service *spec, char **ret_why)
{
    for (size_t i = 0; i < spec->constraints.n; i++) {
        const struct spec_constraint *k = &spec->constraints.at[i];
        const char *have = attribute(n, k->key);

        if (same_value(k->key, have, k->value) == k->equal)
            continue;
        if (ret_why)
            *ret_why = k->equal ? orc_printf("%s is \"%.100s\", not \"%.100s\"", k->key, have, k->value)
                                : orc_printf("%s is \"%.100s\"", k->key, have);
        return false;
    }
    return true;
}

/* ---- filters ----------------------------------------------------------------------------------------- */

enum refusal {
    REFUSE_NOTHING,
    REFUSE_LOST,
    REFUSE_NOT_READY,
    REFUSE_POLICY,
    REFUSE_CONSTRAINT,
    REFUSE_CPU,
    REFUSE_MEMORY,
    REFUSE_PORT,
    REFUSE_ADDRESS,
    REFUSALS
};

static const char *const refusal_names[REFUSALS] = {[REFUSE_LOST] = "lost",
                                                    [REFUSE_NOT_READY] = "not ready",
                                                    [REFUSE_POLICY] = "cordoned",
                                                    [REFUSE_CONSTRAINT] = "against a constraint",
                                                    [REFUSE_CPU] = "short of CPU",
                                                    [REFUSE_MEMORY] = "short of memory",
                                                    [REFUSE_PORT] = "with the host port taken",
                                                    [REFUSE_ADDRESS] = "without a free address"};

static bool here(const struct core_task *t, const struct core_node *n)
{
    return t && t->node == n && t->counted;
}

/* What is missing of each resource; negative: room to spare. */
static struct spec_resources shortfall(const struct core *c, const struct core_node *n,
                                       const struct place_req *req)
{
    struct spec_resources need = spec_service_reserved(req->spec), s = n->used;

    if (n->tent.stamp == c->stamp) {
        s.cpus_nano += n->tent.used.cpus_nano;
        s.memory += n->tent.used.memory;
    }
    if (here(req->without, n)) {
        s.cpus_nano -= req->without->rec.resources.cpus_nano;
        s.memory -= req->without->rec.resources.memory;
    }
    s.cpus_nano += need.cpus_nano - (n->rec.capacity.cpus_nano - n->rec.reserve.cpus_nano);
    s.memory += need.memory - (n->rec.capacity.memory - n->rec.reserve.memory);
    if (!need.cpus_nano)
        s.cpus_nano = 0;
    if (!need.memory)
        s.memory = 0;
    return s;
}

static bool any_address(const char *ip)
{
    return strcmp(ip, "0.0.0.0") == 0;
}

static bool ports_clash(const struct spec_port *a, const struct spec_port *b)
{
    const char *x = a->host_ip ? a->host_ip : "", *y = b->host_ip ? b->host_ip : "";

    return a->host == b->host && a->udp == b->udp && (any_address(x) || any_address(y) || strcmp(x, y) == 0);
}

static const struct core_port *taken_by(const struct core *c, const struct core_node *n,
                                        const struct place_req *req, const struct spec_port *want)
{
    for (size_t i = 0; i < n->ports.n; i++)
        if (n->ports.at[i].task != req->without && ports_clash(&n->ports.at[i].port, want))
            return &n->ports.at[i];
    for (size_t i = 0; n->tent.stamp == c->stamp && i < n->tent.ports.n; i++)
        if (ports_clash(&n->tent.ports.at[i].port, want))
            return &n->tent.ports.at[i];
    return NULL;
}

static const struct core_port *port_taken(const struct core *c, const struct core_node *n,
                                          const struct place_req *req, const struct spec_port **ret_want)
{
    for (size_t i = 0; i < req->spec->ports.n; i++) {
        const struct core_port *by;

        *ret_want = &req->spec->ports.at[i];
        if ((*ret_want)->host && (by = taken_by(c, n, req, *ret_want)))
            return by;
    }
    return NULL;
}

static bool address_free(const struct core *c, const struct core_node *n, int octet)
{
    return !n->octets[octet] &&
           !(n->tent.stamp == c->stamp && (n->tent.octets[octet / 8] & (1u << (octet % 8))));
}

static bool any_address_free(const struct core *c, const struct core_node *n)
{
    for (int i = ADDRESS_FIRST; i <= ADDRESS_LAST; i++)
        if (address_free(c, n, i))
            return true;
    return false;
}

/* What does not depend on the request. */
static enum refusal refuse_all(const struct core *c, const struct core_node *n)
{
    if (!core_node_alive(n) || n->lost)
        return REFUSE_LOST;
    if (!n->fed.present || n->fed.unreadable || !n->subnet || !record_node_ready(&n->rec, NULL))
        return REFUSE_NOT_READY;
    if (n->policy_fed.unreadable || n->policy.cordon || n->policy.drain)
        return REFUSE_POLICY;
    return REFUSE_NOTHING;
}

bool place_usable(const struct core *c, const struct core_node *n)
{
    return refuse_all(c, n) == REFUSE_NOTHING && any_address_free(c, n);
}

bool place_ports_free(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    const struct spec_port *want;

    return !port_taken(c, n, req, &want);
}

static enum refusal refuse(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    enum refusal r = refuse_all(c, n);
    struct spec_resources s;

    if (r != REFUSE_NOTHING)
        return r;
    if (!place_allowed(n, req->spec, NULL))
        return REFUSE_CONSTRAINT;
    s = shortfall(c, n, req);
    if (s.cpus_nano > 0)
        return REFUSE_CPU;
    if (s.memory > 0)
        return REFUSE_MEMORY;
    if (!place_ports_free(c, n, req))
        return REFUSE_PORT;
    return any_address_free(c, n) ? REFUSE_NOTHING : REFUSE_ADDRESS;
}

bool place_fits(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    return refuse(c, n, req) == REFUSE_NOTHING;
}

/* ---- explaining -------------------------------------------------------------------------------------- */

static char *explain_not_ready(const struct core_node *n)
{
    const char *why = "it has not registered";

    if (n->fed.unreadable)
        why = "its record can't be read";
    else if (n->fed.present && record_node_ready(&n->rec, &why))
        why = "its subnet is not a /24";
    return orc_printf("not ready: %.200s", why);
}

static char *explain_policy(const struct core_node *n)
{
    if (n->policy_fed.unreadable)
        return orc_strdup("its policy can't be read");
    return orc_strdup(n->policy.drain ? "drained" : "cordoned");
}

static char *explain_port(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    const struct spec_port *want = NULL;
    const struct core_port *by = port_taken(c, n, req, &want);

    return orc_printf("host port %u/%s is taken by %s", want->host, want->udp ? "udp" : "tcp", by->id);
}

static char *explain(const struct core *c, const struct core_node *n, const struct place_req *req,
                     enum refusal r)
{
    struct spec_resources s = shortfall(c, n, req);
    char unit[ORC_UNIT_MAX], *why = NULL;

    switch (r) {
    case REFUSE_LOST:
        return orc_strdup("lost");
    case REFUSE_NOT_READY:
        return explain_not_ready(n);
    case REFUSE_POLICY:
        return explain_policy(n);
    case REFUSE_CONSTRAINT:
        place_allowed(n, req->spec, &why);
        return why;
    case REFUSE_CPU:
        return orc_printf("%s CPU short", orc_format_cpus(s.cpus_nano, unit));
    case REFUSE_MEMORY:
        return orc_printf("%s memory short", orc_format_size(s.memory, unit));
    case REFUSE_PORT:
        return explain_port(c, n, req);
    default:
        return orc_strdup("no free address in its subnet");
    }
}

static int by_name(struct core_node *a, struct core_node *b)
{
    return strcmp(a->name, b->name);
}

static char *explain_each(struct core *c, const struct place_req *req)
{
    struct orc_buf b = ORC_BUF_INIT(1800);
    struct core_node *n, *next;
    bool first = true;

    HASH_SORT(c->nodes, by_name);
    HASH_ITER (hh, c->nodes, n, next) {
        enum refusal r = refuse(c, n, req);
        orc_auto_free char *why = r ? explain(c, n, req, r) : NULL;

        if (!why || (!n->fed.present && !n->alive_fed.present) || (req->pin && n != req->pin))
            continue;
        orc_buf_printf(&b, "%s%s: %s", first ? "" : "; ", n->name, why);
        first = false;
    }
    return orc_buf_take(&b);
}

static char *explain_sums(struct core *c, const struct place_req *req)
{
    struct orc_buf b = ORC_BUF_INIT(1800);
    struct core_node *n, *next;
    int count[REFUSALS] = {0};

    HASH_ITER (hh, c->nodes, n, next)
        count[refuse(c, n, req)]++;
    for (int i = REFUSE_NOTHING + 1; i < REFUSALS; i++)
        if (count[i])
            orc_buf_printf(&b, "%s%d %s", b.len ? ", " : "", count[i], refusal_names[i]);
    return orc_buf_take(&b);
}

static char *explain_all(struct core *c, const struct place_req *req)
{
    struct core_node *n, *next;
    orc_auto_free char *why = NULL;
    int known = 0;

    HASH_ITER (hh, c->nodes, n, next)
        known += n->fed.present || n->alive_fed.present;
    if (!known)
        return orc_strdup("the cluster has no node");
    if (req->pin) {
        why = explain_each(c, req);
        return orc_printf("its volume is on %s; %s", req->pin->name, why);
    }
    why = known <= EXPLAIN_NODES ? explain_each(c, req) : explain_sums(c, req);
    return orc_printf("0 of %d node%s fit%s: %s", known, known == 1 ? "" : "s", known == 1 ? "s" : "", why);
}

/* ---- scores ------------------------------------------------------------------------------------------ */

static int per_mille(int64_t short_by, int64_t capacity)
{
    if (capacity <= 0)
        return 0;
    return (int)((__int128)(capacity + short_by) * 1000 / capacity);
}

uint64_t place_tie(uint64_t service_hash, uint64_t node_hash)
{
    return orc_hash64(service_hash, &node_hash, sizeof node_hash);
}

struct place_score place_score_of(const struct core *c, const struct core_node *n,
                                  const struct place_req *req)
{
    struct spec_resources s = shortfall(c, n, req);
    int cpu = per_mille(s.cpus_nano, n->rec.capacity.cpus_nano - n->rec.reserve.cpus_nano);
    int memory = per_mille(s.memory, n->rec.capacity.memory - n->rec.reserve.memory);
    struct place_score x = {.spread = place_spread(c, n), .tasks = n->n_tasks};

    /* Equal to the eye is equal: otherwise a few bytes of difference would outweigh the number of tasks. */
    x.load = (cpu > memory ? cpu : memory) / 10;
    if (n->tent.stamp == c->stamp)
        x.tasks += n->tent.tasks;
    x.tie = place_tie(orc_hash64_str(0, req->service->name), orc_hash64_str(0, n->name));
    return x;
}

bool place_better(const struct place_score *a, const struct place_score *b)
{
    if (a->spread != b->spread)
        return a->spread < b->spread;
    if (a->load != b->load)
        return a->load < b->load;
    if (a->tasks != b->tasks)
        return a->tasks < b->tasks;
    return a->tie < b->tie;
}

/* As if `without` were gone already: only its own node is another then. */
static struct core_node *pick_without(struct core *c, const struct place_req *req)
{
    struct place_req plain = {.service = req->service, .spec = req->spec};
    struct core_node *n = req->without->node, *best = rank_best(c, &plain);
    struct place_score here, there;

    if (!place_fits(c, n, req))
        return best;
    if (!best || best == n)
        return n;
    here = place_score_of(c, n, req);
    there = place_score_of(c, best, req);
    return place_better(&here, &there) ? n : best;
}

struct core_node *place_pick(struct core *c, const struct place_req *req, char **ret_why)
{
    struct core_node *best;

    if (req->pin)
        best = place_fits(c, req->pin, req) ? core_node_find(c, req->pin->name) : NULL;
    else if (req->without)
        best = pick_without(c, req);
    else
        best = rank_best(c, req);
    if (!best && ret_why)
        *ret_why = explain_all(c, req);
    return best;
}

void place_take(struct core *c, struct core_node *n, const struct place_req *req, const char *task,
                char ret_address[16])
{
    struct spec_resources need = spec_service_reserved(req->spec);
    int range = ADDRESS_LAST - ADDRESS_FIRST + 1;
    int octet = ADDRESS_FIRST + (int)(orc_hash64_str(0, task) % (uint64_t)range);
    struct in_addr a;

    tent_reset(c, n);
    for (int i = 0; i < range && !address_free(c, n, octet); i++)
        octet = octet == ADDRESS_LAST ? ADDRESS_FIRST : octet + 1;
    n->tent.octets[octet / 8] |= (uint8_t)(1u << (octet % 8));
    n->tent.used.cpus_nano += need.cpus_nano;
    n->tent.used.memory += need.memory;
    n->tent.tasks++;
    for (size_t i = 0; i < req->spec->ports.n; i++) {
        struct core_port *p;

        if (!req->spec->ports.at[i].host)
            continue;
        p = orc_vec_add(&n->tent.ports);
        p->port = req->spec->ports.at[i];
        snprintf(p->id, sizeof p->id, "%s", task);
    }
    rank_taken(c, n, req);
    rank_spread_add(c, n, 1);
    a.s_addr = htonl(n->subnet | (uint32_t)octet);
    inet_ntop(AF_INET, &a, ret_address, 16);
}
