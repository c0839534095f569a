/* Thousands of random histories of a cluster, with faults, each step held against what must never happen.
 *
 * One seed is one exact run. ORC_SIM_SEEDS=N runs more of them, ORC_SIM_SEED=K runs that one and prints its
 * trace.
 */
#include "scheduler/explain.h"
#include "scheduler/survive.h"
#include "tests/sim/history_check.h"
#include "tests/sim/history_jobs.h"

#include <stdlib.h>

#define SEEDS 150
#define ROUNDS 160

/* ---- the people */

static const char *any_image(struct run *r)
{
    static const char *const images[] = {"good", "good", "good", "good", "sick", "missing", "crash", "stuck"};

    return images[sim_random(r->s) % ORC_ARRAY_SIZE(images)];
}

static void say(struct run *r, const char *fmt, ...) ORC_PRINTF(2, 3);
static void say(struct run *r, const char *fmt, ...)
{
    va_list ap;

    if (!r->trace)
        return;
    printf("%8llu ", (unsigned long long)r->s->now);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    printf("\n");
}

/* Half of what each replica takes, and its data, are a sidecar's: for the deciders nothing is different. */
static void split(struct spec_service *w)
{
    struct spec_service *x = orc_vec_add(&w->sidecars);

    spec_service_init(x);
    x->name = orc_strdup("side");
    x->image = orc_strdup(w->image);
    x->limits = (struct spec_resources){w->limits.cpus_nano / 2, w->limits.memory / 2};
    x->mounts.at = w->mounts.at;
    x->mounts.n = w->mounts.n;
    x->mounts.cap = w->mounts.cap;
    w->limits = x->limits;
    memset(&w->mounts, 0, sizeof w->mounts);
}

static void apply(struct run *r, struct service *x, const char *image)
{
    struct spec_service *w = sim_spec(x->name, 0, image);
    struct spec_pair *label = orc_vec_add(&w->labels);

    if (!x->wanted)
        x->replicas = 1 + (int)(sim_random(r->s) % 5);
    if (x->global)
        x->replicas = r->n_nodes;
    if (x->port && x->replicas > r->n_nodes) /* more than can ever run would hold every update up */
        x->replicas = r->n_nodes;
    if (x->per_node && x->replicas > r->n_nodes * x->per_node)
        x->replicas = r->n_nodes * x->per_node;
    x->wanted = true;
    label->key = orc_strdup("version");
    label->value = orc_printf("%lld", (long long)++x->revision);
    w->update.parallelism = x->parallelism;
    w->update.order = x->order;
    w->canary = x->canary;
    w->update.max_failure_nano = sim_chance(r->s, 4) ? 300000000 : 0;
    w->progress_deadline_ms = r->calm ? 0 : sim_chance(r->s, 4) ? 20000 : 600000;
    w->max_per_node = x->global ? 0 : x->per_node;
    w->disconnect_ms = x->disconnect_ms;
    w->rebalance_auto = x->rebalances;
    w->rebalance_after_ms = 20000;
    w->global = x->global;
    if (x->job) {
        w->job = true;
        w->replicas = x->global ? SPEC_REPLICAS_DEFAULT : x->replicas;
        w->restart = SPEC_RESTART_NO;
        w->health.kind = SPEC_HEALTH_NONE;
        w->run =
            (struct spec_run){.max_concurrent = JOB_AT_ONCE, .retries = SPEC_RETRIES_ANY, .keep = JOB_KEEP};
        if (x->scheduled) {
            w->schedule.cron = orc_strdup("* * * * *");
            w->schedule.concurrency = x->concurrency;
            w->schedule.deadline_ms = 30000;
            w->run.retries = 2; /* or one that can't succeed would keep all later ones away */
        }
    }
    if (x->global)
        w->replicas = SPEC_REPLICAS_DEFAULT;
    w->strategy = x->packed ? SPEC_BINPACK : SPEC_SPREAD;
    if (x->zones)
        orc_strv_add(&w->spread_over, "node.labels.zone");
    w->update.failure_action = (enum spec_failure_action)(sim_random(r->s) % 3);
    w->update.delay_ms = sim_chance(r->s, 3) ? 2000 : 0;
    if (x->volume)
        orc_vec_push(&w->mounts, ((struct spec_mount){.kind = SPEC_MOUNT_VOLUME,
                                                      .source = orc_strdup("data"),
                                                      .target = orc_strdup("/data")}));
    if (x->port)
        orc_vec_push(&w->ports,
                     ((struct spec_port){.host_ip = orc_strdup(""), .host = 8080, .container = 80}));
    if (x->revision % 2)
        split(w);
    say(r, "apply %s revision %lld: %s", x->name, (long long)x->revision, image);
    sim_apply(r->s, "shop", x->revision, w);
    sim_scale(r->s, "shop", x->name, x->replicas);
    if (strcmp(image, "good") == 0)
        x->good = x->revision;
}

