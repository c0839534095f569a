/* configs: texts that are files in containers. Declared at the top level, named by services. The loader has
 * put the content of files and variables in their places. */
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/parse_service.h"

#include <string.h>

/* The top level --------------------------------------------------------------------------------------- */

static void read_content(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                         void *into)
{
    const char *s = spec_read_text(r, k->name, v);

    if (s && spec_check_text(s, NULL) < 0)
        spec_say(r, v,
                 "this config has %zu bytes; orc stores %d at most, so put it into an image or a volume",
                 strlen(s), SPEC_TEXT_MAX);
    else if (s)
        *(const char **)into = s;
}

static const struct spec_key config_keys[] = {
    {"content", .read = read_content, .form = SPEC_IS_SCALAR,
     .doc =
         "the text itself, at most 128 KiB. It is stored with each service that names it: another one is a "
         "change of these"},
    {"file", .read = spec_key_loaded, .form = SPEC_IS_SCALAR,
     .doc = "what is in this file when the file is applied"},
    {"environment", .read = spec_key_loaded, .form = SPEC_IS_SCALAR, .doc = "what is in this variable then"},
    {"external", .refusal = "orc keeps a config with the services that name it; give its content or file"},
    {"name", .read = spec_key_ignore, .doc = "no effect: a config is known by its name in the file"},
    {"labels", .read = spec_key_ignore, .doc = "no effect: a config is no object of its own to bear them"},
    {"template_driver",
     .refusal = "orc fills in what the file has as ${VARIABLE} and nothing else; remove it"},
};
const struct spec_keys spec_config_keys = SPEC_KEYS("configs", config_keys);

/* Its text could not be had, which the loader has said. */
static bool is_told_elsewhere(const struct spec_node *v)
{
    return spec_node_get(v, "file") || spec_node_get(v, "environment");
}

void spec_read_configs(struct spec_reader *r, const struct spec_node *v, struct spec_configs_in *declared)
{
    size_t n = spec_read_is_names(r, v, spec_config_keys.what) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        const struct spec_entry *e = &v->entries.at[i];
        struct orc_err err = ORC_ERR_INIT;
        const char *content = NULL;
        size_t before = r->problems->n;

        if (strncmp(e->key->text, "x-", 2) == 0)
            continue;
        if (spec_check_volume(e->key->text, &err) < 0)
            spec_say(r, e->key, "%s", err.msg);
        if (!spec_node_is_null(e->value))
            spec_read_map(r, &spec_config_keys, e->value, &content);
        if (!content && r->problems->n == before && !is_told_elsewhere(e->value))
            spec_say(r, e->key, "config \"%s\" has nothing in it; give its content or file",
                     spec_quote(e->key->text).text);
        *orc_vec_add(declared) = (struct spec_config_in){.name = e->key->text, .content = content};
    }
}

const struct spec_config_in *spec_find_config(const struct spec_configs_in *declared, const char *name)
{
    const struct spec_config_in *c;

    orc_vec_each (c, declared)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

void spec_give_configs(const struct spec_configs_in *declared, struct spec_service *s, struct spec_room *room)
{
    struct spec_config *c;

    orc_vec_each (c, &s->configs) {
        const struct spec_config_in *in = spec_find_config(declared, c->source);
        const char *content = in && in->content ? in->content : "";

        orc_set_str(&c->content, spec_takes_room(room, strlen(content)) ? content : "");
    }
}

/* Of a service ---------------------------------------------------------------------------------------- */

static void read_source(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    const char *s = spec_read_string(r, k->name, v);

    if (s)
        orc_set_str(&((struct spec_config *)into)->source, s);
}

static void read_target(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                        void *into)
{
    const char *s = spec_read_string(r, k->name, v);
    struct spec_config *c = into;
    struct orc_err err = ORC_ERR_INIT;

    if (s && spec_check_target(s, &err) < 0)
        spec_say(r, v, "%s: %s", k->name, err.msg);
    else if (s) {
        free(c->target);
        c->target = spec_normal_path(s);
    }
}

static void read_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    spec_read_mode(r, k->name, v, &((struct spec_config *)into)->mode);
}

#define CONFIG(member) .offset = offsetof(struct spec_config, member)

static const struct spec_key use_keys[] = {
    {"source", .read = read_source, .form = SPEC_IS_TEXT, .doc = "a declared config"},
    {"target", .read = read_target, .form = SPEC_IS_TEXT, .doc = "the file in the container; else `/NAME`"},
    {"uid", .read = spec_key_int, CONFIG(uid), .max = SPEC_ID_MAX, .doc = "its owner, a number; else 0"},
    {"gid", .read = spec_key_int, CONFIG(gid), .max = SPEC_ID_MAX, .doc = "its group, a number; else 0"},
    {"mode", .read = read_mode, .form = SPEC_IS_INT | SPEC_IS_TEXT, .max = 7777,
     .doc = "permission bits in octal; else `0444`"},
};
const struct spec_keys spec_config_use_keys = SPEC_KEYS("a config of a service", use_keys);

static bool read_use(struct spec_reader *r, const struct spec_node *v, struct spec_config *c)
{
    size_t before = r->problems->n;
    const char *name = v->kind == SPEC_NODE_MAP ? NULL : spec_read_string(r, "a config", v);

    if (name)
        c->source = orc_strdup(name);
    else if (v->kind == SPEC_NODE_MAP && spec_read_map(r, &spec_config_use_keys, v, c) && !c->source &&
             r->problems->n == before)
        spec_say(r, v, "this config has no \"source\"; give the name of one that is declared");
    if (!c->source)
        return false;
    spec_ref_add(r, SPEC_REF_CONFIG, v, c->source);
    if (!c->target)
        c->target = orc_concat("/", c->source);
    return true;
}

static void release_use(struct spec_config *c)
{
    free(c->source);
    free(c->target);
}

void spec_key_configs(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_service *s = ((struct spec_service_in *)into)->service;
    size_t n = spec_read_is_list(r, k->name, v) ? v->entries.n : 0;

    for (size_t i = 0; i < n; i++) {
        struct spec_config c = {.mode = SPEC_CONFIG_MODE};

        if (read_use(r, v->entries.at[i].value, &c))
            *orc_vec_add(&s->configs) = c;
        else
            release_use(&c);
    }
    for (size_t i = 0; i < s->configs.n; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(s->configs.at[i].target, s->configs.at[j].target) == 0)
                spec_say(r, v, "two configs are \"%s\" in the container, \"%s\" and \"%s\"",
                         spec_quote(s->configs.at[i].target).text, spec_quote(s->configs.at[j].source).text,
                         spec_quote(s->configs.at[i].source).text);
}
