# shop-file.sh - Compose files for the end-to-end tests, written by one function. Sourced.
#
# shop_file [SERVICE SETTINGS...]: prints a file with one service "web" behind "/" made from these settings:
#   version=1 image=orc/workload:1 replicas=3 order=start-first parallelism=1 action=rollback monitor=3s memory=32M
#   delay=0s canary=0
#   env=KEY=VALUE (repeatable) constraint='node.labels.x == y' grace=10s drain=10s interval=1s retries=2 health=http path=/ name=web app=e2e disconnect=5m fence=6s
shop_file() {
    local version=1 image= replicas=3 order=start-first parallelism=1 action=rollback monitor=3s memory=32M constraint= delay=0s canary=0 \
        grace=10s drain=10s interval=1s retries=2 path=/ name=web app=e2e env=() port= disconnect= fence= setting
    for setting in "$@"; do
        case $setting in
        env=*) env+=("${setting#env=}") ;;
        *) local "$setting" ;;
        esac
    done
    cat <<END
name: $app
services:
  $name:
    image: ${image:-orc/workload:$version}
    stop_grace_period: $grace
    deploy:
      replicas: $replicas
      resources:
        limits: {cpus: '0.10', memory: $memory}
      update_config: {parallelism: $parallelism, order: $order, failure_action: $action, monitor: $monitor, delay: $delay}
END
    [ -z "$constraint" ] || printf '      placement:\n        constraints: ["%s"]\n' "$constraint"
    [ -z "$port" ] || printf '    ports: ["%s"]\n' "$port"
    if [ ${#env[@]} -gt 0 ]; then
        echo "    environment:"
        printf '      - "%s"\n' "${env[@]}"
    fi
    echo "    x-orc:"
    [ "$health" = none ] ||
        echo "      health: {http: {path: /health, port: 8080}, interval: $interval, timeout: 1s, retries: $retries}"
    cat <<END
      gateway: {path: $path, port: 8080}
      drain: {timeout: $drain}
      canary: $canary
END
    [ -z "$disconnect" ] || echo "      disconnect: $disconnect"
    [ -z "$fence" ] || echo "      fence: $fence"
}

# write_file NAME SETTINGS...: the file below the test's own folder; prints its path.
write_file() {
    local path=$lib_folder/$1.yaml
    shift
    shop_file "$@" >"$path"
    echo "$path"
}

# ---- what the tests ask ----

healthy_is() { # SERVICE N: N healthy replicas and the rollout complete
    orc_status ".services[] | select(.name == \"$1\") | .healthy == $2 and .desired == $2 and .rollout.state == \"complete\""
}

task_field() { # SERVICE SLOT FIELD: of the task that is to run in this slot
    orc status -o json | jq -r ".services[] | select(.name == \"$1\") | .tasks[] | select(.slot == $2 and .desired == \"run\") | .$3"
}

# Asks a container directly, from its own server: tell NODE ADDRESS METHOD PATH
tell() {
    lab exec "$1" curl --silent --max-time 5 --request "$3" "http://$2:8080$4"
}

versions_seen() { # N PATH: the versions that N answers through the gateway name, sorted, each once
    local i
    for ((i = 0; i < $1; i++)); do
        curl --silent --max-time 5 "$ORC_GATEWAY$2" | sed -n 's/.*version=\([^ ]*\) .*/\1/p'
    done | sort -u | tr '\n' ' '
}

# "id pid started" of every container of orc, over all servers, sorted: equal before and after means nothing restarted.
containers_now() {
    local k
    for k in "${@:-k1 k2 k3}"; do
        for k in $k; do
            lab docker "$k" ps --quiet --no-trunc --filter label=orc.task |
                xargs --no-run-if-empty "$lib_here/lab" docker "$k" inspect --format '{{.Name}} {{.Id}} {{.State.Pid}} {{.State.StartedAt}}'
        done
    done | sort
}

# The endpoints in the store are exactly the healthy replicas.
endpoints_match() {
    local healthy endpoints
    healthy=$(orc status -o json | jq -r '.services[].tasks[] | select(.health == "healthy" and .desired == "run") | .id' | sort)
    endpoints=$(lab etcdctl get --prefix /orc/default/endpoints/ --keys-only | sed -n 's|.*/||p' | sort)
    [ -n "$healthy" ] && [ "$healthy" = "$endpoints" ]
}

store_revision() { # of everything but leases' keep-alives, which write nothing
    lab etcdctl get --write-out json none | jq -r .header.revision
}

# On each server given: a registry on 127.0.0.1:5000 that has no image at all and says so, as the real ones do
# (OCI distribution specification, MANIFEST_UNKNOWN). It ends with the lab.
empty_registry() {
    local k
    for k in "$@"; do
        mkdir -p "$lib_folder/registry-$k"
        cat >"$lib_folder/registry-$k/nginx.conf" <<END
pid $lib_folder/registry-$k/pid; error_log stderr crit; user root;
events {}
http {
    access_log off; client_body_temp_path /tmp/$ORC_LAB-$k;
    server {
        listen 127.0.0.1:5000; default_type application/json;
        location = /v2/ { return 200 '{}'; }
        location / { return 404 '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'; }
    }
}
END
        lab exec "$k" nginx -p "$lib_folder/registry-$k" -c "$lib_folder/registry-$k/nginx.conf"
    done
}
