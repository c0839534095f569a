#include "gateway/files.h"

#include "lib/buf.h"
#include "lib/embed.h"
#include "lib/file.h"
#include "lib/mem.h"

#include <sys/stat.h>

ORC_EMBED(gw_file_shm, "gateway/lua/orc_shm.lua");
ORC_EMBED(gw_file_table, "gateway/lua/orc_table.lua");
ORC_EMBED(gw_file_balancer, "gateway/lua/orc_balancer.lua");
ORC_EMBED(gw_file_control, "gateway/lua/orc_control.lua");

#define N_FILES 4

const struct gw_file *gw_files(size_t *ret_n)
{
    static struct gw_file files[N_FILES + 1];

    files[0] = (struct gw_file){"orc_shm.lua", gw_file_shm, (size_t)(gw_file_shm_end - gw_file_shm)};
    files[1] = (struct gw_file){"orc_table.lua", gw_file_table, (size_t)(gw_file_table_end - gw_file_table)};
    files[2] = (struct gw_file){"orc_balancer.lua", gw_file_balancer,
                                (size_t)(gw_file_balancer_end - gw_file_balancer)};
    files[3] =
        (struct gw_file){"orc_control.lua", gw_file_control, (size_t)(gw_file_control_end - gw_file_control)};
    if (ret_n)
        *ret_n = N_FILES;
    return files;
}

void gw_files_digest(char ret[ORC_SHA256_HEX])
{
    struct orc_buf all = ORC_BUF_INIT(1u << 20);

    for (const struct gw_file *f = gw_files(NULL); f->name; f++)
        orc_buf_add(&all, f->data, f->n);
    orc_sha256_hex(all.data, all.len, ret);
    orc_buf_release(&all);
}

static int install(const char *dir, const struct gw_file *f, struct orc_err *err)
{
    orc_auto_free char *path = orc_printf("%s/lua/%s", dir, f->name);
    orc_auto_free char *old = NULL;
    size_t n = 0;

    if (orc_file_read(path, 1u << 20, &old, &n, NULL) == 0 && n == f->n && memcmp(old, f->data, n) == 0)
        return 0;
    return orc_file_write(path, f->data, f->n, 0644, err);
}

int gw_files_install(const char *dir, struct orc_err *err)
{
    static const struct {
        const char *name;
        mode_t mode;
    } folders[] = {{"", 0755}, {"/lua", 0755}, {"/tmp", 0755}, {"/control", 0700}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(folders); i++) {
        orc_auto_free char *path = orc_printf("%s%s", dir, folders[i].name);
        int r = orc_file_mkdirs(path, err);

        if (r < 0)
            return r;
        if (chmod(path, folders[i].mode) < 0)
            return orc_fail_errno(err, errno, "setting the mode of %s", path);
    }
    for (const struct gw_file *f = gw_files(NULL); f->name; f++) {
        int r = install(dir, f, err);

        if (r < 0)
            return r;
    }
    return 0;
}
