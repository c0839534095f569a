/* The endpoint table as NGINX holds it, and what NGINX answers about it. The text's form: lua/orc_table.lua.
 */
#include "gateway/table_internal.h"

#include "lib/buf.h"
#include "lib/units.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

static const char states[] = {[GW_READY] = 'r', [GW_DRAINING] = 'd', [GW_SUSPECT] = 's', [GW_GONE] = 'd'};

/* ---- writing */

struct member {
    const char *backend;
    unsigned slot;
    uint16_t port;
};

static int cmp_member(const void *pa, const void *pb)
{
    const struct member *a = pa, *b = pb;
    int c = strcmp(a->backend, b->backend);

    if (c != 0)
        return c;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

static void add_endpoint(struct orc_buf *b, const struct gw_endpoint *e)
{
    struct in_addr addr = {htonl(e->address)};
    char text[INET_ADDRSTRLEN] = "";

    inet_ntop(AF_INET, &addr, text, sizeof text);
    orc_buf_printf(b, "T %u %c %s %s %" PRId64 " %s\n", e->slot, states[e->state], e->task, e->node, e->lease,
                   text);
}

char *gw_table_text(struct gw_table *t)
{
    struct orc_buf b = ORC_BUF_INIT(GW_TABLE_TEXT_MAX);
    ORC_VEC(struct member) members = {0};
    const struct member *m;
    int full = 0;

    orc_buf_printf(&b, "orc1 %" PRId64 "\n", t->revision);
    for (unsigned i = 0; i < t->top; i++) {
        const struct gw_endpoint *e = t->by_slot[i];

        if (!e)
            continue;
        add_endpoint(&b, e);
        for (size_t p = 0; p < e->n_ports; p++) {
            struct member one = {e->ports[p].backend, e->slot, e->ports[p].port};
            orc_vec_push(&members, one);
        }
    }
    if (members.n > 1)
        qsort(members.at, members.n, sizeof *members.at, cmp_member);
    orc_vec_each (m, &members) {
        if (m == members.at || strcmp(m->backend, m[-1].backend) != 0)
            full |= orc_buf_printf(&b, "B %s\n", m->backend);
        full |= orc_buf_printf(&b, "E %u %u\n", m->slot, m->port);
    }
    orc_vec_release(&members);
    if (full) {
        orc_buf_release(&b);
        return NULL;
    }
    t->said = t->changes;
    t->said_revision = t->revision;
    return orc_buf_take(&b);
}

bool gw_table_dirty(const struct gw_table *t)
{
    return t->changes != t->pushed;
}

void gw_table_settle(struct gw_table *t)
{
    if (!gw_table_dirty(t) && t->revision > t->served)
        t->served = t->revision;
}

void gw_table_pushed(struct gw_table *t, bool ok)
{
    if (!ok)
        return;
    t->pushed = t->said;
    if (t->said_revision > t->served)
        t->served = t->said_revision;
    gw_table_settle(t);
}

void gw_table_nginx_lost(struct gw_table *t)
{
    struct gw_endpoint *e, *next;

    HASH_ITER (hh, t->endpoints, e, next) {
        if (e->state == GW_GONE)
            gw_endpoint_drop(t, e);
        else
            e->in_flight = 0;
    }
    t->changes++;
}

/* ---- reading */

/* Cuts the next word, ended by a space or the line's end, off *s. */
static char *word(char **s)
{
    return strsep(s, " ");
}

static int64_t number(const char *s, int64_t max)
{
    int64_t n = -1;

    return s && orc_parse_int(s, 0, max, &n, NULL) == 0 ? n : -1;
}

static int adopt_endpoint(struct gw_table *t, char *line)
{
    int64_t slot = number(word(&line), GW_SLOTS - 1);
    char *state = word(&line), *task = word(&line), *node = word(&line);
    int64_t lease = number(word(&line), INT64_MAX);
    char *address = word(&line);
    struct in_addr addr;
    struct gw_endpoint *e;
    struct key key;
    int index;
    int64_t attempt;

    if (slot < 0 || t->by_slot[slot] || lease < 0 || !address || line || strlen(task) > KEY_TASK_MAX ||
        key_task_id_parse(task, &key, &index, &attempt) < 0 || key_check_node_name(node, NULL) < 0 ||
        inet_pton(AF_INET, address, &addr) != 1 || strlen(state) != 1 || !strchr("rds", *state))
        return -EINVAL;
    HASH_FIND_STR(t->endpoints, task, e);
    if (e)
        return -EINVAL;
    t->next_slot = (unsigned)slot;
    e = gw_endpoint_add(t, task);
    memcpy(e->app, key.app, sizeof e->app);
    memcpy(e->service, key.service, sizeof e->service);
    snprintf(e->node, sizeof e->node, "%s", node);
    e->lease = lease;
    e->address = ntohl(addr.s_addr);
    gw_endpoint_become(t, e, *state == 'r' ? GW_READY : *state == 's' ? GW_SUSPECT : GW_DRAINING);
    e->in_flight = 1; /* unknown */
    return 0;
}

static int adopt_member(struct gw_table *t, const char *backend, char *line)
{
    int64_t slot = number(word(&line), GW_SLOTS - 1), port = number(word(&line), 65535);
    struct gw_endpoint *e = slot >= 0 ? t->by_slot[slot] : NULL;
    struct gw_port *p;

    if (!e || port < 1 || line || !backend || e->n_ports >= GW_PORTS_MAX)
        return -EINVAL;
    p = &e->ports[e->n_ports++];
    snprintf(p->backend, sizeof p->backend, "%s", backend);
    p->port = (uint16_t)port;
    return 0;
}

static int adopt_line(struct gw_table *t, char *line, const char **backend)
{
    if (line[0] == '\0' || line[1] != ' ')
        return -EINVAL;
    if (line[0] == 'T')
        return adopt_endpoint(t, line + 2);
    if (line[0] == 'E')
        return adopt_member(t, *backend, line + 2);
    if (line[0] != 'B' || strlen(line + 2) != GW_BACKEND_MAX - 1 ||
        strspn(line + 2, "0123456789abcdef") != GW_BACKEND_MAX - 1)
        return -EINVAL;
    *backend = line + 2;
    return 0;
}

static int adopt_lines(struct gw_table *t, char *s, struct orc_err *err)
{
    const char *backend = NULL;
    char *line = strsep(&s, "\n");
    int64_t revision = strncmp(line, "orc1 ", 5) == 0 ? number(line + 5, INT64_MAX) : -1;

    if (revision < 0)
        return orc_fail(err, -EINVAL, "the table that NGINX holds is not orc's: it begins with \"%.40s\"",
                        line);
    while (s && *s) {
        line = strsep(&s, "\n");
        orc_auto_free char *copy = orc_strdup(line);
        if (adopt_line(t, line, &backend) < 0)
            return orc_fail(err, -EINVAL,
                            "the table that NGINX holds has a line that can't be read: \"%.80s\"", copy);
    }
    t->revision = revision;
    return 0;
}

int gw_table_adopt(struct gw_table *t, const char *text, struct orc_err *err)
{
    orc_auto_free char *copy = orc_strdup(text);
    struct gw_endpoint *e, *next;
    int r = adopt_lines(t, copy, err);

    if (r < 0) {
        HASH_ITER (hh, t->endpoints, e, next)
            gw_endpoint_drop(t, e);
        t->changes++;
    } else {
        t->pushed = t->said = t->changes;
    }
    return r;
}

int gw_table_in_flight(struct gw_table *t, const char *answer, struct orc_err *err)
{
    orc_auto_free char *copy = orc_strdup(answer);
    char *s = copy, *line = strsep(&s, "\n");

    if (strncmp(line, "orc1 ", 5) != 0)
        return orc_fail(err, -EINVAL, "NGINX's answer on requests in flight is not orc's: \"%.40s\"", line);
    while (s && *s) {
        char *rest = strsep(&s, "\n");
        int64_t slot = number(word(&rest), GW_SLOTS - 1), n = number(word(&rest), INT32_MAX);
        struct gw_endpoint *e = slot >= 0 ? t->by_slot[slot] : NULL;

        if (slot < 0 || n < 0 || rest)
            return orc_fail(err, -EINVAL, "NGINX's answer on requests in flight can't be read");
        if (!e || e->state == GW_READY || e->state == GW_SUSPECT || e->off > t->pushed)
            continue;
        e->in_flight = n;
        if (n == 0 && e->state == GW_GONE)
            gw_endpoint_drop(t, e);
    }
    return 0;
}

/* ---- what the heartbeat says */

/* One that vanished while it was draining, because its lease ended, is still waited for: its nodelet may not
 * know yet that its withdrawal must begin again. */
static bool is_waited_for(const struct gw_endpoint *e)
{
    return e->state != GW_SUSPECT && e->withdrawn && e->in_flight > 0;
}

/* Of a suspect nobody here knows whether it was withdrawn before it vanished: who read everything anew did
 * not see it draining. Its nodelet must not take silence for agreement. */
static bool is_reported(const struct gw_endpoint *e)
{
    return e->state == GW_SUSPECT || is_waited_for(e);
}

bool gw_table_has_draining_requests(const struct gw_table *t)
{
    const struct gw_endpoint *e, *next;

    if (t->counts.draining + t->counts.gone == 0)
        return false;
    HASH_ITER (hh, t->endpoints, e, next)
        if (is_waited_for(e))
            return true;
    return false;
}

bool gw_table_has_gone(const struct gw_table *t)
{
    return t->counts.gone > 0;
}

void gw_table_report(const struct gw_table *t, struct record_gateway_alive *ret)
{
    const struct gw_endpoint *e, *next;

    memset(ret, 0, sizeof *ret);
    ret->served = t->served;
    if (t->counts.draining + t->counts.gone + t->counts.suspect == 0)
        return;
    HASH_ITER (hh, t->endpoints, e, next)
        if (is_reported(e)) {
            struct gateway_inflight *f = orc_vec_add(&ret->inflight);

            f->task = orc_strdup(e->task);
            f->requests = e->state == GW_SUSPECT ? 0 : e->in_flight;
        }
}

int64_t gw_table_draining_revision(const struct gw_table *t)
{
    return t->draining_revision;
}

int64_t gw_table_served(const struct gw_table *t)
{
    return t->served;
}
