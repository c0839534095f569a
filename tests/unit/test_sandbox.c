#include "tests/fakes/http_server.c"
#include "tests/fakes/tls_server.c"

#include "lib/sandbox.h"

#include "lib/clock.h"
#include "lib/hash.h"
#include "lib/http.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/proc.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <cmocka.h>

static char dir[] = "/tmp/orc-test-sandbox-XXXXXX";
static int tls_port;
static pid_t tls_pid;

static int setup(void **state)
{
    if (!mkdtemp(dir))
        return -1;
    fake_tls_certificates(dir);
    tls_pid = fake_tls_start(dir, true, &tls_port);
    return 0;
}

static int cleanup(void **state)
{
    orc_auto_free char *cmd = orc_printf("rm -rf '%s'", dir);

    kill(tls_pid, SIGKILL);
    waitpid(tls_pid, NULL, 0);
    return system(cmd);
}

/* Runs fn in a child inside the sandbox. What it wrote to stderr is returned (freed by the caller), and the
 * wait status stored. The child leaves with fn's result by _exit(). */
static char *inside(unsigned flags, int (*fn)(void), int *ret_status)
{
    char *said = orc_calloc(1, 65536);
    size_t n = 0;
    ssize_t got;
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        struct orc_err err = ORC_ERR_INIT;

        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSYS, SIG_DFL); /* cmocka's */
        dup2(fds[1], STDERR_FILENO);
        if (orc_sandbox_enter(flags, &err) < 0) {
            dprintf(STDERR_FILENO, "%s\n", err.msg);
            _exit(99);
        }
        _exit(fn());
    }
    close(fds[1]);
    while ((got = read(fds[0], said + n, 65535 - n)) > 0)
        n += (size_t)got;
    close(fds[0]);
    assert_int_equal(waitpid(pid, ret_status, 0), pid);
    return said;
}

static void works(unsigned flags, int (*fn)(void))
{
    int status = 0;
    orc_auto_free char *said = inside(flags, fn, &status);

    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("ended with wait status 0x%x, said: %s", status, said);
}

