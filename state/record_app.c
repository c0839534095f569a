/* record_app.c - what the CLI writes and the scheduler says about it: revisions, apps, intents, rollouts. */
#include "state/record_codec.h"

#include "specs/parse.h"
#include "state/ranges.h"

#include <string.h>

#define REVISION_N_MAX 99999999 /* 8 digits in keys */

static char *spec_text(const void *s)
{
    return spec_service_text(s);
}

static void *spec_from_json(const json_t *j, struct orc_err *err)
{
    return spec_service_from_json(j, err);
}

static void spec_free(void *s)
{
    spec_service_free(s);
}

static const struct codec_owned spec_owned = {spec_text, spec_from_json, spec_free};

static const struct codec_field revision_rows[] = {
    CODEC_ROW_OWNED(record_revision, spec, &spec_owned),
    CODEC_ROW_FIXED(record_revision, hash),
    CODEC_ROW_FIXED(record_revision, container_hash),
    CODEC_ROW_STR(record_revision, yaml, SPEC_FILE_MAX, NULL),
    CODEC_ROW_STR(record_revision, by, RECORD_NAME_MAX, NULL),
    CODEC_ROW_INT64(record_revision, at, 0, RECORD_WALL_MAX),
};
static const struct codec revision_codec = CODEC_OF(record_revision, revision_rows);
RECORD_DEFINE(revision, revision_codec)

/* apps ------------------------------------------------------------------------------------------------ */

static void app_service_init(void *obj)
{
    ((struct record_app_service *)obj)->replicas = SPEC_REPLICAS_DEFAULT;
}

static int app_service_cmp(const void *a, const void *b)
{
    return strcmp(((const struct record_app_service *)a)->name, ((const struct record_app_service *)b)->name);
}

static const struct codec_field app_service_rows[] = {
    CODEC_ROW_STR_REQUIRED(record_app_service, name, SPEC_NAME_MAX, record_check_service),
    CODEC_ROW_INT64_REQUIRED(record_app_service, revision, 1, REVISION_N_MAX),
    CODEC_ROW_INT(record_app_service, replicas, SPEC_REPLICAS_DEFAULT, SPEC_REPLICAS_MAX),
};
static const struct codec app_service_codec =
    CODEC_OF(record_app_service, app_service_rows, .init = app_service_init, .cmp = app_service_cmp);

static const struct codec_field app_rows[] = {
    CODEC_ROW_INT64_REQUIRED(record_app, generation, 1, INT64_MAX),
    CODEC_ROW_LIST(record_app, services, &app_service_codec, SPEC_SERVICES_MAX),
};
static const struct codec app_codec = CODEC_OF(record_app, app_rows);
RECORD_DEFINE(app, app_codec)

static const char *const intent_actions[] = {[INTENT_NONE] = "none",
                                             [INTENT_PAUSE] = "pause",
                                             [INTENT_RESUME] = "resume",
                                             [INTENT_ABORT] = "abort",
                                             [INTENT_ABORT + 1] = NULL};

const char *intent_action_name(enum intent_action a)
{
    return intent_actions[a];
}

static const struct codec_field intent_rollout_rows[] = {
    CODEC_ROW_ENUM(intent_rollout, action, intent_actions),
    CODEC_ROW_INT64(intent_rollout, epoch, 0, INT64_MAX),
    CODEC_ROW_INT64(intent_rollout, revision, 0, REVISION_N_MAX),
    CODEC_ROW_STR(intent_rollout, by, RECORD_NAME_MAX, NULL),
    CODEC_ROW_INT64(intent_rollout, at, 0, RECORD_WALL_MAX),
};
static const struct codec intent_rollout_codec = CODEC_OF(intent_rollout, intent_rollout_rows);

static const struct codec_field intent_rows[] = {
    CODEC_ROW_INT64(record_intent, restart_epoch, 0, INT64_MAX),
    CODEC_ROW_STRUCT(record_intent, rollout, &intent_rollout_codec),
    CODEC_ROW_INT64(record_intent, rebalance_epoch, 0, INT64_MAX),
    CODEC_ROW_INT(record_intent, rebalance_max, 0, SPEC_REPLICAS_MAX),
};
static const struct codec intent_codec = CODEC_OF(record_intent, intent_rows);
RECORD_DEFINE(intent, intent_codec)

/* rollouts -------------------------------------------------------------------------------------------- */

