#include "specs/check.h"

#include "lib/mem.h"
#include "specs/check_text.h"
#include "specs/spec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define QUOTE_MAX 60 /* bytes of a value shown in a message */

struct spec_quoted spec_quote(const char *s)
{
    struct spec_quoted q = {""};
    size_t n = strlen(s), cut = n > QUOTE_MAX ? QUOTE_MAX : n, at = 0;

    while (cut < n && cut > 0 && ((unsigned char)s[cut] & 0xc0) == 0x80)
        cut--;
    for (size_t i = 0; i < cut && at < sizeof q.text - 8; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '\n')
            at += (size_t)snprintf(q.text + at, 5, "\\n");
        else if (c < 0x20 || c == 0x7f)
            at += (size_t)snprintf(q.text + at, 5, "\\x%02x", c);
        else
            q.text[at++] = (char)c;
    }
    snprintf(q.text + at, sizeof q.text - at, "%s", cut < n ? "..." : "");
    return q;
}

static bool is_in(char c, const char *set)
{
    return c && strchr(set, c);
}

int spec_check_name(const char *what, const char *name, struct orc_err *err)
{
    size_t n = strlen(name);

    if (n == 0 || n > SPEC_NAME_MAX || !only(name, n, LOWER DIGIT "-") || name[0] == '-' ||
        name[n - 1] == '-')
        return orc_fail(err, -EINVAL,
                        "%s \"%s\" can't be used: names are 1 to %d lower-case letters, digits and hyphens, "
                        "with a letter or digit at both ends (they become DNS names)",
                        what, spec_quote(name).text, SPEC_NAME_MAX);
    return 0;
}

void spec_suggest_name(const char *name, char ret[SPEC_NAME_MAX + 1])
{
    size_t n = 0;

    for (; *name && n < SPEC_NAME_MAX; name++) {
        char c = (char)tolower((unsigned char)*name);

        if (is_in(c, LOWER DIGIT))
            ret[n++] = c;
        else if (n > 0 && ret[n - 1] != '-')
            ret[n++] = '-';
    }
    while (n > 0 && ret[n - 1] == '-')
        n--;
    ret[n] = '\0';
}

/* Image references ------------------------------------------------------------------------------------ */

static int bad_image(struct orc_err *err, const char *image, const char *why)
{
    return orc_fail(err, -EINVAL, "image \"%s\" is not valid: %s", spec_quote(image).text, why);
}

/* One path component: [a-z0-9]+ joined by ".", "_", "__" or any number of "-". */
static bool image_component(const char *s, size_t n)
{
    size_t i = 0;

    for (;;) {
        size_t start = i, sep;

        while (i < n && is_in(s[i], LOWER DIGIT))
            i++;
        if (i == start)
            return false;
        if (i == n)
            return true;
        sep = i;
        if (s[i] == '-')
            while (i < n && s[i] == '-')
                i++;
        else if (s[i] == '_')
            while (i < n && s[i] == '_' && i - sep < 2)
                i++;
        else if (s[i] == '.')
            i++;
        else
            return false;
    }
}

/* The registry: host name or address, with an optional port. */
static bool image_domain(const char *s, size_t n)
{
    const char *colon = memchr(s, ':', n);
    size_t host = colon ? (size_t)(colon - s) : n;
    long port = 0;

    if (colon) {
        size_t digits = n - host - 1;

        if (digits == 0 || digits > 5 || !only(colon + 1, digits, DIGIT))
            return false;
        port = strtol(colon + 1, NULL, 10);
        if (port < 1 || port > 65535)
            return false;
    }
    if (host == 0 || !only(s, host, ALNUM ".-") || memmem(s, host, "..", 2))
        return false;
    return is_in(s[0], ALNUM) && is_in(s[host - 1], ALNUM);
}

static int check_digest(const char *image, const char *digest, struct orc_err *err)
{
    static const struct {
        const char *prefix;
        size_t hex;
    } known[] = {{"sha256:", 64}, {"sha512:", 128}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(known); i++) {
        size_t n = strlen(known[i].prefix);

        if (strncmp(digest, known[i].prefix, n) != 0)
            continue;
        if (strlen(digest + n) != known[i].hex || !only(digest + n, known[i].hex, DIGIT "abcdef"))
            return bad_image(err, image,
                             "a digest is sha256: and 64, or sha512: and 128 lower-case hex digits");
        return 0;
    }
    return bad_image(err, image, "what follows \"@\" must be a digest, sha256:... or sha512:...");
}

