/* order.h - comparisons that the orders of lists are made of: see the .cmp of a codec. Inside specs/ only. */
#ifndef SPECS_ORDER_H
#define SPECS_ORDER_H

#include "specs/spec.h"

static inline int spec_str_cmp(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "");
}

static inline int spec_num_cmp(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static inline int spec_pairs_cmp(const struct spec_pairs *a, const struct spec_pairs *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        int r = spec_str_cmp(a->at[i].key, b->at[i].key) ?: spec_str_cmp(a->at[i].value, b->at[i].value);

        if (r)
            return r;
    }
    return spec_num_cmp((int64_t)a->n, (int64_t)b->n);
}

#endif
