/* What YAML 1.2's core schema takes a plain scalar for (https://yaml.org/spec/1.2.2/, 10.3.2). */
#include "specs/doc.h"

#include <string.h>
#include <strings.h>

/* Digits of `set`, at least one; moves *s behind them. */
static bool digits(const char **s, const char *set)
{
    size_t n = strspn(*s, set);

    *s += n;
    return n > 0;
}

static bool is_int(const char *s)
{
    bool prefixed = s[0] == '0' && (s[1] == 'o' || s[1] == 'x');

    if (prefixed) {
        const char *rest = s + 2;

        return digits(&rest, s[1] == 'o' ? "01234567" : "0123456789abcdefABCDEF") && !*rest;
    }
    s += *s == '-' || *s == '+';
    return digits(&s, "0123456789") && !*s;
}

static bool is_float(const char *s)
{
    bool whole, fraction = false;

    if (strcasecmp(s, ".nan") == 0)
        return true;
    s += *s == '-' || *s == '+';
    if (strcasecmp(s, ".inf") == 0)
        return true;
    whole = digits(&s, "0123456789");
    if (*s == '.') {
        s++;
        fraction = digits(&s, "0123456789");
    }
    if (!whole && !fraction)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        if (!digits(&s, "0123456789"))
            return false;
    }
    return !*s;
}

static bool is_one_of(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(s, *words) == 0)
            return true;
    return false;
}

enum spec_scalar spec_node_scalar(const struct spec_node *n)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};

    if (!n->plain || !strchr("~nNtTfF.+-0123456789", *n->text)) /* with "": nothing else begins so */
        return SPEC_SCALAR_STRING;
    if (is_one_of(n->text, nulls))
        return SPEC_SCALAR_NULL;
    if (is_one_of(n->text, bools))
        return SPEC_SCALAR_BOOL;
    if (is_int(n->text))
        return SPEC_SCALAR_INT;
    return is_float(n->text) ? SPEC_SCALAR_FLOAT : SPEC_SCALAR_STRING;
}

const char *spec_node_kind_name(const struct spec_node *n)
{
    static const char *const scalars[] = {"a string", "nothing", "a boolean", "a number", "a number"};

    if (n->kind == SPEC_NODE_SCALAR)
        return scalars[spec_node_scalar(n)];
    return n->kind == SPEC_NODE_LIST ? "a list" : "a mapping";
}

bool spec_node_is_null(const struct spec_node *n)
{
    return n->kind == SPEC_NODE_SCALAR && spec_node_scalar(n) == SPEC_SCALAR_NULL;
}