static void scale(struct run *r, struct service *x)
{
    int n = (int)(sim_random(r->s) % 6);

    say(r, "scale %s to %d", x->name, n);
    sim_scale(r->s, "shop", x->name, n);
    if (!x->global && !x->job)
        x->replicas = n;
}

static void remove_service(struct run *r, struct service *x)
{
    struct record_app a = sim_app(r->s, "shop");
    size_t i = 0;

    say(r, "remove %s", x->name);
    while (strcmp(a.services.at[i].name, x->name) != 0)
        i++;
    free(a.services.at[i].name);
    memmove(&a.services.at[i], &a.services.at[i + 1], (a.services.n - i - 1) * sizeof *a.services.at);
    a.services.n--;
    sim_app_put(r->s, "shop", &a);
    x->wanted = false;
}

static void order(struct run *r, struct service *x)
{
    enum intent_action action = (enum intent_action)(1 + sim_random(r->s) % 3);
    const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
    int64_t revision = sim_chance(r->s, 5) || !roll ? 1 : roll->wanted;

    say(r, "%s %s of revision %lld", intent_action_name(action), x->name, (long long)revision);
    sim_order(r->s, x->name, action, revision);
}

static void person_acts(struct run *r)
{
    struct service *x = &r->services[sim_random(r->s) % (uint64_t)r->n_services];

    switch (sim_random(r->s) % 11) {
    case 0:
    case 1:
        apply(r, x, any_image(r));
        break;
    case 2:
    case 3:
        if (x->wanted)
            scale(r, x);
        break;
    case 4:
        say(r, "restart %s", x->name);
        sim_restart(r->s, "shop", x->name, ++x->epoch);
        break;
    case 5:
        if (x->wanted && x->good) {
            say(r, "point %s to %lld", x->name, (long long)x->good);
            sim_point(r->s, "shop", x->name, x->good);
        }
        break;
    case 6:
        if (x->wanted && sim_chance(r->s, 3))
            remove_service(r, x);
        break;
    case 7:
    case 8:
        order(r, x);
        break;
    case 9:
        say(r, "rebalance %s", x->name);
        sim_rebalance(r->s, "shop", x->name, (int)(sim_random(r->s) % 3));
        break;
    default:
        break;
    }
}

/* ---- the faults */

/* Containers of jobs end: one in three badly; in the end all, and well. */
static void jobs_end(struct run *r)
{
    struct lives v = read_tasks(r->s);
    struct live *l;

    orc_vec_each (l, &v) {
        struct record_status st = {0};

        if (!service_of(r, l->rec->service)->job || !l->alive || l->stale || !l->st ||
            l->st->state < TASK_STARTING || l->st->state > TASK_RUNNING ||
            (l->st->state == TASK_STARTING && !r->calm) || l->rec->desired != TASK_RUN ||
            (!r->calm && !sim_chance(r->s, 4)))
            continue;
        assert_true(sim_status_copy(r->s, l->node, l->id, &st));
        st.exit_code = !r->calm && sim_chance(r->s, 3);
        st.state = st.exit_code ? TASK_FAILED : TASK_STOPPED;
        st.health = TASK_UNKNOWN;
        say(r, "%s: exit code %d", l->id, st.exit_code);
        sim_status(r->s, l->node, l->id, &st);
        record_status_release(&st);
    }
    free_tasks(&v);
}

static const char *any_node(struct run *r, char name[16])
{
    snprintf(name, 16, "k%d", 1 + (int)(sim_random(r->s) % (uint64_t)r->n_nodes));
    return name;
}

