#include "scheduler/place.h"

#include "lib/hash.h"
#include "lib/units.h"
#include "scheduler/place_count.h"
#include "scheduler/place_node.h"
#include "scheduler/rank.h"
#include "scheduler/trouble.h"

#include <arpa/inet.h>
#include <stdio.h>

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

static void spread_add(struct core *c, struct core_node *n, int slots)
{
    rank_spread_add(c, n, slots);
    count_in_groups(c, n, slots);
}

bool place_spread_count(struct core *c, struct core_task *t, bool counts)
{
    bool counted = t->spread_stamp == c->spread_stamp;

    if (counted == counts)
        return false;
    t->spread_stamp = counts ? c->spread_stamp : 0;
    spread_add(c, t->node, counts ? 1 : -1);
    return true;
}

int place_spread(const struct core *c, const struct core_node *n)
{
    return rank_spread(c, n);
}

/* ---- filters ----------------------------------------------------------------------------------------- */

enum refusal {
    REFUSE_NOTHING,
    REFUSE_LOST,
    REFUSE_NOT_READY,
    REFUSE_POLICY,
    REFUSE_CONSTRAINT,
    REFUSE_REPLICAS,
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
                                                    [REFUSE_REPLICAS] = "at max_replicas_per_node",
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

static bool replicas_full(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    return req->spec->max_per_node && count_replicas(c, n, req) >= req->spec->max_per_node;
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
    if (replicas_full(c, n, req))
        return REFUSE_REPLICAS;
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

static char *explain_replicas(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    int there = count_replicas(c, n, req);

    return orc_printf("%d replica%s there, max_replicas_per_node is %d", there, there == 1 ? "" : "s",
                      req->spec->max_per_node);
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
    case REFUSE_REPLICAS:
        return explain_replicas(c, n, req);
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

struct shares { /* per mille of CPU and memory in use afterwards; 0 of what is not reserved */
    int cpu, memory;
};

static struct shares shares_of(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    struct spec_resources need = spec_service_reserved(req->spec), s = shortfall(c, n, req);
    struct shares x = {0};

    if (need.cpus_nano)
        x.cpu = per_mille(s.cpus_nano, n->rec.capacity.cpus_nano - n->rec.reserve.cpus_nano);
    if (need.memory)
        x.memory = per_mille(s.memory, n->rec.capacity.memory - n->rec.reserve.memory);
    return x;
}

struct place_score place_score_of(struct core *c, struct core_node *n, const struct place_req *req)
{
    struct shares use = shares_of(c, n, req);
    struct place_score x = {.tasks = n->n_tasks, .trouble = trouble_on(c, req->service, req->hash, n)};

    if (n->tent.stamp == c->stamp)
        x.tasks += n->tent.tasks;
    count_groups(c, req->spec);
    for (size_t i = 0; i < req->spec->spread_over.n; i++)
        x.group[i] = count_group(c, n, i);
    if (req->spec->strategy == SPEC_BINPACK) {
        x.load = -(use.cpu + use.memory);
        x.tasks = -x.tasks;
    } else {
        x.spread = place_spread(c, n);
        /* Equal to the eye is equal: otherwise a few bytes of difference would outweigh the number of tasks.
         */
        x.load = (use.cpu > use.memory ? use.cpu : use.memory) / 10;
    }
    x.tie = place_tie(orc_hash64_str(0, req->service->name), orc_hash64_str(0, n->name));
    return x;
}

bool place_better(const struct place_score *a, const struct place_score *b)
{
    if (a->trouble != b->trouble)
        return b->trouble;
    for (size_t i = 0; i < SPEC_SPREAD_MAX; i++)
        if (a->group[i] != b->group[i])
            return a->group[i] < b->group[i];
    if (a->spread != b->spread)
        return a->spread < b->spread;
    if (a->load != b->load)
        return a->load < b->load;
    if (a->tasks != b->tasks)
        return a->tasks < b->tasks;
    return a->tie < b->tie;
}

int place_fuller(struct core *c, const struct spec_service *spec, struct core_node *a, struct core_node *b)
{
    int by = 0;

    count_groups(c, spec);
    for (size_t i = 0; i < spec->spread_over.n && by == 0; i++)
        by = count_group(c, a, i) - count_group(c, b, i);
    if (by == 0 && spec->strategy == SPEC_BINPACK)
        return b->n_tasks - a->n_tasks;
    return by ? by : place_spread(c, a) - place_spread(c, b);
}

/* Whether the order of nodes depends on nothing but what rank.c knows, and trouble. */
static bool is_ranked(const struct place_req *req)
{
    return !req->spec->spread_over.n && req->spec->strategy == SPEC_SPREAD && !req->spec->max_per_node;
}

static struct core_node *pick_of_all(struct core *c, const struct place_req *req)
{
    struct core_node *n, *next, *best = NULL;
    struct place_score top = {0};

    HASH_ITER (hh, c->nodes, n, next) {
        struct place_score x;

        if (!place_fits(c, n, req))
            continue;
        x = place_score_of(c, n, req);
        if (best && !place_better(&x, &top))
            continue;
        best = n;
        top = x;
    }
    return best;
}

static bool no_trouble(const struct core *c, const struct place_req *req, const struct core_node *n)
{
    return !trouble_on(c, req->service, req->hash, n);
}

/* Trouble puts some nodes behind all others and leaves the rest in order. */
static struct core_node *best_ranked(struct core *c, const struct place_req *req)
{
    struct core_node *best = rank_best(c, req);

    if (!best || no_trouble(c, req, best))
        return best;
    best = rank_best_of(c, req, no_trouble);
    return best ? best : pick_of_all(c, req);
}

/* As if `without` were gone already: only its own node is another then. */
static struct core_node *pick_without(struct core *c, const struct place_req *req)
{
    struct place_req plain = {.service = req->service, .spec = req->spec, .hash = req->hash};
    struct core_node *n = req->without->node, *best = best_ranked(c, &plain);
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
    else if (!is_ranked(req))
        best = pick_of_all(c, req);
    else if (req->without)
        best = pick_without(c, req);
    else
        best = best_ranked(c, req);
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
    spread_add(c, n, 1);
    if (req->spec->max_per_node && !count_slot_is_there(n, req))
        count_held(c, n);
    a.s_addr = htonl(n->subnet | (uint32_t)octet);
    inet_ntop(AF_INET, &a, ret_address, 16);
}
