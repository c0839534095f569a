/* leader.c - how long nobody decides when the leading scheduler is lost, and that nothing is decided twice.
 *
 *   bench-leader ORC-SCHEDULER LOSSES
 *
 * Two real orc-schedulers, a real etcd, three hollow nodes. In turn the leader is killed (SIGKILL), stopped
 * (SIGSTOP, and woken later), or cut off (what stands between it and etcd passes nothing on, and later all at
 * once). Just before, at a random moment of its keep-alives, one more replica is asked for, and another one
 * right after; the time is from the loss until both have a task. The observer dies when a slot gets a second
 * one. After a stop or a cut the old leader is let go on, and then nothing may be written.
 *
 * Prints one JSON object; milliseconds.
 */
#include "tests/bench/hollow.h"

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/log.h"
#include "tests/integration/loop_until.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define NODES 3
#define BEGIN_WITH 3 /* replicas */
#define LOSSES_MAX 300
#define RANDOM_MS 700    /* a keep-alive goes out every third of two seconds */
#define CATCH_UP_MS 1500 /* a scheduler that comes back has a warm view then */

enum loss { LOSS_KILL, LOSS_STOP, LOSS_CUT, LOSS_KINDS };
static const char *const loss_names[] = {"kill", "stop", "cut"};

struct scheduler {
    pid_t pid, relay; /* relay: a process group */
    char url[40];     /* of the relay */
};

struct bench {
    uv_loop_t loop;
    const char *program, *url;
    struct etcd *e;
    struct hollow_nodes *nodes;
    struct hollow_shape shape;
    struct scheduler at[2];
    int leader; /* index */
    int replicas, flying;
    double ms[LOSS_KINDS][LOSSES_MAX];
    int n[LOSS_KINDS];
};

/* ---- a cable that can be cut -----------------------------------------------------------------------------
 */

static int connect_to(int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? fd : -1;
}

/* Carries bytes both ways until either end closes. */
_Noreturn static void carry(int a, int b)
{
    struct pollfd p[2] = {{a, POLLIN, 0}, {b, POLLIN, 0}};
    char bytes[65536];

    for (;;) {
        poll(p, 2, -1);
        for (int i = 0; i < 2; i++) {
            ssize_t n = p[i].revents ? read(p[i].fd, bytes, sizeof bytes) : -2;

            if (n == 0 || n == -1 || (n > 0 && write(p[!i].fd, bytes, (size_t)n) != n))
                _exit(0);
        }
    }
}

_Noreturn static void relay(int listener, int port)
{
    signal(SIGCHLD, SIG_IGN);
    for (;;) {
        int fd = accept(listener, NULL, NULL), to;

        if (fd < 0)
            _exit(1);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            to = connect_to(port);
            if (to < 0)
                _exit(1);
            carry(fd, to);
        }
        close(fd);
    }
}

/* Its process group: stopped as a whole it is a cable pulled out. */
static void start_relay(struct scheduler *s, const char *url)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), port = atoi(strrchr(url, ':') + 1);

    if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        hollow_die("no port for a relay: %s", strerror(errno));
    snprintf(s->url, sizeof s->url, "http://127.0.0.1:%d", ntohs(a.sin_port));
    s->relay = fork();
    if (s->relay == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setpgid(0, 0);
        relay(fd, port);
    }
    setpgid(s->relay, s->relay);
    close(fd);
}

/* ---- what people ask for ---------------------------------------------------------------------------------
 */

static void on_asked(const struct etcd_result *res, void *arg)
{
    struct bench *b = arg;

    if (res->error)
        hollow_die("the app's key could not be written: %s", res->error_text);
    b->flying--;
}

static void ask_for(struct bench *b, int more)
{
    orc_auto_free char *key = key_app(HOLLOW_CLUSTER, "a0"), *text = NULL;

    b->replicas += more;
    b->flying++;
    text = hollow_app_text(&b->shape, b->replicas, &b->replicas);
    etcd_put(b->e, key, text, 0, on_asked, b);
}

static bool has_asked(void *arg)
{
    return !((const struct bench *)arg)->flying;
}

static bool have_tasks(void *arg)
{
    const struct bench *b = arg;

    return hollow_nodes_assigned(b->nodes) >= b->replicas && !b->flying;
}

static int64_t revision_of(struct bench *b)
{
    orc_auto_free char *key = key_config(HOLLOW_CLUSTER);
    struct etcd_answer a = {0};
    int64_t r;

    if (etcd_sync_get(b->e, &b->loop, key, &a, NULL) < 0)
        hollow_die("etcd does not answer");
    r = a.revision;
    etcd_answer_release(&a);
    return r;
}

/* Until nothing has been written for a second. */
static int64_t rest(struct bench *b)
{
    int64_t before, now = revision_of(b);

    do {
        before = now;
        hollow_for(&b->loop, 1000);
        now = revision_of(b);
    } while (now != before);
    return now;
}

/* ---- a loss ----------------------------------------------------------------------------------------------
 */

static void lose(const struct scheduler *s, enum loss kind)
{
    if (kind == LOSS_CUT)
        kill(-s->relay, SIGSTOP);
    else
        kill(s->pid, kind == LOSS_KILL ? SIGKILL : SIGSTOP);
}

