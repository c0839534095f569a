#include "specs/schema.h"

#include "specs/parse_service.h"

/* What the file says of a variable is known when it is applied, so a value that has one may be anything. */
#define VARIABLE "\\$"
#define DECIMAL "([0-9]+(\\.[0-9]*)?|\\.[0-9]+)"

static const struct {
    spec_read_fn *read;
    unsigned form, items;
} generic[] = {
    {spec_key_ignore, SPEC_IS_ANY, 0},    {spec_key_bool, SPEC_IS_BOOL, 0},
    {spec_key_int, SPEC_IS_INT, 0},       {spec_key_port, SPEC_IS_INT, 0},
    {spec_key_ms, SPEC_IS_DURATION, 0},   {spec_key_bytes, SPEC_IS_SIZE, 0},
    {spec_key_cpus, SPEC_IS_NUMBER, 0},   {spec_key_text, SPEC_IS_SCALAR, 0},
    {spec_key_borrowed, SPEC_IS_TEXT, 0}, {spec_key_texts, SPEC_IS_LIST | SPEC_IS_SCALAR, SPEC_IS_SCALAR},
};

unsigned spec_key_form(const struct spec_key *k, unsigned *ret_items)
{
    *ret_items = k->items;
    for (size_t i = 0; !k->form && i < ORC_ARRAY_SIZE(generic); i++)
        if (generic[i].read == k->read) {
            *ret_items = generic[i].items;
            return generic[i].form;
        }
    return k->form;
}

static json_t *table_schema(const struct spec_keys *keys);

static json_t *int_schema(const struct spec_key *k)
{
    bool port = k->read == spec_key_port;

    return json_pack("{s:[ss], s:I, s:I, s:s}", "type", "integer", "string", "minimum",
                     (json_int_t)(port ? 1 : k->min), "maximum", (json_int_t)(port ? 65535 : k->max),
                     "pattern", "^-?[0-9]+$|" VARIABLE);
}

static json_t *words_schema(const struct spec_key *k)
{
    json_t *words = json_array();

    for (size_t i = 0; k->words[i]; i++)
        json_array_append_new(words, json_string(k->words[i]));
    return json_pack("{s:[{s:o}, {s:s, s:s}]}", "anyOf", "enum", words, "type", "string", "pattern",
                     VARIABLE);
}

static json_t *any_of(const struct spec_key *k, unsigned form, unsigned items);

/* The schema of one bit of a form. */
static json_t *form_schema(const struct spec_key *k, enum spec_form form, unsigned items)
{
    switch (form) {
    case SPEC_IS_TEXT:
        return json_pack("{s:s}", "type", "string");
    case SPEC_IS_SCALAR:
        return json_pack("{s:[sss]}", "type", "string", "number", "boolean");
    case SPEC_IS_INT:
        return int_schema(k);
    case SPEC_IS_NUMBER:
        return json_pack("{s:[ss], s:i, s:s}", "type", "number", "string", "minimum", 0, "pattern",
                         "^" DECIMAL "$|" VARIABLE);
    case SPEC_IS_BOOL:
        return json_pack("{s:[ss], s:s}", "type", "boolean", "string", "pattern",
                         "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee])$|" VARIABLE);
    case SPEC_IS_DURATION: /* the number is that without a unit */
        return json_pack("{s:[ss], s:s, s:i, s:i}", "type", "string", "integer", "pattern",
                         "^(" DECIMAL "(us|ms|s|m|h))+$|^0$|" VARIABLE, "minimum", 0, "maximum", 0);
    case SPEC_IS_SIZE:
        return json_pack("{s:[ss], s:i, s:s}", "type", "string", "number", "minimum", 0, "pattern",
                         "^" DECIMAL "([bB]|[kmgtpKMGTP]([iI]?[bB])?)?$|" VARIABLE);
    case SPEC_IS_UNLIMITED:
        return json_pack("{s:[is]}", "enum", -1, "-1");
    case SPEC_IS_WORD:
        return words_schema(k);
    case SPEC_IS_NULL:
        return json_pack("{s:s}", "type", "null");
    case SPEC_IS_MAP:
        return table_schema(k->sub);
    case SPEC_IS_LIST:
        return json_pack("{s:s, s:o}", "type", "array", "items", any_of(k, items, SPEC_IS_SCALAR));
    case SPEC_IS_NAMES:
        return json_pack("{s:s, s:{s:{}}, s:o}", "type", "object", "patternProperties", "^x-",
                         "additionalProperties", any_of(k, k->values, SPEC_IS_SCALAR));
    case SPEC_IS_ANY:
        return json_object();
    }
    return json_object();
}

/* The caller adds what describes it. */
static json_t *any_of(const struct spec_key *k, unsigned form, unsigned items)
{
    json_t *all = json_array(), *one;

    for (unsigned bit = 1; bit <= SPEC_IS_ANY; bit <<= 1)
        if (form & bit)
            json_array_append_new(all, form_schema(k, (enum spec_form)bit, items));
    if (json_array_size(all) != 1)
        return json_pack("{s:o}", "anyOf", all);
    one = json_incref(json_array_get(all, 0));
    json_decref(all);
    return one;
}

/* Nothing is right there; editors show why, and don't offer the key. */
static json_t *refusal_schema(const char *why)
{
    orc_auto_free char *text = orc_concat("refused: ", why);

    return json_pack("{s:s, s:{}, s:b}", "description", text, "not", "doNotSuggest", 1);
}

static json_t *row_schema(const struct spec_key *k)
{
    unsigned items, form = spec_key_form(k, &items);
    json_t *schema;

    if (!k->read)
        return refusal_schema(k->refusal);
    schema = any_of(k, form, items);
    json_object_set_new(schema, "description", json_string(k->doc));
    return schema;
}

/* A mapping of exactly these keys, and of Compose's extension fields. */
static json_t *table_schema(const struct spec_keys *keys)
{
    json_t *rows = json_object();

    for (; keys; keys = keys->more)
        for (size_t i = 0; i < keys->n; i++)
            json_object_set_new(rows, keys->keys[i].name, row_schema(&keys->keys[i]));
    if (!json_object_get(rows, "x-orc"))
        json_object_set_new(rows, "x-orc", refusal_schema("it belongs into a service"));
    return json_pack("{s:s, s:o, s:{s:{}}, s:b}", "type", "object", "properties", rows, "patternProperties",
                     "^x-", "additionalProperties", 0);
}

json_t *spec_schema(void)
{
    json_t *schema = json_pack("{s:s, s:s}", "$schema", "http://json-schema.org/draft-07/schema#", "title",
                               "A Compose file, as orc takes it");
    json_t *file = table_schema(&spec_file_keys);

    json_object_update(schema, file);
    json_decref(file);
    return schema;
}
