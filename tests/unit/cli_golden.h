/* cli_golden.h - what the CLI prints, compared with files in tests/golden/cli. */
#ifndef TESTS_UNIT_CLI_GOLDEN_H
#define TESTS_UNIT_CLI_GOLDEN_H

#include "tests/unit/golden.h"

#include <stdio.h>

ORC_UNUSED static void assert_golden(const char *name, const char *text)
{
    orc_auto_free char *path = orc_printf("tests/golden/cli/%s", name);

    golden_assert(path, text);
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
