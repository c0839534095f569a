/* What is kept of slots that are well, held against looking at all of them: the table against counting, the
 * slots against building them, and every plan against that of a core which has forgotten all before each
 * step. */
#include "scheduler/rollout.h"
#include "tests/sim/sim.h"

#define HISTORIES 120
#define CHANGES 40
#define SERVICES 5
#define NODES 7

/* ---- the table --------------------------------------------------------------------------------------- */

#define SLOTS 90
#define ROWS 40

struct slot_told {
    bool well, marked;
    uint32_t row;
};

static void expect_counts(const struct core_kept *k, const struct slot_told told[SLOTS], bool begun)
{
    int on[ROWS] = {0};
    size_t well = 0;

    for (int i = 0; i < SLOTS; i++) {
        bool counts = told[i].well && !(begun && told[i].marked);

        on[told[i].row] += counts;
        well += counts;
        assert_int_equal(kept_is_well(k, i), counts);
    }
    assert_int_equal(k->well, well);
    for (uint32_t r = 0; r < ROWS; r++)
        assert_int_equal(kept_on(k, r), on[r]);
}

static void test_kept__counts_what_it_is_told(void **state)
{
    struct core_kept *k = kept_new(1, 0);
    struct slot_told told[SLOTS] = {0};
    struct sim s = {.random = 5};

    for (int round = 0; round < 3000; round++) {
        int slot = (int)(sim_random(&s) % SLOTS);

        if (!sim_chance(&s, 8)) {
            kept_mark(k, slot);
            told[slot].marked = true;
            continue;
        }
        expect_counts(k, told, false);
        kept_begin(k);
        expect_counts(k, told, true);
        for (size_t i = 1; i < k->marked.n; i++)
            assert_true(k->marked.at[i - 1] < k->marked.at[i]);
        kept_end(k);
        for (int i = 0; i < SLOTS; i++) {
            if (!told[i].marked)
                continue;
            told[i] =
                (struct slot_told){.well = !sim_chance(&s, 4), .row = (uint32_t)(sim_random(&s) % ROWS)};
            if (told[i].well)
                kept_set(k, i, told[i].row);
        }
        expect_counts(k, told, false);
    }
    kept_free(k);
}

/* Rows that have none any more are forgotten when room is needed: the table is as large as what is in it. */
static void test_kept__rows_that_come_and_go_leave_nothing(void **state)
{
    struct core_kept *k = kept_new(1, 0);

    kept_set(k, SLOTS, 0); /* stays */
    for (int round = 0; round < 50; round++) {
        for (int slot = 0; slot < SLOTS; slot++)
            kept_set(k, slot, (uint32_t)(1 + round * SLOTS + slot));
        assert_int_equal(k->well, SLOTS + 1);
        assert_true(k->rows <= k->on.n);
        assert_in_range(k->on.n, SLOTS + 1, 8 * SLOTS);
        for (int slot = 0; slot < SLOTS; slot++)
            kept_mark(k, slot);
        kept_begin(k);
        kept_end(k);
        assert_int_equal(k->well, 1);
        assert_int_equal(kept_on(k, 0), 1);
        for (int slot = 0; slot < SLOTS; slot++)
            assert_int_equal(kept_on(k, (uint32_t)(1 + round * SLOTS + slot)), 0);
    }
    kept_free(k);
}

static void test_kept__a_row_that_does_not_fit_is_looked_at_each_time(void **state)
{
    struct core_kept *k = kept_new(1, 0);

    kept_set(k, 0, KEPT_ROWS_MAX);
    kept_set(k, 1, KEPT_ROWS_MAX + 1);
    assert_true(kept_is_well(k, 0));
    assert_int_equal(kept_on(k, KEPT_ROWS_MAX), 1);
    assert_false(kept_is_well(k, 1));
    assert_int_equal(k->marked.n, 1);
    kept_mark(NULL, 3); /* of a service of which nothing is kept */
    kept_free(k);
}

/* ---- histories --------------------------------------------------------------------------------------- */

static struct spec_service *spec(struct sim *s, int i)
{
    static const char *const images[] = {"good", "good", "good", "good", "good", "good", "sick", "crash"};
    char name[16];
    struct spec_service *w;

