# nodelet_harness.sh - nodelet alone with the real engine, etcd, netplug and gateway; the script plays the scheduler
# and writes revisions and tasks by hand. Sourced by tests/integration/nodelet_*; needs tests/lab/lib.sh.

orc=/orc/default
etcdctl() {
    lab etcdctl "$@"
}

# nodelet_up: one server, and nobody who schedules.
nodelet_up() {
    lab_up 1
    lab kill ctl/scheduler1
    lab kill ctl/scheduler2
    wait_until 30 'node .subnet >/dev/null && [ "$(node "[.conditions[] | select(.ok | not)] | length")" = 0 ]' ||
        not_ok "the node becomes ready" "$(lab log k1/nodelet | tail -n 20)"
    network=$(node -r .subnet)
    network=${network%.0/24}
}

# json FILTER...: jq that also fails when there is nothing to read.
json() {
    local text
    text=$(cat)
    [ -n "$text" ] && jq -e "$@" <<<"$text"
}
# value KEY: prints it. node FILTER...: jq on the node's record. status TASK FILTER...: on a status.
value() {
    etcdctl get --print-value-only "$orc/$1"
}
node() {
    value nodes/k1 | json "$@"
}
status() {
    local task=$1
    shift
    value "status/k1/$task" | json "$@"
}
revision_of() { # KEY mod|create: its revision
    etcdctl get -w json "$orc/$1" | jq -r ".kvs[0].${2:-mod}_revision // 0"
}
# told_news KEY REVISION: of a task that runs, each value that was written after it says something else than the one
# before, and none that its state or health is not known. (A probe that fails on a busy machine is news.)
told_news() {
    local at now before
    at=$(revision_of "$1")
    now=$(value "$1" | jq -S 'del(.since)')
    while [ "$at" -gt "$2" ]; do
        echo "$now"
        jq -e '.state == "running" and .health != "unknown"' <<<"$now" || return 1
        before=$(etcdctl get -w json --rev $((at - 1)) "$orc/$1")
        at=$(jq '.kvs[0].mod_revision // 0' <<<"$before")
        before=$(jq -S '.kvs[0].value | @base64d | fromjson | del(.since)' <<<"$before")
        [ "$now" != "$before" ] || return 1
        now=$before
    done
}
store_revision() {
    etcdctl get -w json "$orc/config" | jq -r .header.revision
}

# revision SERVICE N JSON: an immutable revision of nl/SERVICE; JSON: members of the spec to add or change.
revision() {
    local spec
    spec=$(jq -cn --arg name "$1" --argjson more "${3:-{\}}" '{name: $name, image: "orc/workload:1",
        health: {kind: "http", path: "/health", port: 8080, interval_ms: 500, timeout_ms: 400, retries: 2},
        gateway: [{host: "", path: ("/" + $name + "/"), port: 8080, strip_prefix: true}],
        drain_timeout_ms: 3000} * $more')
    etcdctl put "$orc/revisions/nl/$1/$(printf %08d "$2")" "$(jq -cn --argjson spec "$spec" \
        '{spec: $spec, hash: ("0" * 64), container_hash: ("0" * 64), by: "test", at: 1}')" >/dev/null
}

# task SERVICE SLOT ATTEMPT REVISION [DESIRED]: written as the scheduler would. Its address follows from the attempt.
task() {
    etcdctl put "$orc/tasks/k1/nl.$1.$2.$3" "$(jq -cn --arg service "$1" --argjson slot "$2" --argjson attempt "$3" \
        --argjson revision "$4" --arg desired "${5:-run}" --arg address "$network.$((10 + $3))" \
        '{app: "nl", service: $service, slot: $slot, attempt: $attempt, revision: $revision, restart_epoch: 0,
          container_hash: ("0" * 64), desired: $desired, address: $address, resources: {}, ports: [], restarts: 0,
          reason: "test", at: 1}')" >/dev/null
}

address_of() { # ATTEMPT
    echo "$network.$((10 + $1))"
}
# tell ATTEMPT METHOD PATH: a request to that task's container, from its server.
tell() {
    lab exec k1 curl --silent --max-time 5 --request "$2" "http://$(address_of "$1"):8080$3"
}
container() { # TASK [FORMAT]
    local id='{{.Id}}'
    lab docker k1 inspect --format "${2:-$id}" "orc-$1" 2>/dev/null
}
endpoint() { # TASK [FILTER]
    local service=${1#nl.}
    value "endpoints/nl/${service%%.*}/$1" | json "${2:-.}"
}
healthy() {
    status "$1" '.state == "running" and .health == "healthy"' && endpoint "$1" '.state == "ready"'
}
