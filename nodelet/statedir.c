#include "nodelet/statedir.h"

#include "lib/file.h"
#include "lib/hash.h"
#include "lib/json.h"
#include "lib/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#define FILE_NAME "node.json"

char *statedir_file(const struct statedir *s, const char *name)
{
    return orc_printf("%s/%s", s->path, name);
}

static int lock(struct statedir *s, struct orc_err *err)
{
    orc_auto_free char *path = statedir_file(s, "lock");

    s->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock < 0)
        return orc_fail_errno(
            err, errno,
            "%s can't be opened; nodelet must be root, or be given a --state-dir that it may write to", path);
    if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
        return orc_fail(err, -EBUSY, "another nodelet runs with the folder %s; give each its own --state-dir",
                        s->path);
    return 0;
}

static int parse(struct statedir *s, const char *text, size_t n, struct orc_err *err)
{
    orc_auto_json json_t *j = orc_json_parse(text, n, err);
    orc_auto_free char *instance = NULL, *cluster = NULL;
    int64_t lease = 0, subnet = -1;

    if (!j || orc_json_str(j, "instance", STATEDIR_INSTANCE_MAX, &instance, err) < 0 ||
        orc_json_int_opt(j, "lease", 0, INT64_MAX, &lease, err) < 0 ||
        orc_json_int_opt(j, "subnet", -1, 1 << 24, &subnet, err) < 0 ||
        orc_json_str_opt(j, "cluster", 64, &cluster, err) < 0)
        return -EINVAL;
    if (strlen(instance) != STATEDIR_INSTANCE_MAX)
        return orc_fail(err, -EINVAL, "\"instance\": expected %d hex digits, got \"%s\"",
                        STATEDIR_INSTANCE_MAX, instance);
    snprintf(s->instance, sizeof s->instance, "%s", instance);
    s->lease = lease;
    s->subnet = (int)subnet;
    s->cluster_id = orc_take(cluster);
    return 0;
}

static int set_aside(struct statedir *s, const char *path, struct orc_err *err)
{
    orc_auto_free char *aside = orc_printf("%s.corrupt", path);

    (void)rename(path, aside);
    orc_wrap(err, "%s is corrupt, was renamed to %s, and nodelet goes on as a new instance", path, aside);
    (void)statedir_save(s, NULL);
    return STATEDIR_CORRUPT;
}

static int save_new(struct statedir *s, struct orc_err *err)
{
    if (statedir_save(s, err) == 0)
        return 0;
    orc_wrap(err,
             "who this node is can't be kept, and nodelet goes on without: if it is started anew before that "
             "is mended, it is another instance");
    return STATEDIR_UNSAVED;
}

int statedir_open(struct statedir *s, const char *path, struct orc_err *err)
{
    orc_auto_free char *file = NULL, *text = NULL;
    size_t n = 0;
    int r;

    *s = (struct statedir){.path = orc_strdup(path), .lock = -1, .subnet = -1};
    orc_random_hex(STATEDIR_INSTANCE_MAX, s->instance);
    r = orc_file_mkdirs(path, err);
    if (r == 0)
        r = lock(s, err);
    if (r < 0)
        return r;
    file = statedir_file(s, FILE_NAME);
    r = orc_file_read(file, 65536, &text, &n, err);
    if (r == -ENOENT)
        return save_new(s, err);
    if (r == 0)
        r = parse(s, text, n, err);
    return r == 0 ? 0 : set_aside(s, file, err);
}

int statedir_save(struct statedir *s, struct orc_err *err)
{
    orc_auto_free char *file = statedir_file(s, FILE_NAME), *text = NULL;
    orc_auto_json json_t *j = json_object();
    int r;

    orc_json_set_str(j, "instance", s->instance);
    json_object_set_new(j, "lease", json_integer(s->lease));
    json_object_set_new(j, "subnet", json_integer(s->subnet));
    orc_json_set_str(j, "cluster", s->cluster_id);
    text = orc_json_text(j);
    r = orc_file_write(file, text, strlen(text), 0600, err);
    s->unsaved = r < 0;
    return r;
}

void statedir_release(struct statedir *s)
{
    if (s->lock >= 0)
        close(s->lock);
    free(s->path);
    free(s->cluster_id);
    *s = (struct statedir){.lock = -1};
}
