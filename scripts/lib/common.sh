# What every part of scripts/engine needs: names of places, words to the user, facts about the machine.
# shellcheck shell=bash disable=SC2034 # the other parts use these

# A home of one's own (ENVMAN_ENGINE_HOME) gets its own sockets too, so that two of them never meet.
ENGINE_HOME=${ENVMAN_ENGINE_HOME:-/var/lib/envman-engine}
if [[ -n ${ENVMAN_ENGINE_HOME:-} ]]; then
    RUN_DIR=$ENGINE_HOME/run
else
    RUN_DIR=/run/envman-engine
fi
SOCKET=$RUN_DIR/docker.sock
ENGINE_URL=unix://$SOCKET
DAEMON_PID_FILE=$RUN_DIR/docker.pid
DAEMON_LOG=$ENGINE_HOME/dockerd.log

# The oldest Compose that envman drives.
MINIMUM_COMPOSE=2.24

# Exit statuses that callers tell apart: the machine is not one that this script can prepare.
EXIT_UNSUPPORTED=3

say() { printf 'engine: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

unsupported() {
    say "$*"
    exit "$EXIT_UNSUPPORTED"
}

has() { command -v "$1" >/dev/null 2>&1; }

systemd_runs() { [[ -d /run/systemd/system ]]; }

# at_least 2.24 2.40.3+ds1-1
at_least() { [[ ${2#v} == [0-9]* && $(printf '%s\n%s\n' "$1" "${2#v}" | sort --version-sort | head -n 1) == "$1" ]]; }

# A pid file can outlive its process, and its number can be given to another one: only a process of the expected
# program that was started with our own folder on its command line counts.
pid_of() {
    local pid_file=$1 program=$2 argument=$3 pid
    [[ -r $pid_file ]] || return 1
    pid=$(<"$pid_file")
    [[ $pid =~ ^[0-9]+$ && -r /proc/$pid/cmdline ]] || return 1
    local -a command_line
    mapfile -d '' command_line <"/proc/$pid/cmdline" || return 1
    # A process that has ended but is still in the table has no command line.
    [[ ${#command_line[@]} -gt 0 && ${command_line[0]##*/} == "$program" ]] || return 1
    [[ " ${command_line[*]} " == *"$argument"* ]] || return 1
    printf '%s\n' "$pid"
}

# Ends a process as it wishes to be ended; by force only when it does not come to an end.
end_process() {
    local pid=$1 patience=$2
    kill -TERM "$pid" 2>/dev/null || return 0
    timeout "$patience" tail --pid="$pid" --follow /dev/null && return 0
    say "process $pid did not end within ${patience} s: killing it"
    kill -KILL "$pid" 2>/dev/null || return 0
    timeout 10 tail --pid="$pid" --follow /dev/null
}

# await SECONDS COMMAND...: until the command succeeds. There is nothing to be woken by, hence the short pauses.
await() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        read -rt 0.1 <> <(:) || true
    done
}

port_is_free() { ! (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port=$1
    until port_is_free "$port"; do
        port=$((port + 1))
    done
    printf '%s\n' "$port"
}
