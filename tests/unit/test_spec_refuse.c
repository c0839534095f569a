/* What is refused: where, and with which words. */
#include "lib/buf.h"
#include "tests/unit/spec_test.h"

/* Behaviour 3. */
static void test_spec_refuse__what_must_be_a_mapping(void **state)
{
    static const struct refusal cases[] = {
        {"services: []\n", "1:11: ", "services must be a mapping of names to services, but this is a list"},
        {"services: web\n", "1:11: ", "but this is a string"},
        {"services:\n", "1:10: ", "but this is nothing"},
        {"services: {}\n", "1:11: ", "there is no service in this file"},
        {"name: a\n", "1:1: ", "has no \"services:\""},
        {"services: {web: }\n", "1:17: ", "service \"web\" must be a mapping, but this is nothing"},
        {"services: {web: nginx}\n", "1:17: ", "service \"web\" must be a mapping, but this is a string"},
        {"services: {web: [image]}\n", "1:17: ", "service \"web\" must be a mapping, but this is a list"},
        {WEB("") "networks: [a]\n", "4:11: ", "networks must be a mapping of names, but this is a list"},
        {WEB("") "volumes: a\n", "4:10: ", "volumes must be a mapping of names, but this is a string"},
        {WEB("    deploy: 3\n"),
         "4:13: ", "deploy must be a mapping, but this is a number; its keys are: replicas"},
        {WEB("    healthcheck: []\n"), "4:18: ", "healthcheck must be a mapping"},
        {WEB("    x-orc: true\n"), "4:12: ", "x-orc must be a mapping, but this is a boolean"},
        {WEB("    environment: A=1\n"), "4:18: ", "environment must be a mapping or a list"},
        {WEB("    depends_on: a\n"), "4:17: ", "depends_on must be a list of services"},
        {WEB("    ports: '80'\n"), "4:12: ", "ports must be a list, but this is a string"},
        {WEB("    volumes: {a: b}\n"), "4:14: ", "volumes must be a list, but this is a mapping"},
        {WEB("    networks: a\n"), "4:15: ", "networks must be a list of names"},
    };

    ASSERT_REFUSALS(cases);
}

