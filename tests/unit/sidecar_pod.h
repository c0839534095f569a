/* sidecar_pod.h - a task of several containers and a small engine that does at once what it is asked for.
 * Included by the test programs; everything is static. */
#ifndef TESTS_UNIT_SIDECAR_POD_H
#define TESTS_UNIT_SIDECAR_POD_H

#include "lib/mem.h"
#include "nodelet/sidecar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define N 3 /* the main container and two sidecars */

/* One task on an engine that does at once what it is asked for. */
struct pod {
    struct converge c[N];
    struct spec_service *spec[N];
    enum task_desired desired;
    bool store, unseen[N], sick[N], missing[N]; /* missing: its image */
    uint64_t now, away_since;
    int starts, made; /* of the main container, of all */
    int of[N], net[N],
        run[N]; /* which container it is; a sidecar: for which it was made, which start it joined */
    char id[N][16], made_for[N][16], started[N][16], joined[N][16];
};

ORC_UNUSED static struct pod *pod_new(void)
{
    struct pod *p = orc_new(struct pod);

    p->store = true;
    p->now = 1000000;
    for (int i = 0; i < N; i++) {
        p->spec[i] = spec_service_new(i ? "side" : "web");
        converge_init(&p->c[i]);
    }
    return p;
}

ORC_UNUSED static void pod_free(struct pod *p)
{
    for (int i = 0; i < N; i++) {
        converge_release(&p->c[i]);
        spec_service_free(p->spec[i]);
    }
    free(p);
}

ORC_UNUSED static void parts_of(const struct pod *p, struct sidecar_part ret[N])
{
    for (int i = 0; i < N; i++)
        ret[i] = (struct sidecar_part){.c = &p->c[i],
                                       .name = i ? "side" : NULL,
                                       .known = !p->unseen[i],
                                       .checked = p->c[i].container == CONTAINER_RUNNING,
                                       .health = p->sick[i] ? TASK_UNHEALTHY : TASK_HEALTHY,
                                       .probe = p->sick[i] ? "HTTP 503" : "HTTP 200",
                                       .id = p->id[i],
                                       .started = p->started[i],
                                       .made_for = p->made_for[i],
                                       .joined = p->joined[i]};
}

ORC_UNUSED static enum task_state state_after(const struct pod *p, enum task_state told)
{
    struct sidecar_part parts[N];

    parts_of(p, parts);
    return sidecar_state(parts, N, told);
}

ORC_UNUSED static enum task_state state(const struct pod *p)
{
    return state_after(p, TASK_RUNNING);
}

ORC_UNUSED static enum task_health health(const struct pod *p)
{
    struct sidecar_part parts[N];

    parts_of(p, parts);
    return sidecar_health(parts, N);
}

ORC_UNUSED static enum converge_op next(const struct pod *p, int i)
{
    struct converge_world w = {
        .engine = !p->unseen[i], .store = p->store, .away_since = p->away_since, .now = p->now};
    struct sidecar_part parts[N];
    uint64_t wake;

    parts_of(p, parts);
    sidecar_world(parts, N, (size_t)i, &w);
    return converge_next(&p->c[i], &w, &wake);
}

ORC_UNUSED static void want(struct pod *p)
{
    struct sidecar_part parts[N];

    converge_want(&p->c[0], p->desired, p->spec[0]);
    parts_of(p, parts);
    for (int i = 1; i < N; i++)
        sidecar_want(&p->c[i], &parts[0], p->spec[i]);
}

/* What the engine has of it is seen. */
ORC_UNUSED static void look(struct pod *p, int i)
{
    p->unseen[i] = false;
    snprintf(p->started[i], sizeof p->started[i], "%04d", p->run[i]);
}

/* The engine starts it. A namespace is that of one start; none of a container that is gone can be joined. */
ORC_UNUSED static void start(struct pod *p, int i)
{
    if (i) {
        assert_int_equal(p->c[0].container, CONTAINER_RUNNING);
        assert_int_equal(p->net[i], p->of[0]);
        p->run[i] = p->starts;
        snprintf(p->joined[i], sizeof p->joined[i], "%s", p->started[0]);
    } else {
        for (int k = 1; k < N; k++)
            assert_int_not_equal(p->c[k].container, CONTAINER_NONE);
        p->run[0] = ++p->starts;
        p->unseen[0] = true; /* when it was, is asked for */
    }
}

ORC_UNUSED static enum converge_outcome carry_out(struct pod *p, int i, enum converge_op op)
{
    if (op == CONVERGE_CREATE && p->missing[i])
        return CONVERGE_IMAGE_ABSENT;
    if (op == CONVERGE_PULL && p->missing[i])
        return CONVERGE_REFUSED;
    if (op == CONVERGE_CREATE) {
        p->of[i] = ++p->made;
        p->net[i] = p->of[0];
        snprintf(p->id[i], sizeof p->id[i], "c%d", p->of[i]);
        snprintf(p->made_for[i], sizeof p->made_for[i], "%s", i ? p->id[0] : "");
    }
    if (op == CONVERGE_START)
        start(p, i);
    return CONVERGE_DONE;
}

/* One operation of one container; false: there is none to do. */
ORC_UNUSED static bool step(struct pod *p, int i)
{
    enum converge_op op;

    want(p);
    op = next(p, i);
    if (op == CONVERGE_NOTHING)
        return false;
    converge_begin(&p->c[i], op);
    converge_end(&p->c[i], carry_out(p, i, op), "no such image", p->now);
    return true;
}

/* Until nothing is left to do, also after every back-off. */
ORC_UNUSED static void settle(struct pod *p)
{
    for (int quiet = 0; quiet < 3;) {
        bool any = false;

        for (int i = 0; i < N; i++) {
            any = any || p->unseen[i];
            look(p, i);
            any = step(p, i) || any;
        }
        if (!any)
            p->now += CONVERGE_BACKOFF_MAX_MS;
        quiet = any ? 0 : quiet + 1;
    }
}

ORC_UNUSED static void dies(struct pod *p, int i)
{
    struct converge_seen seen = {.container = CONTAINER_EXITED, .exit_code = 1};

    if (p->c[i].container == CONTAINER_RUNNING)
        converge_see(&p->c[i], &seen, p->now);
}

ORC_UNUSED static void vanishes(struct pod *p, int i)
{
    struct converge_seen seen = {.container = CONTAINER_NONE};

    converge_see(&p->c[i], &seen, p->now);
}

/* Somebody's `docker restart`: nobody sees it stopped. */
ORC_UNUSED static void is_restarted(struct pod *p)
{
    if (p->c[0].container != CONTAINER_RUNNING)
        return;
    p->run[0] = ++p->starts;
    p->unseen[0] = true;
}

ORC_UNUSED static struct pod *running(void)
{
    struct pod *p = pod_new();

    settle(p);
    assert_int_equal(state(p), TASK_RUNNING);
    assert_int_equal(health(p), TASK_HEALTHY);
    return p;
}

#endif
