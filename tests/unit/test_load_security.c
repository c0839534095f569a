/* Seccomp profiles that a file names: read with it, checked, and part of what is stored. */
#include "tests/unit/load_files.h"

#include "specs/check_rights.h"

#define PROFILE                                                                                              \
    "{\n  \"defaultAction\": \"SCMP_ACT_ALLOW\",\n  \"syscalls\": [{\"names\": [\"reboot\"], \"action\": "   \
    "\"SCMP_ACT_ERRNO\"}]\n}\n"
#define STORED                                                                                               \
    ",\"container\":{\"security\":{\"no_new_privileges\":true,\"seccomp\":\"{\\\"defaultAction\\\":"         \
    "\\\"SCMP_ACT_ALLOW\\\",\\\"syscalls\\\":[{\\\"names\\\":[\\\"reboot\\\"],\\\"action\\\":"               \
    "\\\"SCMP_ACT_ERRNO\\\"}]}\"}}"

static void test_load_security__a_profile_is_read_beside_the_file_that_names_it(void **state)
{
    static const char *const options[] = {"seccomp=p/one.json", "'seccomp:p/one.json'",
                                          "seccomp=./p/../p/one.json"};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(options); i++) {
        orc_auto_free char *base = orc_printf("services: {base: {image: a, security_opt: [%s, "
                                              "no-new-privileges]}}\n",
                                              options[i]);
        const struct load_story s = {.files = {{"d/c.yaml", "services: {web: {extends: {service: base, file: "
                                                            "e/base.yaml}}}\n"},
                                               {"d/e/base.yaml", base},
                                               {"d/e/p/one.json", PROFILE}}};

        assert_told(&s, "shop\n{\"name\":\"web\",\"image\":\"a\"" STORED "}\n");
    }
}

static void test_load_security__two_services_may_name_one(void **state)
{
    const struct load_story s = {.files = {{"c.yaml", "services:\n"
                                                      "  a: &a {image: a, security_opt: [no-new-privileges, "
                                                      "'seccomp=${FILE}']}\n"
                                                      "  b: *a\n"},
                                           {"one.json", PROFILE}},
                                 .variables = {"FILE=one.json"}};

    assert_told(&s, "shop\n{\"name\":\"a\",\"image\":\"a\"" STORED "}\n{\"name\":\"b\",\"image\":\"a\"" STORED
                    "}\n");
}

static void test_load_security__what_is_no_profile(void **state)
{
    orc_auto_free char *long_text = orc_calloc(SPEC_SECCOMP_MAX + 2, 1);
    const struct {
        const char *text, *said;
    } cases[] = {
        {NULL, "c.yaml:1:49: one.json: there is no such file\n"},
        {"no JSON", "c.yaml:1:49: security_opt: seccomp is \"no JSON\"; give"},
        {"[]", "c.yaml:1:49: security_opt: seccomp is \"[]\"; give \"unconfined\", a file"},
        {"{", "c.yaml:1:49: security_opt: the seccomp profile: "},
        {"\n {}", "c.yaml:1:49: security_opt: the seccomp profile has no \"defaultAction\""},
        {"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"name\": \"rebot\"}]}",
         "c.yaml:1:49: security_opt: the seccomp profile names the syscall \"rebot\""},
        {long_text,
         "c.yaml:1:49: one.json is no seccomp profile: that is a JSON object of at most 131072 bytes\n"},
    };

    memset(long_text, ' ', SPEC_SECCOMP_MAX + 1);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(cases); i++) {
        const struct load_story s = {
            .files = {{"c.yaml", "services: {web: {image: a, security_opt: [      seccomp=one.json]}}\n"},
                      {cases[i].text ? "one.json" : NULL, cases[i].text}}};
        orc_auto_free char *told = story_told(&s);

        if (strncmp(told, cases[i].said, strlen(cases[i].said)) != 0)
            fail_msg("%s", told);
    }
}

/* Each time that it is named it is text of the whole. */
static void test_load_security__profiles_are_bounded_together(void **state)
{
    orc_auto_free char *profile = orc_calloc(SPEC_SECCOMP_MAX + 1, 1), *told = NULL;
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);
    orc_auto_free char *yaml = NULL;

    memset(profile, ' ', SPEC_SECCOMP_MAX);
    memcpy(profile, "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", 34);
    orc_buf_puts(&b, "services:\n");
    for (int i = 0; i < 200; i++)
        orc_buf_printf(&b, "  s%d: {image: a, security_opt: [seccomp=one.json]}\n", i);
    yaml = orc_buf_take(&b);
    {
        const struct load_story s = {.files = {{"c.yaml", yaml}, {"one.json", profile}}};

        told = story_told(&s);
    }
    assert_non_null(strstr(told, "there are more than 4 MiB of seccomp profiles up to here"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_security__a_profile_is_read_beside_the_file_that_names_it),
        cmocka_unit_test(test_load_security__two_services_may_name_one),
        cmocka_unit_test(test_load_security__what_is_no_profile),
        cmocka_unit_test(test_load_security__profiles_are_bounded_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
