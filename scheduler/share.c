#include "scheduler/share.h"

#include "lib/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- texts ------------------------------------------------------------------------------------------- */

struct share_text *share_text_new(const char *s)
{
    size_t n = s ? strlen(s) + 1 : 0;
    struct share_text *t;

    if (!s)
        return NULL;
    t = orc_realloc(NULL, 1, sizeof *t + n);
    t->refs = 1;
    memcpy(t->s, s, n);
    return t;
}

struct share_text *share_text_ref(struct share_text *t)
{
    if (t)
        t->refs++;
    return t;
}

struct share_text *share_text_drop(struct share_text *t)
{
    if (t && --t->refs == 0)
        free(t);
    return NULL;
}

const char *share_text_str(const struct share_text *t)
{
    return t ? t->s : NULL;
}

void share_text_set(struct share_text **t, const char *s)
{
    if (orc_streq(share_text_str(*t), s))
        return;
    share_text_drop(*t);
    *t = share_text_new(s);
}

/* ---- services ---------------------------------------------------------------------------------------- */

struct share_service *share_service_new(const char *app, const char *service)
{
    struct share_service *s = orc_new(struct share_service);

    s->refs = 1;
    snprintf(s->app, sizeof s->app, "%s", app);
    snprintf(s->service, sizeof s->service, "%s", service);
    return s;
}

struct share_service *share_service_ref(struct share_service *s)
{
    s->refs++;
    return s;
}

struct share_service *share_service_drop(struct share_service *s)
{
    if (s && --s->refs == 0)
        free(s);
    return NULL;
}

/* ---- what a revision makes --------------------------------------------------------------------------- */

struct share_make *share_make_new(const struct record_task *r)
{
    struct share_make *m = orc_new(struct share_make);

    m->refs = 1;
    m->revision = r->revision;
    m->restart_epoch = r->restart_epoch;
    memcpy(m->container_hash, r->container_hash, sizeof m->container_hash);
    m->resources = r->resources;
    m->pids = r->pids;
    for (size_t i = 0; i < r->ports.n; i++) {
        struct spec_port *p = orc_vec_add(&m->ports);

        *p = r->ports.at[i];
        p->host_ip = orc_strdup(p->host_ip);
    }
    return m;
}

struct share_make *share_make_ref(struct share_make *m)
{
    if (m)
        m->refs++;
    return m;
}

struct share_make *share_make_drop(struct share_make *m)
{
    struct spec_port *p;

    if (!m || --m->refs)
        return NULL;
    orc_vec_each (p, &m->ports)
        free(p->host_ip);
    orc_vec_release(&m->ports);
    share_text_drop(m->reason);
    free(m);
    return NULL;
}

static bool same_ports(const struct share_make *m, const struct record_task *r)
{
    if (m->ports.n != r->ports.n)
        return false;
    for (size_t i = 0; i < m->ports.n; i++) {
        const struct spec_port *a = &m->ports.at[i], *b = &r->ports.at[i];

        if (a->host != b->host || a->container != b->container || a->udp != b->udp ||
            !orc_streq(a->host_ip, b->host_ip))
            return false;
    }
    return true;
}

bool share_make_is(const struct share_make *m, const struct record_task *r)
{
    return m->revision == r->revision && m->restart_epoch == r->restart_epoch &&
           m->resources.cpus_nano == r->resources.cpus_nano && m->resources.memory == r->resources.memory &&
           m->pids == r->pids && strcmp(m->container_hash, r->container_hash) == 0 && same_ports(m, r);
}
