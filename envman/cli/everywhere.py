"""Global options behind a command: `envman status --format json` means `envman --format json status`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from envman.cli.invocation import Invocation

if TYPE_CHECKING:
    from typer import CallbackParam, Context

# These act on their own, before any command is looked at.
_ALONE = frozenset({"version", "help"})


def accept_everywhere(program: Any) -> Any:
    """Let every command of ``program`` (a command group) take the group's options too; return ``program``.

    An option that a command has itself keeps its own meaning there. Help does not repeat them.
    """
    _extend(program, [_behind(one) for one in program.params if one.name not in _ALONE and one.opts])
    return program


def _extend(command: Any, options: Iterable[Any]) -> None:
    for below in (getattr(command, "commands", None) or {}).values():
        own = {name for parameter in below.params for name in parameter.opts}
        below.params = [*below.params, *(one for one in options if not own & set(one.opts))]
        _extend(below, options)


def _behind(option: Any) -> Any:
    made = copy(option)
    made.default, made.expose_value, made.hidden, made.callback = None, False, True, _chosen
    return made


def _chosen(context: Context, parameter: CallbackParam, value: Any) -> None:
    if value is not None and not context.resilient_parsing:
        context.ensure_object(Invocation).choose(max(parameter.opts, key=len).removeprefix("--"), value)


class Inside(TyperCommand):
    """A command whose words end with another program's: `[ENV] SERVICE COMMAND...`.

    Its own options stand before the service, also between the environment and the service. Everything behind the
    service belongs to the other program.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options that stand before the service."""
        read = {} if ctx.resilient_parsing else self.make_parser(ctx).parse_args(list(args))[0]
        rest: Sequence[str] = read.get("words") or ()
        between = len(rest) > 1 and rest[1].startswith("-") and rest[1] != "--"
        if not between or rest[0] not in _environments(ctx):
            return super().parse_args(ctx, args)
        left = super().parse_args(ctx, [*args[: len(args) - len(rest)], *rest[1:]])
        ctx.params["words"] = [rest[0], *(ctx.params["words"] or ())]
        return left


def _environments(context: Any) -> Iterable[str]:
    from envman.diagnostics import EnvmanError

    try:
        return list(context.ensure_object(Invocation).workspace().project.blueprints)
    except EnvmanError:
        return ()  # the command itself says what is wrong
