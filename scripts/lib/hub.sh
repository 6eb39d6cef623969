# A hub on loopback for machines that cannot reach Docker Hub: Debian's registry, asked by our daemon before the hub.
# shellcheck shell=bash

HUB_HOME=$ENGINE_HOME/hub
HUB_CONFIGURATION=$ENGINE_HOME/hub.yml
HUB_PID_FILE=$RUN_DIR/hub.pid
HUB_PORT_FILE=$ENGINE_HOME/hub.port
HUB_LOG=$ENGINE_HOME/hub.log

hub_pid() { pid_of "$HUB_PID_FILE" docker-registry "$HUB_CONFIGURATION"; }

hub_address() { printf '127.0.0.1:%s\n' "$(<"$HUB_PORT_FILE")"; }

# Images with short names belong to an owner of their own.
hub_repository() { [[ $1 == */* ]] && printf '%s\n' "$1" || printf 'library/%s\n' "$1"; }

hub_has() {
    local name tag=${1##*:}
    name=$(hub_repository "${1%%:*}")
    [[ -e $HUB_HOME/docker/registry/v2/repositories/$name/_manifests/tags/$tag/current/link ]]
}

# Asked through the client, which knows the hub's address and the proxy, and needs no daemon for this.
docker_hub_answers() { timeout 8 docker manifest inspect busybox:1.37 >/dev/null 2>&1; }

stand_ins_are_wanted() {
    case ${ENVMAN_ENGINE_HUB:-auto} in
    stand-ins) return 0 ;;
    none) return 1 ;;
    auto) ! docker_hub_answers ;;
    *) die "ENVMAN_ENGINE_HUB is '$ENVMAN_ENGINE_HUB': it can be 'auto', 'stand-ins' or 'none'" ;;
    esac
}

write_hub_configuration() {
    cat >"$HUB_CONFIGURATION" <<YAML
version: 0.1
log: {level: warn, accesslog: {disabled: true}}
storage:
  filesystem: {rootdirectory: $HUB_HOME}
  delete: {enabled: true}
http: {addr: "$(hub_address)"}
YAML
}

hub_listens() { ! port_is_free "$(<"$HUB_PORT_FILE")"; }

start_hub() {
    hub_pid >/dev/null && return
    install_packages docker-registry
    mkdir -p "$HUB_HOME" "$RUN_DIR"
    # The port of the last time is kept, as the daemon may already know it.
    free_port "$(cat "$HUB_PORT_FILE" 2>/dev/null || echo 5000)" >"$HUB_PORT_FILE.new"
    mv "$HUB_PORT_FILE.new" "$HUB_PORT_FILE"
    write_hub_configuration
    setsid docker-registry serve "$HUB_CONFIGURATION" </dev/null >"$HUB_LOG" 2>&1 9>&- 8>&- &
    printf '%s\n' "$!" >"$HUB_PID_FILE"
    if ! await 20 hub_listens; then
        tail -n 20 "$HUB_LOG" >&2
        die "the hub on $(hub_address) did not start; its log is $HUB_LOG"
    fi
    say "hub on $(hub_address)"
}

stop_hub() {
    local pid
    if pid=$(hub_pid); then
        end_process "$pid" 10
    fi
    rm -f "$HUB_PID_FILE"
}
