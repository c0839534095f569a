/* packing.c - how well binpack fills clusters, against what others would do. Prints the table of
 * docs/benchmarks.md.
 *
 *   bench-packing [--cases]
 */
#include "tests/bench/packing.h"

#define BUDGET 20000000 /* nodes of the search tree: enough for the small ones ... */
#define CUT_OFF 1000000 /* ... where the others are given up */

enum { ORC, SPREAD, FIRST_FIT, BEST_FIT, LEAST, EXACT, METHODS };
static const char *const names[METHODS] = {"orc, binpack",        "orc, spread",     "first-fit",
                                           "best-fit-decreasing", "least-allocated", "branch and bound"};

struct sum { /* over the cases of one load */
    double worth[METHODS], ratio[METHODS], least[METHODS];
    int opened[METHODS], cases, exact;
};

static void run_all(const struct pack_case *k, struct pack_result r[METHODS])
{
    r[ORC] = pack_orc(k, SPEC_BINPACK);
    r[SPREAD] = pack_orc(k, SPEC_SPREAD);
    r[FIRST_FIT] = pack_heuristic(k, PACK_FIRST, false);
    r[BEST_FIT] = pack_heuristic(k, PACK_FULLEST, true);
    r[LEAST] = pack_heuristic(k, PACK_EMPTIEST, false);
    r[EXACT] = pack_exact(k, k->small ? BUDGET : CUT_OFF);
}

static void add(struct sum *s, const struct pack_case *k, const struct pack_result r[METHODS])
{
    double best = 0;

    for (int i = 0; i < METHODS; i++)
        if (r[i].worth > best)
            best = r[i].worth;
    for (int i = 0; i < METHODS; i++) {
        double ratio = r[i].worth / best;

        s->worth[i] += r[i].worth;
        s->ratio[i] += ratio;
        s->opened[i] += r[i].opened;
        if (!s->cases || ratio < s->least[i])
            s->least[i] = ratio;
    }
    s->cases++;
    s->exact += r[EXACT].exact;
}

static void print_case(const struct pack_case *k, const struct pack_result r[METHODS])
{
    printf("case %2d load %.2f nodes %2d services %3d replicas %4d:", k->number, k->load, k->nodes,
           k->services, k->items);
    for (int i = 0; i < METHODS; i++)
        printf(" %.4f/%d%s", r[i].worth, r[i].opened, r[i].exact ? "!" : "");
    putchar('\n');
}

static void print_sum(const struct sum *s, double load)
{
    for (int i = 0; i < METHODS; i++) {
        printf("| %.2f | %s | %.1f | %.2f | %.2f | %.1f |\n", load, names[i], 100 * s->worth[i] / s->cases,
               100 * s->ratio[i] / s->cases, 100 * s->least[i], (double)s->opened[i] / s->cases);
    }
}

int main(int argc, char **argv)
{
    static const double loads[PACK_LOADS] = {0.7, 0.95, 1.2};
    bool list = argc > 1 && strcmp(argv[1], "--cases") == 0;
    int exact = 0, cases = 0;

    puts("| load | method | of the cluster in use, % | of the best known, mean % | worst % | servers in use "
         "|");
    puts("|---|---|---|---|---|---|");
    for (int l = 0; l < PACK_LOADS; l++) {
        struct sum s = {0};

        for (int i = 0; i < PACK_CLUSTERS; i++) {
            static struct pack_case k;
            struct pack_result r[METHODS];

            pack_case(i, loads[l], &k);
            run_all(&k, r);
            add(&s, &k, r);
            if (list)
                print_case(&k, r);
        }
        print_sum(&s, loads[l]);
        exact += s.exact;
        cases += s.cases;
    }
    printf("\nThe search was carried to its end in %d of %d cases.\n", exact, cases);
    return 0;
}
