/* What nodelet/converge never does and always comes to, in random lives of one task: an engine that fails,
 * stops and forgets, a store that comes and goes, people who change their mind. Told with a container that
 * really is in one state, which the decider hears of only now and then.
 *
 * ORC_PROPERTY_SEEDS=N runs more of them.
 */
#include "tests/unit/converge_story.h"

#include "lib/hash.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS 300
#define ROUNDS 120

struct life {
    struct story s;
    uint64_t random, seed;
    enum converge_container real;
    int exit_code;
    bool told_to_go, ended; /* once: for ever */
    bool calm;              /* nothing fails any more */
};

static uint64_t below(struct life *l, uint64_t n)
{
    l->random += UINT64_C(0x9e3779b97f4a7c15);
    return orc_hash64(0, &l->random, sizeof l->random) % n;
}

#define broken(l, ...)                                                                                       \
    do {                                                                                                     \
        print_error("seed %llu: ", (unsigned long long)(l)->seed);                                           \
        fail_msg(__VA_ARGS__);                                                                               \
    } while (0)

/* ---- the engine */

static void look(struct life *l)
{
    struct converge_seen seen = {.container = l->real, .exit_code = l->exit_code};

    if (!l->calm && l->real == CONTAINER_EXITED) {
        seen.oom = below(l, 8) == 0;
        seen.engine_restarted = below(l, 8) == 0;
        seen.stopped = below(l, 8) == 0;
    }
    converge_see(&l->s.c, &seen, l->s.now);
}

static void carry_out(struct life *l, enum converge_op op)
{
    switch (op) {
    case CONVERGE_CREATE:
        l->real = l->real == CONTAINER_NONE ? CONTAINER_CREATED : l->real;
        break;
    case CONVERGE_START:
        l->real = l->real == CONTAINER_NONE ? CONTAINER_NONE : CONTAINER_RUNNING;
        break;
    case CONVERGE_STOP:
    case CONVERGE_KILL:
        if (l->real == CONTAINER_RUNNING) {
            l->real = CONTAINER_EXITED;
            l->exit_code = 143;
        }
        break;
    case CONVERGE_REMOVE:
        l->real = CONTAINER_NONE;
        break;
    default:
        break;
    }
}

/* What an engine that fails may answer to each; it may have done it all the same. */
static enum converge_outcome answer(struct life *l, enum converge_op op)
{
    if (l->calm || below(l, 3)) {
        bool there = l->real != CONTAINER_NONE;

        carry_out(l, op);
        return there || op == CONVERGE_PULL || op == CONVERGE_CREATE || op == CONVERGE_WITHDRAW
                   ? CONVERGE_DONE
                   : CONVERGE_GONE;
    }
    if (op == CONVERGE_CREATE && below(l, 2))
        return CONVERGE_IMAGE_ABSENT;
    if (op == CONVERGE_START && below(l, 3) == 0)
        return CONVERGE_CRASHED;
    if ((op == CONVERGE_PULL || op == CONVERGE_CREATE) && below(l, 12) == 0)
        return CONVERGE_REFUSED;
    if (below(l, 2))
        carry_out(l, op);
    return CONVERGE_TRANSIENT;
}

/* ---- what must hold of each answer */

static void check(struct life *l, enum converge_op op)
{
    const char *name = converge_op_name(op);
    bool starts = op == CONVERGE_PULL || op == CONVERGE_CREATE || op == CONVERGE_START;
    bool stops = op == CONVERGE_WITHDRAW || op == CONVERGE_STOP || op == CONVERGE_KILL;

    if (op != CONVERGE_NOTHING && op != CONVERGE_WITHDRAW && !l->s.engine)
        broken(l, "%s without an engine", name);
    if (starts && l->told_to_go)
        broken(l, "%s of what was told to go", name);
    if (starts && l->ended)
        broken(l, "%s of what has ended for good", name);
    if ((stops || op == CONVERGE_REMOVE) && !l->told_to_go)
        broken(l, "%s, and nobody asked for it", name);
    if (op == CONVERGE_WITHDRAW && !l->s.store)
        broken(l, "a planned stop begins without the store");
    if ((op == CONVERGE_STOP || op == CONVERGE_KILL) && !l->s.c.withdrawn)
        broken(l, "%s before its withdrawal has ended", name);
}

/* ---- a life */