static void break_a_task(struct run *r)
{
    struct lives v = read_tasks(r->s);
    struct live *l = v.n ? &v.at[sim_random(r->s) % v.n] : NULL;
    struct record_status st = {0};

    if (l && l->alive && !l->stale && l->st && l->st->state == TASK_RUNNING && l->rec->desired == TASK_RUN) {
        assert_true(sim_status_copy(r->s, l->node, l->id, &st));
        switch (sim_random(r->s) % 3) {
        case 0:
            st.health = TASK_UNHEALTHY;
            orc_set_str(&st.probe, "HTTP 503");
            break;
        case 1:
            st.state = TASK_FAILED;
            st.health = TASK_UNKNOWN;
            break;
        default:
            st.restarts++;
            st.state = TASK_STARTING;
            st.health = TASK_UNKNOWN;
        }
        say(r, "%s: %s, %s", l->id, task_state_name(st.state), task_health_name(st.health));
        sim_status(r->s, l->node, l->id, &st);
    }
    record_status_release(&st);
    free_tasks(&v);
}

static void boot_id(const struct run *r, int k, char ret[RECORD_BOOT_MAX])
{
    snprintf(ret, RECORD_BOOT_MAX, "%08d", (1 + r->boots[k]) % 10000000);
}

static void be_alive(struct run *r, int k)
{
    char boot[RECORD_BOOT_MAX], name[16];

    boot_id(r, k, boot);
    snprintf(name, sizeof name, "k%d", k);
    sim_put(r->s, key_alive(SIM_CLUSTER, name),
            orc_printf("{\"machine_id\":\"m\",\"boot_id\":\"%s\",\"instance\":\"i\"}", boot));
}

static void other_fault(struct run *r)
{
    char node[16];

    switch (sim_random(r->s) % 8) {
    case 0:
    case 1:
        any_node(r, node);
        say(r, "%s %s", node, sim_node_is_alive(r->s, node) ? "falls silent" : "is back");
        if (sim_node_is_alive(r->s, node))
            sim_alive(r->s, node, false);
        else
            be_alive(r, atoi(node + 1));
        break;
    case 2:
        any_node(r, node);
        say(r, "policy of %s", node);
        if (sim_chance(r->s, 6))
            sim_drain(r->s, node, 1 + sim_random(r->s) % 20000);
        else
            sim_policy(r->s, node, sim_chance(r->s, 3), sim_chance(r->s, 4));
        break;
    case 3:
    case 4:
    case 5:
        break_a_task(r);
        break;
    case 6:
        say(r, "another leader");
        sim_new_leader(r->s);
        break;
    default:
        r->s->refuse = !r->s->refuse;
    }
}

/* Its containers have ended with it; nodelet starts them again when it has looked, but those of jobs. */
static void look_again(struct run *r, const struct live *l)
{
    struct record_status st = {0};
    bool runs = l->st->state < TASK_STOPPED;

    if (!sim_status_copy(r->s, l->node, l->id, &st))
        return;
    if (l->stale && runs) {
        bool job = service_of(r, l->rec->service)->job;

        st.state = job ? TASK_FAILED : TASK_STARTING;
        st.exit_code = job ? 137 : -1;
        st.health = TASK_UNKNOWN;
        say(r, "%s was ended by a start of %s", l->id, l->node);
    }
    boot_id(r, atoi(l->node + 1), st.boot);
    sim_status(r->s, l->node, l->id, &st);
    record_status_release(&st);
}

/* What nodelets have looked at is as of the present start of their servers; until then it is worth nothing.
 */
static void look_after_starts(struct run *r)
{
    struct lives v = read_tasks(r->s);
    const struct live *l;

    orc_vec_each (l, &v)
        if (l->alive && l->st && (l->stale ? r->calm || aside(r, 3) == 0 : !l->st->boot[0]))
            look_again(r, l);
    free_tasks(&v);
}

static void reboot(struct run *r)
{
    int k = 1 + (int)aside(r, (uint64_t)r->n_nodes);

    say(r, "k%d is started anew", k);
    r->boots[k]++;
    be_alive(r, k);
}

static void fault(struct run *r)
{
    if (aside(r, 6) == 0)
        reboot(r);
    else
        other_fault(r);
}

/* ---- a run */

/* A store may answer late, or not at all: a transaction that is sent again must not be done twice. */
static void commit(struct run *r, const struct plan *p)
{
    for (size_t i = 0; i < p->txns.n; i++) {
        bool done = sim_commit(r->s, &p->txns.at[i]), head = r->s->head;

        if (!done)
            core_retry(r->s->core, &p->txns.at[i]);
        else if (sim_chance(r->s, 8) && sim_commit(r->s, &p->txns.at[i]))
            broken(r, "a transaction was done twice");
        r->s->head = head;
    }
}