    snprintf(name, sizeof name, "s%d", i);
    w = sim_spec(name, (int)(sim_random(s) % 9), images[sim_random(s) % ORC_ARRAY_SIZE(images)]);
    w->limits.memory = (int64_t)(50 + sim_random(s) % 200) * SIM_MIB;
    if (sim_chance(s, 5))
        w->health.kind = SPEC_HEALTH_NONE;
    if (sim_chance(s, 4))
        *orc_vec_add(&w->constraints) =
            (struct spec_constraint){orc_strdup("node.labels.disk"), true, orc_strdup("ssd")};
    if (sim_chance(s, 6))
        w->max_per_node = 1 + (int)(sim_random(s) % 3);
    if (sim_chance(s, 6))
        orc_strv_add(&w->spread_over, "node.labels.disk");
    if (sim_chance(s, 6))
        w->strategy = SPEC_BINPACK;
    if (sim_chance(s, 6))
        w->disconnect_ms = 20000;
    if (sim_chance(s, 8))
        w->rebalance_auto = true;
    w->update.order = sim_chance(s, 2) ? SPEC_START_FIRST : SPEC_STOP_FIRST;
    return w;
}

static const char *node_name(int k, char ret[16])
{
    snprintf(ret, 16, "k%d", k);
    return ret;
}

static void node(struct sim *s, int k)
{
    char name[16];

    sim_node_put(s, node_name(k, name), k,
                 (struct sim_node_opts){.cpus = 4,
                                        .memory_mib = (int64_t)(1000 + sim_random(s) % 2000),
                                        .label = "disk",
                                        .value = sim_chance(s, 3) ? "hdd" : "ssd",
                                        .not_ready = sim_chance(s, 10) ? "no" : NULL});
}

static void turn(struct sim *s, const char *service)
{
    char id[KEY_TASK_MAX + 1], at[KEY_NAME_MAX + 1];
    int slot = (int)(sim_random(s) % 2); /* mostly one that has failed before */
    struct record_status st = {0};

    if (!sim_task_in(s, service, slot, id, at) || !sim_status_copy(s, at, id, &st))
        return;
    record_status_release(&st);
    if (sim_chance(s, 2))
        sim_sicken(s, service, slot);
    else
        sim_turn(s, service, slot, TASK_FAILED, TASK_UNKNOWN, NULL);
}

/* A person's hand in the store. */
static void spoil(struct sim *s, const char *service)
{
    char id[KEY_TASK_MAX + 1], at[KEY_NAME_MAX + 1];

    if (!sim_task_in(s, service, (int)(sim_random(s) % 9), id, at))
        return;
    if (sim_chance(s, 2))
        sim_put(s, key_task(SIM_CLUSTER, at, id), orc_strdup("no JSON"));
    else
        sim_del(s, key_task(SIM_CLUSTER, at, id));
}

static void change(struct sim *s)
{
    int k = 1 + (int)(sim_random(s) % NODES), i = (int)(sim_random(s) % SERVICES);
    char name[16], service[16];

    node_name(k, name);
    snprintf(service, sizeof service, "s%d", i);
    switch (sim_random(s) % 16) {
    case 0:
    case 1:
        sim_policy(s, name, sim_chance(s, 3), sim_chance(s, 2));
        break;
    case 2:
        node(s, k);
        break;
    case 3:
    case 4:
        sim_alive(s, name, sim_chance(s, 2));
        break;
    case 5:
        sim_boot(s, name, (int)(sim_random(s) % 3));
        break;
    case 6:
        sim_apply(s, "shop", sim_chance(s, 3) ? 1 : (int64_t)s->revision, spec(s, i)); /* 1: rewritten */
        break;
    case 7:
        sim_scale(s, "shop", service, (int)(sim_random(s) % 9));
        break;
    case 8:
        sim_restart(s, "shop", service, s->revision);
        break;
    case 9:
        if (sim_chance(s, 2))
            sim_del(s, key_rollout(SIM_CLUSTER, "shop", service));
        else
            sim_rebalance(s, "shop", service, 0);
        break;
    case 10:
        sim_drain(s, name, 5000);
        break;
    case 11:
        spoil(s, service);
        break;
    case 12:
        sim_del(s, key_node(SIM_CLUSTER, name));
        break;
    default:
        turn(s, service);
    }
}

/* ---- kept and built ---------------------------------------------------------------------------------- */

static bool is_marked(const struct core_kept *k, int slot)
{
    const int *n;

    orc_vec_each (n, &k->marked)
        if (*n == slot)
            return true;
    return false;
}

