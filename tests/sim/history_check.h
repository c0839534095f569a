/* history_check.h - what must never happen in a history (history.h), whatever people and faults do: held
 * against the store after each step.
 */
#ifndef TESTS_SIM_HISTORY_CHECK_H
#define TESTS_SIM_HISTORY_CHECK_H

#include "tests/sim/history.h"

#include <arpa/inet.h>

#define broken(r, ...)                                                                                       \
    do {                                                                                                     \
        print_error("seed %llu: ", (unsigned long long)(r)->seed);                                           \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

SIM_FN void check_capacity(struct run *r, const struct lives *v)
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

SIM_FN void check_pair(struct run *r, const struct live *a, const struct live *b)
{
    if (strcmp(a->node, b->node) == 0 && strcmp(a->rec->address, b->rec->address) == 0)
        broken(r, "%s and %s hold the address %s", a->id, b->id, a->rec->address);
    if (strcmp(a->node, b->node) == 0 && a->rec->ports.n && b->rec->ports.n && holds(a) && holds(b) &&
        a->rec->ports.at[0].host == b->rec->ports.at[0].host)
        broken(r, "%s and %s hold one host port", a->id, b->id);
}

SIM_FN void check_addresses(struct run *r, const struct lives *v)
{
    for (size_t i = 0; i < v->n; i++) {
        unsigned last = (unsigned)atoi(strrchr(v->at[i].rec->address, '.') + 1);

        if (last < 2 || last > 254)
            broken(r, "%s got the address %s", v->at[i].id, v->at[i].rec->address);
        for (size_t k = 0; k < i; k++)
            check_pair(r, &v->at[i], &v->at[k]);
    }
}

SIM_FN const struct service *service_of(const struct run *r, const char *name)
{
    for (int i = 0; i < r->n_services; i++)
        if (strcmp(r->services[i].name, name) == 0)
            return &r->services[i];
    return NULL;
}

SIM_FN bool runs_beside(const struct service *x)
{
    return x->scheduled && x->concurrency == SPEC_RUNS_ALLOW;
}

/* Where runs may be side by side each has slots of its own. */
SIM_FN bool same_slot(const struct run *r, const struct live *a, const struct live *b)
{
    return a->rec->slot == b->rec->slot && strcmp(a->rec->service, b->rec->service) == 0 &&
           (a->rec->restart_epoch == b->rec->restart_epoch || !runs_beside(service_of(r, a->rec->service)));
}

/* One that was made to move its slot to a better place. */
SIM_FN bool moves_slot(const struct live *l)
{
    return l->rec->reason && strstr(l->rec->reason, ": rebalance: ");
}

/* A slot has one owner, and one more only while a start-first successor becomes ready or it moves to a better
 * place, or when some have just come back that were awaited, from two nodes at most; one on a silent node
 * does not count while it may come back. */
SIM_FN void check_owners(struct run *r, const struct lives *v)
{
    for (size_t i = 0; i < v->n; i++) {
        const struct live *a = &v->at[i], *b;
        const struct service *x = service_of(r, a->rec->service);
        int n = 0, most = (x->order == SPEC_START_FIRST && !x->volume ? 2 : 1) + (x->disconnect_ms ? 2 : 0);

        orc_vec_each (b, v)
            if (b->rec->desired == TASK_RUN && a->rec->desired == TASK_RUN && same_slot(r, a, b) &&
                (b->alive || !x->disconnect_ms) && !(x->job && !holds(b))) { /* ended ones stay a while */
                n++;
                most += moves_slot(b) && !x->volume && x->order == SPEC_STOP_FIRST;
            }
        if (n > most)
            broken(r, "slot %d of %s has %d tasks that shall run", a->rec->slot, a->rec->service, n);
    }
}

SIM_FN const struct live *find(const struct lives *v, const struct live *like)
{
    const struct live *l;

    orc_vec_each (l, v)
        if (strcmp(l->id, like->id) == 0)
            return l;
    return NULL;
}

SIM_FN bool may_take_new(struct run *r, const char *node)
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

SIM_FN uint64_t left_at(const struct run *r, const struct live *l)
{
    for (size_t i = 0; i < r->history.n; i++)
        if (strcmp(strchr(r->history.at[i].key, '/') + 1, l->id) == 0)
            return r->history.at[i].left_at;
    return 0;
}

SIM_FN bool was_alive(const struct lives *decided, const struct live *l)
{
    const struct live *o = find(decided, l);

    return !o || o->alive;
}

/* Told to stop before, and its node was not silent: the scheduler knew. */
SIM_FN bool was_leaving(const struct lives *decided, const struct live *l)
{
    const struct live *o = find(decided, l);

    return o && o->alive && o->rec->desired != TASK_RUN;
}

/* Whether data may be there that the slot goes to: its node says so, or another service has it there. */
SIM_FN bool may_have_data(const struct run *r, const struct lives *after, const struct live *made)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (strcmp(l->node, made->node) == 0 && strcmp(l->rec->service, made->rec->service) != 0 &&
            service_of(r, l->rec->service)->volume)
            return true;
    return r->told[atoi(made->node + 1)];
}

