/* record_codec.h - what the record_*.c files share; for them alone. */
#ifndef STATE_RECORD_CODEC_H
#define STATE_RECORD_CODEC_H

#include "specs/codec.h"
#include "state/record.h"

#define RECORD_NAME_MAX 255   /* bytes of a name that somebody else chose: a host, an engine, a user */
#define RECORD_LABEL_MAX 1024 /* bytes of a label's value */
#define RECORD_WALL_MAX INT64_C(9999999999999) /* wall ms: 13 digits, the year 2286 */

/* Resources and ports as in specs, with orc's own names for the members. */
extern const struct codec record_resources_codec; /* struct spec_resources */
extern const struct codec record_port_codec;      /* struct spec_port */

int record_check_app(const char *s, struct orc_err *err);
int record_check_service(const char *s, struct orc_err *err);
int record_check_task(const char *s, struct orc_err *err);
int record_check_address(const char *s, struct orc_err *err); /* IPv4, not empty */
int record_check_subnet(const char *s, struct orc_err *err);  /* "10.210.1.0/24" */

/* "a.b.c.d/p" with no bits set beyond the prefix; host byte order. */
int record_parse_cidr(const char *s, uint32_t *ret_net, int *ret_prefix, struct orc_err *err);

int record_parse_with(const struct codec *c, const char *value, size_t n, void *ret, struct orc_err *err);
json_t *record_json_of(char *text); /* takes what codec_text() wrote */

/* Defines the six functions that RECORD_DECLARE in record.h declares. */
#define RECORD_DEFINE(x, c)                                                                                  \
    json_t *record_##x##_to_json(const struct record_##x *r)                                                 \
    {                                                                                                        \
        return record_json_of(codec_text(&(c), r));                                                          \
    }                                                                                                        \
    int record_##x##_from_json(const json_t *j, struct record_##x *ret, struct orc_err *err)                 \
    {                                                                                                        \
        return codec_decode(&(c), j, ret, err);                                                              \
    }                                                                                                        \
    void record_##x##_release(struct record_##x *r)                                                          \
    {                                                                                                        \
        codec_release(&(c), r);                                                                              \
    }                                                                                                        \
    void record_##x##_copy(const struct record_##x *r, struct record_##x *ret)                               \
    {                                                                                                        \
        codec_copy(&(c), r, ret);                                                                            \
    }                                                                                                        \
    int record_##x##_parse(const char *value, size_t n, struct record_##x *ret, struct orc_err *err)         \
    {                                                                                                        \
        return record_parse_with(&(c), value, n, ret, err);                                                  \
    }                                                                                                        \
    char *record_##x##_text(const struct record_##x *r)                                                      \
    {                                                                                                        \
        return codec_text(&(c), r);                                                                          \
    }

#endif