static int check_tag(const char *image, const char *tag, size_t n, struct orc_err *err)
{
    if (n == 0 || n > 128 || !only(tag, n, ALNUM "_.-") || !is_in(tag[0], ALNUM "_"))
        return bad_image(
            err, image,
            "a tag is 1 to 128 letters, digits, \"_\", \".\" or \"-\", and begins with a letter, "
            "digit or \"_\"");
    return 0;
}

/* Has the part before the first slash the look of a registry? */
static bool looks_like_domain(const char *s, size_t n)
{
    return memchr(s, '.', n) || memchr(s, ':', n) || (n == 9 && memcmp(s, "localhost", 9) == 0);
}

static int check_image_name(const char *image, const char *s, size_t n, struct orc_err *err)
{
    const char *end = s + n, *slash = memchr(s, '/', n);

    if (n == 0 || n > 255)
        return bad_image(err, image, "a name is 1 to 255 bytes long, as in \"nginx:1.25\"");
    if (slash && looks_like_domain(s, (size_t)(slash - s))) {
        if (!image_domain(s, (size_t)(slash - s)))
            return bad_image(err, image,
                             "the registry must be a host name with an optional port, as in "
                             "\"registry.example.com:5000/app\"");
        s = slash + 1;
    }
    if (n == 64 && only(s, n, DIGIT "abcdef"))
        return bad_image(err, image, "64 hex digits are an image's id, not a name that servers can pull");
    while (s <= end) {
        const char *stop = memchr(s, '/', (size_t)(end - s));
        size_t len = (size_t)((stop ? stop : end) - s);

        for (size_t i = 0; i < len; i++)
            if (is_in(s[i], UPPER))
                return bad_image(err, image, "a name is in lower case");
        if (!image_component(s, len))
            return bad_image(
                err, image,
                "a name is made of lower-case letters and digits, with single \".\", \"_\", \"__\" "
                "or \"-\" between them and \"/\" between parts");
        s += len + 1;
    }
    return 0;
}

int spec_check_image(const char *image, struct orc_err *err)
{
    const char *at = strchr(image, '@');
    size_t n = at ? (size_t)(at - image) : strlen(image);
    const char *slash = memrchr(image, '/', n);
    const char *last = slash ? slash + 1 : image;
    const char *colon = memchr(last, ':', n - (size_t)(last - image));
    int r;

    if (at && (r = check_digest(image, at + 1, err)) < 0)
        return r;
    if (colon) {
        r = check_tag(image, colon + 1, n - (size_t)(colon + 1 - image), err);
        if (r < 0)
            return r;
        n = (size_t)(colon - image);
    }
    return check_image_name(image, image, n, err);
}

/* Hosts, paths ---------------------------------------------------------------------------------------- */

int spec_check_host(const char *host, struct orc_err *err)
{
    const char *s = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
    bool ok = strlen(host) <= 253;

    if (!*host)
        return 0;
    while (ok) {
        size_t n = strcspn(s, ".");

        ok = n >= 1 && n <= 63 && only(s, n, ALNUM "-") && s[0] != '-' && s[n - 1] != '-';
        s += n;
        if (!*s)
            break;
        s++;
    }
    if (!ok)
        return orc_fail(
            err, -EINVAL,
            "host \"%s\" is not valid: a host is letters, digits and hyphens between dots, such as "
            "\"shop.example.com\" or \"*.example.com\"",
            spec_quote(host).text);
    return 0;
}

int spec_check_route_path(const char *path, struct orc_err *err)
{
    const char *s = path;
    bool ok = *path == '/' && strlen(path) <= 512;

    while (ok && *s == '/') {
        size_t n = strcspn(++s, "/");

        ok = only(s, n, ALNUM "._~-") && !(n == 1 && *s == '.') && !(n == 2 && s[0] == '.' && s[1] == '.') &&
             (n > 0 || !*s);
        s += n;
    }
    if (!ok)
        return orc_fail(
            err, -EINVAL,
            "path \"%s\" is not valid: a route's path begins with \"/\" and is made of letters, digits "
            "and \"._~-\" between single slashes, without \"..\", such as \"/orders/\"",
            spec_quote(path).text);
    return 0;
}

int spec_check_health_path(const char *path, struct orc_err *err)
{
    bool ok = *path == '/' && strlen(path) <= 2048;

    for (const char *s = path; ok && *s; s++)
        ok = *s > 0x20 && *s < 0x7f && *s != '#';
    if (!ok)
        return orc_fail(
            err, -EINVAL,
            "path \"%s\" is not valid: the path of a health check begins with \"/\" and has neither "
            "spaces nor \"#\" in it, such as \"/health\"",
            spec_quote(path).text);
    return 0;
}

