/* docs/compose.md and docs/x-orc.md: what orc does with every key, as the parser's tables have it.
 *
 * Run from the repository's root. ORC_GOLDEN_UPDATE=1 (make docs/compose.md) writes both anew.
 * tests/golden/specs/compose-keys.txt has the keys of the public schema (compose-spec/compose-spec,
 * schema/compose-spec.json, revision 170098b, and pre_start, which came later), a path a line: each must be
 * in a table.
 */
#include "lib/buf.h"
#include "specs/parse_service.h"
#include "specs/schema.h"
#include "tests/unit/spec_test.h"
#include "tests/unit/golden.h"

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
    "into a service. Of a key with a table of its own what is said there counts.\n"
    "\n"
    "Where Compose takes a text, such as `user` or `platform`, \"\" is as if the key were not there: what a "
    "variable\n"
    "leaves that is not set. `image` must be one.\n"
    "\n"
    "orc does not answer DNS queries yet. What is said here of services that are found by their names\n"
    "is what files may count on when it does; until then `db` resolves in no container\n"
    "([what to do](../README.md#not-there-yet)).\n"
    "\n"
    "## `orc config -o json`\n"
    "\n"
    "It has the names and forms of `docker compose config --format json`: long ports, volumes and\n"
    "dependencies, maps in place of lists, sizes as digits in a text, durations such as `1m0s`, `null`\n"
    "for a command that is not given, `{}` for a `placement` that is not. tests/unit/test_compose.c\n"
    "holds each key against it. What differs:\n"
    "\n"
    "- What orc decides is said: `restart: always`, the times of a healthcheck, the whole of an\n"
    "  `update_config`, a config's `target`, `create_host_path: false`. What has no effect here is left\n"
    "  out: `expose` on the cluster's network, a port's `name`, `profiles`, `networks` other than\n"
    "  `default`.\n"
    "- Of several spellings one is printed: limits and `scale` in `deploy`, `links` in `depends_on`,\n"
    "  mounts of type `tmpfs` in `tmpfs`, both numbers of each of `ulimits`, capabilities without\n"
    "  `CAP_`, `security_opt` with `=`. Sets are sorted. Ports are of mode `ingress`, which is no other\n"
    "  than `host` here. A config has its `content`, wherever it came from.\n"
    "- Of `depends_on` each is `required`: what need not be in the file and is not is left out.\n"
    "- Names are those that the engine knows: volumes `orc.APP.VOLUME`, the network `orc`.\n"
    "- `x-orc` is printed; `docker compose` leaves extensions out. A percentage in `parallelism` is a\n"
    "  text.\n";

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

        if (rows[i]->sub && rows[i]->sub != &spec_orc_keys) /* which has a page of its own */
            write_table(below, rows[i]->sub, b);
    }
}

/* The page as it is made from the tables against the page as it is; taken. */
static void assert_page(const char *path, struct orc_buf *b)
{
    orc_auto_free char *text = orc_buf_take(b), *page = NULL;

    golden_update(path, text);
    page = golden_read(path);
    if (strcmp(text, page) != 0)
        fail_msg("%s is not what the tables say: make %s", path, path);
}

static void test_spec_docs__the_page_is_what_the_tables_say(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    orc_buf_puts(&b, head);
    write_table("", &spec_file_keys, &b);
    assert_page("docs/compose.md", &b);
}

/* x-orc ----------------------------------------------------------------------------------------------- */

static const char orc_head[] =
    "# x-orc, key by key\n"
    "\n"
    "What Compose has no words for stands below `x-orc` of a service; each key may be left out. Made from "
    "the "
    "parser's tables by\n"
    "`make docs/x-orc.md`; a test holds this page against them, and reads each example as orc does. "
    "`orc schema` prints the\n"
    "same, and all of [Compose](compose.md), as a JSON Schema: an editor that has it completes and checks "
    "the "
    "file.\n"
    "\n"
    "A duration has units: `500ms`, `90s`, `1m30s`, `2h`.\n";

static void add_choice(struct orc_buf *b, const char *text)
{
    orc_buf_printf(b, "%s%s", b->len ? " or " : "", text);
}