/* One in three is in the first zone. */
static void put_node(struct run *r, int k, const char *avoid)
{
    char name[16];

    snprintf(name, sizeof name, "k%d", k);
    sim_node_put(r->s, name, k,
                 (struct sim_node_opts){.cpus = 4,
                                        .memory_mib = r->memory_mib,
                                        .label = "zone",
                                        .value = k % 3 ? "b" : "a",
                                        .avoid = avoid,
                                        .volumes = {r->told[k] ? "shop.data" : NULL}});
}

/* What was started has made its volume; the node says so when it looks. */
static void tell_volumes(struct run *r)
{
    struct lives v = read_tasks(r->s);
    const struct live *l;

    orc_vec_each (l, &v)
        if (service_of(r, l->rec->service)->volume && l->st && l->st->state >= TASK_STARTING)
            r->data[atoi(l->node + 1)] = true;
    free_tasks(&v);
    for (int k = 1; k <= r->n_nodes; k++)
        if (r->data[k] && !r->told[k] && aside(r, 3) == 0) {
            r->told[k] = true;
            say(r, "k%d has shop.data", k);
            put_node(r, k, NULL);
        }
}

/* People ask; that must change nothing that is decided afterwards. */
static void ask(struct run *r)
{
    const char *name = r->services[aside(r, (uint64_t)r->n_services)].name;
    struct orc_err ignored = ORC_ERR_INIT;
    struct explain e = {0};
    struct survive v;

    survive_any_node(r->s->core, &v);
    survive_release(&v);
    explain_slot(r->s->core, "shop", name, -1, &e, &ignored);
    explain_release(&e);
}

/* A node's CPU time is stolen, or no more. */
static void press(struct run *r)
{
    int k = 1 + (int)aside(r, (uint64_t)r->n_nodes);

    say(r, "k%d is under pressure, or no more", k);
    put_node(r, k, aside(r, 2) ? "busy" : NULL);
}

/* One step, in which the world may move on between decision and commit. */
static void step(struct run *r)
{
    struct lives decided = read_tasks(r->s), before, after;
    struct plan p = {0};

    core_step(r->s->core, r->s->now, (int64_t)r->s->now, &p);
    if (r->trace) {
        orc_auto_free char *text = plan_text(&p);

        printf("%s", text);
    }
    if (sim_chance(r->s, 6))
        fault(r);
    if (sim_chance(r->s, 6))
        person_acts(r);
    if (aside(r, 30) == 0)
        press(r);
    before = read_tasks(r->s);
    commit(r, &p);
    plan_release(&p);
    if (aside(r, 8) == 0)
        ask(r);
    after = read_tasks(r->s);
    check_made(r, &decided, &before, &after);
    check_jobs(r, &decided, &after);
    check_runs(r);
    check_all(r, &after);
    check_people(r, &before, &after);
    check_availability(r, &decided, &before, &after);
    check_complete(r, &decided, &after);
    free_tasks(&decided);
    free_tasks(&before);
    free_tasks(&after);
}

static void add_node(struct run *r, int k)
{
    sim_node(r->s, 4, r->memory_mib);
    be_alive(r, k);
    put_node(r, k, NULL);
}

