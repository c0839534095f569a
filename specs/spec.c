#include "specs/spec.h"

#include "specs/check.h"

#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000u

void spec_service_init(struct spec_service *s)
{
    s->restart = SPEC_RESTART_ALWAYS;
    s->stop_grace_period_ms = 10 * SECOND_MS;
    s->health =
        (struct spec_health){.interval_ms = 10 * SECOND_MS, .timeout_ms = 1 * SECOND_MS, .retries = 3};
    s->live = s->health;
    s->replicas = SPEC_REPLICAS_DEFAULT;
    s->update = s->rollback = (struct spec_update){.parallelism = 1, .monitor_ms = 5 * SECOND_MS};
    s->progress_deadline_ms = 600 * SECOND_MS;
    s->run.retries = 3;
    s->run.keep = 10;
    s->schedule.deadline_ms = 3600 * SECOND_MS;
    s->drain_timeout_ms = 30 * SECOND_MS;
    s->rebalance_after_ms = 300 * SECOND_MS;
}

struct spec_service *spec_service_new(const char *name)
{
    struct spec_service *s = orc_new(struct spec_service);

    spec_service_init(s);
    s->name = orc_strdup(name);
    return s;
}

/* Freeing --------------------------------------------------------------------------------------------- */

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

struct spec_service *spec_app_take(struct spec_app *a, const char *name)
{
    struct spec_service *s = (struct spec_service *)(uintptr_t)spec_app_service(a, name);
    size_t at = find_service(a, name);

    if (!s)
        return NULL;
    a->services.n--;
    memmove(&a->services.at[at], &a->services.at[at + 1], (a->services.n - at) * sizeof *a->services.at);
    return s;
}

void spec_pairs_add(struct spec_pairs *p, const char *key, const char *value)
{
    struct spec_pair *pair = orc_vec_add(p);

    pair->key = orc_strdup(key);
    pair->value = orc_strdup(value);
}

void spec_pairs_release(struct spec_pairs *p)
{
    for (size_t i = 0; i < p->n; i++) {
        free(p->at[i].key);
        free(p->at[i].value);
    }
    orc_vec_release(p);
}

int spec_service_replicas(const struct spec_service *s, int scaled)
{
    if (scaled != SPEC_REPLICAS_DEFAULT)
        return scaled;
    return s->replicas != SPEC_REPLICAS_DEFAULT ? s->replicas : 1;
}

int spec_service_max_per_node(const struct spec_service *s)
{
    return s->global ? 1 : s->max_per_node;
}

static int64_t reserved(int64_t reservation, int64_t limit)
{
    return reservation ? reservation : limit;
}

struct spec_resources spec_service_reserved(const struct spec_service *s)
{
    struct spec_resources sum = {
        .cpus_nano = reserved(s->reservations.cpus_nano, s->limits.cpus_nano),
        .memory = reserved(s->reservations.memory, s->limits.memory),
    };

    for (size_t i = 0; i < s->sidecars.n; i++) {
        struct spec_resources one = spec_service_reserved(&s->sidecars.at[i]);

        sum.cpus_nano += one.cpus_nano;
        sum.memory += one.memory;
    }
    return sum;
}

/* ---- a replica's containers ------------------------------------------------------------------------------
 */

int spec_service_pids(const struct spec_service *s)
{
    int sum = s->pids_limit;

    for (size_t i = 0; i < s->sidecars.n; i++)
        sum += s->sidecars.at[i].pids_limit;
    return sum < SPEC_PIDS_MAX ? sum : SPEC_PIDS_MAX; /* no kernel has more */
}

const struct spec_mount *spec_service_mount(const struct spec_service *s, size_t i)
{
    if (i < s->mounts.n)
        return &s->mounts.at[i];
    i -= s->mounts.n;
    for (size_t k = 0; k < s->sidecars.n; k++) {
        if (i < s->sidecars.at[k].mounts.n)
            return &s->sidecars.at[k].mounts.at[i];
        i -= s->sidecars.at[k].mounts.n;
    }
    return NULL;
}

char *spec_mount_volume(const char *app, const struct spec_mount *m)
{
    return m->name ? orc_strdup(m->name) : orc_concat(SPEC_VOLUME_PREFIX, app, ".", m->source);
}

uint64_t spec_service_stop_ms(const struct spec_service *s)
{
    uint64_t last = 0;

    for (size_t i = 0; i < s->sidecars.n; i++)
        if (s->sidecars.at[i].stop_grace_period_ms > last)
            last = s->sidecars.at[i].stop_grace_period_ms;
    return s->stop_grace_period_ms + last;
}

bool spec_health_is_remote(const struct spec_health *h)
{
    return h->kind == SPEC_HEALTH_HTTP || h->kind == SPEC_HEALTH_TCP;
}

bool spec_service_is_probed(const struct spec_service *s)
{
    return spec_health_is_remote(&s->health) || spec_health_is_remote(&s->live);
}

static uint64_t one_check_ms(const struct spec_health *h)
{
    return h->kind == SPEC_HEALTH_NONE
               ? 0
               : h->start_period_ms + (uint64_t)h->retries * (h->interval_ms + h->timeout_ms);
}

static uint64_t check_ms(const struct spec_service *s)
{
    uint64_t health = one_check_ms(&s->health), live = one_check_ms(&s->live);

    return health > live ? health : live;
}

uint64_t spec_service_check_ms(const struct spec_service *s)
{
    uint64_t most = check_ms(s);

    for (size_t i = 0; i < s->sidecars.n; i++) {
        uint64_t ms = check_ms(&s->sidecars.at[i]);

        if (ms > most)
            most = ms;
    }
    return most;
}

const struct spec_service *spec_service_sidecar(const struct spec_service *s, const char *name)
{
    for (size_t i = 0; i < s->sidecars.n; i++)
        if (strcmp(s->sidecars.at[i].name, name) == 0)
            return &s->sidecars.at[i];
    return NULL;
}

/* Security -------------------------------------------------------------------------------------------- */

static void add_option(struct orc_strv *to, const char *name, const char *value)
{
    orc_auto_free char *option = value ? orc_concat(name, "=", value) : NULL;

    if (option)
        orc_strv_add(to, option);
}

void spec_security_options(const struct spec_security *s, struct orc_strv *ret)
{
    add_option(ret, "no-new-privileges", s->no_new_privileges ? "true" : NULL);
    add_option(ret, "seccomp", s->seccomp_unconfined ? "unconfined" : s->seccomp);
    add_option(ret, "apparmor", s->apparmor);
    for (size_t i = 0; i < s->label.n; i++)
        add_option(ret, "label", s->label.at[i]);
}

/* Policy ---------------------------------------------------------------------------------------------- */

const struct spec_update *spec_service_rollback(const struct spec_service *s)
{
    return s->rollback_set ? &s->rollback : &s->update;
}

static int count_of(const struct spec_update *u, int replicas, bool up)
{
    int n = u->parallelism ? u->parallelism : replicas;

    if (u->parallelism_percent)
        n = (u->parallelism_percent * replicas + (up ? 99 : 0)) / 100;
    return n > 0 ? n : 1;
}

int spec_update_at_once(const struct spec_update *u, int replicas)
{
    return count_of(u, replicas, u->order == SPEC_START_FIRST);
}

int spec_update_missing(const struct spec_update *u, int replicas)
{
    return count_of(u, replicas, false);
}

int spec_update_may_fail(const struct spec_update *u, int replicas)
{
    return (int)(u->max_failure_nano * replicas / 1000000000);
}
