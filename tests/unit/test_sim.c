/* Thousands of random histories of a cluster, with faults, each step held against what must never happen.
 *
 * One seed is one exact run. ORC_SIM_SEEDS=N runs more of them, ORC_SIM_SEED=K runs that one and prints its
 * trace.
 */
#include "scheduler/explain.h"
#include "scheduler/survive.h"
#include "tests/sim/sim.h"

#include <arpa/inet.h>
#include <stdlib.h>

#define SEEDS 150
#define ROUNDS 160
#define SERVICES 4
#define NODES 5
#define JOB_AT_ONCE 2

struct service {
    char name[16];
    int64_t revision, good, epoch; /* highest; the last good one */
    bool wanted;
    int parallelism, replicas;
    enum spec_order order;
    bool volume, port;
    int per_node; /* 0: any number */
    int canary;
    bool zones, packed, job, global; /* global: replicas is the number of nodes */
    uint64_t disconnect_ms;          /* its replicas on a silent node may come back */
    bool rebalances;                 /* by itself */
    enum rollout_state state;        /* after the step before */
};

struct seen { /* a task as it was */
    char key[256];
    int64_t create;
    enum task_desired desired;
    uint64_t left_at; /* told to go */
};

struct run {
    uint64_t aside; /* chance of its own, so that what it decides moves no other fault */
    struct sim *s;
    struct service services[SERVICES];
    int n_services, n_nodes, memory_mib;
    bool data[NODES + 1], told[NODES + 1]; /* the volume is there; its node has said so */
    bool trace, calm;                      /* calm: all faults have ended */
    uint64_t seed;
    ORC_VEC(struct seen) history;
};

/* ---- reading the store */

struct live { /* as the store said at some moment */
    struct sim_value *task, *status;
    const struct record_task *rec;
    const struct record_status *st; /* NULL: none */
    char node[KEY_NAME_MAX + 1], id[KEY_TASK_MAX + 1];
    int64_t create;
    bool alive;
};

struct lives {
    struct live *at;
    size_t n, cap;
};

static struct lives read_tasks(struct sim *s)
{
    struct lives v = {0};
    struct sim_kv *kv, *next;

    HASH_ITER (hh, s->kvs, kv, next) {
        struct live *l;

        if (!sim_task_of(kv))
            continue;
        l = orc_vec_add(&v);
        l->task = sim_value_hold(kv->value);
        l->rec = sim_task_of(kv);
        l->st = sim_status_of(s, kv);
        if (l->st)
            l->status = sim_value_hold(sim_status_value(s, kv));
        l->create = kv->create;
        memcpy(l->node, kv->parsed.node, sizeof l->node);
        memcpy(l->id, kv->parsed.task, sizeof l->id);
        l->alive = sim_find(s, kv->alive_key) != NULL;
    }
    return v;
}

static void free_tasks(struct lives *v)
{
    struct live *l;

    orc_vec_each (l, v) {
        sim_value_drop(l->task);
        sim_value_drop(l->status);
    }
    orc_vec_release(v);
}

static bool holds(const struct live *l)
{
    return !(l->st && l->st->state >= TASK_STOPPED);
}

static bool is_available(const struct live *l)
{
    return l->rec->desired == TASK_RUN && l->st && l->st->state == TASK_RUNNING &&
           l->st->health == TASK_HEALTHY && l->alive;
}

/* Slots of a service with an available task. */
static int slots_available(const struct lives *v, const char *service)
{
    bool slot[64] = {false};
    const struct live *l;
    int n = 0;

    orc_vec_each (l, v)
        if (strcmp(l->rec->service, service) == 0 && is_available(l))
            slot[l->rec->slot] = true;
    for (int i = 0; i < 64; i++)
        n += slot[i];
    return n;
}

/* ---- what must never happen */

