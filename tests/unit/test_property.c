/* What must hold of every plan, whatever is asked for and whatever has happened: each property by itself, in
 * random histories of rich clusters (rich_cluster.h), held against the store by rules written down here anew.
 *
 * ORC_PROPERTY_SEEDS=N runs more of them; ORC_PROPERTY_SEED=K runs that one and prints what is decided.
 */
#include "tests/unit/rich_cluster.h"

#include <strings.h>

#define SEEDS 20
#define ROUNDS 60

/* Whole plans are too long for fail_msg(). */
#define broken(r, ...)                                                                                       \
    do {                                                                                                     \
        printf("seed %llu: ", (unsigned long long)(r)->seed);                                                \
        printf(__VA_ARGS__);                                                                                 \
        printf("\n");                                                                                        \
        fail();                                                                                              \
    } while (0)

/* ---- histories */

typedef void (*check_fn)(struct rich *r, const struct lives *before, const struct lives *after);

static void one_step(struct rich *r, check_fn check)
{
    struct lives before = read_tasks(r->s), after;

    free(sim_step(r->s));
    after = read_tasks(r->s);
    check(r, &before, &after);
    free_tasks(&before);
    free_tasks(&after);
}

static void one_history(uint64_t seed, check_fn check, bool wide, bool trace)
{
    struct rich r;

    rich_begin(&r, seed, wide);
    r.s->trace = trace;
    for (int i = 0; i < ROUNDS; i++) {
        one_step(&r, check);
        rich_between(&r);
    }
    rich_end(&r);
}

