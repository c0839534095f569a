# daemons.sh - the programs on the lab's hosts: started, ended, looked at one by one. Sourced by `lab`.
# A daemon is named HOST/DAEMON: k1/dockerd, k1/nodelet, ctl/etcd, ctl/scheduler2. The command lines of orc's daemons
# and of etcd are those of servers.sh; here only addresses and folders are filled in.

settle_target() { # sets host and daemon; ctl, ctl/etcdN and ctl/schedulerN are found wherever they run
    host=${1%%/*} daemon=
    [[ $1 != */* ]] || daemon=${1#*/}
    case $host/$daemon in
    ctl/etcd[1-9]) host=ctl${daemon#etcd} daemon=etcd ;;
    ctl/scheduler2) [ "$ETCD_MEMBERS" -lt 2 ] && host=ctl1 || host=ctl2 ;;
    ctl/scheduler) host=ctl1 daemon=scheduler1 ;;
    ctl/*) host=ctl1 ;;
    esac
    is_host "$host" || fail "there is no host \"$host\"; this lab has: $HOSTS lan"
    [ -z "$daemon" ] || [[ " $(daemons_of "$host") nginx " == *" $daemon "* ]] ||
        fail "there is no daemon \"$daemon\" on $host; it has: $(daemons_of "$host")"
}

# In the order in which they are started.
daemons_of() {
    case $1 in
    k*)
        echo dockerd
        [ "$BARE" = 1 ] || echo netplug nodelet
        [ "$BARE" = 1 ] || [ "${1#k}" -gt "$GATEWAYS" ] || echo gateway
        ;;
    ctl*)
        echo etcd
        [ "$BARE" = 1 ] || [ "$1" != ctl1 ] || echo scheduler1
        [ "$BARE" = 1 ] || { [ "$ETCD_MEMBERS" -ge 2 ] && [ "$1" != ctl2 ]; } ||
            { [ "$ETCD_MEMBERS" -lt 2 ] && [ "$1" != ctl1 ]; } || echo scheduler2
        ;;
    esac | tr '\n' ' '
}

etcd_urls() {
    local i urls=
    for ((i = 1; i <= ETCD_MEMBERS; i++)); do
        urls+=,http://$(host_address "ctl$i"):2379
    done
    echo "${urls#,}"
}

etcd_members() {
    local i members=
    for ((i = 1; i <= ETCD_MEMBERS; i++)); do
        members+=,ctl$i=http://$(host_address "ctl$i"):2380
    done
    echo "${members#,}"
}

# ---- state ----

daemon_pid() { # HOST DAEMON: prints the pid if it runs
    local pid namespace
    host_is_up "$1" || return 1
    if [ "$2" = nginx ]; then
        nginx_pids "$1" | head -n 1 | grep .
        return
    fi
    pid=$(cat "$root/$1/$2.pid" 2>/dev/null) || return 1
    namespace=$(pid_namespace "$pid")
    [ -n "$namespace" ] && [ "$namespace" = "$(pid_namespace "$(host_pid "$1")")" ] && ! is_gone "$pid" && echo "$pid"
}

nginx_pids() { # the master first
    local pid
    for pid in $(host_pids "$1"); do
        if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = nginx ]; then
            case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
            *master*) echo "1 $pid" ;;
            *) echo "2 $pid" ;;
            esac
        fi
    done | sort -n | cut -d' ' -f2
}

# ---- starting ----

daemon_start() { # HOST DAEMON
    local host=$1 daemon=$2 options=() extra=() own
    daemon_pid "$host" "$daemon" >/dev/null && return 0
    [ "$daemon" != nginx ] || fail "nginx is started by the gateway: lab start $host/gateway"
    host_is_up "$host" || fail "host $host is off: lab start $host"
    mkdir -p "$root/$host" "$data/$host"
    if [ "$daemon" = gateway ] && [ -e "$root/$host/port" ]; then
        options=(-s)
    fi
    own=ORC_LAB_${daemon%[12]}_ARGS own=${own^^}
    read -ra extra <<<"${!own:-}"
    own=${own}_$host
    read -ra extra <<<"${extra[*]} ${!own:-}"
    case $daemon in
    dockerd) set -- "$here/dockerd.sh" "$root/$host" "$data/$host/docker" "$cgroup/$host" "${extra[@]}" ;;
    etcd) # one more listener: a unix socket, reached by the machine's own shell (etcd calls the file HOST:PORT)
        rm -f "$root/$host/etcd:2379" # left by SIGKILL
        ln -sf etcd:2379 "$root/$host/etcd.sock"
        set -- "$here/servers.sh" etcd --listen-client-urls \
            "http://$(host_address "$host"):2379,http://127.0.0.1:2379,unix://etcd:2379" "${extra[@]}" ;;
    *) set -- "$here/servers.sh" "${daemon%[12]}" "${extra[@]}" ;;
    esac
    (
        cd "$root/$host" || exit 1
        clean_env NAME="$host" ADDRESS="$(host_address "$host")" ETCD="$(etcd_urls)" MEMBERS="$(etcd_members)" \
            DOCKER="$root/$host/docker.sock" STATE="$data/$host" RUN="$root/$host" LIVE_RESTORE="$LIVE_RESTORE" \
            "$BUILD/lab-nsrun" start -t "$(host_pid "$host")" "${options[@]}" \
            "$root/$host/$daemon.pid" "$data/$host/$daemon.log" sh "$@"
    ) || fail "$host/$daemon was not started"
    daemon_wait "$host" "$daemon"
}

answers() { # SOCKET PATH
    curl --silent --fail --max-time 2 --output /dev/null --unix-socket "$1" "http://lab$2"
}

# Until the daemon answers, as far as that can be asked from outside.
daemon_wait() {
    local host=$1 daemon=$2 i
    for ((i = 0; i < 600; i++)); do
        case $daemon in
        dockerd) answers "$root/$host/docker.sock" /_ping && return 0 ;;
        etcd) [ "$ETCD_MEMBERS" -gt 1 ] || answers "$root/$host/etcd.sock" /health && return 0 ;;
        netplug) [ -S "$root/$host/netplug.sock" ] && return 0 ;;
        *) return 0 ;;
        esac
        daemon_pid "$host" "$daemon" >/dev/null || break
        sleep 0.05
    done
    fail "$host/$daemon does not answer; the end of its log:
$(tail -n 5 "$data/$host/$daemon.log")"
}

etcd_wait() { # until the cluster of etcd as a whole answers
    local i
    for ((i = 0; i < 600; i++)); do
        answers "$root/ctl1/etcd.sock" /health && return 0
        sleep 0.05
    done
    fail "etcd does not answer on $root/ctl1/etcd.sock; see $data/ctl1/etcd.log"
}

# ---- ending ----

daemon_end() { # HOST DAEMON SIGNAL: ends it and waits until it is gone
    local pid pids
    if [ "$2" = nginx ] && [ "$3" = KILL ]; then
        pids=$(nginx_pids "$1")
    else
        pids=$(daemon_pid "$1" "$2") || return 0
    fi
    for pid in $pids; do
        kill "-$3" "$pid" 2>/dev/null || true
    done
    for pid in $pids; do
        wait_gone "$pid" 1200 || fail "$1/$2 (process $pid) does not end after SIG$3"
    done
    [ "$2" = nginx ] || rm -f "$root/$1/$2.pid"
}

host_start() {
    local daemon
    host_is_up "$1" || host_make "$1"
    for daemon in $(daemons_of "$1"); do
        daemon_start "$1" "$daemon"
    done
}

host_stop() {
    local daemon
    for daemon in $(daemons_of "$1" | tr ' ' '\n' | tac); do
        daemon_end "$1" "$daemon" TERM
    done
    daemon_end "$1" nginx TERM
    host_kill "$1"
}

# ---- images ----

images_prepare() { # the archives from which every engine makes its images
    local applet
    mkdir -p "$data/images/busybox/bin" "$data/images/busybox/tmp" "$data/images/workload/tmp"
    cp "$(command -v busybox)" "$data/images/busybox/bin/busybox"
    for applet in $(busybox --list); do
        [ "$applet" = busybox ] || ln -s busybox "$data/images/busybox/bin/$applet"
    done
    cp "$BUILD/workload" "$data/images/workload/workload"
    strip "$data/images/workload/workload" 2>/dev/null || true
    tar -C "$data/images/busybox" -cf "$data/images/busybox.tar" .
    tar -C "$data/images/workload" -cf "$data/images/workload.tar" .
}

image_import() { # HOST NAME TAG ARCHIVE INSTRUCTION...
    local host=$1 name=$2 tag=$3 archive=$4 query instruction
    shift 4
    query="fromSrc=-&repo=$name&tag=$tag"
    for instruction in "$@"; do
        query+="&changes=$(jq -nr --arg i "$instruction" '$i | @uri')"
    done
    curl --silent --show-error --fail --output /dev/null --unix-socket "$root/$host/docker.sock" \
        --header 'Content-Type: application/x-tar' --request POST --upload-file "$archive" \
        "http://lab/images/create?$query" || fail "image $name:$tag was not made on $host"
}

images_make() { # HOST
    local v
    image_import "$1" busybox 1 "$data/images/busybox.tar" 'CMD ["/bin/sh"]' 'ENV PATH=/bin'
    for v in 1 2; do
        image_import "$1" orc/workload "$v" "$data/images/workload.tar" 'CMD ["/workload"]' "ENV VERSION=$v" \
            'EXPOSE 8080'
    done
}
