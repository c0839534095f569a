/* The endpoint table in random histories beside an NGINX that has requests in flight: what nodelets rely on
 * when they send the stop signal, whatever comes, goes and fails in between.
 *
 * ORC_PROPERTY_SEEDS=N runs more of them.
 */
#include "gateway/table.h"

#include "lib/buf.h"
#include "lib/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEEDS 150
#define ROUNDS 150
#define TASKS 6
#define NGINX_SLOTS 64
#define LEASE 77

struct endpoint { /* as the store has it */
    char task[KEY_TASK_MAX + 1];
    int64_t attempt, mod;
    bool there, draining;
};

struct chosen { /* a slot as NGINX has it */
    char task[KEY_TASK_MAX + 1], state;
    int requests;
};

struct world {
    struct gw_table *t;
    struct endpoint endpoints[TASKS];
    struct chosen nginx[NGINX_SLOTS];
    uint64_t random, seed, now;
    int64_t revision, lease; /* of the node's `alive`; 0: it has none */
};

static uint64_t below(struct world *w, uint64_t n)
{
    w->random += UINT64_C(0x9e3779b97f4a7c15);
    return orc_hash64(0, &w->random, sizeof w->random) % n;
}

#define broken(w, ...)                                                                                       \
    do {                                                                                                     \
        print_error("seed %llu: ", (unsigned long long)(w)->seed);                                           \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

/* ---- the store */

static void put(struct world *w, int i)
{
    struct endpoint *e = &w->endpoints[i];
    char address[] = "10.210.1.2";
    struct endpoint_port port = {.name = (char[]){"/"}, .port = 8080};
    struct record_endpoint rec = {.node = (char[]){"k1"},
                                  .address = address,
                                  .state = e->draining ? ENDPOINT_DRAINING : ENDPOINT_READY,
                                  .ports = {&port, 1, 1}};
    struct key key = {.kind = KEY_ENDPOINT, .app = "shop", .service = "web"};

    address[9] = (char)('2' + i);
    key_task_id("shop", "web", i, e->attempt, e->task);
    memcpy(key.task, e->task, sizeof key.task);
    e->mod = ++w->revision;
    assert_int_equal(gw_table_put(w->t, &key, &rec, e->mod, LEASE, NULL), 0);
}

static void become_ready(struct world *w, int i)
{
    struct endpoint *e = &w->endpoints[i];

    if (e->there || !w->lease)
        return;
    e->attempt++; /* a task is never used twice */
    e->there = true;
    e->draining = false;
    put(w, i);
}

static void drain(struct world *w, int i)
{
    if (!w->endpoints[i].there || w->endpoints[i].draining)
        return;
    w->endpoints[i].draining = true;
    put(w, i);
}

static void vanish(struct world *w, int i)
{
    if (!w->endpoints[i].there)
        return;
    w->endpoints[i].there = false;
    w->revision++;
    gw_table_delete(w->t, w->endpoints[i].task);
}

static void lose_lease(struct world *w)
{
    w->lease = 0;
    w->revision++;
    gw_table_node(w->t, "k1", 0);
    for (int i = 0; i < TASKS; i++)
        vanish(w, i);
}

static void change(struct world *w)
{
    int i = (int)below(w, TASKS);

    switch (below(w, 8)) {
    case 0:
    case 1:
    case 2:
        become_ready(w, i);
        break;
    case 3:
    case 4:
        drain(w, i);
        break;
    case 5:
        if (w->endpoints[i].draining || below(w, 4) == 0)
            vanish(w, i);
        break;
    case 6:
        if (below(w, 6) == 0 && w->lease)
            lose_lease(w);
        break;
    default:
        if (!w->lease) {
            w->lease = LEASE;
            w->revision++;
            gw_table_node(w->t, "k1", LEASE);
        }
    }
}

/* ---- NGINX */

static void take(struct world *w, char *text)
{
    struct chosen now[NGINX_SLOTS] = {0};
    char *line, *rest = text;

    while ((line = strsep(&rest, "\n"))) {
        char state, task[KEY_TASK_MAX + 1];
        unsigned slot;

        if (sscanf(line, "T %u %c %119s", &slot, &state, task) != 3)
            continue;
        assert_true(slot < NGINX_SLOTS);
        memcpy(now[slot].task, task, sizeof task);
        now[slot].state = state;
    }
    for (int i = 0; i < NGINX_SLOTS; i++) {
        if (strcmp(now[i].task, w->nginx[i].task) == 0)
            now[i].requests = w->nginx[i].requests;
        else if (w->nginx[i].requests)
            broken(w, "the slot of %s, with %d requests in flight, went to \"%s\"", w->nginx[i].task,
                   w->nginx[i].requests, now[i].task);
    }
    memcpy(w->nginx, now, sizeof now);
}

static void ask(struct world *w)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 16);

    orc_buf_printf(&b, "orc1 %lld\n", (long long)gw_table_revision(w->t));
    for (int i = 0; i < NGINX_SLOTS; i++)
        if (w->nginx[i].state && w->nginx[i].state != 'r')
            orc_buf_printf(&b, "%d %d\n", i, w->nginx[i].requests);
    assert_int_equal(gw_table_in_flight(w->t, orc_buf_str(&b), NULL), 0);
    orc_buf_release(&b);
}

