#!/bin/sh
# The commands that make three servers a cluster, by hand: what the README's "On your own servers" quotes and what the
# lab runs. Each is one program that stays in the foreground; put it under a service manager, or `&` to try it.
#
#   NAME=k1 ADDRESS=10.0.0.11 sh servers.sh etcd        on three servers (one is enough to try orc)
#   sh servers.sh init                                  once, anywhere
#   sh servers.sh scheduler                             on one to three servers; they elect a leader
#   sh servers.sh netplug && sh servers.sh nodelet      on every server (each its own process)
#   sh servers.sh gateway                               on the servers that face the public
#
# Words after the name are added to the command: sh servers.sh nodelet --label disk=nvme
set -eu
NAME=${NAME:-$(hostname)}
ADDRESS=${ADDRESS:-10.0.0.11}                # this server's address on the private network
INTERFACE=${INTERFACE:-eth1}                 # ... and the interface that holds it
ETCD=${ETCD:-http://10.0.0.11:2379,http://10.0.0.12:2379,http://10.0.0.13:2379}
MEMBERS=${MEMBERS:-k1=http://10.0.0.11:2380,k2=http://10.0.0.12:2380,k3=http://10.0.0.13:2380}
DOCKER=${DOCKER:-/var/run/docker.sock}
STATE=${STATE:-/var/lib/orc}
RUN=${RUN:-/run/orc}
what=${1:?say what to run: etcd, init, scheduler, netplug, nodelet or gateway}
shift
mkdir -p "$STATE" "$RUN"

case $what in
etcd)
    exec etcd --name "$NAME" --data-dir "$STATE/etcd" \
        --listen-client-urls "http://$ADDRESS:2379,http://127.0.0.1:2379" \
        --advertise-client-urls "http://$ADDRESS:2379" \
        --listen-peer-urls "http://$ADDRESS:2380" --initial-advertise-peer-urls "http://$ADDRESS:2380" \
        --initial-cluster "$MEMBERS" --initial-cluster-state new --pre-vote \
        --auto-compaction-mode periodic --auto-compaction-retention 1h --quota-backend-bytes 2147483648 "$@"
    ;;
init)
    exec orc init --etcd "$ETCD" "$@"
    ;;
scheduler)
    exec orc-scheduler --etcd "$ETCD" --state-dir "$STATE/scheduler" "$@"
    ;;
netplug)
    exec netplug --socket "$RUN/netplug.sock" --state-dir "$STATE/netplug" "$@"
    ;;
nodelet)
    exec nodelet --name "$NAME" --etcd "$ETCD" --interface "$INTERFACE" --docker "$DOCKER" \
        --netplug "$RUN/netplug.sock" --state-dir "$STATE/nodelet" "$@"
    ;;
gateway)
    exec orc-gateway --etcd "$ETCD" --listen "$ADDRESS:80" --nginx-dir "$STATE/nginx" \
        --state-dir "$STATE/gateway" "$@"
    ;;
*)
    echo "servers.sh: \"$what\" is not known; etcd, init, scheduler, netplug, nodelet and gateway are" >&2
    exit 2
    ;;
esac
