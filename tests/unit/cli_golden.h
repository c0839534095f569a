/* cli_golden.h - what the CLI prints, compared with files in tests/golden/cli. Run from the repository's
 * root. ORC_GOLDEN_UPDATE=1 writes the files anew, to be read before they are committed. Included by the test
 * programs after cmocka.h. */
#ifndef TESTS_UNIT_CLI_GOLDEN_H
#define TESTS_UNIT_CLI_GOLDEN_H

#include "lib/file.h"
#include "lib/mem.h"

#include <stdio.h>

ORC_UNUSED static void assert_golden(const char *name, const char *text)
{
    orc_auto_free char *path = orc_printf("tests/golden/cli/%s", name);
    orc_auto_free char *expected = NULL;
    struct orc_err err = ORC_ERR_INIT;

    if (getenv("ORC_GOLDEN_UPDATE"))
        assert_int_equal(orc_file_write(path, text, strlen(text), 0644, &err), 0);
    if (orc_file_read(path, 65536, &expected, NULL, &err) < 0)
        fail_msg("%s", err.msg);
    assert_string_equal(text, expected);
}

/* No line is wider than `width` columns of ASCII; 0: any width. */
ORC_UNUSED static void assert_narrow(const char *text, size_t width)
{
    for (const char *line = text; width && *line;) {
        size_t n = strcspn(line, "\n");

        assert_in_range(n, 0, width);
        line += n + 1;
    }
}

#endif
