# hosts.sh - the lab's hosts: their folders, namespaces, wires; the end of them. Sourced by `lab`.
# Knows nothing of the programs that run on a host (daemons.sh).
#
# The outer host `lan` is the provider: its network holds the bridge `lan` that is the private network, with one port
# per host, named like the host. Everything else lives below it, so that ending one process ends the lab.

: "${ORC_LAB:=orc}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
repository=$(cd "$here/../.." && pwd -P)
runtime_parent=${ORC_LAB_DIR:-/run/orc-lab}
data_parent=${ORC_LAB_DATA:-/var/lib/orc-lab}
root=$runtime_parent/$ORC_LAB # sockets, pid files
data=$data_parent/$ORC_LAB    # what needs a real file system: engines, etcd, logs
cgroup=orc-lab/$ORC_LAB

fail() {
    echo "lab: $*" >&2
    exit 1
}

host_address() {
    case $1 in
    k[0-9]*) echo "10.0.0.$((10 + ${1#k}))" ;;
    ctl[0-9]*) echo "10.0.0.$((1 + ${1#ctl}))" ;;
    client) echo 10.0.0.100 ;;
    *) return 1 ;;
    esac
}

host_pid() {
    cat "$root/$1/host.pid" 2>/dev/null
}

# Inode of a process's own process namespace: tells whether a pid still means what a pid file says.
pid_namespace() {
    stat -L -c %i "/proc/$1/ns/pid" 2>/dev/null
}

is_host() {
    [ "$1" = lan ] || [[ " $HOSTS " == *" $1 "* ]]
}

host_is_up() {
    local pid
    pid=$(host_pid "$1") && [ -n "$(pid_namespace "$pid")" ] &&
        grep -qzxF "$root/$1/host.pid" "/proc/$pid/cmdline" 2>/dev/null
}

# Every pid whose process namespace is the host's (not those inside its containers).
host_pids() {
    local pid namespace
    pid=$(host_pid "$1") && namespace=$(pid_namespace "$pid") && [ -n "$namespace" ] || return 0
    stat -L -c '%i %n' /proc/[0-9]*/ns/pid 2>/dev/null |
        awk -v ns="$namespace" -v init="$pid" '$1 == ns { split($2, p, "/"); if (p[3] != init) print p[3] }'
}

nsrun() {
    "$BUILD/lab-nsrun" "$@"
}

clean_env() {
    env -i PATH="$BUILD:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LANG=C.UTF-8 "$@"
}

# Runs a command on the network of a host, with the machine's own files and pids.
on_network() {
    local pid
    pid=$(host_pid "$1")
    shift
    nsenter --target "$pid" --net "$@"
}

# ---- making ----

host_mtu() {
    local own=ORC_LAB_MTU_$1
    echo "${!own:-${ORC_LAB_MTU:-1500}}"
}

# The files that make a host a machine of its own; kept over its power cuts.
host_folder() {
    local h
    mkdir -p "$root/$1" "$data/$1"
    head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$root/$1/machine-id"
    {
        echo "127.0.0.1 localhost"
        for h in $HOSTS; do
            echo "$(host_address "$h") $h"
        done
        echo "$(host_address ctl1) ctl"
    } >"$root/$1/hosts"
}

lan_make() {
    mkdir -p "$root/lan" "$data/lan"
    clean_env "$BUILD/lab-nsrun" host "$root/lan/host.pid" "$data/lan/host.log" lan true
    on_network lan ip -batch - <<-END
	link set lo up
	link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	link set lan mtu 9000 up
	END
}

host_make() {
    local host=$1 listen=()
    if [ -e "$root/$host/port" ]; then
        listen=(-l "127.0.0.1:$(cat "$root/$host/port")")
    fi
    cat /proc/sys/kernel/random/uuid >"$root/$host/boot_id"
    clean_env "$BUILD/lab-nsrun" host -t "$(host_pid lan)" "${listen[@]}" "$root/$host/host.pid" \
        "$data/$host/host.log" "$host" "$here/host-setup" "$root" "$root/$host" "$(host_address "$host")" ||
        fail "host $host was not made: $(tail -n 3 "$data/$host/host.log" 2>/dev/null)"
    host_wire "$host"
}