#define broken(r, ...)                                                                                       \
    do {                                                                                                     \
        print_error("seed %llu: ", (unsigned long long)(r)->seed);                                           \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

static void check_capacity(struct run *r, const struct lives *v)
{
    const struct live *a;

    for (int k = 1; k <= r->n_nodes; k++) {
        char node[16];
        int64_t cpu = 0, memory = 0;

        snprintf(node, sizeof node, "k%d", k);
        orc_vec_each (a, v)
            if (strcmp(a->node, node) == 0 && holds(a)) {
                cpu += a->rec->resources.cpus_nano;
                memory += a->rec->resources.memory;
            }
        if (cpu > INT64_C(4000000000) || memory > r->memory_mib * SIM_MIB)
            broken(r, "%s holds more than it has", node);
    }
}

static void check_pair(struct run *r, const struct live *a, const struct live *b)
{
    if (strcmp(a->node, b->node) == 0 && strcmp(a->rec->address, b->rec->address) == 0)
        broken(r, "%s and %s hold the address %s", a->id, b->id, a->rec->address);
    if (strcmp(a->node, b->node) == 0 && a->rec->ports.n && b->rec->ports.n && holds(a) && holds(b) &&
        a->rec->ports.at[0].host == b->rec->ports.at[0].host)
        broken(r, "%s and %s hold one host port", a->id, b->id);
}

static void check_addresses(struct run *r, const struct lives *v)
{
    for (size_t i = 0; i < v->n; i++) {
        unsigned last = (unsigned)atoi(strrchr(v->at[i].rec->address, '.') + 1);

        if (last < 2 || last > 254)
            broken(r, "%s got the address %s", v->at[i].id, v->at[i].rec->address);
        for (size_t k = 0; k < i; k++)
            check_pair(r, &v->at[i], &v->at[k]);
    }
}

static const struct service *service_of(const struct run *r, const char *name)
{
    for (int i = 0; i < r->n_services; i++)
        if (strcmp(r->services[i].name, name) == 0)
            return &r->services[i];
    return NULL;
}

static bool same_slot(const struct live *a, const struct live *b)
{
    return a->rec->slot == b->rec->slot && strcmp(a->rec->service, b->rec->service) == 0;
}

/* One that was made to move its slot to a better place. */
static bool moves_slot(const struct live *l)
{
    return l->rec->reason && strstr(l->rec->reason, ": rebalance: ");
}

/* A slot has one owner, and one more only while a start-first successor becomes ready or it moves to a better
 * place, or when some have just come back that were awaited, from two nodes at most; one on a silent node
 * does not count while it may come back. */
static void check_owners(struct run *r, const struct lives *v)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct live *a = &v->at[i], *b;
        const struct service *x = service_of(r, a->rec->service);
        int n = 0, most = (x->order == SPEC_START_FIRST && !x->volume ? 2 : 1) + (x->disconnect_ms ? 2 : 0);

        orc_vec_each (b, v)
            if (b->rec->desired == TASK_RUN && a->rec->desired == TASK_RUN && same_slot(a, b) &&
                (b->alive || !x->disconnect_ms) && !(x->job && !holds(b))) { /* ended ones stay a while */
                n++;
                most += moves_slot(b) && !x->volume && x->order == SPEC_STOP_FIRST;
            }
        if (n > most)
            broken(r, "slot %d of %s has %d tasks that shall run", a->rec->slot, a->rec->service, n);
    }
}

static const struct live *find(const struct lives *v, const struct live *like)
{
    const struct live *l;

    orc_vec_each (l, v)
        if (strcmp(l->id, like->id) == 0)
            return l;
    return NULL;
}

static bool may_take_new(struct run *r, const char *node)
{
    orc_auto_free char *key = key_node_policy(SIM_CLUSTER, node);
    struct sim_kv *kv = sim_find(r->s, key);
    struct record_node_policy p = {0};
    bool may;

    if (kv)
        record_node_policy_parse(kv->value->text, strlen(kv->value->text), &p, NULL);
    may = sim_node_is_alive(r->s, node) && !p.cordon && !p.drain;
    record_node_policy_release(&p);
    return may;
}

static uint64_t left_at(const struct run *r, const struct live *l)
{
    for (size_t i = 0; i < r->history.n; i++)
        if (strcmp(strchr(r->history.at[i].key, '/') + 1, l->id) == 0)
            return r->history.at[i].left_at;
    return 0;
}

static bool was_alive(const struct lives *decided, const struct live *l)
{
    const struct live *o = find(decided, l);

    return !o || o->alive;
}

/* Told to stop before, and its node was not silent: the scheduler knew. */
static bool was_leaving(const struct lives *decided, const struct live *l)
{
    const struct live *o = find(decided, l);

    return o && o->alive && o->rec->desired != TASK_RUN;
}

/* Whether data may be there that the slot goes to: its node says so, or another service has it there. */
static bool may_have_data(const struct run *r, const struct lives *after, const struct live *made)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (strcmp(l->node, made->node) == 0 && strcmp(l->rec->service, made->rec->service) != 0 &&
            service_of(r, l->rec->service)->volume)
            return true;
    return r->told[atoi(made->node + 1)];
}

static bool has_it(const struct lives *after, const struct live *made, int k)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (l->rec->slot != made->rec->slot && strcmp(l->rec->service, made->rec->service) == 0 &&
            atoi(l->node + 1) == k)
            return true;
    return false;
}

/* Data that no other slot of the service has is not left alone: a slot without a memory goes there. */
static void check_made_by_data(struct run *r, const struct lives *after, const struct live *made)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (l != made && same_slot(l, made))
            return; /* it has a memory */
    for (int k = 1; k <= r->n_nodes && !may_have_data(r, after, made); k++)
        if (r->told[k] && !has_it(after, made, k))
            broken(r, "%s was made on %s, and nobody has the data on k%d", made->id, made->node, k);
}

