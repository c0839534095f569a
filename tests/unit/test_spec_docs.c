/* docs/compose.md: what orc does with every key, as the parser's tables have it.
 *
 * Run from the repository's root. ORC_GOLDEN_UPDATE=1 (make docs/compose.md) writes it anew.
 * tests/golden/specs/compose-keys.txt has the keys of the public schema (compose-spec/compose-spec,
 * schema/compose-spec.json, revision 170098b), a path a line: each must be in a table.
 */
#include "lib/buf.h"
#include "specs/parse_service.h"
#include "tests/unit/spec_test.h"
#include "tests/unit/golden.h"

#define PAGE "docs/compose.md"
#define ROWS_MAX 200

static const char head[] =
    "# Compose, key by key\n"
    "\n"
    "What orc does with each key of a Compose file. Made from the parser's tables by `make docs/compose.md`; "
    "a test holds\n"
    "this page against them, and them against the keys of the Compose Specification's schema.\n"
    "\n"
    "*yes*: it acts. *accepted*: a file may have it, and it makes no difference here. *refused*: `orc apply` "
    "names it with\n"
    "its place and says what to do instead. Keys that begin with `x-` may stand anywhere and are skipped; "
    "`x-orc` belongs\n"
    "into a service. Of a key with a table of its own what is said there counts.\n";

static int by_name(const void *x, const void *y)
{
    const struct spec_key *const *a = x, *const *b = y;

    return strcmp((*a)->name, (*b)->name);
}

/* The rows of a table and of the one behind it, by name. */
static size_t rows_of(const struct spec_keys *keys, const struct spec_key *ret[ROWS_MAX])
{
    size_t n = 0;

    for (; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++) {
            assert_true(n < ROWS_MAX);
            ret[n++] = &keys->keys[i];
        }
    qsort(ret, n, sizeof *ret, by_name);
    return n;
}

static void write_row(const struct spec_key *k, struct orc_buf *b)
{
    const char *word = !k->read ? "refused" : k->read == spec_key_ignore ? "accepted" : "yes";
    const char *text = k->read ? k->doc : k->refusal;

    if (!text)
        fail_msg("nothing says what orc does with \"%s\": give its row a .doc", k->name);
    orc_buf_printf(b, "| `%s` | %s | %s |\n", k->name, word, text);
}

static void write_table(const char *path, const struct spec_keys *keys, struct orc_buf *b)
{
    const struct spec_key *rows[ROWS_MAX];
    size_t n = rows_of(keys, rows);

    orc_buf_printf(b, "\n## %s\n\n| key | | what orc does |\n|---|---|---|\n",
                   *path ? path : "The top level");
    for (size_t i = 0; i < n; i++)
        write_row(rows[i], b);
    for (size_t i = 0; i < n; i++) {
        orc_auto_free char *below = orc_printf("%s%s%s", path, *path ? "." : "", rows[i]->name);

        if (rows[i]->sub)
            write_table(below, rows[i]->sub, b);
    }
}

static void test_spec_docs__the_page_is_what_the_tables_say(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *text = NULL, *page = NULL;

    orc_buf_puts(&b, head);
    write_table("", &spec_file_keys, &b);
    text = orc_buf_take(&b);
    golden_update(PAGE, text);
    page = golden_read(PAGE);
    if (strcmp(text, page) != 0)
        fail_msg("%s is not what the tables say: make %s", PAGE, PAGE);
}

static const struct spec_key *find(const struct spec_keys *keys, const char *name)
{
    for (; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++)
            if (strcmp(keys->keys[i].name, name) == 0)
                return &keys->keys[i];
    return NULL;
}

/* Below a key that is refused or means nothing, all is; what is below one of the loader's it has read before.
 */
static void assert_known(char *path)
{
    orc_auto_free char *whole = orc_strdup(path);
    const struct spec_keys *keys = &spec_file_keys;
    char *name;

    while ((name = strsep(&path, "."))) {
        const struct spec_key *k = keys ? find(keys, name) : NULL;

        if (!k)
            fail_msg("\"%s\" is a key of Compose, and in none of orc's tables", whole);
        if (!k->read || k->read == spec_key_ignore || k->read == spec_key_loaded)
            return;
        keys = k->sub;
    }
}

static void test_spec_docs__every_key_of_compose_is_in_a_table(void **state)
{
    orc_auto_free char *text = golden_read("tests/golden/specs/compose-keys.txt");
    char *rest = text, *line;
    int n = 0;

    while ((line = strsep(&rest, "\n")))
        if (*line) {
            assert_known(line);
            n++;
        }
    assert_true(n > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_docs__the_page_is_what_the_tables_say),
        cmocka_unit_test(test_spec_docs__every_key_of_compose_is_in_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