static const char *const rollout_states[] = {
    [ROLLOUT_UPDATING] = "updating",       [ROLLOUT_CANARY] = "canary",
    [ROLLOUT_COMPLETE] = "complete",       [ROLLOUT_HEALING] = "healing",
    [ROLLOUT_PAUSED] = "paused",           [ROLLOUT_ROLLING_BACK] = "rolling-back",
    [ROLLOUT_ROLLED_BACK] = "rolled-back", [ROLLOUT_FAILED] = "failed",
    [ROLLOUT_REMOVING] = "removing",       [ROLLOUT_REMOVING + 1] = NULL};

const char *rollout_state_name(enum rollout_state s)
{
    return rollout_states[s];
}

static int pending_cmp(const void *a, const void *b)
{
    int x = ((const struct rollout_pending *)a)->slot, y = ((const struct rollout_pending *)b)->slot;

    return (x > y) - (x < y);
}

static const struct codec_field pending_rows[] = {
    CODEC_ROW_INT(rollout_pending, slot, 0, SPEC_REPLICAS_MAX - 1),
    CODEC_ROW_STR(rollout_pending, reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW_INT64(rollout_pending, since, 0, RECORD_WALL_MAX),
};
static const struct codec pending_codec = CODEC_OF(rollout_pending, pending_rows, .cmp = pending_cmp);

static int trouble_cmp(const void *a, const void *b)
{
    return strcmp(((const struct rollout_trouble *)a)->node, ((const struct rollout_trouble *)b)->node);
}

static const struct codec_field trouble_rows[] = {
    CODEC_ROW_STR_REQUIRED(rollout_trouble, node, KEY_NAME_MAX, key_check_node_name),
    CODEC_ROW_INT(rollout_trouble, failures, 0, INT32_MAX),
};
static const struct codec trouble_codec = CODEC_OF(rollout_trouble, trouble_rows, .cmp = trouble_cmp);
static const char *const run_states[] = {[RUN_RUNNING] = "running",
                                         [RUN_SUCCEEDED] = "succeeded",
                                         [RUN_FAILED] = "failed",
                                         [RUN_STOPPED] = "stopped",
                                         [RUN_STOPPED + 1] = NULL};

const char *run_state_name(enum run_state s)
{
    return run_states[s];
}

static int run_cmp(const void *a, const void *b)
{
    int64_t x = ((const struct rollout_run *)a)->n, y = ((const struct rollout_run *)b)->n;

    return (x > y) - (x < y);
}

static void run_init(void *obj)
{
    ((struct rollout_run *)obj)->exit_code = -1;
}

static const struct codec_field run_rows[] = {
    CODEC_ROW_INT64_REQUIRED(rollout_run, n, 1, INT64_MAX),
    CODEC_ROW_ENUM(rollout_run, state, run_states),
    CODEC_ROW_INT64_REQUIRED(rollout_run, revision, 1, REVISION_N_MAX),
    CODEC_ROW_INT64(rollout_run, epoch, 0, INT64_MAX),
    CODEC_ROW_INT64(rollout_run, scheduled, 0, RECORD_WALL_MAX),
    CODEC_ROW_INT64(rollout_run, started, 0, RECORD_WALL_MAX),
    CODEC_ROW_INT64(rollout_run, ended, 0, RECORD_WALL_MAX),
    CODEC_ROW_INT(rollout_run, wanted, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(rollout_run, completed, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_STR(rollout_run, done, RANGES_TEXT_MAX, ranges_check),
    CODEC_ROW_INT(rollout_run, failures, 0, INT32_MAX),
    CODEC_ROW_INT(rollout_run, exit_code, INT32_MIN, INT32_MAX),
    CODEC_ROW_STR(rollout_run, reason, RECORD_REASON_MAX, NULL),
};
static const struct codec run_codec = CODEC_OF(rollout_run, run_rows, .init = run_init, .cmp = run_cmp);

void rollout_run_copy(const struct rollout_run *r, struct rollout_run *ret)
{
    codec_copy(&run_codec, r, ret);
}

void rollout_run_release(struct rollout_run *r)
{
    codec_release(&run_codec, r);
}

static int move_cmp(const void *a, const void *b)
{
    int x = ((const struct rollout_move *)a)->slot, y = ((const struct rollout_move *)b)->slot;

    return (x > y) - (x < y);
}

static const struct codec_field move_rows[] = {
    CODEC_ROW_INT(rollout_move, slot, 0, SPEC_REPLICAS_MAX - 1),
    CODEC_ROW_INT64(rollout_move, attempt, 0, INT64_MAX),
};
static const struct codec move_codec = CODEC_OF(rollout_move, move_rows, .cmp = move_cmp);

static const char *const rollout_topics[] = {[ROLLOUT_SAYS_NOTHING] = "none",
                                             [ROLLOUT_SAYS_FAILED] = "failed",
                                             [ROLLOUT_SAYS_FAILURES] = "failures",
                                             [ROLLOUT_SAYS_PEOPLE] = "people",
                                             [ROLLOUT_SAYS_CANARY] = "canary",
                                             [ROLLOUT_SAYS_MISSING] = "missing",
                                             [ROLLOUT_SAYS_WATCHED] = "watched",
                                             [ROLLOUT_SAYS_STOPPING] = "stopping",
                                             [ROLLOUT_SAYS_ROOM] = "room",
                                             [ROLLOUT_SAYS_REBALANCED] = "rebalanced",
                                             [ROLLOUT_SAYS_HELD] = "held",
                                             [ROLLOUT_SAYS_WAITING] = "waiting",
                                             [ROLLOUT_SAYS_UNREADABLE] = "unreadable",
                                             [ROLLOUT_SAYS_UNREADABLE + 1] = NULL};

const char *rollout_topic_name(enum rollout_topic t)
{
    return rollout_topics[t];
}

static const struct codec_field rollout_rows[] = {
    CODEC_ROW_ENUM(record_rollout, state, rollout_states),
    CODEC_ROW_INT64(record_rollout, generation, 0, INT64_MAX),
    CODEC_ROW_INT64(record_rollout, wanted, 0, REVISION_N_MAX),
    CODEC_ROW_INT64(record_rollout, target, 0, REVISION_N_MAX),
    CODEC_ROW_INT64(record_rollout, complete, 0, REVISION_N_MAX),
    CODEC_ROW_INT64(record_rollout, from, 0, REVISION_N_MAX),
    CODEC_ROW_INT64(record_rollout, restart_epoch, 0, INT64_MAX),
    CODEC_ROW_INT64(record_rollout, intent_epoch, 0, INT64_MAX),
    CODEC_ROW_BOOL(record_rollout, promoted),
    CODEC_ROW_INT64(record_rollout, attempts, 0, INT64_MAX),
    CODEC_ROW_INT64(record_rollout, forgiven, 0, INT64_MAX),
    CODEC_ROW_INT(record_rollout, replicas, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(record_rollout, available, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(record_rollout, updated, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(record_rollout, failures, 0, INT32_MAX),
    CODEC_ROW_INT(record_rollout, failed, 0, INT32_MAX),
    CODEC_ROW_INT64(record_rollout, since, 0, RECORD_WALL_MAX),
    CODEC_ROW_STR(record_rollout, reason, RECORD_REASON_MAX, NULL),
    CODEC_ROW(record_rollout, reason_kind, CODEC_ENUM, .names = rollout_topics),
    CODEC_ROW_STR(record_rollout, degraded, RECORD_REASON_MAX, NULL),
    CODEC_ROW_INT64(record_rollout, degraded_since, 0, RECORD_WALL_MAX),
    CODEC_ROW_LIST(record_rollout, pending, &pending_codec, SPEC_REPLICAS_MAX),
    CODEC_ROW_LIST(record_rollout, trouble, &trouble_codec, ROLLOUT_TROUBLE_MAX),
    CODEC_ROW_INT64(record_rollout, scheduled, 0, RECORD_WALL_MAX),
    CODEC_ROW_INT64(record_rollout, next_run, 0, RECORD_WALL_MAX),
    CODEC_ROW_LIST(record_rollout, runs, &run_codec, ROLLOUT_RUNS_MAX),
    CODEC_ROW_INT64(record_rollout, rebalance_epoch, 0, INT64_MAX),
    CODEC_ROW_INT(record_rollout, rebalance_left, 0, SPEC_REPLICAS_MAX),
    CODEC_ROW_INT(record_rollout, rebalance_moved, 0, INT32_MAX),
    CODEC_ROW_STR(record_rollout, rebalance_end, RECORD_REASON_MAX, NULL),
    CODEC_ROW_LIST(record_rollout, moving, &move_codec, SPEC_REPLICAS_MAX),
};
static const struct codec rollout_codec = CODEC_OF(record_rollout, rollout_rows);
RECORD_DEFINE(rollout, rollout_codec)