/* Nothing was there to write. An event it may still tell: of what it had committed before. */
static void check_silence(struct bench *b, int64_t revision, enum loss kind)
{
    orc_auto_free char *prefix = key_prefix(HOLLOW_CLUSTER);
    struct etcd_answer a = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct key k;

    if (etcd_sync_range(b->e, &b->loop, prefix, 0, &a, &err) < 0)
        hollow_die("%s", err.msg);
    for (size_t i = 0; i < a.kvs.n; i++)
        if (a.kvs.at[i].mod_revision > revision &&
            key_parse(HOLLOW_CLUSTER, a.kvs.at[i].key, &k) != KEY_EVENT)
            hollow_die("after a %s was over, %s was written: %s", loss_names[kind], a.kvs.at[i].key,
                       a.kvs.at[i].value);
    etcd_answer_release(&a);
}

/* The old leader goes on, or a new process takes its place: as a follower, and without a word. */
static void come_back(struct bench *b, struct scheduler *s, enum loss kind)
{
    int64_t revision = rest(b);

    if (kind == LOSS_KILL) {
        waitpid(s->pid, NULL, 0);
        s->pid = hollow_scheduler_start(b->program, s->url);
    } else if (kind == LOSS_STOP) {
        kill(s->pid, SIGCONT);
    } else {
        kill(-s->relay, SIGCONT);
    }
    hollow_for(&b->loop, CATCH_UP_MS);
    check_silence(b, revision, kind);
}

static void one_loss(struct bench *b, enum loss kind)
{
    struct scheduler *s = &b->at[b->leader];
    char random[5];
    uint64_t lost;

    orc_random_hex(4, random);
    hollow_for(&b->loop, strtoul(random, NULL, 16) % RANDOM_MS);
    ask_for(b, 1); /* perhaps it is just deciding */
    hollow_for(&b->loop, strtoul(random, NULL, 16) % 8);
    lost = uv_hrtime();
    lose(s, kind);
    hollow_until(&b->loop, has_asked, b,
                 "etcd does not take the app's key"); /* writes overtake one another */
    ask_for(b, 1);
    hollow_until(&b->loop, have_tasks, b, "nobody took over");
    b->ms[kind][b->n[kind]++] = (double)(uv_hrtime() - lost) / 1e6;
    b->leader = !b->leader;
    come_back(b, s, kind);
}

/* ---- the whole -------------------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static json_t *distribution(double *ms, int n)
{
    qsort(ms, (size_t)n, sizeof *ms, by_value);
    return json_pack("{s:i s:f s:f s:f}", "losses", n, "min", ms[0], "median", ms[n / 2], "max", ms[n - 1]);
}

static void report(struct bench *b)
{
    json_t *j = json_object();
    orc_auto_free char *text = NULL;
    double all[LOSS_KINDS * LOSSES_MAX];
    int n = 0;

    for (int k = 0; k < LOSS_KINDS; k++)
        for (int i = 0; i < b->n[k]; i++)
            all[n++] = b->ms[k][i];
    for (int k = 0; k < LOSS_KINDS; k++)
        if (b->n[k])
            json_object_set_new(j, loss_names[k], distribution(b->ms[k], b->n[k]));
    json_object_set_new(j, "all", distribution(all, n));
    text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(4));
    puts(text);
    json_decref(j);
}

static void begin(struct bench *b)
{
    uv_loop_init(&b->loop);
    b->url = hollow_etcd_start();
    b->e = hollow_connect(&b->loop, b->url);
    hollow_write_specs(b->e, &b->loop, &b->shape);
    b->nodes = hollow_nodes_new(&b->loop, b->e, NODES);
    for (int i = 0; i < 2; i++) {
        start_relay(&b->at[i], b->url);
        b->at[i].pid = hollow_scheduler_start(b->program, b->at[i].url);
        hollow_until_led(b->e, &b->loop); /* the first leads, the second follows */
    }
}

static void end(struct bench *b)
{
    for (int i = 0; i < 2; i++) {
        hollow_stop(b->at[i].pid);
        kill(-b->at[i].relay, SIGKILL);
        waitpid(b->at[i].relay, NULL, 0);
    }
    b->nodes = hollow_nodes_free(b->nodes);
    b->e = etcd_free(b->e);
    loop_close(&b->loop);
    hollow_etcd_stop();
}

int main(int argc, char **argv)
{
    static struct bench b;
    struct hollow_observer *o;
    int losses = argc == 3 ? atoi(argv[2]) : 0;

    if (losses < 1 || losses > LOSSES_MAX) {
        fprintf(stderr, "usage: bench-leader ORC-SCHEDULER LOSSES (1 to %d)\n", LOSSES_MAX);
        return 2;
    }
    orc_log_init("bench-leader", ORC_LOG_WARN, false);
    b.program = argv[1];
    b.shape = (struct hollow_shape){1, 1, BEGIN_WITH + 2 * losses};
    begin(&b);
    o = hollow_observer_new(b.url, &b.shape, b.shape.replicas);
    ask_for(&b, BEGIN_WITH);
    hollow_until(&b.loop, have_tasks, &b, "the first tasks were not made");
    hollow_for(&b.loop, CATCH_UP_MS);
    for (int i = 0; i < losses; i++)
        one_loss(&b, (enum loss)(i % LOSS_KINDS));
    hollow_observer_end(o);
    report(&b);
    end(&b);
    return 0;
}
