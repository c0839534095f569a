/* keyset.h - the names and mod revisions of the keys that a view has delivered.
 *
 * Tells what is new, what changed and, after everything was read again, what vanished. Holds no values.
 */
#ifndef STATE_KEYSET_H
#define STATE_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keyset;

struct keyset *keyset_new(void);
struct keyset *keyset_free(struct keyset *k); /* NULL allowed; returns NULL */

/* Notes that the key is there; true when it is new or has another mod revision than noted before. */
bool keyset_put(struct keyset *k, const char *key, int64_t mod_revision);
/* It was not delivered yet and is there all the same, or was: it counts as new at its next put, and vanishes
 * when it is not among those that are read again. */
void keyset_expect(struct keyset *k, const char *key);
bool keyset_delete(struct keyset *k, const char *key); /* true when it was there */
/* Every key counts as changed at its next put: the store is another one. */
void keyset_forget(struct keyset *k);

/* Reading everything again: begin, put each key, then take the names of those not put since. */
void keyset_begin(struct keyset *k);
/* Removes one that was not put since keyset_begin(); its name, freed by the caller, or NULL when none is
 * left. */
char *keyset_take_vanished(struct keyset *k);

#endif
