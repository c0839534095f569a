# lib.sh - what end-to-end tests share: a lab of one's own, waiting for conditions, load, and the form of the output.
# Sourced by bash scripts in tests/integration and tests/e2e:
#
#   . "$(dirname "$0")/../lab/lib.sh"
#   lab_up 3                                    # or lab_up 3 --bare; ends with the script, whatever happens
#   orc apply specs/examples/shop/service.yaml
#   load_start -r 300 /orders/ /auth/           # through the gateway, from the client host
#   check_within 60 "orders runs at version 2" 'orc_status ".services[] | select(.name == \"shop/orders\").revision == 2"'
#   load_stop && load_check "the update loses no request"
#   finish
#
# Each check prints "ok - name" or "not ok - name"; finish prints "N passed, N failed" and gives the exit code.
# ORC_LAB_KEEP=1 leaves the lab up for a look. Conditions are shell text, tried until true; nothing here asserts on how
# long something took.

tests_passed=0 tests_failed=0 lib_finished=
lib_at_end=() # commands, the last one first
lib_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(cd "$lib_here/../.." && pwd -P)
export BUILD
BUILD=$(realpath -m "${BUILD:-$repository/build}")
: "${ORC_LAB:=t$$}"
export ORC_LAB
lib_folder=$(mktemp -d)
LOAD_PID=
trap lib_end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

lab() {
    "$lib_here/lab" "$@"
}

lib_end() {
    local code=$? i
    if [ -z "$lib_finished" ]; then # a syntax error, a variable that is not set
        not_ok "the script comes to its end"
        code=$((code ? code : 1))
    fi
    for ((i = ${#lib_at_end[@]} - 1; i >= 0; i--)); do ${lib_at_end[i]}; done
    [ -z "$LOAD_PID" ] || kill "$LOAD_PID" 2>/dev/null
    if [ "${lib_lab_up:-}" = 1 ]; then
        if [ "${ORC_LAB_KEEP:-0}" = 1 ]; then
            echo "# the lab stays up: export ORC_LAB=$ORC_LAB BUILD=$BUILD; tests/lab/lab status"
        else
            lab down
        fi
    fi
    rm -rf "$lib_folder"
    exit "$code"
}

# Brings a lab up (arguments as for `lab up`) and points orc and curl at it. Ends the script when that fails.
lab_up() {
    lib_lab_up=1
    if ! lab up "$@"; then
        not_ok "the lab comes up"
        finish
    fi
    eval "$(lab env)"
}

# ---- results ----

ok() {
    tests_passed=$((tests_passed + 1))
    echo "ok - $1"
}

# not_ok NAME [REASON]
not_ok() {
    tests_failed=$((tests_failed + 1))
    echo "not ok - $1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

finish() {
    lib_finished=1
    echo "$tests_passed passed, $tests_failed failed"
    [ "$tests_failed" = 0 ]
    exit
}

# check NAME CONDITION: must be true now.
check() {
    if eval "$2" >"$lib_folder/out" 2>&1; then
        ok "$1"
    else
        not_ok "$1" "not true: $2
$(tail -n 10 "$lib_folder/out")"
        return 1
    fi
}

# check_within SECONDS NAME CONDITION: must become true.
check_within() {
    if wait_until "$1" "$3"; then
        ok "$2"
    else
        not_ok "$2" "not true within $1 s: $3
$(tail -n 10 "$lib_folder/out")"
        return 1
    fi
}

# check_stays SECONDS NAME CONDITION: must be true now and stay so (for what must *not* happen).
check_stays() {
    local end=$((SECONDS + $1))
    while [ "$SECONDS" -lt "$end" ]; do
        if ! eval "$3" >"$lib_folder/out" 2>&1; then
            not_ok "$2" "no longer true: $3
$(tail -n 10 "$lib_folder/out")"
            return 1
        fi
        sleep 0.2
    done
    ok "$2"
}

# wait_until SECONDS CONDITION: tries until it is true; false after that many seconds.
wait_until() {
    local end=$((SECONDS + $1))
    while ! eval "$2" >"$lib_folder/out" 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

# ---- the cluster ----

# orc_status FILTER: jq on `orc status -o json`; true when the filter gives something that is neither false nor null.
orc_status() {
    orc status -o json | jq -e "$1"
}

# Prints the answer's host name for PATH asked through the gateway from the machine's own shell.
answered_by() {
    curl --silent --max-time 5 "$ORC_GATEWAY$1" | sed -n 's/^host=\([^ ]*\) .*/\1/p'
}

# container_ids NODE [FILTER...]: ids of the running containers that carry orc's labels.
container_ids() {
    local node=$1
    shift
    lab docker "$node" ps --quiet --no-trunc --filter label=orc.task "$@"
}

# ---- load ----

# load_start [-r PER_SECOND] [-c CONNECTIONS] [-T TIMEOUT_MS] PATH...: keep-alive requests from the client host through
# the gateway until load_stop. 300 a second over 16 connections unless told. LOAD_GATEWAY: another gateway's URL.
load_start() {
    local options=() urls=() rate=300 connections=16 path
    while [ $# -gt 0 ]; do
        case $1 in
        -r) rate=$2 && shift ;;
        -c) connections=$2 && shift ;;
        -T) options+=(-T "$2") && shift ;;
        *) urls+=("$1") ;;
        esac
        shift
    done
    for path in "${!urls[@]}"; do
        urls[path]=${LOAD_GATEWAY:-$ORC_LAB_GATEWAY}${urls[path]}
    done
    LOAD_BEGAN=$(date -u +%T.%N)
    "$lib_here/lab" exec client "$BUILD/lab-load" -r "$rate" -c "$connections" "${options[@]}" "${urls[@]}" \
        >"$lib_folder/load.json" 2>"$lib_folder/load.err" &
    LOAD_PID=$!
    sleep 0.3
    kill -0 "$LOAD_PID" 2>/dev/null || echo "# the load did not start: $(cat "$lib_folder/load.err")"
}

# Ends the load. Sets LOAD_JSON (the report), LOAD_REQUESTS, LOAD_FAILED.
load_stop() {
    kill "$LOAD_PID" 2>/dev/null
    wait "$LOAD_PID"
    LOAD_PID=
    LOAD_JSON=$(tail -n 1 "$lib_folder/load.json")
    LOAD_REQUESTS=$(jq -r .requests <<<"$LOAD_JSON" 2>/dev/null || echo 0)
    LOAD_FAILED=$(jq -r .failed <<<"$LOAD_JSON" 2>/dev/null || echo none)
    echo "# load: $(jq -c 'del(.failures)' <<<"$LOAD_JSON" 2>/dev/null || cat "$lib_folder/load.err")"
}

# load_check NAME [LEAST]: at least LEAST requests (100) were made and none failed.
load_check() {
    if [ "$LOAD_FAILED" = 0 ] && [ "$LOAD_REQUESTS" -ge "${2:-100}" ]; then
        ok "$1 ($LOAD_REQUESTS requests, 0 failed)"
    else
        not_ok "$1" "$LOAD_REQUESTS requests, $LOAD_FAILED failed: $(jq -c '.failures[:8][]' <<<"$LOAD_JSON" 2>/dev/null)
load began $LOAD_BEGAN; NGINX says:
$(lab exec k1 sh -c 'tail -n 20 "$0"/*/nginx/error.log' "${ORC_LAB_DATA:-/var/lib/orc-lab}/$ORC_LAB" | cut -c 1-300)
orc says:
$(orc events | tail -n 25)"
        return 1
    fi
}
