/* gw_table_story.h - what happens to a gateway's table, in lines: put(), gone(), commit(), and what the table
 * then is. For its tests.
 */
#ifndef TESTS_UNIT_GW_TABLE_STORY_H
#define TESTS_UNIT_GW_TABLE_STORY_H

#include "gateway/table.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define GW_FN ORC_UNUSED static

#define LEASE 77

GW_FN int put_at(struct gw_table *t, const char *service, int slot, const char *node, const char *address,
                 enum endpoint_state state, int64_t revision, int64_t lease)
{
    orc_auto_free char *n = orc_strdup(node), *a = orc_strdup(address);
    struct endpoint_port port = {.name = (char[]){"/"}, .port = 8080};
    struct record_endpoint rec = {.node = n, .address = a, .state = state, .ports = {&port, 1, 1}};
    struct key key = {.kind = KEY_ENDPOINT};

    snprintf(key.app, sizeof key.app, "shop");
    snprintf(key.service, sizeof key.service, "%s", service);
    key_task_id("shop", service, slot, 1, key.task);
    return gw_table_put(t, &key, &rec, revision, lease, NULL);
}

/* Endpoint `slot` of shop/web on node k1 at 10.210.1.<slot + 2>. */
GW_FN void put(struct gw_table *t, int slot, enum endpoint_state state, int64_t revision)
{
    orc_auto_free char *address = orc_printf("10.210.1.%d", slot + 2);

    assert_int_equal(put_at(t, "web", slot, "k1", address, state, revision, LEASE), 0);
}

GW_FN void gone(struct gw_table *t, int slot)
{
    char task[KEY_TASK_MAX + 1];

    key_task_id("shop", "web", slot, 1, task);
    gw_table_delete(t, task);
}

GW_FN void commit(struct gw_table *t, int64_t revision)
{
    gw_table_commit(t, revision, 1000);
}

/* NGINX takes the table and has so many requests in flight to everything that is no longer chosen. */
GW_FN void push(struct gw_table *t, int requests)
{
    orc_auto_free char *text = gw_table_text(t);
    orc_auto_free char *answer = orc_strdup("orc1 1\n");
    char *line, *rest = text;

    while ((line = strsep(&rest, "\n"))) {
        unsigned slot;
        char state;

        if (sscanf(line, "T %u %c", &slot, &state) == 2 && state == 'd') {
            char *longer = orc_printf("%s%u %d\n", answer, slot, requests);
            free(answer);
            answer = longer;
        }
    }
    gw_table_pushed(t, true);
    assert_int_equal(gw_table_in_flight(t, answer, NULL), 0);
}

/* "1 ready, 0 draining, 0 suspect, 0 gone" as "1000". */
GW_FN void assert_counts(const struct gw_table *t, const char *expected)
{
    struct gw_table_counts n = gw_table_counts(t);
    orc_auto_free char *got = orc_printf("%zu%zu%zu%zu", n.ready, n.draining, n.suspect, n.gone);

    assert_string_equal(got, expected);
}

GW_FN struct gw_table *table_with(int endpoints)
{
    struct gw_table *t = gw_table_new();

    gw_table_node(t, "k1", LEASE);
    for (int i = 0; i < endpoints; i++)
        put(t, i, ENDPOINT_READY, 10 + i);
    commit(t, 20);
    push(t, 0);
    return t;
}

GW_FN void assert_inflight(const struct gw_table *t, const char *expected)
{
    struct record_gateway_alive r;
    orc_auto_free char *got = orc_strdup("");

    gw_table_report(t, &r);
    for (size_t i = 0; i < r.inflight.n; i++) {
        char *longer = orc_printf("%s%s=%" PRId64 " ", got, r.inflight.at[i].task, r.inflight.at[i].requests);
        free(got);
        got = longer;
    }
    record_gateway_alive_release(&r);
    assert_string_equal(got, expected);
}

GW_FN struct gw_table *table_with_suspect(void)
{
    struct gw_table *t = table_with(1);

    gw_table_node(t, "k1", 0);
    gone(t, 0);
    commit(t, 30);
    assert_counts(t, "0010");
    return t;
}

#endif
