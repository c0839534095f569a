#include "netplug/kind.h"

static const struct link_kind *const kinds[] = {&kind_bridge, &kind_vlan};

const struct link_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}