/* A new task is on a node that may have it, and beside none that must stop first. */
static void check_made(struct run *r, const struct lives *decided, const struct lives *before,
                       const struct lives *after)
{
    const struct live *made, *o;

    orc_vec_each (made, after) {
        bool serves = false;

        if (find(before, made))
            continue;
        if (!may_take_new(r, made->node))
            broken(r, "%s was made on %s, which may not have it", made->id, made->node);
        if (service_of(r, made->rec->service)->volume)
            check_made_by_data(r, after, made);
        orc_vec_each (o, decided)
            serves = serves || (same_slot(o, made) && is_available(o));
        orc_vec_each (o, after)
            if (!serves && o != made && same_slot(o, made) && o->rec->desired != TASK_RUN && holds(o) &&
                o->alive && was_leaving(decided, o) && r->s->now < left_at(r, o) + 70000)
                broken(r, "%s was made before %s had stopped", made->id, o->id);
    }
}

/* `desired` moves forward only, an id is used once. */
static void check_history(struct run *r, const struct lives *v)
{
    const struct live *l;

    orc_vec_each (l, v) {
        struct seen *old;
        char key[256];

        snprintf(key, sizeof key, "%s/%s", l->node, l->id);
        orc_vec_each (old, &r->history)
            if (strcmp(strchr(old->key, '/'), strchr(key, '/')) == 0)
                break;
        if (old == r->history.at + r->history.n) {
            old = orc_vec_add(&r->history);
            snprintf(old->key, sizeof old->key, "%s", key);
            old->create = l->create;
        }
        if (old->create != l->create || strcmp(old->key, key) != 0)
            broken(r, "the id %s was used twice", l->id);
        if (l->rec->desired < old->desired)
            broken(r, "%s was told to run again", l->id);
        if (l->rec->desired != TASK_RUN && !old->left_at)
            old->left_at = r->s->now;
        old->desired = l->rec->desired;
    }
}

/* Data stays where it is, and so does what uses it. */
static void check_volumes(struct run *r, const struct lives *v)
{
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct live *a = &v->at[i], *b = &v->at[k];

            for (int j = 0; j < r->n_services; j++)
                if (r->services[j].volume && strcmp(a->rec->service, r->services[j].name) == 0 &&
                    strcmp(b->rec->service, a->rec->service) == 0 && a->rec->slot == b->rec->slot &&
                    strcmp(a->node, b->node) != 0)
                    broken(r, "%s is on %s, its data is on %s", a->id, a->node, b->node);
        }
}

/* Never more slots than the record says: what closes them is in one transaction with it. Behaviour 35. */
static void check_count(struct run *r, const struct lives *v)
{
    for (int i = 0; i < r->n_services; i++) {
        const char *name = r->services[i].name;
        const struct record_rollout *roll = sim_rollout(r->s, "shop", name);
        bool slot[64] = {false};
        const struct live *l;
        int n = 0;

        orc_vec_each (l, v)
            if (strcmp(l->rec->service, name) == 0 && l->rec->desired == TASK_RUN)
                slot[l->rec->slot] = true;
        for (int k = 0; k < 64; k++)
            n += slot[k];
        if (r->services[i].job) /* counted by check_jobs() */
            continue;
        if (n > (roll ? roll->replicas : 0))
            broken(r, "%s has %d slots and shall have %d", name, n, roll ? roll->replicas : 0);
    }
}

/* An update is complete when what it put out of work has stopped, too. A container that ends late in spite of
 * its time-outs is not waited for (behaviour 56). */
static void check_complete(struct run *r, const struct lives *decided, const struct lives *v)
{
    const struct record_rollout *roll;
    const struct live *l;

    for (int i = 0; i < r->n_services; i++) {
        struct service *x = &r->services[i];
        enum rollout_state was = x->state;

        roll = sim_rollout(r->s, "shop", x->name);
        x->state = roll ? roll->state : ROLLOUT_REMOVING;
        if (was != ROLLOUT_UPDATING || x->state != ROLLOUT_COMPLETE)
            continue;
        orc_vec_each (l, v)
            if (strcmp(l->rec->service, x->name) == 0 && l->rec->desired != TASK_RUN && holds(l) &&
                l->alive && was_alive(decided, l) && r->s->now < left_at(r, l) + 70000)
                broken(r, "%s is complete and %s still stops", x->name, l->id);
    }
}

/* Never more slots with a container on a node than max_replicas_per_node. Behaviour 29. */
static void check_per_node(struct run *r, const struct lives *v)
{
    const struct live *a, *b;

    orc_vec_each (a, v) {
        const struct service *x = service_of(r, a->rec->service);
        bool slot[64] = {false};
        int n = 0;

        orc_vec_each (b, v)
            if (strcmp(b->node, a->node) == 0 && strcmp(b->rec->service, x->name) == 0 && holds(b))
                slot[b->rec->slot] = true;
        for (int k = 0; k < 64; k++)
            n += slot[k];
        if (x->per_node && n > x->per_node)
            broken(r, "%s has %d replicas on %s and may have %d", x->name, n, a->node, x->per_node);
    }
}

