/* Two trees made one, by Compose's rules. */
#include "specs/merge.h"

#include "lib/buf.h"
#include "tests/unit/spec_test.h"

/* "{a: b, c: [d, null]}" */
static void put(struct orc_buf *b, const struct spec_node *n)
{
    if (n->kind == SPEC_NODE_SCALAR) {
        orc_buf_puts(b, spec_node_is_null(n) ? "null" : *n->text ? n->text : "''");
        return;
    }
    orc_buf_puts(b, n->kind == SPEC_NODE_LIST ? "[" : "{");
    for (size_t i = 0; i < n->entries.n; i++) {
        const struct spec_entry *e = &n->entries.at[i];

        orc_buf_printf(b, "%s%s%s", i ? ", " : "", e->key ? e->key->text : "", e->key ? ": " : "");
        put(b, e->value);
    }
    orc_buf_puts(b, n->kind == SPEC_NODE_LIST ? "]" : "}");
}

struct tree {
    struct spec_source source;
    struct spec_doc *doc;
};

static struct tree read_tree(struct tree *t, const char *name, const char *text,
                             struct spec_problems *problems)
{
    t->source = (struct spec_source){
        .name = (char *)(uintptr_t)name, .text = (char *)(uintptr_t)text, .n = strlen(text), .order = *name};
    assert_int_equal(spec_doc_parse(&t->source, &t->doc, problems), 0);
    return *t;
}

typedef struct spec_node *merge_two(struct spec_merge *m, struct spec_node *base, struct spec_node *over);

/* What comes of it, then "file:line:column: text\n" of each problem; freed by the caller. */
static char *merged(merge_two *merge, const char *base, const char *over)
{
    struct spec_problems problems = {0};
    struct spec_merge m = {.pool = orc_new(struct spec_doc), .problems = &problems};
    struct orc_buf b = ORC_BUF_INIT(1000000);
    struct tree one, two;
    struct spec_node *root;

    read_tree(&one, "a", base, &problems);
    read_tree(&two, "b", over, &problems);
    root = merge(&m, one.doc->root, two.doc->root);
    spec_merge_settle(root);
    put(&b, root);
    for (size_t i = 0; i < problems.n; i++)
        orc_buf_printf(&b, "\n%s:%d:%d: %s", problems.at[i].file, problems.at[i].line, problems.at[i].column,
                       problems.at[i].text);
    spec_doc_free(m.pool);
    spec_doc_free(one.doc);
    spec_doc_free(two.doc);
    spec_problems_release(&problems);
    return orc_buf_take(&b);
}

struct example {
    const char *base, *over, *result;
};

static void assert_merged(merge_two *merge, const struct example *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        orc_auto_free char *got = merged(merge, cases[i].base, cases[i].over);

        if (strcmp(got, cases[i].result) != 0)
            print_error("%s\n%s\n", cases[i].base, cases[i].over);
        assert_string_equal(got, cases[i].result);
    }
}
#define ASSERT_SERVICES(cases) assert_merged(spec_merge_services, cases, ORC_ARRAY_SIZE(cases))
#define ASSERT_FILES(cases) assert_merged(spec_merge_files, cases, ORC_ARRAY_SIZE(cases))

static void test_merge__by_kind(void **state)
{
    static const struct example cases[] = {
        {"{image: a, user: u}", "{image: b}", "{image: b, user: u}"},
        {"{deploy: {replicas: 1, mode: m}}", "{deploy: {replicas: 2}}", "{deploy: {replicas: 2, mode: m}}"},
        {"{x-a: {b: {c: 1}}}", "{x-a: {b: {d: 2}}, x-e: 3}", "{x-a: {b: {c: 1, d: 2}}, x-e: 3}"},
        {"{deploy: {placement: {constraints: [a]}}}", "{deploy: {placement: {constraints: [b, a]}}}",
         "{deploy: {placement: {constraints: [a, b]}}}"},
        {"{x: [a]}", "{x: [b, a]}", "{x: [a, b, a]}"},
        /* nothing written changes nothing, but for commands */
        {"{deploy: {a: 1}, ports: [80]}", "{deploy: , ports: }", "{deploy: {a: 1}, ports: [80]}"},
        {"{deploy: }", "{deploy: {a: 1}}", "{deploy: {a: 1}}"},
        {"{image: a}", "{image: }", "{image: a}"},
        {"{deploy: {a: 1}}", "{deploy: [b]}",
         "{deploy: {a: 1}}\nb:1:10: this is a list, but in a:1 it is a mapping, and the two can't be merged; "
         "write "
         "\"!override\" before it to put it in the other's place"},
    };

    ASSERT_SERVICES(cases);
}

