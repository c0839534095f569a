#include "lib/options_internal.h"

#include "lib/file.h"

#include <string.h>
#include <yaml.h>

#define MAX_CONFIG_BYTES (64 * 1024)

struct reader {
    const struct orc_option *table;
    struct options_given *given; /* the caller's */
    bool *taken;                 /* per option: the command line has said it */
    bool *seen;                  /* per option: the file has said it */
    const char *path;
    yaml_parser_t yaml;
    yaml_event_t event; /* the one last read */
    struct orc_err *err;
};

static size_t line(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

static int next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (yaml_parser_parse(&r->yaml, &r->event))
        return 0;
    memset(&r->event, 0, sizeof r->event);
    return orc_fail(r->err, -EINVAL, "%s:%zu:%zu: not valid YAML: %s", r->path, r->yaml.problem_mark.line + 1,
                    r->yaml.problem_mark.column + 1, r->yaml.problem ? r->yaml.problem : "unreadable");
}

static const char *scalar(const struct reader *r)
{
    return (const char *)r->event.data.scalar.value;
}

/* "etcd:" with nothing behind it */
static bool is_nothing(const struct reader *r)
{
    return r->event.data.scalar.plain_implicit && !r->event.data.scalar.length;
}

static int add_value(struct reader *r, int option)
{
    if (r->event.type != YAML_SCALAR_EVENT || is_nothing(r))
        return orc_fail(r->err, -EINVAL, "%s:%zu: \"%s\" has no value; expected one such as %s", r->path,
                        line(r), r->table[option].name,
                        r->table[option].meta ? r->table[option].meta : "true or false");
    if (strlen(scalar(r)) != r->event.data.scalar.length)
        return orc_fail(r->err, -EINVAL, "%s:%zu: \"%s\" contains a NUL byte", r->path, line(r),
                        r->table[option].name);
    if (!r->taken[option])
        orc_strv_add(&r->given[option].values, scalar(r));
    return 0;
}

static int read_list(struct reader *r, int option)
{
    int ret;

    if (r->table[option].kind != ORC_OPT_STRV)
        return orc_fail(r->err, -EINVAL, "%s:%zu: \"%s\" takes one value, not a list", r->path, line(r),
                        r->table[option].name);
    while ((ret = next(r)) == 0 && r->event.type != YAML_SEQUENCE_END_EVENT) {
        ret = add_value(r, option);
        if (ret < 0)
            return ret;
    }
    return ret;
}

/* The event is the key. */
static int read_pair(struct reader *r)
{
    orc_auto_free char *prefix = orc_printf("%s:%zu: unknown option ", r->path, line(r));
    int option, ret;

    if (r->event.type != YAML_SCALAR_EVENT)
        return orc_fail(r->err, -EINVAL, "%s:%zu: expected the name of an option", r->path, line(r));
    option = options_find(r->table, scalar(r), strlen(scalar(r)));
    if (option < 0)
        return options_unknown(r->table, prefix, scalar(r), r->err);
    if (strcmp(scalar(r), "config") == 0)
        return orc_fail(r->err, -EINVAL, "%s:%zu: \"config\" can't be set in a configuration file", r->path,
                        line(r));
    if (r->seen[option])
        return orc_fail(r->err, -EINVAL, "%s:%zu: \"%s\" is there for the second time; write it once",
                        r->path, line(r), scalar(r));
    r->seen[option] = true;
    if (!r->taken[option])
        r->given[option].where = orc_printf("%s:%zu: %s", r->path, line(r), scalar(r));
    ret = next(r);
    if (ret < 0)
        return ret;
    return r->event.type == YAML_SEQUENCE_START_EVENT ? read_list(r, option) : add_value(r, option);
}

static int read_mapping(struct reader *r)
{
    int ret;

    do
        ret = next(r);
    while (ret == 0 &&
           (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT));
    if (ret < 0 || r->event.type == YAML_STREAM_END_EVENT) /* an empty file says nothing */
        return ret;
    if (r->event.type == YAML_SCALAR_EVENT && is_nothing(r))
        return 0;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return orc_fail(r->err, -EINVAL, "%s:%zu: expected lines of the form \"option: value\"", r->path,
                        line(r));
    while ((ret = next(r)) == 0 && r->event.type != YAML_MAPPING_END_EVENT) {
        ret = read_pair(r);
        if (ret < 0)
            return ret;
    }
    while (ret == 0 && r->event.type != YAML_STREAM_END_EVENT) {
        ret = next(r);
        if (ret == 0 && r->event.type == YAML_DOCUMENT_START_EVENT)
            return orc_fail(r->err, -EINVAL, "%s:%zu: expected one YAML document, found a second one",
                            r->path, line(r));
    }
    return ret;
}

int options_read_config(const struct orc_option *table, const char *path, struct options_given *given,
                        struct orc_err *err)
{
    orc_auto_free char *text = NULL;
    orc_auto_free bool *taken = NULL, *seen = NULL;
    struct reader r = {.table = table, .given = given, .path = path, .err = err};
    size_t n = 0, options = 0;
    int ret = orc_file_read(path, MAX_CONFIG_BYTES, &text, &n, err);

    if (ret < 0)
        return ret;
    while (table[options].name)
        options++;
    r.taken = taken = orc_calloc(options, sizeof *taken);
    r.seen = seen = orc_calloc(options, sizeof *seen);
    for (size_t i = 0; i < options; i++)
        taken[i] = given[i].values.n > 0;
    if (!yaml_parser_initialize(&r.yaml))
        abort(); /* out of memory */
    yaml_parser_set_input_string(&r.yaml, (const unsigned char *)text, n);
    ret = read_mapping(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.yaml);
    return ret;
}
