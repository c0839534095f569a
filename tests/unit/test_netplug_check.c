/* netplug/check: what is fine, what is advice and what breaks orc. */
#include "netplug/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum check_verdict judge(const char *key, const char *have, bool bridge_there)
{
    for (size_t i = 0; i < check_n_rules; i++)
        if (strcmp(check_rules[i].key, key) == 0)
            return check_judge(&check_rules[i], have, bridge_there);
    fail_msg("there is no rule for %s", key);
    return CHECK_BROKEN;
}

static void test_netplug_check__recommended_values_are_fine(void **state)
{
    assert_int_equal(judge("net/ipv4/tcp_tw_reuse", "1", false), CHECK_FINE);
    assert_int_equal(judge("net/ipv4/tcp_tw_reuse", "2", false), CHECK_ADVICE);
    assert_int_equal(judge("net/ipv4/ip_local_port_range", "1024 65535", false), CHECK_FINE);
    assert_int_equal(judge("net/ipv4/ip_local_port_range", "32768 60999", false), CHECK_ADVICE);
    assert_int_equal(judge("net/ipv4/tcp_syncookies", "2", false), CHECK_FINE);
    assert_int_equal(judge("net/ipv4/tcp_syncookies", "0", false), CHECK_ADVICE);
}

static void test_netplug_check__more_is_fine_where_at_least_is_asked(void **state)
{
    assert_int_equal(judge("net/core/somaxconn", "128", false), CHECK_ADVICE);
    assert_int_equal(judge("net/core/somaxconn", "4096", false), CHECK_FINE);
    assert_int_equal(judge("net/core/somaxconn", "65535", false), CHECK_FINE);
    assert_int_equal(judge("fs/file-max", "9223372036854775807", false), CHECK_FINE);
    assert_int_equal(judge("fs/file-max", "18446744073709551615", false), CHECK_FINE);
    assert_int_equal(judge("fs/file-max", "100000", false), CHECK_ADVICE);
}

static void test_netplug_check__tw_recycle_breaks_and_its_absence_does_not(void **state)
{
    assert_int_equal(judge("net/ipv4/tcp_tw_recycle", "1", false), CHECK_BROKEN);
    assert_int_equal(judge("net/ipv4/tcp_tw_recycle", "0", false), CHECK_FINE);
    assert_int_equal(judge("net/ipv4/tcp_tw_recycle", NULL, false), CHECK_FINE);
}

static void test_netplug_check__forwarding_is_needed_once_the_bridge_is_there(void **state)
{
    assert_int_equal(judge("net/ipv4/ip_forward", "0", false), CHECK_FINE);
    assert_int_equal(judge("net/ipv4/ip_forward", "0", true), CHECK_BROKEN);
    assert_int_equal(judge("net/ipv4/ip_forward", "1", true), CHECK_FINE);
    assert_int_equal(judge("net/ipv4/ip_forward", NULL, false), CHECK_BROKEN);
}

static struct link *add_link(struct link_set *set, const char *name, const char *kind, int mtu, int master)
{
    struct link *l = orc_vec_add(&set->links);

    snprintf(l->name, sizeof l->name, "%s", name);
    snprintf(l->kind, sizeof l->kind, "%s", kind);
    l->index = (int)set->links.n;
    l->mtu = mtu;
    l->master = master;
    l->up = true;
    return l;
}

static enum check_verdict links(struct link_set *set, char **ret_text)
{
    size_t n;
    FILE *out = open_memstream(ret_text, &n);
    enum check_verdict v = check_links(set, out);

    fclose(out);
    link_set_release(set);
    return v;
}

static void test_netplug_check__a_port_smaller_than_the_bridge_breaks(void **state)
{
    orc_auto_free char *text = NULL;
    struct link_set set = {0};

    add_link(&set, "orc0", "bridge", 1500, 0);
    add_link(&set, "eth1", "", 1400, 1);
    add_link(&set, "eth0", "", 1300, 0);
    assert_int_equal(links(&set, &text), CHECK_BROKEN);
    assert_string_equal(
        text, "BROKEN  orc0 has MTU 1500, its member eth1 only 1400: larger packets are lost there.\n");
}

static void test_netplug_check__larger_members_are_advice(void **state)
{
    orc_auto_free char *text = NULL;
    struct link_set set = {0};

    add_link(&set, "orc0", "bridge", 1400, 0);
    add_link(&set, "eth1", "", 1500, 1);
    add_link(&set, "veth1", "veth", 1500, 1);
    assert_int_equal(links(&set, &text), CHECK_ADVICE);
    assert_non_null(strstr(text, "its port eth1 could carry 1500"));
    assert_non_null(strstr(text, "container link veth1 has MTU 1500"));
}

static void test_netplug_check__the_bridge_must_be_one_and_up(void **state)
{
    orc_auto_free char *down = NULL, *other = NULL, *none = NULL;
    struct link_set set = {0};

    add_link(&set, "orc0", "bridge", 1400, 0)->up = false;
    assert_int_equal(links(&set, &down), CHECK_BROKEN);
    assert_non_null(strstr(down, "orc0 is down"));
    add_link(&set, "orc0", "dummy", 1400, 0);
    assert_int_equal(links(&set, &other), CHECK_BROKEN);
    assert_non_null(strstr(other, "is not a bridge"));
    assert_int_equal(links(&set, &none), CHECK_FINE);
    assert_non_null(strstr(none, "there is no orc0 yet"));
}

/* Needs no privilege: the real machine, whatever it is. */
static void test_netplug_check__this_machine_can_be_looked_at(void **state)
{
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_free char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    int r = check_run(out, &err);

    fclose(out);
    if (r < 0)
        fail_msg("%s", err.msg);
    assert_non_null(strstr(text, "127.0.0.1/8"));
    assert_non_null(strstr(text, "net.ipv4.ip_forward = "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_netplug_check__recommended_values_are_fine),
        cmocka_unit_test(test_netplug_check__more_is_fine_where_at_least_is_asked),
        cmocka_unit_test(test_netplug_check__tw_recycle_breaks_and_its_absence_does_not),
        cmocka_unit_test(test_netplug_check__forwarding_is_needed_once_the_bridge_is_there),
        cmocka_unit_test(test_netplug_check__a_port_smaller_than_the_bridge_breaks),
        cmocka_unit_test(test_netplug_check__larger_members_are_advice),
        cmocka_unit_test(test_netplug_check__the_bridge_must_be_one_and_up),
        cmocka_unit_test(test_netplug_check__this_machine_can_be_looked_at),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
