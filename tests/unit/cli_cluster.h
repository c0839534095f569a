/* cli_cluster.h - one-line builders of a cluster's records for the CLI's tests: the app "shop" with the
 * service "web", as the daemons would write them. Included by the test programs; everything is static. */
#ifndef TESTS_UNIT_CLI_CLUSTER_H
#define TESTS_UNIT_CLI_CLUSTER_H

#include "cli/cluster.h"

#include <stdio.h>

#define NOW 1000000000

ORC_UNUSED static void put(struct cluster *c, const char *key, const char *value)
{
    orc_auto_free char *name = orc_printf("/orc/default/%s", key);

    cluster_put(c, name, value, strlen(value), 1, ++c->revision);
}

ORC_UNUSED static void node(struct cluster *c, const char *name, bool alive)
{
    orc_auto_free char *key = orc_printf("nodes/%s", name);
    orc_auto_free char *alive_key = orc_printf("alive/%s", name);

    put(c, key,
        "{\"address\":\"10.0.0.11\",\"subnet\":\"10.210.1.0/"
        "24\",\"capacity\":{\"cpus_nano\":4000000000,\"memory\":4294967296},"
        "\"reserve\":{\"cpus_nano\":1000000000,\"memory\":1073741824},\"os\":\"linux\",\"arch\":\"amd64\","
        "\"mtu\":1500,\"conditions\":[]}");
    if (alive)
        put(c, alive_key, "{\"machine_id\":\"m\",\"boot_id\":\"b\",\"instance\":\"i\"}");
}

ORC_UNUSED static void leader(struct cluster *c)
{
    put(c, "leader", "{\"id\":\"orc-scheduler\",\"host\":\"ctl\",\"at\":1}");
}

ORC_UNUSED static void app(struct cluster *c, int replicas)
{
    orc_auto_free char *text = orc_printf(
        "{\"generation\":1,\"services\":[{\"name\":\"web\",\"revision\":2,\"replicas\":%d}]}", replicas);

    put(c, "apps/shop", text);
}

ORC_UNUSED static void rollout(struct cluster *c, const char *state, const char *reason, const char *pending)
{
    orc_auto_free char *text = orc_printf(
        "{\"state\":\"%s\",\"generation\":1,\"wanted\":2,\"target\":2,\"complete\":2,\"since\":%d%s%s%s%s%s}",
        state, NOW - 5000, reason ? ",\"reason\":\"" : "", reason ? reason : "", reason ? "\"" : "",
        pending ? ",\"pending\":" : "", pending ? pending : "");

    put(c, "rollouts/shop/web", text);
}

ORC_UNUSED static void task(struct cluster *c, const char *on, int slot, const char *desired)
{
    orc_auto_free char *key = orc_printf("tasks/%s/shop.web.%d.%d", on, slot, slot + 1);
    orc_auto_free char *text =
        orc_printf("{\"app\":\"shop\",\"service\":\"web\",\"slot\":%d,\"attempt\":%d,\"revision\":2,"
                   "\"container_hash\":\"\","
                   "\"desired\":\"%s\",\"address\":\"10.210.1.%d\",\"resources\":{\"cpus_nano\":500000000,"
                   "\"memory\":67108864},"
                   "\"restarts\":1,\"reason\":\"first deployment\",\"stop_reason\":\"scaled down\"}",
                   slot, slot + 1, desired, slot + 2);

    put(c, key, text);
}

ORC_UNUSED static void status(struct cluster *c, const char *on, int slot, const char *state,
                              const char *health, const char *probe)
{
    orc_auto_free char *key = orc_printf("status/%s/shop.web.%d.%d", on, slot, slot + 1);
    orc_auto_free char *text = orc_printf(
        "{\"state\":\"%s\",\"health\":\"%s\",\"restarts\":2,\"exit_code\":-1,\"since\":%d%s%s%s}", state,
        health, NOW - 3000, probe ? ",\"probe\":\"" : "", probe ? probe : "", probe ? "\"" : "");

    put(c, key, text);
}

ORC_UNUSED static struct cluster healthy(int replicas)
{
    struct cluster c;

    cluster_init(&c, "default");
    leader(&c);
    node(&c, "k1", true);
    app(&c, replicas);
    rollout(&c, "complete", NULL, NULL);
    for (int i = 0; i < replicas; i++) {
        task(&c, "k1", i, "run");
        status(&c, "k1", i, "running", "healthy", NULL);
    }
    return c;
}

#endif
