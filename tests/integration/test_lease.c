/* test_lease.c - leases that are kept, lost and found again, and elections, against a real etcd. */
#include "state/election.h"
#include "state/etcd_sync.h"
#include "state/event.h"
#include "state/lease.h"
#include "state/record.h"
#include "tests/fakes/http_server.c"
#include "tests/integration/etcd_server.h"
#include "tests/integration/loop_until.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct etcd_server server;
static uv_loop_t loop;
static struct etcd *e;
static struct orc_err err;

/* An owner of a lease: what it was told. */
struct owner {
    struct lease *lease;
    int64_t id;
    unsigned gained, lost;
    bool free_when_told;
};

static void on_lease(int64_t id, void *arg)
{
    struct owner *o = arg;

    if (id)
        o->gained++;
    else
        o->lost++;
    o->id = id;
    if (o->free_when_told)
        o->lease = lease_free(o->lease);
}

static void owner_open(struct owner *o, int64_t ttl_s, int64_t resume)
{
    struct lease_opts opts = {.ttl_s = ttl_s, .resume = resume, .on_lease = on_lease, .arg = o};

    o->lease = lease_new(&loop, e, &opts);
}

static bool has_lease(void *arg)
{
    return ((struct owner *)arg)->id != 0;
}

static bool has_none(void *arg)
{
    return ((struct owner *)arg)->id == 0;
}

static bool was_lost(void *arg)
{
    return ((struct owner *)arg)->lost > 0;
}

static struct etcd *client_of(size_t n, const char *const *urls)
{
    struct orc_strv endpoints = {0};
    struct etcd_opts opts = {.endpoints = &endpoints, .timeout_ms = 3000};
    struct etcd *made;

    for (size_t i = 0; i < n; i++)
        orc_strv_add(&endpoints, urls[i]);
    made = etcd_new(&loop, &opts, &err);
    assert_non_null(made);
    orc_strv_release(&endpoints);
    return made;
}

static int open_store(void **state)
{
    const char *url = server.url;

    uv_loop_init(&loop);
    etcd_server_start(&server);
    e = client_of(1, &url);
    return 0;
}

static int close_store(void **state)
{
    e = etcd_free(e);
    etcd_server_stop(&server);
    return loop_close(&loop) ? 0 : -1;
}

static bool key_exists(const char *key)
{
    struct etcd_answer a;
    bool there;

    assert_int_equal(etcd_sync_get(e, &loop, key, &a, &err), 0);
    there = a.kvs.n > 0;
    etcd_answer_release(&a);
    return there;
}

static void put_leased(const char *key, const char *value, int64_t lease)
{
    struct etcd_answer a;

    assert_int_equal(etcd_sync_put(e, &loop, key, value, lease, &a, &err), 0);
}

/* Leases ---------------------------------------------------------------------------------------------- */

static void test_lease__is_kept_alive_beyond_its_ttl(void **state)
{
    struct owner o = {0};

    owner_open(&o, 2, 0);
    assert_int_equal(lease_id(o.lease), 0);
    assert_true(loop_until(&loop, has_lease, &o));
    put_leased("/l/alive", "x", o.id);
    loop_for(&loop, 5000);
    assert_true(key_exists("/l/alive"));
    assert_int_equal(o.gained, 1);
    assert_int_equal(o.lost, 0);
    assert_string_equal(lease_reason(o.lease), "");
    lease_free(o.lease);
}

/* Behaviour 92: etcd ends the lease under us (`etcdctl lease revoke`, or it expired while we were stopped).
 */
