/* Any bytes as a recording of the scheduler's inputs. Built like fuzz_spec.c.
 *
 * Checksums would keep most inputs out, so the bytes are used twice: as they are, as a whole recording; and
 * cut into entries whose heads are put right, so that their members, and what the core makes of them, are
 * reached. Beside memory faults it looks for a refusal without a place. */
#include "lib/hash.h"
#include "lib/mem.h"
#include "scheduler/journal.h"
#include "scheduler/replay.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void ignore(const char *line, void *arg)
{
}

static void replay(const void *data, size_t n)
{
    struct replay_result result;
    struct orc_err err = ORC_ERR_INIT;

    if (replay_run(data, n, &(struct replay_opts){.line = ignore}, &result, &err) == 0 ||
        strstr(err.msg, "byte "))
        return;
    fprintf(stderr, "broken promise: a refusal says where: %s\n", err.msg);
    abort();
}

static void add_entry(struct orc_buf *b, const uint8_t *body, size_t n)
{
    uint32_t head[2] = {(uint32_t)n, (uint32_t)orc_hash64(b->len, body, n)}; /* on a little endian machine */

    orc_buf_add(b, head, sizeof head);
    orc_buf_add(b, body, n);
}

/* A first byte says how long the next entry is; its kind is that byte's remainder. */
static void replay_entries(const uint8_t *data, size_t n)
{
    struct orc_buf b = ORC_BUF_INIT(1 << 24);
    struct journal_entry begin = {.kind = JOURNAL_BEGIN, .cluster = journal_text("default")};

    orc_buf_puts(&b, JOURNAL_MAGIC);
    journal_write(&b, b.len, &begin);
    while (n > 1) {
        size_t length = 1 + data[0] % n;

        if (length > n - 1)
            length = n - 1;
        add_entry(&b, data + 1, length);
        data += 1 + length;
        n -= 1 + length;
    }
    replay(b.data, b.len);
    orc_buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    replay(data, n);
    replay_entries(data, n);
    return 0;
}
