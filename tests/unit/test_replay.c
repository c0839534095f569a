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

static struct run begin(uint64_t seed)
{
    struct run r = {.s = sim_new(), .core = core_new(), .b = ORC_BUF_INIT(256 << 20)};

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

static void keep(const char *text, void *arg)
{
    orc_strv_add(arg, text);
}

static bool said(const struct orc_strv *v, const char *has)
{
    for (size_t i = 0; i < v->n; i++)
        if (strstr(v->at[i], has))
            return true;
    return false;
}

static void test_replay__any_history_is_decided_again_to_the_letter(void **state)
{
    int creates = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct run r = any_history(seed);
        struct replay_result result;
        struct orc_strv lines = {0};
        struct orc_err err = ORC_ERR_INIT;

        if (replay_run(r.b.data, r.b.len, keep, &lines, &result, &err) < 0)
            fail_msg("seed %llu: %s", (unsigned long long)seed, err.msg);
        if (result.differ)
            fail_msg("seed %llu: differs at byte %zu:\n%s", (unsigned long long)seed, result.differs_at,
                     lines.at[lines.n > 40 ? 40 : 0]);
        assert_int_equal(result.steps, 120);
        assert_in_range(result.decisions, 5, 120);
        assert_true(result.changes > 20);
        creates += said(&lines, "create shop.");
        assert_true(said(&lines, "the recording ends: test"));
        orc_strv_release(&lines);
        finish(&r);
    }
    assert_in_range(creates, 30, 60);
}

/* One entry is left out: from there on it can't be as it was, unless it did not matter. */
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
    return copy;
}

static void test_replay__a_change_that_is_missing_is_found_where_it_matters(void **state)
{
    struct run r = begin(1);
    struct replay_result result;
    struct orc_strv lines = {0};
    struct orc_buf less;
    size_t at;

    sim_node(r.s, 4, 600);
    sim_apply(r.s, "shop", 1, sim_spec("web", 2, "good"));
    step(&r);
    sim_node(r.s, 4, 600);
    step(&r);
    sim_apply(r.s, "shop", 2, sim_spec("api", 2, "good"));
    step(&r);
    record(&r, (struct journal_entry){.kind = JOURNAL_END});
    less = without_entry(&r.b, JOURNAL_PUT, 7, &at); /* alive/k2 */
    assert_true(at > 0);
    assert_int_equal(replay_run(less.data, less.len, keep, &lines, &result, NULL), 0);
    assert_true(result.differ >= 1);
    assert_true(result.differs_at > at);
    assert_true(said(&lines, "was decided otherwise"));
    assert_true(said(&lines, "  then: create shop.api."));
    assert_true(said(&lines, "  now:  create shop.api."));
    orc_strv_release(&lines);
    orc_buf_release(&less);
    finish(&r);
}

static void test_replay__a_fate_that_is_missing_is_found(void **state)
{
    struct run r = begin(1);
    struct replay_result result;
    struct orc_strv lines = {0};
    struct orc_buf less;
    size_t at;

    sim_node(r.s, 4, 600);
    sim_apply(r.s, "shop", 1, sim_spec("web", 2, "good"));
    r.s->refuse = true;
    step(&r);
    r.s->refuse = false;
    step(&r);
    record(&r, (struct journal_entry){.kind = JOURNAL_END});
    less = without_entry(&r.b, JOURNAL_FATE, 0, &at);
    assert_int_equal(replay_run(less.data, less.len, keep, &lines, &result, NULL), 0);
    assert_int_equal(result.differ, 1);
    assert_true(said(&lines, "step 2 at 1000 ms"));
    orc_strv_release(&lines);
    orc_buf_release(&less);
    finish(&r);
}

static void test_replay__another_value_behind_the_same_words_is_found(void **state)
{
    struct run r = begin(1);
    struct replay_result result;
    struct orc_strv lines = {0};
    struct orc_buf other = ORC_BUF_INIT(1 << 20);
    struct journal_entry e;
    struct journal j;

    sim_node(r.s, 4, 600);
    sim_apply(r.s, "shop", 1, sim_spec("web", 1, "good"));
    step(&r);
    record(&r, (struct journal_entry){.kind = JOURNAL_END});
    orc_buf_puts(&other, JOURNAL_MAGIC);
    assert_int_equal(journal_open(&j, r.b.data, r.b.len, NULL), 0);
    while (journal_next(&j, &e, NULL) > 0) {
        e.wall += e.kind == JOURNAL_STEP; /* it stands in the record, not in the words */
        journal_write(&other, other.len, &e);
    }
    assert_int_equal(replay_run(other.data, other.len, keep, &lines, &result, NULL), 0);
    assert_int_equal(result.differ, 1);
    assert_true(said(&lines, "the same operations, with other guards or values"));
    orc_strv_release(&lines);
    orc_buf_release(&other);
    finish(&r);
}

static void test_replay__a_recording_that_is_cut_off_is_replayed_so_far_and_refused(void **state)
{
    struct run r = any_history(3);
    struct replay_result result;
    struct orc_strv lines = {0};
    struct orc_err err = ORC_ERR_INIT;

    assert_int_equal(replay_run(r.b.data, r.b.len * 2 / 3, keep, &lines, &result, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "the recording is cut off at byte "));
    assert_in_range(result.steps, 10, 119);
    assert_int_equal(result.differ, 0);
    orc_strv_release(&lines);
    finish(&r);
}

static void test_replay__a_clock_that_goes_back_is_refused(void **state)
{
    struct run r = begin(1);
    struct replay_result result;
    struct orc_strv lines = {0};
    struct orc_err err = ORC_ERR_INIT;

    record(&r, (struct journal_entry){.kind = JOURNAL_STEP, .now = 7});
    record(&r, (struct journal_entry){.kind = JOURNAL_STEP, .now = 6});
    assert_int_equal(replay_run(r.b.data, r.b.len, keep, &lines, &result, &err), -EINVAL);
    assert_non_null(strstr(err.msg, "its clock goes from 7 to 6 ms"));
    orc_strv_release(&lines);
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