static void happen(struct life *l)
{
    switch (below(l, 10)) {
    case 0:
        l->s.engine = !l->s.engine;
        if (l->s.engine)
            converge_engine_back(&l->s.c);
        break;
    case 1:
        l->s.store = !l->s.store;
        break;
    case 2:
        if (l->real == CONTAINER_RUNNING) {
            l->real = CONTAINER_EXITED;
            l->exit_code = (int)below(l, 3);
        }
        break;
    case 3:
        if (below(l, 4) == 0)
            l->real = CONTAINER_NONE; /* behind our back */
        break;
    case 4:
        l->s.now += below(l, 700000);
        break;
    case 5:
        if (below(l, 12) == 0) {
            want(&l->s, below(l, 2) ? TASK_DRAIN : TASK_REMOVE);
            l->told_to_go = true;
        }
        break;
    case 6: /* whatever is written later */
        want(&l->s, TASK_RUN);
        break;
    default:
        l->s.now += below(l, 2000);
    }
}

static void round_of(struct life *l)
{
    enum converge_op op;

    if (!l->calm)
        happen(l);
    if (l->s.engine && (l->calm || below(l, 2)))
        look(l);
    l->ended = l->ended || l->s.c.end != CONVERGE_ALIVE;
    op = next(&l->s, NULL);
    check(l, op);
    if (op == CONVERGE_NOTHING)
        return;
    converge_begin(&l->s.c, op);
    if (next(&l->s, NULL) != CONVERGE_NOTHING)
        broken(l, "two operations at once");
    converge_end(&l->s.c, answer(l, op), "why it failed", l->s.now);
}

static void begin_life(struct life *l, uint64_t seed)
{
    static const enum spec_restart policies[] = {SPEC_RESTART_ALWAYS, SPEC_RESTART_NO,
                                                 SPEC_RESTART_ON_FAILURE, SPEC_RESTART_UNLESS_STOPPED};

    *l = (struct life){.random = seed * 7919, .seed = seed};
    converge_init(&l->s.c);
    l->s.spec = spec_service_new("web");
    l->s.spec->restart = policies[below(l, ORC_ARRAY_SIZE(policies))];
    l->s.spec->restart_max = (int)below(l, 4);
    l->s.now = NOW;
    l->s.engine = l->s.store = true;
    want(&l->s, TASK_RUN);
    for (int i = 0; i < ROUNDS; i++)
        round_of(l);
}

static void end_life(struct life *l)
{
    converge_release(&l->s.c);
    spec_service_free(l->s.spec);
}

static uint64_t seeds(void)
{
    const char *text = getenv("ORC_PROPERTY_SEEDS");

    return text ? strtoull(text, NULL, 10) : SEEDS;
}

/* Behaviours 71, 84: however often it is asked for again, and whatever the engine says. */
static void test_converge__what_was_told_to_go_is_never_started_again(void **state)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        struct life l;

        begin_life(&l, seed);
        want(&l.s, TASK_REMOVE);
        l.told_to_go = true;
        for (int i = 0; i < ROUNDS; i++)
            round_of(&l);
        end_life(&l);
    }
}

/* When all faults are over it comes to what is wanted: it runs, or has ended for good; or it is gone. */
static void test_converge__it_comes_to_what_is_wanted_when_faults_end(void **state)
{
    for (uint64_t seed = 1; seed <= seeds(); seed++)
        for (int gone = 0; gone < 2; gone++) {
            struct life l;
            enum task_state is;

            begin_life(&l, seed);
            if (gone) {
                want(&l.s, TASK_REMOVE);
                l.told_to_go = true;
            }
            l.calm = l.s.engine = l.s.store = true;
            for (int i = 0; i < 40; i++) {
                l.s.now += CONVERGE_BACKOFF_MAX_MS;
                round_of(&l);
            }
            is = converge_state(&l.s.c);
            if (gone ? is != TASK_REMOVED
                     : !l.told_to_go && is != TASK_RUNNING && l.s.c.end == CONVERGE_ALIVE)
                broken(&l, "it is %s in the end", task_state_name(is));
            if ((gone && l.real != CONTAINER_NONE) || (is == TASK_RUNNING && l.real != CONTAINER_RUNNING))
                broken(&l, "it is called %s and its container is in state %d", task_state_name(is), l.real);
            end_life(&l);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_converge__what_was_told_to_go_is_never_started_again),
        cmocka_unit_test(test_converge__it_comes_to_what_is_wanted_when_faults_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
