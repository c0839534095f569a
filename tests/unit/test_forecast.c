/* What is foretold is what then happens: the forecast of a change beside a simulated cluster that gets it. */
#include "cli/cluster.h"
#include "scheduler/forecast.h"
#include "tests/sim/sim.h"

#include <stdlib.h>

/* ---- a forecast of what a simulated store holds */

static int by_chance(const void *a, const void *b)
{
    return orc_hash64_str(7, (*(struct sim_kv *const *)a)->key) <
                   orc_hash64_str(7, (*(struct sim_kv *const *)b)->key)
               ? -1
               : 1;
}

/* Two hours east of UTC. */
static int zone_of(void *arg, const char *zone, int64_t utc, int32_t *ret)
{
    *ret = 7200;
    return strcmp(zone, "Test/East") == 0 ? 0 : -1;
}

/* Fed in the store's order of the moment, or (shuffled) in one of chance. */
static struct forecast *of(struct sim *s, bool shuffled)
{
    struct forecast *f = forecast_new((int64_t)s->now, (struct core_zones){zone_of, NULL});
    ORC_VEC(struct sim_kv *) all = {0};
    struct sim_kv *kv, *next;
    struct cluster_entry *e;
    struct cluster c;

    cluster_init(&c, SIM_CLUSTER);
    HASH_ITER (hh, s->kvs, kv, next)
        orc_vec_push(&all, kv);
    if (shuffled && all.n)
        qsort(all.at, all.n, sizeof *all.at, by_chance);
    for (size_t i = 0; i < all.n; i++)
        cluster_put(&c, all.at[i]->key, all.at[i]->value->text, strlen(all.at[i]->value->text),
                    all.at[i]->create, all.at[i]->mod);
    for (e = c.entries; e; e = e->hh.next)
        forecast_put(f, &e->key, e->problem ? NULL : &e->as, e->create_revision, e->mod_revision);
    orc_vec_release(&all);
    cluster_release(&c);
    return f;
}

static struct forecast_result foretold(struct sim *s)
{
    struct forecast *f = of(s, false);
    struct forecast_result r;

    forecast_run(f, &r);
    forecast_free(f);
    return r;
}

static struct forecast_result without_fed(struct sim *s, const char *node, bool shuffled)
{
    struct forecast *f = of(s, shuffled);
    struct key key = {.kind = KEY_ALIVE};
    struct forecast_result r;

    snprintf(key.node, sizeof key.node, "%s", node);
    forecast_delete(f, &key);
    forecast_run(f, &r);
    forecast_free(f);
    return r;
}

static struct forecast_result without(struct sim *s, const char *node)
{
    return without_fed(s, node, false);
}

/* ---- as text */

static bool on_task(const char *line)
{
    return strncmp(line, "create ", 7) == 0 || strncmp(line, "remove ", 7) == 0 ||
           strncmp(line, "drain ", 6) == 0;
}

static void add_ops(struct orc_strv *v, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        orc_auto_free char *line = orc_strndup(text, n);

        if (on_task(line))
            orc_strv_add(v, line);
        text += n + (text[n] == '\n');
    }
}

static int line_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *joined(struct orc_strv *v, bool sorted)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 22);

    if (sorted && v->n)
        qsort(v->at, v->n, sizeof *v->at, line_cmp);
    for (size_t i = 0; i < v->n; i++)
        orc_buf_printf(&b, "%s\n", v->at[i]);
    orc_strv_release(v);
    return orc_buf_take(&b);
}

/* What happens to tasks, a line each. */
static char *ops(const struct forecast_result *r, bool sorted)
{
    const struct forecast_step *s;
    struct orc_strv v = {0};

    orc_vec_each (s, &r->steps) {
        orc_auto_free char *text = plan_text(&s->plan);

        add_ops(&v, text);
    }
    return joined(&v, sorted);
}

