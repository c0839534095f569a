#include "cli/contexts.h"

#include "cli/text.h"
#include "lib/file.h"
#include "lib/options.h"
#include "specs/doc.h"
#include "specs/spec.h"
#include "specs/yaml_write.h"

#include <fcntl.h>
#include <sys/file.h>

#define FILE_MAX (256 * 1024)

static void context_clear(struct context *x)
{
    free(x->name);
    orc_strv_release(&x->etcd);
    free(x->cluster);
    free(x->cacert);
    free(x->cert);
    free(x->key);
    *x = (struct context){0};
}

void contexts_release(struct contexts *c)
{
    struct context *x;

    orc_vec_each (x, &c->all)
        context_clear(x);
    orc_vec_release(&c->all);
    free(c->current);
    *c = (struct contexts){0};
}

struct context *contexts_find(const struct contexts *c, const char *name)
{
    struct context *x;

    orc_vec_each (x, &c->all)
        if (orc_streq(x->name, name))
            return x;
    return NULL;
}

struct context *contexts_add(struct contexts *c, const char *name)
{
    struct context *x = contexts_find(c, name);

    if (x)
        context_clear(x);
    else
        x = orc_vec_add(&c->all);
    x->name = orc_strdup(name);
    return x;
}

bool contexts_remove(struct contexts *c, const char *name)
{
    struct context *x = contexts_find(c, name);

    if (!x)
        return false;
    if (orc_streq(c->current, name))
        orc_set_str(&c->current, NULL);
    context_clear(x);
    c->all.n--;
    memmove(x, x + 1, (size_t)(c->all.at + c->all.n - x) * sizeof *x);
    return true;
}

int contexts_unknown(const struct contexts *c, const char *name, struct orc_err *err)
{
    struct orc_strv names = {0};
    orc_auto_free char *all = NULL;
    const char *near;
    const struct context *x;

    orc_vec_each (x, &c->all)
        orc_strv_add(&names, x->name);
    all = text_join(&names, ", ");
    orc_strv_add(&names, "");
    free(names.at[names.n - 1]); /* the list's end, for orc_nearest() */
    names.at[names.n - 1] = NULL;
    near = orc_nearest(name, (const char *const *)names.at);
    if (near)
        orc_fail(err, -ENOENT, "there is no context \"%s\"; did you mean \"%s\"?", name, near);
    else if (*all)
        orc_fail(err, -ENOENT, "there is no context \"%s\"; there are: %s", name, all);
    else
        orc_fail(err, -ENOENT,
                 "there is no context \"%s\", and no other: `orc context add %s --etcd URL` makes it", name,
                 name);
    orc_strv_release(&names);
    return -ENOENT;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static const struct {
    const char *key;
    size_t offset;
} members[] = {
    {"cluster", offsetof(struct context, cluster)},
    {"cacert", offsetof(struct context, cacert)},
    {"cert", offsetof(struct context, cert)},
    {"key", offsetof(struct context, key)},
};

struct reader {
    const char *path;
    struct contexts *c;
    struct orc_err *err;
};

static int wrong(const struct reader *r, const struct spec_node *at, const char *text)
{
    return orc_fail(r->err, -EINVAL, "%s:%d:%d: %s", r->path, at->line, at->column, text);
}

static bool is_text(const struct spec_node *v)
{
    return v->kind == SPEC_NODE_SCALAR && !spec_node_is_null(v) && *v->text;
}

static int read_etcd(const struct reader *r, const struct spec_node *v, struct context *x)
{
    orc_strv_release(&x->etcd);
    if (is_text(v))
        orc_strv_add(&x->etcd, v->text);
    for (size_t i = 0; v->kind == SPEC_NODE_LIST && i < v->entries.n; i++) {
        if (!is_text(v->entries.at[i].value))
            return wrong(r, v->entries.at[i].value, "an address is expected, such as http://10.0.0.11:2379");
        orc_strv_add(&x->etcd, v->entries.at[i].value->text);
    }
    return x->etcd.n
               ? 0
               : wrong(r, v, "\"etcd\" is one address or a list of them, such as http://10.0.0.11:2379");
}

static int read_member(const struct reader *r, const struct spec_entry *e, struct context *x)
{
    if (orc_streq(e->key->text, "etcd"))
        return read_etcd(r, e->value, x);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(members); i++)
        if (orc_streq(e->key->text, members[i].key)) {
            if (!is_text(e->value))
                return wrong(r, e->value, "a text is expected here");
            orc_set_str((char **)((char *)x + members[i].offset), e->value->text);
            return 0;
        }
    return wrong(r, e->key, "this key is not known; a context has etcd, cluster, cacert, cert and key");
}

static int read_context(const struct reader *r, const struct spec_entry *e)
{
    struct orc_err why = ORC_ERR_INIT;
    struct context *x;
    int bad = 0;

    if (spec_check_name("context name", e->key->text, &why) < 0)
        return wrong(r, e->key, why.msg);
    if (e->value->kind != SPEC_NODE_MAP)
        return wrong(r, e->value, "a context is a mapping with \"etcd\" in it");
    if (r->c->all.n >= CONTEXTS_MAX)
        return wrong(r, e->key, "there are more than 100 contexts");
    x = contexts_add(r->c, e->key->text);
    for (size_t i = 0; i < e->value->entries.n && bad == 0; i++)
        bad = read_member(r, &e->value->entries.at[i], x);
    return bad == 0 && !x->etcd.n ? wrong(r, e->value, "this context has no \"etcd\"") : bad;
}

