/* tls_server.h - an HTTPS server in a process of its own, with certificates made for it on the spot.
 *
 * Tests that need it include "tests/fakes/tls_server.c" once. It answers every request with "secret\n" and
 * the name in the client's certificate.
 */
#ifndef TESTS_FAKES_TLS_SERVER_H
#define TESTS_FAKES_TLS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

/* Writes ca.pem, server.pem, server.key (for 127.0.0.1 and localhost), client.pem, client.key into dir. */
void fake_tls_certificates(const char *dir);
/* Starts it on 127.0.0.1; it ends with the test. Aborts when it can't. */
pid_t fake_tls_start(const char *dir, bool need_client, int *ret_port);

#endif
