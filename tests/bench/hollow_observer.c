/* hollow_observer.c - one watch that sees apps/ and tasks/ arrive, in a process of its own.
 *
 * Both come over one stream, so that what delays one delays the other. The delay of a task is from the
 * arrival of the app's key that first asked for its slot to the arrival of the task's key.
 */
#include "tests/bench/hollow.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct hollow_observer {
    pid_t pid;
    int fd; /* the report comes here */
};

struct slot {
    uint64_t asked, made; /* ns; 0: not yet */
};

struct looker {
    const struct hollow_shape *shape;
    struct slot *slots;
    long expected, seen;
    uint64_t first, last;
};

static void see_app(struct looker *l, const struct key *k, const struct etcd_kv *kv, uint64_t now)
{
    struct record_app a = {0};
    const struct record_app_service *s;

    if (record_app_parse(kv->value, kv->value_len, &a, NULL) < 0)
        hollow_die("%s can't be read", kv->key);
    if (!l->first)
        l->first = now;
    orc_vec_each (s, &a.services) {
        int i = hollow_service_index(l->shape, k->app, s->name);

        for (int n = 0; i >= 0 && n < s->replicas && n < l->shape->replicas; n++) {
            struct slot *slot = &l->slots[(size_t)i * (size_t)l->shape->replicas + (size_t)n];

            if (!slot->asked)
                slot->asked = now;
        }
    }
    record_app_release(&a);
}

static void see_task(struct looker *l, const struct key *k, uint64_t now)
{
    struct key id;
    int slot = 0, i;
    int64_t attempt;
    struct slot *s;

    if (key_task_id_parse(k->task, &id, &slot, &attempt) < 0 ||
        (i = hollow_service_index(l->shape, id.app, id.service)) < 0 || slot >= l->shape->replicas)
        hollow_die("task %s is not one that was asked for", k->task);
    s = &l->slots[(size_t)i * (size_t)l->shape->replicas + (size_t)slot];
    if (s->made)
        hollow_die("%s is the second task of its slot: something was decided twice", k->task);
    s->made = l->last = now;
    l->seen++;
}

static void on_put(const struct etcd_kv *kv, void *arg)
{
    struct looker *l = arg;
    uint64_t now = uv_hrtime();
    struct key k;

    switch (key_parse(HOLLOW_CLUSTER, kv->key, &k)) {
    case KEY_APP:
        see_app(l, &k, kv, now);
        break;
    case KEY_TASK:
        if (kv->create_revision == kv->mod_revision)
            see_task(l, &k, now);
        break;
    default:
        break;
    }
}

static void on_gone(const char *key, int64_t revision, void *arg)
{
}

static void on_batch(int64_t revision, void *arg)
{
}

static bool is_live(void *arg)
{
    return view_state(arg) == VIEW_LIVE;
}

static bool has_seen(void *arg)
{
    const struct looker *l = arg;

    return l->seen >= l->expected;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static struct hollow_seen judge(const struct looker *l)
{
    size_t n = 0, all = (size_t)(l->shape->apps * l->shape->services * l->shape->replicas);
    double *ms = orc_calloc(all, sizeof *ms);
    struct hollow_seen r = {.tasks = l->seen, .seconds = (double)(l->last - l->first) / 1e9};

    for (size_t i = 0; i < all; i++)
        if (l->slots[i].made)
            ms[n++] = (double)(l->slots[i].made - l->slots[i].asked) / 1e6;
    qsort(ms, n, sizeof *ms, by_value);
    r.p50 = ms[n / 2];
    r.p90 = ms[n * 9 / 10];
    r.p99 = ms[n * 99 / 100];
    r.worst = ms[n - 1];
    free(ms);
    return r;
}

static void say(int fd, const void *data, size_t n)
{
    if (write(fd, data, n) != (ssize_t)n)
        hollow_die("the observer can't report");
}

_Noreturn static void look(const char *url, const struct hollow_shape *shape, long tasks, int fd)
{
    orc_auto_free char *apps = key_range(HOLLOW_CLUSTER, KEY_APP),
                       *made = key_range(HOLLOW_CLUSTER, KEY_TASK);
    const char *prefixes[] = {apps, made, NULL};
    struct looker l = {.shape = shape, .expected = tasks};
    struct view_opts o = {.prefixes = prefixes,
                          .on_put = on_put,
                          .on_delete = on_gone,
                          .on_batch = on_batch,
                          .separate = true,
                          .arg = &l};
    struct hollow_seen seen;
    uv_loop_t loop;

    uv_loop_init(&loop);
    l.slots = orc_calloc((size_t)(shape->apps * shape->services * shape->replicas), sizeof *l.slots);
    hollow_until(&loop, is_live, view_new(&loop, hollow_connect(&loop, url), &o),
                 "the observer sees nothing");
    say(fd, "", 1);
    hollow_until(&loop, has_seen, &l, "not all tasks were made");
    seen = judge(&l);
    say(fd, &seen, sizeof seen);
    _exit(0);
}

static void hear(struct hollow_observer *o, void *data, size_t n)
{
    ssize_t r;

    do
        r = read(o->fd, data, n);
    while (r < 0 && errno == EINTR);
    if (r != (ssize_t)n)
        hollow_die("the observer ended without a report");
}

struct hollow_observer *hollow_observer_new(const char *url, const struct hollow_shape *s, long tasks)
{
    struct hollow_observer *o = orc_new(struct hollow_observer);
    int ends[2];
    char ready;

    if (pipe(ends) < 0 || (o->pid = fork()) < 0)
        hollow_die("no observer can be started");
    if (o->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        look(url, s, tasks, ends[1]);
    }
    close(ends[1]);
    o->fd = ends[0];
    hear(o, &ready, 1);
    return o;
}

struct hollow_seen hollow_observer_end(struct hollow_observer *o)
{
    struct hollow_seen seen = {0};

    hear(o, &seen, sizeof seen);
    waitpid(o->pid, NULL, 0);
    close(o->fd);
    free(o);
    return seen;
}
