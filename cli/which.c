#include "cli/which.h"

#include "cli/change.h"

int which_word(const struct orc_strv *words, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];

    if (words->n > 1)
        return orc_fail(err, -EINVAL, "name one app or service, such as shop or shop/orders, not %zu of them",
                        words->n);
    return words->n ? session_split(words->at[0], true, app, service, err) : 0;
}

int which_check(struct cluster *c, const void *what, struct orc_err *err)
{
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];

    if (!what)
        return 0;
    if (session_split(what, true, app, service, err) < 0)
        return -EINVAL;
    if (service[0] ? cluster_wanted(c, app, service) != NULL : cluster_find(c, key_app(c->name, app)) != NULL)
        return 0;
    for (const struct cluster_entry *e = c->entries; e; e = e->hh.next)
        if (e->key.kind == KEY_ROLLOUT && orc_streq(e->key.app, app) &&
            (!service[0] || orc_streq(e->key.service, service)))
            return 0;
    return change_no_service(c, app, service, err);
}

int which_show(const struct show *show, int argc, char **argv, const char *usage, const char *about)
{
    struct show_args a = SHOW_ARGS_INIT;
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {SHOW_OPTIONS(&a), {0}};
    int r = cmd_options(table, argc, argv, &words, usage, about);

    if (r < 0) {
        r = which_word(&words, &err) < 0 ? CLI_USAGE : show_run(show, &a, words.n ? words.at[0] : NULL, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
