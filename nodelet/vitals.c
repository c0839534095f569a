#include "nodelet/vitals.h"

#include "lib/file.h"
#include "lib/mem.h"
#include "nodelet/strain.h"
#include "state/timer.h"

#include <string.h>
#include <sys/statvfs.h>

#define PROC_MOST                                                                                            \
    (1024 * 1024) /* bytes of a file of /proc: the first line of stat, with a line for each CPU after */

struct vitals {
    struct vitals_opts opts;
    struct timer *timer;
    struct docker_call *call;
    struct strain strain;
    char *root; /* the engine's data; NULL: not known */
};

static void tell(struct vitals *v, enum strain_kind k)
{
    bool on = v->strain.of[k].on, off = strain_keeps_off(k);
    char text[STRAIN_TEXT_MAX];

    strain_text(&v->strain, k, v->root ? v->root : "", text);
    v->opts.on_condition(strain_name(k), !(on && off), on && !off, text, v->opts.arg);
}

static void look_at(struct vitals *v, const char *path, bool (*look)(struct strain *, const char *),
                    enum strain_kind k)
{
    orc_auto_free char *text = NULL;

    if (orc_file_read(path, PROC_MOST, &text, NULL, NULL) == 0 && look(&v->strain, text))
        tell(v, k);
}

static void look(void *arg)
{
    struct vitals *v = arg;
    struct statvfs fs;

    look_at(v, "/proc/stat", strain_cpu, STRAIN_STEAL);
    look_at(v, "/proc/pressure/memory", strain_memory, STRAIN_MEMORY); /* not there: the kernel has no PSI */
    if (v->root && statvfs(v->root, &fs) == 0 &&
        strain_disk(&v->strain, (uint64_t)fs.f_bavail * fs.f_frsize, (uint64_t)fs.f_blocks * fs.f_frsize))
        tell(v, STRAIN_DISK);
    timer_start(v->timer, STRAIN_LOOK_MS);
}

/* "k=v", as the engine's configuration has them. */
static void take_labels(struct vitals *v, const json_t *labels)
{
    struct spec_pairs pairs = {0};
    const json_t *one;
    size_t i;

    json_array_foreach(labels, i, one)
    {
        const char *text = json_string_value(one), *is = text ? strchr(text, '=') : NULL;
        orc_auto_free char *key = is ? orc_strndup(text, (size_t)(is - text)) : NULL;

        if (key && *key && strlen(key) <= 256 && pairs.n < 100)
            spec_pairs_add(&pairs, key, is + 1);
    }
    v->opts.on_labels(&pairs, v->opts.arg);
    spec_pairs_release(&pairs);
}

static void on_info(const struct docker_res *res, void *arg)
{
    struct vitals *v = arg;
    const char *root;

    v->call = NULL;
    if (res->kind != DOCKER_OK || !res->json)
        return; /* when it comes up again */
    root = json_string_value(json_object_get(res->json, "DockerRootDir"));
    orc_set_str(&v->root, root && *root == '/' ? root : NULL);
    take_labels(v, json_object_get(res->json, "Labels"));
}

void vitals_engine(struct vitals *v, bool up)
{
    if (up && !v->call)
        v->call =
            docker_request(v->opts.docker, &(struct docker_req){.path = "/info", .cb = on_info, .arg = v});
}

struct vitals *vitals_new(const struct vitals_opts *opts)
{
    struct vitals *v = orc_new(struct vitals);

    v->opts = *opts;
    v->timer = timer_new(opts->loop, look, v);
    timer_start(v->timer, 0);
    return v;
}

struct vitals *vitals_free(struct vitals *v)
{
    if (!v)
        return NULL;
    if (v->call)
        docker_cancel(v->call);
    timer_free(v->timer);
    free(v->root);
    free(v);
    return NULL;
}
