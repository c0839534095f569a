#include "lib/version.h"

const char *orc_version(void)
{
    return ORC_VERSION;
}
