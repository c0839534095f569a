/* contexts.h - clusters by name: the operator's file of addresses, $XDG_CONFIG_HOME/orc/contexts.yaml or
 * ~/.config/orc/contexts.yaml (the XDG Base Directory Specification).
 *
 *     current: prod
 *     contexts:
 *       prod:
 *         etcd: [https://10.0.0.11:2379, https://10.0.0.12:2379]
 *         cluster: default
 *         cacert: /etc/orc/ca.pem
 *
 * Only the operator may read it (0600), and it is replaced atomically. It must not know what is given on a
 * command line or in the environment (where.h).
 */
#ifndef CLI_CONTEXTS_H
#define CLI_CONTEXTS_H

#include "lib/json.h"

#define CONTEXTS_MAX 100

struct context {
    char *name;
    struct orc_strv etcd;                /* one at least */
    char *cluster, *cacert, *cert, *key; /* NULL: not said */
};
struct contexts {
    char *current; /* NULL: none is */
    struct {
        struct context *at; /* in the file's order */
        size_t n, cap;
    } all;
};

/* `path` is for messages, text is NUL-terminated behind n bytes. 0, or -EINVAL with "path:3:5: ..." and what
 * would be accepted; *ret is then empty.
 */
int contexts_parse(const char *path, const char *text, size_t n, struct contexts *ret, struct orc_err *err);
json_t *contexts_to_json(const struct contexts *c); /* the file's shape */
json_t *context_to_json(const struct context *x);
void contexts_release(struct contexts *c);

struct context *contexts_find(const struct contexts *c, const char *name); /* NULL: there is none */
struct context *contexts_add(struct contexts *c, const char *name); /* empty, also of a name that is there */
bool contexts_remove(struct contexts *c, const char *name);         /* false: it was not there */
/* -ENOENT with "there is no context "prd"; did you mean "prod"?" */
int contexts_unknown(const struct contexts *c, const char *name, struct orc_err *err);

/* The file; without one there are none. */
int contexts_load(struct contexts *ret, struct orc_err *err);
int contexts_save(const struct contexts *c, struct orc_err *err); /* with the lock held */
/* Makes the folder if it is not there, and waits for whoever else changes contexts: from before they are
 * loaded until they are saved. A file descriptor; who closes it lets others in. Negative: err says why. */
int contexts_lock(struct orc_err *err);
char *contexts_path(struct orc_err *err); /* freed by the caller; NULL: neither variable says where */

#endif
