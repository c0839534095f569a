# hollow.sh - the real scheduler on the test's etcd, and nodes that only say that they did what they were told. Sourced
# after cli_lib.sh and store_start.

# hollow_node K [CPUS] [MEMORY_MIB]: server kK with a heartbeat
hollow_node() {
    put "nodes/k$1" "$(jq -nc --argjson k "$1" --argjson c "${2:-8}" --argjson m "${3:-8192}" \
        '{address: "10.0.0.\($k + 10)", subnet: "10.210.\($k).0/24", capacity: {cpus_nano: ($c * 1e9), memory: ($m * 1048576)}}')"
    hollow_alive "$1"
}
hollow_alive() { put "alive/k$1" '{"machine_id":"m","boot_id":"b","instance":"i"}'; }
hollow_dies() { del "alive/k$1"; }

# One look at all tasks: each on a living node gets the status that it is waiting for. Says what it wrote.
hollow_look() {
    etcdctl get --prefix --write-out json /orc/default/ | jq -r '
        [.kvs[]? | {k: (.key | @base64d | ltrimstr("/orc/default/")), v: (.value | @base64d)}] | (map({(.k): .v}) | add // {}) as $all
        | .[] | select(.k | startswith("tasks/")) | (.k | split("/")) as $p | (.v | fromjson) as $task
        | select($all["alive/" + $p[1]]) | ($all["status/\($p[1])/\($p[2])"] // "{}" | fromjson) as $is
        | (if $task.desired == "run" then "running" else "removed" end) as $state
        | select($is.state != $state) | "\($p[1])/\($p[2]) \($state)"' |
        while read -r task state; do
            put "status/$task" "$(jq -nc --arg s "$state" '{state: $s, health: (if $s == "running" then "healthy" else "unknown" end), restarts: 0, exit_code: -1}')"
            echo "$task $state"
        done
}

# The scheduler, logging to $lib_folder/scheduler, and nodes that go on looking. Both end with the script.
# hollow_start [OPTION]...
hollow_start() {
    orc-scheduler --etcd "$ORC_ETCD" "$@" >"$lib_folder/scheduler" 2>&1 &
    SCHEDULER_PID=$!
    (while sleep 0.1; do hollow_look; done) >/dev/null 2>&1 &
    HOLLOW_PID=$!
    lib_at_end+=(hollow_stop)
}
hollow_stop() {
    kill "$SCHEDULER_PID" "$HOLLOW_PID" 2>/dev/null
    wait "$SCHEDULER_PID" "$HOLLOW_PID" 2>/dev/null
}

# What the scheduler has done with tasks since line N of its log, in order, as `orc plan` tells it.
decided_since() { tail -n "+$(($1 + 1))" "$lib_folder/scheduler" | grep -oE '(create|remove|drain) [a-z0-9-]+\.[a-z0-9-]+\.[0-9]+\.[0-9]+ on .*'; }
decided() { wc -l <"$lib_folder/scheduler"; }