static uint64_t number(const char *env, uint64_t otherwise)
{
    const char *text = getenv(env);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

static void all_histories(check_fn check, bool wide)
{
    uint64_t one = number("ORC_PROPERTY_SEED", 0), seeds = number("ORC_PROPERTY_SEEDS", SEEDS);

    if (one) {
        one_history(one, check, wide, true);
        return;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++)
        one_history(seed, check, wide, false);
}

/* ---- never above capacity */

struct sums {
    int64_t cpus, memory, pids;
};

static struct sums used_on(const struct lives *v, const char *node)
{
    struct sums x = {0};
    const struct live *l;

    orc_vec_each (l, v)
        if (strcmp(l->node, node) == 0 && holds(l)) {
            x.cpus += l->rec->resources.cpus_nano;
            x.memory += l->rec->resources.memory;
            x.pids += l->rec->pids;
        }
    return x;
}

/* A node may have become smaller; then nothing new that needs of what is short is put there. */
static void check_capacity(struct rich *r, const struct lives *before, const struct lives *after)
{
    const struct live *l;

    orc_vec_each (l, after) {
        struct sums x = used_on(after, l->node);
        struct record_node n;

        if (rich_task(before, l))
            continue;
        n = rich_node(r, l->node);
        if (l->rec->resources.cpus_nano && x.cpus > n.capacity.cpus_nano - n.reserve.cpus_nano)
            broken(r, "%s: %s has %lld billionths of a CPU too few", l->id, l->node,
                   (long long)(x.cpus - n.capacity.cpus_nano + n.reserve.cpus_nano));
        if (l->rec->resources.memory && x.memory > n.capacity.memory - n.reserve.memory)
            broken(r, "%s: %s has %lld bytes too few", l->id, l->node,
                   (long long)(x.memory - n.capacity.memory + n.reserve.memory));
        if (l->rec->pids && n.pids && x.pids > n.pids)
            broken(r, "%s: %s has %lld processes too few", l->id, l->node, (long long)x.pids - n.pids);
        record_node_release(&n);
    }
}

/* Behaviours 15, 19: room of what stops counts until it is reported stopped. */
static void test_property__never_above_capacity(void **state)
{
    all_histories(check_capacity, false);
}

/* ---- never below availability */

/* People want it so: the deadline of a drain is over, or a service that has one replica on each node that
 * takes it is not for this node any more. */
static bool wanted_so(const struct rich_service *x, const struct lives *before, const struct lives *after)
{
    const struct live *l, *o;

    orc_vec_each (l, after)
        if (strcmp(l->rec->service, x->name) == 0 && l->rec->stop_reason && (o = rich_task(before, l)) &&
            o->rec->desired == TASK_RUN &&
            (strstr(l->rec->stop_reason, "its deadline is over") ||
             (x->global && (strstr(l->rec->stop_reason, " no longer fits: ") ||
                            strstr(l->rec->stop_reason, " is drained")))))
            return true;
    return false;
}

/* A step takes no available replica below what is wanted less what the policy lets be missing. */
static void check_availability(struct rich *r, const struct lives *before, const struct lives *after)
{
    for (int i = 0; i < r->n_services; i++) {
        const struct rich_service *x = &r->services[i];
        const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
        int had = slots_available(before, x->name), have = slots_available(after, x->name), promised;

        if (x->job || !x->wanted || !roll || have >= had || wanted_so(x, before, after))
            continue;
        promised = roll->replicas - spec_update_missing(&x->update, roll->replicas);
        if (have < promised)
            broken(r, "%s had %d available replicas and has %d; %d of %d are promised", x->name, had, have,
                   promised, roll->replicas);
    }
}

/* Behaviours 44, 46, 54. */
static void test_property__never_below_availability(void **state)
{
    all_histories(check_availability, false);
}

/* Where there is room beside, start-first has no excuse: not even one less, but by a wish of people's. */
static void check_start_first(struct rich *r, const struct lives *before, const struct lives *after)
{
    for (int i = 0; i < r->n_services; i++) {
        const struct rich_service *x = &r->services[i];
        const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
        int had = slots_available(before, x->name), have = slots_available(after, x->name);

        if (x->job || x->global || !x->wanted || !roll || x->update.order == SPEC_STOP_FIRST ||
            wanted_so(x, before, after))
            continue;
        if (have < had && have < roll->replicas)
            broken(r, "%s starts first, had %d available replicas and has %d of %d", x->name, had, have,
                   roll->replicas);
    }
}

/* Behaviour 46. */
static void test_property__start_first_takes_nothing_where_there_is_room(void **state)
{
    all_histories(check_start_first, true);
}

/* ---- one owner per slot */

static bool same_slot(const struct live *a, const struct live *b, bool job)
{
    return a->rec->slot == b->rec->slot && strcmp(a->rec->service, b->rec->service) == 0 &&
           (!job || a->rec->restart_epoch == b->rec->restart_epoch); /* a run has slots of its own */
}

static bool is_move(const struct live *l)
{
    return l->rec->reason && strstr(l->rec->reason, ": rebalance: ");
}

/* One task that shall run, and one more only while its successor or the place where it moves to becomes
 * ready, or when what was awaited has just come back. */
static void check_owner(struct rich *r, const struct live *a, const struct lives *v)
{
    const struct rich_service *x = rich_service(r, a->rec->service);
    int n = 0, most = 1 + (x->update.order == SPEC_START_FIRST) + (x->disconnect_ms ? 2 : 0);
    bool moves = false;
    const struct live *b;

    orc_vec_each (b, v)
        if (b->rec->desired == TASK_RUN && same_slot(a, b, x->job) && (b->alive || !x->disconnect_ms) &&
            !(x->job && !holds(b))) {
            n++;
            moves = moves || is_move(b);
        }
    if (n > most + (moves && x->update.order == SPEC_STOP_FIRST))
        broken(r, "slot %d of %s has %d tasks that shall run", a->rec->slot, a->rec->service, n);
}

/* Beside the server's own network, and none at all. */
static bool has_own_address(struct rich *r, const struct live *l)
{
    struct record_node n = rich_node(r, l->node);
    bool own = l->rec->address && strcmp(l->rec->address, n.address) != 0;

    record_node_release(&n);
    return own;
}

/* A step never makes two for one slot, whatever became of the ones before. */
static void check_made_once(struct rich *r, const struct lives *before, const struct lives *after)
{
    for (size_t i = 0; i < after->n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct live *a = &after->at[i], *b = &after->at[k];

            if (same_slot(a, b, rich_service(r, a->rec->service)->job) && !rich_task(before, a) &&
                !rich_task(before, b))
                broken(r, "%s and %s were made in one step", a->id, b->id);
            if (strcmp(a->id, b->id) == 0 ||
                (strcmp(a->node, b->node) == 0 && has_own_address(r, a) && has_own_address(r, b) &&
                 strcmp(a->rec->address, b->rec->address) == 0))
                broken(r, "%s on %s and %s on %s are called alike", a->id, a->node, b->id, b->node);
        }
}

static void check_owners(struct rich *r, const struct lives *before, const struct lives *after)
{
    const struct live *l, *o;

    orc_vec_each (l, after) {
        if (l->rec->desired == TASK_RUN)
            check_owner(r, l, after);
        if ((o = rich_task(before, l)) && l->rec->desired < o->rec->desired)
            broken(r, "%s was told to run again", l->id);
    }
    check_made_once(r, before, after);
}

/* Behaviours 35, 78, 84: and what was told to go stays told. */
static void test_property__one_owner_per_slot(void **state)
{
    all_histories(check_owners, false);
}

/* ---- at most one task per host port */

static bool same_address(const struct spec_port *a, const struct spec_port *b, const char *own)
{
    const char *x = a->host_ip[0] ? a->host_ip : own, *y = b->host_ip[0] ? b->host_ip : own;

    return strcmp(x, "0.0.0.0") == 0 || strcmp(y, "0.0.0.0") == 0 || strcmp(x, y) == 0;
}

static void check_two_ports(struct rich *r, const struct live *a, const struct live *b)
{
    struct record_node n = rich_node(r, a->node);

    for (size_t i = 0; i < a->rec->ports.n; i++)
        for (size_t k = 0; k < b->rec->ports.n; k++) {
            const struct spec_port *p = &a->rec->ports.at[i], *q = &b->rec->ports.at[k];

            if (p->host && p->host == q->host && p->udp == q->udp && same_address(p, q, n.address))
                broken(r, "%s and %s have port %u of %s", a->id, b->id, p->host, a->node);
        }
    record_node_release(&n);
}

static void check_ports(struct rich *r, const struct lives *before, const struct lives *after)
{
    for (size_t i = 0; i < after->n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct live *a = &after->at[i], *b = &after->at[k];

            if (a->rec->ports.n && b->rec->ports.n && strcmp(a->node, b->node) == 0 && holds(a) && holds(b))
                check_two_ports(r, a, b);
        }
}

/* Behaviours 27, 28. */
static void test_property__at_most_one_task_per_host_port(void **state)
{
    all_histories(check_ports, false);
}

/* ---- only where every filter lets it */

static bool equal(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static const char *label_of(const struct spec_pairs *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].key, key) == 0)
            return p->at[i].value;
    return "";
}