/* Each slot that has tasks is well, as when all are built, or marked. */
static size_t expect_as_built(struct sim *s, struct core_service *x)
{
    const struct core_kept *k = x->kept;
    struct record_rollout r = {.state = ROLLOUT_COMPLETE};
    int on[NODES + 1] = {0}, all = 0;
    const struct slot *slot;
    struct slots v;

    r.target = r.complete = r.wanted = k->target;
    r.restart_epoch = k->restart_epoch;
    slots_build(&v, s->core, x, &r);
    orc_vec_each (slot, &v.at) {
        if (is_marked(k, slot->n))
            continue;
        assert_true(slot->well);
        assert_true(kept_is_well(k, slot->n));
        on[slot->head->node->row]++;
        all++;
    }
    for (size_t i = 0; i < k->marked.n; i++) /* they still count, on the nodes where they were */
        all += kept_is_well(k, k->marked.at[i]);
    assert_int_equal(k->well, all);
    for (uint32_t row = 0; row < s->core->rows.n; row++)
        assert_true(kept_on(k, row) >= on[row]);
    slots_release(&v);
    return k->well;
}

static size_t expect_all_as_built(struct sim *s)
{
    struct core_service *x, *next;
    size_t well = 0;

    HASH_ITER (hh, s->core->services, x, next)
        if (x->kept)
            well += expect_as_built(s, x);
    return well;
}

static void forget_all(struct sim *s)
{
    struct core_service *x, *next;

    HASH_ITER (hh, s->core->services, x, next)
        x->kept = kept_free(x->kept);
}

/* The same happens to both. */
struct twins {
    struct sim *keeps, *forgets;
    uint64_t seed;
    size_t well;
};

static void step(struct twins *t)
{
    orc_auto_free char *kept = NULL, *built = NULL;

    t->well += expect_all_as_built(t->keeps);
    kept = sim_step(t->keeps);
    forget_all(t->forgets);
    built = sim_step(t->forgets);
    if (strcmp(kept, built) != 0)
        fail_msg("seed %llu, at %llu: with what is kept:\n%s\nby looking at all:\n%s",
                 (unsigned long long)t->seed, (unsigned long long)t->keeps->now, kept, built);
    assert_int_equal(core_next(t->keeps->core), core_next(t->forgets->core));
    assert_int_equal(sim_act(t->keeps), sim_act(t->forgets));
}

static struct sim *begin(uint64_t seed)
{
    struct sim *s = sim_new();

    s->random = seed;
    for (int k = 1; k <= NODES; k++) {
        char name[16];

        node(s, k);
        sim_alive(s, node_name(k, name), true);
    }
    for (int i = 0; i < SERVICES; i++)
        sim_apply(s, "shop", 1, spec(s, i));
    return s;
}

static size_t history(uint64_t seed)
{
    struct twins t = {.keeps = begin(seed), .forgets = begin(seed), .seed = seed};

    for (int i = 0; i < CHANGES; i++) {
        int steps = 1 + (int)(sim_random(t.keeps) % 12);
        uint64_t ms = sim_random(t.keeps) % 8000;

        t.forgets->random = t.keeps->random;
        for (int n = 0; n < steps; n++)
            step(&t);
        t.keeps->now += ms;
        t.forgets->now += ms;
        change(t.keeps);
        change(t.forgets);
        t.keeps->deaf = t.forgets->deaf = i % 8 > 4 ? "k3" : NULL;
    }
    sim_free(t.keeps);
    sim_free(t.forgets);
    return t.well;
}

static void test_kept__every_plan_is_that_of_looking_at_all(void **state)
{
    const char *env = getenv("ORC_KEPT_HISTORIES");
    uint64_t histories = env ? strtoull(env, NULL, 10) : HISTORIES;
    size_t well = 0;

    for (uint64_t seed = 1; seed <= histories; seed++)
        well += history(seed);
    assert_true(well > histories * 1000); /* otherwise nothing was tried */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept__counts_what_it_is_told),
        cmocka_unit_test(test_kept__a_row_that_does_not_fit_is_looked_at_each_time),
        cmocka_unit_test(test_kept__every_plan_is_that_of_looking_at_all),
        cmocka_unit_test(test_kept__rows_that_come_and_go_leave_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
