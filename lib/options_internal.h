/* options_internal.h - what options.c (command line, environment, values) and options_config.c (the YAML
 * file) share: the words given for each option, before any of them is turned into a value. */
#ifndef LIB_OPTIONS_INTERNAL_H
#define LIB_OPTIONS_INTERNAL_H

#include "lib/options.h"

struct options_given {
    struct orc_strv values;
    char *where; /* for messages: "--port", "orc.yaml:3: port", "ORC_ETCD" */
};

/* Index in the table, or -1. */
int options_find(const struct orc_option *table, const char *name, size_t n);
/* -EINVAL: "<prefix><name>", and which one may have been meant. */
int options_unknown(const struct orc_option *table, const char *prefix, const char *name,
                    struct orc_err *err);
/* Reads the file into those elements of `given` (one per option) that have no value yet. */
int options_read_config(const struct orc_option *table, const char *path, struct options_given *given,
                        struct orc_err *err);

#endif
