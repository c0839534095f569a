/* Any bytes as a value of etcd: the first byte chooses the kind of record, the rest is the value. Built like
 * fuzz_spec.c.
 *
 * Beside memory faults it looks for a broken promise: a value that was accepted is written so that it is
 * accepted again, and the second text equals the first. Keys go the same way: any bytes as a key. */
#include "state/record.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void promise(bool kept, const char *what, const char *detail)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s: %s\n", what, detail);
    abort();
}

#define TRY(x)                                                                                               \
    static void try_##x(const char *value, size_t n)                                                         \
    {                                                                                                        \
        struct record_##x r = {0}, back = {0};                                                               \
        struct orc_err err = ORC_ERR_INIT;                                                                   \
        orc_auto_free char *text = NULL, *again = NULL;                                                      \
                                                                                                             \
        if (record_##x##_parse(value, n, &r, &err) < 0) {                                                    \
            promise(err.msg[0], "a refusal says why", #x);                                                   \
            return;                                                                                          \
        }                                                                                                    \
        text = record_##x##_text(&r);                                                                        \
        promise(record_##x##_parse(text, strlen(text), &back, &err) == 0, err.msg, text);                    \
        again = record_##x##_text(&back);                                                                    \
        promise(strcmp(text, again) == 0, "a record loses nothing", text);                                   \
        record_##x##_release(&r);                                                                            \
        record_##x##_release(&back);                                                                         \
    }

TRY(config)
TRY(revision)
TRY(app)
TRY(intent)
TRY(rollout)
TRY(task)
TRY(status)
TRY(node)
TRY(node_policy)
TRY(alive)
TRY(subnet)
TRY(endpoint)
TRY(gateway)
TRY(gateway_alive)
TRY(leader)
TRY(event)
TRY(node_state)

static void try_key(const char *value, size_t n)
{
    orc_auto_free char *name = orc_strndup(value, n), *key = orc_printf("/orc/c/%s", name);
    struct key k;

    key_parse("c", key, &k);
    key_parse("c", name, &k);
}

static void (*const tries[])(const char *value, size_t n) = {
    try_config,  try_revision,      try_app,         try_intent, try_rollout,    try_task,
    try_status,  try_node,          try_node_policy, try_alive,  try_subnet,     try_endpoint,
    try_gateway, try_gateway_alive, try_leader,      try_event,  try_node_state, try_key};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n > 0)
        tries[data[0] % ORC_ARRAY_SIZE(tries)]((const char *)data + 1, n - 1);
    return 0;
}