static int slots_of(const struct lives *v, const char *service, int64_t revision)
{
    bool slot[64] = {false};
    const struct live *l;
    int n = 0;

    orc_vec_each (l, v)
        if (strcmp(l->rec->service, service) == 0 && l->rec->revision == revision &&
            l->rec->desired == TASK_RUN)
            slot[l->rec->slot] = true;
    for (int i = 0; i < 64; i++)
        n += slot[i];
    return n;
}

/* While people have not said that it goes on, no more than the canaries become of the target; and while it is
 * paused, nothing does (behaviour 55). */
static void check_people(struct run *r, const struct lives *before, const struct lives *after)
{
    for (int i = 0; i < r->n_services; i++) {
        const struct service *x = &r->services[i];
        const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
        int had, have, may;

        if (!roll || x->job || !roll->complete || roll->complete == roll->target)
            continue;
        if (roll->state == ROLLOUT_PAUSED)
            may = 0;
        else if (x->canary && !roll->promoted && roll->target > roll->complete && roll->target > roll->from &&
                 roll->state <= ROLLOUT_CANARY)
            may = x->canary;
        else
            continue;
        had = slots_of(before, x->name, roll->target);
        have = slots_of(after, x->name, roll->target);
        if (have > had && have > may)
            broken(r, "%s is %s and got %d replicas of revision %lld; %d may be", x->name,
                   rollout_state_name(roll->state), have, (long long)roll->target, may);
    }
}

static const struct live *same_task(const struct lives *v, const char *id)
{
    const struct live *l;

    orc_vec_each (l, v)
        if (strcmp(l->id, id) == 0)
            return l;
    return NULL;
}

/* Of a job no task is made beside as many as may be at once, of all its runs. One on a node that was silent
 * when that was decided is not known of; when the node is back, there may be more for a while. */
static void check_jobs(struct run *r, const struct lives *decided, const struct lives *after)
{
    for (int i = 0; i < r->n_services; i++) {
        const struct live *l;
        int n = 0, made = 0;

        if (!r->services[i].job)
            continue;
        orc_vec_each (l, after) {
            const struct live *then = same_task(decided, l->id);

            if (strcmp(l->rec->service, r->services[i].name) != 0 || l->rec->desired != TASK_RUN || !holds(l))
                continue;
            made += !then;
            n += !then || then->alive;
        }
        if (made && n > JOB_AT_ONCE)
            broken(r, "the job %s has %d tasks at once", r->services[i].name, n);
    }
}

static void check_all(struct run *r, const struct lives *v)
{
    check_capacity(r, v);
    check_addresses(r, v);
    check_owners(r, v);
    check_history(r, v);
    check_volumes(r, v);
    check_count(r, v);
    check_per_node(r, v);
}

static int tasks_available(const struct lives *v, const char *service)
{
    const struct live *l;
    int n = 0;

    orc_vec_each (l, v)
        n += strcmp(l->rec->service, service) == 0 && is_available(l);
    return n;
}

/* A drain whose deadline is over takes what is left, whatever was promised. */
static bool was_forced(const struct lives *before, const struct lives *after, const char *service)
{
    const struct live *l, *o;

    orc_vec_each (l, after)
        if (strcmp(l->rec->service, service) == 0 && l->rec->desired != TASK_RUN &&
            strstr(l->rec->stop_reason, "its deadline is over") && (o = find(before, l)) &&
            o->rec->desired == TASK_RUN)
            return true;
    return false;
}

/* The scheduler's own step takes no more than the update policy allows. What failed between its decision and
 * the commit it could not know of: no guard can cover every status. */
static void check_availability(struct run *r, const struct lives *decided, const struct lives *before,
                               const struct lives *after)
{
    for (int i = 0; i < r->n_services; i++) {
        const struct service *x = &r->services[i];
        int had = slots_available(before, x->name), have = slots_available(after, x->name);
        int promised = x->replicas - x->parallelism;

        if (x->job)
            continue;
        if (x->global) /* as many as there are nodes to have them */
            promised = 0;
        if (!x->wanted || have >= had || have >= promised ||
            tasks_available(before, x->name) < tasks_available(decided, x->name) ||
            was_forced(before, after, x->name))
            continue;
        broken(r, "%s has %d of %d available replicas, had %d, and may change %d at once", x->name, have,
               x->replicas, had, x->parallelism);
    }
}

/* What is decided does not depend on the order of feeding. */
static void check_order(struct run *r)
{
    struct sim *s = r->s;
    struct core *mine = s->core;
    char *texts[2];

    for (int i = 0; i < 2; i++) {
        struct plan p = {0};

        s->core = NULL;
        sim_new_leader(s);
        core_step(s->core, s->now, (int64_t)s->now, &p);
        texts[i] = plan_text(&p);
        plan_release(&p);
        core_free(s->core);
    }
    s->core = mine;
    if (strcmp(texts[0], texts[1]) != 0)
        broken(r, "one store, two plans:\n%s---\n%s", texts[0], texts[1]);
    free(texts[0]);
    free(texts[1]);
}

/* ---- the people */

