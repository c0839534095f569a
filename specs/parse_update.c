/* deploy.update_config and rollback_config: how one version is replaced by another. */
#include "lib/units.h"
#include "specs/check.h"
#include "specs/parse_service.h"

#include <string.h>

/* A count, or a part of the replicas: 2, "25%". */
static void read_parallelism(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                             void *into)
{
    const char *s = spec_read_text(r, k->name, v);
    size_t n = s ? strlen(s) : 0;
    bool part = n && s[n - 1] == '%';
    orc_auto_free char *number = s ? orc_strndup(s, n - part) : NULL;
    struct spec_update *u = into;
    int64_t value;

    if (!s)
        return;
    if (orc_parse_int(number, part ? 1 : 0, part ? 100 : SPEC_REPLICAS_MAX, &value, NULL) < 0) {
        spec_say(r, v,
                 "%s is \"%s\", but must be a number of replicas in 0..%d (0: all at once), or a part of "
                 "them from 1%% to 100%%, such as \"25%%\"",
                 k->name, spec_quote(s).text, SPEC_REPLICAS_MAX);
        return;
    }
    u->parallelism = part ? 1 : (int)value;
    u->parallelism_percent = part ? (int)value : 0;
}

static void read_ratio(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    const char *s = spec_read_text(r, k->name, v);
    int64_t nano;

    if (!s)
        return;
    if (orc_parse_cpus(s, &nano, NULL) < 0 || nano > ORC_NANO_CPU)
        spec_say(r, v,
                 "%s is \"%s\", but must be the part of the replicas that may fail, a decimal number from 0 "
                 "to 1, such as 0.25",
                 k->name, spec_quote(s).text);
    else
        ((struct spec_update *)into)->max_failure_nano = nano;
}

#define UPDATE(member) .offset = offsetof(struct spec_update, member)
#define ROWS                                                                                                 \
    {"parallelism", .read = read_parallelism, .form = SPEC_IS_INT | SPEC_IS_TEXT, .max = SPEC_REPLICAS_MAX,  \
     .doc = "replicas at once, or a part of them: `25%`; 0: all; else 1"},                                   \
        {"delay", .read = spec_key_ms, UPDATE(delay_ms), .doc = "between two steps"},                        \
        {"monitor", .read = spec_key_ms, UPDATE(monitor_ms),                                                 \
         .doc = "a failure so long after a step is the update's; else 5 s"},                                 \
        {"max_failure_ratio", .read = read_ratio, .form = SPEC_IS_NUMBER,                                    \
         .doc = "so large a part of the replicas may fail; else 0"},                                         \
    {                                                                                                        \
        "order", .read = spec_key_word, UPDATE(order), SPEC_WORDS("stop-first", "start-first"),              \
                 .doc = "`stop-first` (else), `start-first`"                                                 \
    }

static const struct spec_key update_keys[] = {
    ROWS,
    {"failure_action", .read = spec_key_word, UPDATE(failure_action),
     SPEC_WORDS("pause", "continue", "rollback"), .doc = "`pause` (else), `continue`, `rollback`"},
};
const struct spec_keys spec_update_keys = SPEC_KEYS("deploy.update_config", update_keys);
static const struct spec_key rollback_keys[] = {
    ROWS,
    /* Without "rollback": a rollback that fails is not rolled back (behaviour 49). */
    {"failure_action", .read = spec_key_word, UPDATE(failure_action), SPEC_WORDS("pause", "continue"),
     .doc = "`pause` (else), `continue`"},
};
const struct spec_keys spec_rollback_keys = SPEC_KEYS("deploy.rollback_config", rollback_keys);

void spec_key_update(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    ((struct spec_service_in *)into)->update = v;
    spec_read_map(r, &spec_update_keys, v, &((struct spec_service_in *)into)->service->update);
}

void spec_key_rollback(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    struct spec_service *s = ((struct spec_service_in *)into)->service;

    ((struct spec_service_in *)into)->rollback = v;
    if (spec_read_map(r, &spec_rollback_keys, v, &s->rollback))
        s->rollback_set = true;
}