/* "`spread` or `binpack`", "1 to 65535", "a list or a mapping" */
static void write_form(const struct spec_key *k, struct orc_buf *to)
{
    static const struct {
        unsigned form;
        const char *text;
    } texts[] = {{SPEC_IS_TEXT | SPEC_IS_SCALAR, "text"},
                 {SPEC_IS_BOOL, "true, false"},
                 {SPEC_IS_DURATION, "a duration"},
                 {SPEC_IS_MAP | SPEC_IS_NAMES, "a mapping"},
                 {SPEC_IS_LIST, "a list"}};
    unsigned items, form = spec_key_form(k, &items);
    struct orc_buf b = ORC_BUF_INIT(1000);

    for (size_t i = 0; form & SPEC_IS_WORD && k->words[i]; i++) {
        orc_auto_free char *word = orc_concat("`", k->words[i], "`");

        add_choice(&b, word);
    }
    if (form & SPEC_IS_INT) {
        orc_auto_free char *range = k->read == spec_key_port
                                        ? orc_strdup("1 to 65535")
                                        : orc_printf("%d to %d", (int)k->min, (int)k->max);

        add_choice(&b, range);
    }
    for (size_t i = 0; i < ORC_ARRAY_SIZE(texts); i++)
        if (form & texts[i].form)
            add_choice(&b, texts[i].text);
    if (!b.len)
        fail_msg("nothing says what \"%s\" may be", k->name);
    orc_buf_puts(to, orc_buf_str(&b));
    orc_buf_release(&b);
}

static bool is_part_of(const struct spec_keys *table, const struct spec_keys *whole)
{
    for (; whole; whole = whole->more)
        if (whole == table)
            return true;
    return false;
}

/* The rows of a key's table, and of theirs. What stands in the same table already is not written again below
 * a key of it. */
static void write_orc_rows(const char *path, const struct spec_keys *whole, struct orc_buf *b)
{
    for (const struct spec_keys *keys = whole; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++) {
            const struct spec_key *k = &keys->keys[i];
            orc_auto_free char *below = orc_printf("%s%s.", path, k->name);

            if (!k->read)
                continue;
            orc_buf_printf(b, "| `%s%s` | ", path, k->name);
            write_form(k, b);
            orc_buf_printf(b, " | %s |\n", k->doc);
            if (k->sub && !is_part_of(k->sub, whole))
                write_orc_rows(below, k->sub, b);
        }
}

/* "x-orc:", with what is below it `indent` further in than that. */
static void write_example(const struct spec_key *k, int indent, struct orc_buf *b)
{
    orc_auto_free char *text = orc_strdup(k->example);
    char *rest = text, *line;

    orc_buf_printf(b, "%*sx-orc:\n", indent, "");
    while ((line = strsep(&rest, "\n")))
        if (*line)
            orc_buf_printf(b, "%*s%s\n", indent + 2, "", line);
}

static void test_spec_docs__the_page_of_x_orc_too(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    orc_buf_puts(&b, orc_head);
    for (size_t i = 0; i < spec_orc_keys.n; i++) {
        const struct spec_key *k = &spec_orc_keys.keys[i];

        orc_buf_printf(&b, "\n## %s\n\n", k->name);
        write_form(k, &b);
        orc_buf_printf(&b, ": %s.\n", k->doc);
        if (k->sub) {
            orc_buf_puts(&b, "\n| key | | what it does |\n|---|---|---|\n");
            write_orc_rows("", k->sub, &b);
        }
        orc_buf_puts(&b, "\n```yaml\n");
        write_example(k, 0, &b);
        orc_buf_puts(&b, "```\n");
    }
    assert_page("docs/x-orc.md", &b);
}

/* Each key of the table, and of those below it, stands in the example. */
static void assert_shown(const struct spec_keys *keys, const char *example)
{
    for (; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++) {
            orc_auto_free char *key = orc_concat(keys->keys[i].name, ":");

            if (keys->keys[i].read && !strstr(example, key))
                fail_msg("no example has \"%s\" of %s:\n%s", key, keys->what, example);
            if (keys->keys[i].sub)
                assert_shown(keys->keys[i].sub, example);
        }
}

static void test_spec_docs__an_example_of_each_key_is_accepted(void **state)
{
    for (size_t i = 0; i < spec_orc_keys.n; i++) {
        const struct spec_key *k = &spec_orc_keys.keys[i];
        bool job = strcmp(k->name, "job") == 0 || strcmp(k->name, "schedule") == 0;
        orc_auto(spec_app_free_p) struct spec_app *app = NULL;
        struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

        orc_buf_printf(
            &b,
            "name: shop\nservices:\n  web:\n    image: shop/web:1\n    deploy: {replicas: 2, mode: "
            "%s}\n",
            job ? "replicated-job" : "replicated");
        write_example(k, 4, &b);
        app = parse_ok(orc_buf_str(&b));
        assert_non_null(app);
        orc_buf_release(&b);
        if (k->sub)
            assert_shown(k->sub, k->example);
    }
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
        cmocka_unit_test(test_spec_docs__the_page_of_x_orc_too),
        cmocka_unit_test(test_spec_docs__an_example_of_each_key_is_accepted),
        cmocka_unit_test(test_spec_docs__every_key_of_compose_is_in_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