static const char *any_image(struct run *r)
{
    static const char *const images[] = {"good", "good", "good", "good", "sick", "missing", "crash", "stuck"};

    return images[sim_random(r->s) % ORC_ARRAY_SIZE(images)];
}

static void say(struct run *r, const char *fmt, ...) ORC_PRINTF(2, 3);
static void say(struct run *r, const char *fmt, ...)
{
    va_list ap;

    if (!r->trace)
        return;
    printf("%8llu ", (unsigned long long)r->s->now);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

static void apply(struct run *r, struct service *x, const char *image)
{
    struct spec_service *w = sim_spec(x->name, 0, image);
    struct spec_pair *label = orc_vec_add(&w->labels);

    if (!x->wanted)
        x->replicas = 1 + (int)(sim_random(r->s) % 5);
    if (x->global)
        x->replicas = r->n_nodes;
    if (x->port && x->replicas > r->n_nodes) /* more than can ever run would hold every update up */
        x->replicas = r->n_nodes;
    if (x->per_node && x->replicas > r->n_nodes * x->per_node)
        x->replicas = r->n_nodes * x->per_node;
    x->wanted = true;
    label->key = orc_strdup("version");
    label->value = orc_printf("%lld", (long long)++x->revision);
    w->update.parallelism = x->parallelism;
    w->update.order = x->order;
    w->canary = x->canary;
    w->update.max_failure_nano = sim_chance(r->s, 4) ? 300000000 : 0;
    w->progress_deadline_ms = r->calm ? 0 : sim_chance(r->s, 4) ? 20000 : 600000;
    w->max_per_node = x->global ? 0 : x->per_node;
    w->disconnect_ms = x->disconnect_ms;
    w->rebalance_auto = x->rebalances;
    w->rebalance_after_ms = 20000;
    w->global = x->global;
    if (x->job) {
        w->job = true;
        w->replicas = x->global ? SPEC_REPLICAS_DEFAULT : x->replicas;
        w->restart = SPEC_RESTART_NO;
        w->health.kind = SPEC_HEALTH_NONE;
        w->run = (struct spec_run){.max_concurrent = JOB_AT_ONCE, .retries = SPEC_RETRIES_ANY, .keep = 3};
    }
    if (x->global)
        w->replicas = SPEC_REPLICAS_DEFAULT;
    w->strategy = x->packed ? SPEC_BINPACK : SPEC_SPREAD;
    if (x->zones)
        orc_strv_add(&w->spread_over, "node.labels.zone");
    w->update.failure_action = (enum spec_failure_action)(sim_random(r->s) % 3);
    w->update.delay_ms = sim_chance(r->s, 3) ? 2000 : 0;
    if (x->volume)
        orc_vec_push(&w->mounts, ((struct spec_mount){SPEC_MOUNT_VOLUME, orc_strdup("data"),
                                                      orc_strdup("/data"), false}));
    if (x->port)
        orc_vec_push(&w->ports,
                     ((struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80}));
    say(r, "apply %s revision %lld: %s", x->name, (long long)x->revision, image);
    sim_apply(r->s, "shop", x->revision, w);
    sim_scale(r->s, "shop", x->name, x->replicas);
    if (strcmp(image, "good") == 0)
        x->good = x->revision;
}

static void scale(struct run *r, struct service *x)
{
    int n = (int)(sim_random(r->s) % 6);

    say(r, "scale %s to %d", x->name, n);
    sim_scale(r->s, "shop", x->name, n);
    if (!x->global && !x->job)
        x->replicas = n;
}

static void remove_service(struct run *r, struct service *x)
{
    struct record_app a = sim_app(r->s, "shop");
    size_t i = 0;

    say(r, "remove %s", x->name);
    while (strcmp(a.services.at[i].name, x->name) != 0)
        i++;
    free(a.services.at[i].name);
    memmove(&a.services.at[i], &a.services.at[i + 1], (a.services.n - i - 1) * sizeof *a.services.at);
    a.services.n--;
    sim_app_put(r->s, "shop", &a);
    x->wanted = false;
}

static void order(struct run *r, struct service *x)
{
    enum intent_action action = (enum intent_action)(1 + sim_random(r->s) % 3);
    const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
    int64_t revision = sim_chance(r->s, 5) || !roll ? 1 : roll->wanted;

    say(r, "%s %s of revision %lld", intent_action_name(action), x->name, (long long)revision);
    sim_order(r->s, x->name, action, revision);
}

static void person_acts(struct run *r)
{
    struct service *x = &r->services[sim_random(r->s) % (uint64_t)r->n_services];

    switch (sim_random(r->s) % 11) {
    case 0:
    case 1:
        apply(r, x, any_image(r));
        break;
    case 2:
    case 3:
        if (x->wanted)
            scale(r, x);
        break;
    case 4:
        say(r, "restart %s", x->name);
        sim_restart(r->s, "shop", x->name, ++x->epoch);
        break;
    case 5:
        if (x->wanted && x->good) {
            say(r, "point %s to %lld", x->name, (long long)x->good);
            sim_point(r->s, "shop", x->name, x->good);
        }
        break;
    case 6:
        if (x->wanted && sim_chance(r->s, 3))
            remove_service(r, x);
        break;
    case 7:
    case 8:
        order(r, x);
        break;
    case 9:
        say(r, "rebalance %s", x->name);
        sim_rebalance(r->s, "shop", x->name, (int)(sim_random(r->s) % 3));
        break;
    default:
        break;
    }
}

/* ---- the faults */

/* Containers of jobs end: one in three badly. */
static void jobs_end(struct run *r)
{
    struct lives v = read_tasks(r->s);
    struct live *l;

    orc_vec_each (l, &v) {
        struct record_status st = {0};

        if (!service_of(r, l->rec->service)->job || !l->alive || !l->st || l->st->state != TASK_RUNNING ||
            l->rec->desired != TASK_RUN || !sim_chance(r->s, 4))
            continue;
        assert_true(sim_status_copy(r->s, l->node, l->id, &st));
        st.exit_code = sim_chance(r->s, 3);
        st.state = st.exit_code ? TASK_FAILED : TASK_STOPPED;
        st.health = TASK_UNKNOWN;
        say(r, "%s: exit code %d", l->id, st.exit_code);
        sim_status(r->s, l->node, l->id, &st);
        record_status_release(&st);
    }
    free_tasks(&v);
}

static const char *any_node(struct run *r, char name[16])
{
    snprintf(name, 16, "k%d", 1 + (int)(sim_random(r->s) % (uint64_t)r->n_nodes));
    return name;
}

static void break_a_task(struct run *r)
{
    struct lives v = read_tasks(r->s);
    struct live *l = v.n ? &v.at[sim_random(r->s) % v.n] : NULL;
    struct record_status st = {0};

    if (l && l->alive && l->st && l->st->state == TASK_RUNNING && l->rec->desired == TASK_RUN) {
        assert_true(sim_status_copy(r->s, l->node, l->id, &st));
        switch (sim_random(r->s) % 3) {
        case 0:
            st.health = TASK_UNHEALTHY;
            orc_set_str(&st.probe, "HTTP 503");
            break;
        case 1:
            st.state = TASK_FAILED;
            st.health = TASK_UNKNOWN;
            break;
        default:
            st.restarts++;
            st.state = TASK_STARTING;
            st.health = TASK_UNKNOWN;
        }
        say(r, "%s: %s, %s", l->id, task_state_name(st.state), task_health_name(st.health));
        sim_status(r->s, l->node, l->id, &st);
    }
    record_status_release(&st);
    free_tasks(&v);
}

static void fault(struct run *r)
{
    char node[16];

    switch (sim_random(r->s) % 8) {
    case 0:
    case 1:
        any_node(r, node);
        say(r, "%s %s", node, sim_node_is_alive(r->s, node) ? "falls silent" : "is back");
        sim_alive(r->s, node, !sim_node_is_alive(r->s, node));
        break;
    case 2:
        any_node(r, node);
        say(r, "policy of %s", node);
        if (sim_chance(r->s, 6))
            sim_drain(r->s, node, 1 + sim_random(r->s) % 20000);
        else
            sim_policy(r->s, node, sim_chance(r->s, 3), sim_chance(r->s, 4));
        break;
    case 3:
    case 4:
    case 5:
        break_a_task(r);
        break;
    case 6:
        say(r, "another leader");
        sim_new_leader(r->s);
        break;
    default:
        r->s->refuse = !r->s->refuse;
    }
}

/* ---- a run */

/* A store may answer late, or not at all: a transaction that is sent again must not be done twice. */
static void commit(struct run *r, const struct plan *p)
{
    for (size_t i = 0; i < p->txns.n; i++) {
        bool done = sim_commit(r->s, &p->txns.at[i]), head = r->s->head;

        if (!done)
            core_retry(r->s->core, &p->txns.at[i]);
        else if (sim_chance(r->s, 8) && sim_commit(r->s, &p->txns.at[i]))
            broken(r, "a transaction was done twice");
        r->s->head = head;
    }
}

/* One in three is in the first zone. */
static void put_node(struct run *r, int k, const char *avoid)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(r->s, name, k,
                 (struct sim_node_opts){.cpus = 4,
                                        .memory_mib = r->memory_mib,
                                        .label = "zone",
                                        .value = k % 3 ? "b" : "a",
                                        .avoid = avoid,
                                        .volumes = {r->told[k] ? "shop.data" : NULL}});
}

