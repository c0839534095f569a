#include "nodelet/strain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Per mille: begins at, is over below. Disk: of what is in use, so that 95 % begins. */
static const struct {
    const char *name;
    bool keeps_off;
    int begins, over;
} kinds[STRAIN_KINDS] = {[STRAIN_STEAL] = {"steal", false, 200, 100},
                         [STRAIN_MEMORY] = {"memory", false, 200, 50},
                         [STRAIN_DISK] = {"disk", true, 950, 900}};

const char *strain_name(enum strain_kind k)
{
    return kinds[k].name;
}

bool strain_keeps_off(enum strain_kind k)
{
    return kinds[k].keeps_off;
}

static bool look(struct strain *s, enum strain_kind k, int per_mille)
{
    bool on = s->of[k].on;
    bool against = on ? per_mille < kinds[k].over : per_mille >= kinds[k].begins;

    s->of[k].per_mille = per_mille;
    s->of[k].streak = against ? s->of[k].streak + 1 : 0;
    if (s->of[k].streak < (on ? STRAIN_ENDS : STRAIN_BEGINS))
        return false;
    s->of[k].on = !on;
    s->of[k].streak = 0;
    return true;
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice": proc(5). Guest time is in user's.
 */
bool strain_cpu(struct strain *s, const char *proc_stat)
{
    uint64_t total = 0, steal = 0, before = s->total, stolen;
    const char *p = proc_stat;
    char *end;

    if (strncmp(p, "cpu ", 4) != 0)
        return false;
    p += 4;
    for (int i = 0; i < 8; i++, p = end) {
        uint64_t n = strtoull(p, &end, 10);

        if (end == p)
            return false;
        total += n;
        steal = n; /* the eighth stays */
    }
    stolen = steal - s->steal;
    s->steal = steal;
    s->total = total;
    if (!before || total <= before ||
        stolen > total - before) /* the first look, or counters that went back */
        return false;
    return look(s, STRAIN_STEAL, (int)(stolen * 1000 / (total - before)));
}

/* "some avg10=0.00 avg60=1.53 avg300=0.87 total=58761459": Documentation/accounting/psi.rst. */
bool strain_memory(struct strain *s, const char *proc_pressure_memory)
{
    const char *at = strstr(proc_pressure_memory, "some "), *avg = at ? strstr(at, "avg60=") : NULL;
    double per_cent = avg ? strtod(avg + 6, NULL) : -1;

    if (!(per_cent >= 0 && per_cent <= 100))
        return false;
    return look(s, STRAIN_MEMORY, (int)(per_cent * 10));
}

bool strain_disk(struct strain *s, uint64_t free_bytes, uint64_t all_bytes)
{
    int used;

    if (!all_bytes || free_bytes > all_bytes)
        return false;
    used = (int)(1000 - (uint64_t)((double)free_bytes / (double)all_bytes * 1000));
    if (free_bytes >= STRAIN_DISK_ENOUGH && used >= kinds[STRAIN_DISK].over)
        used = kinds[STRAIN_DISK].over - 1;
    return look(s, STRAIN_DISK, used);
}

const char *strain_text(const struct strain *s, enum strain_kind k, const char *where,
                        char ret[STRAIN_TEXT_MAX])
{
    int per_mille = s->of[k].per_mille;

    ret[0] = '\0';
    if (!s->of[k].on)
        return ret;
    if (k == STRAIN_STEAL)
        snprintf(ret, STRAIN_TEXT_MAX, "%d %% of its CPU time is taken by its host", per_mille / 10);
    else if (k == STRAIN_MEMORY)
        snprintf(ret, STRAIN_TEXT_MAX, "%d %% of the time something waits for memory", per_mille / 10);
    else
        snprintf(ret, STRAIN_TEXT_MAX, "%d %% of the disk of %.100s is in use, %d %% is the most",
                 per_mille / 10, where, kinds[k].begins / 10);
    return ret;
}
