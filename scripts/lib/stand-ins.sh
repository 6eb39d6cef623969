# Images made of Debian's packages that stand in for official ones where no hub can be reached.
# shellcheck shell=bash

RECIPES=$SCRIPTS/stand-ins
STAND_IN_SUITE=trixie
BUILT=$ENGINE_HOME/stand-ins

stand_ins() {
    local recipe
    for recipe in "$RECIPES"/*/recipe "$RECIPES"/*/*/recipe; do
        recipe=${recipe#"$RECIPES/"}
        printf '%s\n' "${recipe%/recipe}"
    done
}

# Folders are called NAME-TAG or OWNER/NAME-TAG, and a tag begins with a digit or a v and a digit.
image_of() {
    [[ $1 =~ ^([a-z/]+(-[a-z/]+)*)-(v?[0-9].*)$ ]] || die "the folder $1 names no image"
    printf '%s:%s\n' "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
}

# Changes whenever anything that goes into the image does; what a rebuild would fetch from Debian is not asked.
recipe_digest() (
    cd "$RECIPES" || exit
    {
        dpkg --print-architecture
        printf '%s\n' "$STAND_IN_SUITE"
        find build "$1" -type f -printf '%p\n' -exec cat {} + | LC_ALL=C sort
        find build "$1" -type f -perm -u+x | LC_ALL=C sort
    } | sha256sum | cut -d ' ' -f 1
)

stand_in_is_ready() {
    hub_has "$(image_of "$1")" && [[ $(cat "$BUILT/$1" 2>/dev/null) == "$(recipe_digest "$1")" ]]
}

build_stand_in() {
    local stand_in=$1 mirror=$2 started=$SECONDS image reference replaced
    image=$(image_of "$stand_in")
    replaced=$(own_docker image ls --quiet --no-trunc "$image")
    reference=$(hub_address)/$(hub_repository "$image")
    mkdir -p "$(dirname "$BUILT/$stand_in")" "$(dirname "$ENGINE_HOME/build/$stand_in")"
    # Pushed by the loopback hub's own name, it is pulled by the short one, so that it has a digest like any other.
    DOCKER_HOST=$ENGINE_URL "$RECIPES/build" "$stand_in" "$STAND_IN_SUITE" "$mirror" "$ENGINE_HOME/build" "$reference" || return
    own_docker push --quiet "$reference" >/dev/null || return
    own_docker pull --quiet "$image" >/dev/null || return
    own_docker image rm "$reference" >/dev/null || return
    # By its ID and without force: what is built on it or runs it keeps it. Its label is no proof, since images that
    # users build on a stand-in have that, too.
    [[ -z $replaced || $replaced == "$(own_docker image ls --quiet --no-trunc "$image")" ]] ||
        own_docker image rm "$replaced" >/dev/null 2>&1 || true
    recipe_digest "$stand_in" >"$BUILT/$stand_in"
    say "built $image in $((SECONDS - started)) s"
}

provide_stand_ins() {
    local -a wanted=()
    local stand_in
    for stand_in in $(stand_ins); do
        stand_in_is_ready "$stand_in" || wanted+=("$stand_in")
    done
    ((${#wanted[@]})) || return 0
    # The second for what is no package of Debian's, and comes in a wheel.
    install_packages mmdebstrap python3-venv
    local mirror
    mirror=$(debian_mirror) || die "no Debian mirror among this machine's apt sources"
    say "building stand-ins from Debian's packages: ${wanted[*]}"
    # One build for each processor.
    local -a running=()
    local failed=
    for stand_in in "${wanted[@]}"; do
        if ((${#running[@]} >= $(nproc))); then
            wait "${running[0]}" || failed=yes
            running=("${running[@]:1}")
        fi
        build_stand_in "$stand_in" "$mirror" &
        running+=("$!")
    done
    local pid
    for pid in "${running[@]}"; do
        wait "$pid" || failed=yes
    done
    rm -rf "$ENGINE_HOME/build"
    [[ -z $failed ]] || die "not every stand-in could be built"
}