static void setup(struct run *r)
{
    struct sim *s = r->s = sim_new();

    s->random = r->seed * 7919;
    s->slow = 2;
    s->trace = r->trace;
    r->n_nodes = 1 + (int)(sim_random(s) % NODES);
    r->memory_mib = r->n_nodes == 1 ? 1600 : 1000; /* in the end everything fits, in between it may not */
    r->n_services = 1 + (int)(sim_random(s) % SERVICES);
    for (int i = 0; i < r->n_nodes; i++)
        add_node(r, i + 1);
    for (int i = 0; i < r->n_services; i++) {
        snprintf(r->services[i].name, sizeof r->services[i].name, "s%d", i);
        r->services[i].parallelism = 1 + (int)(sim_random(s) % 3); /* of all its revisions */
        r->services[i].order = sim_chance(s, 2) ? SPEC_START_FIRST : SPEC_STOP_FIRST;
        r->services[i].volume = sim_chance(s, 6);
        r->services[i].port = i == 0 && sim_chance(s, 3);
        r->services[i].per_node = sim_chance(s, 4) ? 1 + (int)(sim_random(s) % 2) : 0;
        r->services[i].canary = sim_chance(s, 3) ? 1 + (int)(sim_random(s) % 2) : 0;
        r->services[i].zones = sim_chance(s, 4);
        r->services[i].rebalances = sim_chance(s, 3);
        r->services[i].disconnect_ms = sim_chance(s, 3) ? 1 + sim_random(s) % 60000 : 0;
        r->services[i].packed = sim_chance(s, 4);
        if (!r->services[i].volume && !r->services[i].zones && sim_chance(s, 4)) {
            r->services[i].job = sim_chance(s, 2);
            r->services[i].global = true;
            r->services[i].per_node = 1;
        }
        r->services[i].job = r->services[i].job || sim_chance(s, 6);
        if (r->services[i].job)
            r->services[i].canary = 0, r->services[i].disconnect_ms = 0;
        r->services[i].scheduled = r->services[i].job && aside(r, 2);
        r->services[i].concurrency = (enum spec_concurrency)aside(r, 3);
        apply(r, &r->services[i], sim_chance(s, 4) ? any_image(r) : "good");
    }
}

static void apply_what_works(struct run *r)
{
    for (int i = 0; i < r->n_services; i++)
        apply(r, &r->services[i], r->services[i].job ? "exit0" : "good");
}

/* What is on a schedule has run when it was due last; from now on it runs once, so that there is a rest. */
static void stop_schedules(struct run *r)
{
    bool any = false;

    for (int i = 0; i < r->n_services; i++) {
        struct service *x = &r->services[i];
        const struct record_rollout *roll = sim_rollout(r->s, "shop", x->name);
        const struct rollout_run *last = roll->runs.n ? &roll->runs.at[roll->runs.n - 1] : NULL;

        if (!x->scheduled)
            continue;
        if (!last || last->state != RUN_SUCCEEDED ||
            last->scheduled != (int64_t)(r->s->now - r->s->now % MINUTE))
            broken(r, "%s did not run when it was due last: run %lld for %lld is %s", x->name,
                   last ? (long long)last->n : 0, last ? (long long)last->scheduled : 0,
                   last ? run_state_name(last->state) : "not there");
        x->scheduled = false;
        any = true;
    }
    if (any) {
        apply_what_works(r);
        sim_pass(r->s, 600000);
    }
}

/* All faults end, and everybody wants something that works. */
static void calm_down(struct run *r)
{
    struct sim *s = r->s;

    say(r, "all faults end");
    s->refuse = false;
    s->slow = 0;
    r->calm = true;
    for (int k = 1; k <= r->n_nodes; k++) {
        char node[16];

        snprintf(node, sizeof node, "k%d", k);
        put_node(r, k, NULL);
        be_alive(r, k);
        sim_policy(s, node, false, false);
    }
    look_after_starts(r);
    apply_what_works(r);
    for (int i = 0; i < 10; i++) { /* runs of earlier revisions end, too */
        sim_pass(s, 30000);
        jobs_end(r);
    }
    sim_pass(s, 300000);
    stop_schedules(r);
    for (int i = 0; i < r->n_services; i++) /* past their canaries */
        sim_order(s, r->services[i].name, INTENT_RESUME, r->services[i].revision);
    sim_pass(s, 600000);
}

static int on_node(struct run *r, const struct service *x, int k)
{
    char node[16];

    snprintf(node, sizeof node, "k%d", k);
    return sim_count(r->s, (struct sim_want){.service = x->name, .node = node, .available = true});
}

static void check_zones(struct run *r, const struct service *x)
{
    int zone[2] = {0};

    for (int k = 1; k <= r->n_nodes; k++)
        zone[k % 3 == 0] += on_node(r, x, k);
    if (r->n_nodes >= 3 && abs(zone[0] - zone[1]) > 1)
        broken(r, "%s has %d replicas in one zone and %d in the other", x->name, zone[0], zone[1]);
}

/* However it came to be where it is: it is evenly spread where it is rebalanced by itself, and else after an
 * undisturbed restart (behaviours 20, 37). */
