#include "nodelet/sidecar.h"

#include <string.h>

static bool is_running(const struct sidecar_part *p)
{
    return p->c->container == CONTAINER_RUNNING;
}

/* It runs in the namespace that the main container has now. */
static bool is_joined(const struct sidecar_part *main, const struct sidecar_part *side)
{
    return is_running(main) && *main->started && strcmp(side->joined, main->started) == 0;
}

static bool made_for_another(const struct sidecar_part *main, const struct sidecar_part *side)
{
    return main->c->container != CONTAINER_NONE && *side->made_for && strcmp(side->made_for, main->id) != 0;
}

/* It is started when all of the task's containers are made: so an image that is missing is found out before.
 */
static bool all_made(const struct sidecar_part *p, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (p[i].c->container == CONTAINER_NONE)
            return false;
    return true;
}

static bool is_being_stopped(const struct sidecar_part *main)
{
    return main->c->op == CONVERGE_STOP || main->c->op == CONVERGE_KILL;
}

/* A fence ends all of the task's containers at once: they share one grace period. */
static bool is_fenced(const struct sidecar_part *main, const struct converge_world *w)
{
    return converge_fence_at(main->c, w) <= w->now || (converge_is_fenced(main->c) && is_being_stopped(main));
}

void sidecar_world(const struct sidecar_part *p, size_t n, size_t i, struct converge_world *w)
{
    if (i == 0) {
        w->hold_start = !all_made(p, n);
        return;
    }
    w->hold_create = !p->known || p->c->container == CONTAINER_NONE;
    w->hold_start = !p->known || !is_running(p) || !*p->started || is_being_stopped(p) || is_fenced(p, w);
    w->stop = is_fenced(p, w) || (p->known && !is_joined(p, &p[i]));
    w->remake = p->known && made_for_another(p, &p[i]);
}

void sidecar_want(struct converge *side, const struct sidecar_part *main, const struct spec_service *spec)
{
    bool stays = !main->known || is_running(main) || main->c->op == CONVERGE_START;
    bool over = main->c->end != CONVERGE_ALIVE && main->c->desired == TASK_RUN;

    converge_want(side, stays ? TASK_RUN : over ? TASK_DRAIN : main->c->desired, spec);
    side->withdrawn = side->withdrawn || (side->desired != TASK_RUN && main->c->withdrawn);
}

/* Times of one engine, in UTC, of one length but for the fraction's last zeros (RFC 3339): in the order of
 * their texts, without the "Z" at the end. */
const char *sidecar_found(const struct sidecar_part *main, const char *started)
{
    return is_running(main) && strcmp(started, main->started) > 0 ? main->started : "";
}

/* ---- as a whole ---------------------------------------------------------------------------------------- */

/* It runs, or may soon, or may do so already: a start that failed is looked at. Once the task was told as
 * stopped this was known, and a look at what is there (they are repeated) changes nothing. */
static bool is_busy(const struct sidecar_part *p, enum task_state told)
{
    return is_running(p) || p->c->op == CONVERGE_START || p->c->op == CONVERGE_CREATE ||
           (!p->known && p->c->container == CONTAINER_CREATED && told < TASK_STOPPED);
}

static bool is_refused(const struct sidecar_part *p)
{
    return p->c->end == CONVERGE_FAILED;
}

/* The main container is about to run; its sidecars keep it from that, or have still to come. */
static enum task_state state_to_run(const struct sidecar_part *p, size_t n, enum task_state main,
                                    enum task_state told)
{
    bool busy = false, refused = false, pulls = false, run = true;

    for (size_t i = 1; i < n; i++) {
        busy = busy || is_busy(&p[i], told);
        refused = refused || is_refused(&p[i]);
        pulls = pulls || converge_must_pull(p[i].c);
        run = run && (is_joined(p, &p[i]) && is_running(&p[i]));
    }
    if (main >= TASK_STOPPED)
        return busy ? TASK_STOPPING : main;
    if (main ==
        TASK_RUNNING) /* with one that can't be had it is unhealthy: what runs is to be stopped first */
        return run || refused ? TASK_RUNNING : TASK_STARTING;
    if (refused)
        return busy ? TASK_STOPPING : TASK_FAILED;
    return pulls ? TASK_PULLING : main;
}

static enum task_state state_to_stop(const struct sidecar_part *p, size_t n, enum task_state main,
                                     enum task_state told)
{
    bool busy = false, made = false;

    for (size_t i = 1; i < n; i++) {
        busy = busy || is_busy(&p[i], told);
        made = made || p[i].c->container != CONTAINER_NONE;
    }
    if (main >= TASK_STOPPED && busy)
        return TASK_STOPPING;
    return main == TASK_REMOVED && made ? TASK_STOPPED : main;
}

enum task_state sidecar_state(const struct sidecar_part *p, size_t n, enum task_state told)
{
    bool looked = false;
    enum task_state main;

    for (size_t i = 0; i < n; i++)
        looked = looked || !p[i].known;
    main = converge_told(p->c, looked, told);
    return p->c->desired == TASK_RUN ? state_to_run(p, n, main, told) : state_to_stop(p, n, main, told);
}

static enum task_health health_of(const struct sidecar_part *p, size_t i)
{
    if (i && is_refused(&p[i]))
        return TASK_UNHEALTHY;
    if (!is_running(&p[i]) || !p[i].checked || (i && !is_joined(p, &p[i])))
        return TASK_UNKNOWN;
    return p[i].health;
}

enum task_health sidecar_health(const struct sidecar_part *p, size_t n)
{
    static const int badness[] = {
        [TASK_HEALTHY] = 0, [TASK_UNKNOWN] = 1, [TASK_UNREADY] = 2, [TASK_UNHEALTHY] = 3};
    enum task_health worst = TASK_HEALTHY;

    if (!is_running(p))
        return TASK_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        enum task_health health = health_of(p, i);

        if (badness[health] > badness[worst])
            worst = health;
    }
    return worst;
}

bool sidecar_judged(const struct sidecar_part *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((i && !p[i].known) || (is_running(&p[i]) && !p[i].checked))
            return false;
    return true;
}

int sidecar_restarts(const struct sidecar_part *p, size_t n)
{
    int sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += p[i].c->restarts;
    return sum;
}

static bool is_ill(enum task_health h)
{
    return h == TASK_UNHEALTHY || h == TASK_UNREADY;
}

const struct sidecar_part *sidecar_cause(const struct sidecar_part *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((!is_running(&p[i]) || is_ill(health_of(p, i))) &&
            (p[i].c->reason || (is_running(&p[i]) && p[i].probe)))
            return &p[i];
    return p;
}
