/* nginx.c - stands in for NGINX: it holds the table that orc-gateway pushes, chooses from it as the Lua
 * balancer does, counts what is in flight, and lives on when orc-gateway dies. Above the control socket and
 * the starting of NGINX all is the gateway's own code. */
#include "tests/sim/cluster.h"

#include "gateway/nginx.h"
#include "lib/buf.h"

#include <stdio.h>
#include <stdlib.h>

struct gw_nginx {
    struct gw_nginx_opts o;
    struct sim_nginx *n;
    struct sim_event event;
    bool looked, told_up;
    char want[65], hash[65];
};

/* ---- the table */

static struct sim_peer *peer_at(struct sim_nginx *n, unsigned slot)
{
    while (n->peers.n <= slot)
        orc_vec_add(&n->peers);
    return &n->peers.at[slot];
}

static void take_peer(struct sim_nginx *n, const char *line)
{
    char state, task[KEY_TASK_MAX + 1], node[64], address[16];
    unsigned slot;
    long long lease;
    struct sim_peer *p;

    if (sscanf(line, "T %u %c %128s %63s %lld %15s", &slot, &state, task, node, &lease, address) != 6)
        sim_broken("nginx-table", "a line of the table can't be read: %s", line);
    p = peer_at(n, slot);
    if (p->in_flight && strcmp(p->task, task) != 0)
        sim_broken("nginx-slot", "slot %u goes from %s to %s with %d requests in flight", slot, p->task, task,
                   p->in_flight);
    p->still = p->was && p->state == 'r' && state == 'r' && strcmp(p->task, task) == 0;
    p->there = true;
    p->state = state;
    memcpy(p->task, task, sizeof p->task);
    memcpy(p->address, address, sizeof p->address);
}

static void take_table(struct sim_nginx *n, const char *text)
{
    struct sim_peer *p;
    char backend[17] = "";

    n->version++;
    orc_set_str(&n->text, text);
    orc_vec_each (p, &n->peers) {
        p->was = p->there;
        p->there = p->still = false;
    }
    n->members.n = 0;
    for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        if (*line == 'T') {
            take_peer(n, line);
        } else if (*line == 'B') {
            snprintf(backend, sizeof backend, "%.16s", line + 2);
        } else if (*line == 'E') {
            struct sim_member_of *m = orc_vec_add(&n->members);

            memcpy(m->backend, backend, sizeof m->backend);
            m->slot = (unsigned)strtoul(line + 2, NULL, 10);
        }
    }
    check_table(n);
}

static void add_number(struct orc_buf *b, uint64_t n, char after)
{
    char text[24], *at = text + sizeof text;

    *--at = after;
    do
        *--at = (char)('0' + n % 10);
    while (n /= 10);
    orc_buf_add(b, at, (size_t)(text + sizeof text - at));
}

/* Asked for ten times a second and more while somebody drains. */
static char *in_flight_text(const struct sim_nginx *n)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 20);

    orc_buf_puts(&b, "orc1 ");
    add_number(&b, (uint64_t)n->version, '\n');
    for (size_t i = 0; i < n->peers.n; i++)
        if (n->peers.at[i].there && n->peers.at[i].state == 'd') {
            add_number(&b, i, ' ');
            add_number(&b, (uint64_t)n->peers.at[i].in_flight, '\n');
        }
    return orc_buf_take(&b);
}

/* ---- choosing */

/* The peers of a backend that may be chosen: the ready ones, or the suspect where there is none. */
static char chosen_state(const struct sim_nginx *n, const char *backend)
{
    const struct sim_member_of *m;
    char found = 0;

    orc_vec_each (m, &n->members) {
        char state = n->peers.at[m->slot].state;

        if (strcmp(m->backend, backend) == 0 && (state == 'r' || (state == 's' && found != 'r')))
            found = state;
    }
    return found;
}

bool nginx_may_pick(const struct sim_nginx *n, const char *task)
{
    const struct sim_member_of *m;

    orc_vec_each (m, &n->members) {
        const struct sim_peer *p = &n->peers.at[m->slot];

        if (n->up && strcmp(p->task, task) == 0 && p->state != 'd' && p->state == chosen_state(n, m->backend))
            return true;
    }
    return false;
}

int nginx_in_flight(const struct sim_nginx *n, const char *task)
{
    const struct sim_peer *p;
    int sum = 0;

    orc_vec_each (p, &n->peers)
        if (strcmp(p->task, task) == 0)
            sum += p->in_flight;
    return sum;
}

struct in_flight {
    struct sim_nginx *n;
    unsigned slot;
    char task[KEY_TASK_MAX + 1];
};

static void request_ends(void *arg)
{
    struct in_flight *r = arg;
    struct sim_peer *p = r->slot < r->n->peers.n ? &r->n->peers.at[r->slot] : NULL;

    if (p && p->in_flight && strcmp(p->task, r->task) == 0)
        p->in_flight--;
    free(r);
}

static void send_to(struct sim_nginx *n, unsigned slot)
{
    struct sim_peer *p = &n->peers.at[slot];
    struct in_flight *r = orc_new(struct in_flight);

    p->in_flight++;
    r->n = n;
    r->slot = slot;
    snprintf(r->task, sizeof r->task, "%s", p->task);
    check_request(n, p->task, p->address);
    sim_once(sim_chance(8) ? sim_below(SIM_REQUEST_MS) : sim_below(60), request_ends, r);
}

