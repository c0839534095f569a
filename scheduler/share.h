/* share.h - what many tasks have in common, held once and counted: texts, and what a revision makes.
 *
 * A million tasks come from a few thousand revisions for a few reasons. Both the model and a plan refer to
 * the same, so that either may outlive the other. Nothing here is changed once it is shared.
 */
#ifndef SCHEDULER_SHARE_H
#define SCHEDULER_SHARE_H

#include "state/record.h"

struct share_text {
    unsigned refs;
    char s[];
};

struct share_text *share_text_new(const char *s);         /* copied; NULL for NULL */
struct share_text *share_text_ref(struct share_text *t);  /* NULL allowed; returns t */
struct share_text *share_text_drop(struct share_text *t); /* NULL allowed; returns NULL */
const char *share_text_str(const struct share_text *t);   /* NULL for NULL */
/* The text in *t becomes s. Where it is the same already, nothing happens. */
void share_text_set(struct share_text **t, const char *s);

struct share_service {
    unsigned refs;
    char app[SPEC_NAME_MAX + 1], service[SPEC_NAME_MAX + 1];
};

struct share_service *share_service_new(const char *app, const char *service);
struct share_service *share_service_ref(struct share_service *s);
struct share_service *share_service_drop(struct share_service *s); /* NULL allowed; returns NULL */

/* The part of a task's record that all tasks of one revision and restart epoch have in common. */
struct share_make {
    unsigned refs;
    int64_t revision, restart_epoch;
    char container_hash[SPEC_HASH_MAX];
    struct spec_resources resources;
    int pids;
    struct {
        struct spec_port *at;
        size_t n, cap;
    } ports;
    struct share_text *reason; /* of the last such task that was fed: most have the same; may be NULL */
};

struct share_make *share_make_new(const struct record_task *r); /* copied */
struct share_make *share_make_ref(struct share_make *m);        /* NULL allowed; returns m */
struct share_make *share_make_drop(struct share_make *m);       /* NULL allowed; returns NULL */
bool share_make_is(const struct share_make *m, const struct record_task *r);

#endif
