#include "lib/proc.h"

#include "lib/mem.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

static uv_loop_t loop;

struct seen {
    int exits, status, sig;
    char *out;
};

static void on_exit_seen(struct orc_proc *proc, const struct orc_proc_result *res, void *arg)
{
    struct seen *s = arg;

    s->exits++;
    s->status = res->exit_status;
    s->sig = res->term_signal;
    orc_set_str(&s->out, res->out);
    orc_proc_kill(proc, SIGKILL); /* harmless by now */
}

static int setup(void **state)
{
    return uv_loop_init(&loop);
}

static int teardown(void **state)
{
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static struct orc_proc *spawn(struct seen *s, struct orc_proc_opts opts)
{
    struct orc_err err = ORC_ERR_INIT;
    struct orc_proc *proc = NULL;

    opts.on_exit = on_exit_seen;
    opts.arg = s;
    if (orc_proc_spawn(&loop, &opts, &proc, &err) < 0)
        fail_msg("%s", err.msg);
    return proc;
}

#define SH(script) ((const char *const[]){"sh", "-c", (script), NULL})

/* Runs a script to its end. */
static void run(struct seen *s, const char *script)
{
    spawn(s, (struct orc_proc_opts){.argv = SH(script)});
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(s->exits, 1);
}

static void test_proc__status_and_output_arrive_together(void **state)
{
    struct seen s = {0};

    run(&s, "echo one; echo two >&2; exit 3");
    assert_int_equal(s.status, 3);
    assert_int_equal(s.sig, 0);
    assert_string_equal(s.out, "one\ntwo\n");
    free(s.out);
}

static void test_proc__an_end_by_a_signal_is_told_apart(void **state)
{
    struct seen s = {0};

    run(&s, "kill -USR1 $$");
    assert_int_equal(s.status, -1);
    assert_int_equal(s.sig, SIGUSR1);
    free(s.out);
}

static void test_proc__only_the_last_64_kib_of_output_are_kept(void **state)
{
    struct seen s = {0};

    run(&s, "head -c 1000000 /dev/zero | tr '\\0' x; echo end");
    assert_int_equal(s.status, 0);
    assert_int_equal(strlen(s.out), 65536);
    assert_string_equal(s.out + 65536 - 5, "xend\n");
    free(s.out);
}

static void test_proc__a_grandchild_that_keeps_the_output_open_is_not_waited_for(void **state)
{
    struct seen s = {0};
    orc_auto_free char *script = NULL;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    fcntl(fds[1], F_SETFD, FD_CLOEXEC);
    /* the grandchild ends when the test closes the writing side, even by its own end */
    script = orc_printf("echo hello; cat <&%d >/dev/null & exit 0", fds[0]);
    run(&s, script);
    assert_string_equal(s.out, "hello\n");
    close(fds[1]);
    close(fds[0]);
    free(s.out);
}

static void test_proc__a_program_that_is_not_there_is_an_error_and_no_callback(void **state)
{
    struct seen s = {0};
    struct orc_err err = ORC_ERR_INIT;
    struct orc_proc *proc = NULL;
    struct orc_proc_opts opts = {
        .argv = (const char *const[]){"orc-no-such-program", NULL}, .on_exit = on_exit_seen, .arg = &s};

    assert_int_equal(orc_proc_spawn(&loop, &opts, &proc, &err), -ENOENT);
    assert_string_equal(err.msg, "orc-no-such-program: can't be started: No such file or directory");
    opts.argv = (const char *const[]){"/dev/null", NULL};
    assert_int_equal(orc_proc_spawn(&loop, &opts, &proc, &err), -EACCES);
    opts.argv = SH("true");
    opts.cwd = "/nonexistent";
    assert_int_equal(orc_proc_spawn(&loop, &opts, &proc, &err), -ENOENT);
    assert_string_equal(err.msg, "sh: can't be started in /nonexistent: No such file or directory");
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(s.exits, 0);
    assert_null(proc);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie is left */
}

static void test_proc__environment_and_folder_are_as_asked(void **state)
{
    struct seen s = {0};

    spawn(&s, (struct orc_proc_opts){.argv = SH("echo $A $B; pwd"),
                                     .env = (const char *const[]){"A=1", "B=two", NULL},
                                     .cwd = "/"});
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_string_equal(s.out, "1 two\n/\n");
    free(s.out);
}

static void test_proc__the_child_has_default_signals_and_only_its_own_files(void **state)
{
    struct seen s = {0};
    sigset_t blocked, old;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    /* glibc's posix_spawn leaves its own signals 32 and 33 ignored in what make starts; nobody can set them
     */
    run(&s,
        "grep -E 'SigBlk|SigIgn' /proc/self/status | tr -d '\\t' | sed s/0000000180000000/0000000000000000/;"
        " readlink /proc/self/fd/0");
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_string_equal(s.out, "SigBlk:0000000000000000\nSigIgn:0000000000000000\n/dev/null\n");
    free(s.out);
}

static void test_proc__many_children_end_each_once(void **state)
{
    struct seen s[20] = {{0}};

    for (size_t i = 0; i < ORC_ARRAY_SIZE(s); i++) {
        orc_auto_free char *script = orc_printf("echo %zu; exit %zu", i, i);

        spawn(&s[i], (struct orc_proc_opts){.argv = SH(script)});
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    for (size_t i = 0; i < ORC_ARRAY_SIZE(s); i++) {
        assert_int_equal(s[i].exits, 1);
        assert_int_equal(s[i].status, i);
        free(s[i].out);
    }
}

static void test_proc__a_child_is_killed(void **state)
{
    struct seen s = {0};
    struct orc_proc *proc =
        spawn(&s, (struct orc_proc_opts){.argv = (const char *const[]){"sleep", "1000", NULL}});

    orc_proc_kill(proc, SIGTERM);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(s.sig, SIGTERM);
    free(s.out);
}

/* The fifth field of proc(5)'s stat is the process group. */
static void test_proc__a_child_may_have_a_process_group_of_its_own(void **state)
{
    for (int own = 0; own < 2; own++) {
        struct seen s = {0};
        int pid = 0, group = 0;

        spawn(&s, (struct orc_proc_opts){.argv = SH("echo $$ $(cut -d' ' -f5 /proc/$$/stat)"),
                                         .own_group = own == 1});
        uv_run(&loop, UV_RUN_DEFAULT);
        assert_int_equal(sscanf(s.out, "%d %d", &pid, &group), 2);
        assert_int_equal(group, own ? pid : getpgid(0));
        free(s.out);
    }
}

/* A parent that starts a child bound to its life and is killed; the child's end closes the pipe. */
static void test_proc__a_child_dies_with_its_parent(void **state)
{
    int fds[2];
    pid_t pid;
    char c;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        uv_loop_t inner;
        struct orc_proc *proc;
        struct orc_proc_opts opts = {.argv = (const char *const[]){"sleep", "1000", NULL},
                                     .inherit_output = true,
                                     .die_with_parent = SIGKILL,
                                     .on_exit = on_exit_seen};

        close(fds[0]);
        uv_loop_init(&inner);
        if (orc_proc_spawn(&inner, &opts, &proc, NULL) == 0)
            dprintf(fds[1], "%s", "r");
        pause();
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &c, 1), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(fds[0], &c, 1), 0); /* the last writer is gone */
    close(fds[0]);
}