static uint64_t first_op_after(const struct forecast_result *r)
{
    const struct forecast_step *s;

    orc_vec_each (s, &r->steps) {
        orc_auto_free char *text = plan_text(&s->plan);

        if (on_task(text))
            return s->after_ms;
    }
    return UINT64_MAX;
}

/* "shop/web.1 k2>k1 ..." */
static char *moves(const struct forecast_result *r)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);
    const struct forecast_move *m;

    orc_vec_each (m, &r->moves)
        orc_buf_printf(&b, "%s%s.%d %s>%s", b.len ? " " : "", m->service, m->slot, m->from ? m->from : "-",
                       m->to ? m->to : "-");
    return orc_buf_take(&b);
}

static const struct forecast_service *service(const struct forecast_result *r, const char *name)
{
    const struct forecast_service *s;

    orc_vec_each (s, &r->services)
        if (strcmp(s->name, name) == 0)
            return s;
    fail_msg("%s is not foretold", name);
    return NULL;
}

/* ---- what then happens, for so long */

static void settle(struct sim *s, struct orc_strv *v)
{
    for (int i = 0; i < 2000; i++) {
        bool any = false;

        for (;;) {
            orc_auto_free char *text = sim_step(s);

            if (!text[0])
                break;
            add_ops(v, text);
            any = true;
        }
        if (!sim_act(s) && !any)
            return;
    }
    fail_msg("never at rest");
}

static char *happens(struct sim *s, uint64_t ms, bool sorted)
{
    uint64_t end = s->now + ms;
    struct orc_strv v = {0};

    settle(s, &v);
    while (s->now < end) {
        uint64_t next = core_next(s->core);

        s->now = next && next < end ? next : end;
        settle(s, &v);
    }
    return joined(&v, sorted);
}

static struct sim *running(int nodes, int replicas)
{
    struct sim *s = sim_of(nodes);

    sim_apply(s, "shop", 1, sim_spec("web", replicas, "good"));
    sim_pass(s, 70000);
    return s;
}

/* ---- single cases */

