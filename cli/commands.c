#include "cli/commands.h"

#include "cli/cmd.h"

/* The examples of one command. */
#define EXAMPLES(...)                                                                                        \
    (const struct command_example[])                                                                         \
    {                                                                                                        \
        __VA_ARGS__,                                                                                         \
        {                                                                                                    \
            0                                                                                                \
        }                                                                                                    \
    }

const struct command commands[] = {
    {"init", "make a new cluster in an etcd", cmd_init,
     EXAMPLES({"orc init", "a cluster \"default\" in the etcd of this machine"},
              {"orc init --etcd http://10.0.0.11:2379 --cidr 10.99.0.0/16",
               "with another network of containers"})},
    {"apply", "make the cluster look like a Compose file", cmd_apply,
     EXAMPLES({"orc apply service.yaml", "and wait until it does"},
              {"orc apply service.yaml --prune", "and remove services that the file no longer has"},
              {"sed s/web:1/web:2/ service.yaml | orc apply -", "an update, from standard input"})},
    {"config", "a Compose file as orc understands it", cmd_config,
     EXAMPLES({"orc config service.yaml", "every spelling the long one, as YAML"},
              {"orc config service.yaml -o json | jq -r '.services[].image'",
               "in the shape of `docker compose config --format json`"},
              {"orc config --quiet service.yaml", "only checks it"})},
    {"schema", "what a file may have, as a JSON Schema for editors", cmd_schema,
     EXAMPLES({"orc schema >orc.schema.json",
               "for a file that begins with `# yaml-language-server: $schema=orc.schema.json`"})},
    {"diff", "what a file would change, key by key", cmd_diff,
     EXAMPLES({"orc diff service.yaml", "each key with both values, and whether containers are replaced"},
              {"orc diff service.yaml --exit-code", "for scripts: 1 when there is a difference"})},
    {"plan", "what applying a file, or losing a server, would lead to", cmd_plan,
     EXAMPLES(
         {"orc plan service.yaml", "what applying it would start and stop, and where"},
         {"orc plan --without-node k2", "which replicas would move where if k2 died, and what would not fit"},
         {"orc plan", "what is still to come"})},
    {"status", "is it up, and if not, why not", cmd_status,
     EXAMPLES({"orc status", "services, servers and problems"},
              {"orc status shop/orders", "one service, with its replicas"},
              {"orc status --watch", "again with each change"})},
    {"services", "the services, and how many replicas of each are well", cmd_services,
     EXAMPLES({"orc services -o wide", "every column, the image among them"},
              {"orc services shop -o name", "the services of one app, for a script"})},
    {"tasks", "the containers: where each is, and how it is", cmd_tasks,
     EXAMPLES({"orc tasks shop/orders", "the replicas of one service"},
              {"orc tasks --node k2", "what is on one server"},
              {"orc tasks -o json | jq -r '.[] | select(.health != \"healthy\") | .id'",
               "those that are not well"})},
    {"describe", "everything about one service, task or server", cmd_describe,
     EXAMPLES({"orc describe service shop/orders", "what is wrong with it, since when, why, and what to do"},
              {"orc describe task shop.orders.2.17", "its container, its health, its last events"},
              {"orc describe node k2", "its room, its conditions, what runs there"})},
    {"run", "begin a run of a job now", cmd_run,
     EXAMPLES({"orc run shop/migrate", "and wait for its end; exit code 3 when it failed"})},
    {"runs", "the runs of a job, and how they ended", cmd_runs,
     EXAMPLES({"orc runs shop/migrate", "the newest first"})},
    {"why", "why a replica waits, server by server, and what would help", cmd_why,
     EXAMPLES({"orc why shop/orders", "its first replica that waits, held against each server"},
              {"orc why shop.orders.2.17", "why that one is where it is"})},
    {"scale", "change how many replicas a service has", cmd_scale,
     EXAMPLES({"orc scale shop/orders=4", "until the next apply whose file says a number"},
              {"orc scale shop/orders=0", "none runs, and the service stays"})},
    {"restart", "restart a service, rolling", cmd_restart,
     EXAMPLES(
         {"orc restart shop/orders", "each replica is replaced by a fresh one, within its update_config"},
         {"orc restart shop", "the same of each service of the app"})},
    {"rollout", "how an update gets on; pause, resume, abort it", cmd_rollout,
     EXAMPLES({"orc rollout status shop/orders", "exit code 3 when it needs somebody"},
              {"orc rollout pause shop/orders", "no further replica is replaced"},
              {"orc rollout abort shop/orders", "back to the last revision that was complete"})},
    {"history", "the revisions of a service", cmd_history,
     EXAMPLES({"orc history shop/orders", "who applied what, when, and what became of it"})},
    {"rebalance", "move replicas to servers that came or came back", cmd_rebalance,
     EXAMPLES({"orc rebalance --all --dry-run", "what would move"},
              {"orc rebalance shop --max 5", "five replicas at most, each new one before its old one goes"})},
    {"rollback", "go back to an earlier revision of a service", cmd_rollback,
     EXAMPLES({"orc rollback shop/orders", "to the revision before"},
              {"orc rollback shop/orders 3", "to revision 3, as `orc history` lists it"})},
    {"rm", "remove an app or a service", cmd_rm,
     EXAMPLES({"orc rm shop/orders", "and wait until none of its containers is left"},
              {"orc rm shop", "the whole app; named volumes stay"})},
    {"nodes", "the servers, their room and their condition", cmd_nodes,
     EXAMPLES({"orc nodes", "what is reserved on each, of how much"},
              {"orc nodes -o name", "their names, for a script"})},
    {"node", "keep work off one server, or let it have some again", cmd_node,
     EXAMPLES({"orc node drain k2", "its replicas move elsewhere; waits until it is empty"},
              {"orc node uncordon k2", "it gets work again"}, {"orc node rm k2", "it is gone for good"},
              {"orc node label k2 disk=ssd rack-",
               "labels for placement constraints: one given, one taken away"})},
    {"events", "what happened", cmd_events,
     EXAMPLES({"orc events --since 10m", "of the last ten minutes"},
              {"orc events shop/orders --follow", "and what happens to one service"})},
    {"dev", "a cluster of this one server, in the foreground", cmd_dev,
     EXAMPLES(
         {"orc dev", "until Ctrl-C, on the local Docker Engine"},
         {"orc dev --listen 0.0.0.0:80 --keep", "reached from outside; containers run on when it ends"})},
    {"recover", "after etcd was wiped or restored: believe what it holds now", cmd_recover,
     EXAMPLES({"orc recover", "the daemons go on; look with `orc status` first"})},
    {"context", "clusters by name, so that nobody types addresses", cmd_context,
     EXAMPLES(
         {"orc context add prod --etcd https://10.0.0.11:2379 --cacert ca.pem --cert me.pem --key me.key",
          "the first one is the current one at once"},
         {"orc context use staging", "from now on commands go there"},
         {"orc context list", "which there are"})},
    {"completion", "completion for bash, zsh and fish", cmd_completion,
     EXAMPLES({"source <(orc completion bash)", "in ~/.bashrc: orc's words are completed by Tab"},
              {"source <(orc completion zsh)", "in ~/.zshrc, after compinit"},
              {"orc completion fish >~/.config/fish/completions/orc.fish", "once, for fish"})},
    {"version", "which orc this is, and which the servers run", cmd_version,
     EXAMPLES({"orc version", "of this program, and of nodelet on each server"})},
    {"help", "what orc can do, or all about one command", cmd_help,
     EXAMPLES({"orc help apply", "the same as `orc apply --help`"},
              {"orc help --man apply | man -l -", "its man page"})},
    {0},
};

