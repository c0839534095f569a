#include "tests/fakes/tls_server.h"

#include "lib/file.h"
#include "lib/mem.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

struct fake_identity {
    gnutls_x509_crt_t cert;
    gnutls_x509_privkey_t key;
};

static void fake_tls_must(int r, const char *what)
{
    if (r < 0) {
        fprintf(stderr, "fake TLS server: %s: %s\n", what, gnutls_strerror(r));
        abort();
    }
}

static struct fake_identity fake_identity_make(const char *name, const struct fake_identity *ca)
{
    static unsigned char serial;
    struct in_addr local = {.s_addr = htonl(INADDR_LOOPBACK)};
    struct fake_identity id;

    serial++;
    gnutls_x509_privkey_init(&id.key);
    gnutls_x509_crt_init(&id.cert);
    fake_tls_must(gnutls_x509_privkey_generate(id.key, GNUTLS_PK_ECDSA,
                                               GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                  "key");
    gnutls_x509_crt_set_version(id.cert, 3);
    gnutls_x509_crt_set_serial(id.cert, &serial, 1);
    gnutls_x509_crt_set_activation_time(id.cert, time(NULL) - 3600);
    gnutls_x509_crt_set_expiration_time(id.cert, time(NULL) + 36000);
    gnutls_x509_crt_set_dn_by_oid(id.cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    gnutls_x509_crt_set_key(id.cert, id.key);
    gnutls_x509_crt_set_ca_status(id.cert, !ca);
    gnutls_x509_crt_set_key_usage(id.cert, ca ? GNUTLS_KEY_DIGITAL_SIGNATURE : GNUTLS_KEY_KEY_CERT_SIGN);
    if (ca) {
        gnutls_x509_crt_set_subject_alt_name(id.cert, GNUTLS_SAN_IPADDRESS, &local, sizeof local,
                                             GNUTLS_FSAN_SET);
        gnutls_x509_crt_set_subject_alt_name(id.cert, GNUTLS_SAN_DNSNAME, "localhost", 9, GNUTLS_FSAN_APPEND);
    }
    fake_tls_must(
        gnutls_x509_crt_sign2(id.cert, ca ? ca->cert : id.cert, ca ? ca->key : id.key, GNUTLS_DIG_SHA256, 0),
        "sign");
    return id;
}

static void fake_identity_write(struct fake_identity *id, const char *dir, const char *name)
{
    orc_auto_free char *pem = orc_printf("%s/%s.pem", dir, name), *key = orc_printf("%s/%s.key", dir, name);
    gnutls_datum_t d;

    fake_tls_must(gnutls_x509_crt_export2(id->cert, GNUTLS_X509_FMT_PEM, &d), "export");
    fake_tls_must(orc_file_write(pem, d.data, d.size, 0600, NULL), pem);
    gnutls_free(d.data);
    fake_tls_must(gnutls_x509_privkey_export2(id->key, GNUTLS_X509_FMT_PEM, &d), "export");
    fake_tls_must(orc_file_write(key, d.data, d.size, 0600, NULL), key);
    gnutls_free(d.data);
}

static void fake_identity_release(struct fake_identity *id)
{
    gnutls_x509_crt_deinit(id->cert);
    gnutls_x509_privkey_deinit(id->key);
}

void fake_tls_certificates(const char *dir)
{
    struct fake_identity ca = fake_identity_make("test CA", NULL);
    struct fake_identity server = fake_identity_make("test server", &ca),
                         client = fake_identity_make("test client", &ca);

    fake_identity_write(&ca, dir, "ca");
    fake_identity_write(&server, dir, "server");
    fake_identity_write(&client, dir, "client");
    fake_identity_release(&ca);
    fake_identity_release(&server);
    fake_identity_release(&client);
}

/* The common name of the client's certificate, "nobody" without one. */
static void fake_tls_peer(gnutls_session_t session, char *name, size_t size)
{
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &(unsigned){0});
    gnutls_x509_crt_t cert;

    snprintf(name, size, "nobody");
    if (!raw)
        return;
    gnutls_x509_crt_init(&cert);
    if (gnutls_x509_crt_import(cert, raw, GNUTLS_X509_FMT_DER) == 0)
        gnutls_x509_crt_get_dn_by_oid(cert, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);
    gnutls_x509_crt_deinit(cert);
}

static void fake_tls_serve(int fd, gnutls_certificate_credentials_t cred, bool need_client)
{
    gnutls_session_t session;
    char request[8192], name[100], answer[300];
    int r;

    gnutls_init(&session, GNUTLS_SERVER);
    gnutls_set_default_priority(session);
    gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, cred);
    gnutls_certificate_server_set_request(session, need_client ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
    if (need_client)
        gnutls_session_set_verify_cert(session, NULL, 0);
    gnutls_transport_set_int(session, fd);
    do
        r = gnutls_handshake(session);
    while (r < 0 && !gnutls_error_is_fatal(r));
    if (r == 0 && gnutls_record_recv(session, request, sizeof request) > 0) {
        fake_tls_peer(session, name, sizeof name);
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %zu\r\n\r\nsecret\n%s",
                 strlen(name) + 7, name);
        gnutls_record_send(session, answer, strlen(answer));
        gnutls_bye(session, GNUTLS_SHUT_WR);
    }
    gnutls_deinit(session);
}

static void fake_tls_main(int listener, const char *dir, bool need_client)
{
    orc_auto_free char *ca = orc_printf("%s/ca.pem", dir), *pem = orc_printf("%s/server.pem", dir),
                       *key = orc_printf("%s/server.key", dir);
    gnutls_certificate_credentials_t cred;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    gnutls_certificate_allocate_credentials(&cred);
    fake_tls_must(gnutls_certificate_set_x509_key_file(cred, pem, key, GNUTLS_X509_FMT_PEM), pem);
    fake_tls_must(gnutls_certificate_set_x509_trust_file(cred, ca, GNUTLS_X509_FMT_PEM), ca);
    for (;;) {
        int fd = accept(listener, NULL, NULL);

        if (fd < 0)
            continue;
        fake_tls_serve(fd, cred, need_client);
        close(fd);
    }
}

pid_t fake_tls_start(const char *dir, bool need_client, int *ret_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t pid;

    if (bind(listener, (struct sockaddr *)&addr, n) < 0 || listen(listener, 16) < 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &n) < 0)
        abort();
    *ret_port = ntohs(addr.sin_port);
    pid = fork();
    if (pid < 0)
        abort();
    if (pid == 0)
        fake_tls_main(listener, dir, need_client);
    close(listener);
    return pid;
}
