#include "scheduler/place_filter.h"

#include "scheduler/place_count.h"
#include "scheduler/place_node.h"
#include "scheduler/place_volume.h"

#include <stdio.h>

#define EXPLAIN_NODES 8 /* more are summed up */

const char *place_filter_name(enum place_filter f)
{
    static const char *const names[FILTERS] = {[FILTER_NONE] = "none",
                                               [FILTER_ALIVE] = "alive",
                                               [FILTER_READY] = "ready",
                                               [FILTER_POLICY] = "cordon",
                                               [FILTER_CONSTRAINT] = "constraint",
                                               [FILTER_VOLUME] = "volume",
                                               [FILTER_REPLICAS] = "max_replicas_per_node",
                                               [FILTER_CPU] = "CPU",
                                               [FILTER_MEMORY] = "memory",
                                               [FILTER_PIDS] = "pids",
                                               [FILTER_PORT] = "host port",
                                               [FILTER_ADDRESS] = "address"};

    return names[f];
}

void place_refusal_release(struct place_refusal *r)
{
    free(r->text);
    *r = (struct place_refusal){0};
}

/* ---- filters ----------------------------------------------------------------------------------------- */

static bool here(const struct core_task *t, const struct core_node *n)
{
    return t && t->node == n && t->counted;
}

struct spec_resources place_used(const struct core_node *n, const struct place_req *req)
{
    struct spec_resources s = n->used;

    if (here(req->without, n)) {
        s.cpus_nano -= req->without->make->resources.cpus_nano;
        s.memory -= req->without->make->resources.memory;
    }
    return s;
}

void place_use(struct core_node *n, struct spec_resources r, int64_t pids, int tasks)
{
    n->used.cpus_nano += r.cpus_nano * tasks;
    n->used.memory += r.memory * tasks;
    n->n_tasks += tasks;
    if (pids) /* it lies apart */
        n->pids += pids * tasks;
}

struct spec_resources place_room(const struct core_node *n)
{
    return (struct spec_resources){n->rec.capacity.cpus_nano - n->rec.reserve.cpus_nano,
                                   n->rec.capacity.memory - n->rec.reserve.memory};
}

struct spec_resources place_shortfall(const struct core_node *n, const struct place_req *req)
{
    struct spec_resources need = spec_service_reserved(req->spec), s = place_used(n, req),
                          room = place_room(n);

    s.cpus_nano = need.cpus_nano ? s.cpus_nano + need.cpus_nano - room.cpus_nano : 0;
    s.memory = need.memory ? s.memory + need.memory - room.memory : 0;
    return s;
}

int64_t place_pids_short(const struct core_node *n, const struct place_req *req)
{
    int64_t used = n->pids;

    if (here(req->without, n))
        used -= req->without->make->pids;
    int64_t need = spec_service_pids(req->spec);

    return need && n->rec.pids ? used + need - n->rec.pids : 0;
}

bool place_pids_free(const struct core_node *n, const struct place_req *req)
{
    return place_pids_short(n, req) <= 0;
}

static bool any_address(const char *ip)
{
    return strcmp(ip, "0.0.0.0") == 0;
}

/* Where a port is bound that names no address: specs/spec.h. */
static const char *bound_to(const struct core_node *n, const struct spec_port *p)
{
    if (p->host_ip && *p->host_ip)
        return p->host_ip;
    return n->rec.address ? n->rec.address : "";
}

static bool ports_clash(const struct core_node *n, const struct spec_port *a, const struct spec_port *b)
{
    const char *x = bound_to(n, a), *y = bound_to(n, b);

    return a->host == b->host && a->udp == b->udp && (any_address(x) || any_address(y) || strcmp(x, y) == 0);
}

/* Of several the first by name: in which order they came must not show. */
static const struct core_port *taken_by(const struct core_node *n, const struct place_req *req,
                                        const struct spec_port *want)
{
    const struct core_port *p, *first = NULL;

    orc_vec_each (p, &n->ports)
        if ((!p->task || p->task != req->without) && ports_clash(n, &p->port, want) &&
            (!first || strcmp(p->id, first->id) < 0))
            first = p;
    return first;
}

