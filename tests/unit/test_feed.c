/* scheduler/feed*: every sum and index that is kept up to date change by change is, after random histories,
 * what counting the whole store gives; and again what an empty store has when all of it is deleted, in any
 * order.
 */
#include "scheduler/model.h"

#include "scheduler/place_filter.h"
#include "tests/unit/rich_cluster.h"

#define SEEDS 25
#define ROUNDS 60

#define broken(r, ...)                                                                                       \
    do {                                                                                                     \
        print_error("seed %llu: ", (unsigned long long)(r)->seed);                                           \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

static struct core_node *node(const struct rich *r, const char *name)
{
    struct core_node *n = core_node_find(r->s->core, name);

    assert_non_null(n);
    return n;
}

/* ---- what tasks take on their node */

static void check_room(struct rich *r, const struct lives *v, const char *name)
{
    const struct core_node *n = node(r, name);
    int64_t cpus = 0, memory = 0, pids = 0;
    const struct live *l;
    int tasks = 0;

    orc_vec_each (l, v)
        if (strcmp(l->node, name) == 0 && holds(l)) {
            cpus += l->rec->resources.cpus_nano;
            memory += l->rec->resources.memory;
            pids += l->rec->pids;
            tasks++;
        }
    if (n->used.cpus_nano != cpus || n->used.memory != memory || n->pids != pids || n->n_tasks != tasks)
        broken(r, "%s: %d tasks are counted, and there are %d", name, n->n_tasks, tasks);
}

static bool has_port(const struct core_node *n, const char *task, const struct spec_port *port)
{
    const struct core_port *p;
    int found = 0;

    orc_vec_each (p, &n->ports)
        found += strcmp(p->id, task) == 0 && p->port.host == port->host && p->port.udp == port->udp &&
                 strcmp(p->port.host_ip, port->host_ip) == 0;
    return found == 1;
}

/* Each once, and no other. */
static void check_ports(struct rich *r, const struct lives *v, const char *name)
{
    const struct core_node *n = node(r, name);
    const struct live *l;
    size_t count = 0;

    orc_vec_each (l, v)
        for (size_t i = 0; strcmp(l->node, name) == 0 && holds(l) && i < l->rec->ports.n; i++) {
            if (!l->rec->ports.at[i].host)
                continue;
            if (!has_port(n, l->id, &l->rec->ports.at[i]))
                broken(r, "%s: port %u of %s is not counted once", name, l->rec->ports.at[i].host, l->id);
            count++;
        }
    if (n->ports.n != count)
        broken(r, "%s: %zu ports are counted, and there are %zu", name, n->ports.n, count);
}

/* Until the record is collected, whatever became of the container. */
static void check_addresses(struct rich *r, const struct lives *v, const char *name)
{
    const struct core_node *n = node(r, name);

    for (int octet = 2; octet <= 254; octet++) {
        const struct live *l;
        bool held = false;

        orc_vec_each (l, v)
            held = held || (strcmp(l->node, name) == 0 && l->rec->address &&
                            atoi(strrchr(l->rec->address, '.') + 1) == octet);
        if (place_address_free(n, octet) == held)
            broken(r, "%s: the address .%d is %sheld", name, octet, held ? "" : "not ");
    }
}

/* ---- indexes */

static bool is_listed(const struct core_node *first, const struct core_node *n)
{
    for (; first; first = first->missing_next)
        if (first == n)
            return true;
    return false;
}

static void check_nodes(struct rich *r, const struct lives *v)
{
    for (int k = 1; k <= r->n_nodes; k++) {
        struct record_node rec;
        struct core_node *n;
        char name[16];

        n = node(r, rich_node_name(k, name));
        rec = rich_node(r, name);
        check_room(r, v, name);
        check_ports(r, v, name);
        check_addresses(r, v, name);
        assert_int_equal(core_node_alive(n), sim_node_is_alive(r->s, name));
        assert_int_equal(is_listed(r->s->core->missing, n), !sim_node_is_alive(r->s, name));
        assert_int_equal(place_room(n).memory, rec.capacity.memory - rec.reserve.memory);
        assert_int_equal(place_room(n).cpus_nano, rec.capacity.cpus_nano - rec.reserve.cpus_nano);
        assert_true(r->s->core->row_nodes.at[n->row] == n);
        record_node_release(&rec);
    }
    assert_int_equal(r->s->core->row_nodes.n, HASH_COUNT(r->s->core->nodes));
}

/* By slot and attempt, each once, under its own node. */
static void check_tasks(struct rich *r, const struct lives *v)
{
    size_t count = 0;

    for (int i = 0; i < r->n_services; i++) {
        const struct core_service *s = core_service_find(r->s->core, "shop", r->services[i].name);
        const struct core_task *t, *before = NULL;
        int tasks = 0;

        if (!s)
            continue;
        core_each_task (t, s) {
            if (before &&
                (t->slot < before->slot || (t->slot == before->slot && t->attempt <= before->attempt)))
                broken(r, "tasks of %s are not in order", s->name);
            before = t;
            tasks++;
            count += core_task_known(t);
        }
        assert_int_equal(s->n_tasks, tasks);
    }
    assert_int_equal(count, v->n);
}

/* Everything that asks for room, against everything that has some. */
static void check_demand(struct rich *r)
{
    struct core_service *s, *s_next;
    struct core_node *n, *n_next;
    __int128 asked = 0, offered = 0;

    HASH_ITER (hh, r->s->core->services, s, s_next)
        asked += (__int128)s->asked.memory * s->asked_replicas;
    HASH_ITER (hh, r->s->core->nodes, n, n_next)
        offered += n->offered.memory;
    assert_true(r->s->core->asked.memory == asked);
    assert_true(r->s->core->offered.memory == offered);
}

static void test_feed__sums_and_indexes_are_what_counting_gives(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct rich r;

        rich_begin(&r, seed, false);
        for (int i = 0; i < ROUNDS; i++) {
            struct lives v;

            free(sim_step(r.s));
            rich_between(&r);
            v = read_tasks(r.s);
            check_nodes(&r, &v);
            check_tasks(&r, &v);
            check_demand(&r);
            free_tasks(&v);
        }
        rich_end(&r);
    }
}

/* ---- and down to nothing */

static struct sim_kv *any_key(struct rich *r)
{
    uint64_t at = sim_random(r->s) % HASH_COUNT(r->s->kvs);
    struct sim_kv *kv = r->s->kvs;

    while (at--)
        kv = kv->hh.next;
    return kv;
}

static void test_feed__of_a_store_that_was_emptied_nothing_is_left(void **state)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct core *c;
        struct rich r;

        rich_begin(&r, seed, false);
        for (int i = 0; i < ROUNDS; i++) {
            free(sim_step(r.s));
            rich_between(&r);
        }
        while (r.s->kvs)
            sim_del(r.s, orc_strdup(any_key(&r)->key));
        c = r.s->core;
        if (HASH_COUNT(c->nodes) || HASH_COUNT(c->services) || HASH_COUNT(c->apps) ||
            HASH_COUNT(c->volumes) || c->missing || c->removed || c->orphans || c->leaving || c->rows.n ||
            c->asked.memory || c->offered.memory)
            broken(&r, "%u nodes, %u services, %u apps, %u volumes are left", HASH_COUNT(c->nodes),
                   HASH_COUNT(c->services), HASH_COUNT(c->apps), HASH_COUNT(c->volumes));
        rich_end(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed__sums_and_indexes_are_what_counting_gives),
        cmocka_unit_test(test_feed__of_a_store_that_was_emptied_nothing_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
