"""What a capture wrote, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from envman.capture.stack import Captured
from envman.capture.suspects import Suspect
from envman.operations.capture import Wish, Written


def capture_text(wish: Wish, captured: Captured, written: Written) -> str:
    """Return a capture for people."""
    services = captured.data.get("services", {})
    lines = [
        f"captured {len(services)} service{'s' if len(services) != 1 else ''}: {', '.join(services)}",
        f"in {wish.root}:" if written.files else f"{wish.environment} is there already, unchanged",
        *(f"  {path}" for path in written.files),
        "",
    ]
    if written.variables:
        lines.append(f"Values to give, in .env.{wish.environment}: {', '.join(written.variables)}")
    lines.append(f"Next: envman check {wish.environment}")
    return "\n".join(lines)


def capture_data(wish: Wish, captured: Captured, secrets: Sequence[Suspect], written: Written) -> dict[str, Any]:
    """Return a capture for programs. Of secrets it says where and why, and no value."""
    return {
        "environment": wish.environment,
        "folder": str(wish.root),
        "files": [str(path) for path in written.files],
        "services": list(captured.data.get("services", {})),
        "images": {
            name: {"digest": image.digest, "id": image.identity, "used_by": list(used)}
            for name, (image, used) in captured.images.items()
        },
        "secrets": [{"place": one.where, "reason": one.why, "shown": one.shown} for one in secrets],
        "variables": list(written.variables),
    }
