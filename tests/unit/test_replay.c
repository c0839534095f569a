/* A history of a simulated cluster, recorded, is decided again to the letter; and what was decided otherwise
 * is found. */
#include "scheduler/journal.h"
#include "scheduler/replay.h"
#include "tests/sim/sim.h"

/* The simulated store, and beside its own core one that is fed and stepped as a shell does it, with a
 * recording of all that. */
struct known {
    char *key;
    int64_t mod;
    UT_hash_handle hh;
};

struct run {
    struct sim *s;
    struct core *core;
    struct known *known;
    struct orc_buf b;
};

static void record(struct run *r, struct journal_entry e)
{
    assert_int_equal(journal_write(&r->b, r->b.len, &e), 0);
}

/* Half an hour east of UTC, until one minute after the beginning. */
static int zone(void *arg, const char *name, int64_t utc, int32_t *ret)
{
    *ret = utc < 60 ? 1800 : 3600;
    return strcmp(name, "Test/East") == 0 ? 0 : -1;
}

static struct run begin(uint64_t seed)
{
    struct run r = {.s = sim_new(), .core = core_new(), .b = ORC_BUF_INIT(256 << 20)};

    core_set_zones(r.core, (struct core_zones){zone, NULL});
    r.s->random = seed * 7919;
    r.s->slow = 2;
    orc_buf_puts(&r.b, JOURNAL_MAGIC);
    record(&r, (struct journal_entry){.kind = JOURNAL_BEGIN, .cluster = journal_text(SIM_CLUSTER)});
    record(&r, (struct journal_entry){.kind = JOURNAL_LEAD});
    core_lead(r.core);
    return r;
}

static void finish(struct run *r)
{
    struct known *k, *next;

    HASH_ITER (hh, r->known, k, next) {
        HASH_DEL(r->known, k);
        free(k->key);
        free(k);
    }
    core_free(r->core);
    sim_free(r->s);
    orc_buf_release(&r->b);
}

static void put(struct run *r, const struct sim_kv *kv)
{
    record(r, (struct journal_entry){.kind = JOURNAL_PUT,
                                     .key = journal_text(kv->key),
                                     .value = journal_text(kv->value->text),
                                     .create = kv->create,
                                     .mod = kv->mod});
    sim_feed(r->s, r->core, kv);
}

/* What changed in the store since the last time. */
static void sync_store(struct run *r)
{
    struct sim_kv *kv, *kv_next;
    struct known *k, *next;

    HASH_ITER (hh, r->known, k, next) {
        struct key key;

        if (sim_find(r->s, k->key))
            continue;
        key_parse(SIM_CLUSTER, k->key, &key);
        record(r, (struct journal_entry){.kind = JOURNAL_DELETE, .key = journal_text(k->key)});
        core_feed_delete(r->core, &key);
        HASH_DEL(r->known, k);
        free(k->key);
        free(k);
    }
    HASH_ITER (hh, r->s->kvs, kv, kv_next) {
        HASH_FIND_STR(r->known, kv->key, k);
        if (k && k->mod == kv->mod)
            continue;
        if (!k) {
            k = orc_new(struct known);
            k->key = orc_strdup(kv->key);
            HASH_ADD_KEYPTR(hh, r->known, k->key, strlen(k->key), k);
        }
        k->mod = kv->mod;
        put(r, kv);
    }
}

static void step(struct run *r)
{
    struct sim *s = r->s;
    orc_auto_free char *text = NULL;
    struct plan p = {0};

    sync_store(r);
    core_step(r->core, s->now, (int64_t)s->now, &p);
    text = plan_text(&p);
    record(r, (struct journal_entry){.kind = JOURNAL_STEP,
                                     .now = s->now,
                                     .wall = (int64_t)s->now,
                                     .hash = replay_hash(&p, SIM_CLUSTER),
                                     .text = journal_text(text)});
    for (size_t i = 0; i < p.txns.n; i++) {
        bool done = sim_commit(s, &p.txns.at[i]);

        record(r, (struct journal_entry){.kind = JOURNAL_FATE, .index = i, .committed = done});
        if (!done)
            core_retry(r->core, &p.txns.at[i]);
    }
    plan_release(&p);
}

/* A job that is due each minute of its zone's first hour. */
static struct spec_service *scheduled(const char *name)
{
    struct spec_service *w = sim_spec(name, 1, "exit0");

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->schedule.cron = orc_strdup("* 1 * * *");
    w->schedule.time_zone = orc_strdup("Test/East");
    return w;
}

