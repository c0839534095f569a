#include "cli/verb.h"

struct verb_args {
    struct session_args session;
    bool detach;
    uint64_t timeout_ms;
};

/* 0, or the exit code with a sentence in err. */
static int act(struct verb *v, const struct verb_spec *spec, struct orc_err *err)
{
    int r = session_read(&v->s, spec->kinds, &v->cluster, err);

    if (r == 0)
        r = spec->act(v, err);
    cluster_release(&v->cluster);
    return r == -EINVAL ? CLI_USAGE : r < 0 ? CLI_FAILED : 0;
}

static int follow(struct verb *v, const struct verb_args *a)
{
    json_t *services = NULL;
    int r = CLI_DONE;

    if (a->detach)
        services = wait_detached(&v->targets);
    else
        r = wait_run(&v->s, &v->targets, a->timeout_ms, &services);
    if (v->s.out.json)
        wait_print_json(r, a->detach, services, NULL);
    else
        json_decref(services);
    return r;
}

static int run(const struct verb_spec *spec, struct verb_args *a, const struct orc_strv *words,
               struct orc_err *err)
{
    struct verb v = {.words = words};
    int r;

    if (words->n < spec->min_words || words->n > spec->max_words) {
        orc_fail(err, -EINVAL, "%s; write %s",
                 words->n < spec->min_words ? "a word is missing" : "there is a word too many", spec->usage);
        return CLI_USAGE;
    }
    if (session_open(&v.s, &a->session, err) < 0)
        return CLI_USAGE;
    r = act(&v, spec, err);
    if (r == 0)
        r = follow(&v, a);
    wait_targets_release(&v.targets);
    session_close(&v.s);
    return r;
}

int verb_run(const struct verb_spec *spec, int argc, char **argv)
{
    struct verb_args a = {.timeout_ms = CMD_TIMEOUT_MS};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        CMD_WAIT_OPTIONS(&a.detach, &a.timeout_ms),
        SESSION_OPTIONS(&a.session),
        {0},
    };
    int r = cmd_options(table, argc, argv, &words, spec->usage, spec->summary);

    if (r < 0) {
        r = run(spec, &a, &words, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    session_args_release(&a.session);
    return r;
}
