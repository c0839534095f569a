#include "nodelet/outcomes.h"

#include <string.h>

static bool says(const char *text, const char *words)
{
    return strcasestr(text, words) != NULL;
}

/* The run-time could not run the program: wrong path, not executable, wrong architecture. */
static bool program_fails(const char *text)
{
    return says(text, "OCI runtime") || says(text, "executable file not found") ||
           says(text, "exec format error");
}

bool outcome_needs_network(enum docker_kind kind, const char *text)
{
    return kind == DOCKER_NOT_FOUND && says(text, "network") && !says(text, "No such container");
}

static enum converge_outcome of_create(enum docker_kind kind, const char *text)
{
    if (kind == DOCKER_NOT_FOUND)
        return says(text, "image") ? CONVERGE_IMAGE_ABSENT : CONVERGE_TRANSIENT;
    return kind == DOCKER_REFUSED ? CONVERGE_REFUSED : CONVERGE_TRANSIENT;
}

static enum converge_outcome of_start(enum docker_kind kind, const char *text)
{
    if (kind == DOCKER_NOT_FOUND && says(text, "No such container"))
        return CONVERGE_GONE;
    return kind != DOCKER_DOWN && program_fails(text) ? CONVERGE_CRASHED : CONVERGE_TRANSIENT;
}

enum converge_outcome outcome_of(enum converge_op op, enum docker_kind kind, const char *text)
{
    if (kind == DOCKER_OK)
        return CONVERGE_DONE;
    switch (op) {
    case CONVERGE_CREATE:
        return of_create(kind, text);
    case CONVERGE_START:
        return of_start(kind, text);
    case CONVERGE_STOP:
    case CONVERGE_KILL:
        return kind == DOCKER_NOT_FOUND ? CONVERGE_GONE : CONVERGE_TRANSIENT;
    case CONVERGE_NOTHING:
    case CONVERGE_PULL:
    case CONVERGE_WITHDRAW:
    case CONVERGE_REMOVE:
        break;
    }
    return CONVERGE_TRANSIENT;
}