static bool holds_there(const struct spec_constraint *c, const struct record_node *n, const char *node)
{
    const char *is = equal(c->key, "node.hostname")        ? node
                     : equal(c->key, "node.platform.arch") ? (equal(n->arch, "amd64") ? "x86_64" : "aarch64")
                                                           : label_of(&n->labels, "disk");

    return equal(is, c->value) == c->equal;
}

/* Slots of its service with a container there. */
static int slots_there(const struct lives *v, const struct live *like)
{
    const struct live *l;
    uint64_t slots = 0;

    orc_vec_each (l, v)
        if (strcmp(l->node, like->node) == 0 && strcmp(l->rec->service, like->rec->service) == 0 && holds(l))
            slots |= UINT64_C(1) << l->rec->slot;
    return __builtin_popcountll(slots);
}

/* What all of its containers reserve: of each what it reserves, or else its limit. */
static void check_takes(struct rich *r, const struct live *l, const struct spec_service *w)
{
    struct sums x = {0};

    for (size_t i = 0; i <= w->sidecars.n; i++) {
        const struct spec_service *one = i ? &w->sidecars.at[i - 1] : w;

        x.cpus += one->reservations.cpus_nano ? one->reservations.cpus_nano : one->limits.cpus_nano;
        x.memory += one->reservations.memory ? one->reservations.memory : one->limits.memory;
        x.pids += one->pids_limit;
    }
    if (l->rec->resources.cpus_nano != x.cpus || l->rec->resources.memory != x.memory ||
        l->rec->pids != x.pids)
        broken(r, "%s takes %lld bytes and %d processes, and its containers %lld and %lld", l->id,
               (long long)l->rec->resources.memory, l->rec->pids, (long long)x.memory, (long long)x.pids);
}

/* One of its node's subnet, or the node's own, or none. */
static void check_network(struct rich *r, const struct live *l, const struct spec_service *w,
                          const struct record_node *n)
{
    const char *is = l->rec->address ? l->rec->address : "";
    size_t subnet = (size_t)(strrchr(n->subnet, '.') - n->subnet) + 1; /* "10.210.k." */
    bool fits = w->network == SPEC_NETWORK_NONE   ? !*is
                : w->network == SPEC_NETWORK_HOST ? strcmp(is, n->address) == 0
                                                  : strncmp(is, n->subnet, subnet) == 0;

    if (!fits)
        broken(r, "%s has the address \"%s\" on %s, in network %d", l->id, is, l->node, w->network);
}