host_wire() {
    local host=$1 address mtu pid
    address=$(host_address "$host") mtu=$(host_mtu "$1") pid=$(host_pid "$host")
    on_network lan ip link delete "$host" 2>/dev/null || true # of the life before a power cut
    on_network lan ip -batch - <<-END
	link add name $host mtu $mtu type veth peer name eth1 mtu $mtu address $(printf 02:6f:72:63:00:%02x "${address##*.}") netns $pid
	link set $host master lan up
	END
    on_network "$host" ip -batch - <<-END
	address add $address/24 dev eth1
	link set eth1 up
	END
}

# A free port of the machine's loopback, for the gateway's second listener; remembered for the instance's life.
host_port() {
    local port
    for port in $(shuf -n 50 -i 20000-32000); do
        if ! ss -Hltn "sport = :$port" | grep -q .; then
            echo "$port" >"$root/$1/port"
            return
        fi
    done
    fail "no free port on 127.0.0.1 was found for the gateway"
}

# ---- ending ----

# Containers that are paused do not die before they are thawed (cgroup v1: freezer, v2: cgroup.freeze).
thaw() {
    local f
    while IFS= read -r f; do
        case $f in
        *freezer.state) echo THAWED >"$f" ;;
        *) echo 0 >"$f" ;;
        esac 2>/dev/null
    done < <(find /sys/fs/cgroup -path "*/$1/*" \( -name freezer.state -o -name cgroup.freeze \) 2>/dev/null)
}

# Removes empty groups, from the leaves up.
remove_cgroups() {
    find /sys/fs/cgroup -depth -type d \( -path "*/$1" -o -path "*/$1/*" \) -exec rmdir {} + 2>/dev/null || true
}

is_gone() {
    local state
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) || true
    [ -z "$state" ] || [ "$state" = Z ] || [ "$state" = X ]
}

wait_gone() {
    local pid=$1 i
    for ((i = 0; i < ${2:-100}; i++)); do
        is_gone "$pid" && return 0
        sleep 0.05
    done
    return 1
}

# Power off: the kernel ends everything on the host.
host_kill() {
    local pid
    host_is_up "$1" || return 0
    pid=$(host_pid "$1")
    thaw "$cgroup/$1"
    kill -KILL "$pid"
    wait_gone "$pid" 200 || fail "host $1 (process $pid) does not end"
    rm -f "$root/$1"/*.pid "$root/$1"/*.sock "$root/$1"/etcd:*
    remove_cgroups "$cgroup/$1"
}

# Pids of processes that belong to this lab and stand outside its hosts: the provider, and what an `up` that was
# killed has left behind. Told by what only they carry: the pid file's path as an argument, the mark of `lab up`.
outside_pids() {
    local f pid
    for f in $(grep -lzxF "$root/lan/host.pid" /proc/[0-9]*/cmdline 2>/dev/null); do
        pid=${f#/proc/} pid=${pid%/cmdline}
        case $(head -zn 2 "$f" 2>/dev/null | tr '\0' ' ') in
        *lab-nsrun\ host\ ) echo "$pid" ;;
        esac
    done
    for f in $(env -u ORC_LAB_UP grep -lzxF "ORC_LAB_UP=$root" /proc/[0-9]*/environ 2>/dev/null); do
        pid=${f#/proc/} pid=${pid%/environ}
        is_ancestor "$pid" || echo "$pid"
    done
}

is_ancestor() {
    local pid=$BASHPID
    while [ "${pid:-0}" -gt 1 ]; do
        [ "$pid" != "$1" ] || return 0
        pid=$(sed -n 's/^PPid:\t//p' "/proc/$pid/status" 2>/dev/null)
    done
    return 1
}

lab_end() {
    local pid pids round
    thaw "$cgroup"
    for ((round = 0; round < 50; round++)); do # one that is ended may just have started another
        pids=$(outside_pids)
        [ -n "$pids" ] || break
        for pid in $pids; do
            kill -KILL "$pid" 2>/dev/null || true
        done
        for pid in $pids; do
            wait_gone "$pid" 400 || fail "process $pid of the lab does not end"
        done
    done
    remove_cgroups "$cgroup"
    rm -rf "${root:?}" "${data:?}"
    rmdir "$runtime_parent" "$data_parent" 2>/dev/null || true
    find /sys/fs/cgroup -depth -type d -path '*/orc-lab' -exec rmdir {} + 2>/dev/null || true
}
