/* scheduler/lanes: after whatever happens to nodes, the lanes hold what the rows say, each node has one,
 * blocks are of nodes alike and are not wasted; and what is passed over is no better.
 */
#include "scheduler/lanes.h"
#include "scheduler/rank.h"
#include "tests/sim/sim.h"

#include <float.h>
#include <math.h>

/* ---- held against the rows */

static void assert_lane(const struct core *c, const struct core_node *n)
{
    const struct core_row *r = &c->rows.at[n->row];
    const struct core_lanes *l = &c->lanes.at[n->lane / CORE_LANES];
    const struct core_block *b = &c->blocks.at[n->lane / CORE_LANES];
    uint32_t i = n->lane % CORE_LANES;

    assert_int_equal(b->rows[i], n->row);
    assert_int_equal(b->hash[i], r->hash);
    assert_true(l->per_cpus[i] == r->per_cpus && l->per_memory[i] == r->per_memory);
    assert_true(l->cpus[i] == (r->closed ? INFINITY : (float)r->used.cpus_nano * r->per_cpus));
    assert_true(l->memory[i] == (r->closed ? INFINITY : (float)r->used.memory * r->per_memory));
    assert_true(l->tasks[i] == (float)r->tasks);
}

/* No node is there: nothing that is asked for makes it better than any. */
static void assert_free_lane(const struct core_lanes *l, uint32_t i)
{
    assert_true(isinf(l->cpus[i]) && isinf(l->memory[i]) && isinf(l->tasks[i]));
    assert_true(l->per_cpus[i] == FLT_MAX && l->per_memory[i] == FLT_MAX);
}

static bool alike(int64_t a, int64_t b)
{
    return a == b || ((float)a < 1.25f * (float)b && (float)b < 1.25f * (float)a);
}

static void assert_block(const struct core *c, uint32_t block)
{
    const struct core_block *b = &c->blocks.at[block];
    const struct core_row *first = NULL;
    uint32_t used = 0;

    for (uint32_t i = 0; i < CORE_LANES; i++) {
        const struct core_row *r = b->rows[i] == UINT32_MAX ? NULL : &c->rows.at[b->rows[i]];

        if (!r) {
            assert_free_lane(&c->lanes.at[block], i);
            continue;
        }
        used++;
        first = first ? first : r;
        assert_int_equal(c->row_nodes.at[b->rows[i]]->lane, block * CORE_LANES + i);
        assert_true(alike(first->room.cpus_nano, r->room.cpus_nano) &&
                    alike(first->room.memory, r->room.memory));
    }
    assert_int_equal(b->n, used);
}

static float least(const float x[CORE_LANES])
{
    float ret = INFINITY;

    for (int i = 0; i < CORE_LANES; i++)
        ret = x[i] < ret ? x[i] : ret;
    return ret;
}

static void assert_least(const struct core *c, uint32_t block)
{
    const struct core_lanes *l = &c->lanes.at[block], *x = &c->lanes_least.at[block / CORE_LANES];
    uint32_t i = block % CORE_LANES;

    assert_false(c->blocks.at[block].stale);
    assert_true(x->cpus[i] == least(l->cpus) && x->memory[i] == least(l->memory));
    assert_true(x->per_cpus[i] == least(l->per_cpus) && x->per_memory[i] == least(l->per_memory));
    assert_true(x->tasks[i] == least(l->tasks));
}

static void assert_lanes(struct core *c)
{
    struct core_node *n, *next;

    HASH_ITER (hh, c->nodes, n, next)
        assert_lane(c, n);
    assert_true(c->stale_blocks.n <= c->blocks.n); /* each once */
    lanes_find_least(c);
    assert_int_equal(c->stale_blocks.n, 0);
    assert_int_equal(c->lanes_least.n, (c->blocks.n + CORE_LANES - 1) / CORE_LANES);
    for (uint32_t i = 0; i < c->blocks.n; i++) {
        assert_block(c, i);
        assert_least(c, i);
    }
    for (uint32_t i = (uint32_t)c->blocks.n; i < c->lanes_least.n * CORE_LANES; i++)
        assert_free_lane(&c->lanes_least.at[i / CORE_LANES], i % CORE_LANES);
}

