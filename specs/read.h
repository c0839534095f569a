/* read.h - from YAML nodes to C values: mappings by flat tables of keys, scalars by kind.
 *
 * Inside specs/ only. Every reader says what is wrong at its place and goes on, so that one run over a file
 * finds all there is to say. It must not know what a service is.
 */
#ifndef SPECS_READ_H
#define SPECS_READ_H

#include "lib/err.h"
#include "specs/doc.h"

#include <stdbool.h>
#include <stdint.h>

/* Something that can only be judged when the whole file has been read: who named what, where. */
enum spec_ref_kind {
    SPEC_REF_SERVICE,
    SPEC_REF_MAIN,
    SPEC_REF_VOLUME,
    SPEC_REF_CONFIG,
    SPEC_REF_NETWORK,
    SPEC_REF_ROUTE
};

struct spec_ref {
    enum spec_ref_kind kind;
    const struct spec_node *at;
    const char *from;                /* the service's name; the node's own */
    char *name;                      /* what is named; of a route "host|path" */
    int condition;                   /* SERVICE: enum spec_depends */
    bool optional;                   /* SERVICE: it need not be in the file */
    const struct spec_node *restart; /* SERVICE: where it says that the one restarts with the other; NULL */
};

struct spec_reader {
    struct spec_problems *problems;
    const char *service; /* the one being read, for refs */
    bool build_noted;
    ORC_VEC(struct spec_ref) refs;
};

struct spec_key;
struct spec_keys;
typedef void spec_read_fn(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into);

/* What a value may be, or-ed together in spec_key.form, .items and .values. */
enum spec_form {
    SPEC_IS_TEXT = 1 << 0,      /* a string */
    SPEC_IS_SCALAR = 1 << 1,    /* a string, a number or a boolean, taken as a text */
    SPEC_IS_INT = 1 << 2,       /* a whole number in min..max */
    SPEC_IS_NUMBER = 1 << 3,    /* a decimal number, not negative */
    SPEC_IS_BOOL = 1 << 4,      /* true, false */
    SPEC_IS_DURATION = 1 << 5,  /* lib/units.h */
    SPEC_IS_SIZE = 1 << 6,      /* of bytes; lib/units.h */
    SPEC_IS_UNLIMITED = 1 << 7, /* -1 */
    SPEC_IS_WORD = 1 << 8,      /* one of `words` */
    SPEC_IS_NULL = 1 << 9,
    SPEC_IS_MAP = 1 << 10,   /* the mapping of `sub` */
    SPEC_IS_LIST = 1 << 11,  /* of `items` */
    SPEC_IS_NAMES = 1 << 12, /* a mapping of names that the file chooses to `values` */
    SPEC_IS_ANY = 1 << 13
};

/* A row of a table of keys. */
struct spec_key {
    const char *name;
    spec_read_fn *read; /* NULL: a key that is refused, for the reason in `refusal` */
    size_t offset;      /* the member of `into` that the generic readers below set */
    int64_t min, max;   /* of numbers and, in milliseconds, of durations */
    int (*check)(const char *s, struct orc_err *err); /* of texts; NULL: any */
    const char *refusal;         /* a sentence's second half: "replicas would clash; ..." */
    const char *doc;             /* what orc does with it, for docs/compose.md; NULL beside a refusal */
    const char *example;         /* of a row of x-orc, for docs/x-orc.md: what stands below "x-orc:" */
    const struct spec_keys *sub; /* the keys of its value, or of what is in that; NULL: it has none */
    /* For readers and schema.h, which knows what the generic readers take: their rows need no form. */
    unsigned form, items, values; /* enum spec_form */
    const char *const *words;     /* NULL-terminated */
    bool
        empty; /* "" is as if the key were not there, as in Compose: what a variable leaves that is not set */
};

