# Our own dockerd: its own socket, data, pid file and log, so that it is never mixed up with the machine's Docker.
# shellcheck shell=bash

DAEMON_CONFIGURATION=$ENGINE_HOME/daemon.json
DATA_ROOT=$ENGINE_HOME/data
EXEC_ROOT=$RUN_DIR/exec

own_docker() { DOCKER_HOST=$ENGINE_URL docker "$@"; }

daemon_pid() { pid_of "$DAEMON_PID_FILE" dockerd "$DAEMON_CONFIGURATION"; }

daemon_answers() { [[ -S $SOCKET ]] && own_docker info >/dev/null 2>&1; }

server_version() { docker version --format '{{.Server.Version}}'; }

compose_version() { docker compose version --short 2>/dev/null; }

# Whether a Docker that is not ours answers to whoever calls this script.
machine_docker_answers() (
    [[ ${DOCKER_HOST:-} != "$ENGINE_URL" ]] || unset DOCKER_HOST
    has docker && timeout 20 docker info >/dev/null 2>&1
)

require_new_compose() {
    local version
    version=$(compose_version) || version=none
    at_least "$MINIMUM_COMPOSE" "$version" ||
        unsupported "this machine's Docker is left as it is, but its Compose is too old (have: $version," \
            "need: $MINIMUM_COMPOSE or newer). Install a newer Compose plugin."
}

docker_is_installed() { has dockerd && has docker && at_least "$MINIMUM_COMPOSE" "$(compose_version || echo 0)"; }

# Many test networks live at once, and Docker's own pools end after 31 of them.
write_daemon_configuration() {
    local mirrors=
    if [[ ${1:-} == with-hub ]]; then
        mirrors="\"http://$(hub_address)\""
    fi
    cat >"$DAEMON_CONFIGURATION" <<JSON
{
  "hosts": ["$ENGINE_URL"],
  "data-root": "$DATA_ROOT",
  "exec-root": "$EXEC_ROOT",
  "pidfile": "$DAEMON_PID_FILE",
  "registry-mirrors": [$mirrors],
  "default-address-pools": [{"base": "172.20.0.0/14", "size": 24}],
  "shutdown-timeout": 10
}
JSON
}

daemon_uses_hub() { grep --quiet '"registry-mirrors": \["' "$DAEMON_CONFIGURATION" 2>/dev/null; }

# A daemon that was killed leaves a containerd behind, and pid files whose numbers may since name somebody else, at
# which the next daemon would refuse to start, or wait for a containerd that is none.
clear_leftovers() {
    local containerd_pid_file=$EXEC_ROOT/containerd/containerd.pid pid
    if pid=$(pid_of "$containerd_pid_file" containerd "$EXEC_ROOT"); then
        say "ending the containerd (pid $pid) that a killed daemon left"
        end_process "$pid" 10
    fi
    rm -f "$containerd_pid_file" "$DAEMON_PID_FILE" "$SOCKET"
}

daemon_answers_or_ended() { daemon_answers || ! kill -0 "$1" 2>/dev/null; }

start_daemon() {
    clear_leftovers
    mkdir -p "$DATA_ROOT" "$EXEC_ROOT"
    [[ ! -e $DAEMON_LOG ]] || mv -f "$DAEMON_LOG" "$DAEMON_LOG.previous"
    # In a session of its own it outlives the terminal; the locks (8, 9) must not live as long as it does.
    setsid dockerd --config-file "$DAEMON_CONFIGURATION" </dev/null >"$DAEMON_LOG" 2>&1 9>&- 8>&- &
    local pid=$!
    await 60 daemon_answers_or_ended "$pid" || true
    if ! daemon_answers; then
        tail -n 20 "$DAEMON_LOG" >&2
        ! kill -0 "$pid" 2>/dev/null || end_process "$pid" 10
        die "dockerd did not start; its log is $DAEMON_LOG"
    fi
}

stop_daemon() {
    local pid
    if pid=$(daemon_pid); then
        # It ends its containers first.
        end_process "$pid" 60
    fi
    clear_leftovers
}
