/* json.h - reading JSON from outside: every access checks the type and names the path in its error.
 *
 * Thin helpers over jansson. Readers: 0 done; -EINVAL with a sentence ("\"slot\": expected an integer in
 * 0..9999, got a string"). The `_opt` forms leave the output untouched when the member is absent or null.
 */
#ifndef LIB_JSON_H
#define LIB_JSON_H

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/mem.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

static inline void orc_json_decref_p(json_t **j)
{
    json_decref(*j);
}
#define orc_auto_json orc_auto(orc_json_decref_p)

/* For json_dumps(): 0.1 is 0.1, not 0.10000000000000001. */
#define ORC_JSON_REALS JSON_REAL_PRECISION(15)

/* Parses one document of n bytes. Refuses duplicate keys, invalid UTF-8, nesting over 64, trailing bytes. */
json_t *orc_json_parse(const char *text, size_t n, struct orc_err *err);

/* Compact text in insertion order; freed with free(). */
char *orc_json_text(const json_t *j);

/* Strings are copied (freed by the caller) and refused when longer than max bytes. */
int orc_json_str(const json_t *obj, const char *key, size_t max, char **ret, struct orc_err *err);
int orc_json_str_opt(const json_t *obj, const char *key, size_t max, char **ret, struct orc_err *err);
int orc_json_int(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *ret,
                 struct orc_err *err);
int orc_json_int_opt(const json_t *obj, const char *key, int64_t min, int64_t max, int64_t *ret,
                     struct orc_err *err);
int orc_json_bool_opt(const json_t *obj, const char *key, bool *ret, struct orc_err *err);
/* Borrowed reference, NULL when absent. Fails when it is there with another type. */
int orc_json_obj_opt(const json_t *obj, const char *key, json_t **ret, struct orc_err *err);
int orc_json_arr_opt(const json_t *obj, const char *key, json_t **ret, struct orc_err *err);
/* A list of strings, each at most max bytes; appended to *v. */
int orc_json_strv_opt(const json_t *obj, const char *key, size_t max, struct orc_strv *v,
                      struct orc_err *err);

/* The same of a value that is at hand, neither absent nor null; `key` names it in the sentence. A string is
 * borrowed. */
int orc_json_as_str(const json_t *value, const char *key, size_t max, const char **ret, struct orc_err *err);
int orc_json_as_int(const json_t *value, const char *key, int64_t min, int64_t max, int64_t *ret,
                    struct orc_err *err);
int orc_json_as_bool(const json_t *value, const char *key, bool *ret, struct orc_err *err);
int orc_json_as_obj(const json_t *value, const char *key, struct orc_err *err);
int orc_json_as_arr(const json_t *value, const char *key, struct orc_err *err);
int orc_json_as_strv(const json_t *value, const char *key, size_t max, struct orc_strv *v,
                     struct orc_err *err);

/* A string of s, NULL when s is; bytes above ASCII become question marks when they are no UTF-8. */
json_t *orc_json_str_new(const char *s);
/* Sets key unless s is NULL. */
void orc_json_set_str(json_t *obj, const char *key, const char *s);
/* Adds orc_json_str_new(s) as text to b, whose maximum allows it; s isn't NULL. */
void orc_json_write_str(const char *s, struct orc_buf *b);
/* An int64 that etcd's gateway or anybody else wrote as a number or as a decimal string. */
int orc_json_int64_any(const json_t *j, int64_t *ret);

#endif