SIM_FN bool has_it(const struct lives *after, const struct live *made, int k)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (l->rec->slot != made->rec->slot && strcmp(l->rec->service, made->rec->service) == 0 &&
            atoi(l->node + 1) == k)
            return true;
    return false;
}

/* Data that no other slot of the service has is not left alone: a slot without a memory goes there. */
SIM_FN void check_made_by_data(struct run *r, const struct lives *after, const struct live *made)
{
    const struct live *l;

    orc_vec_each (l, after)
        if (l != made && same_slot(r, l, made))
            return; /* it has a memory */
    for (int k = 1; k <= r->n_nodes && !may_have_data(r, after, made); k++)
        if (r->told[k] && !has_it(after, made, k))
            broken(r, "%s was made on %s, and nobody has the data on k%d", made->id, made->node, k);
}

/* A new task is on a node that may have it, and beside none that must stop first. */
SIM_FN void check_made(struct run *r, const struct lives *decided, const struct lives *before,
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
            serves = serves || (same_slot(r, o, made) && is_available(o));
        orc_vec_each (o, after)
            if (!serves && o != made && same_slot(r, o, made) && o->rec->desired != TASK_RUN && holds(o) &&
                o->alive && was_leaving(decided, o) && r->s->now < left_at(r, o) + 70000)
                broken(r, "%s was made before %s had stopped", made->id, o->id);
    }
}

/* `desired` moves forward only, an id is used once. */
SIM_FN void check_history(struct run *r, const struct lives *v)
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
SIM_FN void check_volumes(struct run *r, const struct lives *v)
{
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; k < i; k++) {
            const struct live *a = &v->at[i], *b = &v->at[k];

            for (int j = 0; j < r->n_services; j++)
                if (r->services[j].volume && !runs_beside(&r->services[j]) &&
                    strcmp(a->rec->service, r->services[j].name) == 0 &&
                    strcmp(b->rec->service, a->rec->service) == 0 && a->rec->slot == b->rec->slot &&
                    strcmp(a->node, b->node) != 0)
                    broken(r, "%s is on %s, its data is on %s", a->id, a->node, b->node);
        }
}

/* Never more slots than the record says: what closes them is in one transaction with it. Behaviour 35. */
SIM_FN void check_count(struct run *r, const struct lives *v)
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
SIM_FN void check_complete(struct run *r, const struct lives *decided, const struct lives *v)
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
SIM_FN void check_per_node(struct run *r, const struct lives *v)
{
    const struct live *a, *b;

    orc_vec_each (a, v) {
        const struct service *x = service_of(r, a->rec->service);
        bool slot[64] = {false};
        int n = 0;

        orc_vec_each (b, v)
            if (strcmp(b->node, a->node) == 0 && strcmp(b->rec->service, x->name) == 0 && holds(b)) {
                slot[b->rec->slot] = !runs_beside(x);
                n += runs_beside(x);
            }
        for (int k = 0; k < 64; k++)
            n += slot[k];
        if (x->per_node && n > x->per_node)
            broken(r, "%s has %d replicas on %s and may have %d", x->name, n, a->node, x->per_node);
    }
}

SIM_FN int slots_of(const struct lives *v, const char *service, int64_t revision)
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
SIM_FN void check_people(struct run *r, const struct lives *before, const struct lives *after)
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

SIM_FN const struct live *same_task(const struct lives *v, const char *id)
{
    const struct live *l;

    orc_vec_each (l, v)
        if (strcmp(l->id, id) == 0)
            return l;
    return NULL;
}

SIM_FN void check_all(struct run *r, const struct lives *v)
{
    check_capacity(r, v);
    check_addresses(r, v);
    check_owners(r, v);
    check_history(r, v);
    check_volumes(r, v);
    check_count(r, v);
    check_per_node(r, v);
}

SIM_FN int tasks_available(const struct lives *v, const char *service)
{
    const struct live *l;
    int n = 0;

    orc_vec_each (l, v)
        n += strcmp(l->rec->service, service) == 0 && is_available(l);
    return n;
}

/* A drain whose deadline is over takes what is left, whatever was promised. */
SIM_FN bool was_forced(const struct lives *before, const struct lives *after, const char *service)
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
SIM_FN void check_availability(struct run *r, const struct lives *decided, const struct lives *before,
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
SIM_FN void check_order(struct run *r)
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

#endif
