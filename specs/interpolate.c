#include "specs/interpolate.h"

#include "lib/buf.h"
#include "specs/check.h"

struct filler {
    const char *text, *at; /* the whole, and what is read next */
    const struct spec_env *env;
    struct spec_filled *ret;
    struct orc_err *err;
};

void spec_filled_release(struct spec_filled *f)
{
    for (size_t i = 0; i < f->unset.n; i++)
        free(f->unset.at[i].name);
    orc_vec_release(&f->unset);
    free(f->text);
    f->text = NULL;
}

static int put(struct filler *f, struct orc_buf *out, const char *s, size_t n)
{
    if (!out || orc_buf_add(out, s, n) == 0)
        return 0;
    return orc_fail(f->err, -EINVAL, "with its variables filled in it has more than %zu bytes", out->max);
}

static int put_variable(struct filler *f, struct orc_buf *out, const char *name, const char *value)
{
    int r = out ? spec_env_check(name, value, f->err) : 0;

    return r < 0 ? r : put(f, out, value, strlen(value));
}

static void note_unset(struct filler *f, const char *name, const char *dollar)
{
    struct spec_unset *u = orc_vec_add(&f->ret->unset);

    *u = (struct spec_unset){.name = orc_strdup(name), .at = (size_t)(dollar - f->text)};
}

static int fill(struct filler *f, struct orc_buf *out, bool braced, int depth);

/* ":-b", "?e" ...: what stands behind the name, up to the closing brace. */
struct operation {
    bool colon; /* "" counts as not set */
    char what;  /* '-', '?', '+' */
};

static int read_operation(struct filler *f, const char *dollar, struct operation *ret)
{
    *ret = (struct operation){.colon = *f->at == ':'};
    f->at += ret->colon;
    if (*f->at && strchr("-?+", *f->at)) {
        ret->what = *f->at++;
        return 0;
    }
    return orc_fail(f->err, -EINVAL,
                    "\"%s\" can't be read: a variable is written ${NAME}, ${NAME:-default}, "
                    "${NAME:?what to say when it is not set} or ${NAME:+in its place}",
                    spec_quote(dollar).text);
}

static int require(struct filler *f, const char *name, const char *value, int depth)
{
    struct orc_buf why = ORC_BUF_INIT(SPEC_TEXT_MAX);
    int r = fill(f, value ? NULL : &why, true, depth + 1);

    if (r == 0 && !value)
        r = orc_fail(f->err, -EINVAL, "variable \"%s\" must be set%s%.500s", spec_quote(name).text,
                     why.len ? ": " : "", orc_buf_str(&why));
    orc_buf_release(&why);
    return r;
}

static int operate(struct filler *f, struct orc_buf *out, const char *name, struct operation op, int depth)
{
    const char *value = spec_env_get(f->env, name), *set = value && (*value || !op.colon) ? value : NULL;
    int r;

    if (op.what == '?') {
        r = require(f, name, out ? set : "", depth);
        return r == 0 && set ? put_variable(f, out, name, set) : r;
    }
    r = fill(f, (op.what == '+') == (set != NULL) ? out : NULL, true, depth + 1);
    return r == 0 && op.what == '-' && set ? put_variable(f, out, name, set) : r;
}

/* f->at stands behind "${". */
static int read_braced(struct filler *f, struct orc_buf *out, const char *dollar, int depth)
{
    size_t n = spec_env_name_len(f->at);
    orc_auto_free char *name = orc_strndup(f->at, n);
    struct operation op;
    const char *value;
    int r;

    f->at += n;
    if (n > 0 && *f->at == '}') {
        f->at++;
        value = spec_env_get(f->env, name);
        if (!value && out)
            note_unset(f, name, dollar);
        return value ? put_variable(f, out, name, value) : 0;
    }
    if (n == 0 && *f->at)
        return orc_fail(f->err, -EINVAL,
                        "\"%s\" names no variable; a name is made of letters, digits and \"_\" and begins "
                        "with no digit; write \"$$\" for a dollar sign",
                        spec_quote(dollar).text);
    if (!*f->at)
        return orc_fail(f->err, -EINVAL, "\"%s\" has no closing \"}\"", spec_quote(dollar).text);
    r = read_operation(f, dollar, &op);
    return r < 0 ? r : operate(f, out, name, op, depth);
}

/* f->at stands at a dollar sign. */
static int read_dollar(struct filler *f, struct orc_buf *out, int depth)
{
    const char *dollar = f->at++, *value;
    size_t n = spec_env_name_len(f->at);
    orc_auto_free char *name = orc_strndup(f->at, n);

    f->ret->wrong_at = (size_t)(dollar - f->text);
    if (*f->at == '{') {
        f->at++;
        return read_braced(f, out, dollar, depth);
    }
    if (*f->at == '$' || n == 0) {
        f->at += *f->at == '$';
        return put(f, out, "$", 1);
    }
    f->at += n;
    value = spec_env_get(f->env, name);
    if (!value && out)
        note_unset(f, name, dollar);
    return value ? put_variable(f, out, name, value) : 0;
}

/* Up to the end of the text, or, inside braces, behind the one that closes them; braces in between come in
 * pairs. `out` NULL: only reads over it. */
static int fill(struct filler *f, struct orc_buf *out, bool braced, int depth)
{
    size_t dollar = f->ret->wrong_at; /* of the braces */
    int open = 1, r = 0;

    if (depth > SPEC_INTERPOLATE_DEPTH)
        return orc_fail(f->err, -EINVAL, "variables are nested more than %d deep", SPEC_INTERPOLATE_DEPTH);
    while (*f->at && r == 0) {
        size_t n = strcspn(f->at, braced ? "${}" : "$");

        r = put(f, out, f->at, n);
        f->at += n;
        if (r < 0 || !*f->at)
            break;
        if (*f->at == '$') {
            r = read_dollar(f, out, depth);
            if (r == 0)
                f->ret->wrong_at = dollar;
            continue;
        }
        open += *f->at == '{' ? 1 : -1;
        if (open == 0) {
            f->at++;
            return 0;
        }
        r = put(f, out, f->at++, 1);
    }
    if (r == 0 && braced)
        r = orc_fail(f->err, -EINVAL, "\"%s\" has no closing \"}\"", spec_quote(f->text + dollar).text);
    return r;
}

int spec_interpolate(const char *text, const struct spec_env *env, size_t max, struct spec_filled *ret,
                     struct orc_err *err)
{
    struct orc_buf out = ORC_BUF_INIT(max);
    struct filler f = {.text = text, .at = text, .env = env, .ret = ret, .err = err};
    int r;

    *ret = (struct spec_filled){0};
    r = fill(&f, &out, false, 0);
    if (r == 0)
        ret->text = orc_buf_take(&out);
    orc_buf_release(&out);
    return r;
}