static const struct core_port *port_taken(const struct core_node *n, const struct place_req *req,
                                          const struct spec_port **ret_want)
{
    for (size_t i = 0; i < req->spec->ports.n; i++) {
        const struct core_port *by;

        *ret_want = &req->spec->ports.at[i];
        if ((*ret_want)->host && (by = taken_by(n, req, *ret_want)))
            return by;
    }
    return NULL;
}

static bool has_octet(const struct core_octets *o, int octet)
{
    return o->bits[octet / 8] >> (octet % 8) & 1;
}

static void put_octet(struct core_octets *o, int octet, bool held)
{
    uint8_t bit = (uint8_t)(1u << (octet % 8));

    o->bits[octet / 8] = (uint8_t)(held ? o->bits[octet / 8] | bit : o->bits[octet / 8] & ~bit);
    if (octet >= PLACE_ADDRESS_FIRST && octet <= PLACE_ADDRESS_LAST)
        o->n = (uint16_t)(o->n + (held ? 1 : -1));
}

void place_hold_address(struct core_node *n, int octet)
{
    if (!has_octet(&n->octets, octet)) {
        put_octet(&n->octets, octet, true);
        return;
    }
    orc_vec_push(&n->octets_again, (uint8_t)octet);
    n->octets.again = true;
}

void place_give_address(struct core_node *n, int octet)
{
    for (size_t i = 0; n->octets.again && i < n->octets_again.n; i++)
        if (n->octets_again.at[i] == octet) {
            n->octets_again.at[i] = n->octets_again.at[--n->octets_again.n];
            n->octets.again = n->octets_again.n;
            return;
        }
    put_octet(&n->octets, octet, false);
}

bool place_address_free(const struct core_node *n, int octet)
{
    return !has_octet(&n->octets, octet);
}

bool place_any_address_free(const struct core_node *n)
{
    return n->octets.n < PLACE_ADDRESS_LAST - PLACE_ADDRESS_FIRST + 1;
}

bool place_ports_free(const struct core_node *n, const struct place_req *req)
{
    const struct spec_port *want;

    return !port_taken(n, req, &want);
}

static bool is_full_of_it(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    int most = spec_service_max_per_node(req->spec);

    return most && count_replicas(c, n, req) >= most;
}

bool place_refuses(const struct core *c, const struct core_node *n, const struct place_req *req,
                   enum place_filter f)
{
    switch (f) {
    case FILTER_ALIVE:
        return !core_node_alive(n) || n->lost;
    case FILTER_READY:
        return !n->fed.present || n->fed.unreadable || !n->subnet || !record_node_ready(&n->rec, NULL);
    case FILTER_POLICY:
        return n->policy_fed.unreadable || n->policy.cordon || n->policy.drain;
    case FILTER_CONSTRAINT:
        return !place_allowed(n, req->spec, NULL);
    case FILTER_VOLUME:
        return place_volumes_refuse(req->volumes, n) != NULL;
    case FILTER_REPLICAS:
        return is_full_of_it(c, n, req);
    case FILTER_CPU:
        return place_shortfall(n, req).cpus_nano > 0;
    case FILTER_MEMORY:
        return place_shortfall(n, req).memory > 0;
    case FILTER_PIDS:
        return !place_pids_free(n, req);
    case FILTER_PORT:
        return !place_ports_free(n, req);
    case FILTER_ADDRESS:
        return !place_any_address_free(n);
    default:
        return false;
    }
}

enum place_filter place_refused(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    for (enum place_filter f = FILTER_NONE + 1; f < FILTERS; f++)
        if (place_refuses(c, n, req, f))
            return f;
    return FILTER_NONE;
}

bool place_open(const struct core *c, const struct core_node *n)
{
    return !place_refuses(c, n, NULL, FILTER_ALIVE) && !place_refuses(c, n, NULL, FILTER_READY) &&
           !place_refuses(c, n, NULL, FILTER_POLICY);
}

bool place_fits(const struct core *c, const struct core_node *n, const struct place_req *req)
{
    return place_refused(c, n, req) == FILTER_NONE;
}

/* ---- explaining one ---------------------------------------------------------------------------------- */

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
    return orc_strdup(n->policy.removed ? "removed" : n->policy.drain ? "drained" : "cordoned");
}