static void test_merge__commands_replace(void **state)
{
    static const struct example cases[] = {
        {"{command: [a, b]}", "{command: [c]}", "{command: [c]}"},
        {"{command: [a, b]}", "{command: c}", "{command: c}"},
        {"{entrypoint: a}", "{entrypoint: [b]}", "{entrypoint: [b]}"},
        {"{healthcheck: {test: [a], interval: 1s}}", "{healthcheck: {test: [b]}}",
         "{healthcheck: {test: [b], interval: 1s}}"},
        {"{x-orc: {health: {exec: [a], interval: 1s}}}", "{x-orc: {health: {exec: [b]}}}",
         "{x-orc: {health: {exec: [b], interval: 1s}}}"},
        {"{command: [a]}", "{command: }", "{command: null}"},
    };

    ASSERT_SERVICES(cases);
}

static void test_merge__lists_and_mappings_of_names_are_the_same(void **state)
{
    static const struct example cases[] = {
        {"{environment: {A: 1, B: 2}}", "{environment: {B: 3, C: 4}}", "{environment: {A: 1, B: 3, C: 4}}"},
        {"{environment: [A=1, B=2]}", "{environment: [B=3=4, C]}", "{environment: {A: 1, B: 3=4, C: null}}"},
        {"{environment: [A=1, A=2]}", "{environment: {A: 3}}", "{environment: {A: 3, A: 2}}"},
        {"{environment: {A: 1}}", "{environment: [A=2, B=3, A=4]}", "{environment: {A: 2, B: 3, A: 4}}"},
        {"{environment: {A: 1}}", "{environment: [A=]}", "{environment: {A: ''}}"},
        {"{labels: [a=1]}", "{labels: {b: 2}}", "{labels: {a: 1, b: 2}}"},
        {"{deploy: {labels: [a=1]}}", "{deploy: {labels: [a=2]}}", "{deploy: {labels: {a: 2}}}"},
        {"{sysctls: [a=1]}", "{sysctls: {a: 2}}", "{sysctls: {a: 2}}"},
        {"{annotations: {a: 1}}", "{annotations: [b=1]}", "{annotations: {a: 1, b: 1}}"},
        {"{depends_on: [a, b]}", "{depends_on: {b: {condition: c}}}",
         "{depends_on: {a: null, b: {condition: c}}}"},
        /* in a list a dependency has its usual settings, which go over others */
        {"{depends_on: {a: {condition: c}, b: {x: 1}}}", "{depends_on: [a, d]}",
         "{depends_on: {a: {condition: service_started, required: true}, b: {x: 1}, "
         "d: {condition: service_started, required: true}}}"},
        {"{depends_on: [a]}", "{depends_on: [a, b]}", "{depends_on: {a: null, b: null}}"},
        {"{networks: [a]}", "{networks: {a: {aliases: [x]}, b: }}",
         "{networks: {a: {aliases: [x]}, b: null}}"},
        {"{networks: {a: {aliases: [x]}}}", "{networks: {a: {aliases: [y, x]}}}",
         "{networks: {a: {aliases: [x, y]}}}"},
        {"{extra_hosts: ['a:1']}", "{extra_hosts: ['a:1', 'a:2']}", "{extra_hosts: [a:1, a:2]}"},
        /* a name may have several addresses */
        {"{extra_hosts: {a: 1}}", "{extra_hosts: {a: 2}}", "{extra_hosts: [a=1, a=2]}"},
        {"{extra_hosts: {a: 1}}", "{extra_hosts: {b: 3, a: [1, 2]}}", "{extra_hosts: [a=1, b=3, a=2]}"},
        {"{extra_hosts: {a: 1}}", "{extra_hosts: {b: [[3]]}}", "{extra_hosts: {a: 1, b: [[3]]}}"},
        {"{extra_hosts: {a: 1}}", "{extra_hosts: [b=2, a=1]}", "{extra_hosts: [a=1, b=2]}"},
        {"{environment: [A=1]}", "{environment: [[B]]}",
         "{environment: [[B]]}\nb:1:16: an element of this list must be a string, but this is a list"},
        {"{environment: A}", "{environment: [B=1]}", "{environment: {B: 1}}"},
    };

    ASSERT_SERVICES(cases);
}