static void test_lease__that_etcd_has_ended_is_noticed_and_granted_anew(void **state)
{
    struct etcd_answer a;
    struct owner o = {0};
    int64_t first;

    owner_open(&o, 2, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    first = o.id;
    assert_int_equal(etcd_sync_lease_revoke(e, &loop, first, &a, &err), 0);
    assert_true(loop_until(&loop, was_lost, &o));
    assert_true(loop_until(&loop, has_lease, &o));
    assert_true(o.id != first);
    assert_int_equal(o.lost, 1);
    assert_int_equal(o.gained, 2);
    lease_free(o.lease);
}

static void test_lease__counts_as_lost_when_nobody_answers_for_its_ttl_and_comes_back(void **state)
{
    struct owner o = {0};

    owner_open(&o, 2, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    etcd_server_freeze(&server);
    assert_true(loop_until(&loop, has_none, &o));
    assert_non_null(strstr(lease_reason(o.lease), "answer"));
    assert_non_null(strstr(lease_reason(o.lease), server.url));
    etcd_server_thaw(&server);
    assert_true(loop_until(&loop, has_lease, &o));
    assert_true(lease_id(o.lease) == o.id);
    lease_free(o.lease);
}

/* etcd gives every lease its full time again when it starts: the same lease lives on, with its keys. */
/* Our loop stands still, somebody else keeps the lease alive: as when etcd counts later than we do. */
static void stand_still(int64_t lease, unsigned seconds)
{
    orc_auto_free char *keep = orc_printf("lease keep-alive --once %llx", (unsigned long long)lease);

    for (unsigned i = 0; i < 2 * seconds; i++) {
        poll(NULL, 0, 500);
        assert_true(etcd_ctl(&server, keep));
    }
}

static void test_lease__a_busy_owner_does_not_lose_what_still_lives(void **state)
{
    struct owner o = {0};
    int64_t id;

    owner_open(&o, 2, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    id = o.id;
    assert_true(lease_is_valid(o.lease));
    stand_still(id, 3);
    assert_false(lease_is_valid(o.lease)); /* for all we know */
    loop_for(&loop, 400);
    assert_true(lease_is_valid(o.lease));
    assert_int_equal(o.id, id);
    assert_int_equal(o.lost, 0);
    lease_free(o.lease);
}

static void test_lease__a_busy_owner_is_told_when_it_is_lost(void **state)
{
    struct owner o = {0};
    int64_t id;

    owner_open(&o, 2, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    id = o.id;
    poll(NULL, 0, 4000);
    assert_false(lease_is_valid(o.lease));
    assert_true(loop_until(&loop, was_lost, &o));
    assert_true(loop_until(&loop, has_lease, &o));
    assert_int_not_equal(o.id, id);
    lease_free(o.lease);
}

static void test_lease__of_a_longer_ttl_survives_an_etcd_restart(void **state)
{
    struct owner o = {0};
    int64_t first;

    owner_open(&o, 30, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    first = o.id;
    put_leased("/l/restart", "x", o.id);
    etcd_server_kill(&server);
    etcd_server_again(&server);
    loop_for(&loop, 500);
    assert_int_equal(o.lost, 0);
    assert_true(o.id == first);
    assert_true(key_exists("/l/restart"));
    lease_free(o.lease);
}

static void test_lease__is_resumed_by_a_later_life_of_its_process(void **state)
{
    struct owner first = {0}, second = {0}, third = {0};

    owner_open(&first, 30, 0);
    assert_true(loop_until(&loop, has_lease, &first));
    lease_free(first.lease); /* as if killed: not revoked */
    owner_open(&second, 30, first.id);
    assert_true(loop_until(&loop, has_lease, &second));
    assert_true(second.id == first.id);
    assert_int_equal(second.lost, 0);
    lease_free(second.lease);
    owner_open(&third, 30, 4711); /* one that is long gone */
    assert_true(loop_until(&loop, has_lease, &third));
    assert_true(third.id != 4711);
    lease_free(third.lease);
}

static bool done_set(void *arg)
{
    return *(bool *)arg;
}

static void set_done(void *arg)
{
    *(bool *)arg = true;
}

static void test_lease__given_back_takes_its_keys_with_it_at_once(void **state)
{
    struct owner o = {0};
    bool done = false;

    owner_open(&o, 60, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    put_leased("/l/back", "x", o.id);
    lease_revoke(o.lease, set_done, &done);
    assert_false(done);
    assert_true(loop_until(&loop, done_set, &done));
    assert_false(key_exists("/l/back"));
    assert_int_equal(lease_id(o.lease), 0);
    lease_free(o.lease);
}

static void test_lease__giving_back_ends_also_when_etcd_is_frozen(void **state)
{
    struct owner o = {0};
    bool done = false;

    owner_open(&o, 60, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    etcd_server_freeze(&server);
    lease_revoke(o.lease, set_done, &done);
    assert_true(loop_until(&loop, done_set, &done));
    lease_free(o.lease);
    etcd_server_thaw(&server);
}

static bool is_freed(void *arg)
{
    return !((struct owner *)arg)->lease;
}

static void test_lease__may_be_freed_when_it_is_told(void **state)
{
    struct owner o = {.free_when_told = true};

    owner_open(&o, 5, 0);
    assert_true(loop_until(&loop, is_freed, &o));
}

/* Behaviour 93: the member that answered is killed, another one takes over within the TTL. */
static void test_lease__lives_on_when_one_of_three_members_dies(void **state)
{
    struct etcd_server three[3];
    struct etcd *before = e;
    struct owner o = {0};
    const char *urls[3];

    etcd_servers_start(three, 3, NULL);
    for (size_t i = 0; i < 3; i++)
        urls[i] = three[i].url;
    e = client_of(3, urls);
    owner_open(&o, 10, 0);
    assert_true(loop_until(&loop, has_lease, &o));
    put_leased("/l/three", "x", o.id);
    etcd_server_kill(&three[0]);
    loop_for(&loop, 12000);
    assert_int_equal(o.lost, 0);
    assert_true(key_exists("/l/three"));
    lease_free(o.lease);
    etcd_free(e);
    e = before;
    for (size_t i = 0; i < 3; i++)
        etcd_server_stop(&three[i]);
}

/* Elections ------------------------------------------------------------------------------------------- */

struct candidate {
    struct etcd *e;
    struct election *election;
    unsigned won, lost;
};

static void on_change(bool leader, void *arg)
{
    struct candidate *c = arg;

    if (leader)
        c->won++;
    else
        c->lost++;
}

static void stand(struct candidate *c, const char *name)
{
    const char *url = server.url;
    struct election_opts opts = {
        .key = "/l/leader", .value = name, .ttl_s = 2, .on_change = on_change, .arg = c};

    c->e = client_of(1, &url);
    c->election = election_new(&loop, c->e, &opts);
}

static void withdraw(struct candidate *c)
{
    c->election = election_free(c->election);
    c->e = etcd_free(c->e);
}

static bool leads(void *arg)
{
    return election_is_leader(((struct candidate *)arg)->election);
}

static bool leads_not(void *arg)
{
    return !leads(arg);
}

static bool one_of_two_leads(void *arg)
{
    struct candidate *two = arg;

    return leads(&two[0]) || leads(&two[1]);
}

static bool has_won_twice(void *arg)
{
    return ((struct candidate *)arg)->won == 2;
}

static void test_election__one_of_three_leads_and_the_next_takes_over(void **state)
{
    struct candidate c[3] = {0};
    bool done = false;

    stand(&c[0], "a");
    assert_true(loop_until(&loop, leads, &c[0]));
    stand(&c[1], "b");
    stand(&c[2], "c");
    loop_for(&loop, 3000);
    assert_false(leads(&c[1]) || leads(&c[2]));
    assert_string_equal(election_reason(c[1].election), "a");
    election_resign(c[0].election, set_done, &done);
    assert_false(leads(&c[0]));
    assert_true(loop_until(&loop, done_set, &done));
    assert_true(loop_until(&loop, one_of_two_leads, &c[1]));
    loop_for(&loop, 500);
    assert_true(leads(&c[1]) != leads(&c[2]));
    for (int i = 0; i < 3; i++)
        withdraw(&c[i]);
}

static void test_election__a_killed_leader_is_followed_after_its_ttl(void **state)
{
    struct candidate a = {0}, b = {0};

    stand(&a, "a");
    assert_true(loop_until(&loop, leads, &a));
    stand(&b, "b");
    withdraw(&a); /* without resigning, as if killed */
    assert_true(loop_until(&loop, leads, &b));
    withdraw(&b);
}

/* Behaviour 89: by the clock it stops before another can begin, whatever its loop has done so far. */
static void test_election__a_leader_that_was_held_up_is_none_until_etcd_says_so(void **state)
{
    struct candidate a = {0};
    struct etcd_answer answer;
    int64_t lease;

    stand(&a, "a");
    assert_true(loop_until(&loop, leads, &a));
    assert_int_equal(etcd_sync_get(e, &loop, "/l/leader", &answer, &err), 0);
    lease = answer.kvs.at[0].lease;
    etcd_answer_release(&answer);
    stand_still(lease, 3);
    assert_false(leads(&a));
    assert_true(loop_until(&loop, leads, &a));
    assert_int_equal(a.won, 1); /* nobody else did: it goes on as if nothing had been */
    assert_int_equal(a.lost, 0);
    withdraw(&a);
}

/* Behaviour 89: leadership alone protects nothing; the guard in each write does. */
static void test_election__a_deposed_leader_writes_nothing(void **state)
{
    struct candidate a = {0}, b = {0};
    struct etcd_answer answer;
    struct etcd_txn *old, *t;

    stand(&a, "a");
    assert_true(loop_until(&loop, leads, &a));
    old = etcd_txn_new(); /* decided while a leads ... */
    election_guard(a.election, old);
    etcd_txn_put(old, "/l/decision", "by a", 0);
    stand(&b, "b");
    withdraw(&a);
    assert_true(loop_until(&loop, leads, &b));
    t = etcd_txn_new();
    election_guard(b.election, t);
    etcd_txn_put(t, "/l/decision", "by b", 0);
    assert_int_equal(etcd_sync_txn(e, &loop, t, &answer, &err), 0);
    assert_int_equal(etcd_sync_txn(e, &loop, old, &answer, &err), ETCD_CONFLICT); /* ... sent too late */
    assert_int_equal(etcd_sync_get(e, &loop, "/l/decision", &answer, &err), 0);
    assert_string_equal(answer.kvs.at[0].value, "by b");
    etcd_answer_release(&answer);
    withdraw(&b);
}

static void test_election__the_guard_of_who_does_not_lead_never_holds(void **state)
{
    struct candidate a = {0};
    struct etcd_answer answer;
    struct etcd_txn *t = etcd_txn_new();

    stand(&a, "a");
    assert_false(leads(&a));
    election_guard(a.election, t);
    etcd_txn_put(t, "/l/decision", "by nobody", 0);
    assert_int_equal(etcd_sync_txn(e, &loop, t, &answer, &err), ETCD_CONFLICT);
    withdraw(&a);
}

static void test_election__a_leader_steps_down_when_etcd_is_frozen_or_its_key_is_deleted(void **state)
{
    struct candidate a = {0};
    struct etcd_answer answer;

    stand(&a, "a");
    assert_true(loop_until(&loop, leads, &a));
    assert_int_equal(etcd_sync_delete(e, &loop, "/l/leader", &answer, &err), 0);
    assert_true(loop_until(&loop, has_won_twice, &a));
    assert_int_equal(a.lost, 1);
    assert_true(leads(&a));
    etcd_server_freeze(&server);
    assert_true(loop_until(&loop, leads_not, &a));
    etcd_server_thaw(&server);
    assert_true(loop_until(&loop, leads, &a));
    withdraw(&a);
}

static void test_election__a_key_written_by_hand_keeps_nobody_from_leading(void **state)
{
    struct candidate a = {0}, b = {0};
    struct etcd_answer answer;

    assert_int_equal(etcd_sync_put(e, &loop, "/l/leader", "garbage", 0, &answer, &err), 0);
    stand(&a, "a");
    assert_true(loop_until(&loop, leads, &a)); /* it was there before */
    assert_int_equal(etcd_sync_put(e, &loop, "/l/leader", "garbage", 0, &answer, &err), 0);
    assert_true(
        loop_until(&loop, has_won_twice, &a)); /* it was written over ours, which keeps its create revision */
    assert_int_equal(a.lost, 1);
    stand(&b, "b");
    loop_for(&loop, 500);
    assert_false(leads(&b));
    withdraw(&b);
    withdraw(&a);
}

/* An etcd whose answers come in the order that a test wants. */
struct slow_etcd {
    struct candidate c;
    struct fake_conn *watch, *txn;
    unsigned txns;
};

#define HEAD(revision) "\"header\":{\"cluster_id\":\"1\",\"revision\":\"" revision "\"}"
#define OLD_LEADER                                                                                           \
    "\"kvs\":[{\"key\":\"L2wvbGVhZGVy\",\"value\":\"b2xk\",\"lease\":\"9\",\"create_revision\":\"3\","       \
    "\"mod_revision\":\"3\",\"version\":\"1\"}]"

static void slow_etcd_answer(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    static const char created[] = "{\"result\":{" HEAD("5") ",\"watch_id\":\"1\",\"created\":true}}\n";
    struct slow_etcd *s = arg;

    if (strcmp(req->target, "/v3/lease/grant") == 0) {
        fake_reply(conn, 200, "application/json", "{" HEAD("4") ",\"ID\":\"7\",\"TTL\":\"60\"}");
    } else if (strcmp(req->target, "/v3/kv/range") == 0) {
        fake_reply(conn, 200, "application/json", "{" HEAD("5") "," OLD_LEADER "}");
    } else if (strcmp(req->target, "/v3/watch") == 0) {
        fake_chunks_begin(conn, 200, "application/json");
        fake_chunk(conn, created, sizeof created - 1);
        s->watch = conn;
    } else if (++s->txns == 1) {
        s->txn = conn; /* answered later */
    } else {
        fake_reply(conn, 200, "application/json", "{" HEAD("7") ",\"succeeded\":true}");
    }
}

static bool old_one_leads(void *arg)
{
    struct slow_etcd *s = arg;

    return s->watch && s->txn && strcmp(election_reason(s->c.election), "old") == 0;
}

static bool nobody_leads(void *arg)
{
    struct slow_etcd *s = arg;

    return strcmp(election_reason(s->c.election), "nobody leads yet") == 0;
}

/* The old leader's key vanishes between our try and its answer, and the watch is the faster one to say so. */
static void test_election__a_key_that_vanishes_while_its_holder_is_told_is_not_missed(void **state)
{
    static const char deleted[] =
        "{\"result\":{" HEAD("6") ",\"watch_id\":\"1\",\"events\":[{\"type\":"
                                  "\"DELETE\",\"kv\":{\"key\":\"L2wvbGVhZGVy\",\"mod_revision\":\"6\"}}]}}\n";
    struct slow_etcd s = {0};
    int port = 0;
    struct fake_server *fake = fake_server_tcp(&loop, &port, slow_etcd_answer, &s);
    orc_auto_free char *url = orc_printf("http://127.0.0.1:%d", port);
    struct election_opts opts = {
        .key = "/l/leader", .value = "a", .ttl_s = 60, .on_change = on_change, .arg = &s.c};
    const char *urls[] = {url};

    s.c.e = client_of(1, urls);
    s.c.election = election_new(&loop, s.c.e, &opts);
    assert_true(loop_until(&loop, old_one_leads, &s));
    fake_chunk(s.watch, deleted, sizeof deleted - 1);
    assert_true(loop_until(&loop, nobody_leads, &s));
    fake_reply(s.txn, 200, "application/json",
               "{" HEAD("5") ",\"responses\":[{\"response_range\":{" OLD_LEADER "}}]}");
    assert_true(loop_until_ms(&loop, leads, &s.c, 5000));
    withdraw(&s.c);
    fake_server_free(fake);
}

/* Events ---------------------------------------------------------------------------------------------- */

static bool three_events(void *arg)
{
    struct etcd_answer a;
    bool enough;

    assert_int_equal(etcd_sync_range(e, &loop, "/orc/t/events/", 0, &a, &err), 0);
    enough = a.kvs.n == 3;
    etcd_answer_release(&a);
    return enough;
}

/* Behaviour 43: they carry a lease, so that history ends without anybody cleaning. */
static void test_event__events_are_written_readably_and_leased(void **state)
{
    struct event_log *l = event_log_new(e, "t", "scheduler k1");
    static const char *const as_told[] = {"replica 2 is healthy", "again", "lost"};
    struct record_event event;
    struct etcd_answer a;
    struct key key;

    event_add(l, "task", "shop/web", "replica %d is %s", 2, "healthy");
    event_add(l, "task", "shop/web", "again");
    event_add(l, "node", "k2", "lost");
    assert_true(loop_until(&loop, three_events, NULL));
    assert_int_equal(etcd_sync_range(e, &loop, "/orc/t/events/", 0, &a, &err), 0);
    for (size_t i = 0; i < a.kvs.n; i++) {
        assert_int_equal(key_parse("t", a.kvs.at[i].key, &key), KEY_EVENT);
        assert_true(a.kvs.at[i].lease != 0);
        assert_int_equal(record_event_parse(a.kvs.at[i].value, a.kvs.at[i].value_len, &event, &err), 0);
        assert_string_equal(event.by, "scheduler k1");
        assert_string_equal(event.message, as_told[i]);
        record_event_release(&event);
    }
    assert_true(a.kvs.at[0].lease == a.kvs.at[2].lease);
    etcd_answer_release(&a);
    event_log_free(l);
}

static void test_event__a_log_may_be_freed_with_events_under_way(void **state)
{
    struct event_log *l = event_log_new(e, "t", "nodelet k1");

    event_add(l, "task", "x", "y");
    event_log_free(l);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_lease__is_kept_alive_beyond_its_ttl),
        TEST(test_lease__that_etcd_has_ended_is_noticed_and_granted_anew),
        TEST(test_lease__counts_as_lost_when_nobody_answers_for_its_ttl_and_comes_back),
        TEST(test_lease__a_busy_owner_does_not_lose_what_still_lives),
        TEST(test_lease__a_busy_owner_is_told_when_it_is_lost),
        TEST(test_lease__of_a_longer_ttl_survives_an_etcd_restart),
        TEST(test_lease__is_resumed_by_a_later_life_of_its_process),
        TEST(test_lease__given_back_takes_its_keys_with_it_at_once),
        TEST(test_lease__giving_back_ends_also_when_etcd_is_frozen),
        TEST(test_lease__may_be_freed_when_it_is_told),
        TEST(test_lease__lives_on_when_one_of_three_members_dies),
        TEST(test_election__one_of_three_leads_and_the_next_takes_over),
        TEST(test_election__a_killed_leader_is_followed_after_its_ttl),
        TEST(test_election__a_leader_that_was_held_up_is_none_until_etcd_says_so),
        TEST(test_election__a_deposed_leader_writes_nothing),
        TEST(test_election__the_guard_of_who_does_not_lead_never_holds),
        TEST(test_election__a_key_written_by_hand_keeps_nobody_from_leading),
        TEST(test_election__a_leader_steps_down_when_etcd_is_frozen_or_its_key_is_deleted),
        TEST(test_election__a_key_that_vanishes_while_its_holder_is_told_is_not_missed),
        TEST(test_event__events_are_written_readably_and_leased),
        TEST(test_event__a_log_may_be_freed_with_events_under_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