static void test_forecast__at_rest_nothing_happens(void **state)
{
    struct sim *s = running(3, 4);
    struct forecast_result r = foretold(s);

    assert_int_equal(r.steps.n, 0);
    assert_int_equal(r.moves.n, 0);
    assert_true(r.rests);
    assert_int_equal(r.services.n, 1);
    assert_true(forecast_is_fine(service(&r, "shop/web")));
    assert_int_equal(service(&r, "shop/web")->rollout.available, 4);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__an_empty_store_needs_nothing(void **state)
{
    struct sim *s = sim_new();
    struct forecast_result r = foretold(s);

    assert_int_equal(r.steps.n + r.moves.n + r.services.n, 0);
    assert_true(r.rests);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__a_first_deployment_is_told_with_its_very_ids_and_addresses(void **state)
{
    struct sim *s = sim_new();
    orc_auto_free char *told = NULL, *moved = NULL;
    struct forecast_result r;

    sim_node(s, 8, 8000);
    sim_apply(s, "shop", 1, sim_spec("web", 1, "good"));
    r = foretold(s);
    told = ops(&r, false);
    moved = moves(&r);
    assert_string_equal(told, "create shop.web.0.6 on k1 at 10.210.1.141: first deployment\n");
    assert_string_equal(moved, "shop/web.0 ->k1");
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__without_a_node_its_tasks_are_told_where_they_move(void **state)
{
    struct sim *s = running(3, 3);
    char id[KEY_TASK_MAX + 1], node[KEY_NAME_MAX + 1];
    orc_auto_free char *told = NULL, *happened = NULL, *moved = NULL, *expected = NULL;
    struct forecast_result r;

    assert_true(sim_task_in(s, "web", 1, id, node));
    r = without(s, node);
    told = ops(&r, false);
    moved = moves(&r);
    assert_int_equal(r.moves.n, 1);
    expected = orc_printf("shop/web.1 %s>%s", node, r.moves.at[0].to);
    assert_string_equal(moved, expected);
    assert_int_equal(first_op_after(&r), 3000); /* the grace */
    assert_true(forecast_is_fine(service(&r, "shop/web")));
    sim_alive(s, node, false);
    happened = happens(s, 20000, false);
    assert_string_equal(told, happened);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__what_would_not_fit_is_told_with_its_reason(void **state)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", 3, "good");
    struct forecast_result r;
    const struct record_rollout *roll;
    orc_auto_free char *moved = NULL;

    w->limits.memory = 600 * SIM_MIB;
    for (int i = 0; i < 3; i++)
        sim_node(s, 8, 1000);
    sim_apply(s, "shop", 1, w);
    sim_pass(s, 70000);
    r = without(s, "k2");
    moved = moves(&r);
    assert_string_equal(moved, "");
    roll = &service(&r, "shop/web")->rollout;
    assert_false(forecast_is_fine(service(&r, "shop/web")));
    assert_int_equal(roll->available, 2);
    assert_int_equal(roll->pending.n, 1);
    assert_string_equal(
        roll->pending.at[0].reason,
        "0 of 3 nodes fit: k1 memory: needs 600 MiB, 400 MiB free, 200 MiB short; k2: lost; k3 "
        "memory: needs 600 MiB, 400 MiB free, 200 MiB short");
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__more_than_half_of_the_nodes_lost_moves_nothing(void **state)
{
    struct sim *s = running(3, 3);
    struct forecast *f = of(s, false);
    struct forecast_result r;

    for (int k = 1; k <= 2; k++) {
        struct key key = {.kind = KEY_ALIVE};

        snprintf(key.node, sizeof key.node, "k%d", k);
        forecast_delete(f, &key);
    }
    forecast_run(f, &r);
    assert_int_equal(r.moves.n, 0);
    assert_non_null(strstr(service(&r, "shop/web")->rollout.reason, "more than half"));
    forecast_result_release(&r);
    forecast_free(f);
    sim_free(s);
}

/* It begins as a leader does who finds the cluster like that: not with a grace in which all seems well. */
static void test_forecast__in_a_cluster_that_is_held_nothing_begins(void **state)
{
    struct sim *s = running(3, 3);
    orc_auto_free char *told = NULL, *happened = NULL;
    struct forecast_result r;

    sim_alive(s, "k1", false);
    sim_alive(s, "k2", false);
    sim_pass(s, 20000);
    sim_apply(s, "shop", 2, sim_spec("web", 3, "better"));
    sim_apply(s, "shop", 1, sim_spec("api", 2, "good"));
    r = foretold(s);
    told = ops(&r, true);
    happened = happens(s, 60000, true);
    assert_string_equal(told, happened);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__a_removed_service_is_told_to_go_and_then_is_no_more(void **state)
{
    struct sim *s = running(2, 2);
    struct forecast_result r;
    orc_auto_free char *moved = NULL;

    sim_rm(s, "shop");
    r = foretold(s);
    moved = moves(&r);
    assert_int_equal(r.services.n, 0);
    assert_non_null(strstr(moved, "shop/web.0 k"));
    assert_non_null(strstr(moved, ">-"));
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__what_is_under_way_goes_on(void **state)
{
    struct sim *s = running(3, 3);
    orc_auto_free char *told = NULL, *happened = NULL;
    struct forecast_result r;

    sim_apply(s, "shop", 2, sim_spec("web", 5, "better"));
    free(sim_step(s));
    sim_act(s);
    r = foretold(s);
    told = ops(&r, true);
    happened = happens(s, 200000, true);
    assert_string_equal(told, happened);
    forecast_result_release(&r);
    sim_free(s);
}

/* A container that can't be fetched today is as if it could be; one that is unhealthy is so until replaced.
 */
static void test_forecast__what_starts_becomes_healthy_and_what_is_sick_is_replaced(void **state)
{
    struct sim *s = running(3, 3);
    orc_auto_free char *told = NULL;
    struct forecast_result r;

    sim_sicken(s, "web", 1);
    r = foretold(s);
    told = ops(&r, false);
    assert_non_null(strstr(told, "remove shop.web.1."));
    assert_non_null(strstr(told, "create shop.web.1."));
    assert_true(forecast_is_fine(service(&r, "shop/web")));
    assert_int_equal(service(&r, "shop/web")->rollout.available, 3);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__what_cannot_be_read_is_left_alone(void **state)
{
    struct sim *s = running(3, 3);
    struct forecast_result r;

    sim_put(s, orc_strdup("/orc/default/tasks/k1/shop.web.0.999"), orc_strdup("{\"app\":7}"));
    sim_put(s, key_app(SIM_CLUSTER, "other"), orc_strdup("{\"services\":[]"));
    r = foretold(s);
    assert_int_equal(r.moves.n, 0);
    assert_int_equal(service(&r, "shop/web")->rollout.available, 3);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__a_rolling_update_is_told_batch_after_batch(void **state)
{
    struct sim *s = running(2, 2);
    struct spec_service *w = sim_spec("web", 2, "better");
    struct forecast_result r;
    orc_auto_free char *told = NULL, *happened = NULL;

    w->update.delay_ms = 60000;
    sim_apply(s, "shop", 2, w);
    r = foretold(s);
    assert_in_range(r.took_ms, 60000, 70000);
    told = ops(&r, false);
    happened = happens(s, 200000, false);
    assert_string_equal(told, happened);
    forecast_result_release(&r);
    sim_free(s);
}

/* Amid it, as a leader would who finds it so: the delay between two batches begins anew. */
static void test_forecast__a_batch_under_way_is_followed_by_a_whole_delay(void **state)
{
    struct sim *s = running(2, 2);
    struct spec_service *w = sim_spec("web", 2, "better");
    struct forecast_result r;

    w->update.delay_ms = 60000;
    sim_apply(s, "shop", 2, w);
    sim_pass(s, 20000);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web", .revision = 2, .available = true}), 1);
    r = foretold(s);
    assert_int_equal(first_op_after(&r), 60000);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__the_order_of_feeding_does_not_matter(void **state)
{
    struct sim *s = running(3, 5);
    char *texts[2];

    sim_alive(s, "k2", false);
    sim_apply(s, "shop", 2, sim_spec("api", 4, "good"));
    for (int i = 0; i < 2; i++) {
        struct forecast *f = of(s, i);
        struct forecast_result r;

        forecast_run(f, &r);
        texts[i] = ops(&r, false);
        forecast_result_release(&r);
        forecast_free(f);
    }
    assert_string_equal(texts[0], texts[1]);
    assert_non_null(strstr(texts[0], "create shop.api.3."));
    free(texts[0]);
    free(texts[1]);
    sim_free(s);
}

static void test_forecast__a_job_runs_to_its_end(void **state)
{
    struct sim *s = running(2, 1);
    struct spec_service *w = sim_spec("once", 3, "exit0");
    orc_auto_free char *told = NULL, *happened = NULL;
    struct forecast_result r;

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->run = (struct spec_run){.max_concurrent = 1, .retries = 3, .keep = 3};
    sim_apply(s, "shop", 2, w);
    r = foretold(s);
    told = ops(&r, true);
    happened = happens(s, 4000000, true);
    assert_non_null(strstr(told, "create shop.once.2."));
    assert_string_equal(told, happened);
    assert_true(forecast_is_fine(service(&r, "shop/once")));
    forecast_result_release(&r);
    sim_free(s);
}

/* A schedule alone: it is in force, and what is due at its time is no consequence of anything. */
static struct sim *scheduled(const char *cron, const char *zone)
{
    struct sim *s = sim_new();
    struct spec_service *w = sim_spec("web", 1, "good");

    w->job = true;
    w->restart = SPEC_RESTART_NO;
    w->health.kind = SPEC_HEALTH_NONE;
    w->schedule.cron = orc_strdup(cron);
    w->schedule.time_zone = orc_strdup(zone);
    sim_node(s, 4, 4096);
    core_set_zones(s->core, (struct core_zones){zone_of, NULL});
    sim_apply(s, "shop", 1, w);
    return s;
}

static void test_forecast__a_schedule_begins_nothing_and_comes_to_rest(void **state)
{
    struct sim *s = scheduled("* * * * *", NULL);
    struct forecast_result r = foretold(s);
    orc_auto_free char *told = ops(&r, false);

    assert_string_equal(told, "");
    assert_true(r.rests);
    assert_true(forecast_is_fine(service(&r, "shop/web")));
    assert_int_equal(service(&r, "shop/web")->rollout.runs.n, 0);
    assert_int_equal(service(&r, "shop/web")->rollout.next_run, 60000);
    forecast_result_release(&r);
    sim_free(s);
}

/* 03:00 there is 01:00 UTC. */
static void test_forecast__a_schedule_has_its_zone(void **state)
{
    struct sim *s = scheduled("0 3 * * *", "Test/East"), *other = scheduled("0 3 * * *", "Mars/Base");
    struct forecast_result r = foretold(s);

    assert_int_equal(service(&r, "shop/web")->rollout.next_run, 3600000);
    forecast_result_release(&r);
    r = foretold(other);
    assert_false(forecast_is_fine(service(&r, "shop/web")));
    assert_string_equal(service(&r, "shop/web")->rollout.reason,
                        "the scheduler's server has no time zone \"Mars/Base\"");
    forecast_result_release(&r);
    sim_free(s);
    sim_free(other);
}

static void test_forecast__a_scheduled_run_under_way_ends(void **state)
{
    struct sim *s = scheduled("* * * * *", NULL);
    struct forecast_result r;
    const struct rollout_run *run;

    sim_decide(s);
    s->now = 60000;
    sim_decide(s);
    assert_int_equal(sim_count(s, (struct sim_want){.service = "web"}), 1);
    r = foretold(s);
    assert_int_equal(service(&r, "shop/web")->rollout.runs.n, 1);
    run = service(&r, "shop/web")->rollout.runs.at;
    assert_int_equal(run->state, RUN_SUCCEEDED);
    assert_true(r.rests);
    forecast_result_release(&r);
    sim_free(s);
}

/* ---- any cluster, any change */

static void any_service(struct sim *s, int i, int64_t revision)
{
    static const char *const names[] = {"s0", "s1", "s2", "s3"};
    struct spec_service *w = sim_spec(names[i], 1 + (int)(sim_random(s) % 6), "good");
    struct spec_pair *label = orc_vec_add(&w->labels);

    label->key = orc_strdup("version");
    label->value = orc_printf("%lld", (long long)revision);
    w->limits.memory = (64 + 64 * (int64_t)(sim_random(s) % 4)) * SIM_MIB;
    w->update.parallelism = 1;
    w->update.order = i % 2 ? SPEC_START_FIRST : SPEC_STOP_FIRST;
    w->update.delay_ms = sim_chance(s, 3) ? 2000 : 0;
    w->max_per_node = sim_chance(s, 4) ? 2 : 0;
    w->strategy = sim_chance(s, 4) ? SPEC_BINPACK : SPEC_SPREAD;
    if (i == 3)
        orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                      .source = orc_strdup("data"),
                                                      .target = orc_strdup("/data")}));
    if (i == 2)
        orc_vec_push(&w->ports,
                     ((struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80}));
    sim_apply(s, "shop", revision, w);
}

static void any_change(struct sim *s)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", 1 + (int)(sim_random(s) % (uint64_t)s->nodes));
    switch (sim_random(s) % 7) {
    case 0:
        sim_alive(s, node, false);
        break;
    case 1:
        sim_policy(s, node, true, true);
        break;
    case 2:
        sim_policy(s, node, true, false);
        sim_scale(s, "shop", "s0", 8);
        break;
    case 3:
        any_service(s, (int)(sim_random(s) % 4), 2);
        break;
    case 4:
        sim_scale(s, "shop", "s1", (int)(sim_random(s) % 9));
        break;
    case 5:
        sim_restart(s, "shop", "s0", 1);
        break;
    default:
        sim_rm(s, "shop");
    }
}

static void assert_end(struct sim *s, const struct forecast_result *r, uint64_t seed)
{
    const struct forecast_service *x;

    orc_vec_each (x, &r->services) {
        const struct record_rollout *is = sim_rollout(s, "shop", strchr(x->name, '/') + 1);

        if (!is || is->state != x->rollout.state || is->available != x->rollout.available ||
            is->pending.n != x->rollout.pending.n || is->attempts != x->rollout.attempts)
            fail_msg("seed %llu: %s does not end as foretold: %s, %d available", (unsigned long long)seed,
                     x->name, rollout_state_name(x->rollout.state), x->rollout.available);
    }
}

static void any_cluster(uint64_t seed)
{
    struct sim *s = sim_new();
    orc_auto_free char *told = NULL, *happened = NULL;
    struct forecast_result r;

    s->random = seed * 7919;
    for (int i = 2 + (int)(sim_random(s) % 4); i > 0; i--)
        sim_node(s, 4, 700 + 300 * (int64_t)(sim_random(s) % 4));
    for (int i = 0; i < 4; i++)
        any_service(s, i, 1);
    sim_pass(s, 200000);
    sim_new_leader(s);
    any_change(s);
    r = foretold(s);
    told = ops(&r, true);
    happened = happens(s, 1000000, true);
    if (strcmp(told, happened) != 0)
        fail_msg("seed %llu: foretold:\n%s---\nhappened:\n%s", (unsigned long long)seed, told, happened);
    assert_end(s, &r, seed);
    assert_true(r.rests);
    forecast_result_release(&r);
    sim_free(s);
}

static void test_forecast__of_any_change_is_what_then_happens(void **state)
{
    for (uint64_t seed = 1; seed <= 400; seed++)
        any_cluster(seed);
}

/* ---- in which order it is told ---- */

static void assert_in_order(const struct forecast_result *r)
{
    for (size_t i = 1; i < r->services.n; i++)
        assert_true(strcmp(r->services.at[i - 1].name, r->services.at[i].name) < 0);
    for (size_t i = 1; i < r->moves.n; i++) {
        const struct forecast_move *a = &r->moves.at[i - 1], *b = &r->moves.at[i];
        int by = strcmp(a->service, b->service);

        assert_true(by < 0 || (by == 0 && a->slot < b->slot));
    }
}

/* Moves by service and slot, services by name, however they came into the store and out of it. */
static void test_forecast__what_it_lists_is_in_order(void **state)
{
    static const char *const names[] = {"m", "b", "z", "a", "q", "c"};
    struct sim *s = sim_of(4);

    for (size_t i = 0; i < ORC_ARRAY_SIZE(names); i++)
        sim_apply(s, "shop", 1, sim_spec(names[i], 8, "good"));
    sim_pass(s, 120000);
    for (int shuffled = 0; shuffled < 2; shuffled++) {
        struct forecast_result r = without_fed(s, "k2", shuffled);

        assert_int_equal(r.moves.n, 2 * ORC_ARRAY_SIZE(names));
        assert_int_equal(r.services.n, ORC_ARRAY_SIZE(names));
        assert_in_order(&r);
        for (size_t i = 0; i < r.moves.n; i++) {
            assert_string_equal(r.moves.at[i].from, "k2");
            assert_string_not_equal(r.moves.at[i].to, "k2");
        }
        forecast_result_release(&r);
    }
    sim_free(s);
}

/* Of a slot with two tasks, one to go and one that has come, only where it is in the end counts. */
static void test_forecast__what_is_leaving_is_nowhere(void **state)
{
    struct spec_service *w = sim_spec("web", 3, "good");
    struct forecast_result r;
    struct sim *s;

    w->update.order = SPEC_START_FIRST;
    s = sim_running(3, w);
    s->deaf = "k1";
    sim_policy(s, "k1", true, true);
    sim_pass(s, 60000); /* its successors serve, and it has not stopped */
    assert_true(sim_count(s, (struct sim_want){.service = "web", .node = "k1", .leaving = true}) > 0);
    assert_int_equal(sim_available(s, "web"), 3);
    r = foretold(s);
    assert_int_equal(r.moves.n, 0);
    forecast_result_release(&r);
    sim_free(s);
}

/* The clock of the wall goes on with that of the forecast: what it writes is dated from now on, never before.
 */
static void test_forecast__its_records_are_dated_from_now_on(void **state)
{
    struct spec_service *w = sim_spec("web", 4, "good");
    struct sim *s;
    struct forecast_result r;
    const struct forecast_step *step;
    int64_t last = 0;
    size_t made = 0;

    w->update.delay_ms = 20000;
    w->update.parallelism = 1;
    s = sim_running(4, w);
    sim_restart(s, "shop", "web", 1);
    r = foretold(s);
    orc_vec_each (step, &r.steps)
        for (size_t i = 0; i < step->plan.txns.n; i++)
            for (size_t k = 0; k < step->plan.txns.at[i].ops.n; k++) {
                const struct plan_op *op = &step->plan.txns.at[i].ops.at[k];

                if (op->kind != PLAN_TASK_CREATE)
                    continue;
                made++;
                assert_true(op->task.at == (int64_t)(s->now + step->after_ms));
                assert_true(op->task.at >= last);
                last = op->task.at;
            }
    assert_int_equal(made, 4);
    assert_true(last >= (int64_t)s->now + 60000); /* three delays */
    assert_true(r.took_ms >= 60000);
    forecast_result_release(&r);
    sim_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forecast__at_rest_nothing_happens),
        cmocka_unit_test(test_forecast__an_empty_store_needs_nothing),
        cmocka_unit_test(test_forecast__a_first_deployment_is_told_with_its_very_ids_and_addresses),
        cmocka_unit_test(test_forecast__without_a_node_its_tasks_are_told_where_they_move),
        cmocka_unit_test(test_forecast__what_would_not_fit_is_told_with_its_reason),
        cmocka_unit_test(test_forecast__more_than_half_of_the_nodes_lost_moves_nothing),
        cmocka_unit_test(test_forecast__a_removed_service_is_told_to_go_and_then_is_no_more),
        cmocka_unit_test(test_forecast__what_is_under_way_goes_on),
        cmocka_unit_test(test_forecast__what_starts_becomes_healthy_and_what_is_sick_is_replaced),
        cmocka_unit_test(test_forecast__what_cannot_be_read_is_left_alone),
        cmocka_unit_test(test_forecast__a_rolling_update_is_told_batch_after_batch),
        cmocka_unit_test(test_forecast__the_order_of_feeding_does_not_matter),
        cmocka_unit_test(test_forecast__a_job_runs_to_its_end),
        cmocka_unit_test(test_forecast__a_schedule_begins_nothing_and_comes_to_rest),
        cmocka_unit_test(test_forecast__a_schedule_has_its_zone),
        cmocka_unit_test(test_forecast__a_scheduled_run_under_way_ends),
        cmocka_unit_test(test_forecast__of_any_change_is_what_then_happens),
        cmocka_unit_test(test_forecast__what_it_lists_is_in_order),
        cmocka_unit_test(test_forecast__what_is_leaving_is_nowhere),
        cmocka_unit_test(test_forecast__its_records_are_dated_from_now_on),
        cmocka_unit_test(test_forecast__in_a_cluster_that_is_held_nothing_begins),
        cmocka_unit_test(test_forecast__a_batch_under_way_is_followed_by_a_whole_delay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