static void test_merge__elements_with_a_key_replace_one_another(void **state)
{
    static const struct example cases[] = {
        {"{volumes: ['a:/x', 'b:/y']}", "{volumes: ['c:/x:ro', 'd:/z']}", "{volumes: [c:/x:ro, b:/y, d:/z]}"},
        {"{volumes: ['a:/x']}", "{volumes: [{type: volume, source: b, target: /x}]}",
         "{volumes: [{type: volume, source: b, target: /x}]}"},
        {"{ports: ['80:80', 443]}", "{ports: ['80:80', '81:80']}", "{ports: [80:80, 443, 81:80]}"},
        {"{volumes: ['a:/x', 'b:/x']}", "{volumes: ['c:/x', 'd:/x']}", "{volumes: [c:/x, b:/x, d:/x]}"},
        {"{ports: [{target: 80, published: 8080}]}", "{ports: [{target: 80, published: '8080', name: w}]}",
         "{ports: [{target: 80, published: 8080, name: w}]}"},
        {"{ports: [{target: 80}]}", "{ports: [{target: 80, host_ip: 0.0.0.0, protocol: tcp}]}",
         "{ports: [{target: 80, host_ip: 0.0.0.0, protocol: tcp}]}"},
        {"{ports: [{target: 80}]}", "{ports: [{target: 80, protocol: udp}]}",
         "{ports: [{target: 80}, {target: 80, protocol: udp}]}"},
        {"{devices: ['/dev/a:r', '/dev/b:r']}", "{devices: ['/dev/b:rw']}",
         "{devices: [/dev/a:r, /dev/b:rw]}"},
        {"{devices: [/dev/a, '/dev/b:/dev/c']}", "{devices: ['/dev/x:/dev/a', '/dev/d:/dev/c:r']}",
         "{devices: [/dev/x:/dev/a, /dev/d:/dev/c:r]}"},
        {"{configs: [a, {source: b, target: /t}]}", "{configs: [{source: a}, {source: c, target: /t}]}",
         "{configs: [{source: a}, {source: c, target: /t}]}"},
        {"{configs: [a, {source: b}]}", "{configs: [{source: c, target: /a}, {source: d, target: /b}]}",
         "{configs: [{source: c, target: /a}, {source: d, target: /b}]}"},
        {"{env_file: a}", "{env_file: [b, {path: a, required: false}]}",
         "{env_file: [{path: a, required: false}, b]}"},
        {"{dns: 1.1.1.1}", "{dns: [8.8.8.8, 1.1.1.1]}", "{dns: [1.1.1.1, 8.8.8.8]}"},
        {"{tmpfs: /a}", "{tmpfs: /b}", "{tmpfs: [/a, /b]}"},
        {"{tmpfs: }", "{tmpfs: /b}", "{tmpfs: [/b]}"},
        {"{tmpfs: ['/a:size=1m', /b]}", "{tmpfs: ['/b:mode=755', '/a:size=2m']}",
         "{tmpfs: [/a:size=2m, /b:mode=755]}"},
        {"{cap_add: [A]}", "{cap_add: [B, A]}", "{cap_add: [A, B]}"},
        {"{deploy: {placement: {preferences: [{spread: a}, {spread: b}]}}}",
         "{deploy: {placement: {preferences: [{spread: b}, {spread: c}]}}}",
         "{deploy: {placement: {preferences: [{spread: a}, {spread: b}, {spread: c}]}}}"},
        {"{security_opt: [seccomp=a, 'label=user:x', no-new-privileges]}",
         "{security_opt: ['seccomp:b', 'label=role:y', 'no-new-privileges:false']}",
         "{security_opt: [seccomp:b, label=user:x, no-new-privileges:false, label=role:y]}"},
        {"{expose: [80]}", "{expose: ['80', 81]}", "{expose: [80, 81]}"},
        {"{profiles: [a]}", "{profiles: [a, b]}", "{profiles: [a, b]}"},
    };

    ASSERT_SERVICES(cases);
}