/* Behaviour 4: at every level. */
static void test_spec_refuse__unknown_keys_by_name(void **state)
{
    static const struct refusal cases[] = {
        {"servces: {}\n", "1:1: ", "unknown key \"servces\" in the top level; did you mean \"services\"?"},
        {"zzz: 1\n", "1:1: ", "unknown key \"zzz\" in the top level; known are: name, version, services"},
        {WEB("    imag: a\n"), "4:5: ", "unknown key \"imag\" in service \"web\"; did you mean \"image\"?"},
        {WEB("    enviroment: {}\n"), "4:5: ", "did you mean \"environment\"?"},
        {WEB("    Image: a\n"), "4:5: ", "did you mean \"image\"?"},
        /* one that is refused says at once why */
        {WEB("    replcas: 3\n"), "4:5: ",
         "unknown key \"replcas\" in service \"web\"; did you mean \"replicas\"? That is not accepted: give "
         "\"deploy: {replicas: N}\" instead"},
        {WEB("    healthcheck: {tset: a}\n"),
         "4:19: ", "unknown key \"tset\" in healthcheck; did you mean \"test\"?"},
        {WEB("    deploy: {replcas: 3}\n"), "4:14: ", "did you mean \"replicas\"?"},
        {WEB("    deploy: {resources: {limit: {}}}\n"), "4:26: ", "did you mean \"limits\"?"},
        {WEB("    deploy: {resources: {limits: {mem: 1}}}\n"),
         "4:35: ", "unknown key \"mem\" in deploy.resources.limits"},
        {WEB("    deploy: {update_config: {paralelism: 1}}\n"), "4:30: ", "did you mean \"parallelism\"?"},
        {WEB("    deploy: {placement: {constraint: []}}\n"), "4:26: ", "did you mean \"constraints\"?"},
        {WEB("    ports: [{targt: 80}]\n"),
         "4:14: ", "unknown key \"targt\" in a port; did you mean \"target\"?"},
        {WEB("    volumes: [{type: volume, src: a, target: /a}]\n"),
         "4:30: ", "unknown key \"src\" in a volume"},
        {WEB("    depends_on: {b: {cond: x}}\n") "  b: {image: a}\n",
         "4:22: ", "unknown key \"cond\" in a dependency"},
        {WEB("    x-orc: {helth: {}}\n"),
         "4:13: ", "unknown key \"helth\" in x-orc; did you mean \"health\"?"},
        {WEB("    x-orc: {health: {http: {prt: 80}}}\n"), "4:29: ", "did you mean \"port\"?"},
        {WEB("    x-orc: {gateway: {port: 80, pth: /}}\n"), "4:33: ", "did you mean \"path\"?"},
        {WEB("    x-orc: {drain: {time: 5s}}\n"), "4:21: ", "unknown key \"time\" in x-orc.drain"},
        {WEB("") "networks: {a: {drivr: bridge}}\n", "4:16: ", "did you mean \"driver\"?"},
        {WEB("") "volumes: {a: {size: 1}}\n", "4:15: ", "unknown key \"size\" in volumes"},
        {WEB("") "x-orc: {}\n",
         "4:1: ", "\"x-orc\" has no meaning in the top level; it belongs into a service"},
        {WEB("    deploy: {x-orc: {}}\n"), "4:14: ", "\"x-orc\" has no meaning in deploy"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__composes_other_keys_with_the_reason(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    container_name: a\n"), "4:5: ",
         "\"container_name\" in service \"web\" is not accepted: the names of "
         "replicas would clash"},
        {"services: {web: {build: .}}\n",
         "1:18: ", "build and push it first: docker build -t REGISTRY/web:TAG . && docker push"},
        {WEB("    cpu_quota: 5000\n"), "4:5: ", "give \"cpus\" instead"},
        {WEB("    oom_kill_disable: true\n"), "4:5: ", "cgroup v2 has it no more"},
        {WEB("    pre_start: [{command: ./migrate}]\n"), "4:5: ", "a job that \"depends_on\" waits for"},
        {WEB("    gpus: all\n"), "4:5: ", "give the device files in \"devices\""},
        {WEB("    replicas: 3\n"), "4:5: ", "give \"deploy: {replicas: N}\" instead"},
        {WEB("    deploy: {mode: golbal}\n"), "4:20: ", "golbal"},
        {WEB("    x-orc: {placement: {weights: {disk: 5}}}\n"),
         "4:35: ", "constraint \"disk\" has neither \"==\" nor \"!=\""},
        {WEB("    x-orc: {placement: {weights: {node.hostname == k1: 1001}}}\n"),
         "4:56: ", "a weight: \"1001\" is not a whole number in -1000..1000"},
        {WEB("    x-orc: {placement: {weights: {node.hostname == k1: 1, 'node.hostname==K1': 2}}}\n"),
         "4:59: ", "\"node.hostname==K1\" has a weight already"},
        {WEB("    x-orc: {placement: {weights: [k1]}}\n"),
         "4:34: ", "weights must be a mapping of constraints to numbers"},
        {WEB("    x-orc: {placement: {weights: {node.hostname == k1: 1}}}\n    deploy: {mode: global}\n"),
         "4:34: ", "\"weights\" makes no sense beside mode \"global\""},
        {WEB("    deploy: {mode: global, replicas: 2}\n"),
         "4:38: ", "\"replicas\" makes no sense beside mode \"global\""},
        {WEB("    deploy: {replicas: 2, mode: global}\n"), "4:24: ", "\"replicas\" makes no sense beside"},
        {WEB("    deploy: {mode: global, placement: {max_replicas_per_node: 1}}\n"),
         "4:63: ", "\"max_replicas_per_node\" makes no sense"},
        {WEB("    deploy: {mode: global, placement: {preferences: [{spread: node.labels.zone}]}}\n"),
         "4:53: ", "\"preferences\" makes no sense"},
        {WEB("    restart: always\n    deploy: {restart_policy: {}}\n"),
         "5:30: ", "say the same; remove one"},
        {WEB("    deploy: {restart_policy: {max_attempts: 3}}\n"),
         "4:45: ", "max_attempts makes no sense beside condition \"any\""},
        {WEB("    deploy: {restart_policy: {condition: always}}\n"),
         "4:42: ", "must be \"none\", \"on-failure\""},
        {WEB("    deploy: {restart_policy: {window: x}}\n"), "4:39: ", "is not a duration"},
        {WEB("    deploy: {resources: {reservations: {pids: 1}}}\n"), "4:41: ", "it is a limit"},
        {WEB("    networks: {a: {aliases: [b]}}\n") "networks: {a: }\n",
         "4:20: ", "a service is found by its name"},
        {WEB("    volumes: [{type: bind, source: /a, target: /b, volume: {}}]\n"),
         "4:60: ", "\"volume\" is for a mount of that type, and this is a bind; remove it"},
        {WEB("    volumes: [{type: bind, source: /a, target: /b, bind: {create_host_path: true}}]\n"),
         "4:77: ", "make it there and give false"},
        {WEB("    volumes: [{type: bind, source: /a, target: /b, bind: {propagation: up}}]\n"),
         "4:72: ", "propagation \"up\" is not known"},
        {WEB("    volumes: [{type: volume, source: a, target: /b, volume: {subpath: c}}]\n") "volumes: {a: "
                                                                                             "}\n",
         "4:62: ", "mounts whole volumes only"},
        {WEB("    volumes: [{type: tmpfs, source: a, target: /b}]\n"), "4:15: ", "a tmpfs has no source"},
        {WEB("    volumes: [{type: tmpfs, target: /b, tmpfs: {mode: 1777}}]\n"),
         "4:55: ", "mode 1777 may be meant in octal or not; write 01777"},
        {WEB("    volumes: [{type: tmpfs, target: /b, tmpfs: {mode: '9'}}]\n"),
         "4:55: ", "must be permission bits in octal"},
        {WEB("    depends_on: {b: {restart: true}}\n") "  b: {image: a}\n",
         "4:31: ", "\"web\" does not restart because \"b\" does; remove it"},
        {WEB("    depends_on: {b: {restart: true, required: false}}\n"), "4:31: ", "does not restart"},
        {WEB("    links: ['b:db']\n") "  b: {image: a}\n",
         "4:13: ", "\"b\" is to be found as \"db\" as well, but a service is found by its name alone"},
        {WEB("    links: [b]\n"), "4:13: ", "service \"b\" is not in this file"},
        {WEB("    links: b\n"), "4:12: ", "must be a list"},
        {WEB("    network_mode: service:b\n    links: [b]\n") "  b: {image: a}\n",
         "5:5: ", "makes no sense in a sidecar"},
        {"secrets: {}\n" WEB(""), "1:1: ", "\"secrets\" in the top level is not accepted"},
        {WEB("") "networks: {a: {internal: true}}\n", "4:26: ", "which leads outside"},
        {WEB("") "networks: {a: {enable_ipv4: false}}\n", "4:29: ", "orc has one network, of IPv4"},
        {WEB("") "networks: {a: {enable_ipv6: true}}\n", "4:29: ", "orc has one network, of IPv4"},
        {WEB("") "networks: {a: {ipam: {config: []}}}\n", "4:23: ", "orc gives the addresses"},
        {WEB("") "networks: {a: {ipam: {driver: dhcp}}}\n", "4:31: ", "must be \"default\""},
        {WEB("") "networks: {a: {driver: macvlan}}\n",
         "4:24: ", "driver is \"macvlan\", but must be \"bridge\" or \"overlay\""},
        {WEB("") "volumes: {a: {driver_opts: {typ: nfs}}}\n", "4:29: ", "is none of the driver \"local\""},
        {WEB("") "volumes: {a: {driver: nfs}}\n", "4:23: ", "must be \"local\""},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__names(void **state)
{
    static const struct refusal cases[] = {
        {"name: My_Shop\n" WEB(""), "1:7: ",
         "app name \"My_Shop\" can't be used: names are 1 to 40 lower-case letters, digits and hyphens, with "
         "a "
         "letter or digit at both ends (they become DNS names); how about \"my-shop\"?"},
        {"name: 5\n" WEB(""),
         "1:7: ", "name must be a string, but this is a number; write \"5\" with quotes"},
        {"services: {auth_service: {image: a}}\n", "1:12: ",
         "service name \"auth_service\" can't be used: names are 1 to "
         "40 lower-case letters, digits and hyphens, with a letter or "
         "digit at both ends (they become DNS names); how about "
         "\"auth-service\"?"},
        {"services: {'': {image: a}}\n", "1:12: ", "service name \"\" can't be used"},
        {"services: {web: {}}\n", "1:12: ", "service \"web\" has no image"},
        {"services: {web: {image: }}\n", "1:25: ", "image must be a string, but this is nothing"},
        {"services: {web: {image: A}}\n", "1:25: ", "image \"A\" is not valid: a name is in lower case"},
        {WEB("") "volumes: {a/b: }\n", "4:11: ", "volume name \"a/b\" can't be used"},
    };
    orc_auto_free char *none = parse_refused_n(WEB(""), strlen(WEB("")), NULL);
    orc_auto_free char *folder = parse_refused_n(WEB(""), strlen(WEB("")), "My Folder");

    ASSERT_REFUSALS(cases);
    assert_non_null(strstr(none, "1:1: the app has no name; add a line such as \"name: shop\""));
    assert_non_null(strstr(folder, "\"My Folder\" can't be used"));
    assert_non_null(strstr(folder, "add a line such as \"name: my-folder\""));
}

static void test_spec_refuse__too_many_services(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    orc_buf_puts(&b, "services:\n");
    for (int i = 0; i <= SPEC_SERVICES_MAX; i++)
        orc_buf_printf(&b, "  s%d: {image: a}\n", i);
    assert_problem(orc_buf_str(&b), "2:3: ", "there are 1001 services in this file; an app has at most 1000");
    orc_buf_release(&b);
}

static void test_spec_refuse__a_service_too_large_for_the_store(void **state)
{
    struct orc_buf b = ORC_BUF_INIT(SPEC_FILE_MAX);

    orc_buf_puts(&b, WEB("    environment:\n"));
    for (int i = 0; i < 900; i++)
        orc_buf_printf(&b, "      V%d: %0300d\n", i, 0);
    assert_problem(orc_buf_str(&b), "2:3: ", "bytes of settings; the store takes 262144");
    orc_buf_release(&b);
}

/* Behaviour 6. */
static void test_spec_refuse__dependencies_that_can_not_be_kept(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    depends_on: [web]\n"), "4:18: ", "service \"web\" depends on itself"},
        {WEB("    depends_on: [bakend]\n") "  backend: {image: a}\n", "4:18: ",
         "service \"bakend\" is not in this file; did you mean "
         "\"backend\"?"},
        {WEB("    depends_on: {zzzzzz: {condition: service_started}}\n"),
         "4:18: ", "\"zzzzzz\" is not in this file"},
        {WEB("    depends_on: [b, b]\n") "  b: {image: a}\n", "4:21: ", "\"b\" is in depends_on twice"},
        {"services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n"
         "  c: {image: x, depends_on: [a]}\n",
         "2:3: ", "depends_on goes round in a circle: a -> b -> c -> a"},
        {"services:\n  z: {image: x, depends_on: [a]}\n  a: {image: x, depends_on: [b]}\n"
         "  b: {image: x, depends_on: [a]}\n",
         "3:3: ", "circle: a -> b -> a"},
        {WEB("    depends_on: {b: {condition: service_healthy}}\n") "  b: {image: a}\n",
         "4:18: ", "\"web\" waits for \"b\" to be healthy, which has no health check"},
        {WEB("    depends_on: {b: {condition: service_completed_successfully}}\n") "  b: {image: a}\n",
         "4:18: ", "\"web\" waits for \"b\" to complete, which is no job"},
        {WEB("    depends_on: {b: {condition: service_gone}}\n") "  b: {image: a}\n",
         "4:33: ", "must be \"service_started\", \"service_healthy\" or \"service_completed_successfully\""},
        {WEB("    depends_on: {b: {condition: service_healthy}}\n") "  b: {image: a, deploy: {mode: "
                                                                    "global-job}}\n",
         "4:18: ", "or wait for service_completed_successfully"},
        {WEB("    depends_on: {b: 5}\n") "  b: {image: a}\n", "4:21: ", "a dependency must be a mapping"},
    };

    ASSERT_REFUSALS(cases);
}

#define JOB(rest) WEB("    deploy: {mode: replicated-job}\n" rest)

static void test_spec_refuse__what_makes_no_sense_for_a_job(void **state)
{
    static const struct refusal cases[] = {
        {JOB("    restart: always\n"), "5:14: ", "a job that has succeeded has ended"},
        {JOB("    restart: unless-stopped\n"),
         "5:14: ", "as \"unless-stopped\" beside mode \"replicated-job\""},
        {JOB("    healthcheck: {test: [CMD, a]}\n"), "5:18: ", "\"health\" makes no sense beside"},
        {JOB("    x-orc: {health: {tcp: {port: 80}}}\n"), "5:21: ", "it is judged by its exit code"},
        {JOB("    x-orc: {canary: 1}\n"), "5:21: ", "\"canary\" makes no sense"},
        {JOB("    x-orc: {disconnect: 1m}\n"), "5:25: ", "\"disconnect\" makes no sense"},
        {JOB("    x-orc: {gateway: {port: 80}}\n"), "5:22: ", "it serves nobody"},
        {JOB("    x-orc: {schedule: '* * *'}\n"), "5:23: ", "five fields"},
        {JOB("    x-orc: {schedule: {time_zone: UTC}}\n"), "5:23: ", "has no \"cron\""},
        {JOB("    x-orc: {schedule: {cron: '61 * * * *'}}\n"), "5:30: ", "\"61\" is no minute"},
        {JOB("    x-orc: {schedule: {cron: '@daily', time_zone: ../x}}\n"),
         "5:51: ", "no name of a time zone"},
        {JOB("    x-orc: {schedule: {cron: '@daily', concurrency: maybe}}\n"), "5:53: ", "\"forbid\""},
        {JOB("    x-orc: {schedule: {cron: '@daily', starting_deadline: 0s}}\n"),
         "5:59: ", "from 1s to 168h"},
        {JOB("    x-orc: {schedule: {cron: '@daily', starting_deadline: 999ms}}\n"),
         "5:59: ", "from 1s to 168h"},
        {JOB("    x-orc: {schedule: {cron: '@daily', starting_deadline: 168h1ms}}\n"),
         "5:59: ", "from 1s to 168h"},
        {JOB("    x-orc: {schedule: {cron: '@daily', keep: 0}}\n"), "5:46: ", "keep"},
        {JOB("    x-orc: {schedule: {cron: '@daily', keep: 101}}\n"), "5:46: ", "keep"},
        {WEB("    x-orc: {schedule: '@daily'}\n"), "4:23: ", "give deploy.mode \"replicated-job\""},
        {JOB("    x-orc: {job: {max_concurrent: -1}}\n"), "5:35: ", "max_concurrent"},
        {JOB("    x-orc: {job: {keep: 0}}\n"), "5:25: ", "keep"},
        {JOB("    x-orc: {job: {keep: 101}}\n"), "5:25: ", "keep"},
        {JOB("    x-orc: {job: {retries: 1}}\n"), "5:19: ", "\"retries\""},
        {WEB("    deploy: {mode: global-job, replicas: 2}\n"), "4:42: ", "beside mode \"global-job\""},
        {WEB("    deploy: {mode: global-job, update_config: {}}\n"),
         "4:47: ", "a new revision begins a new run"},
        {WEB("    deploy: {mode: replicated-job, rollback_config: {}}\n"), "4:53: ", "begins a new run"},
        {WEB("    deploy: {mode: replicated-job, restart_policy: {condition: any}}\n"),
         "4:64: ", "\"on-failure\" and \"none\" do"},
        {WEB("    deploy: {mode: replicated-job, restart_policy: {window: 1s}}\n"),
         "4:61: ", "window makes no sense"},
        {WEB("    restart: 'no'\n    deploy: {mode: replicated-job, restart_policy: {}}\n"),
         "5:52: ", "say the same"},
        {WEB("    x-orc: {job: {keep: 3}}\n"), "4:18: ", "give deploy.mode \"replicated-job\""},
        {WEB("    deploy: {mode: global}\n    x-orc: {job: {keep: 3}}\n"), "5:18: ", "\"global-job\""},
    };

    ASSERT_REFUSALS(cases);
}

/* A "cron" that is no schedule is there all the same. */
static void test_spec_refuse__a_schedule_is_complained_of_once(void **state)
{
    orc_auto_free char *said = parse_refused(JOB("    x-orc: {schedule: {cron: '61 * * * *'}}\n"));

    assert_non_null(strstr(said, "is no minute"));
    assert_null(strstr(said, "has no \"cron\""));
}

static void test_spec_refuse__environment_and_labels(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    environment: [=x]\n"), "4:19: ", "variable name \"\" can't be used"},
        {WEB("    environment: {A B: x}\n"), "4:19: ", "variable name \"A B\" can't be used"},
        {WEB("    environment: [A=1, A=2]\n"), "4:24: ", "variable \"A\" is here twice"},
        {WEB("    environment: {A: [x]}\n"), "4:22: ", "variable \"A\" must be a string, but this is a list"},
        {WEB("    environment: [{A: x}]\n"), "4:19: ", "variable must be a string, but this is a mapping"},
        {WEB("    labels: {orc.task: x}\n"), "4:14: ", "labels that begin with \"orc.\" are orc's own"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__variables_that_cannot_be_filled_in(void **state)
{
    static const struct refusal cases[] = {
        {"services: {web: {image: 'nginx:${TAG:?which one}'}}\n",
         "1:32: ", "variable \"TAG\" must be set: which one"},
        {WEB("    environment: {A: 'x ${HOME'}\n"), "4:25: ", "\"${HOME\" has no closing \"}\""},
        {WEB("    command: echo ${1}\n"), "4:19: ", "\"${1}\" names no variable"},
        {WEB("    deploy: {replicas: '${N?}'}\n"), "4:25: ", "variable \"N\" must be set"},
    };

    ASSERT_REFUSALS(cases);
}

/* Behaviour 9, and the bounds of every number. */
static void test_spec_refuse__numbers_and_units(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    deploy: {replicas: -1}\n"), "4:24: ", "replicas: \"-1\" is not a whole number in 0..10000"},
        {WEB("    deploy: {replicas: 10001}\n"), "4:24: ", "0..10000"},
        {WEB("    deploy: {replicas: 1.5}\n"), "4:24: ", "is not a whole number"},
        {WEB("    deploy: {replicas: [3]}\n"), "4:24: ", "replicas must be a string, but this is a list"},
        {WEB("    deploy: {resources: {limits: {memory: -5m}}}\n"),
         "4:43: ", "memory: \"-5m\" is not a size"},
        {WEB("    deploy: {resources: {limits: {memory: 5x}}}\n"), "4:43: ", "is not a size"},
        {WEB("    deploy: {resources: {limits: {memory: 5 m}}}\n"), "4:43: ", "is not a size"},
        {WEB("    deploy: {resources: {limits: {memory: 5m}}}\n"), "4:43: ",
         "is too little; the engine takes no limit below "
         "6M"},
        {WEB("    deploy: {resources: {limits: {memory: 2000t}}}\n"), "4:43: ", "more than any server has"},
        {WEB("    deploy: {resources: {limits: {memory: 99999999999999999999}}}\n"), "4:43: ", "memory: "},
        {WEB("    deploy: {resources: {limits: {cpus: -1}}}\n"), "4:41: ", "cpus: \"-1\""},
        {WEB("    deploy: {resources: {limits: {cpus: 0.001}}}\n"), "4:41: ", "no limit below 0.01"},
        {WEB("    deploy: {resources: {limits: {cpus: 20000}}}\n"), "4:41: ", "more than any server has"},
        {WEB("    deploy: {resources: {limits: {pids: 0}}}\n"), "4:41: ", "pids"},
        {WEB("    deploy: {resources: {limits: {pids: -1}}}\n"), "4:41: ", "pids"},
        {WEB("    deploy: {resources: {limits: {pids: many}}}\n"), "4:41: ", "pids"},
        {WEB("    deploy: {resources: {limits: {pids: 4194305}}}\n"), "4:41: ", "pids"},
        {WEB("    deploy: {resources: {limits: {cpus: half}}}\n"), "4:41: ", "cpus: \"half\""},
        {WEB("    deploy: {resources: {limits: {cpus: 1, memory: 64m}, reservations: {cpus: 2, memory: "
             "65m}}}\n"),
         "4:72: ", "reservations.cpus 2 is above limits.cpus 1"},
        {WEB("    deploy: {resources: {limits: {memory: 64m}, reservations: {memory: 65m}}}\n"),
         "4:63: ", "reservations.memory 65 MiB is above limits.memory 64 MiB"},
        {WEB("    stop_grace_period: 10\n"), "4:24: ", "stop_grace_period: \"10\" is not a duration"},
        {WEB("    stop_grace_period: -1s\n"), "4:24: ", "is not a duration"},
        {WEB("    stop_grace_period: 9000h\n"), "4:24: ", "is too long a time; the longest is a year"},
        {WEB("    stop_signal: SIGFOO\n"), "4:18: ", "stop_signal: signal \"SIGFOO\" is not known"},
        {WEB("    healthcheck: {test: a, interval: 0s}\n"),
         "4:38: ", "is too short a time; the shortest is 1ms"},
        {WEB("    healthcheck: {test: a, retries: 0}\n"), "4:37: ", "1..1000"},
        {WEB("    deploy: {update_config: {parallelism: -1}}\n"), "4:43: ", "0..10000"},
        {WEB("    deploy: {update_config: {parallelism: 0%}}\n"), "4:43: ", "such as \"25%\""},
        {WEB("    deploy: {update_config: {parallelism: 101%}}\n"), "4:43: ", "from 1% to 100%"},
        {WEB("    deploy: {update_config: {parallelism: 2.5%}}\n"), "4:43: ", "parallelism is \"2.5%\""},
        {WEB("    deploy: {update_config: {parallelism: '%'}}\n"), "4:43: ", "parallelism is \"%\""},
        {WEB("    deploy: {update_config: {max_failure_ratio: 1.1}}\n"), "4:49: ", "from 0 to 1"},
        {WEB("    deploy: {update_config: {max_failure_ratio: -0.1}}\n"), "4:49: ", "such as 0.25"},
        {WEB("    deploy: {rollback_config: {failure_action: rollback}}\n"),
         "4:48: ", "must be \"pause\" or \"continue\""},
        {WEB("    x-orc: {canary: 25%}\n"), "4:21: ", "0..10000"},
        {WEB("    x-orc: {canary: -1}\n"), "4:21: ", "0..10000"},
        {WEB("    deploy: {rollback_config: {paralelism: 1}}\n"), "4:32: ", "did you mean \"parallelism\"?"},
        {WEB("    deploy: {update_config: {order: random}}\n"),
         "4:37: ", "must be \"stop-first\" or \"start-first\""},
        {WEB("    deploy: {update_config: {failure_action: x}}\n"), "4:46: ",
         "must be \"pause\", \"continue\" or "
         "\"rollback\""},
        {WEB("    restart: sometimes\n"), "4:14: ", "restart is \"sometimes\", but must be \"always\""},
        {WEB("    restart: on-failure:0\n"), "4:14: ", "restart is \"on-failure:0\""},
        {WEB("    restart: on-failure:x\n"), "4:14: ", "restart is \"on-failure:x\""},
        {WEB("    restart: on-failures\n"), "4:14: ", "restart is"},
    };

    ASSERT_REFUSALS(cases);
}

