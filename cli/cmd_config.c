/* cmd_config.c - `orc config FILE`: the file as orc understands it, every default and spelling decided. Needs
 * no cluster. Its options are also those of `docker compose config`, for scripts that were written for it. */
#include "cli/app_file.h"
#include "cli/cmd.h"
#include "specs/compose.h"

struct config_args {
    struct session_args session; /* but for the cluster */
    struct app_file_args file;
    bool services, images, volumes;
};

static void print_keys(const json_t *map)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)map, key, value) puts(key);
}

static void print_images(const json_t *services)
{
    const char *key;
    json_t *service;

    json_object_foreach((json_t *)services, key, service)
        puts(json_string_value(json_object_get(service, "image")));
}

static void print(const struct config_args *a, const struct spec_app *app)
{
    bool json = orc_streq(a->session.output, "json");
    orc_auto_json json_t *j = spec_app_to_compose(app, json ? COMPOSE_PROGRAMS : COMPOSE_PEOPLE);

    if (a->services)
        print_keys(json_object_get(j, "services"));
    if (a->volumes)
        print_keys(json_object_get(j, "volumes"));
    if (a->images)
        print_images(json_object_get(j, "services"));
    if (!a->services && !a->volumes && !a->images && !a->session.quiet)
        out_json(orc_take(j));
}

static int run(const struct config_args *a, struct orc_err *err)
{
    orc_auto(app_file_release) struct app_file file = {0};
    enum out_form form;
    struct out o;

    if (out_form_from_name(a->session.output, false, &form, err) < 0)
        return CLI_USAGE;
    if (app_file_read(&a->file, &a->session, &file, err) < 0)
        return CLI_USAGE;
    out_init(&o, form == OUT_TEXT ? OUT_YAML : form, a->session.quiet);
    print(a, file.app);
    return CLI_DONE;
}

int cmd_config(int argc, char **argv)
{
    struct config_args a = {0};
    struct orc_strv words = {0};
    struct orc_err err = ORC_ERR_INIT;
    const struct orc_option table[] = {
        APP_FILE_OPTIONS(&a.file),
        {.name = "services", .kind = ORC_OPT_BOOL, .value = &a.services, .help = "only the services' names"},
        {.name = "images", .kind = ORC_OPT_BOOL, .value = &a.images, .help = "only the services' images"},
        {.name = "volumes", .kind = ORC_OPT_BOOL, .value = &a.volumes, .help = "only the volumes' names"},
        {.name = "output",
         .letter = 'o',
         .kind = ORC_OPT_STR,
         .value = &a.session.output,
         .meta = OUT_FORMS,
         .help = "json: as `docker compose config --format json` prints it; else YAML"},
        {.name = "format",
         .kind = ORC_OPT_STR,
         .value = &a.session.output,
         .meta = "yaml|json",
         .help = "the same, as Compose calls it"},
        {.name = "quiet",
         .letter = 'q',
         .kind = ORC_OPT_BOOL,
         .value = &a.session.quiet,
         .help = "only check the file"},
        {0},
    };
    int r = cmd_options(table, argc, argv, &words,
                        "orc config FILE [-f FILE ...] [-o json|yaml] [--services] [--images]",
                        "Prints a Compose file as orc understands it: every spelling the long one, what is "
                        "said in several places put together. Applied, the result means the same. Needs no "
                        "cluster.");

    if (r < 0) {
        r = app_file_args_take(&a.file, &words, "orc config", true, &err) < 0 ? CLI_USAGE : run(&a, &err);
        cmd_end(&a.session, r, &err, NULL);
    }
    orc_strv_release(&words);
    app_file_args_release(&a.file);
    session_args_release(&a.session);
    return r;
}