static void test_merge__what_has_a_rule_of_its_own(void **state)
{
    static const struct example cases[] = {
        {"{logging: {driver: a, options: {x: 1}}}", "{logging: {driver: b, options: {y: 2}}}",
         "{logging: {driver: b, options: {y: 2}}}"},
        {"{logging: {driver: a, options: {x: 1}}}", "{logging: {options: {y: 2}}}",
         "{logging: {driver: a, options: {x: 1, y: 2}}}"},
        {"{ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}}",
         "{ulimits: {nofile: {soft: 3, hard: 4}, nproc: {soft: 2}}}",
         "{ulimits: {nofile: {soft: 3, hard: 4}, nproc: {soft: 2, hard: 2}}}"},
        {"{build: ., image: a}", "{build: {context: x, args: [A=1]}}",
         "{build: {context: x, args: [A=1]}, image: a}"},
        {"{build: {context: ., args: [A=1, B=1], labels: {a: 1}}}",
         "{build: {args: {A: 2}, labels: [a=2], target: t}}",
         "{build: {context: ., args: {A: 2, B: 1}, labels: {a: 2}, target: t}}"},
        {"{build: {context: ., target: t}}", "{build: x}", "{build: {context: x, target: t}}"},
        {"{build: .}", "{build: x}", "{build: {context: x}}"},
        {"{build: .}", "{build: !override x}", "{build: x}"},
        {"{x-orc: {health: {http: {port: 80, path: /}, interval: 1s}}}",
         "{x-orc: {health: {tcp: {port: 81}}}}", "{x-orc: {health: {interval: 1s, tcp: {port: 81}}}}"},
        {"{x-orc: {health: {http: {port: 80, path: /}}}}", "{x-orc: {health: {http: {port: 81}}}}",
         "{x-orc: {health: {http: {port: 81, path: /}}}}"},
        {"{x-orc: {health: {http: {port: 80}, interval: 1s}}}",
         "{x-orc: {health: {readiness: {tcp: {port: 81}}}}}",
         "{x-orc: {health: {readiness: {tcp: {port: 81}}}}}"},
        {"{x-orc: {health: {readiness: {exec: [a], interval: 1s}, liveness: {tcp: {port: 1}}}}}",
         "{x-orc: {health: {readiness: {exec: [b]}}}}",
         "{x-orc: {health: {readiness: {exec: [b], interval: 1s}, liveness: {tcp: {port: 1}}}}}"},
        {"{x-orc: {health: {readiness: {exec: [a]}, liveness: {tcp: {port: 1}}}}}",
         "{x-orc: {health: {tcp: {port: 2}}}}", "{x-orc: {health: {tcp: {port: 2}}}}"},
        {"{x-orc: {gateway: {host: a, port: 80}}}", "{x-orc: {gateway: {port: 81}}}",
         "{x-orc: {gateway: {host: a, port: 81}}}"},
        {"{x-orc: {gateway: {host: a, port: 80}}}", "{x-orc: {gateway: [{host: b}, {host: a, port: 81}]}}",
         "{x-orc: {gateway: [{host: a, port: 81}, {host: b}]}}"},
    };

    ASSERT_SERVICES(cases);
}

static void test_merge__reset_and_override(void **state)
{
    static const struct example cases[] = {
        {"{ports: [80], image: a}", "{ports: !reset []}", "{image: a}"},
        {"{ports: [80], image: a}", "{ports: !reset }", "{image: a}"},
        {"{environment: {A: 1, B: 2}}", "{environment: {A: !reset null}}", "{environment: {B: 2}}"},
        {"{ports: [80]}", "{ports: !override [81]}", "{ports: [81]}"},
        {"{deploy: {a: 1, b: 2}}", "{deploy: !override {c: 3}}", "{deploy: {c: 3}}"},
        {"{deploy: {a: 1}}", "{deploy: !override [b]}", "{deploy: [b]}"},
        {"{image: a}", "{ports: !reset [1], x: [1, !reset 2]}", "{image: a, x: [1]}"},
        {"{ports: !reset [80]}", "{ports: [81]}", "{ports: [81]}"},
        {"{ports: !reset [80], a: 1}", "{b: 2}", "{a: 1, b: 2}"},
    };

    ASSERT_SERVICES(cases);
}

static void test_merge__files(void **state)
{
    static const struct example cases[] = {
        {"{name: a, services: {web: {image: x, command: [c]}, db: {image: y}}}",
         "{name: b, services: {web: {command: d}, new: {image: z}}}",
         "{name: b, services: {web: {image: x, command: d}, db: {image: y}, new: {image: z}}}"},
        {"{services: {web: {image: x}}}", "{services: {web: !reset null}}", "{services: {}}"},
        {"{volumes: {a: , b: {driver: d, labels: [x=1]}}}",
         "{volumes: {a: {driver: e}, b: {labels: {x: 2}}}}",
         "{volumes: {a: {driver: e}, b: {driver: d, labels: {x: 2}}}}"},
        {"{services: {command: {image: x}}}", "{services: {command: {image: y}}}",
         "{services: {command: {image: y}}}"},
    };

    ASSERT_FILES(cases);
}

