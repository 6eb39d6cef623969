#!/bin/sh
# Fills in templates and runs the scripts in /docker-entrypoint.d before nginx starts.
set -eu

fill_in_templates() {
    for template in /etc/nginx/templates/*.template; do
        [ -e "$template" ] || continue
        output=/etc/nginx/conf.d/$(basename "$template" .template)
        # Only what the environment defines is replaced: nginx's own variables look the same.
        # shellcheck disable=SC2016
        known=$(env | sed 's/=.*//' | grep -E '^[A-Za-z_][A-Za-z0-9_]*$' | sed 's/.*/${&}/' | tr '\n' ' ')
        envsubst "$known" <"$template" >"$output"
    done
}

run_scripts() {
    for script in /docker-entrypoint.d/*; do
        case $script in
        *.envsh)
            # shellcheck source=/dev/null
            [ ! -x "$script" ] || . "$script"
            ;;
        *.sh) [ ! -x "$script" ] || "$script" ;;
        esac
    done
}

case ${1:-} in
nginx | nginx-debug)
    run_scripts
    fill_in_templates
    ;;
esac

exec "$@"