static void check_made(struct rich *r, const struct live *l, const struct lives *after)
{
    struct record_node n = rich_node(r, l->node);
    struct record_node_policy p = rich_policy(r, l->node);
    struct record_revision rev = rich_revision(r, l);
    const struct spec_constraint *c;

    if (!l->alive || !record_node_ready(&n, NULL) || p.cordon || p.drain)
        broken(r, "%s was made on %s, which takes nothing", l->id, l->node);
    orc_vec_each (c, &rev.spec->constraints)
        if (!holds_there(c, &n, l->node))
            broken(r, "%s was made on %s, against %s", l->id, l->node, c->key);
    check_takes(r, l, rev.spec);
    check_network(r, l, rev.spec, &n);
    if (rev.spec->max_per_node && !rev.spec->job && slots_there(after, l) > rev.spec->max_per_node)
        broken(r, "%s is one too many on %s", l->id, l->node);
    record_revision_release(&rev);
    record_node_policy_release(&p);
    record_node_release(&n);
}

static void check_filters(struct rich *r, const struct lives *before, const struct lives *after)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (!rich_task(before, l))
            check_made(r, l, after);
}

/* Behaviours 22, 24, 25, 29, 31, 32. */
static void test_property__made_only_where_every_filter_lets_it(void **state)
{
    all_histories(check_filters, false);
}

/* ---- complete means complete */

/* Slots with an available task of the content that the record says is complete. */
static int slots_of_content(struct rich *r, const struct lives *v, const struct record_rollout *roll,
                            const char *service)
{
    orc_auto_free char *key = key_revision(SIM_CLUSTER, "shop", service, roll->complete);
    struct record_revision rev = {0};
    const struct live *l;
    uint64_t slots = 0;

    assert_int_equal(record_revision_parse(sim_find(r->s, key)->value->text,
                                           strlen(sim_find(r->s, key)->value->text), &rev, NULL),
                     0);
    orc_vec_each (l, v)
        if (strcmp(l->rec->service, service) == 0 && is_available(l) &&
            strcmp(l->rec->container_hash, rev.container_hash) == 0)
            slots |= UINT64_C(1) << l->rec->slot;
    record_revision_release(&rev);
    return __builtin_popcountll(slots);
}

/* Where a service is not whole in what it says, its record says so, once all that can be decided now is. */
static void check_complete(struct rich *r, const struct lives *before, const struct lives *after)
{
    struct lives v;

    sim_decide(r->s);
    v = read_tasks(r->s);
    for (int i = 0; i < r->n_services; i++) {
        const struct rich_service *x = &r->services[i];
        const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
        int have;

        if (x->job || !x->wanted || !roll || roll->state != ROLLOUT_COMPLETE)
            continue;
        have = slots_of_content(r, &v, roll, x->name);
        if (have != roll->replicas || roll->pending.n || roll->complete != roll->target)
            broken(r, "%s is complete, and %d of %d replicas serve", x->name, have, roll->replicas);
    }
    free_tasks(&v);
}

/* Behaviours 35, 59. */
static void test_property__complete_means_complete(void **state)
{
    all_histories(check_complete, false);
}

/* ---- in the end */

/* Slots that have a task, or of which the record says why they have none. */
static int slots_answered(const struct lives *v, const struct record_rollout *roll, const char *service)
{
    const struct live *l;
    uint64_t slots = 0;

    orc_vec_each (l, v)
        if (strcmp(l->rec->service, service) == 0 && l->rec->desired == TASK_RUN)
            slots |= UINT64_C(1) << l->rec->slot;
    for (size_t i = 0; i < roll->pending.n; i++)
        if (roll->pending.at[i].reason && *roll->pending.at[i].reason)
            slots |= UINT64_C(1) << roll->pending.at[i].slot;
    return __builtin_popcountll(slots);
}

