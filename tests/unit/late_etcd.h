/* late_etcd.h - an etcd client whose answers come when the test says so, and a lease that it gives and takes:
 * for state/election.c and gateway/register.c alone, with nothing of the real ones linked. Included by one
 * test program each.
 */
#ifndef TESTS_LATE_ETCD_H
#define TESTS_LATE_ETCD_H

#include "state/etcd.h"
#include "state/lease.h"

#include "lib/buf.h"
#include "lib/mem.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

/* ---- the lease */

struct lease {
    struct lease_opts o;
    int64_t id;
};
static struct lease lease;

struct lease *lease_new(uv_loop_t *loop, struct etcd *e, const struct lease_opts *opts)
{
    lease = (struct lease){.o = *opts};
    return &lease;
}

struct lease *lease_free(struct lease *l)
{
    return NULL;
}

int64_t lease_id(const struct lease *l)
{
    return l->id;
}

bool lease_is_valid(const struct lease *l)
{
    return l->id != 0;
}

const char *lease_reason(const struct lease *l)
{
    return "";
}

void lease_revoke(struct lease *l, void (*done)(void *arg), void *arg)
{
    done(arg);
}

/* It is given (0: lost). */
static void give_lease(int64_t id)
{
    lease.id = id;
    lease.o.on_lease(id, lease.o.arg);
}

/* ---- transactions: what they put, each with its lease */

struct etcd_txn {
    struct orc_buf text;
};

struct etcd_txn *etcd_txn_new(void)
{
    struct etcd_txn *t = orc_new(struct etcd_txn);

    orc_buf_init(&t->text, 4096);
    return t;
}

void etcd_txn_put(struct etcd_txn *t, const char *key, const char *value, int64_t id)
{
    orc_buf_printf(&t->text, "put %s on %d; ", key, (int)id);
}

void etcd_txn_delete(struct etcd_txn *t, const char *key)
{
    orc_buf_printf(&t->text, "delete %s; ", key);
}

void etcd_txn_get(struct etcd_txn *t, const char *key)
{
    orc_buf_printf(&t->text, "get %s; ", key);
}

void etcd_txn_else_get(struct etcd_txn *t, const char *key)
{
}

void etcd_txn_if_create_revision(struct etcd_txn *t, const char *key, int64_t revision)
{
}

void etcd_txn_if_mod_revision(struct etcd_txn *t, const char *key, int64_t revision)
{
}

/* ---- calls: one is under way at most */

struct etcd_call {
    struct orc_buf text;
    etcd_cb *cb;
    void *arg;
    bool going;
};
static struct etcd_call call;

struct etcd_call *etcd_txn_commit(struct etcd *e, struct etcd_txn *t, etcd_cb *cb, void *arg)
{
    assert_false(call.going);
    orc_buf_release(&call.text);
    call = (struct etcd_call){t->text, cb, arg, true};
    free(t);
    return &call;
}

static void end_call(struct etcd_result res)
{
    assert_true(call.going);
    call.going = false;
    call.cb(&res, call.arg);
}

void etcd_cancel(struct etcd_call *c)
{
    end_call((struct etcd_result){.error = -ECANCELED, .error_text = "cancelled", .maybe = true});
}

/* It held, at that revision. */
static void succeed(int64_t revision)
{
    end_call((struct etcd_result){.succeeded = true, .revision = revision, .error_text = ""});
}

static void asks(const char *expected)
{
    assert_true(call.going);
    assert_string_equal(orc_buf_str(&call.text), expected);
}

#endif