static void resize(struct sim *s, int k, double cpus, int64_t memory_mib)
{
    orc_auto_free char *name = orc_printf("k%d", k);

    sim_node_put(s, name, k, (struct sim_node_opts){.cpus = cpus, .memory_mib = memory_mib});
}

static void happen(struct sim *s, int nodes)
{
    int k = 1 + (int)(sim_random(s) % (uint64_t)nodes);
    orc_auto_free char *name = orc_printf("k%d", k);

    switch (sim_random(s) % 6) {
    case 0:
        sim_policy(s, name, sim_chance(s, 2), sim_chance(s, 4));
        break;
    case 1:
        resize(s, k, 1 << sim_random(s) % 5, (int64_t)1000 << sim_random(s) % 5);
        sim_alive(s, name, true);
        break;
    case 2:
        sim_alive(s, name, false);
        sim_del(s, key_node(SIM_CLUSTER, name));
        sim_del(s, key_node_policy(SIM_CLUSTER, name));
        break;
    default:
        sim_scale(s, "shop", "web", (int)(sim_random(s) % 60));
    }
}

static void test_lanes__whatever_happens_they_hold_what_the_rows_say(void **state)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int nodes = seed % 5 ? 1 + (int)(seed * 7 % 40) : 300;
        struct sim *s = sim_of(nodes);

        s->random = seed * 7919;
        sim_apply(s, "shop", 1, sim_spec("web", 20, "good"));
        for (int i = 0; i < 60; i++) {
            happen(s, nodes);
            sim_pass(s, 1000);
            assert_lanes(s->core);
        }
        sim_free(s);
    }
}

/* ---- blocks */

static size_t used_blocks(const struct core *c)
{
    const struct core_block *b;
    size_t n = 0;

    orc_vec_each (b, &c->blocks)
        n += b->n > 0;
    return n;
}

static void test_lanes__nodes_alike_fill_blocks(void **state)
{
    static const int rows[][2] = {{1, 1}, {15, 1}, {16, 1}, {17, 2}, {32, 2}, {33, 3}, {240, 15}, {257, 17}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(rows); i++) {
        struct sim *s = sim_of(rows[i][0]);

        sim_decide(s);
        assert_int_equal(used_blocks(s->core), rows[i][1]);
        assert_in_range(s->core->blocks.n, rows[i][1], rows[i][1] + 1); /* before its size was known */
        assert_lanes(s->core);
        sim_free(s);
    }
}

/* By their CPUs and by their memory. */
static void test_lanes__other_sizes_have_blocks_of_their_own(void **state)
{
    struct sim *s = sim_of(3);

    sim_node(s, 8, 16000);
    sim_node(s, 16, 8000);
    sim_decide(s);
    assert_int_equal(used_blocks(s->core), 3);
    assert_lanes(s->core);
    sim_free(s);
}

/* What nodes leave behind is used again, however often they come, go or change. */
static void test_lanes__blocks_are_used_again(void **state)
{
    struct sim *s = sim_of(20);

    sim_decide(s);
    for (int i = 0; i < 200; i++) {
        resize(s, 1, 1 + i % 50, 20000 + 900 * (i % 37));
        sim_decide(s);
        assert_int_equal(used_blocks(s->core), 3);
        assert_in_range(s->core->blocks.n, 3, 4);
    }
    for (int i = 0; i < 50; i++) {
        sim_alive(s, "k7", false);
        sim_del(s, key_node(SIM_CLUSTER, "k7"));
        sim_pass(s, 1000);
        resize(s, 7, 8, 8000);
        sim_alive(s, "k7", true);
        sim_pass(s, 1000);
        assert_in_range(s->core->blocks.n, 3, 4);
    }
    assert_lanes(s->core);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lanes__whatever_happens_they_hold_what_the_rows_say),
        cmocka_unit_test(test_lanes__nodes_alike_fill_blocks),
        cmocka_unit_test(test_lanes__other_sizes_have_blocks_of_their_own),
        cmocka_unit_test(test_lanes__blocks_are_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
