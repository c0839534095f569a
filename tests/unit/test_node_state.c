/* What a node is called (state/node_state): every combination of facts, and the words for it. */
#include "state/node_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct record_node well = {.subnet = (char *)"10.210.1.0/24"};
static const struct record_node unwell = {0}; /* without a subnet it is not ready */

static enum node_state judged(struct node_facts f)
{
    return node_state_judge(&f, NULL);
}

static void test_node_state__a_table_of_facts(void **state)
{
    static const struct record_node_policy cordon = {.cordon = true}, drain = {.cordon = true, .drain = true};
    static const struct record_node_policy removed = {
        .cordon = true, .drain = true, .drain_deadline_ms = 1, .removed = 5};
    static const struct {
        struct node_facts f;
        enum node_state is;
        const char *why;
        bool trouble;
    } table[] = {
        {{.record = &well, .alive = true}, NODE_READY, NULL, false},
        {{.record = &unwell, .alive = true}, NODE_NOT_READY, "no subnet is claimed for this node yet", true},
        {{.alive = true}, NODE_NOT_READY, "it has not registered yet", true},
        {{.alive = true, .unreadable = true}, NODE_NOT_READY, "its record can't be read", true},
        {{.record = &well}, NODE_UNKNOWN, "no heartbeat: the server", true},
        {{.record = &well, .held = true}, NODE_UNKNOWN, "as of more than half", true},
        {{.record = &well, .given_up = true}, NODE_DOWN, "for longer than the grace", true},
        {{.unreadable = true}, NODE_UNKNOWN, "no heartbeat", true},
        {{.given_up = true}, NODE_REMOVED, "its records are gone", true},
        {{.record = &well, .alive = true, .policy = &cordon}, NODE_CORDONED, "gets no new ones", false},
        {{.record = &unwell, .alive = true, .policy = &cordon}, NODE_NOT_READY, "no subnet", true},
        {{.record = &well, .alive = true, .policy = &drain, .tasks = 2},
         NODE_DRAINING,
         "move elsewhere",
         false},
        {{.record = &well, .alive = true, .policy = &drain}, NODE_DRAINED, "nothing runs there", false},
        {{.record = &unwell, .alive = true, .policy = &drain}, NODE_DRAINED, "; not ready: no subnet", false},
        {{.record = &well, .policy = &drain, .tasks = 2}, NODE_UNKNOWN, "no heartbeat", true},
        {{.record = &well, .policy = &drain},
         NODE_UNKNOWN,
         "no heartbeat",
         false}, /* taken out to be mended */
        {{.record = &well, .policy = &drain, .given_up = true}, NODE_DOWN, "no heartbeat", false},
        {{.record = &well, .policy = &removed, .tasks = 3}, NODE_REMOVED, "are replaced elsewhere", false},
        {{.record = &well, .policy = &removed, .alive = true}, NODE_REMOVED, "gives signs of life", true},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(table); i++) {
        orc_auto_free char *why = NULL;
        enum node_state s = node_state_judge(&table[i].f, &why);

        if (s != table[i].is || !why != !table[i].why || (why && !strstr(why, table[i].why)))
            fail_msg("row %zu: %s: %s", i, node_state_name(s), why ? why : "");
        assert_int_equal(node_state_is_trouble(s, &table[i].f), table[i].trouble);
    }
}

/* Behaviours 75, 76: silence alone is not the end, and only silence is. */
static void test_node_state__only_a_silent_node_is_unknown_or_down(void **state)
{
    for (int bits = 0; bits < 128; bits++) {
        struct record_node_policy p = {.cordon = bits & 1, .drain = bits & 2};
        struct node_facts f = {.record = bits & 4 ? &well : &unwell,
                               .policy = bits & 8 ? &p : NULL,
                               .alive = bits & 16,
                               .given_up = bits & 32,
                               .tasks = bits & 64 ? 3 : 0};
        enum node_state s = judged(f);

        assert_int_equal(s == NODE_UNKNOWN || s == NODE_DOWN, !f.alive);
        assert_int_equal(s == NODE_DOWN, !f.alive && f.given_up);
        if (s == NODE_READY)
            assert_true(f.alive && f.record == &well);
        if (s == NODE_DRAINED || s == NODE_DRAINING)
            assert_int_equal(s == NODE_DRAINED, !f.tasks);
    }
}

static void test_node_state__a_record_is_read_as_it_was_written(void **state)
{
    for (int i = NODE_READY; i <= NODE_REMOVED; i++) {
        struct record_node_state r = {.state = (enum node_state)i, .since = 7, .held = i % 2}, back = {0};
        orc_auto_free char *text = record_node_state_text(&r);

        assert_int_equal(record_node_state_parse(text, strlen(text), &back, NULL), 0);
        assert_int_equal(back.state, i);
        assert_int_equal(back.since, 7);
        assert_int_equal(back.held, i % 2);
        record_node_state_release(&back);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_state__a_table_of_facts),
        cmocka_unit_test(test_node_state__only_a_silent_node_is_unknown_or_down),
        cmocka_unit_test(test_node_state__a_record_is_read_as_it_was_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