static uint64_t aside(struct run *r, uint64_t one_of)
{
    r->aside++;
    return orc_hash64(r->seed, &r->aside, sizeof r->aside) % one_of;
}

/* What was started has made its volume; the node says so when it looks. */
static void tell_volumes(struct run *r)
{
    struct lives v = read_tasks(r->s);
    const struct live *l;

    orc_vec_each (l, &v)
        if (service_of(r, l->rec->service)->volume && l->st && l->st->state >= TASK_STARTING)
            r->data[atoi(l->node + 1)] = true;
    free_tasks(&v);
    for (int k = 1; k <= r->n_nodes; k++)
        if (r->data[k] && !r->told[k] && aside(r, 3) == 0) {
            r->told[k] = true;
            say(r, "k%d has shop.data", k);
            put_node(r, k, NULL);
        }
}

/* People ask; that must change nothing that is decided afterwards. */
static void ask(struct run *r)
{
    const char *name = r->services[aside(r, (uint64_t)r->n_services)].name;
    struct orc_err ignored = ORC_ERR_INIT;
    struct explain e = {0};
    struct survive v;

    survive_any_node(r->s->core, &v);
    survive_release(&v);
    explain_slot(r->s->core, "shop", name, -1, &e, &ignored);
    explain_release(&e);
}

