/* http_server.h - a scripted HTTP/1.1 server on the test's own loop: the far side of a process boundary.
 *
 * It reads whole requests (with Content-Length or none) and hands each to one function of the test, which
 * answers at once, later, in pieces, wrongly or never. It must not know what protocol is being faked. Tests
 * that need it include "tests/fakes/http_server.c" once.
 */
#ifndef TESTS_FAKES_HTTP_SERVER_H
#define TESTS_FAKES_HTTP_SERVER_H

#include <stddef.h>
#include <uv.h>

struct fake_server;
struct fake_conn;

struct fake_request { /* valid during the call only */
    const char *method;
    const char *target;  /* path and query as sent */
    const char *headers; /* the header lines, each ending in \r\n */
    const char *body;    /* NUL-terminated */
    size_t body_len;
    unsigned nth; /* on its connection, from 0 */
};

typedef void fake_handler(struct fake_conn *conn, const struct fake_request *req, void *arg);

/* Listens on 127.0.0.1 at a port of the kernel's choice (*ret_port), or at a unix socket. Aborts when it
 * can't. */
struct fake_server *fake_server_tcp(uv_loop_t *loop, int *ret_port, fake_handler *handler, void *arg);
struct fake_server *fake_server_unix(uv_loop_t *loop, const char *path, fake_handler *handler, void *arg);
/* Closes all connections and stops listening; the memory goes when the loop has run on. */
void fake_server_free(struct fake_server *server);

unsigned fake_server_accepted(const struct fake_server *server); /* connections so far */
unsigned fake_server_open(const struct fake_server *server);     /* connections now */
void fake_server_close_all(struct fake_server *server);          /* every connection, the listener stays */

/* A whole answer with Content-Length. */
void fake_reply(struct fake_conn *conn, int status, const char *type, const char *body);
/* Bytes as they are; copied. */
void fake_send(struct fake_conn *conn, const char *data, size_t n);
void fake_puts(struct fake_conn *conn, const char *s);
/* The head of a chunked answer, one chunk of it, its end (an empty chunk). */
void fake_chunks_begin(struct fake_conn *conn, int status, const char *type);
void fake_chunk(struct fake_conn *conn, const char *data, size_t n);
void fake_chunks_end(struct fake_conn *conn);
/* Closes once what was sent has left. Connections are also closed by the client's leaving; a test that keeps
 * one for later learns of that by fake_on_close(). */
void fake_close(struct fake_conn *conn);
void fake_on_close(struct fake_conn *conn, void (*fn)(struct fake_conn *conn, void *arg), void *arg);

/* The value of a header of the request, copied into buf; NULL when it isn't there. Names in any case. */
const char *fake_header(const struct fake_request *req, const char *name, char *buf, size_t size);

#endif