/* One that fails may have arrived all the same. */
static void push(struct world *w)
{
    orc_auto_free char *text = gw_table_text(w->t);
    bool ok = below(w, 4) != 0;

    if (ok || below(w, 2))
        take(w, text);
    gw_table_pushed(w->t, ok);
    if (ok)
        ask(w);
}

static bool any_ready(const struct world *w)
{
    for (int i = 0; i < NGINX_SLOTS; i++)
        if (w->nginx[i].state == 'r')
            return true;
    return false;
}

static bool may_choose(const struct world *w, const struct chosen *c)
{
    return c->state == 'r' || (c->state == 's' && !any_ready(w));
}

static void serve(struct world *w)
{
    for (int i = 0; i < NGINX_SLOTS; i++) {
        struct chosen *c = &w->nginx[i];

        if (may_choose(w, c) && below(w, 2))
            c->requests++;
        else if (c->requests && below(w, 3) == 0)
            c->requests--;
    }
}

/* ---- what must hold */

static bool is_listed(const struct record_gateway_alive *r, const char *task)
{
    for (size_t i = 0; i < r->inflight.n; i++)
        if (strcmp(r->inflight.at[i].task, task) == 0)
            return true;
    return false;
}

/* What a nodelet reads as "nothing is sent there any more" (nodelet/withdraw) is true. */
static void check_agreement(struct world *w)
{
    struct record_gateway_alive r;

    gw_table_report(w->t, &r);
    for (int i = 0; i < TASKS; i++) {
        const struct endpoint *e = &w->endpoints[i];

        if (!e->there || !e->draining || r.served < e->mod || is_listed(&r, e->task))
            continue;
        for (int k = 0; k < NGINX_SLOTS; k++)
            if (strcmp(w->nginx[k].task, e->task) == 0 &&
                (may_choose(w, &w->nginx[k]) || w->nginx[k].requests))
                broken(w, "%s is agreed to, and is '%c' in NGINX with %d requests", e->task,
                       w->nginx[k].state, w->nginx[k].requests);
    }
    record_gateway_alive_release(&r);
}

static void begin(struct world *w, uint64_t seed)
{
    *w =
        (struct world){.t = gw_table_new(), .seed = seed, .random = seed * 7919, .lease = LEASE, .now = 1000};
    gw_table_node(w->t, "k1", LEASE);
}

static void live(struct world *w, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        int64_t served = gw_table_served(w->t);

        for (uint64_t n = below(w, 3); n > 0; n--)
            change(w);
        gw_table_commit(w->t, w->revision, w->now);
        serve(w);
        if (below(w, 2))
            push(w);
        check_agreement(w);
        serve(w);
        w->now += below(w, 5000);
        gw_table_expire(w->t, w->now);
        check_agreement(w);
        if (gw_table_served(w->t) < served)
            broken(w, "what is served went back from %lld to %lld", (long long)served,
                   (long long)gw_table_served(w->t));
    }
}

static uint64_t seeds(void)
{
    const char *text = getenv("ORC_PROPERTY_SEEDS");

    return text ? strtoull(text, NULL, 10) : SEEDS;
}

/* Behaviours 98, 99. */
static void test_table__an_agreement_is_true_whatever_happens(void **state)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world w;

        begin(&w, seed);
        live(&w, ROUNDS);
        gw_table_free(w.t);
    }
}

/* When nothing fails any more: NGINX chooses those that are ready and no other, all is served, and nothing
 * that is over is remembered. */
static void test_table__in_the_end_nginx_has_what_the_store_has(void **state)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct world w;
        int ready = 0;

        begin(&w, seed);
        live(&w, ROUNDS);
        for (int i = 0; i < TASKS; i++) {
            if (w.endpoints[i].there && w.endpoints[i].draining)
                vanish(&w, i);
            ready += w.endpoints[i].there;
        }
        gw_table_commit(w.t, w.revision, w.now);
        for (int i = 0; i < 3; i++) { /* also what is only suspect is forgotten in time */
            orc_auto_free char *text = NULL;

            w.now += GW_SUSPECT_MS + 1;
            gw_table_expire(w.t, w.now);
            text = gw_table_text(w.t);
            take(&w, text);
            gw_table_pushed(w.t, true);
            for (int k = 0; k < NGINX_SLOTS; k++)
                w.nginx[k].requests = 0;
            ask(&w);
        }
        if (gw_table_counts(w.t).ready != (size_t)ready || gw_table_counts(w.t).draining ||
            gw_table_counts(w.t).suspect || gw_table_counts(w.t).gone || gw_table_served(w.t) != w.revision)
            broken(&w, "%zu of %d are ready, %zu draining, %zu suspect, %zu gone", gw_table_counts(w.t).ready,
                   ready, gw_table_counts(w.t).draining, gw_table_counts(w.t).suspect,
                   gw_table_counts(w.t).gone);
        gw_table_free(w.t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__an_agreement_is_true_whatever_happens),
        cmocka_unit_test(test_table__in_the_end_nginx_has_what_the_store_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
