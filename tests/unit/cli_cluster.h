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

/* Everything at once: a spec with all there is to say, a replica that was killed for memory, a server with a
 * condition and a policy, endpoints, events. */
ORC_UNUSED static struct cluster rich(void)
{
    struct cluster c = healthy(1);

    app(&c, 2);
    put(&c, "revisions/shop/web/00000002",
        "{\"spec\":{\"name\":\"web\",\"image\":\"registry.example/shop/"
        "web:2\",\"command\":[\"serve\",\"--all\"],"
        "\"depends_on\":[{\"service\":\"db\",\"condition\":\"healthy\"}],"
        "\"health\":{\"kind\":\"http\",\"path\":\"/health\",\"port\":8080},"
        "\"ports\":[{\"host_ip\":\"10.0.0.11\",\"host\":8080,\"container\":80}],"
        "\"mounts\":[{\"kind\":\"volume\",\"source\":\"data\",\"target\":\"/data\"}],"
        "\"constraints\":[{\"key\":\"node.labels.disk\",\"equal\":true,\"value\":\"ssd\"}],"
        "\"max_per_node\":1,\"replicas\":2,"
        "\"gateway\":[{\"host\":\"\",\"path\":\"/web/\",\"port\":8080,\"strip_prefix\":true}],"
        "\"limits\":{\"cpus_nano\":500000000,\"memory\":67108864}},"
        "\"hash\":\"\",\"container_hash\":\"\",\"by\":\"ann@desk\",\"at\":999000000}");
    node(&c, "k2", true);
    put(&c, "nodes/k2",
        "{\"address\":\"10.0.0.12\",\"subnet\":\"10.210.2.0/24\",\"capacity\":{\"cpus_nano\":8000000000,"
        "\"memory\":17179869184},\"os\":\"linux\",\"arch\":\"amd64\",\"kernel\":\"6.1.0-18-amd64\","
        "\"virt\":\"kvm\",\"engine\":\"20.10.24 (API 1.41)\",\"version\":\"0.1\",\"mtu\":1400,"
        "\"labels\":{\"disk\":\"ssd\",\"zone\":\"b\"},\"volumes\":[\"shop.data\",\"shop.more\"],"
        "\"conditions\":[{\"type\":\"engine\",\"ok\":true,\"since\":1000},{\"type\":\"mtu\",\"ok\":false,"
        "\"reason\":\"the path to k1 carries 1400 bytes, orc0 has 1500\",\"since\":999880000}]}");
    put(&c, "node-policy/k2", "{\"cordon\":true,\"labels\":{\"rack\":\"7\"}}");
    put(&c, "node-state/k2", "{\"state\":\"not ready\",\"since\":999880000}");
    task(&c, "k2", 1, "run");
    put(&c, "status/k2/shop.web.1.2",
        "{\"state\":\"running\",\"health\":\"unhealthy\",\"restarts\":3,\"reason\":\"restarted after exit "
        "code 137\","
        "\"probe\":\"HTTP 503 after 2 ms\",\"exit_code\":137,\"oom\":true,\"since\":999990000,"
        "\"container\":\"4f5e6d7c8b9a4f5e6d7c8b9a4f5e6d7c8b9a4f5e6d7c8b9a4f5e6d7c8b9a4f5e\"}");
    rollout(&c, "paused", "2 replicas failed at revision 2", NULL);
    put(&c, "endpoints/shop/web/shop.web.0.1",
        "{\"node\":\"k1\",\"address\":\"10.210.1.2\",\"state\":\"ready\",\"ports\":[{\"name\":\"/web/"
        "\",\"port\":8080}]}");
    put(&c, "endpoints/shop/db/shop.db.0.1",
        "{\"node\":\"k1\",\"address\":\"10.210.1.9\",\"state\":\"ready\",\"ports\":[]}");
    put(&c, "events/0000999990000-aa",
        "{\"at\":999990000,\"type\":\"task\",\"object\":\"shop.web.1.2\",\"message\":\"was killed for "
        "memory\","
        "\"by\":\"nodelet k2\"}");
    put(&c, "events/0000999995000-bb",
        "{\"at\":999995000,\"type\":\"rollout\",\"object\":\"shop/web\",\"message\":\"is paused\","
        "\"by\":\"scheduler\"}");
    put(&c, "events/0000999996000-cc",
        "{\"at\":999996000,\"type\":\"rollout\",\"object\":\"shop/web2\",\"message\":\"is another's\","
        "\"by\":\"scheduler\"}");
    put(&c, "events/0000999997000-dd",
        "{\"at\":999997000,\"type\":\"node\",\"object\":\"k2\",\"message\":\"is not ready\",\"by\":\"nodelet "
        "k2\"}");
    return c;
}

#endif
