# Debian packages, without leaving a trace in the machine's own apt configuration.
# shellcheck shell=bash

# Debian 12 has a Compose of 2021, so Docker comes from a younger suite; the first one that has it is taken.
DOCKER_SUITES=(forky sid trixie)
DOCKER_PACKAGES=(docker.io docker-cli docker-compose docker-buildx)
# Only these may come from the younger suite. Everything else stays with the machine's own release, runc too: the
# younger ones need a younger C library.
DOCKER_FAMILY="docker.io docker-cli docker-compose docker-buildx containerd tini-static"

APT_HOME=$ENGINE_HOME/apt

is_debian() { [[ -r /etc/os-release ]] && (. /etc/os-release && [[ ${ID:-} == debian ]]); }

require_debian_root() {
    if ! is_debian || ! has apt-get; then
        unsupported "no working Docker here, and this script can install one on Debian only." \
            "Install Docker with Compose $MINIMUM_COMPOSE or newer, and start it."
    fi
    ((EUID == 0)) ||
        unsupported "no working Docker here, and installing one needs root." \
            "Run 'sudo scripts/engine up', or start your own Docker."
}

# The address of the Debian mirror that this machine's own apt uses.
debian_mirror() {
    local uri origin label suite
    # shellcheck disable=SC2016 # apt fills these in, not the shell
    local format='$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(SUITE)'
    while IFS='|' read -r uri origin label suite; do
        [[ $origin == Debian && $label == Debian && $suite != *-updates && $suite != *-backports ]] || continue
        printf '%s\n' "$uri"
        return
    done < <(apt-get indextargets --format "$format" 'Created-By: Packages')
    return 1
}

apt_lists_are_there() { debian_mirror >/dev/null; }

# A package's start script must not run a second engine or hub beside ours. Where systemd runs, the distribution's
# own service is what we want, so there it may.
without_services() {
    local policy=/usr/sbin/policy-rc.d ours=
    if ! systemd_runs && [[ ! -e $policy ]]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod 0755 "$policy"
        ours=yes
    fi
    local status=0
    "$@" || status=$?
    [[ -z $ours ]] || rm -f "$policy"
    return "$status"
}

apt_quietly() {
    local log=$ENGINE_HOME/apt.log
    if ! DEBIAN_FRONTEND=noninteractive apt-get --quiet --assume-yes -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        return 1
    fi
}

# Packages of the machine's own release.
install_packages() {
    local -a missing=()
    local package
    for package in "$@"; do
        [[ $(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    require_debian_root
    say "installing ${missing[*]}"
    without_services apt_quietly install --no-install-recommends "${missing[@]}" && return
    # The lists may be old or absent.
    apt_quietly update
    without_services apt_quietly install --no-install-recommends "${missing[@]}"
}

candidate() { apt-cache policy "$1" | sed -n 's/^  Candidate: \(.*\)/\1/p'; }

candidate_compose_is_new_enough() {
    local version
    version=$(candidate docker-compose)
    [[ -n $version && $version != '(none)' && -n $(candidate docker-cli) ]] && at_least "$MINIMUM_COMPOSE" "$version"
}

# From here on apt sees one suite more. All of it lies in a folder of ours, and ends with the subshell that calls this.
add_suite() {
    local suite=$1 mirror=$2
    rm -rf "$APT_HOME"
    mkdir -p "$APT_HOME"/{sources.list.d,preferences.d,lists/partial}
    cp -a /etc/apt/sources.list.d/. "$APT_HOME/sources.list.d/"
    cp -a /etc/apt/preferences.d/. "$APT_HOME/preferences.d/"
    cat >"$APT_HOME/sources.list.d/envman-engine.sources" <<SOURCES
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
    cat >"$APT_HOME/preferences.d/00-envman-engine" <<PINS
Package: $DOCKER_FAMILY
Pin: release n=$suite
Pin-Priority: 600

Package: *
Pin: release n=$suite
Pin-Priority: -10
PINS
    cat >"$APT_HOME/apt.conf" <<CONFIGURATION
Dir::Etc::SourceParts "$APT_HOME/sources.list.d";
Dir::Etc::PreferencesParts "$APT_HOME/preferences.d";
Dir::State::Lists "$APT_HOME/lists";
CONFIGURATION
    export APT_CONFIG=$APT_HOME/apt.conf
    apt_quietly update
}

install_docker_from() (
    add_suite "$1" "$2" || return
    candidate_compose_is_new_enough || return
    say "installing Docker and Compose from Debian $1"
    without_services apt_quietly install --no-install-recommends "${DOCKER_PACKAGES[@]}" iptables
)

install_docker() {
    require_debian_root
    apt_lists_are_there || apt_quietly update
    if candidate_compose_is_new_enough; then
        install_packages "${DOCKER_PACKAGES[@]}" iptables
        return
    fi
    local mirror suite
    mirror=$(debian_mirror) || die "no Debian mirror among this machine's apt sources"
    install_packages debian-archive-keyring
    for suite in "${DOCKER_SUITES[@]}"; do
        if install_docker_from "$suite" "$mirror"; then
            rm -rf "$APT_HOME"
            return
        fi
        say "Debian $suite cannot give a Docker with Compose $MINIMUM_COMPOSE or newer"
    done
    rm -rf "$APT_HOME"
    die "none of Debian's suites (${DOCKER_SUITES[*]}) could give Docker with Compose $MINIMUM_COMPOSE or newer"
}