struct spec_keys {
    const char *what; /* "healthcheck", for messages */
    const struct spec_key *keys;
    size_t n;
    const struct spec_keys *more;   /* further keys of the same mapping; NULL: there are none */
    void *(*more_into)(void *into); /* what those are read into */
};
#define SPEC_KEYS(what_, table)                                                                              \
    {                                                                                                        \
        .what = (what_), .keys = (table), .n = ORC_ARRAY_SIZE(table)                                         \
    }

/* Reads every key of a mapping by its row. Unknown keys are refused by name; "x-..." is skipped as Compose's
 * extension fields are, but for "x-orc" where it isn't a row. False when v is no mapping (said). */
bool spec_read_map(struct spec_reader *r, const struct spec_keys *keys, const struct spec_node *v,
                   void *into);

/* Says that v is wrong, in a whole sentence; or what it means less here than in Compose, and is accepted. */
#define spec_say(r, v, ...) spec_node_say((r)->problems, v, __VA_ARGS__)
#define spec_note(r, v, ...) spec_node_note((r)->problems, v, __VA_ARGS__)

/* The text of a scalar that is a string, a number or a boolean, as it is written; it lives as long as the
 * tree. NULL (said) for lists, mappings and nothing, and for what was wrong before. `what` names the value in
 * the message. */
const char *spec_read_text(struct spec_reader *r, const char *what, const struct spec_node *v);
/* The same, checked by `check` (NULL: not). */
const char *spec_read_checked(struct spec_reader *r, const char *what, const struct spec_node *v,
                              int (*check)(const char *s, struct orc_err *err));
/* The same, but numbers and booleans are refused. */
const char *spec_read_string(struct spec_reader *r, const char *what, const struct spec_node *v);
bool spec_read_bool(struct spec_reader *r, const char *what, const struct spec_node *v, bool *ret);
bool spec_read_int(struct spec_reader *r, const char *what, const struct spec_node *v, int64_t min,
                   int64_t max, int64_t *ret);
/* Appends a list's scalars as texts. False when anything was said. */
bool spec_read_texts(struct spec_reader *r, const char *what, const struct spec_node *v,
                     struct orc_strv *ret);
/* A list of at most SPEC_LIST_MAX elements; false (said) for anything else. */
bool spec_read_is_list(struct spec_reader *r, const char *what, const struct spec_node *v);
/* A command line: a list of arguments, or a string split as Compose does (quotes and backslashes, no shell).
 */
bool spec_read_words(struct spec_reader *r, const char *what, const struct spec_node *v,
                     struct orc_strv *ret);

/* Generic rows: they set the member at k->offset of `into`, and nothing when the value is refused. */
spec_read_fn spec_key_ignore;   /* the value may be anything */
spec_read_fn spec_key_loaded;   /* the loader (load.h) has done what it says */
spec_read_fn spec_key_node;     /* const struct spec_node *: where the value is, to be read later */
spec_read_fn spec_key_bool;     /* bool */
spec_read_fn spec_key_int;      /* int */
spec_read_fn spec_key_port;     /* uint16_t, 1..65535 */
spec_read_fn spec_key_ms;       /* uint64_t */
spec_read_fn spec_key_bytes;    /* int64_t */
spec_read_fn spec_key_cpus;     /* int64_t, nano-CPUs */
spec_read_fn spec_key_text;     /* char *; a number is a text, too */
spec_read_fn spec_key_borrowed; /* const char *, as spec_read_string() has it */
spec_read_fn spec_key_texts;    /* struct orc_strv; a list, or a text alone */
spec_read_fn spec_key_word;     /* an enum with a value for each of the row's words, from 0 */

#define SPEC_WORDS(...)                                                                                      \
    .form = SPEC_IS_WORD, .words = (const char *const[])                                                     \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }
/* One of the row's words as its index; -1 (said). */
int spec_read_word(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v);

void spec_ref_add(struct spec_reader *r, enum spec_ref_kind kind, const struct spec_node *at,
                  const char *name);
void spec_reader_release(struct spec_reader *r); /* not the problems */

#endif
