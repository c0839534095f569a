/* extra_hosts: lines of /etc/hosts, as a list of "NAME:ADDRESS" or "NAME=ADDRESS", or as a mapping. */
#include "specs/check.h"
#include "specs/check_container.h"
#include "specs/parse_service.h"

#include <string.h>

/* "[::1]" is "::1". */
static void add_host(struct spec_reader *r, const struct spec_node *at, const char *name, const char *address,
                     struct spec_container *c)
{
    size_t n = strlen(address);
    bool wrapped = n > 2 && address[0] == '[' && address[n - 1] == ']';
    orc_auto_free char *bare = wrapped ? orc_strndup(address + 1, n - 2) : orc_strdup(address);
    struct orc_err err = ORC_ERR_INIT;

    if (spec_check_host_name(name, &err) < 0 || spec_check_host_address(bare, &err) < 0)
        spec_say(r, at, "extra_hosts: %s", err.msg);
    else
        *orc_vec_add(&c->extra_hosts) =
            (struct spec_host){.name = orc_strdup(name), .address = orc_take(bare)};
}

static void read_item(struct spec_reader *r, const struct spec_node *v, struct spec_container *c)
{
    const char *s = spec_read_string(r, "extra_hosts", v);
    size_t n = s ? strcspn(s, "=:") : 0;
    orc_auto_free char *name = s ? orc_strndup(s, n) : NULL;

    if (s && !s[n])
        spec_say(r, v, "extra_hosts: \"%s\" has no address; write it as in \"db=10.0.0.5\"",
                 spec_quote(s).text);
    else if (s)
        add_host(r, v, name, s + n + 1, c);
}

/* NAME: ADDRESS, or a list of them. */
static void read_entry(struct spec_reader *r, const struct spec_entry *e, struct spec_container *c)
{
    bool several = e->value->kind == SPEC_NODE_LIST;
    size_t n = several ? e->value->entries.n : 1;

    for (size_t i = 0; i < n; i++) {
        const struct spec_node *v = several ? e->value->entries.at[i].value : e->value;
        const char *s = spec_read_text(r, "extra_hosts", v);

        if (s)
            add_host(r, v, e->key->text, s, c);
    }
}

void spec_key_extra_hosts(struct spec_reader *r, const struct spec_key *k, const struct spec_node *v,
                          void *into)
{
    bool map = v->kind == SPEC_NODE_MAP;
    size_t n = map || spec_read_is_list(r, k->name, v) ? v->entries.n : 0;
    struct spec_container *c = into;

    for (size_t i = 0; i < n; i++)
        if (map)
            read_entry(r, &v->entries.at[i], c);
        else
            read_item(r, v->entries.at[i].value, c);
    if (c->extra_hosts.n > SPEC_LIST_MAX)
        spec_say(r, v, "%s has %zu addresses; at most %d are possible", k->name, c->extra_hosts.n,
                 SPEC_LIST_MAX);
}
