"""What people who know Docker Compose type and envman does not have: what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_GRACE: Final = "the time that a container has to stop stands in the blueprint: `stop_grace_period`"
_SCALE: Final = "replicas stand in the blueprint: `deploy: {replicas: 3}`, or a variable there and `--set`"
_BACKGROUND: Final = "`up` leaves the stack in the background; `envman logs --follow` shows its output"
_ALL_FIELDS: Final = "`--format json` has every field of every container"
_RENDER: Final = "`envman render ENV --output -` prints the complete Compose file"
_ARGUMENTS: Final = "build arguments stand in the blueprint: `build: {args: …}`, or a variable there and `--set`"

COMMANDS: Final[Mapping[str, str]] = {
    "config": _RENDER,
    "convert": _RENDER,
    "ls": "`envman status` lists the environments of the project",
    "start": "`envman up` starts what is stopped, and creates what is missing",
    "create": "`envman up` creates and starts",
    "scale": _SCALE,
    "version": "`envman --version`",
    "inspect": "`envman status ENV` shows one environment's services in depth",
    "info": "`envman doctor` looks at this machine and its engine",
    "image": "`envman images`, `envman rmi`",
    "container": "`envman ps`, `envman status ENV`",
    "env": "`envman explain ENV variables` says where each variable has its value from",
    **{
        name: f"`envman compose ENV -- {name}` lets Compose do it"
        for name in (
            "attach",
            "commit",
            "events",
            "export",
            "kill",
            "pause",
            "stats",
            "top",
            "unpause",
            "wait",
            "watch",
        )
    },
}
"""Commands of Compose, by name."""

_EVERYWHERE: Final[Mapping[str, str]] = {
    "--file": "`envman import FILE...` makes a blueprint from Compose files",
    "--project-name": "the project's name stands in envman.yaml; `--instance NAME` is a second stack beside the first",
    "--profile": "`--profile NAME` is an option of `up` and `plan`, and stands behind the command",
    "--env-file": "values stand in `.env` and `.env.ENV`; `--set NAME=VALUE` gives a variable a value",
    "--project-directory": "`--directory DIR` (`-C DIR`)",
    "--dry-run": "`envman plan` shows what `up` would do",
    "--ansi": "the variable NO_COLOR=1 turns colours off",
    "--verbose": "envman shows what it does as it does it",
    "--debug": "envman shows what it does as it does it",
}
_OPTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("up", "--scale"): _SCALE,
    ("up", "-t"): f"{_GRACE}; `--timeout SECONDS` is how long the stack may take to be ready",
    ("up", "--attach"): _BACKGROUND,
    ("up", "--no-attach"): _BACKGROUND,
    ("up", "--timestamps"): _BACKGROUND,
    ("up", "--no-log-prefix"): _BACKGROUND,
    ("up", "--abort-on-container-exit"): "`envman run ENV SERVICE` passes on the exit status of a job",
    ("up", "--abort-on-container-failure"): "`envman run ENV SERVICE` passes on the exit status of a job",
    ("up", "--exit-code-from"): "`envman run ENV SERVICE` passes on the exit status of a job",
    ("up", "--no-recreate"): "`up` recreates only what has changed; with names and `--no-deps` only those services",
    ("up", "--no-build"): "`up` builds only what is missing or has changed: `envman plan` shows it",
    ("up", "--no-start"): "`envman compose ENV -- create` creates without starting",
    ("up", "--renew-anon-volumes"): "`envman rm --stop SERVICE`, then `envman up`: the old volumes are kept",
    ("up", "--watch"): "`envman compose ENV -- watch` follows `develop.watch`",
    ("down", "--rmi"): "`envman rmi` removes images that nobody needs",
    ("down", "--timeout"): _GRACE,
    ("stop", "--timeout"): _GRACE,
    ("restart", "-t"): f"{_GRACE}; `--timeout SECONDS` is how long the stack may take to be ready",
    ("rm", "--volumes"): "`rm` keeps volumes; `envman down --volumes` deletes them, after a snapshot",
    ("ps", "--filter"): _ALL_FIELDS,
    ("ps", "--status"): _ALL_FIELDS,
    ("ps", "--services"): _ALL_FIELDS,
    ("ps", "--no-trunc"): _ALL_FIELDS,
    ("build", "--build-arg"): _ARGUMENTS,
    ("build", "--push"): "`envman push` pushes what `envman build` has built",
    ("pull", "--policy"): "`pull_policy` stands in the blueprint",
    ("run", "--publish"): "ports of a job stand in the blueprint, under a service of its own",
}
_SHORT: Final[Mapping[tuple[str, str], str]] = {
    ("", "-f"): "--file",
    ("", "-p"): "--project-name",
    ("up", "-V"): "--renew-anon-volumes",
    ("up", "-w"): "--watch",
    ("down", "-t"): "--timeout",
    ("stop", "-t"): "--timeout",
    ("rm", "-v"): "--volumes",
    ("run", "-p"): "--publish",
}


def advice(command: str, option: str) -> str:
    """Return what to write instead of ``option`` of ``command`` (empty: before any command), or an empty text.

    Where ``option`` was given up for another name, that is what is returned.
    """
    if option == "--no-wait":
        return "`--fail-if-busy` fails at once where another envman is at work here"
    long = _SHORT.get((command, option)) or _SHORT.get(("", option)) or option
    return _OPTIONS.get((command, long), "") or _EVERYWHERE.get(long, "")