int spec_check_abs_path(const char *path, struct orc_err *err)
{
    const char *s = path;
    bool ok = *path == '/' && strlen(path) < 4096;

    for (const char *c = path; ok && *c; c++)
        ok = (unsigned char)*c >= 0x20 && *c != 0x7f && *c != ':' && *c != ',';
    while (ok && *s == '/') {
        size_t n = strcspn(++s, "/");

        ok = !(n == 2 && s[0] == '.' && s[1] == '.');
        s += n;
    }
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "\"%s\" is not valid: give an absolute path without \"..\", \":\", \",\" and control "
                        "characters, such as \"/var/lib/data\"",
                        spec_quote(path).text);
    return 0;
}

int spec_check_volume(const char *name, struct orc_err *err)
{
    size_t n = strlen(name);

    if (n == 0 || n > 64 || !only(name, n, ALNUM "_.-") || !is_in(name[0], ALNUM))
        return orc_fail(
            err, -EINVAL,
            "volume name \"%s\" can't be used: names are 1 to 64 letters, digits, \"_\", \".\" and "
            "\"-\", and begin with a letter or digit",
            spec_quote(name).text);
    return 0;
}

int spec_check_volume_name(const char *name, struct orc_err *err)
{
    size_t n = strlen(name);

    if (n < 2 || n > SPEC_VOLUME_NAME_MAX || !only(name, n, ALNUM "_.-") || !is_in(name[0], ALNUM))
        return orc_fail(err, -EINVAL,
                        "the engine can't call a volume \"%s\": names are 2 to %d letters, digits, \"_\", "
                        "\".\" and \"-\", and begin with a letter or digit",
                        spec_quote(name).text, SPEC_VOLUME_NAME_MAX);
    return 0;
}

/* Keys and short values ------------------------------------------------------------------------------- */

/* A name before a "=". */
static bool is_key(const char *key)
{
    size_t n = strlen(key);
    bool ok = n >= 1 && n <= 256;

    for (size_t i = 0; ok && i < n; i++)
        ok = (unsigned char)key[i] > 0x20 && key[i] != 0x7f && key[i] != '=';
    return ok;
}

int spec_check_env_key(const char *key, struct orc_err *err)
{
    if (!is_key(key))
        return orc_fail(
            err, -EINVAL,
            "variable name \"%s\" can't be used: names are 1 to 256 bytes without \"=\", spaces and "
            "control characters, such as \"LOG_LEVEL\"",
            spec_quote(key).text);
    return 0;
}

int spec_check_label_key(const char *key, struct orc_err *err)
{
    if (!is_key(key))
        return orc_fail(
            err, -EINVAL,
            "label \"%s\" can't be used: names are 1 to 256 bytes without \"=\", spaces and control "
            "characters, such as \"com.example.team\"",
            spec_quote(key).text);
    if (strncmp(key, "orc.", 4) == 0)
        return orc_fail(
            err, -EINVAL,
            "label \"%s\" can't be used: labels that begin with \"orc.\" are orc's own; use a prefix "
            "of yours, such as \"com.example.\"",
            spec_quote(key).text);
    return 0;
}

/* What a server can be told apart by. */
static int check_attribute(const char *what, const char *key, struct orc_err *err)
{
    static const char *const known[] = {"node.hostname", "node.id", "node.role", "node.platform.os",
                                        "node.platform.arch"};
    const char *label = strncmp(key, "node.labels.", 12) == 0     ? key + 12
                        : strncmp(key, "engine.labels.", 14) == 0 ? key + 14
                                                                  : NULL;
    size_t n = label ? strlen(label) : 0;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(known); i++)
        if (strcmp(key, known[i]) == 0)
            return 0;
    if (n < 1 || n > 128 || !only(label, n, ALNUM "._/-"))
        return orc_fail(
            err, -EINVAL,
            "%s \"%s\" is not supported; use node.labels.NAME, engine.labels.NAME, node.hostname, node.id, "
            "node.role, node.platform.os or node.platform.arch",
            what, spec_quote(key).text);
    return 0;
}

int spec_check_constraint_key(const char *key, struct orc_err *err)
{
    return check_attribute("constraint on", key, err);
}

int spec_check_spread_key(const char *key, struct orc_err *err)
{
    return check_attribute("spread over", key, err);
}

