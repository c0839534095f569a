#include "specs/words.h"

#include "lib/buf.h"
#include "specs/check.h"

#include <string.h>

#define BLANKS " \t\r\n"

/* Copies up to the closing quote; *s points at the opening one, and then behind the closing one. */
static int add_quoted(const char **s, struct orc_buf *word, struct orc_err *err)
{
    const char *from = *s, *at = from + 1;
    char quote = *from;

    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && at[1] && strchr("\"\\$`\n", at[1])) {
            at++;
            if (*at == '\n')
                continue;
        }
        orc_buf_add(word, at, 1);
    }
    if (!*at)
        return orc_fail(err, -EINVAL,
                        "the quote that begins at %s is not closed; write the other one, or a list",
                        spec_quote(from).text);
    *s = at + 1;
    return 0;
}

/* Blanks, and line ends with a backslash before them. */
static const char *skip_blanks(const char *s)
{
    for (;;) {
        s += strspn(s, BLANKS);
        if (strncmp(s, "\\\n", 2) != 0)
            return s;
        s += 2;
    }
}

static int add_word(const char **s, struct orc_strv *ret, struct orc_err *err)
{
    struct orc_buf word = ORC_BUF_INIT(SPEC_TEXT_MAX);
    orc_auto_free char *text = NULL;
    int r = 0;

    while (r == 0 && **s && !strchr(BLANKS, **s)) {
        if (strncmp(*s, "\\\n", 2) == 0) {
            *s += 2;
            continue;
        }
        if (**s == '\'' || **s == '"') {
            r = add_quoted(s, &word, err);
            continue;
        }
        if (**s == '\\' && !(*s)[1])
            r = orc_fail(err, -EINVAL, "a backslash at the end escapes nothing; write two for one");
        *s += **s == '\\' && (*s)[1];
        orc_buf_add(&word, *s, 1);
        (*s)++;
    }
    text = orc_buf_take(&word);
    if (r == 0)
        orc_strv_add(ret, text);
    return r;
}

int spec_split_words(const char *s, struct orc_strv *ret, struct orc_err *err)
{
    for (;;) {
        int r;

        s = skip_blanks(s);
        if (!*s)
            return 0;
        if (ret->n >= SPEC_LIST_MAX)
            return orc_fail(err, -EINVAL, "there are more than %d arguments", SPEC_LIST_MAX);
        r = add_word(&s, ret, err);
        if (r < 0)
            return r;
    }
}