/* Behaviour 10. */
static void test_spec_refuse__ports(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    ports: ['80:']\n"), "4:13: ", "port \"80:\": the container's port is missing"},
        {WEB("    ports: ['']\n"), "4:13: ", "is no port"},
        {WEB("    ports: [':80']\n"), "4:13: ", "is no port"},
        {WEB("    ports: [0]\n"), "4:13: ", "a port is a number in 1..65535"},
        {WEB("    ports: ['65536']\n"), "4:13: ", "a port is a number in 1..65535"},
        {WEB("    ports: ['80-70']\n"), "4:13: ", "is no port"},
        {WEB("    ports: ['80-81-82']\n"), "4:13: ", "is no port"},
        {WEB("    ports: ['80/sctp']\n"), "4:13: ", "protocol \"sctp\" is not supported; tcp and udp are"},
        {WEB("    ports: ['80/']\n"), "4:13: ", "protocol \"\" is not supported"},
        {WEB("    ports: ['1-3:80']\n"), "4:13: ", "3 host ports for 1 container ports"},
        {WEB("    ports: ['1-65535']\n"), "4:13: ", "there are more than 1000 ports"},
        {WEB("    ports: ['[::1]:80:80']\n"), "4:13: ", "IPv4 address"},
        {WEB("    ports: ['localhost:80:80']\n"), "4:13: ", "\"localhost\" is not an IPv4 address"},
        {WEB("    ports: ['256.0.0.1:80:80']\n"), "4:13: ", "is not an IPv4 address"},
        {WEB("    ports: ['80:80', '80:81']\n"),
         "4:12: ", "port 80 of the server is published twice, for 80 and for 81"},
        {WEB("    ports: ['0.0.0.0:80:80', '127.0.0.1:80:81']\n"), "4:12: ", "published twice"},
        {WEB("    ports: [{published: 80}]\n"), "4:13: ", "this port has no \"target\""},
        {WEB("    ports: [{target: 80, published: 1-2}]\n"),
         "4:37: ", "published: \"1-2\" is not a whole number"},
        {WEB("    ports: [{target: 80, protocol: TCP}]\n"), "4:36: ", "must be \"tcp\" or \"udp\""},
        {WEB("    ports: [{target: 80, mode: mesh}]\n"), "4:32: ", "must be \"host\" or \"ingress\""},
        {WEB("    ports: [[80]]\n"), "4:13: ", "a port must be a string, but this is a list"},
    };

    ASSERT_REFUSALS(cases);
}

