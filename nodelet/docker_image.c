#include "nodelet/docker_image.h"

#include "lib/http.h"
#include "lib/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

struct waiter {
    docker_pull_cb *cb; /* NULL: forgotten */
    void *arg;
};

struct pull {
    struct docker_images *im;
    LIST_ENTRY(pull) link;
    char *image, *platform; /* platform: NULL */
    struct docker_call *call;
    char *error; /* as found in the stream */
    struct {
        struct waiter *at;
        size_t n, cap;
    } waiters;
};

struct docker_images {
    struct docker *d;
    LIST_HEAD(, pull) pulls;
};

struct docker_images *docker_images_new(struct docker *d)
{
    struct docker_images *im = orc_new(struct docker_images);

    im->d = d;
    LIST_INIT(&im->pulls);
    return im;
}

struct docker_images *docker_images_free(struct docker_images *im)
{
    struct pull *p;

    if (!im)
        return NULL;
    while ((p = LIST_FIRST(&im->pulls))) {
        for (size_t i = 0; i < p->waiters.n; i++)
            p->waiters.at[i].cb = NULL;
        docker_cancel(p->call); /* ends in on_pulled(), which frees it */
    }
    free(im);
    return NULL;
}

/* Registries and engines phrase it differently; the engine turns a registry's 404 (and the 401 that hides
 * whether something exists) into 404 or into one of these sentences. */
bool docker_pull_is_missing(const char *message)
{
    static const char *const phrases[] = {"manifest unknown",
                                          "not found",
                                          "does not exist",
                                          "access denied",
                                          "access to the resource is denied",
                                          "no matching manifest",
                                          "unauthorized",
                                          "invalid reference format"};
    static const char *const not_these[] = {"no such host", "connection refused", "timeout", "i/o"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(not_these); i++)
        if (strcasestr(message, not_these[i]))
            return false;
    for (size_t i = 0; i < ORC_ARRAY_SIZE(phrases); i++)
        if (strcasestr(message, phrases[i]))
            return true;
    return false;
}

static void on_line(const json_t *line, void *arg)
{
    struct pull *p = arg;
    const char *error = json_string_value(json_object_get(line, "error"));

    if (error && !p->error)
        p->error = orc_strndup(error, 500);
}

static enum docker_pull outcome_of(const struct docker_res *res, const char *error)
{
    if (res->kind == DOCKER_OK && !error)
        return PULL_OK;
    if (res->kind == DOCKER_NOT_FOUND || res->kind == DOCKER_REFUSED)
        return docker_pull_is_missing(res->text) || res->kind == DOCKER_NOT_FOUND ? PULL_MISSING
                                                                                  : PULL_TRANSIENT;
    return docker_pull_is_missing(error ? error : res->text) ? PULL_MISSING : PULL_TRANSIENT;
}

static char *text_of(const struct pull *p, enum docker_pull outcome, const char *why)
{
    if (outcome == PULL_OK)
        return orc_strdup("");
    return orc_printf("image \"%s\": %s%s", p->image, why,
                      outcome == PULL_MISSING
                          ? "; check its name and tag, and that this server may read it from there"
                          : "");
}

static void on_pulled(const struct docker_res *res, void *arg)
{
    struct pull *p = arg;
    enum docker_pull outcome = outcome_of(res, p->error);
    orc_auto_free char *text = text_of(p, outcome, p->error ? p->error : res->text);

    LIST_REMOVE(p, link); /* whoever asks again from its callback begins a new pull */
    for (size_t i = 0; i < p->waiters.n; i++)
        if (p->waiters.at[i].cb)
            p->waiters.at[i].cb(outcome, text, p->waiters.at[i].arg);
    orc_vec_release(&p->waiters);
    free(p->image);
    free(p->platform);
    free(p->error);
    free(p);
}

static struct pull *pull_of(const struct docker_images *im, const char *image, const char *platform)
{
    struct pull *p;

    LIST_FOREACH(p, &im->pulls, link)
    if (strcmp(p->image, image) == 0 && orc_streq(p->platform, platform))
        return p;
    return NULL;
}

/* Whether the reference has a tag or digest: a colon or at-sign after the last slash. Without one the API
 * would pull every tag of the repository. */
static bool has_tag(const char *image)
{
    const char *slash = strrchr(image, '/');

    return strpbrk(slash ? slash : image, ":@") != NULL;
}

static struct pull *pull_new(struct docker_images *im, const char *image, const char *platform)
{
    struct pull *p = orc_new(struct pull);
    orc_auto_free char *escaped = orc_http_escape(image);
    orc_auto_free char *path =
        orc_printf("/images/create?fromImage=%s%s%s%s", escaped, has_tag(image) ? "" : "&tag=latest",
                   platform ? "&platform=" : "", platform ? platform : "");
    struct docker_req req = {
        .path = path, .post = true, .timeout_ms = UINT64_MAX, .on_line = on_line, .cb = on_pulled, .arg = p};

    p->im = im;
    p->image = orc_strdup(image);
    p->platform = orc_strdup(platform);
    LIST_INSERT_HEAD(&im->pulls, p, link);
    p->call = docker_request(im->d, &req);
    return p;
}

void docker_pull(struct docker_images *im, const char *image, const char *platform, docker_pull_cb *cb,
                 void *arg)
{
    struct pull *p = pull_of(im, image, platform);
    struct waiter w = {.cb = cb, .arg = arg};

    if (!p)
        p = pull_new(im, image, platform);
    orc_vec_push(&p->waiters, w);
}

void docker_pull_forget(struct docker_images *im, void *arg)
{
    struct pull *p;

    LIST_FOREACH(p, &im->pulls, link)
    for (size_t i = 0; i < p->waiters.n; i++)
        if (p->waiters.at[i].arg == arg)
            p->waiters.at[i].cb = NULL;
}
