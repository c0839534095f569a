#!/bin/sh
# A host's Docker Engine: dockerd.sh RUNTIME-FOLDER DATA-FOLDER CGROUP [OPTION...]
# What must not outlive a power cut stands in the host's own /run. No configuration file of the machine is read.
set -eu
run=$1 data=$2 cgroup=$3
shift 3
echo '{}' >"$run/daemon.json"
[ "${LIVE_RESTORE:-1}" = 0 ] || set -- --live-restore "$@"
rm -f /run/docker.pid
exec dockerd --config-file "$run/daemon.json" --data-root "$data" --exec-root /run/docker --pidfile /run/docker.pid \
    --host "unix://$run/docker.sock" --cgroup-parent "/$cgroup" --exec-opt native.cgroupdriver=cgroupfs "$@"
