/* gateway/table_text: the text that NGINX holds, written and read again - whatever is in the table it comes
 * back the same, and whatever is wrong in a text nothing of it is taken. And what NGINX says of its requests,
 * word for word.
 */
#include "lib/buf.h"
#include "tests/unit/gw_table_story.h"

/* ---- writing and reading */

struct chance {
    uint64_t state;
};

static unsigned any(struct chance *c, unsigned below)
{
    c->state = c->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(c->state >> 33) % below;
}

/* Endpoints of several services with several ports each, in an order of chance, some draining, some vanished.
 */
static struct gw_table *some_table(uint64_t seed)
{
    struct chance c = {seed};
    struct gw_table *t = gw_table_new();
    int n = 1 + (int)any(&c, 20);

    for (int k = 1; k <= 3; k++) {
        orc_auto_free char *node = orc_printf("k%d", k);

        gw_table_node(t, node, 70 + k);
    }
    for (int i = 0; i < n; i++) {
        struct endpoint_port ports[3] = {
            {(char *)"/", 8080}, {(char *)"/b", (uint16_t)(1 + any(&c, 65535))}, {(char *)"/c", 65535}};
        orc_auto_free char *address =
            orc_printf("10.210.%d.%d", 1 + (int)any(&c, 200), 2 + (int)any(&c, 250));
        unsigned k = any(&c, 3);
        char *nodes[] = {(char *)"k1", (char *)"k2", (char *)"k3"};
        struct record_endpoint rec = {.node = nodes[k],
                                      .address = address,
                                      .state = any(&c, 4) ? ENDPOINT_READY : ENDPOINT_DRAINING,
                                      .ports = {ports, any(&c, 4), 3}};
        struct key key = {.kind = KEY_ENDPOINT, .app = "shop"};

        snprintf(key.service, sizeof key.service, "s%u", any(&c, 3));
        key_task_id("shop", key.service, i, 1, key.task);
        assert_int_equal(gw_table_put(t, &key, &rec, 10 + i, 71 + k, NULL), 0);
    }
    gw_table_commit(t, 100, 1000);
    if (any(&c, 2)) { /* a node falls silent with all it has */
        gw_table_node(t, "k2", 0);
        for (int i = 0; i < n; i++)
            for (int s = 0; s < 3; s++) {
                orc_auto_free char *task = orc_printf("shop.s%d.%d.1", s, i);

                if (i % 3 == 0)
                    gw_table_delete(t, task);
            }
        gw_table_commit(t, 101, 2000);
    }
    return t;
}

static void test_adopt__a_table_comes_back_as_it_was_written(void **state)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct gw_table *t = some_table(seed), *again = gw_table_new();
        orc_auto_free char *text = gw_table_text(t), *back = NULL;

        assert_int_equal(gw_table_adopt(again, text, NULL), 0);
        assert_false(gw_table_dirty(again));
        assert_int_equal(gw_table_revision(again), gw_table_revision(t));
        assert_int_equal(gw_table_counts(again).ready, gw_table_counts(t).ready);
        assert_int_equal(gw_table_counts(again).suspect, gw_table_counts(t).suspect);
        assert_int_equal(gw_table_counts(again).draining,
                         gw_table_counts(t).draining + gw_table_counts(t).gone);
        back = gw_table_text(again);
        assert_string_equal(back, text);
        gw_table_free(t);
        gw_table_free(again);
    }
}

/* Backends each once, in order, and within one the slots in order: so that equal tables are equal texts. */
static void test_adopt__members_are_in_order(void **state)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct gw_table *t = some_table(seed);
        orc_auto_free char *text = gw_table_text(t);
        char last[64] = "", *rest = text, *line;
        int slot = -1;

        while ((line = strsep(&rest, "\n"))) {
            if (line[0] == 'B') {
                assert_true(strcmp(line, last) > 0);
                snprintf(last, sizeof last, "%s", line);
                slot = -1;
            } else if (line[0] == 'E') {
                assert_true(last[0] && atoi(line + 2) >= slot);
                slot = atoi(line + 2);
            }
        }
        gw_table_free(t);
    }
}

/* ---- what can't be read */

#define B "B 0123456789abcdef\n"
#define T "T 5 r shop.web.0.1 k1 77 10.210.1.2\n"