static void check_spread(struct run *r, struct service *x)
{
    int least = 1000, most = 0;

    if (x->volume || x->port || x->per_node || !x->replicas || x->packed || x->job)
        return;
    if (!x->rebalances) {
        sim_restart(r->s, "shop", x->name, ++x->epoch);
        sim_pass(r->s, 20000);
    }
    if (x->zones) {
        check_zones(r, x);
        return;
    }
    for (int k = 1; k <= r->n_nodes; k++) {
        int n = on_node(r, x, k);

        least = n < least ? n : least;
        most = n > most ? n : most;
    }
    if (most - least > 1)
        broken(r, "%s has %d replicas on one node and %d on another", x->name, most, least);
}

static void check_rest(struct run *r)
{
    struct sim *s = r->s;
    size_t txns;

    for (int i = 0; i < r->n_services; i++) {
        const struct service *x = &r->services[i];
        int want = x->replicas, can = x->port && want > r->n_nodes ? r->n_nodes : want;
        const struct record_rollout *roll = sim_rollout(s, "shop", x->name);
        int room = x->per_node * r->n_nodes;
        int have =
            sim_count(s, (struct sim_want){.service = x->name, .revision = x->revision, .available = true});

        if (x->job) {
            const struct rollout_run *run = roll->runs.n ? &roll->runs.at[roll->runs.n - 1] : NULL;

            if (roll->state != ROLLOUT_COMPLETE || !run || run->state != RUN_SUCCEEDED ||
                run->completed != (x->global ? r->n_nodes : want))
                broken(r, "the job %s is %s in the end: %s", x->name, rollout_state_name(roll->state),
                       roll->reason ? roll->reason : "");
            continue;
        }
        if (x->per_node && can > room)
            can = room;
        if (x->volume && (x->port || x->per_node)) /* two data on one node, one port: that stays so */
            can = have < can ? have : can;
        if (have != can)
            broken(r, "%s has %d of %d in the end: %s", x->name, have, can, roll->reason ? roll->reason : "");
        if (can == want && roll->state != ROLLOUT_COMPLETE)
            broken(r, "%s is %s in the end: %s", x->name, rollout_state_name(roll->state),
                   roll->reason ? roll->reason : "");
    }
    for (int i = 0; i < r->n_services; i++)
        check_spread(r, &r->services[i]);
    sim_pass(s, 200000); /* what was replaced is collected */
    if (sim_count(s, (struct sim_want){.leaving = true}))
        broken(r, "something is still leaving");
    for (int i = 0; i < r->n_services; i++)
        if (!r->services[i].job && /* of which some that have ended stay */
            sim_count(s, (struct sim_want){.service = r->services[i].name}) > r->services[i].replicas)
            broken(r, "%s has more tasks than replicas", r->services[i].name);
    txns = s->txns;
    sim_new_leader(s);
    sim_pass(s, 400000);
    if (s->txns != txns)
        broken(r, "a new leader finds something to do in a cluster at rest");
}

static void run_seed(uint64_t seed, bool trace)
{
    struct run r = {.seed = seed, .trace = trace};

    setup(&r);
    for (int i = 0; i < ROUNDS; i++) {
        step(&r);
        if (sim_chance(r.s, 3)) {
            sim_act(r.s);
            look_after_starts(&r);
            jobs_end(&r);
            tell_volumes(&r);
        }
        if (sim_chance(r.s, 2))
            r.s->now += sim_random(r.s) % (sim_chance(r.s, 10) ? 20000 : 1500);
        if (sim_chance(r.s, 20))
            fault(&r);
        if (i % 40 == 39)
            check_order(&r);
    }
    calm_down(&r);
    check_rest(&r);
    sim_free(r.s);
    orc_vec_release(&r.history);
    orc_vec_release(&r.ticks);
}

static uint64_t number(const char *env, uint64_t otherwise)
{
    const char *text = getenv(env);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Behaviours 19, 27, 33, 35, 37, 44, 46, 52, 54, 57, 77, 78, 88, 89. */
static void test_sim__no_history_breaks_an_invariant_and_all_come_to_rest(void **state)
{
    uint64_t one = number("ORC_SIM_SEED", 0), seeds = number("ORC_SIM_SEEDS", SEEDS);

    if (one) {
        run_seed(one, true);
        return;
    }
    for (uint64_t seed = 1; seed <= seeds; seed++)
        run_seed(seed, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim__no_history_breaks_an_invariant_and_all_come_to_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
