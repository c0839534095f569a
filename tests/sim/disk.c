/* disk.c - stands in for the disk and for facts about the machine. Each process has a disk of its own, which
 * survives it; what a crashed process writes while its memory is given back is lost. */
#include "tests/sim/cluster.h"

#include "lib/file.h"
#include "lib/file_later.h"
#include "nodelet/host.h"
#include "nodelet/statedir.h"

#include <stdio.h>

/* ---- lib/file.h */

static struct sim_file *find(const char *path)
{
    struct sim_file *f = NULL;

    if (world.current)
        HASH_FIND_STR(world.current->disk, path, f);
    return f;
}

int orc_file_read(const char *path, size_t max, char **ret_data, size_t *ret_n, struct orc_err *err)
{
    const struct sim_file *f = find(path);

    if (!f)
        return orc_fail(err, -ENOENT, "%s is not there", path);
    if (strlen(f->text) > max)
        return orc_fail(err, -EFBIG, "%s is too large", path);
    *ret_data = orc_strdup(f->text);
    if (ret_n)
        *ret_n = strlen(f->text);
    return 0;
}

void sim_disk_put(struct sim_proc *p, const char *path, const char *text)
{
    struct sim_file *f = NULL;

    HASH_FIND_STR(p->disk, path, f);
    if (!f) {
        f = orc_new(struct sim_file);
        f->path = orc_strdup(path);
        HASH_ADD_KEYPTR(hh, p->disk, f->path, strlen(f->path), f);
    }
    orc_set_str(&f->text, text);
}

int orc_file_write(const char *path, const void *data, size_t n, mode_t mode, struct orc_err *err)
{
    orc_auto_free char *text = orc_strndup(data, n);

    if (world.current && !world.current->dying)
        sim_disk_put(world.current, path, text);
    return 0;
}

int orc_file_write_soon(const char *path, const void *data, size_t n, mode_t mode, struct orc_err *err)
{
    return orc_file_write(path, data, n, mode, err);
}

int orc_file_mkdirs(const char *path, struct orc_err *err)
{
    return 0;
}

void sim_disk_clear(struct sim_proc *p)
{
    struct sim_file *f, *next;

    HASH_ITER (hh, p->disk, f, next) {
        HASH_DEL(p->disk, f);
        free(f->path);
        free(f->text);
        free(f);
    }
}

/* ---- lib/file_later.h: written at once, told a little later */

struct orc_file_later {
    char *path;
    void (*on_written)(int r, const struct orc_err *err, void *arg);
    void *arg;
    struct sim_event told;
};

static void tell(void *arg)
{
    struct orc_file_later *f = arg;
    struct orc_err err = ORC_ERR_INIT;

    if (f->on_written)
        f->on_written(0, &err, f->arg);
}

struct orc_file_later *orc_file_later_new(uv_loop_t *loop, const char *path, mode_t mode,
                                          void (*on_written)(int r, const struct orc_err *err, void *arg),
                                          void *arg)
{
    struct orc_file_later *f = orc_new(struct orc_file_later);

    f->path = orc_strdup(path);
    f->on_written = on_written;
    f->arg = arg;
    sim_event_init(&f->told, world.current, tell, f);
    return f;
}

void orc_file_later_write(struct orc_file_later *f, const char *text)
{
    (void)orc_file_write(f->path, text, strlen(text), 0600, NULL);
    sim_event_in(&f->told, 1);
}

struct orc_file_later *orc_file_later_free(struct orc_file_later *f)
{
    if (!f)
        return NULL;
    sim_event_cancel(&f->told);
    free(f->path);
    free(f);
    return NULL;
}

/* ---- nodelet/statedir.h: the struct itself is what is kept */

static const char node_file[] = "node";

char *statedir_file(const struct statedir *s, const char *name)
{
    return orc_printf("%s/%s", s->path, name);
}

int statedir_open(struct statedir *s, const char *path, struct orc_err *err)
{
    const struct sim_file *f = find(node_file);
    char id[65] = "";
    long long lease;

    *s = (struct statedir){.path = orc_strdup(path), .lock = -1, .subnet = -1};
    if (f && sscanf(f->text, "%32s %lld %d %64s", s->instance, &lease, &s->subnet, id) >= 3) {
        s->lease = lease;
        s->cluster_id = *id ? orc_strdup(id) : NULL;
        return 0;
    }
    snprintf(s->instance, sizeof s->instance, "%016llx%016llx", (unsigned long long)sim_random(),
             (unsigned long long)sim_random());
    return statedir_save(s, err);
}

int statedir_save(struct statedir *s, struct orc_err *err)
{
    orc_auto_free char *text = orc_printf("%s %lld %d %s", s->instance, (long long)s->lease, s->subnet,
                                          s->cluster_id ? s->cluster_id : "");

    return orc_file_write(node_file, text, strlen(text), 0600, err);
}

void statedir_release(struct statedir *s)
{
    free(s->path);
    free(s->cluster_id);
    *s = (struct statedir){.lock = -1};
}

/* ---- nodelet/host.h */

void host_read(struct host *h, const char *root)
{
    const struct sim_node *n = world.current->node;

    *h = (struct host){.kernel = orc_strdup("6.1.0"),
                       .os = orc_strdup("linux"),
                       .arch = orc_strdup("amd64"),
                       .virt = orc_strdup("kvm"),
                       .machine_id = orc_printf("machine-%s", n->name),
                       .boot_id = orc_printf("boot%.0d-%s", n->boots, n->name),
                       .cpus_nano = n->capacity.cpus_nano,
                       .memory = n->capacity.memory};
}

void host_release(struct host *h)
{
    free(h->kernel);
    free(h->os);
    free(h->arch);
    free(h->virt);
    free(h->refused);
    free(h->machine_id);
    free(h->boot_id);
    *h = (struct host){0};
}
