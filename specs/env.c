#include "specs/env.h"

#include "specs/check.h"
#include "specs/utf8.h"

#include <ctype.h>

void spec_env_release(struct spec_env *e)
{
    struct spec_var *v, *next;

    HASH_ITER (hh, e->vars, v, next) {
        HASH_DEL(e->vars, v);
        free(v->name);
        free(v->value);
        free(v);
    }
}

void spec_env_set(struct spec_env *e, const char *name, const char *value, const struct spec_place *place)
{
    struct spec_var *v = NULL;

    HASH_FIND_STR(e->vars, name, v);
    if (!v) {
        v = orc_new(struct spec_var);
        v->name = orc_strdup(name);
        HASH_ADD_KEYPTR(hh, e->vars, v->name, strlen(v->name), v);
    }
    orc_set_str(&v->value, value);
    v->place = *place;
}

const char *spec_env_get(const struct spec_env *e, const char *name)
{
    const char *value = NULL;
    struct spec_var *v = NULL;

    if (!e)
        return NULL;
    value = spec_env_get(e->outer, name);
    if (!value && e->outside)
        value = e->outside(e->arg, name);
    if (value)
        return value;
    HASH_FIND_STR(e->vars, name, v);
    return v ? v->value : NULL;
}

int spec_env_check(const char *name, const char *value, struct orc_err *err)
{
    struct spec_utf8_fault fault;

    if (spec_utf8_check(value, strlen(value), &fault) == 0)
        return 0;
    return orc_fail(err, -EINVAL, "variable \"%s\" holds byte 0x%02x, which is %s", spec_quote(name).text,
                    fault.byte, fault.control ? "a control character" : "not UTF-8");
}

size_t spec_env_name_len(const char *s)
{
    size_t n = 0;

    while (s[n] == '_' || (isalpha((unsigned char)s[n]) && (unsigned char)s[n] < 0x80) ||
           (n > 0 && s[n] >= '0' && s[n] <= '9'))
        n++;
    return n;
}