/* Behaviours 11, 96. */
static void test_spec_refuse__volumes(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    volumes: ['data:/d']\n"), "4:15: ",
         "volume \"data\" is not declared; add \"data:\" below the top-level "
         "\"volumes:\""},
        {WEB("    volumes: ['data:d']\n") "volumes: {data: }\n", "4:15: ",
         "the path in the container: \"d\" is not valid: "
         "give an absolute path"},
        {WEB("    volumes: ['./x:/x']\n"), "4:15: ", "the container may run on any server"},
        {WEB("    volumes: ['~/x:/x']\n"), "4:15: ", "relative"},
        {WEB("    volumes: ['x/y:/x']\n"), "4:15: ", "relative"},
        {WEB("    volumes: ['/a/../b:/x']\n"), "4:15: ", "without \"..\""},
        {WEB("    volumes: ['/a:/']\n"), "4:15: ", "\"/\" can't be mounted over"},
        {WEB("    volumes: ['/a:/b:rx']\n"), "4:15: ", "mode \"rx\" is not supported; \"ro\" and \"rw\" are"},
        {WEB("    volumes: ['/a:/b:ro:z']\n"), "4:15: ", "mode \"ro:z\" is not supported"},
        {WEB("    volumes: ['/a:/b:']\n"), "4:15: ", "mode \"\" is not supported"},
        {WEB("    volumes: ['/data']\n"),
         "4:15: ", "it has no name, so its data would be lost with the container"},
        {WEB("    volumes: [':/data']\n"), "4:15: ", "volume name \"\" can't be used"},
        {WEB("    volumes: ['/a:/x', '/b:/x/']\n"), "4:24: ", "\"/x\" in the container is mounted twice"},
        {WEB("    volumes: [{source: a, target: /a}]\n"), "4:15: ", "this volume has no \"type\""},
        {WEB("    volumes: [{type: volume, target: /a}]\n"), "4:15: ", "this volume has no \"source\""},
        {WEB("    volumes: [{type: volume, source: a}]\n"), "4:15: ", "this volume has no \"target\""},
        {WEB("    volumes: [{type: npipe, target: /a}]\n"),
         "4:22: ", "must be \"volume\", \"bind\" or \"tmpfs\""},
        {WEB("    volumes: [{type: bind, source: a, target: /a}]\n"), "4:15: ", "give an absolute path"},
        {WEB("    volumes: [{type: volume, source: /a, target: /a}]\n"),
         "4:15: ", "volume name \"/a\" can't be used"},
        {WEB("    networks: [front]\n"), "4:16: ", "network \"front\" is not declared"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__health_checks(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    healthcheck: {interval: 5s}\n"), "4:18: ", "healthcheck has no \"test\""},
        {WEB("    healthcheck: {test: []}\n"), "4:25: ", "accepted are [\"CMD\""},
        {WEB("    healthcheck: {test: [CMD]}\n"), "4:25: ", "test begins with \"CMD\" and has 1 elements"},
        {WEB("    healthcheck: {test: [CMD-SHELL, a, b]}\n"), "4:25: ", "has 3 elements"},
        {WEB("    healthcheck: {test: [curl, x]}\n"), "4:25: ", "test begins with \"curl\""},
        {WEB("    healthcheck: {test: [NONE, x]}\n"), "4:25: ", "test begins with \"NONE\""},
        {WEB("    healthcheck: {test: ''}\n"), "4:25: ", "test is empty"},
        {WEB("    healthcheck: {test: 5}\n"), "4:25: ", "test must be a string, but this is a number"},
        {WEB("    healthcheck: {test: a, disable: maybe}\n"),
         "4:37: ", "disable must be true or false, not maybe"},
        {WEB("    x-orc: {health: {interval: 1s}}\n"), "4:21: ", "x-orc.health does not say how to check"},
        {WEB("    x-orc: {health: {http: {port: 1}, tcp: {port: 1}}}\n"),
         "4:44: ", "exactly one of http, tcp and exec"},
        {WEB("    x-orc: {health: {http: {path: /}}}\n"), "4:28: ", "x-orc.health.http needs a \"port\""},
        {WEB("    x-orc: {health: {tcp: {}}}\n"), "4:27: ", "x-orc.health.tcp needs a \"port\""},
        {WEB("    x-orc: {health: {tcp: {port: 0}}}\n"), "4:34: ", "1..65535"},
        {WEB("    x-orc: {health: {http: {port: 1, path: health}}}\n"),
         "4:44: ", "path \"health\" is not valid"},
        {WEB("    x-orc: {health: {exec: []}}\n"), "4:28: ", "exec is empty"},
        {WEB("    x-orc: {health: {readiness: {tcp: {port: 1}}, interval: 1s}}\n"),
         "4:51: ", "it is given below each of them"},
        {WEB("    x-orc: {health: {readiness: {interval: 1s}}}\n"),
         "4:33: ", "x-orc.health.readiness does not say how to check"},
        {WEB("    x-orc: {health: {liveness: {tcp: {}}}}\n"), "4:38: ", "needs a \"port\""},
        {WEB("    network_mode: none\n"
             "    x-orc: {health: {readiness: {exec: [a]}, liveness: {tcp: {port: 1}}}}\n"),
         "5:21: ", "give \"exec\" instead"},
        {WEB("    x-orc: {health: {exec: \"a 'b\"}}\n"),
         "4:28: ", "the quote that begins at 'b is not closed"},
    };

    ASSERT_REFUSALS(cases);
}

