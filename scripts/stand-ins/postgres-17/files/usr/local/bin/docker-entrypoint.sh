#!/usr/bin/env bash
# Starts PostgreSQL; in an empty data folder it first makes the cluster, the user and the database that the
# POSTGRES_* variables ask for, and runs what lies in /docker-entrypoint-initdb.d.
set -euo pipefail

fail() {
    printf 'Error: %s\n' "$*" >&2
    exit 1
}

# NAME_FILE names a file (a mounted secret) that holds the value of NAME.
read_variable() {
    local name=$1 default=${2:-} file_name=${1}_FILE value
    if [[ -n ${!name:-} && -n ${!file_name:-} ]]; then
        fail "both $name and $file_name are set (but are exclusive)"
    fi
    if [[ -n ${!file_name:-} ]]; then
        value=$(<"${!file_name}")
    else
        value=${!name:-$default}
    fi
    export "$name=$value"
    unset "$file_name"
}

prepare_folders() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 00700 "$PGDATA" || true
    chmod 03775 /var/run/postgresql || true
    if ((EUID == 0)); then
        find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
        find /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    fi
}

make_cluster() {
    [[ -n $POSTGRES_PASSWORD || $POSTGRES_HOST_AUTH_METHOD == trust ]] ||
        fail "Database is uninitialized and superuser password is not specified." \
            "Set POSTGRES_PASSWORD to a non-empty value, or POSTGRES_HOST_AUTH_METHOD=trust to allow" \
            "connections without a password."
    local -a arguments=()
    # Words in it are meant to be split, as in the official image.
    read -ra arguments <<<"$POSTGRES_INITDB_ARGS"
    [[ -z ${POSTGRES_INITDB_WALDIR:-} ]] || arguments+=(--waldir "$POSTGRES_INITDB_WALDIR")
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") "${arguments[@]}"
    # From inside the container everybody is trusted, from outside nobody without the password.
    printf '\nhost all all all %s\n' "${POSTGRES_HOST_AUTH_METHOD:-$(postgres -C password_encryption)}" \
        >>"$PGDATA/pg_hba.conf"
}

sql() { psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" "$@"; }

run_initial_scripts() {
    local file
    for file in /docker-entrypoint-initdb.d/*; do
        case $file in
        *.sh)
            printf '%s: running %s\n' "$0" "$file"
            if [[ -x $file ]]; then
                "$file"
            else
                # It shares this script's variables, as in the official image.
                # shellcheck source=/dev/null
                . "$file"
            fi
            ;;
        *.sql)
            printf '%s: running %s\n' "$0" "$file"
            sql --dbname "$POSTGRES_DB" --file "$file"
            ;;
        *.sql.gz)
            printf '%s: running %s\n' "$0" "$file"
            gunzip -c "$file" | sql --dbname "$POSTGRES_DB"
            ;;
        /docker-entrypoint-initdb.d/\*) ;;
        *) printf '%s: ignoring %s\n' "$0" "$file" ;;
        esac
    done
}

# Nobody from outside may connect before everything is in place, so this server listens on its socket alone.
fill_cluster() {
    export PGPASSWORD=$POSTGRES_PASSWORD
    NOTIFY_SOCKET='' pg_ctl --pgdata "$PGDATA" --wait --options "-c listen_addresses='' -p 5432" start
    if [[ $POSTGRES_DB != postgres ]]; then
        sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
    fi
    run_initial_scripts
    pg_ctl --pgdata "$PGDATA" --mode fast --wait stop
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
}

main() {
    [[ ${1:-} != -* ]] || set -- postgres "$@"
    if [[ ${1:-} == postgres && " $* " != *" --help "* && " $* " != *" --version "* ]]; then
        prepare_folders
        if ((EUID == 0)); then
            exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
        fi
        read_variable POSTGRES_PASSWORD
        read_variable POSTGRES_USER postgres
        read_variable POSTGRES_DB "$POSTGRES_USER"
        read_variable POSTGRES_INITDB_ARGS
        : "${POSTGRES_HOST_AUTH_METHOD:=}"
        if [[ ! -s $PGDATA/PG_VERSION ]]; then
            make_cluster
            fill_cluster
        fi
    fi
    exec "$@"
}

main "$@"
