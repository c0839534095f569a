/* test_gw_register_late.c - a gateway's heartbeat that is answered late, after its lease has ended. */
#include "tests/unit/late_etcd.h"

#include "gateway/register.h"

static uv_loop_t loop;

static void on_registered(int64_t revision, void *arg)
{
}

static void on_retired(void *arg)
{
}

static bool may_register(void *arg)
{
    return true;
}

static void on_trouble(const char *why, void *arg)
{
}

static const struct orc_strv nowhere = {0};

/* One that is registered at revision 5 on lease 7, and whose heartbeat that says so is under way. */
static struct gw_register *reporting(int64_t served)
{
    struct gw_register_opts o = {.loop = &loop,
                                 .cluster = "c",
                                 .id = "g1",
                                 .instance = "i",
                                 .listen = &nowhere,
                                 .ttl_s = 4,
                                 .on_registered = on_registered,
                                 .on_retired = on_retired,
                                 .may_register = may_register,
                                 .on_trouble = on_trouble};
    struct record_gateway_alive now = {.served = served};
    struct gw_register *r;

    uv_loop_init(&loop);
    r = gw_register_new(&o);
    give_lease(7);
    asks("get /orc/c/gateways/g1; get /orc/c/gateway-alive/g1; ");
    succeed(4);
    asks("put /orc/c/gateways/g1 on 0; put /orc/c/gateway-alive/g1 on 7; ");
    succeed(5);
    gw_register_report(r, &now, 0);
    asks("put /orc/c/gateway-alive/g1 on 7; ");
    return r;
}

static void end(struct gw_register *r)
{
    gw_register_free(r);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    orc_buf_release(&call.text);
}

static void test_gw_register__what_is_written_is_not_written_again(void **state)
{
    struct gw_register *r = reporting(6);

    succeed(6);
    assert_false(call.going);
    end(r);
}

/* Else the store would say nothing of it, for as long as nothing drains. */
static void test_gw_register__a_heartbeat_whose_lease_has_ended_is_written_anew(void **state)
{
    for (int lost = 0; lost < 2; lost++) {
        struct gw_register *r = reporting(6);

        if (lost) {
            give_lease(0);
            assert_false(call.going);
        }
        give_lease(8);
        asks("put /orc/c/gateway-alive/g1 on 8; ");
        succeed(9);
        assert_false(call.going);
        end(r);
    }
}

/* Found by the simulator: a gateway told the restored store what it had served of the one before. */
static void test_gw_register__what_was_for_another_store_is_not_said(void **state)
{
    struct record_gateway_alive now = {.served = 3};
    struct gw_register *r = reporting(600);

    gw_register_pause(r, true);
    gw_register_forget(r);
    assert_false(call.going);
    give_lease(8);
    gw_register_pause(r, false);
    assert_false(call.going);
    gw_register_report(r, &now, 0);
    asks("put /orc/c/gateway-alive/g1 on 8; ");
    end(r);
}

static void count(void *arg)
{
    ++*(int *)arg;
}

/* What is taken back hangs on no lease: it goes on. */
static void test_gw_register__a_retirement_outlasts_its_lease(void **state)
{
    struct gw_register *r = reporting(6);
    int done = 0;

    succeed(6);
    gw_register_retire(r, count, &done);
    give_lease(0);
    asks("delete /orc/c/gateways/g1; delete /orc/c/gateway-alive/g1; ");
    assert_int_equal(done, 0);
    succeed(7);
    assert_int_equal(done, 1);
    end(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gw_register__what_is_written_is_not_written_again),
        cmocka_unit_test(test_gw_register__a_heartbeat_whose_lease_has_ended_is_written_anew),
        cmocka_unit_test(test_gw_register__what_was_for_another_store_is_not_said),
        cmocka_unit_test(test_gw_register__a_retirement_outlasts_its_lease),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
