#include "specs/spec.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000u

struct spec_service *spec_service_new(const char *name)
{
    struct spec_service *s = orc_new(struct spec_service);

    s->name = orc_strdup(name);
    s->restart = SPEC_RESTART_ALWAYS;
    s->stop_grace_period_ms = 10 * SECOND_MS;
    s->health.interval_ms = 10 * SECOND_MS;
    s->health.timeout_ms = 1 * SECOND_MS;
    s->health.retries = 3;
    s->replicas = SPEC_REPLICAS_DEFAULT;
    s->update.parallelism = 1;
    s->update.monitor_ms = 5 * SECOND_MS;
    s->update.order = SPEC_STOP_FIRST;
    s->update.failure_action = SPEC_ON_FAILURE_PAUSE;
    s->drain_timeout_ms = 30 * SECOND_MS;
    return s;
}

/* Freeing --------------------------------------------------------------------------------------------- */

static void pairs_release(struct spec_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].key);
        free(p->at[i].value);
    }
    orc_vec_release(p);
}

static void port_release(struct spec_port *p)
{
    free(p->host_ip);
}

static void mount_release(struct spec_mount *m)
{
    free(m->source);
    free(m->target);
}

static void constraint_release(struct spec_constraint *c)
{
    free(c->key);
    free(c->value);
}

static void depend_release(struct spec_depend *d)
{
    free(d->service);
}

static void gateway_release(struct spec_gateway *g)
{
    free(g->host);
    free(g->path);
}

#define RELEASE_EACH(v, release)                                                                             \
    do {                                                                                                     \
        for (size_t i_ = 0; i_ < (v)->n; i_++)                                                               \
            release(&(v)->at[i_]);                                                                           \
        orc_vec_release(v);                                                                                  \
    } while (0)

struct spec_service *spec_service_free(struct spec_service *s)
{
    if (!s)
        return NULL;
    free(s->name);
    free(s->image);
    orc_strv_release(&s->command);
    orc_strv_release(&s->entrypoint);
    pairs_release(&s->environment);
    pairs_release(&s->labels);
    free(s->stop_signal);
    RELEASE_EACH(&s->depends_on, depend_release);
    free(s->health.path);
    orc_strv_release(&s->health.exec);
    RELEASE_EACH(&s->ports, port_release);
    RELEASE_EACH(&s->mounts, mount_release);
    RELEASE_EACH(&s->constraints, constraint_release);
    RELEASE_EACH(&s->gateway, gateway_release);
    free(s);
    return NULL;
}

struct spec_app *spec_app_free(struct spec_app *a)
{
    if (!a)
        return NULL;
    free(a->name);
    for (size_t i = 0; i < a->services.n; i++)
        spec_service_free(a->services.at[i]);
    orc_vec_release(&a->services);
    orc_strv_release(&a->volumes);
    free(a);
    return NULL;
}

/* Building -------------------------------------------------------------------------------------------- */

struct spec_app *spec_app_new(const char *name)
{
    struct spec_app *a = orc_new(struct spec_app);

    a->name = orc_strdup(name);
    return a;
}

