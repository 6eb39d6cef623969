"""Questions before something is lost. Without a terminal they are not asked: the command refuses."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from envman.cli.invocation import Format, Invocation
from envman.diagnostics import Note
from envman.diagnostics.diagnostic import fail
from envman.output.tables import age

if TYPE_CHECKING:
    from envman.model.environment import Environment
    from envman.operations.down import Loss
    from envman.plan.observed import ContainerState


def can_ask(invocation: Invocation) -> bool:
    """Return whether there is somebody to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty() and invocation.format is Format.HUMAN


def question(text: str) -> str:
    """Return the answer to ``text``, asked on standard error so that standard output stays a result."""
    sys.stderr.write(text)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def confirm_loss(invocation: Invocation, environment: Environment, loss: Loss, *, yes: bool, typed: str | None) -> None:
    """Return if ``loss`` may happen.

    Raises:
        EnvmanError: EV606 where it was not confirmed in the way that it must be.
    """
    if not loss.data:
        return
    volumes = tuple(Note(f"volume {name} and all data in it would be deleted") for name in loss.data)
    if loss.typed:
        if typed == environment.name:
            return
        if typed is None and can_ask(invocation):
            _list(loss)
            if question(f"{environment.name} is protected. Type its name to delete this data: ") == environment.name:
                return
        raise fail(
            "EV606",
            f"{environment.name} is protected: its name must be typed to delete data",
            notes=volumes,
            help=f"add `--confirm {environment.name}` if that is what you want; nothing was changed",
        )
    if yes or typed == environment.name:
        return
    if can_ask(invocation):
        _list(loss)
        if question("Delete this data? [y/N] ").lower() in {"y", "yes"}:
            return
        raise fail("EV606", "not confirmed", help="nothing was changed")
    raise fail(
        "EV606",
        f"`down {environment.name} --volumes` deletes data, and there is no terminal to ask at",
        notes=volumes,
        help="add `--yes` if that is what you want; nothing was changed",
    )


def _list(loss: Loss) -> None:
    sys.stderr.write("These volumes and all data in them would be deleted:\n")
    sys.stderr.writelines(f"  {name}\n" for name in loss.data)


def confirm_interruption(
    invocation: Invocation, environment: Environment, jobs: Sequence[ContainerState], *, yes: bool
) -> None:
    """Return if the one-off ``jobs``, which are running, may be ended before they are done.

    Raises:
        EnvmanError: EV606 where it was not confirmed.
    """
    if not jobs or yes:
        return
    lines = [f"{one.service} ({one.name}){_since(one)}" for one in jobs]
    if can_ask(invocation):
        sys.stderr.writelines(
            f"{line}\n" for line in ("These running jobs would be ended:", *(f"  {x}" for x in lines))
        )
        if question("End them? [y/N] ").lower() in {"y", "yes"}:
            return
        raise fail("EV606", "not confirmed", help="nothing was changed")
    raise fail(
        "EV606",
        f"`down {environment.name}` ends jobs that are running, and there is no terminal to ask at",
        notes=tuple(Note(f"{line} would be ended") for line in lines),
        help="wait until they have ended, or add `--yes` if that is what you want; nothing was changed",
    )


def _since(job: ContainerState) -> str:
    return f", running for {age(time.time() - job.started_at)}" if job.started_at else ""


def confirm_takeover(invocation: Invocation, environment: Environment, *, yes: bool) -> None:
    """Return if the stack may become this checkout's; raises EV606 otherwise."""
    text = f"take over the stack {environment.compose_project} that another checkout ID made"
    if yes:
        return
    if can_ask(invocation) and question(f"{text[0].upper()}{text[1:]}? [y/N] ").lower() in {"y", "yes"}:
        return
    raise fail(
        "EV606", f"not confirmed: {text}", help="add `--yes` if that checkout is really gone; nothing was changed"
    )


def confirm_change(
    invocation: Invocation, environment: str, what: str, items: Sequence[str], *, protected: bool, yes: bool,
    typed: str | None, command: str,
) -> None:  # fmt: skip
    """Return if ``items`` may be lost by ``what`` (in words); the name is typed where it is ``protected``.

    Raises:
        EnvmanError: EV606 where it was not confirmed in the way that it must be.
    """
    if typed == environment or (yes and not protected):
        return
    notes = tuple(Note(one) for one in items)
    if typed is None and can_ask(invocation):
        sys.stderr.writelines(f"{line}\n" for line in (f"{what}:", *(f"  {one}" for one in items)))
        if protected:
            if question(f"{environment} is protected. Type its name to go on: ") == environment:
                return
        elif question("Go on? [y/N] ").lower() in {"y", "yes"}:
            return
        raise fail("EV606", "not confirmed", help="nothing was changed")
    if protected:
        raise fail(
            "EV606",
            f"{environment} is protected: its name must be typed before {what}",
            notes=notes,
            help=f"add `--confirm {environment}` if that is what you want; nothing was changed",
        )
    raise fail(
        "EV606",
        f"`{command}` replaces or deletes data, and there is no terminal to ask at",
        notes=notes,
        help="add `--yes` if that is what you want; nothing was changed",
    )


def confirm_removal(invocation: Invocation, items: Sequence[str], *, yes: bool) -> None:
    """Return if the images, one in a line of ``items``, may be removed.

    Raises:
        EnvmanError: EV606 where it was not confirmed.
    """
    if yes:
        return
    if can_ask(invocation):
        sys.stderr.writelines(
            f"{line}\n" for line in ("These images would be removed:", *(f"  {one}" for one in items))
        )
        if question("Go on? [y/N] ").lower() in {"y", "yes"}:
            return
        raise fail("EV606", "not confirmed", help="nothing was changed")
    raise fail(
        "EV606",
        "`rmi` removes images, and there is no terminal to ask at",
        notes=tuple(Note(f"{one} would be removed") for one in items),
        help="add `--yes` if that is what you want; nothing was changed",
    )