/* Ends by SIGSYS and names the call on one line. */
static void dies(unsigned flags, int (*fn)(void), const char *call)
{
    int status = 0;
    orc_auto_free char *said = inside(flags, fn, &status),
                       *want = orc_printf("system call %s (number ", call);

    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
        fail_msg("was not ended by SIGSYS but with 0x%x, said: %s", status, said);
    if (!strstr(said, want))
        fail_msg("\"%s\" was not said, but: %s", want, said);
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static int read_and_compute(void)
{
    orc_auto_free char *text = NULL;
    char hex[ORC_SHA256_HEX];
    orc_auto_json json_t *j = orc_json_parse("{\"a\":1}", 7, NULL);

    orc_log_init("test", ORC_LOG_INFO, true);
    orc_info("inside at=%llu", (unsigned long long)orc_clock_ms());
    orc_sha256_hex("abc", 3, hex);
    orc_random_hex(64, hex);
    free(orc_calloc(1, 64 << 20));
    return j && orc_file_read("/proc/self/status", 65536, &text, NULL, NULL) == 0 &&
                   strstr(text, "NoNewPrivs:\t1")
               ? 0
               : 1;
}

static void test_sandbox__reading_logging_and_computing_go_on(void **state)
{
    works(0, read_and_compute);
    works(ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN | ORC_SANDBOX_WRITE_FILES, read_and_compute);
}

static int write_state(void)
{
    orc_auto_free char *folder = orc_printf("%s/state/deep", dir), *path = orc_printf("%s/f", folder),
                       *text = NULL;

    return orc_file_mkdirs(folder, NULL) < 0 || orc_file_write(path, "1", 1, 0600, NULL) < 0 ||
           orc_file_write(path, "22", 2, 0600, NULL) < 0 || orc_file_read(path, 9, &text, NULL, NULL) < 0 ||
           strcmp(text, "22") != 0 || unlink(path) < 0 || rmdir(folder) < 0;
}

static void test_sandbox__files_are_written_with_the_flag_and_only_then(void **state)
{
    works(ORC_SANDBOX_WRITE_FILES, write_state);
    dies(ORC_SANDBOX_NET, write_state, "mkdir");
}

static int open_for_writing(void)
{
    orc_auto_free char *path = orc_printf("%s/ca.pem", dir);

    return open(path, O_WRONLY) < 0;
}

static void test_sandbox__opening_for_writing_needs_the_flag(void **state)
{
    works(ORC_SANDBOX_WRITE_FILES, open_for_writing);
    dies(0, open_for_writing, "openat");
}

/* --- network ---------------------------------------------------------------------------------------------
 */

struct answer {
    int done, error;
    char body[100];
};

static void on_answer(const struct orc_http_res *res, void *arg)
{
    struct answer *a = arg;

    a->done = 1;
    a->error = res->error;
    snprintf(a->body, sizeof a->body, "%s", res->body);
    if (res->error)
        fprintf(stderr, "%s\n", res->error_text);
}

static void answer_hello(struct fake_conn *conn, const struct fake_request *req, void *arg)
{
    fake_reply(conn, 200, NULL, "hello");
}

static void on_tick(uv_timer_t *timer)
{
}

/* A loop with its timer, a call to its end; 0 when the body is as wanted. */
static int call(uv_loop_t *loop, struct orc_http_req req, const char *want)
{
    struct orc_http *http = orc_http_new(loop);
    uv_timer_t *tick =
        orc_new(uv_timer_t); /* uv_run() sleeps on when what was waited for came from a timer */
    struct answer a = {0};

    uv_timer_init(loop, tick);
    uv_timer_start(tick, on_tick, 5, 5);
    req.on_done = on_answer;
    req.arg = &a;
    req.dead_peer_ms = 4000;
    req.timeout_ms = 20000;
    orc_http_start(http, &req);
    while (!a.done)
        uv_run(loop, UV_RUN_ONCE);
    orc_http_free(http);
    uv_close((uv_handle_t *)tick, (uv_close_cb)free);
    return a.error || strcmp(a.body, want) != 0;
}

static int serve_and_call(void)
{
    orc_auto_free char *path = orc_printf("%s/sock", dir), *url = NULL, *name_url = NULL;
    struct fake_server *tcp, *local;
    uv_loop_t loop;
    int port, failed;

    uv_loop_init(&loop);
    tcp = fake_server_tcp(&loop, &port, answer_hello, NULL);
    local = fake_server_unix(&loop, path, answer_hello, NULL);
    url = orc_printf("http://127.0.0.1:%d/", port);
    name_url = orc_printf("http://localhost:%d/", port);
    failed = call(&loop, (struct orc_http_req){.url = url}, "hello") ||
             call(&loop, (struct orc_http_req){.url = "http://x/", .unix_socket = path}, "hello") ||
             call(&loop, (struct orc_http_req){.url = name_url}, "hello"); /* the resolver's thread */
    fake_server_free(tcp);
    fake_server_free(local);
    uv_run(&loop, UV_RUN_DEFAULT);
    return failed || uv_loop_close(&loop) != 0;
}

static void test_sandbox__clients_and_servers_work_over_tcp_and_unix_sockets(void **state)
{
    works(ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN | ORC_SANDBOX_WRITE_FILES, serve_and_call);
}

static int call_tls(void)
{
    orc_auto_free char *ca = orc_printf("%s/ca.pem", dir), *cert = orc_printf("%s/client.pem", dir),
                       *key = orc_printf("%s/client.key", dir),
                       *url = orc_printf("https://localhost:%d/", tls_port);
    struct orc_http_tls tls = {ca, cert, key};
    uv_loop_t loop;
    int failed;

    uv_loop_init(&loop);
    failed = call(&loop, (struct orc_http_req){.url = url, .tls = &tls}, "secret\ntest client");
    uv_run(&loop, UV_RUN_DEFAULT);
    return failed;
}

static void test_sandbox__tls_with_a_client_certificate_works(void **state)
{
    works(ORC_SANDBOX_NET, call_tls);
}

static int listen_now(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return listen(fd, 1) < 0;
}

static int socket_now(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) < 0;
}

static int packet_socket(void)
{
    return socket(AF_PACKET, SOCK_RAW, 0) < 0;
}

static int raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP) < 0;
}

static int bind_now(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a) < 0;
}

/* Refused without an end to the process: the C library asks, and does without. */
static int no_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) >= 0 || errno != EAFNOSUPPORT;
}

static void test_sandbox__sockets_need_their_flags(void **state)
{
    works(ORC_SANDBOX_NET, socket_now);
    works(ORC_SANDBOX_LISTEN, listen_now);
    dies(ORC_SANDBOX_WRITE_FILES, socket_now, "socket");
    dies(ORC_SANDBOX_NET, listen_now, "listen");
    dies(ORC_SANDBOX_NET, bind_now, "bind");
    works(ORC_SANDBOX_LISTEN, bind_now);
    dies(ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN, packet_socket, "socket");
    dies(ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN, raw_socket, "socket");
    works(ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN, no_netlink);
}