/* A node's CPU time is stolen, or no more. */
static void press(struct run *r)
{
    int k = 1 + (int)aside(r, (uint64_t)r->n_nodes);

    say(r, "k%d is under pressure, or no more", k);
    put_node(r, k, aside(r, 2) ? "busy" : NULL);
}

/* One step, in which the world may move on between decision and commit. */
static void step(struct run *r)
{
    struct lives decided = read_tasks(r->s), before, after;
    struct plan p = {0};

    core_step(r->s->core, r->s->now, (int64_t)r->s->now, &p);
    if (r->trace) {
        orc_auto_free char *text = plan_text(&p);

        printf("%s", text);
    }
    if (sim_chance(r->s, 6))
        fault(r);
    if (sim_chance(r->s, 6))
        person_acts(r);
    if (aside(r, 30) == 0)
        press(r);
    before = read_tasks(r->s);
    commit(r, &p);
    plan_release(&p);
    if (aside(r, 8) == 0)
        ask(r);
    after = read_tasks(r->s);
    check_made(r, &decided, &before, &after);
    check_jobs(r, &decided, &after);
    check_all(r, &after);
    check_people(r, &before, &after);
    check_availability(r, &decided, &before, &after);
    check_complete(r, &decided, &after);
    free_tasks(&decided);
    free_tasks(&before);
    free_tasks(&after);
}

static void add_node(struct run *r, int k)
{
    sim_node(r->s, 4, r->memory_mib);
    put_node(r, k, NULL);
}

static void setup(struct run *r)
{
    struct sim *s = r->s = sim_new();

    s->random = r->seed * 7919;
    s->slow = 2;
    s->trace = r->trace;
    r->n_nodes = 1 + (int)(sim_random(s) % NODES);
    r->memory_mib = r->n_nodes == 1 ? 1600 : 1000; /* in the end everything fits, in between it may not */
    r->n_services = 1 + (int)(sim_random(s) % SERVICES);
    for (int i = 0; i < r->n_nodes; i++)
        add_node(r, i + 1);
    for (int i = 0; i < r->n_services; i++) {
        snprintf(r->services[i].name, sizeof r->services[i].name, "s%d", i);
        r->services[i].parallelism = 1 + (int)(sim_random(s) % 3); /* of all its revisions */
        r->services[i].order = sim_chance(s, 2) ? SPEC_START_FIRST : SPEC_STOP_FIRST;
        r->services[i].volume = sim_chance(s, 6);
        r->services[i].port = i == 0 && sim_chance(s, 3);
        r->services[i].per_node = sim_chance(s, 4) ? 1 + (int)(sim_random(s) % 2) : 0;
        r->services[i].canary = sim_chance(s, 3) ? 1 + (int)(sim_random(s) % 2) : 0;
        r->services[i].zones = sim_chance(s, 4);
        r->services[i].rebalances = sim_chance(s, 3);
        r->services[i].disconnect_ms = sim_chance(s, 3) ? 1 + sim_random(s) % 60000 : 0;
        r->services[i].packed = sim_chance(s, 4);
        if (!r->services[i].volume && !r->services[i].zones && sim_chance(s, 4)) {
            r->services[i].job = sim_chance(s, 2);
            r->services[i].global = true;
            r->services[i].per_node = 1;
        }
        r->services[i].job = r->services[i].job || sim_chance(s, 6);
        if (r->services[i].job)
            r->services[i].canary = 0, r->services[i].disconnect_ms = 0;
        apply(r, &r->services[i], sim_chance(s, 4) ? any_image(r) : "good");
    }
}

/* All faults end, and everybody wants something that works. */
static void calm_down(struct run *r)
{
    struct sim *s = r->s;

    say(r, "all faults end");
    s->refuse = false;
    s->slow = 0;
    r->calm = true;
    for (int k = 1; k <= r->n_nodes; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        put_node(r, k, NULL);
        sim_alive(s, node, true);
        sim_policy(s, node, false, false);
    }
    for (int i = 0; i < r->n_services; i++)
        apply(r, &r->services[i], r->services[i].job ? "exit0" : "good");
    sim_pass(s, 600000);
    for (int i = 0; i < r->n_services; i++) /* past their canaries */
        sim_order(s, r->services[i].name, INTENT_RESUME, r->services[i].revision);
    sim_pass(s, 600000);
}

