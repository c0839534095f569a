# cli_lib.sh - what the CLI's integration tests share: an etcd of their own, and records written by hand where a
# scheduler and a nodelet would write them. Sourced after ../lab/lib.sh; needs no root and no lab.

# Starts etcd on free ports of the loopback; sets ORC_ETCD. It ends with the script.
store_start() {
    local client peer
    read -r client peer < <(free_ports)
    mkdir -p "$lib_folder/etcd"
    STORE_URL=http://127.0.0.1:$client
    etcd --name t --data-dir "$lib_folder/etcd/data" --listen-client-urls "$STORE_URL" --advertise-client-urls "$STORE_URL" \
        --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
        --initial-cluster "t=http://127.0.0.1:$peer" --log-level error >"$lib_folder/etcd/log" 2>&1 &
    STORE_PID=$!
    lib_at_end+=(store_stop)
    export ORC_ETCD=$STORE_URL ETCDCTL_API=3 ETCDCTL_ENDPOINTS=$STORE_URL
    unset ORC_CLUSTER NO_COLOR COLUMNS LINES
    PATH=$BUILD:$PATH
    wait_until 30 'curl --silent --fail $STORE_URL/health | grep -q true' || {
        cat "$lib_folder/etcd/log"
        not_ok "etcd starts"
        finish
    }
}

store_stop() {
    if [ -n "${STORE_PID:-}" ]; then
        kill "$STORE_PID" 2>/dev/null
        wait "$STORE_PID" 2>/dev/null
    fi
    STORE_PID=
}

# Two ports below the kernel's own range on which nobody listens.
free_ports() {
    local port found=()
    while [ ${#found[@]} -lt 2 ]; do
        port=$((20000 + RANDOM % 12000))
        ss --no-header --listening --tcp --numeric "sport = :$port" | grep -q . || found+=("$port")
    done
    echo "${found[@]}"
}

put() { etcdctl put "/orc/default/$1" "$2" >/dev/null; }
get() { etcdctl get --print-value-only "/orc/default/$1"; }
del() { etcdctl del "/orc/default/$1" >/dev/null; }
keys() { etcdctl get --prefix --keys-only "/orc/default/$1" | grep .; }
revision() { etcdctl get --write-out json none | jq -r .header.revision; }

# run CODE COMMAND...: runs it; true when it exits with CODE. Its output is in $lib_folder/stdout and stderr.
run() {
    local want=$1 code
    shift
    "$@" >"$lib_folder/stdout" 2>"$lib_folder/stderr"
    code=$?
    [ $code = "$want" ] || { echo "exit code $code, not $want"; cat "$lib_folder/stdout" "$lib_folder/stderr"; return 1; }
}
said() { grep -qF -- "$1" "$lib_folder/stderr" || { echo "stderr does not say \"$1\":"; cat "$lib_folder/stderr"; return 1; }; }
printed() { grep -qF -- "$1" "$lib_folder/stdout" || { echo "stdout does not say \"$1\":"; cat "$lib_folder/stdout"; return 1; }; }
# Exactly one JSON document on stdout, for which the filter holds.
json() { jq -es "length == 1 and (.[0] | $1)" "$lib_folder/stdout" || { cat "$lib_folder/stdout"; return 1; }; }

# ---- what the daemons would write ----

# rollout SERVICE STATE GENERATION REVISION [REASON]: of the app "shop"
rollout() {
    put "rollouts/shop/$1" "$(jq -nc --arg s "$2" --argjson g "$3" --argjson r "$4" --arg why "${5:-}" \
        '{state: $s, generation: $g, wanted: $r, target: $r, complete: $r, restart_epoch: 0, since: 1} + (if $why == "" then {} else {reason: $why} end)')"
}
# task SERVICE SLOT REVISION [DESIRED] [STATE] [HEALTH]: on node k1
task() {
    local id=shop.$1.$2.$(($2 + 1))
    put "tasks/k1/$id" "$(jq -nc --arg s "$1" --argjson n "$2" --argjson r "$3" --arg d "${4:-run}" \
        '{app: "shop", service: $s, slot: $n, attempt: ($n + 1), revision: $r, container_hash: "", desired: $d,
          address: "10.210.1.\($n + 2)", resources: {cpus_nano: 500000000, memory: 67108864}, restarts: 0,
          reason: "first deployment", at: 1}')"
    put "status/k1/$id" "$(jq -nc --arg st "${5:-running}" --arg h "${6:-healthy}" \
        '{state: $st, health: $h, restarts: 0, exit_code: -1, since: 1}')"
}
node() {
    put "nodes/$1" '{"address":"10.0.0.11","subnet":"10.210.1.0/24","capacity":{"cpus_nano":4000000000,"memory":4294967296},"reserve":{"cpus_nano":0,"memory":0},"os":"linux","arch":"amd64","mtu":1500,"conditions":[]}'
    put "alive/$1" '{"machine_id":"m","boot_id":"b","instance":"i"}'
}
leader() { put leader '{"id":"orc-scheduler","host":"ctl","at":1}'; }

# file NAME TEXT: a file below the test's folder; prints its path.
file() {
    printf '%s\n' "$2" >"$lib_folder/$1"
    echo "$lib_folder/$1"
}
