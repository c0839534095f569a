#include "specs/yaml_write.h"

#include "lib/json.h"
#include "specs/doc.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#define WIDTH_ANY (-1) /* long strings stay on their line */

/* What is no string to YAML 1.1, which many tools still read, though it is one to YAML 1.2:
 * https://yaml.org/type/bool.html, https://yaml.org/type/int.html (base 60, "_", "0b"),
 * https://yaml.org/type/timestamp.html, https://yaml.org/type/merge.html, https://yaml.org/type/value.html.
 */
static bool is_old_scalar(const char *s)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off", "<<", "=", NULL};

    for (size_t i = 0; words[i]; i++)
        if (strcasecmp(s, words[i]) == 0)
            return true;
    /* Numbers and times begin so, and then are made of these alone. */
    return strchr("+-.0123456789", *s) && strspn(s, "+-.:_0123456789abcdefxoABCDEFTZ ") == strlen(s);
}

static bool needs_quotes(const char *s)
{
    const struct spec_node n = {.kind = SPEC_NODE_SCALAR, .text = (char *)s, .plain = true};

    return spec_node_scalar(&n) != SPEC_SCALAR_STRING || is_old_scalar(s);
}

static void emit(yaml_emitter_t *y, yaml_event_t *e)
{
    if (!yaml_emitter_emit(y, e) && y->error == YAML_MEMORY_ERROR)
        abort();
}

static void emit_text(yaml_emitter_t *y, const char *s, yaml_scalar_style_t style)
{
    yaml_event_t e;

    if (!yaml_scalar_event_initialize(&e, NULL, NULL, (const yaml_char_t *)s, (int)strlen(s), 1, 1, style))
        abort();
    emit(y, &e);
}

static void emit_string(yaml_emitter_t *y, const char *s)
{
    emit_text(y, s,
              strchr(s, '\n')   ? YAML_LITERAL_SCALAR_STYLE
              : needs_quotes(s) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                : YAML_PLAIN_SCALAR_STYLE);
}

static void emit_plain(yaml_emitter_t *y, const json_t *j)
{
    orc_auto_free char *text = json_dumps(j, JSON_ENCODE_ANY | ORC_JSON_REALS);

    if (!text)
        abort();
    emit_text(y, text, YAML_PLAIN_SCALAR_STYLE);
}

static void emit_value(yaml_emitter_t *y, const json_t *j);

static void emit_object(yaml_emitter_t *y, const json_t *j)
{
    yaml_mapping_style_t style = json_object_size(j) ? YAML_BLOCK_MAPPING_STYLE : YAML_FLOW_MAPPING_STYLE;
    yaml_event_t e;
    const char *key;
    json_t *value;

    yaml_mapping_start_event_initialize(&e, NULL, NULL, 1, style);
    emit(y, &e);
    json_object_foreach((json_t *)j, key, value)
    {
        emit_string(y, key);
        emit_value(y, value);
    }
    yaml_mapping_end_event_initialize(&e);
    emit(y, &e);
}

static void emit_list(yaml_emitter_t *y, const json_t *j)
{
    yaml_sequence_style_t style = json_array_size(j) ? YAML_BLOCK_SEQUENCE_STYLE : YAML_FLOW_SEQUENCE_STYLE;
    yaml_event_t e;

    yaml_sequence_start_event_initialize(&e, NULL, NULL, 1, style);
    emit(y, &e);
    for (size_t i = 0; i < json_array_size(j); i++)
        emit_value(y, json_array_get(j, i));
    yaml_sequence_end_event_initialize(&e);
    emit(y, &e);
}

static void emit_value(yaml_emitter_t *y, const json_t *j)
{
    if (json_is_object(j))
        emit_object(y, j);
    else if (json_is_array(j))
        emit_list(y, j);
    else if (json_is_string(j))
        emit_string(y, json_string_value(j));
    else
        emit_plain(y, j);
}

void yaml_write(const json_t *j, FILE *f)
{
    yaml_emitter_t y;
    yaml_event_t e;

    if (!yaml_emitter_initialize(&y))
        abort();
    yaml_emitter_set_output_file(&y, f);
    yaml_emitter_set_unicode(&y, 1);
    yaml_emitter_set_width(&y, WIDTH_ANY);
    yaml_stream_start_event_initialize(&e, YAML_UTF8_ENCODING);
    emit(&y, &e);
    yaml_document_start_event_initialize(&e, NULL, NULL, NULL, 1);
    emit(&y, &e);
    emit_value(&y, j);
    yaml_document_end_event_initialize(&e, 1);
    emit(&y, &e);
    yaml_stream_end_event_initialize(&e);
    emit(&y, &e);
    yaml_emitter_delete(&y);
}