static int stops, last_stop;

static void on_stop(int signum, void *arg)
{
    stops++;
    last_stop = signum;
    orc_signals_close();
}

static void test_proc__a_stop_signal_is_told_once_on_the_loop(void **state)
{
    static const int both[] = {SIGTERM, SIGINT};

    for (size_t i = 0; i < 2; i++) {
        stops = 0;
        orc_signals_init(&loop, on_stop, NULL);
        raise(both[i]);
        assert_int_equal(stops, 0);
        uv_run(&loop, UV_RUN_DEFAULT); /* ends, as the handles were closed */
        assert_int_equal(stops, 1);
        assert_int_equal(last_stop, both[i]);
    }
    orc_signals_close();
}

static void on_stop_ignored(int signum, void *arg)
{
    raise(SIGTERM);
}

static void test_proc__a_second_stop_signal_ends_the_process(void **state)
{
    pid_t pid = fork();
    int status = 0;

    if (pid == 0) {
        uv_loop_t inner;

        uv_loop_init(&inner);
        orc_signals_init(&inner, on_stop_ignored, NULL);
        raise(SIGTERM);
        uv_run(&inner, UV_RUN_DEFAULT);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

#define proc_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        proc_test(test_proc__status_and_output_arrive_together),
        proc_test(test_proc__an_end_by_a_signal_is_told_apart),
        proc_test(test_proc__only_the_last_64_kib_of_output_are_kept),
        proc_test(test_proc__a_grandchild_that_keeps_the_output_open_is_not_waited_for),
        proc_test(test_proc__a_program_that_is_not_there_is_an_error_and_no_callback),
        proc_test(test_proc__environment_and_folder_are_as_asked),
        proc_test(test_proc__the_child_has_default_signals_and_only_its_own_files),
        proc_test(test_proc__many_children_end_each_once),
        proc_test(test_proc__a_child_is_killed),
        proc_test(test_proc__a_child_may_have_a_process_group_of_its_own),
        proc_test(test_proc__a_child_dies_with_its_parent),
        proc_test(test_proc__a_stop_signal_is_told_once_on_the_loop),
        proc_test(test_proc__a_second_stop_signal_ends_the_process),
    };

    alarm(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