static char *explain_port(const struct core_node *n, const struct place_req *req)
{
    const struct spec_port *want = NULL;
    const struct core_port *by = port_taken(n, req, &want);

    return orc_printf("%u/%s is taken by %s", want->host, want->udp ? "udp" : "tcp", by->id);
}

static char *explain_replicas(const struct core *c, const struct core_node *n, const struct place_req *req,
                              struct place_refusal *r)
{
    int there = count_replicas(c, n, req);

    r->counted = true;
    r->needed = there + 1;
    r->available = spec_service_max_per_node(req->spec);
    r->missing = r->needed - r->available;
    if (req->spec->global)
        return orc_strdup("the one before must stop first");
    return orc_printf("%d replica%s there, at most %d", there, there == 1 ? " is" : "s are",
                      req->spec->max_per_node);
}

const char *place_filter_amount(enum place_filter f, int64_t n, char buf[ORC_UNIT_MAX])
{
    if (f == FILTER_CPU)
        return orc_format_cpus(n, buf);
    if (f == FILTER_MEMORY)
        return orc_format_size(n, buf);
    snprintf(buf, ORC_UNIT_MAX, "%lld", (long long)n);
    return buf;
}

static char *explain_room(const struct core_node *n, const struct place_req *req, struct place_refusal *r)
{
    struct spec_resources need = spec_service_reserved(req->spec), s = place_shortfall(n, req);
    char needs[ORC_UNIT_MAX], has[ORC_UNIT_MAX], lacks[ORC_UNIT_MAX];

    r->counted = true;
    r->needed = r->filter == FILTER_CPU      ? need.cpus_nano
                : r->filter == FILTER_MEMORY ? need.memory
                                             : spec_service_pids(req->spec);
    r->missing = r->filter == FILTER_CPU      ? s.cpus_nano
                 : r->filter == FILTER_MEMORY ? s.memory
                                              : place_pids_short(n, req);
    r->available = r->needed - r->missing;
    if (r->available < 0) /* a node that has shrunk is more than full */
        r->available = 0;
    return orc_printf("needs %s%s, %s free, %s short", place_filter_amount(r->filter, r->needed, needs),
                      req->spec->sidecars.n ? " with its sidecars" : "",
                      place_filter_amount(r->filter, r->available, has),
                      place_filter_amount(r->filter, r->missing, lacks));
}

static char *explain_constraint(const struct core_node *n, const struct place_req *req)
{
    char *why = NULL;

    place_allowed(n, req->spec, &why);
    return why;
}

void place_explain(const struct core *c, const struct core_node *n, const struct place_req *req,
                   enum place_filter f, struct place_refusal *ret)
{
    *ret = (struct place_refusal){.filter = f};
    switch (f) {
    case FILTER_ALIVE:
        ret->text = orc_strdup("lost");
        break;
    case FILTER_READY:
        ret->text = explain_not_ready(n);
        break;
    case FILTER_POLICY:
        ret->text = explain_policy(n);
        break;
    case FILTER_CONSTRAINT:
        ret->text = explain_constraint(n, req);
        break;
    case FILTER_VOLUME:
        ret->text = place_volumes_text(place_volumes_refuse(req->volumes, n));
        break;
    case FILTER_REPLICAS:
        ret->text = explain_replicas(c, n, req, ret);
        break;
    case FILTER_CPU:
    case FILTER_MEMORY:
    case FILTER_PIDS:
        ret->text = explain_room(n, req, ret);
        break;
    case FILTER_PORT:
        ret->text = explain_port(n, req);
        break;
    default:
        ret->text = orc_strdup("none is free in its subnet");
    }
}

/* "k2 memory: needs ..."; what names itself is not named twice: "k2: cordoned". */
static void say(struct orc_buf *b, const struct core_node *n, const struct place_refusal *r)
{
    bool named = r->filter > FILTER_CONSTRAINT;

    orc_buf_printf(b, "%s%s%s: %s", n->name, named ? " " : "", named ? place_filter_name(r->filter) : "",
                   r->text);
}

/* ---- explaining all ---------------------------------------------------------------------------------- */