static void something_happens(struct run *r)
{
    struct sim *s = r->s;
    char node[16], service[16];

    snprintf(node, sizeof node, "k%d", 1 + (int)(sim_random(s) % 3));
    snprintf(service, sizeof service, "s%d", (int)(sim_random(s) % 3));
    switch (sim_random(s) % 9) {
    case 0:
        sim_alive(s, node, !sim_node_is_alive(s, node));
        break;
    case 1:
        sim_policy(s, node, sim_chance(s, 2), sim_chance(s, 2));
        break;
    case 2:
    case 3:
        sim_apply(s, "shop", s->revision, sim_spec(service, (int)(sim_random(s) % 6), "good"));
        break;
    case 4:
        sim_apply(s, "shop", s->revision, sim_spec(service, 2, sim_chance(s, 2) ? "sick" : "crash"));
        break;
    case 5:
        s->refuse = !s->refuse;
        break;
    case 6:
        record(r, (struct journal_entry){.kind = JOURNAL_LEAD});
        core_lead(r->core);
        break;
    case 7:
        sim_put(s, key_app(SIM_CLUSTER, "other"), orc_strdup("{nonsense"));
        break;
    default:
        sim_rm(s, sim_chance(s, 4) ? "shop" : "other");
    }
}

static struct run any_history(uint64_t seed)
{
    struct run r = begin(seed);

    for (int i = 0; i < 3; i++)
        sim_node(r.s, 4, 600);
    sim_apply(r.s, "night", 1, scheduled("report"));
    for (int i = 0; i < 120; i++) {
        if (sim_chance(r.s, 3))
            something_happens(&r);
        step(&r);
        sim_act(r.s);
        r.s->now += sim_random(r.s) % 3000;
    }
    record(&r, (struct journal_entry){.kind = JOURNAL_END, .text = journal_text("test")});
    return r;
}

/* ---- decided again --------------------------------------------------------------------------------------
 */

struct again {
    int r;
    struct replay_result result;
    struct orc_strv lines;
    struct orc_err err;
};

static void keep(const char *text, void *arg)
{
    orc_strv_add(arg, text);
}

static struct again decide_again(const void *data, size_t n)
{
    struct again a = {.err = ORC_ERR_INIT};
    struct replay_opts o = {.line = keep, .arg = &a.lines, .zones = {zone, NULL}};

    a.r = replay_run(data, n, &o, &a.result, &a.err);
    return a;
}

static bool said(const struct again *a, const char *has)
{
    for (size_t i = 0; i < a->lines.n; i++)
        if (strstr(a->lines.at[i], has))
            return true;
    return false;
}

static void test_replay__any_history_is_decided_again_to_the_letter(void **state)
{
    int creates = 0, runs = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct run r = any_history(seed);
        struct again a = decide_again(r.b.data, r.b.len);

        if (a.r < 0)
            fail_msg("seed %llu: %s", (unsigned long long)seed, a.err.msg);
        if (a.result.differ)
            fail_msg("seed %llu: differs at byte %zu:\n%s", (unsigned long long)seed, a.result.differs_at,
                     a.lines.at[a.lines.n > 40 ? 40 : 0]);
        assert_int_equal(a.result.steps, 120);
        assert_in_range(a.result.decisions, 5, 120);
        assert_true(a.result.changes > 20);
        creates += said(&a, "create shop.");
        runs += said(&a, "create night.report.");
        assert_true(said(&a, "the recording ends: test"));
        orc_strv_release(&a.lines);
        finish(&r);
    }
    assert_in_range(creates, 30, 60);
    assert_in_range(runs, 30, 60);
}

/* ---- not as it was --------------------------------------------------------------------------------------
 */

/* A copy, without the nth entry of a kind (0: the first; of fates those that were not committed). */
static struct orc_buf without_entry(const struct orc_buf *b, enum journal_kind kind, size_t nth,
                                    size_t *ret_at)
{
    struct orc_buf copy = ORC_BUF_INIT(256 << 20);
    struct journal_entry e;
    struct journal j;

    *ret_at = 0;
    orc_buf_puts(&copy, JOURNAL_MAGIC);
    assert_int_equal(journal_open(&j, b->data, b->len, NULL), 0);
    while (journal_next(&j, &e, NULL) > 0) {
        if (e.kind == kind && (kind != JOURNAL_FATE || !e.committed) && nth-- == 0)
            *ret_at = copy.len;
        else
            assert_int_equal(journal_write(&copy, copy.len, &e), 0);
    }
    assert_true(*ret_at > 0);
    return copy;
}

/* "web" of two replicas on the first node; where it is refused, in a second try. */
static struct run deployed(bool refused)
{
    struct run r = begin(1);