static void check_end(struct rich *r)
{
    struct lives v = read_tasks(r->s);
    const struct live *l;

    for (int i = 0; i < r->n_services; i++) {
        const struct rich_service *x = &r->services[i];
        const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);

        if (!x->job && slots_answered(&v, roll, x->name) != roll->replicas)
            broken(r, "%s is %s with %d replicas, and %d have a task or say why not", x->name,
                   rollout_state_name(roll->state), roll->replicas, slots_answered(&v, roll, x->name));
    }
    orc_vec_each (l, &v)
        if (l->rec->desired != TASK_RUN && holds(l))
            broken(r, "%s is still leaving", l->id);
    free_tasks(&v);
}

/* Behaviours 15, 18, 59: however much there is not room for. */
static void test_property__in_the_end_every_replica_has_a_task_or_says_why_not(void **state)
{
    for (uint64_t seed = 1; seed <= number("ORC_PROPERTY_SEEDS", SEEDS); seed++) {
        struct rich r;

        rich_begin(&r, seed, false);
        for (int i = 0; i < ROUNDS; i++) {
            free(sim_step(r.s));
            rich_between(&r);
        }
        rich_calm_down(&r);
        check_end(&r);
        rich_end(&r);
    }
}

/* ---- the second step is empty */

static char *decided(struct core *c, const struct sim *s)
{
    struct plan p = {0};
    char *text;

    core_step(c, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    plan_release(&p);
    return text;
}

/* What is done, without what is said of it: words have their own pace. */
static char *deeds(const char *plan)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);

    for (const char *p = plan, *end; *p; p = end) {
        end = p + strcspn(p, "\n");
        end += *end != '\0';
        if (strncmp(p, "rollout ", 8) != 0 && *p != ' ')
            orc_buf_add(&b, p, (size_t)(end - p));
    }
    return orc_buf_take(&b);
}

/* Nothing was fed: nothing is decided. Nothing came of it: the same is decided again. It was done: what is
 * left to decide comes to an end at once. */
static void second_step(uint64_t seed)
{
    struct rich r;

    rich_begin(&r, seed, false);
    for (int i = 0; i < ROUNDS; i++) {
        orc_auto_free char *first = decided(r.s->core, r.s), *second = decided(r.s->core, r.s), *again = NULL,
                           *to_do = deeds(first), *still = NULL;
        int steps = 0;

        if (second[0])
            broken(&r, "first:\n%s\nand then:\n%s", first, second);
        core_retry(r.s->core, NULL);
        again = decided(r.s->core, r.s);
        still = deeds(again);
        if (strcmp(to_do, still) != 0)
            broken(&r, "first:\n%s\nrefused, and then:\n%s", first, again);
        core_retry(r.s->core, NULL);
        for (bool more = true; more; steps++) {
            orc_auto_free char *text = sim_step(r.s);

            more = text[0];
        }
        if (steps > 4)
            broken(&r, "%d steps until nothing is left to decide", steps);
        rich_between(&r);
    }
    rich_end(&r);
}

static void test_property__the_second_step_is_empty(void **state)
{
    for (uint64_t seed = 1; seed <= number("ORC_PROPERTY_SEEDS", SEEDS); seed++)
        second_step(seed);
}

/* ---- the order of feeding, and change by change */

/* Fed with the whole store in an order of chance. */
static char *decided_anew(struct sim *s, uint64_t *ret_next)
{
    struct core *mine = orc_take(s->core);
    char *text;

    sim_new_leader(s);
    text = decided(s->core, s);
    *ret_next = core_next(s->core);
    core_free(s->core);
    s->core = mine;
    return text;
}

static void fed_in_any_order(uint64_t seed)
{
    struct rich r;

    rich_begin(&r, seed, false);
    for (int i = 0; i < ROUNDS; i++) {
        free(sim_step(r.s));
        rich_between(&r);
        for (int k = 0; i % 10 == 9 && k < 3; k++) {
            uint64_t one_next, other_next;
            orc_auto_free char *one = decided_anew(r.s, &one_next), *other = decided_anew(r.s, &other_next);

            if (strcmp(one, other) != 0 || one_next != other_next)
                broken(&r, "one store, two plans, for %llu and %llu:\n%s---\n%s",
                       (unsigned long long)one_next, (unsigned long long)other_next, one, other);
        }
    }
    rich_end(&r);
}

static void test_property__the_plan_is_independent_of_the_order_of_feeding(void **state)
{
    for (uint64_t seed = 1; seed <= number("ORC_PROPERTY_SEEDS", SEEDS); seed++)
        fed_in_any_order(seed);
}

#define KEYS_MAX 8

