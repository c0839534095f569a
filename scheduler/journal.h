/* journal.h - the form of a recording of the scheduler's inputs: what was fed, when it decided, and what
 * became of each transaction. Pure: bytes to entries and back; recorder.h writes the file, replay.h runs it
 * again.
 *
 * JOURNAL_MAGIC, then entries: length of the body and a checksum (each 4 bytes, little endian), the body: one
 * byte for its kind, then its members in order, numbers as LEB128, texts as length,
 * bytes and a NUL. The checksum is seeded with the entry's place in the file, so that bytes that were moved
 * are found, too. The first entry is JOURNAL_BEGIN, a whole recording's last is JOURNAL_END.
 */
#ifndef SCHEDULER_JOURNAL_H
#define SCHEDULER_JOURNAL_H

#include "lib/buf.h"
#include "lib/err.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_MAGIC "orc-journal 1\n"
#define JOURNAL_ENTRY_MAX (4 << 20) /* bytes of a body; a value of etcd is less */
#define JOURNAL_PLAN_MAX (1 << 20)  /* of a plan's text; of a longer one only the hash is kept */

enum journal_kind {
    JOURNAL_BEGIN = 1, /* cluster, text: the host; wall */
    JOURNAL_PUT,       /* key, value, create, mod */
    JOURNAL_DELETE,    /* key */
    JOURNAL_LEAD,      /* core_lead() */
    JOURNAL_STEP,      /* now, wall; hash and text of the plan */
    JOURNAL_FATE,      /* index, committed: of one transaction of the last step's plan */
    JOURNAL_END        /* text: why it ends here */
};

struct journal_text { /* borrowed; at[n] is NUL, others may be within */
    const char *at;
    size_t n;
};

struct journal_entry {
    enum journal_kind kind;
    size_t place; /* in the file; set by the reader */
    struct journal_text cluster, key, value, text;
    int64_t create, mod, wall;
    uint64_t now, hash, index;
    bool committed;
};

/* Appends the entry as it stands at `place` in the file; -EMSGSIZE: it is larger than JOURNAL_ENTRY_MAX. */
int journal_write(struct orc_buf *b, uint64_t place, const struct journal_entry *e);
struct journal_text journal_text(const char *s); /* of a C string; NULL: "" */

struct journal {
    const char *data;
    size_t n, at;
    bool begun, ended;
};

/* Begins to read; borrows the bytes. -EINVAL with a sentence when it is no recording. */
int journal_open(struct journal *j, const void *data, size_t n, struct orc_err *err);
/* The next entry, which borrows from the bytes. 1; 0 after the last; -EINVAL with a sentence that says at
 * which byte the recording is cut off or damaged. */
int journal_next(struct journal *j, struct journal_entry *ret, struct orc_err *err);

#endif