static int on_node(struct run *r, const struct service *x, int k)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", k);
    return sim_count(r->s, (struct sim_want){.service = x->name, .node = node, .available = true});
}

static void check_zones(struct run *r, const struct service *x)
{
    int zone[2] = {0};

    for (int k = 1; k <= r->n_nodes; k++)
        zone[k % 3 == 0] += on_node(r, x, k);
    if (r->n_nodes >= 3 && abs(zone[0] - zone[1]) > 1)
        broken(r, "%s has %d replicas in one zone and %d in the other", x->name, zone[0], zone[1]);
}

/* However it came to be where it is: it is evenly spread where it is rebalanced by itself, and else after an
 * undisturbed restart (behaviours 20, 37). */
static void check_spread(struct run *r, struct service *x)
{
    int least = 1000, most = 0;

    if (x->volume || x->port || x->per_node || !x->replicas || x->packed || x->job)
        return;
    if (!x->rebalances) {
        sim_restart(r->s, "shop", x->name, ++x->epoch);
        sim_pass(r->s, 20000);
    }
    if (x->zones) {
        check_zones(r, x);
        return;
    }
    for (int k = 1; k <= r->n_nodes; k++) {
        int n = on_node(r, x, k);

        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (most - least > 1)
        broken(r, "%s has %d replicas on one node and %d on another", x->name, most, least);
}

static void check_rest(struct run *r)
{
    struct sim *s = r->s;
    size_t txns;

    for (int i = 0; i < r->n_services; i++) {
        const struct service *x = &r->services[i];
        int want = x->replicas, can = x->port && want > r->n_nodes ? r->n_nodes : want;
        const struct record_rollout *roll = sim_rollout(s, "shop", x->name);
        int room = x->per_node * r->n_nodes;
        int have =
            sim_count(s, (struct sim_want){.service = x->name, .revision = x->revision, .available = true});

        if (x->job) {
            const struct rollout_run *run = roll->runs.n ? &roll->runs.at[roll->runs.n - 1] : NULL;

            if (roll->state != ROLLOUT_COMPLETE || !run || run->state != RUN_SUCCEEDED ||
                run->completed != (x->global ? r->n_nodes : want))
                broken(r, "the job %s is %s in the end: %s", x->name, rollout_state_name(roll->state),
                       roll->reason ? roll->reason : "");
            continue;
        }
        if (x->per_node && can > room)
            can = room;
        if (x->volume && (x->port || x->per_node)) /* two data on one node, one port: that stays so */
            can = have < can ? have : can;
        if (have != can)
            broken(r, "%s has %d of %d in the end: %s", x->name, have, can, roll->reason ? roll->reason : "");
        if (can == want && roll->state != ROLLOUT_COMPLETE)
            broken(r, "%s is %s in the end: %s", x->name, rollout_state_name(roll->state),
                   roll->reason ? roll->reason : "");
    }
    for (int i = 0; i < r->n_services; i++)
        check_spread(r, &r->services[i]);
    sim_pass(s, 200000); /* what was replaced is collected */
    if (sim_count(s, (struct sim_want){.leaving = true}))
        broken(r, "something is still leaving");
    for (int i = 0; i < r->n_services; i++)
        if (!r->services[i].job && /* of which some that have ended stay */
            sim_count(s, (struct sim_want){.service = r->services[i].name}) > r->services[i].replicas)
            broken(r, "%s has more tasks than replicas", r->services[i].name);
    txns = s->txns;
    sim_new_leader(s);
    sim_pass(s, 400000);
    if (s->txns != txns)
        broken(r, "a new leader finds something to do in a cluster at rest");
}

static void run_seed(uint64_t seed, bool trace)
{
    struct run r = {.seed = seed, .trace = trace};

    setup(&r);
    for (int i = 0; i < ROUNDS; i++) {
        step(&r);
        if (sim_chance(r.s, 3)) {
            sim_act(r.s);
            jobs_end(&r);
            tell_volumes(&r);
        }
        if (sim_chance(r.s, 2))
            r.s->now += sim_random(r.s) % (sim_chance(r.s, 10) ? 20000 : 1500);
        if (sim_chance(r.s, 20))
            fault(&r);
        if (i % 40 == 39)
            check_order(&r);
    }
    calm_down(&r);
    check_rest(&r);
    sim_free(r.s);
    orc_vec_release(&r.history);
}

static uint64_t number(const char *env, uint64_t otherwise)
{
    const char *text = getenv(env);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Behaviours 19, 27, 33, 35, 37, 44, 46, 52, 54, 57, 77, 78, 88, 89. */
static void test_sim__no_history_breaks_an_invariant_and_all_come_to_rest(void **state)
{
    uint64_t one = number("ORC_SIM_SEED", 0), seeds = number("ORC_SIM_SEEDS", SEEDS);

    if (one) {
        run_seed(one, true);
        return;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run_seed(seed, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim__no_history_breaks_an_invariant_and_all_come_to_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