/* Behaviours 97, 100. */
static void test_spec_refuse__routes(void **state)
{
    static const struct refusal cases[] = {
        {WEB("    x-orc: {gateway: {path: /}}\n"), "4:22: ", "this route has no \"port\""},
        {WEB("    x-orc: {gateway: 80}\n"), "4:22: ", "x-orc.gateway must be a mapping with port"},
        {WEB("    x-orc: {gateway: {port: 80, host: 'a;b'}}\n"), "4:39: ", "host \"a;b\" is not valid"},
        {WEB("    x-orc: {gateway: {port: 80, path: '/a {'}}\n"), "4:39: ", "path \"/a {\" is not valid"},
        {WEB("    x-orc: {gateway: {port: 80, path: '/a/../b'}}\n"), "4:39: ", "without \"..\""},
        {WEB("    x-orc: {gateway: {port: 80, strip_prefix: 1}}\n"), "4:47: ", "must be true or false"},
        {WEB("    x-orc: {gateway: [{port: 80}, {port: 81}]}\n"),
         "4:35: ", "routed twice; service \"web\" has it in line 4"},
        {WEB("    x-orc: {gateway: {port: 80, host: a.b, path: /x/}}\n") "  two:\n    image: a\n    x-orc: "
                                                                         "{gateway: {port: 80, host: A.B, "
                                                                         "path: /x/}}\n",
         "7:22: ",
         "host \"a.b\" with path \"/x/\" is routed twice; service \"web\" has it in line 4 already"},
        {WEB("    x-orc: {drain: {timeout: 5}}\n"), "4:30: ", "timeout: \"5\" is not a duration"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__constraints(void **state)
{
#define CONSTRAINT(text) WEB("    deploy: {placement: {constraints: ['" text "']}}\n")
    static const struct refusal cases[] = {
        {CONSTRAINT("node.labels.disk"), "4:40: ", "has neither \"==\" nor \"!=\""},
        {CONSTRAINT("node.roles == manager"), "4:40: ",
         "constraint on \"node.roles\" is not supported; use node.labels.NAME, engine.labels.NAME, "
         "node.hostname"},
        {CONSTRAINT("node.hostname =="), "4:40: ", "constraint value \"\" can't be used"},
        {CONSTRAINT("node.hostname == a b"), "4:40: ", "constraint value \"a b\" can't be used"},
        {CONSTRAINT("== a"), "4:40: ", "constraint on \"\" is not supported"},
        {WEB("    deploy: {placement: {constraints: node.hostname==a}}\n"),
         "4:39: ", "constraints must be a list"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__replicas_per_node(void **state)
{
#define MAX_PER_NODE(text) WEB("    deploy: {placement: {max_replicas_per_node: " text "}}\n")
    static const struct refusal cases[] = {
        {MAX_PER_NODE("-1"), "4:49: ", "max_replicas_per_node"},
        {MAX_PER_NODE("10001"), "4:49: ", "max_replicas_per_node"},
        {MAX_PER_NODE("1.5"), "4:49: ", "max_replicas_per_node"},
        {MAX_PER_NODE("one"), "4:49: ", "max_replicas_per_node"},
        {MAX_PER_NODE("[1]"), "4:49: ", "max_replicas_per_node"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__preferences_and_strategy(void **state)
{
#define PREFER(text) WEB("    deploy: {placement: {preferences: " text "}}\n")
    static const struct refusal cases[] = {
        {PREFER("{spread: node.labels.a}"), "4:39: ", "preferences must be a list"},
        {PREFER("[node.labels.a]"), "4:40: ", "a preference"},
        {PREFER("[{}]"), "4:40: ", "write it as in {spread: node.labels.zone}"},
        {PREFER("[{binpack: node.labels.a}]"), "4:41: ", "unknown key \"binpack\" in a preference"},
        {PREFER("[{spread: engine.zone}]"), "4:49: ", "spread over \"engine.zone\" is not supported"},
        {PREFER("[{spread: node.labels.a}, {spread: node.labels.a}]"), "4:74: ", "in preferences twice"},
        {PREFER("[{}, {}, {}, {}, {}]"), "4:39: ", "at most 4"},
        {WEB("    x-orc: {placement: {strategy: pack}}\n"), "4:35: ", "must be \"spread\" or \"binpack\""},
        {WEB("    x-orc: {placement: {constraints: []}}\n"), "4:25: ", "deploy: {placement: {constraints"},
        {WEB("    x-orc: {placement: {survive_node_loss: 1}}\n"), "4:44: ", "must be true or false"},
        {WEB("    x-orc: {placement: binpack}\n"), "4:24: ", "x-orc.placement"},
        {WEB("    x-orc: {rebalance: always}\n"), "4:24: ", "\"always\""},
        {WEB("    x-orc: {rebalance: {when: now}}\n"), "4:25: ", "unknown key \"when\" in x-orc.rebalance"},
    };

    ASSERT_REFUSALS(cases);
}

static void test_spec_refuse__everything_that_is_wrong_is_said_at_once(void **state)
{
    orc_auto_free char *text = parse_refused("nmae: x\n"
                                             "services:\n"
                                             "  web:\n"
                                             "    image: A\n"
                                             "    ports: ['x', 'y']\n"
                                             "    restart: maybe\n"
                                             "  b: {depends_on: [c]}\n");
    int lines = 0;

    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spec_refuse__what_must_be_a_mapping),
        cmocka_unit_test(test_spec_refuse__unknown_keys_by_name),
        cmocka_unit_test(test_spec_refuse__composes_other_keys_with_the_reason),
        cmocka_unit_test(test_spec_refuse__names),
        cmocka_unit_test(test_spec_refuse__too_many_services),
        cmocka_unit_test(test_spec_refuse__a_service_too_large_for_the_store),
        cmocka_unit_test(test_spec_refuse__dependencies_that_can_not_be_kept),
        cmocka_unit_test(test_spec_refuse__what_makes_no_sense_for_a_job),
        cmocka_unit_test(test_spec_refuse__environment_and_labels),
        cmocka_unit_test(test_spec_refuse__variables_that_cannot_be_filled_in),
        cmocka_unit_test(test_spec_refuse__numbers_and_units),
        cmocka_unit_test(test_spec_refuse__ports),
        cmocka_unit_test(test_spec_refuse__volumes),
        cmocka_unit_test(test_spec_refuse__health_checks),
        cmocka_unit_test(test_spec_refuse__routes),
        cmocka_unit_test(test_spec_refuse__constraints),
        cmocka_unit_test(test_spec_refuse__replicas_per_node),
        cmocka_unit_test(test_spec_refuse__preferences_and_strategy),
        cmocka_unit_test(test_spec_refuse__everything_that_is_wrong_is_said_at_once),
        cmocka_unit_test(test_spec_refuse__a_schedule_is_complained_of_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
