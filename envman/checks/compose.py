"""What the present Compose does not know."""

from __future__ import annotations

from collections.abc import Iterator

from envman.diagnostics import Diagnostic
from envman.model.environment import Environment
from envman.model.needs import needs_of, release


def newer_attributes(environment: Environment, present: str) -> Iterator[Diagnostic]:
    """EV412: an attribute needs a newer Compose than the ``present`` one.

    Compose itself says only that an additional property is not allowed, without a line and without the version.
    """
    for need in needs_of(environment):
        if release(present) < release(need.version):
            yield Diagnostic(
                "EV412",
                f"{need.name} needs Compose {need.version}, this is {present}",
                environment.key_span(*need.path),
                f"Compose {need.version} or newer",
                help="upgrade the Compose plugin, or leave the attribute out",
            )
