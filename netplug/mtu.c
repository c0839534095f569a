#include "netplug/mtu.h"

#include "lib/mem.h"

#include <stdbool.h>

static const struct {
    const char *name;
    int overhead;
    bool here;
} modes[] = {
    {"bridge", 0, true},
    {"vxlan", 0, false},
    {"routed", 0, false},
};

int mtu_check(int64_t mtu, struct orc_err *err)
{
    if (mtu < MTU_MIN || mtu > MTU_MAX)
        return orc_fail(err, -EINVAL, "MTU %lld is out of range: %d..%d bytes are possible.", (long long)mtu,
                        MTU_MIN, MTU_MAX);
    return 0;
}

int mtu_overhead(const char *mode, int *ret, struct orc_err *err)
{
    for (size_t i = 0; i < ORC_ARRAY_SIZE(modes); i++) {
        if (!orc_streq(mode ? mode : "bridge", modes[i].name))
            continue;
        if (!modes[i].here)
            return orc_fail(err, -EOPNOTSUPP,
                            "Network mode \"%s\" is not in this netplug yet; \"bridge\" is.", mode);
        *ret = modes[i].overhead;
        return 0;
    }
    return orc_fail(err, -EINVAL, "There is no network mode \"%.32s\"; \"bridge\" is one.", mode);
}

int mtu_resolve(const char *underlay, int underlay_mtu, int overhead, int64_t wanted, int *ret,
                struct orc_err *err)
{
    int fits = (underlay_mtu > MTU_MAX ? MTU_MAX : underlay_mtu) - overhead;
    int r;

    if (wanted == 0)
        wanted = fits;
    r = mtu_check(wanted, err);
    if (r < 0)
        return r;
    if (wanted > fits)
        return orc_fail(
            err, -EINVAL,
            "MTU %lld does not fit: %s has MTU %d, which leaves %d for containers. Ask for %d or less, "
            "or raise the MTU of %s.",
            (long long)wanted, underlay, underlay_mtu, fits, fits, underlay);
    *ret = (int)wanted;
    return 0;
}
