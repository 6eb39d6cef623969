"""An image that is locked by its digest, and cannot be pulled because its registry has it no more."""

from __future__ import annotations

from envman.diagnostics import Diagnostic
from envman.operations.prepare import Prepared


def is_pinned(prepared: Prepared, service: str) -> bool:
    """Whether a lock names the image of ``service`` by its digest, and not the blueprint."""
    used, written = prepared.document.image(service) or "", prepared.environment.image(service) or ""
    return "@" in used and "@" not in written


def locked_image_gone(prepared: Prepared, service: str, tail: str) -> Diagnostic:
    """Return EV538 for the image of ``service``; ``tail`` is what Compose said."""
    environment = prepared.environment
    return Diagnostic(
        "EV538",
        f"image {prepared.document.image(service)} of {service} is gone from its registry",
        environment.span("services", service, "image"),
        "the image that is locked",
        help="an engine that still has it can push it again; "
        f"`envman lock {environment.name} --upgrade {service}` locks what its tag leads to now",
        detail=tail,
    )