/* The values that are shared by aliases in one place are not changed by what is merged in another. */
static void test_merge__aliases_are_left_as_they_are(void **state)
{
    static const struct example cases[] = {
        {"{services: {a: &x {environment: {A: 1}}, b: *x}}", "{services: {a: {environment: {B: 2}}}}",
         "{services: {a: {environment: {A: 1, B: 2}}, b: {environment: {A: 1}}}}"},
    };

    ASSERT_FILES(cases);
}

/* Doubling by extends upon extends ends before memory does. */
static void test_merge__the_whole_of_it_is_bounded(void **state)
{
    struct spec_problems problems = {0};
    struct spec_merge m = {.pool = orc_new(struct spec_doc), .problems = &problems};
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *text = NULL;
    struct tree tree;

    orc_buf_puts(&b, "x: [");
    for (int i = 0; i < 50000; i++)
        orc_buf_puts(&b, "a,");
    orc_buf_puts(&b, "b]");
    text = orc_buf_take(&b);
    read_tree(&tree, "a", text, &problems);
    for (int i = 0; i < 1000; i++)
        tree.doc->root = spec_merge_services(&m, tree.doc->root, tree.doc->root);
    assert_true(tree.doc->root->entries.at[0].value->entries.n < 2 * SPEC_MERGED_MAX);
    assert_int_equal(problems.n, 1);
    assert_non_null(strstr(problems.at[0].text, "merging these files makes more than 1000000 values"));
    spec_doc_free(m.pool);
    spec_doc_free(tree.doc);
    spec_problems_release(&problems);
}

static char *beside(const char *mine, const char *included, size_t budget)
{
    struct spec_problems problems = {0};
    struct spec_merge m = {.pool = orc_new(struct spec_doc), .problems = &problems};
    struct orc_buf b = ORC_BUF_INIT(1000000);
    struct tree one, two;

    read_tree(&one, "a", mine, &problems);
    read_tree(&two, "b", included, &problems);
    put(&b, spec_merge_beside(&m, one.doc->root, two.doc->root, "service", &budget));
    for (size_t i = 0; i < problems.n; i++)
        orc_buf_printf(&b, " %s:%d:%d: %.53s", problems.at[i].file, problems.at[i].line,
                       problems.at[i].column, problems.at[i].text);
    spec_doc_free(m.pool);
    spec_doc_free(one.doc);
    spec_doc_free(two.doc);
    spec_problems_release(&problems);
    return orc_buf_take(&b);
}

static void test_merge__side_by_side_only_the_same_may_be_there_twice(void **state)
{
    orc_auto_free char *good = beside("{a: 1}", "{b: {c: 2}}", 100),
                       *same = beside("{a: {b: 1, c: [2]}}", "{a: {c: [2], b: 1}}", 100),
                       *other = beside("{a: 1, b: 2}", "{b: 3}", 100),
                       *text = beside("{a: 1}", "{a: '1'}", 100),
                       *many = beside("{a: [1, 2, 3]}", "{a: [1, 2, 3]}", 2);

    assert_string_equal(good, "{a: 1, b: {c: 2}}");
    assert_string_equal(same, "{a: {b: 1, c: [2]}}");
    assert_string_equal(other, "{a: 1, b: 2} a:1:8: service \"b\" is included from b:1, too, and is another");
    assert_non_null(strstr(text, "is another"));
    assert_non_null(strstr(many, "is another"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge__by_kind),
        cmocka_unit_test(test_merge__commands_replace),
        cmocka_unit_test(test_merge__lists_and_mappings_of_names_are_the_same),
        cmocka_unit_test(test_merge__elements_with_a_key_replace_one_another),
        cmocka_unit_test(test_merge__what_has_a_rule_of_its_own),
        cmocka_unit_test(test_merge__reset_and_override),
        cmocka_unit_test(test_merge__files),
        cmocka_unit_test(test_merge__aliases_are_left_as_they_are),
        cmocka_unit_test(test_merge__the_whole_of_it_is_bounded),
        cmocka_unit_test(test_merge__side_by_side_only_the_same_may_be_there_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