    sim_node(r.s, 4, 600);
    sim_apply(r.s, "shop", 1, sim_spec("web", 2, "good"));
    r.s->refuse = refused;
    step(&r);
    r.s->refuse = false;
    return r;
}

static struct again end_and_decide_again(struct run *r, enum journal_kind left_out, size_t nth,
                                         size_t *ret_at)
{
    struct orc_buf less;
    struct again a;

    record(r, (struct journal_entry){.kind = JOURNAL_END});
    less = without_entry(&r->b, left_out, nth, ret_at);
    a = decide_again(less.data, less.len);
    orc_buf_release(&less);
    assert_int_equal(a.r, 0);
    return a;
}

static void test_replay__a_change_that_is_missing_is_found_where_it_matters(void **state)
{
    struct run r = deployed(false);
    struct again a;
    size_t at;

    sim_node(r.s, 4, 600);
    step(&r);
    sim_apply(r.s, "shop", 2, sim_spec("api", 2, "good"));
    step(&r);
    a = end_and_decide_again(&r, JOURNAL_PUT, 7, &at); /* alive/k2 */
    assert_true(a.result.differ >= 1);
    assert_true(a.result.differs_at > at);
    assert_true(said(&a, "was decided otherwise"));
    assert_true(said(&a, "  then: create shop.api."));
    assert_true(said(&a, "  now:  create shop.api."));
    orc_strv_release(&a.lines);
    finish(&r);
}

static void test_replay__a_fate_that_is_missing_is_found(void **state)
{
    struct run r = deployed(true);
    struct again a;
    size_t at;

    step(&r);
    a = end_and_decide_again(&r, JOURNAL_FATE, 0, &at);
    assert_int_equal(a.result.differ, 1);
    assert_true(said(&a, "step 2 at 1000 ms"));
    orc_strv_release(&a.lines);
    finish(&r);
}

static void test_replay__another_value_behind_the_same_words_is_found(void **state)
{
    struct run r = deployed(false);
    struct orc_buf other = ORC_BUF_INIT(1 << 20);
    struct journal_entry e;
    struct journal j;
    struct again a;

    record(&r, (struct journal_entry){.kind = JOURNAL_END});
    orc_buf_puts(&other, JOURNAL_MAGIC);
    assert_int_equal(journal_open(&j, r.b.data, r.b.len, NULL), 0);
    while (journal_next(&j, &e, NULL) > 0) {
        e.wall += e.kind == JOURNAL_STEP; /* it stands in the record, not in the words */
        journal_write(&other, other.len, &e);
    }
    a = decide_again(other.data, other.len);
    assert_int_equal(a.r, 0);
    assert_int_equal(a.result.differ, 1);
    assert_true(said(&a, "the same operations, with other guards or values"));
    orc_strv_release(&a.lines);
    orc_buf_release(&other);
    finish(&r);
}

/* ---- not whole ------------------------------------------------------------------------------------------
 */

static void test_replay__a_recording_that_is_cut_off_is_replayed_so_far_and_refused(void **state)
{
    struct run r = any_history(3);
    struct again a = decide_again(r.b.data, r.b.len * 2 / 3);

    assert_int_equal(a.r, -EINVAL);
    assert_non_null(strstr(a.err.msg, "the recording is cut off at byte "));
    assert_in_range(a.result.steps, 10, 119);
    assert_int_equal(a.result.differ, 0);
    orc_strv_release(&a.lines);
    finish(&r);
}

static void test_replay__a_clock_that_goes_back_is_refused(void **state)
{
    struct run r = begin(1);
    struct again a;

    record(&r, (struct journal_entry){.kind = JOURNAL_STEP, .now = 7});
    record(&r, (struct journal_entry){.kind = JOURNAL_STEP, .now = 6});
    a = decide_again(r.b.data, r.b.len);
    assert_int_equal(a.r, -EINVAL);
    assert_non_null(strstr(a.err.msg, "its clock goes from 7 to 6 ms"));
    orc_strv_release(&a.lines);
    finish(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replay__any_history_is_decided_again_to_the_letter),
        cmocka_unit_test(test_replay__a_change_that_is_missing_is_found_where_it_matters),
        cmocka_unit_test(test_replay__a_fate_that_is_missing_is_found),
        cmocka_unit_test(test_replay__another_value_behind_the_same_words_is_found),
        cmocka_unit_test(test_replay__a_recording_that_is_cut_off_is_replayed_so_far_and_refused),
        cmocka_unit_test(test_replay__a_clock_that_goes_back_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