static int read_top(const struct reader *r, const struct spec_entry *e)
{
    int bad = 0;

    if (orc_streq(e->key->text, "current") && is_text(e->value)) {
        orc_set_str(&r->c->current, e->value->text);
        return 0;
    }
    if (!orc_streq(e->key->text, "contexts"))
        return wrong(r, e->key, "\"current\", a context's name, and \"contexts\", a mapping, are expected");
    if (e->value->kind != SPEC_NODE_MAP)
        return wrong(r, e->value, "\"contexts\" is a mapping of names to contexts");
    for (size_t i = 0; i < e->value->entries.n && bad == 0; i++)
        bad = read_context(r, &e->value->entries.at[i]);
    return bad;
}

static int read_root(const struct reader *r, const struct spec_node *root)
{
    int bad = 0;

    if (spec_node_is_null(root))
        return 0;
    if (root->kind != SPEC_NODE_MAP)
        return wrong(r, root, "a mapping with \"current\" and \"contexts\" is expected");
    for (size_t i = 0; i < root->entries.n && bad == 0; i++)
        bad = read_top(r, &root->entries.at[i]);
    return bad;
}

/* Blanks and comments alone. */
static bool says_nothing(const char *s)
{
    while (*(s += strspn(s, " \t\r\n")) == '#')
        s += strcspn(s, "\n");
    return !*s;
}

int contexts_parse(const char *path, const char *text, size_t n, struct contexts *ret, struct orc_err *err)
{
    const struct spec_source source = {.name = (char *)path, .text = (char *)text, .n = n};
    orc_auto(spec_doc_free_p) struct spec_doc *doc = NULL;
    struct spec_problems problems = {0};
    struct reader r = {path, ret, err};
    int bad = 0;

    *ret = (struct contexts){0};
    if (says_nothing(text))
        return 0;
    if (spec_doc_parse(&source, &doc, &problems) < 0 || problems.n)
        bad = orc_fail(err, -EINVAL, "%s:%d:%d: %s", path, problems.at[0].line, problems.at[0].column,
                       problems.at[0].text);
    else
        bad = read_root(&r, doc->root);
    spec_problems_release(&problems);
    if (bad < 0)
        contexts_release(ret);
    return bad;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

json_t *context_to_json(const struct context *x)
{
    json_t *j = json_object(), *etcd = json_array();

    for (size_t i = 0; i < x->etcd.n; i++)
        json_array_append_new(etcd, orc_json_str_new(x->etcd.at[i]));
    json_object_set_new(j, "etcd", etcd);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(members); i++)
        orc_json_set_str(j, members[i].key, *(char *const *)((const char *)x + members[i].offset));
    return j;
}

json_t *contexts_to_json(const struct contexts *c)
{
    json_t *j = json_object(), *all = json_object();
    const struct context *x;

    orc_json_set_str(j, "current", c->current);
    orc_vec_each (x, &c->all)
        json_object_set_new(all, x->name, context_to_json(x));
    json_object_set_new(j, "contexts", all);
    return j;
}

static char *text_of(const struct contexts *c)
{
    orc_auto_json json_t *j = contexts_to_json(c);
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    if (!f)
        abort();
    yaml_write(j, f);
    fclose(f);
    return text;
}

/* ---- the file ---------------------------------------------------------------------------------------- */

char *contexts_path(struct orc_err *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

    if (config && *config == '/')
        return orc_printf("%s/orc/contexts.yaml", config);
    if (home && *home)
        return orc_printf("%s/.config/orc/contexts.yaml", home);
    orc_fail(err, -ENOENT, "HOME is not set, so there is no place for contexts: say --etcd URL");
    return NULL;
}

int contexts_load(struct contexts *ret, struct orc_err *err)
{
    orc_auto_free char *path = contexts_path(err), *text = NULL;
    size_t n;
    int r;

    *ret = (struct contexts){0};
    if (!path)
        return -ENOENT;
    r = orc_file_read(path, FILE_MAX, &text, &n, err);
    if (r == -ENOENT || r == -ENOTDIR)
        return 0;
    if (r == 0)
        r = contexts_parse(path, text, n, ret, err);
    return r;
}

int contexts_lock(struct orc_err *err)
{
    orc_auto_free char *path = contexts_path(err), *folder = orc_strdup(path), *lock = NULL;
    orc_auto_close int fd = -1;
    int r;

    if (!path)
        return -ENOENT;
    *strrchr(folder, '/') = '\0';
    r = orc_file_mkdirs(folder, err);
    if (r < 0)
        return r;
    lock = orc_concat(folder, "/contexts.lock");
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0)
        return orc_fail_errno(err, errno, "%s can't be locked", lock);
    return orc_take_fd(fd);
}

int contexts_save(const struct contexts *c, struct orc_err *err)
{
    orc_auto_free char *path = contexts_path(err), *text = text_of(c);
    orc_auto_free char *file = path ? realpath(path, NULL) : NULL; /* behind a link, which stays */

    return path ? orc_file_write(file ? file : path, text, strlen(text), 0600, err) : -ENOENT;
}
