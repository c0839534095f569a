#include "cli/draw.h"

#include <stdio.h>

bool draw_is_wanted(const struct out *o)
{
    return o->live && !o->json && !o->quiet;
}

void draw_picture(const struct out *o, const struct live *l, struct draw *d)
{
    if (d->lines)
        printf("\033[%zuA", d->lines);
    for (size_t i = 0; i < l->n; i++)
        printf("\r\033[2K%s%s%s\n", out_begin(o, l->at[i].style), l->at[i].text, out_end(o, l->at[i].style));
    printf("\033[J");
    fflush(stdout);
    d->lines = l->n;
}
