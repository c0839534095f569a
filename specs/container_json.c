#include "specs/container_json.h"

#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/check_rights.h"
#include "specs/order.h"

#define STRICT .strict = true
#define ROW(m, k, ...) CODEC_ROW(spec_container, m, k, __VA_ARGS__)
#define STR(m, fn) ROW(m, CODEC_STR, .check = (fn))
#define BOOL(m) ROW(m, CODEC_BOOL, .max = 1)
#define LISTED(m, fn) ROW(m, CODEC_STRV, .check = (fn))
#define SET(m, fn) ROW(m, CODEC_STRV, .set = true, .check = (fn))

static int ulimit_cmp(const void *x, const void *y)
{
    const struct spec_ulimit *a = x, *b = y;

    return spec_str_cmp(a->name, b->name) ?: spec_num_cmp(a->soft, b->soft) ?: spec_num_cmp(a->hard, b->hard);
}

static int tmpfs_cmp(const void *x, const void *y)
{
    const struct spec_tmpfs *a = x, *b = y;

    return spec_str_cmp(a->target, b->target) ?: spec_num_cmp(a->size, b->size)
               ?: spec_num_cmp(a->mode, b->mode) ?: spec_str_cmp(a->options, b->options);
}

static int device_cmp(const void *x, const void *y)
{
    const struct spec_device *a = x, *b = y;

    return spec_str_cmp(a->target, b->target) ?: spec_str_cmp(a->source, b->source)
               ?: spec_str_cmp(a->permissions, b->permissions);
}

static int host_cmp(const void *x, const void *y)
{
    const struct spec_host *a = x, *b = y;

    return spec_str_cmp(a->name, b->name) ?: spec_str_cmp(a->address, b->address);
}

static const struct codec_field ulimit_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_ulimit, name, 0, spec_check_ulimit),
    CODEC_ROW_INT64(spec_ulimit, soft, -1, INT64_MAX),
    CODEC_ROW_INT64(spec_ulimit, hard, -1, INT64_MAX),
};
static const struct codec ulimit_codec = CODEC_OF(spec_ulimit, ulimit_rows, STRICT, .cmp = ulimit_cmp);

static const struct codec_field tmpfs_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_tmpfs, target, 0, spec_check_abs_path),
    CODEC_ROW_INT64(spec_tmpfs, size, 0, SPEC_MEMORY_MAX),
    CODEC_ROW_INT(spec_tmpfs, mode, 0, SPEC_MODE_MAX),
    CODEC_ROW_STR(spec_tmpfs, options, 0, spec_check_tmpfs_options),
};
static const struct codec tmpfs_codec = CODEC_OF(spec_tmpfs, tmpfs_rows, STRICT, .cmp = tmpfs_cmp);

static const struct codec_field device_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_device, source, 0, spec_check_abs_path),
    CODEC_ROW_STR_REQUIRED(spec_device, target, 0, spec_check_abs_path),
    CODEC_ROW_STR_REQUIRED(spec_device, permissions, 0, spec_check_device_permissions),
};
static const struct codec device_codec = CODEC_OF(spec_device, device_rows, STRICT, .cmp = device_cmp);

static const struct codec_field host_rows[] = {
    CODEC_ROW_STR_REQUIRED(spec_host, name, 0, spec_check_host_name),
    CODEC_ROW_STR_REQUIRED(spec_host, address, 0, spec_check_host_address),
};
static const struct codec host_codec = CODEC_OF(spec_host, host_rows, STRICT, .cmp = host_cmp);

static const struct codec_field security_rows[] = {
    CODEC_ROW_BOOL(spec_security, no_new_privileges),
    CODEC_ROW_BOOL(spec_security, seccomp_unconfined),
    CODEC_ROW_BOOL(spec_security, systempaths_unconfined),
    CODEC_ROW_STR(spec_security, seccomp, SPEC_SECCOMP_MAX, spec_check_seccomp),
    CODEC_ROW_STR(spec_security, apparmor, 0, spec_check_token),
    CODEC_ROW(spec_security, label, CODEC_STRV, .set = true, .check = spec_check_security_label),
};
static const struct codec security_codec = CODEC_OF(spec_security, security_rows, STRICT);

static const struct codec_field logging_rows[] = {
    CODEC_ROW_STR(spec_logging, driver, 0, spec_check_driver),
    CODEC_ROW(spec_logging, options, CODEC_PAIRS, .check = spec_check_text, .check_key = spec_check_option),
};
static const struct codec logging_codec = CODEC_OF(spec_logging, logging_rows, STRICT);

static const struct codec_field container_rows[] = {
    STR(user, spec_check_user),
    STR(working_dir, spec_check_working_dir),
    SET(group_add, spec_check_group),
    BOOL(init),
    BOOL(tty),
    BOOL(stdin_open),
    STR(hostname, spec_check_hostname),
    STR(domainname, spec_check_hostname),
    LISTED(dns, spec_check_dns),
    LISTED(dns_search, spec_check_dns_search),
    SET(dns_opt, spec_check_token),
    ROW(extra_hosts, CODEC_LIST, .sub = &host_codec),
    BOOL(read_only),
    ROW(tmpfs, CODEC_LIST, .sub = &tmpfs_codec),
    ROW(shm_size, CODEC_INT64, .max = SPEC_MEMORY_MAX),
    ROW(memswap_limit, CODEC_INT64, .min = -1, .max = SPEC_MEMORY_MAX),
    ROW(cpu_shares, CODEC_INT, .max = SPEC_CPU_SHARES_MAX),
    STR(cpuset, spec_check_cpuset),
    ROW(oom_score_adj, CODEC_INT, .min = -SPEC_OOM_SCORE_MAX, .max = SPEC_OOM_SCORE_MAX),
    ROW(ulimits, CODEC_LIST, .sub = &ulimit_codec),
    ROW(sysctls, CODEC_PAIRS, .check = spec_check_text, .check_key = spec_check_sysctl),
    ROW(annotations, CODEC_PAIRS, .check = spec_check_text, .check_key = spec_check_label_key),
    BOOL(privileged),
    SET(cap_add, spec_check_cap),
    SET(cap_drop, spec_check_cap),
    ROW(security, CODEC_STRUCT, .sub = &security_codec),
    ROW(devices, CODEC_LIST, .sub = &device_codec),
    SET(device_cgroup_rules, spec_check_device_rule),
    STR(ipc, spec_check_ipc),
    STR(pid, spec_check_server_only),
    STR(uts, spec_check_server_only),
    STR(userns, spec_check_server_only),
    STR(cgroup, spec_check_cgroup),
    STR(runtime, spec_check_driver),
    ROW(logging, CODEC_STRUCT, .sub = &logging_codec),
};
const struct codec spec_container_codec = CODEC_OF(spec_container, container_rows, STRICT);
