/* session.h - one command's connection to a cluster: the loop, etcd, and what every command needs of both.
 *
 * The CLI does one thing at a time: these calls run the loop until the answer is there. Failures are whole
 * sentences that say which address was tried and what to do.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/cluster.h"
#include "cli/out.h"
#include "scheduler/core.h"
#include "state/etcd.h"
#include "state/store_args.h"
#include "state/view.h"

/* Exit codes: a contract that scripts rely on (DESIGN). */
enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_ROLLOUT_FAILED = 3, CLI_TIMED_OUT = 4 };

struct session_args { /* filled by the options that every command takes */
    struct store_args store;
    char *context; /* by name (contexts.h); NULL: where.h chooses */
    char *output;
    bool quiet;
    uint64_t timeout_ms;     /* of a request to etcd; 0: the client's own */
    bool tables, no_headers; /* of commands with SESSION_TABLE_OPTIONS, which set `tables` themselves */
};
/* clang-format off */
#define SESSION_WHERE(a)                                                                                       \
    STORE_ARGS_ROWS(&(a)->store),                                                                               \
    {.name = "context", .kind = ORC_OPT_STR, .value = &(a)->context, .meta = "CONTEXT",                         \
     .help = "the cluster of that name, as `orc context list` shows them"}
#define SESSION_OPTIONS(a)                                                                                     \
    SESSION_WHERE(a),                                                                                          \
    {.name = "output", .letter = 'o', .kind = ORC_OPT_STR, .value = &(a)->output, .meta = OUT_FORMS,            \
     .help = "json, yaml: one document on stdout and nothing else"},                                           \
    {.name = "quiet", .letter = 'q', .kind = ORC_OPT_BOOL, .value = &(a)->quiet, .help = "say only what failed"}
/* The same for commands that print tables. */
#define SESSION_TABLE_OPTIONS(a)                                                                               \
    SESSION_WHERE(a),                                                                                          \
    {.name = "output", .letter = 'o', .kind = ORC_OPT_STR, .value = &(a)->output, .meta = OUT_TABLE_FORMS,      \
     .help = "wide: every column; json, yaml: one document; name: names alone, one a line"},                   \
    {.name = "no-headers", .kind = ORC_OPT_BOOL, .value = &(a)->no_headers, .help = "tables without headings"}
/* clang-format on */

struct session {
    uv_loop_t loop;
    struct etcd *etcd;
    char *cluster;
    char *advice; /* when etcd can't be reached */
    struct out out;
    struct orc_zones *zones; /* of this machine */
};

void session_args_release(struct session_args *a);

/* Settles the arguments and connects (lazily: nothing is sent yet). On failure s needs no close. */
int session_open(struct session *s, struct session_args *a, struct orc_err *err);
void session_close(struct session *s);

/* Reads the ranges of these kinds (ended by KEY_UNKNOWN), all at one revision, into c, which is initialised
 * here; on failure it is empty. */
int session_load(struct session *s, const enum key_kind *kinds, struct cluster *c, struct orc_err *err);
/* The same, KEY_CONFIG among them, of a cluster that `orc init` has made: else -ENOENT with what to do. */
int session_read(struct session *s, const enum key_kind *kinds, struct cluster *c, struct orc_err *err);

/* Time zones for whoever runs the scheduler's code; valid until the session is closed. */
struct core_zones session_zones(const struct session *s);

/* Commits t (consumed). 0 and *ret_revision; SESSION_CONFLICT when a compare did not hold. */
#define SESSION_CONFLICT 1
int session_commit(struct session *s, struct etcd_txn *t, int64_t *ret_revision, struct orc_err *err);

/* Splits "app/service"; both in range of the model's names. `service` may be left out when ret_service is
 * given and `optional`: then *ret_service is "". */
int session_split(const char *word, bool optional, char ret_app[SPEC_NAME_MAX + 1],
                  char ret_service[SPEC_NAME_MAX + 1], struct orc_err *err);

/* "user@host", for records of who did what; freed by the caller. */
char *session_who(void);

#endif
