#include "cli/label.h"

#include "specs/check.h"

/* Where the key is, or is to be. */
static size_t place(const struct spec_pairs *p, const char *key)
{
    size_t i = 0;

    while (i < p->n && strcmp(p->at[i].key, key) < 0)
        i++;
    return i;
}

static bool is_at(const struct spec_pairs *p, size_t i, const char *key)
{
    return i < p->n && orc_streq(p->at[i].key, key);
}

bool label_set(struct spec_pairs *labels, const char *key, const char *value)
{
    size_t i = place(labels, key);

    if (is_at(labels, i, key)) {
        if (orc_streq(labels->at[i].value, value))
            return false;
        orc_set_str(&labels->at[i].value, value);
        return true;
    }
    orc_vec_add(labels);
    memmove(&labels->at[i + 1], &labels->at[i], (labels->n - 1 - i) * sizeof labels->at[0]);
    labels->at[i] = (struct spec_pair){orc_strdup(key), orc_strdup(value)};
    return true;
}

static bool take_away(struct spec_pairs *labels, const char *key)
{
    size_t i = place(labels, key);

    if (!is_at(labels, i, key))
        return false;
    free(labels->at[i].key);
    free(labels->at[i].value);
    labels->n--;
    memmove(&labels->at[i], &labels->at[i + 1], (labels->n - i) * sizeof labels->at[0]);
    return true;
}

static int change_one(struct spec_pairs *labels, const char *word, struct orc_err *err)
{
    const char *equals = strchr(word, '=');
    size_t n = strlen(word);
    bool away = !equals && n > 1 && word[n - 1] == '-';
    orc_auto_free char *key = orc_strndup(word, equals ? (size_t)(equals - word) : away ? n - 1 : n);

    if (!equals && !away)
        return orc_fail(err, -EINVAL,
                        "\"%s\" is no label: write KEY=VALUE to give one, or KEY- to take it away",
                        spec_quote(word).text);
    if (spec_check_label_key(key, err) < 0)
        return -EINVAL;
    if (away)
        return take_away(labels, key);
    if (spec_check_constraint_value(equals + 1, err) < 0)
        return -EINVAL;
    if (labels->n >= SPEC_LIST_MAX)
        return orc_fail(err, -EINVAL, "a server has %d labels at most; take one away first with KEY-",
                        SPEC_LIST_MAX);
    return label_set(labels, key, equals + 1);
}

int label_change(struct spec_pairs *labels, const struct orc_strv *words, struct orc_err *err)
{
    int changed = 0;

    for (size_t i = 0; i < words->n; i++) {
        int r = change_one(labels, words->at[i], err);

        if (r < 0)
            return r;
        changed |= r;
    }
    return changed;
}