const struct command *command_find(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(name, c->name) == 0)
            return c;
    return NULL;
}

/* What who knows Docker types. */
static const char *elsewhere(const char *name)
{
    static const char *const words[][2] = {
        {"up", "`orc apply FILE`"},
        {"down", "`orc rm APP`"},
        {"stop", "`orc scale APP/SERVICE=0`, or `orc rm APP`"},
        {"ps", "`orc tasks`, or `orc status`"},
        {"ls", "`orc services`"},
        {"inspect", "`orc describe`"},
        {"logs", "`docker logs orc-TASK` on the task's server: `orc tasks` shows both"},
        {"exec", "`docker exec orc-TASK` on the task's server: `orc tasks` shows both"},
    };

    for (size_t i = 0; i < ORC_ARRAY_SIZE(words); i++)
        if (strcmp(name, words[i][0]) == 0)
            return words[i][1];
    return NULL;
}

int command_unknown(const char *name)
{
    const char *names[ORC_ARRAY_SIZE(commands)] = {0};
    const char *near, *other = elsewhere(name);

    if (name[0] == '-') {
        fprintf(stderr,
                "orc: options stand behind the command: `orc status %s ...`; `orc help` lists the commands\n",
                name);
        return CLI_USAGE;
    }
    for (size_t i = 0; commands[i].name; i++)
        names[i] = commands[i].name;
    near = orc_nearest(name, names);
    fprintf(stderr, "orc: unknown command \"%s\"", name);
    if (other)
        fprintf(stderr, "; here it is %s\n", other);
    else if (near)
        fprintf(stderr, "; did you mean \"%s\"?\n", near);
    else
        fputs("; `orc help` lists them\n", stderr);
    return CLI_USAGE;
}
