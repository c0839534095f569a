#include "netplug/privilege.h"

#include <linux/capability.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define NEEDED (UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_NET_RAW)

/* glibc has no wrapper: capget(2) and capset(2) are used directly, version 3 with two words per set. */
int privilege_check(struct orc_err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0}};
    uint64_t have;

    if (syscall(SYS_capget, &head, data) < 0)
        return orc_fail_errno(err, errno, "ask for this process's capabilities");
    have = data[0].permitted | (uint64_t)data[1].permitted << 32;
    if ((have & NEEDED) != NEEDED)
        return orc_fail(err, -EPERM,
                        "netplug changes the kernel's network: start it as root, or with the capabilities "
                        "CAP_NET_ADMIN and CAP_NET_RAW.");
    return 0;
}

int privilege_drop(struct orc_err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {
        {.effective = (uint32_t)NEEDED, .permitted = (uint32_t)NEEDED},
        {.effective = (uint32_t)(NEEDED >> 32), .permitted = (uint32_t)(NEEDED >> 32)},
    };

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return orc_fail_errno(err, errno, "set no_new_privs");
    if (syscall(SYS_capset, &head, data) < 0)
        return orc_fail_errno(err, errno, "give up capabilities");
    return 0;
}
