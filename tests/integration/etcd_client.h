/* etcd_client.h - for tests of the client: one etcd for the group, one loop and one client for each test.
 *
 * Included by the test programs; everything is static. Each ends the group's tests with
 * cmocka_run_group_tests(tests, start, stop).
 */
#ifndef TESTS_INTEGRATION_ETCD_CLIENT_H
#define TESTS_INTEGRATION_ETCD_CLIENT_H

#include "state/etcd_sync.h"
#include "tests/integration/etcd_server.h"
#include "tests/integration/loop_until.h"

#include <stdarg.h>

static struct etcd_server server;
static uv_loop_t loop;
static struct etcd *e;
static struct orc_err err;

/* A client of the given endpoints; `ms` per request. */
static struct etcd *client(uint64_t ms, size_t n, ...)
{
    struct orc_strv endpoints = {0};
    struct etcd_opts opts = {.endpoints = &endpoints, .timeout_ms = ms};
    struct etcd *made;
    va_list ap;

    va_start(ap, n);
    for (size_t i = 0; i < n; i++)
        orc_strv_add(&endpoints, va_arg(ap, const char *));
    va_end(ap);
    made = etcd_new(&loop, &opts, &err);
    orc_strv_release(&endpoints);
    return made;
}

static int start(void **state)
{
    etcd_server_start(&server);
    return 0;
}

static int stop(void **state)
{
    etcd_server_stop(&server);
    return 0;
}

static int close_client(void **state)
{
    e = etcd_free(e);
    return loop_close(&loop) ? 0 : -1;
}

#endif