int spec_check_constraint_value(const char *value, struct orc_err *err)
{
    size_t n = strlen(value);
    bool ok = n >= 1 && n <= 256;

    for (size_t i = 0; ok && i < n; i++)
        ok = (unsigned char)value[i] > 0x20 && value[i] != 0x7f;
    if (!ok)
        return orc_fail(err, -EINVAL,
                        "constraint value \"%s\" can't be used: give 1 to 256 bytes without spaces, as in "
                        "\"node.labels.disk == ssd\"",
                        spec_quote(value).text);
    return 0;
}

int spec_check_ipv4(const char *ip, struct orc_err *err)
{
    struct in_addr addr;

    if (*ip && inet_pton(AF_INET, ip, &addr) != 1)
        return orc_fail(err, -EINVAL, "\"%s\" is not an IPv4 address, such as 127.0.0.1",
                        spec_quote(ip).text);
    return 0;
}

int spec_check_text(const char *text, struct orc_err *err)
{
    size_t n = strlen(text);

    if (n > SPEC_TEXT_MAX)
        return orc_fail(err, -EINVAL,
                        "the text has %zu bytes; a process can be given at most %d in one piece", n,
                        SPEC_TEXT_MAX);
    return 0;
}

/* Signals --------------------------------------------------------------------------------------------- */

static const struct {
    const char *name; /* without SIG */
    int number;
} signals[] = {
    {"ABRT", SIGABRT}, {"ALRM", SIGALRM},     {"BUS", SIGBUS},   {"CHLD", SIGCHLD}, {"CONT", SIGCONT},
    {"FPE", SIGFPE},   {"HUP", SIGHUP},       {"ILL", SIGILL},   {"INT", SIGINT},   {"IO", SIGIO},
    {"KILL", SIGKILL}, {"PIPE", SIGPIPE},     {"PROF", SIGPROF}, {"PWR", SIGPWR},   {"QUIT", SIGQUIT},
    {"SEGV", SIGSEGV}, {"STKFLT", SIGSTKFLT}, {"STOP", SIGSTOP}, {"SYS", SIGSYS},   {"TERM", SIGTERM},
    {"TRAP", SIGTRAP}, {"TSTP", SIGTSTP},     {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}, {"URG", SIGURG},
    {"USR1", SIGUSR1}, {"USR2", SIGUSR2},     {"VTALRM", 26},    {"WINCH", 28},     {"XCPU", SIGXCPU},
    {"XFSZ", SIGXFSZ},
};

/* "RTMIN+3", "RTMAX-1": the Engine knows RTMIN..RTMIN+15 and RTMAX-14..RTMAX. */
static bool is_real_time(const char *s)
{
    bool min = strncasecmp(s, "RTMIN", 5) == 0, max = strncasecmp(s, "RTMAX", 5) == 0;
    char *end = NULL;
    long n;

    if (!min && !max)
        return false;
    if (!s[5])
        return true;
    if (s[5] != (min ? '+' : '-') || !isdigit((unsigned char)s[6]))
        return false;
    n = strtol(s + 6, &end, 10);
    return !*end && n >= 1 && n <= (min ? 15 : 14) && s[6] != '0';
}

static char *real_time_name(const char *s)
{
    char *name = orc_printf("SIG%s", s);

    for (char *c = name; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return name;
}

int spec_signal(const char *s, char **ret_name, struct orc_err *err)
{
    const char *bare = strncasecmp(s, "SIG", 3) == 0 ? s + 3 : s;
    size_t digits = strlen(s);
    int number = digits >= 1 && digits <= 2 && only(s, digits, DIGIT) ? atoi(s) : -1;
    char *name = NULL;

    for (size_t i = 0; i < ORC_ARRAY_SIZE(signals) && !name; i++)
        if (strcasecmp(bare, signals[i].name) == 0 || number == signals[i].number)
            name = orc_printf("SIG%s", signals[i].name);
    if (!name && is_real_time(bare))
        name = real_time_name(bare);
    if (!name)
        return orc_fail(err, -EINVAL, "signal \"%s\" is not known; give a name such as SIGTERM or SIGQUIT",
                        spec_quote(s).text);
    if (ret_name)
        *ret_name = name;
    else
        free(name);
    return 0;
}

int spec_check_signal(const char *s, struct orc_err *err)
{
    orc_auto_free char *name = NULL;
    int r = spec_signal(s, &name, err);

    if (r < 0)
        return r;
    if (strcmp(s, name) != 0)
        return orc_fail(err, -EINVAL, "signal \"%s\" must be written %s", spec_quote(s).text, name);
    return 0;
}