static bool is_known(const struct core_node *n)
{
    return n->fed.present || n->alive_fed.present;
}

static int by_name(struct core_node *a, struct core_node *b)
{
    return strcmp(a->name, b->name);
}

static char *explain_each(struct core *c, const struct place_req *req)
{
    struct orc_buf b = ORC_BUF_INIT(1800);
    struct core_node *n, *next;

    HASH_SORT(c->nodes, by_name);
    HASH_ITER (hh, c->nodes, n, next) {
        enum place_filter f = place_refused(c, n, req);
        struct place_refusal r;

        if (!f || !is_known(n) || (req->pin && n != req->pin))
            continue;
        place_explain(c, n, req, f, &r);
        if (b.len)
            orc_buf_puts(&b, "; ");
        say(&b, n, &r);
        place_refusal_release(&r);
    }
    return orc_buf_take(&b);
}

struct nearest { /* of the nodes that have too little room, the one that lacks least of what is asked for */
    const struct core_node *node;
    enum place_filter filter;
    double lacks;
};

static void look_nearer(const struct core_node *n, const struct place_req *req, enum place_filter f,
                        struct nearest *best)
{
    struct spec_resources need = spec_service_reserved(req->spec), s = place_shortfall(n, req);
    double cpus = need.cpus_nano ? (double)s.cpus_nano / (double)need.cpus_nano : 0;
    double memory = need.memory ? (double)s.memory / (double)need.memory : 0;
    double lacks = cpus > memory ? cpus : memory;

    if (best->node &&
        (lacks > best->lacks || (lacks == best->lacks && strcmp(n->name, best->node->name) > 0)))
        return;
    *best = (struct nearest){n, memory > cpus ? FILTER_MEMORY : f, lacks};
}

static char *explain_sums(struct core *c, const struct place_req *req)
{
    static const char *const phrases[FILTERS] = {[FILTER_ALIVE] = "lost",
                                                 [FILTER_READY] = "not ready",
                                                 [FILTER_POLICY] = "cordoned",
                                                 [FILTER_CONSTRAINT] = "against a constraint",
                                                 [FILTER_VOLUME] = "without its volume",
                                                 [FILTER_REPLICAS] = "at max_replicas_per_node",
                                                 [FILTER_CPU] = "short of CPU",
                                                 [FILTER_MEMORY] = "short of memory",
                                                 [FILTER_PIDS] = "short of pids",
                                                 [FILTER_PORT] = "with the host port taken",
                                                 [FILTER_ADDRESS] = "without a free address"};
    struct orc_buf b = ORC_BUF_INIT(1800);
    struct core_node *n, *next;
    struct nearest best = {0};
    int count[FILTERS] = {0};

    HASH_ITER (hh, c->nodes, n, next) {
        enum place_filter f = place_refused(c, n, req);

        count[f] += is_known(n);
        if (f == FILTER_CPU || f == FILTER_MEMORY)
            look_nearer(n, req, f, &best);
    }
    for (enum place_filter f = FILTER_NONE + 1; f < FILTERS; f++)
        if (count[f])
            orc_buf_printf(&b, "%s%d %s", b.len ? ", " : "", count[f], phrases[f]);
    if (best.node) {
        struct place_refusal r;

        place_explain(c, best.node, req, best.filter, &r);
        orc_buf_puts(&b, "; the nearest, ");
        say(&b, best.node, &r);
        place_refusal_release(&r);
    }
    return orc_buf_take(&b);
}

char *place_explain_all(struct core *c, const struct place_req *req)
{
    struct core_node *n, *next;
    orc_auto_free char *why = NULL;
    int known = 0;

    HASH_ITER (hh, c->nodes, n, next)
        known += is_known(n);
    if (!known)
        return orc_strdup("the cluster has no node");
    if (req->pin) {
        why = explain_each(c, req);
        if (req->spec->global)
            return orc_take(why);
        return orc_printf("its volume is on %s; %s", req->pin->name, why);
    }
    why = known <= EXPLAIN_NODES ? explain_each(c, req) : explain_sums(c, req);
    return orc_printf("0 of %d node%s fit%s: %s", known, known == 1 ? "" : "s", known == 1 ? "s" : "", why);
}
