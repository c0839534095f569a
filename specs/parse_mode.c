/* deploy.mode: a number of replicas, or one on each server. */
#include "specs/parse_service.h"

void spec_key_mode(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v, void *into)
{
    static const char *const names[] = {"replicated", "global", NULL};
    int i = spec_read_word(r, k->name, v, names);

    if (i >= 0)
        ((struct spec_service_in *)into)->service->global = i == 1;
}

static void refuse(struct spec_reader *r, const struct spec_node *v, const char *key, const char *mode)
{
    if (v)
        spec_say(r, v,
                 "\"%s\" makes no sense beside mode \"%s\": one runs on each server that takes it; "
                 "remove one of the two",
                 key, mode);
}

void spec_finish_mode(struct spec_reader *r, struct spec_service_in *in)
{
    if (!in->service->global)
        return;
    refuse(r, in->replicas, "replicas", "global");
    refuse(r, in->max_per_node, "max_replicas_per_node", "global");
    refuse(r, in->preferences, "preferences", "global");
}
