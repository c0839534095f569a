/* Any bytes as a service file, and as a stored service. A libFuzzer target (clang's
 * -fsanitize=fuzzer); with files as arguments it runs those alone.
 *
 * Beside memory faults it looks for broken promises: an app or complaints, never both; what the parser
 * accepts the reader of stored JSON accepts, and it comes out the same. */
#include "specs/load.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void promise(bool kept, const char *what, const char *detail)
{
    if (kept)
        return;
    fprintf(stderr, "broken promise: %s: %s\n", what, detail);
    abort();
}

static void check_service(const struct spec_service *s)
{
    orc_auto_free char *text = spec_service_text(s), *again = NULL;
    struct orc_err err = ORC_ERR_INIT;
    orc_auto_json json_t *reread = orc_json_parse(text, strlen(text), &err);
    orc_auto(spec_service_free_p) struct spec_service *back = NULL;

    promise(reread != NULL, "the JSON form can be parsed", err.msg);
    back = spec_service_from_json(reread, &err);
    promise(back != NULL, "an accepted service can be read back", err.msg);
    again = spec_service_text(back);
    promise(strcmp(text, again) == 0, "JSON loses nothing", text);
}

static void try_yaml(const char *text, size_t n)
{
    struct spec_problems problems = {0};
    orc_auto(spec_app_free_p) struct spec_app *app = NULL;
    int r = spec_parse(text, n, "fuzz", &app, &problems);

    promise((r == 0) == (app != NULL) && (r == 0) == (problems.n == 0), "an app or complaints", "");
    for (size_t i = 0; i < problems.n; i++)
        promise(problems.at[i].line > 0 && problems.at[i].column > 0, "a complaint has a place",
                problems.at[i].text);
    for (size_t i = 0; app && i < app->services.n; i++)
        check_service(app->services.at[i]);
    spec_problems_release(&problems);
}

static void try_json(const char *text, size_t n)
{
    orc_auto_json json_t *j = orc_json_parse(text, n, NULL);
    orc_auto(spec_service_free_p) struct spec_service *s = j ? spec_service_from_json(j, NULL) : NULL;

    if (s)
        check_service(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *text = malloc(n + 1); /* of exactly this size, so that a step too far is seen */

    if (!text)
        return 0;
    memcpy(text, data, n);
    text[n] = '\0';
    try_yaml(text, n);
    if (n > 0 && text[0] == '{')
        try_json(text, n);
    free(text);
    return 0;
}