/* Heap's algorithm: every permutation once. */
static void each_order(struct sim *s, const struct sim_kv **at, size_t n, char **plan, int *count)
{
    if (n == 1) {
        orc_auto_free char *text = NULL;
        struct core *c = core_new();

        for (size_t i = 0; i < HASH_COUNT(s->kvs); i++)
            sim_feed(s, c, at[i]);
        core_lead(c);
        text = decided(c, s);
        core_free(c);
        if (!*plan)
            *plan = orc_strdup(text);
        assert_string_equal(text, *plan);
        ++*count;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const struct sim_kv *x = at[n % 2 ? 0 : i];

        each_order(s, at, n - 1, plan, count);
        if (i == n - 1)
            break;
        x = at[n % 2 ? 0 : i];
        at[n % 2 ? 0 : i] = at[n - 1];
        at[n - 1] = x;
    }
}

/* A store of seven keys, in each of their 5040 orders: two nodes, one of them cordoned, and three replicas.
 */
static void test_property__every_order_of_a_small_store_gives_one_plan(void **state)
{
    struct sim *s = sim_new();
    const struct sim_kv *at[KEYS_MAX];
    struct sim_kv *kv, *next;
    orc_auto_free char *plan = NULL;
    int n = 0, count = 0;

    for (int k = 1; k <= 2; k++) {
        char name[16];

        sim_node_put(s, rich_node_name(k, name), k, (struct sim_node_opts){.cpus = 4, .memory_mib = 1000});
        sim_alive(s, name, true);
    }
    sim_policy(s, "k2", true, false);
    sim_apply(s, "shop", 1, sim_spec("web", 3, "good"));
    HASH_ITER (hh, s->kvs, kv, next)
        at[n++] = kv;
    assert_int_equal(n, 7);
    each_order(s, at, 7, &plan, &count);
    assert_int_equal(count, 5040);
    assert_non_null(strstr(plan, " on k1 at 10.210.1."));
    sim_free(s);
}

/* Whoever is silent was seen alive by whoever looks: that is no record, and counts (nodes.c). */
static void all_were_alive(struct rich *r)
{
    for (int k = 1; k <= r->n_nodes; k++) {
        char name[16];

        rich_node_name(k, name);
        if (!sim_node_is_alive(r->s, name)) {
            sim_alive(r->s, name, true);
            sim_alive(r->s, name, false);
        }
    }
    core_lead(r->s->core);
}

/* What was observed with a clock of its own is forgotten by core_lead(); all else must be as if it had been
 * fed only now. */
static void change_by_change(uint64_t seed)
{
    orc_auto_free char *grown = NULL, *fresh = NULL;
    struct rich r;

    rich_begin(&r, seed, false);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        if (i == ROUNDS) /* from now on what was seen of a task is what is written of it */
            r.gentle = true, sim_new_leader(r.s);
        if (sim_chance(r.s, 2))
            free(sim_step(r.s));
        rich_between(&r);
    }
    all_were_alive(&r);
    grown = decided(r.s->core, r.s);
    sim_new_leader(r.s);
    all_were_alive(&r);
    fresh = decided(r.s->core, r.s);
    if (strcmp(grown, fresh) != 0)
        broken(&r, "fed change by change:\n%s\nfed anew:\n%s", grown, fresh);
    rich_end(&r);
}

static void test_property__incremental_is_equal_to_from_scratch(void **state)
{
    for (uint64_t seed = 1; seed <= 3 * number("ORC_PROPERTY_SEEDS", SEEDS); seed++)
        change_by_change(seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_property__never_above_capacity),
        cmocka_unit_test(test_property__never_below_availability),
        cmocka_unit_test(test_property__start_first_takes_nothing_where_there_is_room),
        cmocka_unit_test(test_property__one_owner_per_slot),
        cmocka_unit_test(test_property__at_most_one_task_per_host_port),
        cmocka_unit_test(test_property__made_only_where_every_filter_lets_it),
        cmocka_unit_test(test_property__complete_means_complete),
        cmocka_unit_test(test_property__in_the_end_every_replica_has_a_task_or_says_why_not),
        cmocka_unit_test(test_property__the_second_step_is_empty),
        cmocka_unit_test(test_property__the_plan_is_independent_of_the_order_of_feeding),
        cmocka_unit_test(test_property__every_order_of_a_small_store_gives_one_plan),
        cmocka_unit_test(test_property__incremental_is_equal_to_from_scratch),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
