/* record_task.c - one container: what it shall be, what was seen of it, where it is reached. */
#include "state/record_codec.h"

#include <arpa/inet.h>
#include <string.h>

#define TASK_PORTS_MAX 1000

static const char *const task_desireds[] = {
    [TASK_RUN] = "run", [TASK_DRAIN] = "drain", [TASK_REMOVE] = "remove", [TASK_REMOVE + 1] = NULL};

const char *task_desired_name(enum task_desired d)
{
    return task_desireds[d];
}

static const char *const task_stops[] = {
    [TASK_STOP_NONE] = "none",       [TASK_STOP_FAILED] = "failed",   [TASK_STOP_UNHEALTHY] = "unhealthy",
    [TASK_STOP_LATE] = "late",       [TASK_STOP_LOST] = "lost",       [TASK_STOP_DRAINED] = "drained",
    [TASK_STOP_MISFIT] = "misfit",   [TASK_STOP_UPDATED] = "updated", [TASK_STOP_RESTARTED] = "restarted",
    [TASK_STOP_MOVED] = "moved",     [TASK_STOP_SURPLUS] = "surplus", [TASK_STOP_ENDED] = "ended",
    [TASK_STOP_REMOVED] = "removed", [TASK_STOP_REMOVED + 1] = NULL};

const char *task_stop_name(enum task_stop k)
{
    return task_stops[k];
}

static const struct codec_field task_rows[] = {
    CODEC_ROW_STR_REQUIRED(record_task, app, SPEC_NAME_MAX, record_check_app),
    CODEC_ROW_STR_REQUIRED(record_task, service, SPEC_NAME_MAX, record_check_service),
    CODEC_ROW_INT(record_task, slot, 0, SPEC_REPLICAS_MAX - 1),
    CODEC_ROW_INT64(record_task, attempt, 0, INT64_MAX),
    CODEC_ROW_INT64(record_task, revision, 0, INT64_MAX),
    CODEC_ROW_INT64(record_task, restart_epoch, 0, INT64_MAX),
    CODEC_ROW_FIXED(record_task, container_hash),
    CODEC_ROW_ENUM(record_task, desired, task_desireds),
    CODEC_ROW_STR(record_task, address, INET_ADDRSTRLEN, record_check_address),
    CODEC_ROW_STRUCT(record_task, resources, &record_resources_codec),
    CODEC_ROW_INT(record_task, pids, 0, SPEC_PIDS_MAX),
    CODEC_ROW_LIST(record_task, ports, &record_port_codec, TASK_PORTS_MAX),
    CODEC_ROW_INT(record_task, restarts, 0, INT32_MAX),
    CODEC_ROW_STR(record_task, reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW_STR(record_task, stop_reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW(record_task, stop_kind, CODEC_ENUM, .names = task_stops),
    CODEC_ROW_INT64(record_task, at, 0, RECORD_WALL_MAX),
};
static const struct codec task_codec = CODEC_OF(record_task, task_rows);
RECORD_DEFINE(task, task_codec)

/* status ---------------------------------------------------------------------------------------------- */

static const char *const task_states[] = {
    [TASK_ASSIGNED] = "assigned", [TASK_PULLING] = "pulling", [TASK_CREATING] = "creating",
    [TASK_STARTING] = "starting", [TASK_RUNNING] = "running", [TASK_STOPPING] = "stopping",
    [TASK_STOPPED] = "stopped",   [TASK_FAILED] = "failed",   [TASK_REMOVED] = "removed",
    [TASK_REMOVED + 1] = NULL};

static const char *const task_healths[] = {[TASK_UNKNOWN] = "unknown",
                                           [TASK_HEALTHY] = "healthy",
                                           [TASK_UNHEALTHY] = "unhealthy",
                                           [TASK_UNREADY] = "unready",
                                           [TASK_UNREADY + 1] = NULL};

const char *task_state_name(enum task_state s)
{
    return task_states[s];
}

const char *task_health_name(enum task_health h)
{
    return task_healths[h];
}

static void status_init(void *obj)
{
    ((struct record_status *)obj)->exit_code = -1;
}

static const struct codec_field status_rows[] = {
    CODEC_ROW_ENUM(record_status, state, task_states),
    CODEC_ROW_ENUM(record_status, health, task_healths),
    CODEC_ROW_INT(record_status, restarts, 0, INT32_MAX),
    CODEC_ROW_STR(record_status, reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW_STR(record_status, probe, RECORD_REASON_MAX, NULL),
    CODEC_ROW_STR(record_status, container, 128, NULL),
    CODEC_ROW_INT(record_status, exit_code, INT32_MIN, INT32_MAX),
    CODEC_ROW_BOOL(record_status, oom),
    CODEC_ROW_INT64(record_status, since, 0, RECORD_WALL_MAX),
    CODEC_ROW_FIXED(record_status, boot),
};
static const struct codec status_codec = CODEC_OF(record_status, status_rows, .init = status_init);
RECORD_DEFINE(status, status_codec)

/* endpoints ------------------------------------------------------------------------------------------- */

static const char *const endpoint_states[] = {
    [ENDPOINT_READY] = "ready", [ENDPOINT_DRAINING] = "draining", [ENDPOINT_DRAINING + 1] = NULL};

const char *endpoint_state_name(enum endpoint_state s)
{
    return endpoint_states[s];
}

char *endpoint_port_name(const struct spec_gateway *g)
{
    return orc_printf("%s%s", g->host ? g->host : "", g->path ? g->path : "/");
}

static int port_cmp(const void *a, const void *b)
{
    return strcmp(((const struct endpoint_port *)a)->name, ((const struct endpoint_port *)b)->name);
}

/* Names end up in a gateway's tables and messages: visible ASCII. */
static int check_port_name(const char *s, struct orc_err *err)
{
    for (const char *c = s; *c; c++)
        if (*c <= 0x20 || *c >= 0x7f)
            return orc_fail(err, -EINVAL, "a port's name is visible ASCII, such as \"/orders/\"");
    return 0;
}

static const struct codec_field endpoint_port_rows[] = {
    CODEC_ROW_STR_REQUIRED(endpoint_port, name, 1024, check_port_name),
    CODEC_ROW_U16(endpoint_port, port, 0),
};
static const struct codec endpoint_port_codec = CODEC_OF(endpoint_port, endpoint_port_rows, .cmp = port_cmp);

static const struct codec_field endpoint_rows[] = {
    CODEC_ROW_STR(record_endpoint, node, KEY_NAME_MAX, key_check_node_name),
    CODEC_ROW_STR_REQUIRED(record_endpoint, address, INET_ADDRSTRLEN, record_check_address),
    CODEC_ROW_ENUM(record_endpoint, state, endpoint_states),
    CODEC_ROW_LIST(record_endpoint, ports, &endpoint_port_codec, TASK_PORTS_MAX),
};
static const struct codec endpoint_codec = CODEC_OF(record_endpoint, endpoint_rows);
RECORD_DEFINE(endpoint, endpoint_codec)

void record_boot(const char *boot_id, char ret[RECORD_BOOT_MAX])
{
    size_t n = boot_id ? strnlen(boot_id, RECORD_BOOT_MAX - 1) : 0;

    if (n)
        memcpy(ret, boot_id, n);
    ret[n] = '\0';
}

bool record_status_is_stale(const char *boot, const char *boot_id)
{
    return *boot && boot_id && *boot_id && strncmp(boot, boot_id, RECORD_BOOT_MAX - 1) != 0;
}