static void test_adopt__each_word_of_a_line_is_checked(void **state)
{
    static const struct {
        const char *text;
        bool good;
    } cases[] = {
        {"orc1 20\n", true},
        {"orc1 20", true},
        {"orc1 0\n", true},
        {"orc1 20\n" T B "E 5 8080\n", true},
        {"orc1 20\n" T B "E 5 1\n", true},
        {"orc1 20\n" T B "E 5 65535\n", true},
        {"orc1 20\n" T B "E 5 8080", true},
        {"orc1 20\n" T "T 6 d shop.web.1.1 k1 77 10.210.1.3\n", true},
        {"orc1 20\n" T "T 6 s shop.web.1.1 k1 0 10.210.1.3\n", true},
        {"orc1 20\nT 0 r shop.web.0.1 k1 77 10.210.1.2\n", true},
        {"orc1 20\nT 16383 r shop.web.0.1 k1 77 10.210.1.2\n" B "E 16383 80\n", true},
        {"orc1 9223372036854775807\n", true},
        {"", false},
        {"orc1", false},
        {"orc1 ", false},
        {"orc2 20\n", false},
        {"orc1 -1\n", false},
        {"orc1 x\n", false},
        {"orc1 20 1\n", false},
        {"orc1 9223372036854775808\n", false},
        {"orc1 20\n\n" T, false},
        {"orc1 20\nX\n", false},
        {"orc1 20\nT\n", false},
        {"orc1 20\nT \n", false},
        {"orc1 20\nTx5 r shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT 16384 r shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT -1 r shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT x r shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT 5 g shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT 5 rd shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT 5  shop.web.0.1 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT 5 r shop.web.0 k1 77 10.210.1.2\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 K1 77 10.210.1.2\n", false},
        {"orc1 20\nT 5 r shop.web.0.1  77 10.210.1.2\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1 -1 10.210.1.2\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1 x 10.210.1.2\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1 77\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1\n", false},
        {"orc1 20\nT 5 r shop.web.0.1\n", false},
        {"orc1 20\nT 5 r\n", false},
        {"orc1 20\nT 5\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1 77 10.210.1\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1 77 fd00::1\n", false},
        {"orc1 20\nT 5 r shop.web.0.1 k1 77 10.210.1.2 x\n", false},
        {"orc1 20\n" T T, false},                                       /* the slot twice */
        {"orc1 20\n" T "T 6 r shop.web.0.1 k1 77 10.210.1.3\n", false}, /* the task twice */
        {"orc1 20\n" T "E 5 8080\n", false},                            /* of no backend */
        {"orc1 20\n" T B "E 6 8080\n", false},                          /* of no endpoint */
        {"orc1 20\n" T B "E 5 0\n", false},
        {"orc1 20\n" T B "E 5 65536\n", false},
        {"orc1 20\n" T B "E 5\n", false},
        {"orc1 20\n" T B "E 5 80 1\n", false},
        {"orc1 20\n" T B "E 16384 80\n", false},
        {"orc1 20\n" T "B 0123456789abcde\n", false},
        {"orc1 20\n" T "B 0123456789abcdef0\n", false},
        {"orc1 20\n" T "B 0123456789ABCDEF\n", false},
        {"orc1 20\n" T "B 0123456789abcdeg\n", false},
        {"orc1 20\n" T "C 0123456789abcdef\n", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct gw_table *t = gw_table_new();
        struct orc_err err = ORC_ERR_INIT;
        int r = gw_table_adopt(t, cases[i].text, &err);
        struct gw_table_counts n = gw_table_counts(t);

        if ((r == 0) != cases[i].good)
            fail_msg("case %zu is %s: %s", i, r ? "refused" : "taken", cases[i].text);
        assert_int_equal(gw_table_dirty(t), !cases[i].good);
        if (!cases[i].good) {
            assert_int_equal(n.ready + n.draining + n.suspect + n.gone, 0);
            assert_non_null(strstr(err.msg, "the table that NGINX holds"));
            put(t, 0, ENDPOINT_READY, 1); /* nothing is left of it */
            commit(t, 1);
            assert_counts(t, "1000");
        }
        gw_table_free(t);
    }
}

/* As many ports as one endpoint may have. */
static void test_adopt__ports_of_an_endpoint_are_bounded(void **state)
{
    for (int n = GW_PORTS_MAX; n <= GW_PORTS_MAX + 1; n++) {
        struct orc_buf b = ORC_BUF_INIT(1 << 16);
        struct gw_table *t = gw_table_new();
        orc_auto_free char *text = NULL;

        orc_buf_printf(&b, "orc1 20\n" T);
        for (int i = 0; i < n; i++)
            orc_buf_printf(&b, "B %016x\nE 5 %d\n", i + 1, 8000 + i);
        text = orc_buf_take(&b);
        assert_int_equal(gw_table_adopt(t, text, NULL) == 0, n <= GW_PORTS_MAX);
        gw_table_free(t);
    }
}

/* A text cut anywhere is taken in whole lines or not at all, and never harms. */
static void test_adopt__a_text_that_is_cut_does_no_harm(void **state)
{
    struct gw_table *t = some_table(7);
    orc_auto_free char *text = gw_table_text(t);
    size_t n = strlen(text);

    for (size_t at = 0; at < n; at++) {
        struct gw_table *again = gw_table_new();
        orc_auto_free char *cut = orc_strndup(text, at);
        struct gw_table_counts have;

        if (gw_table_adopt(again, cut, NULL) < 0) {
            have = gw_table_counts(again);
            assert_int_equal(have.ready + have.draining + have.suspect + have.gone, 0);
        }
        gw_table_free(again);
    }
    gw_table_free(t);
}

/* ---- requests in flight */

static struct gw_table *with_withdrawn(void)
{
    struct gw_table *t = table_with(3);

    put(t, 1, ENDPOINT_DRAINING, 30);
    gone(t, 2);
    commit(t, 31);
    gw_table_pushed(t, (free(gw_table_text(t)), true));
    assert_counts(t, "1101");
    return t;
}

/* Whoever was unknown is unknown until it is said; a line that can't be read ends the reading. */
static void test_in_flight__each_word_is_checked(void **state)
{
    static const struct {
        const char *answer, *inflight, *counts;
        bool good;
    } cases[] = {
        {"orc1 31\n", "shop.web.1.1=1 ", "1101", true},
        {"orc1 31\n1 7\n2 0\n", "shop.web.1.1=7 ", "1100", true},
        {"orc1 31\n1 0\n2 0\n", "", "1100", true},
        {"orc1 31\n1 0\n2 9", "", "1101", true},
        {"orc1 31\n0 5\n9 5\n", "shop.web.1.1=1 ", "1101", true}, /* of a ready one, of none */
        {"orc1 31\n1 2147483647\n2 1\n", "shop.web.1.1=2147483647 ", "1101", true},
        {"orc1 31\n1 2147483648\n", NULL, "1101", false},
        {"orc1 31\n1 -1\n", NULL, "1101", false},
        {"orc1 31\n1\n", NULL, "1101", false},
        {"orc1 31\n1 \n", NULL, "1101", false},
        {"orc1 31\n1 2 3\n", NULL, "1101", false},
        {"orc1 31\nx 2\n", NULL, "1101", false},
        {"orc1 31\n16384 2\n", NULL, "1101", false},
        {"orc1 31\n\n1 2\n", NULL, "1101", false},
        {"orc2 31\n1 2\n", NULL, "1101", false},
        {"", NULL, "1101", false},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        struct gw_table *t = with_withdrawn();
        int r = gw_table_in_flight(t, cases[i].answer, NULL);

        if ((r == 0) != cases[i].good)
            fail_msg("case %zu is %s", i, r ? "refused" : "taken");
        assert_counts(t, cases[i].counts);
        if (cases[i].inflight)
            assert_inflight(t, cases[i].inflight);
        gw_table_free(t);
    }
}

/* What is said before NGINX has the withdrawal says nothing of it. */
static void test_in_flight__before_it_is_pushed_nothing_is_believed(void **state)
{
    for (int pushed = 0; pushed < 2; pushed++) {
        struct gw_table *t = table_with(2);

        put(t, 1, ENDPOINT_DRAINING, 30);
        commit(t, 30);
        if (pushed)
            gw_table_pushed(t, (free(gw_table_text(t)), true));
        assert_int_equal(gw_table_in_flight(t, "orc1 30\n1 0\n", NULL), 0);
        assert_inflight(t, pushed ? "" : "shop.web.1.1=1 ");
        assert_int_equal(gw_table_has_draining_requests(t), !pushed);
        gw_table_free(t);
    }
}

/* Served is what NGINX took, never less than it once was, and all there is when nothing is left to push. */
static void test_served__is_what_nginx_took(void **state)
{
    struct gw_table *t = gw_table_new();
    orc_auto_free char *older = NULL;

    assert_int_equal(gw_table_served(t), 0);
    gw_table_node(t, "k1", LEASE);
    put(t, 0, ENDPOINT_READY, 10);
    commit(t, 10);
    older = gw_table_text(t);
    assert_int_equal(gw_table_served(t), 0);
    put(t, 1, ENDPOINT_READY, 12);
    commit(t, 12);
    gw_table_pushed(t, true); /* that of 10 */
    assert_int_equal(gw_table_served(t), 10);
    push(t, 0);
    assert_int_equal(gw_table_served(t), 12);
    commit(t, 15); /* of others' keys */
    assert_int_equal(gw_table_served(t), 15);
    put(t, 0, ENDPOINT_DRAINING, 16);
    commit(t, 16);
    assert_int_equal(gw_table_served(t), 15);
    assert_int_equal(gw_table_draining_revision(t), 16);
    gw_table_nginx_lost(t); /* it took nothing back */
    assert_int_equal(gw_table_served(t), 15);
    gw_table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adopt__a_table_comes_back_as_it_was_written),
        cmocka_unit_test(test_adopt__members_are_in_order),
        cmocka_unit_test(test_adopt__each_word_of_a_line_is_checked),
        cmocka_unit_test(test_adopt__ports_of_an_endpoint_are_bounded),
        cmocka_unit_test(test_adopt__a_text_that_is_cut_does_no_harm),
        cmocka_unit_test(test_in_flight__each_word_is_checked),
        cmocka_unit_test(test_in_flight__before_it_is_pushed_nothing_is_believed),
        cmocka_unit_test(test_served__is_what_nginx_took),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