/* Where `name` is or belongs in the sorted list. */
static size_t find_service(const struct spec_app *a, const char *name)
{
    size_t low = 0, high = a->services.n;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (strcmp(a->services.at[mid]->name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void spec_app_add(struct spec_app *a, struct spec_service *s)
{
    size_t at = find_service(a, s->name);

    orc_vec_push(&a->services, s);
    memmove(&a->services.at[at + 1], &a->services.at[at], (a->services.n - 1 - at) * sizeof *a->services.at);
    a->services.at[at] = s;
}

const struct spec_service *spec_app_service(const struct spec_app *a, const char *name)
{
    size_t at = find_service(a, name);

    if (at == a->services.n || strcmp(a->services.at[at]->name, name) != 0)
        return NULL;
    return a->services.at[at];
}

void spec_pairs_add(struct spec_pairs *p, const char *key, const char *value)
{
    struct spec_pair *pair = orc_vec_add(p);

    pair->key = orc_strdup(key);
    pair->value = orc_strdup(value);
}

const char *spec_pairs_get(const struct spec_pairs *p, const char *key)
{
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->at[i].key, key) == 0)
            return p->at[i].value;
    return NULL;
}

static int64_t reserved(int64_t reservation, int64_t limit)
{
    return reservation ? reservation : limit;
}

struct spec_resources spec_service_reserved(const struct spec_service *s)
{
    return (struct spec_resources){
        .cpus_nano = reserved(s->reservations.cpus_nano, s->limits.cpus_nano),
        .memory = reserved(s->reservations.memory, s->limits.memory),
    };
}

/* Order ----------------------------------------------------------------------------------------------- */

static int str_cmp(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static int num_cmp(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int pair_cmp(const void *x, const void *y)
{
    const struct spec_pair *a = x, *b = y;

    return str_cmp(a->key, b->key);
}

/* Below, `a ?: b` is the first comparison that isn't 0. */
static int port_cmp(const void *x, const void *y)
{
    const struct spec_port *a = x, *b = y;

    return num_cmp(a->container, b->container) ?: num_cmp(a->udp, b->udp) ?: num_cmp(a->host, b->host)
               ?: str_cmp(a->host_ip, b->host_ip);
}

static int mount_cmp(const void *x, const void *y)
{
    const struct spec_mount *a = x, *b = y;

    return str_cmp(a->target, b->target) ?: str_cmp(a->source, b->source)
               ?: num_cmp((int64_t)a->kind, (int64_t)b->kind) ?: num_cmp(a->read_only, b->read_only);
}

static int constraint_cmp(const void *x, const void *y)
{
    const struct spec_constraint *a = x, *b = y;

    return str_cmp(a->key, b->key) ?: num_cmp(b->equal, a->equal) ?: str_cmp(a->value, b->value);
}

static int depend_cmp(const void *x, const void *y)
{
    const struct spec_depend *a = x, *b = y;

    return str_cmp(a->service, b->service) ?: num_cmp((int64_t)a->condition, (int64_t)b->condition);
}

static int gateway_cmp(const void *x, const void *y)
{
    const struct spec_gateway *a = x, *b = y;

    return str_cmp(a->host, b->host) ?: str_cmp(a->path, b->path) ?: num_cmp(a->port, b->port)
               ?: num_cmp(a->strip_prefix, b->strip_prefix);
}

#define SORT(v, cmp)                                                                                         \
    do {                                                                                                     \
        if ((v)->n > 1)                                                                                      \
            qsort((v)->at, (v)->n, sizeof *(v)->at, cmp);                                                    \
    } while (0)

/* Sorts and drops what is there twice. */
#define SORT_SET(v, cmp, release)                                                                            \
    do {                                                                                                     \
        size_t kept_ = 0;                                                                                    \
        SORT(v, cmp);                                                                                        \
        for (size_t i_ = 0; i_ < (v)->n; i_++) {                                                             \
            if (kept_ > 0 && cmp(&(v)->at[kept_ - 1], &(v)->at[i_]) == 0)                                    \
                release(&(v)->at[i_]);                                                                       \
            else                                                                                             \
                (v)->at[kept_++] = (v)->at[i_];                                                              \
        }                                                                                                    \
        (v)->n = kept_;                                                                                      \
    } while (0)

void spec_service_sort(struct spec_service *s)
{
    SORT(&s->environment, pair_cmp);
    SORT(&s->labels, pair_cmp);
    SORT_SET(&s->depends_on, depend_cmp, depend_release);
    SORT_SET(&s->ports, port_cmp, port_release);
    SORT_SET(&s->mounts, mount_cmp, mount_release);
    SORT_SET(&s->constraints, constraint_cmp, constraint_release);
    SORT_SET(&s->gateway, gateway_cmp, gateway_release);
}
