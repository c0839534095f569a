/* spec.c - how long a large service file takes from its text to the app, beside libyaml's own events of the
 * same text alone, which is the floor.
 *
 *   bench-spec SERVICES ROUNDS
 *
 * The file is service_file.h's. Prints one JSON object:
 * {"services":1000,"bytes":...,"ms":...,"yaml_ms":...,"peak_kib":...}, medians of the rounds taken in turn.
 */
#include "lib/units.h"
#include "specs/load.h"
#include "tests/bench/service_file.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <yaml.h>

#define ROUNDS_MAX 1000

static void die(const char *what)
{
    fprintf(stderr, "bench-spec: %s\n", what);
    exit(1);
}

static int read_it(void *arg, const char *path, bool named, size_t max, char **ret, size_t *ret_n,
                   struct orc_err *err)
{
    if (!named)
        return orc_fail(err, -ENOENT, "none");
    *ret = orc_strdup(arg);
    *ret_n = strlen(*ret);
    return 0;
}

static const char *variable(void *arg, const char *name)
{
    return strcmp(name, "PORT") == 0 ? "8080" : NULL;
}

static void load(char *text, int services)
{
    struct spec_problems problems = {0};
    struct spec_app *app = NULL;
    struct spec_load l = {.read = read_it, .variable = variable, .arg = text};

    orc_strv_add(&l.files, "bench.yaml");
    if (spec_load(&l, &app, &problems) < 0)
        die(problems.at[0].text);
    if (app->services.n != (size_t)services || problems.notices.n)
        die("the file was not read as it was meant");
    orc_strv_release(&l.files);
    spec_app_free(app);
}

static void read_events(const char *text)
{
    yaml_parser_t yaml;
    bool end = false;

    if (!yaml_parser_initialize(&yaml))
        die("out of memory");
    yaml_parser_set_input_string(&yaml, (const unsigned char *)text, strlen(text));
    while (!end) {
        yaml_event_t e;

        if (!yaml_parser_parse(&yaml, &e))
            die("libyaml does not read it");
        end = e.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&e);
    }
    yaml_parser_delete(&yaml);
}

static int cmp_doubles(const void *x, const void *y)
{
    const double *a = x, *b = y;

    return (*a > *b) - (*a < *b);
}

static double median(double *all, int n)
{
    qsort(all, (size_t)n, sizeof *all, cmp_doubles);
    return all[n / 2];
}

/* Processor time, which other work on the machine changes less. */
static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int main(int argc, char **argv)
{
    double ours[ROUNDS_MAX], floor[ROUNDS_MAX];
    int64_t services = 0, rounds = 0;
    orc_auto_free char *text = NULL;
    struct rusage usage;

    if (argc != 3 || orc_parse_int(argv[1], 2, SPEC_SERVICES_MAX, &services, NULL) < 0 ||
        orc_parse_int(argv[2], 1, ROUNDS_MAX, &rounds, NULL) < 0)
        die("usage: bench-spec SERVICES ROUNDS");
    text = service_file_text(&(struct service_file){"bench", (int)services, 3});
    for (int i = 0; i < rounds; i++) {
        double begun = now_ms(), between;

        load(text, (int)services);
        between = now_ms();
        read_events(text);
        ours[i] = between - begun;
        floor[i] = now_ms() - between;
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("{\"services\":%d,\"bytes\":%zu,\"ms\":%.2f,\"yaml_ms\":%.2f,\"peak_kib\":%ld}\n", (int)services,
           strlen(text), median(ours, (int)rounds), median(floor, (int)rounds), usage.ru_maxrss);
    return 0;
}
