#include "scheduler/recorder.h"

#include "lib/file_append.h"
#include "lib/log.h"
#include "lib/units.h"
#include "scheduler/journal.h"
#include "scheduler/replay.h"

#define WAITING_MAX (32 << 20) /* bytes that the disk has not taken yet */
#define END_ROOM 256           /* kept free for the last entry */

struct recorder {
    struct orc_file_append *file;
    struct orc_buf entry;
    char *path, *cluster;
    uint64_t size, most;
    bool ended;
};

static void append(struct recorder *r)
{
    orc_file_append_add(r->file, r->entry.data, r->entry.len);
    r->size += r->entry.len;
    orc_buf_clear(&r->entry);
}

static void end(struct recorder *r, const char *why)
{
    struct journal_entry e = {.kind = JOURNAL_END, .text = journal_text(why)};

    if (r->ended)
        return;
    r->ended = true;
    journal_write(&r->entry, r->size, &e);
    append(r);
}

static void give_up(struct recorder *r, const char *why)
{
    orc_warn("the recording in %s ends here: %s", r->path, why);
    end(r, why);
}

static void record(struct recorder *r, const struct journal_entry *e)
{
    char most[ORC_UNIT_MAX];
    orc_auto_free char *full = NULL;

    if (r->ended)
        return;
    if (journal_write(&r->entry, r->size, e) < 0) {
        give_up(r, "an entry is too large");
        return;
    }
    if (r->size + r->entry.len + END_ROOM > r->most) {
        orc_buf_clear(&r->entry);
        full = orc_printf("it has the size allowed, %s", orc_format_size((int64_t)r->most, most));
        give_up(r, full);
        return;
    }
    append(r);
    if (orc_file_append_waiting(r->file) > WAITING_MAX)
        give_up(r, "the disk is too slow");
}

static void on_failed(const struct orc_err *err, void *arg)
{
    struct recorder *r = arg;

    r->ended = true;
    orc_error("nothing more is recorded: %s. All else goes on", err->msg);
}

struct recorder *recorder_new(uv_loop_t *loop, const char *path, uint64_t most, const char *cluster,
                              const char *host, int64_t wall_ms, struct orc_err *err)
{
    struct recorder *r = orc_new(struct recorder);
    struct journal_entry e = {.kind = JOURNAL_BEGIN, .wall = wall_ms};

    r->file = orc_file_append_new(loop, path, 0600, on_failed, r, err);
    if (!r->file) {
        free(r);
        return NULL;
    }
    orc_buf_init(&r->entry, 2 * JOURNAL_ENTRY_MAX);
    r->path = orc_strdup(path);
    r->cluster = orc_strdup(cluster);
    r->most = most;
    orc_buf_puts(&r->entry, JOURNAL_MAGIC);
    append(r);
    e.cluster = journal_text(cluster);
    e.text = journal_text(host);
    record(r, &e);
    return r;
}

struct recorder *recorder_free(struct recorder *r)
{
    if (!r)
        return NULL;
    end(r, "the scheduler ended");
    r->file = orc_file_append_free(r->file);
    orc_buf_release(&r->entry);
    free(r->path);
    free(r->cluster);
    free(r);
    return NULL;
}

void recorder_put(struct recorder *r, const struct key *key, const struct etcd_kv *kv)
{
    struct journal_entry e = {
        .kind = JOURNAL_PUT, .create = kv->create_revision, .mod = kv->mod_revision, .value = {"", 0}};

    if (!r)
        return;
    e.key = journal_text(kv->key);
    if (key->kind != KEY_GATEWAY_ALIVE) /* only that it is there counts, and gateways write it often */
        e.value = (struct journal_text){kv->value, kv->value_len};
    record(r, &e);
}

void recorder_delete(struct recorder *r, const char *key)
{
    if (r)
        record(r, &(struct journal_entry){.kind = JOURNAL_DELETE, .key = journal_text(key)});
}

void recorder_lead(struct recorder *r)
{
    if (r)
        record(r, &(struct journal_entry){.kind = JOURNAL_LEAD});
}

void recorder_step(struct recorder *r, uint64_t now_ms, int64_t wall_ms, const struct plan *p)
{
    struct journal_entry e = {.kind = JOURNAL_STEP, .now = now_ms, .wall = wall_ms};
    orc_auto_free char *text = NULL;

    if (!r || r->ended)
        return;
    e.hash = replay_hash(p, r->cluster);
    text = plan_text(p);
    e.text = journal_text(strlen(text) <= JOURNAL_PLAN_MAX ? text : NULL);
    record(r, &e);
}

void recorder_fate(struct recorder *r, size_t index, bool committed)
{
    if (r)
        record(r, &(struct journal_entry){.kind = JOURNAL_FATE, .index = index, .committed = committed});
}
