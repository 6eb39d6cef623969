"""As much of the command tree as a command line needs.

typer examines every parameter of every command that it is given, on every run: 40 ms for these. A run needs one
command's parameters; the list of commands needs none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any

import typer
from typer.models import CommandInfo, TyperInfo

from envman.cli.fast import command_of

_HELP = frozenset({"--help", "-h"})


def narrowed(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Return ``app`` without what ``arguments`` have no use for; ``app`` itself where that is not sure."""
    if len(arguments) == 1 and arguments[0] in _HELP:
        return _names_alone(app)
    command = command_of(arguments)
    commands = [one for one in app.registered_commands if _name(one) == command]
    groups = [one for one in app.registered_groups if one.name == command]
    return _with(app, commands, groups) if command and (commands or groups) else app


def _with(app: typer.Typer, commands: list[CommandInfo], groups: list[TyperInfo]) -> typer.Typer:
    made = copy(app)
    made.registered_commands = commands
    made.registered_groups = groups
    return made


def _names_alone(app: typer.Typer) -> typer.Typer:
    commands = []
    for one in app.registered_commands:
        named = copy(one)
        named.callback = _without_parameters(one.callback)
        commands.append(named)
    groups = []
    for group in app.registered_groups:
        named_group = copy(group)
        named_group.typer_instance = _names_alone(group.typer_instance) if group.typer_instance else None
        groups.append(named_group)
    return _with(app, commands, groups)


def _without_parameters(callback: Callable[..., Any] | None) -> Callable[[], None]:
    def command() -> None:
        """Stand for the command in a list."""

    if callback is not None:
        command.__name__ = getattr(callback, "__name__", "")
        command.__doc__ = callback.__doc__
    return command


def _name(info: CommandInfo) -> str:
    # As typer.main.get_command_name has it.
    return info.name or getattr(info.callback, "__name__", "").lower().replace("_", "-")
