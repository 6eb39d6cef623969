"""Which image a service will run tomorrow."""

from __future__ import annotations

from collections.abc import Iterator

from envman.diagnostics import Diagnostic, Severity
from envman.model.environment import Environment


def floating_images(environment: Environment) -> Iterator[Diagnostic]:
    """EV314: no tag, or ``latest``: two machines, or one machine twice, may run different things."""
    for name, service in environment.stack.services.items():
        # What is built here is what the sources say; its name is only a name.
        if service.image is None or service.build is not None or service.provider is not None or "@" in service.image:
            continue
        _, _, last = service.image.rpartition("/")
        repository, colon, tag = last.partition(":")
        if repository and tag in {"", "latest"}:
            says = "has the tag latest" if colon else "has no tag, which means latest"
            yield Diagnostic(
                "EV314",
                f"{service.image} {says}: it may be another image tomorrow",
                environment.span("services", name, "image"),
                "a version, such as `postgres:17`",
                severity=Severity.WARNING,
            )
