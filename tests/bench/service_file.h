/* service_file.h - a large service file as people write them, for bench-spec and bench-plan.
 *
 * Half of the services are written out, half extend the first; all have variables (TAG, LEVEL with defaults,
 * PORT without one), labels, a scratch mount, limits, a check and another service to start after; one in
 * twenty has a volume of its own. Everything is static.
 */
#ifndef TESTS_BENCH_SERVICE_FILE_H
#define TESTS_BENCH_SERVICE_FILE_H

#include "lib/buf.h"

#define SERVICE_FILE_MOST (64 * 1024 * 1024)

struct service_file {
    const char *name; /* the app's */
    int services, replicas;
};

static bool service_file_keeps_data(int i)
{
    return i % 20 == 4;
}

static void service_file_add_own(struct orc_buf *b, const struct service_file *f, int i)
{
    orc_buf_printf(b, "    image: registry.example.com/team/s%d:${TAG:-1.2.3}\n", i);
    orc_buf_puts(b, "    command: [\"serve\", \"--port\", \"${PORT}\"]\n");
    if (service_file_keeps_data(i))
        orc_buf_printf(b, "    volumes: [\"d%d:/var/lib/app\"]\n", i);
    else
        orc_buf_puts(b, "    volumes: [{type: tmpfs, target: /var/lib/app}]\n");
    orc_buf_printf(b,
                   "    deploy:\n      replicas: %d\n      resources:\n"
                   "        limits: {cpus: '0.25', memory: 64M}\n"
                   "      update_config: {parallelism: 1, order: start-first, failure_action: rollback}\n"
                   "    x-orc: {health: {http: {path: /health, port: 8080}, interval: 2s}}\n",
                   f->replicas);
}

static void service_file_add(struct orc_buf *b, const struct service_file *f, int i)
{
    orc_buf_printf(b, "  s%d:\n", i);
    if (i % 2)
        orc_buf_puts(b, "    extends: s0\n");
    else
        service_file_add_own(b, f, i);
    orc_buf_printf(b, "    environment: {NAME: s%d, LEVEL: \"${LEVEL:-info}\", PRICE: 10 $$}\n", i);
    orc_buf_printf(b, "    labels: {com.example.team: shop, com.example.n: \"%d\"}\n", i);
    if (i > 1)
        orc_buf_printf(b, "    depends_on: [s%d]\n", i / 2);
}

/* Freed by the caller. */
static char *service_file_text(const struct service_file *f)
{
    struct orc_buf b = ORC_BUF_INIT(SERVICE_FILE_MOST);

    orc_buf_printf(&b, "name: %s\nvolumes:\n", f->name);
    for (int i = 0; i < f->services; i++)
        if (service_file_keeps_data(i))
            orc_buf_printf(&b, "  d%d:\n", i);
    orc_buf_puts(&b, "services:\n");
    for (int i = 0; i < f->services; i++)
        service_file_add(&b, f, i);
    return orc_buf_take(&b);
}

#endif