/* --- the loop's other needs ------------------------------------------------------------------------------
 */

static int fs_done;

static void on_fs(uv_fs_t *req)
{
    fs_done = req->result == 0;
    uv_fs_req_cleanup(req);
}

static void on_stop(int signum, void *arg)
{
    orc_signals_close();
}

static int signals_and_pool(void)
{
    uv_loop_t loop;
    uv_fs_t req;

    uv_loop_init(&loop);
    orc_signals_init(&loop, on_stop, NULL);
    uv_fs_stat(&loop, &req, "/", on_fs);
    raise(SIGTERM);
    uv_run(&loop, UV_RUN_DEFAULT);
    return !fs_done || uv_loop_close(&loop) != 0;
}

static void test_sandbox__signals_and_the_loops_threads_work(void **state)
{
    works(0, signals_and_pool);
}

static struct orc_proc *helper;
static uv_loop_t helper_loop;
static int helper_status;

static void on_helper_end(struct orc_proc *proc, const struct orc_proc_result *res, void *arg)
{
    helper_status = res->exit_status;
}

static int helper_end(void)
{
    uv_run(&helper_loop, UV_RUN_DEFAULT);
    return helper_status != 7;
}

static void test_sandbox__a_helper_started_before_is_seen_to_end(void **state)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        struct orc_proc_opts opts = {.argv = (const char *const[]){"sh", "-c", "echo x; exit 7", NULL},
                                     .on_exit = on_helper_end};

        uv_loop_init(&helper_loop);
        if (orc_proc_spawn(&helper_loop, &opts, &helper, NULL) < 0 || orc_sandbox_enter(0, NULL) < 0)
            _exit(2);
        _exit(helper_end());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- what must never go ----------------------------------------------------------------------------------
 */

static int exec_now(void)
{
    execl("/bin/true", "true", NULL);
    return 1;
}

static int become_root(void)
{
    return setuid(0);
}

static int exec_in_thread_result;

static void thread_main(void *arg)
{
    exec_in_thread_result = exec_now();
}

static int exec_in_thread(void)
{
    uv_thread_t thread;

    uv_thread_create(&thread, thread_main, NULL);
    uv_thread_join(&thread);
    return exec_in_thread_result;
}

static void test_sandbox__starting_a_program_ends_the_process_with_the_call_named(void **state)
{
    unsigned all = ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN | ORC_SANDBOX_WRITE_FILES;

    dies(all, exec_now, "execve");
    dies(all, exec_in_thread, "execve");
    dies(all, become_root, "setuid");
}

#ifndef ORC_SANITIZE /* their run-time needs what these do */
static int kill_parent(void)
{
    return kill(getppid(), 0);
}

static int fork_now(void)
{
    return fork() < 0;
}

static int writable_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
           MAP_FAILED;
}

static void test_sandbox__processes_foreign_signals_and_writable_code_are_refused(void **state)
{
    unsigned all = ORC_SANDBOX_NET | ORC_SANDBOX_LISTEN | ORC_SANDBOX_WRITE_FILES;

    dies(all, fork_now, "clone");
    dies(all, kill_parent, "kill");
    dies(all, writable_code, "mmap");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sandbox__reading_logging_and_computing_go_on),
        cmocka_unit_test(test_sandbox__files_are_written_with_the_flag_and_only_then),
        cmocka_unit_test(test_sandbox__opening_for_writing_needs_the_flag),
        cmocka_unit_test(test_sandbox__clients_and_servers_work_over_tcp_and_unix_sockets),
        cmocka_unit_test(test_sandbox__tls_with_a_client_certificate_works),
        cmocka_unit_test(test_sandbox__sockets_need_their_flags),
        cmocka_unit_test(test_sandbox__signals_and_the_loops_threads_work),
        cmocka_unit_test(test_sandbox__a_helper_started_before_is_seen_to_end),
        cmocka_unit_test(test_sandbox__starting_a_program_ends_the_process_with_the_call_named),
#ifndef ORC_SANITIZE
        cmocka_unit_test(test_sandbox__processes_foreign_signals_and_writable_code_are_refused),
#endif
    };

    alarm(120);
    return cmocka_run_group_tests(tests, setup, cleanup);
}
