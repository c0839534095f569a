/* load_internal.h - the parts of the loader, between specs/load*.c only.
 *
 * load.c: the whole; load_read.c: files read once and filled with variables; load_extends.c: extends;
 * load_include.c: several files, include; load_profiles.c, load_environment.c, load_security.c: what their
 * names say.
 */
#ifndef SPECS_LOAD_INTERNAL_H
#define SPECS_LOAD_INTERNAL_H

#include "specs/dotenv.h"
#include "specs/load.h"
#include "specs/merge.h"

/* A service whose extends has been followed. */
struct load_service {
    const char *name; /* its key's */
    struct spec_node *node;
    int depth; /* services that it extends, one over another */
    UT_hash_handle hh;
};

/* A Compose file, read once for one environment. */
struct load_file {
    char *path; /* as it was asked for; "-" is standard input, whose source is called otherwise */
    struct spec_source *source;
    struct spec_doc *doc; /* NULL: it is no YAML (said) */
    bool filled;          /* its variables are */
    struct load_service *services;
    struct spec_node *tree; /* with all that it extends and includes; NULL: not made yet */
};

struct loader {
    const struct spec_load *ask;
    struct spec_problems *problems;
    struct spec_merge merge; /* its pool owns the nodes that are made */
    ORC_VEC(struct load_file *) files;
    ORC_VEC(struct spec_source *) sources; /* all that was read */
    ORC_VEC(struct spec_env *) envs;
    struct spec_env *env; /* of the files that the user named */
    size_t bytes, values; /* of all that was read */
    size_t filled;        /* bytes that variables made */
    size_t profiles;      /* bytes of seccomp profiles, each as often as it is named */
    size_t configs;       /* bytes of configs */
    size_t dotenv;        /* bytes of files of variables, each as often as it was parsed */
    size_t given;         /* variables that such files gave services */
    size_t compare;       /* values that may still be compared, of what is included twice */
};

/* From where a file or service was asked for, back to the user. */
struct load_step {
    const struct load_step *from; /* NULL: the user */
    const struct spec_node *at;   /* what asks */
    const struct load_file *file; /* that it leads to, and ... */
    const char *service;          /* ... the service in it; NULL: include */
};

/* load_read.c */
#define load_say(l, n, ...) spec_node_say((l)->problems, n, __VA_ARGS__)
#define load_note(l, n, ...) spec_node_note((l)->problems, n, __VA_ARGS__)
/* A key that is none of those known: true for one that begins with "x-", false (said) for others. */
bool load_may_ignore(struct loader *l, const struct spec_node *key, const char *what, const char **known);
/* `path` as it is written in a file whose paths start from `dir`; freed by the caller. */
char *load_path(const char *dir, const char *path);
char *load_dir(const char *path); /* freed by the caller */
/* A text that is read; `at`: what names it, NULL: the user. *ret stays the loader's. -ENOENT and nothing said
 * when it may be `absent` and is; -EINVAL (said). */
int load_text(struct loader *l, const struct spec_node *at, const char *path, bool absent,
              struct spec_source **ret);
/* The Compose file at a path, its variables not filled in yet if it is new; NULL (said). */
struct load_file *load_open(struct loader *l, const struct spec_node *at, const char *path, const char *dir,
                            const struct spec_env *env);
/* Fills the variables of all its values in, once. */
void load_fill(struct loader *l, struct load_file *f);
/* A new environment within another, with the variables of files; one that is not there is passed over when it
 * may be absent. */
struct spec_env *load_env(struct loader *l, const struct spec_env *outer);
void load_env_file(struct loader *l, const struct spec_node *at, const char *path, bool absent,
                   struct spec_env *into);
/* The variables of a file that was read, unless such files have been too long (said). */
void load_dotenv(struct loader *l, const struct spec_node *at, const struct spec_source *source,
                 enum spec_dotenv format, struct spec_env *into);

/* load_extends.c: the tree of a file to which `from` leads, with every extends followed. */
struct spec_node *load_extended(struct loader *l, struct load_file *f, const struct load_step *from);

/* load_include.c: at least one file, one over another, with what they include; `at` asks for them. */
struct spec_node *load_files(struct loader *l, struct load_file *const *files, size_t n,
                             const struct spec_node *at, const struct load_step *from);
/* False (said): `from` is more than `max` deep, or leads back to a file or service that it came from. */
bool load_check_step(struct loader *l, const struct load_step *from, int max);

/* load_profiles.c: the root without services that are in other profiles than those that count. */
struct spec_node *load_profiles(struct loader *l, struct spec_node *root);
/* load_environment.c: the root with each service's environment and labels complete. */
struct spec_node *load_environments(struct loader *l, struct spec_node *root);
/* The root with each service as it comes back from `complete`. */
struct spec_node *load_each_service(struct loader *l, struct spec_node *root,
                                    struct spec_node *(*complete)(struct loader *, struct spec_node *));

/* load_configs.c: the root with the content of configs in place of what they are read from. */
struct spec_node *load_configs(struct loader *l, struct spec_node *root);

/* load_security.c: the root with seccomp profiles in place of their files' names. */
struct spec_node *load_seccomp(struct loader *l, struct spec_node *root);

#endif
