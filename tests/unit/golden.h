/* golden.h - texts compared with files of the repository. Run from its root; ORC_GOLDEN_UPDATE=1 writes the
 * files anew, to be read before they are committed. Included by the test programs after cmocka.h. */
#ifndef TESTS_UNIT_GOLDEN_H
#define TESTS_UNIT_GOLDEN_H

#include "lib/file.h"
#include "lib/mem.h"

#define GOLDEN_MAX (4 * 1024 * 1024)

/* The whole file; freed by the caller. */
static inline char *golden_read(const char *path)
{
    struct orc_err err = ORC_ERR_INIT;
    char *text = NULL;

    if (orc_file_read(path, GOLDEN_MAX, &text, NULL, &err) < 0)
        fail_msg("%s", err.msg);
    return text;
}

static inline void golden_update(const char *path, const char *text)
{
    const char *update = getenv("ORC_GOLDEN_UPDATE");
    struct orc_err err = ORC_ERR_INIT;

    if (update && *update && orc_file_write(path, text, strlen(text), 0644, &err) < 0)
        fail_msg("%s", err.msg);
}

static inline void golden_assert(const char *path, const char *text)
{
    orc_auto_free char *golden = NULL;

    golden_update(path, text);
    golden = golden_read(path);
    assert_string_equal(text, golden);
}

#endif