void nginx_request(struct sim_nginx *n)
{
    const struct sim_member_of *some, *m;
    ORC_VEC(unsigned) slots = {0};
    char state;

    if (!n->up || !n->members.n)
        return;
    some = &n->members.at[sim_below(n->members.n)];
    state = chosen_state(n, some->backend);
    orc_vec_each (m, &n->members)
        if (state && strcmp(m->backend, some->backend) == 0 && n->peers.at[m->slot].state == state)
            orc_vec_push(&slots, m->slot);
    cluster.requests++;
    if (slots.n)
        send_to(n, slots.at[sim_below(slots.n)]);
    orc_vec_release(&slots);
}

/* ---- lib/http.h, as far as the control socket needs it */

struct orc_http {
    int nothing;
};

struct orc_http_call {
    struct sim_nginx *n;
    struct sim_event event;
    char *path, *body;
    void (*on_done)(const struct orc_http_res *res, void *arg);
    void *arg;
};

struct orc_http *orc_http_new(uv_loop_t *loop)
{
    return orc_new(struct orc_http);
}

struct orc_http *orc_http_free(struct orc_http *http)
{
    free(http);
    return NULL;
}

char *orc_http_escape(const char *s)
{
    return orc_strdup(s);
}

static void http_end(struct orc_http_call *call, int error, const char *body)
{
    struct orc_http_res res = {.error = error,
                               .error_text = error ? "no answer" : "",
                               .status = error ? 0 : 200,
                               .body = body,
                               .body_len = strlen(body)};

    sim_event_cancel(&call->event);
    call->on_done(&res, call->arg);
    free(call->path);
    free(call->body);
    free(call);
}

static void on_http(void *arg)
{
    struct orc_http_call *call = arg;
    orc_auto_free char *answer = NULL;

    if (!call->n->up) {
        http_end(call, -ECONNREFUSED, "");
        return;
    }
    if (strstr(call->path, "/table"))
        take_table(call->n, call->body);
    answer = in_flight_text(call->n);
    if (sim_chance(call->n->proc->link.flaky))
        http_end(call, -ECONNRESET, "");
    else
        http_end(call, 0, answer);
}

struct orc_http_call *orc_http_start(struct orc_http *http, const struct orc_http_req *req)
{
    struct orc_http_call *call = orc_new(struct orc_http_call);

    call->n = world.current->nginx;
    call->path = orc_strdup(req->url);
    call->body = orc_strdup(req->body);
    call->on_done = req->on_done;
    call->arg = req->arg;
    sim_event_init(&call->event, world.current, on_http, call);
    sim_event_in(&call->event, 1 + sim_below(3) + wide_control_late());
    return call;
}

void orc_http_cancel(struct orc_http_call *call)
{
    http_end(call, -ECANCELED, "");
}

/* ---- gateway/nginx.h */

static void start(struct gw_nginx *g)
{
    g->n->up = true;
    snprintf(g->n->hash, sizeof g->n->hash, "%s", g->want);
    sim_say("%s: NGINX starts", g->n->id);
}

/* Level-triggered: found, up, on the configuration that is wanted. */
static void on_step(void *arg)
{
    struct gw_nginx *g = arg;
    bool started = false;

    if (!g->looked) {
        g->looked = true;
        g->o.on_found(g->n->up ? g->n->text : NULL, g->o.arg);
    }
    if (!g->n->up && g->told_up) {
        g->told_up = false;
        g->o.on_down(g->o.arg);
        sim_event_in(&g->event, 100 + sim_below(300));
        return;
    }
    if (!g->n->up && *g->want) {
        start(g);
        started = true;
    }
    if (g->n->up && !g->told_up) {
        g->told_up = true;
        g->o.on_up(!g->n->text, g->o.arg);
    }
    if (g->n->up && *g->want && (started || strcmp(g->want, g->hash) != 0)) {
        memcpy(g->hash, g->want, sizeof g->hash);
        memcpy(g->n->hash, g->want, sizeof g->n->hash);
        g->o.on_conf(started, g->o.arg);
    }
}

struct gw_nginx *gw_nginx_new(const struct gw_nginx_opts *opts, struct orc_err *err)
{
    struct gw_nginx *g = orc_new(struct gw_nginx);

    g->o = *opts;
    g->n = world.current->nginx;
    g->n->control = g;
    sim_event_init(&g->event, world.current, on_step, g);
    sim_event_in(&g->event, 1 + sim_below(30));
    return g;
}

struct gw_nginx *gw_nginx_free(struct gw_nginx *g)
{
    if (!g)
        return NULL;
    sim_event_cancel(&g->event);
    g->n->control = NULL;
    free(g);
    return NULL;
}

void gw_nginx_want(struct gw_nginx *g, const char *conf, const char *hash)
{
    snprintf(g->want, sizeof g->want, "%s", hash);
    sim_event_in(&g->event, 20 + sim_below(50));
}

void gw_nginx_doubt(struct gw_nginx *g)
{
    sim_event_in(&g->event, 5);
}

void gw_nginx_quit(struct gw_nginx *g, void (*done)(void *arg), void *arg)
{
    g->n->up = false;
    done(arg);
}

const char *gw_nginx_hash(const struct gw_nginx *g)
{
    return g->n->up ? g->hash : "";
}

/* ---- faults */

void nginx_crash(struct sim_nginx *n)
{
    n->up = false;
    n->peers.n = n->members.n = 0;
    n->version = 0;
    free(n->text);
    n->text = NULL;
    if (n->control)
        sim_event_in(&n->control->event, 1);
}

void nginx_release(struct sim_nginx *n)
{
    free(n->text);
    orc_vec_release(&n->peers);
    orc_vec_release(&n->members);
}
