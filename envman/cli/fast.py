"""The way past typer, whose import takes longer than a render of unchanged input, and as long as a container's start.

Only a command line that means the same to typer without any doubt goes this way; every other one, a wrong one above
all, is typer's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from envman.cli.invocation import Format, Invocation

_GLOBAL: Final = {
    "--directory": "directory",
    "-C": "directory",
    "--format": "format",
    "--context": "context",
    "--host": "host",
    "-H": "host",
}
_OWN: Final = {"--output": "output", "-o": "output", "--set": "set", "--instance": "instance"}
_FLAGS: Final = frozenset({"--no-cache", "--annotate", "--frozen"})
# What `up` does anyway is no reason for the long way.
_FLAGS_OF_UP: Final = frozenset({"--frozen", "--detach", "-d", "--wait", "--remove-orphans"})
_OF_UP: Final = {"--set": "set", "--instance": "instance"}
_OF_SWITCH: Final = {"--from": "from", "--set": "set", "--instance": "instance"}
_FLAGS_OF_SWITCH: Final = frozenset({"--snapshot", "--no-snapshot"})
_OF_SNAPSHOT: Final = {"--volume": "volume", "--name": "name", "--set": "set", "--instance": "instance"}
_FLAGS_OF_SNAPSHOT: Final = frozenset({"--live"})
_OF_STATUS: Final = {"--instance": "instance"}
COMPLETION: Final = "_ENVMAN_COMPLETE"


def plain_render(invocation: Invocation, arguments: Sequence[str]) -> Callable[[], None] | None:
    """Return `render` as ``arguments`` ask for it, with its global options set; None where they are for typer."""
    own = _plain(invocation, arguments, "render", _OWN, _FLAGS)
    if own is None:
        return None

    from envman.cli.rendering import render_environment

    return partial(
        render_environment,
        invocation,
        next(iter(own.get("", ())), None),
        output=Path(own["output"][-1]) if "output" in own else None,
        settings=own.get("set", ()),
        instance=own.get("instance", [None])[-1],
        cache="--no-cache" not in own,
        annotate="--annotate" in own,
        frozen="--frozen" in own,
    )


def plain_up(invocation: Invocation, arguments: Sequence[str]) -> Callable[[], bool] | None:
    """Return what says whether nothing is to be done by `up`, and shows that; None where ``arguments`` ask for more.

    Where it returns false, nothing is known, and nothing was shown: the command is typer's.
    """
    own = _plain(invocation, arguments, "up", _OF_UP, _FLAGS_OF_UP)
    if own is None:
        return None

    from envman.cli.resting import show_at_rest

    return partial(
        show_at_rest,
        invocation,
        next(iter(own.get("", ())), ""),
        settings=own.get("set", ()),
        instance=own.get("instance", [""])[-1],
        frozen="--frozen" in own,
    )


def plain_switch(invocation: Invocation, arguments: Sequence[str]) -> Callable[[], None] | None:
    """Return `switch` to an environment, where ``arguments`` ask for just that; None where they are for typer."""
    own = _plain(invocation, arguments, "switch", _OF_SWITCH, _FLAGS_OF_SWITCH)
    if own is None or not own.get(""):
        return None

    from envman.cli.switching import switch_environment

    return partial(
        switch_environment,
        invocation,
        own[""][0],
        source=own.get("from", [None])[-1],
        snapshot="--snapshot" in own,
        no_snapshot="--no-snapshot" in own,
        settings=own.get("set", ()),
        instance=own.get("instance", [None])[-1],
    )


def plain_snapshot(invocation: Invocation, arguments: Sequence[str]) -> Callable[[], None] | None:
    """Return `snapshot create`, where ``arguments`` ask for that; None where they are for typer."""
    own = _plain(invocation, arguments, "snapshot create", _OF_SNAPSHOT, _FLAGS_OF_SNAPSHOT)
    if own is None:
        return None

    from envman.cli.snapshotting import take_snapshot

    return partial(
        take_snapshot,
        invocation,
        next(iter(own.get("", ())), None),
        volumes=own.get("volume", ()),
        name=own.get("name", [None])[-1],
        live="--live" in own,
        settings=own.get("set", ()),
        instance=own.get("instance", [None])[-1],
    )


def plain_status(invocation: Invocation, arguments: Sequence[str]) -> Callable[[], None] | None:
    """Return `status` of all environments, where ``arguments`` ask for just that; None where they are for typer."""
    own = _plain(invocation, arguments, "status", _OF_STATUS)
    if own is None or own.get(""):
        return None

    from envman.cli.looking import show_statuses

    return partial(show_statuses, invocation, instance=own.get("instance", [None])[-1])


def _plain(
    invocation: Invocation,
    arguments: Sequence[str],
    command: str,
    known: dict[str, str],
    flags: frozenset[str] = frozenset(),
) -> dict[str, list[str]] | None:
    """Return the options of ``command``, one word at the most under ``""``, with the global ones set."""
    words = command.split()
    if COMPLETION in invocation.environ or words[0] not in arguments:
        return None
    at = arguments.index(words[0])
    behind = at + len(words)
    if list(arguments[at:behind]) != words:
        return None
    common = _options(arguments[:at], _GLOBAL)
    own = _options(arguments[behind:], {**_GLOBAL, **known}, flags)
    if common is None or own is None or common.get("") or len(own.get("", ())) > 1:
        return None
    wanted = {**common, **own}
    if wanted.get("format", [Format.HUMAN.value])[-1] not in {one.value for one in Format}:
        return None
    invocation.format = Format.HUMAN
    for name in dict.fromkeys(_GLOBAL.values()):
        if name in wanted:
            invocation.choose(name, wanted[name][-1])
    return own


def command_of(arguments: Sequence[str]) -> str:
    """Return the word that is the command, where what stands before it is surely global options; else nothing."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, _ = word.partition("=")
        if not word.startswith("-"):
            return word
        if name not in _GLOBAL or (equals and not name.startswith("--")):
            return ""
        if not equals and (not rest or rest.pop(0).startswith("-")):
            return ""
    return ""


def _options(
    words: Sequence[str], known: dict[str, str], flags: frozenset[str] = frozenset()
) -> dict[str, list[str]] | None:
    """Return the values of each option, those of none under ``""``; None for what is not surely understood."""
    found: dict[str, list[str]] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if not word.startswith("-"):
            found.setdefault("", []).append(word)
            continue
        if word in flags:
            found[word] = []
            continue
        if name not in known or (equals and not name.startswith("--")):
            return None
        if not equals:
            value = next(rest, "")
        if not value or (value.startswith("-") and value != "-"):
            return None
        found.setdefault(known[name], []).append(value)
    return found if "" not in found or all(found[""]) else None
