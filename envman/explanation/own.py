"""What envman itself puts into a Compose file, and why."""

from __future__ import annotations

from typing import Final

from envman import LABEL_PREFIX
from envman.model.stack import OWN_ATTRIBUTES
from envman.source.tree import Path

_LABELS: Final = {
    "project": "envman: identity, the project",
    "environment": "envman: identity, the environment",
    "checkout": "envman: identity, this checkout's ID",
    "instance": "envman: identity, the instance",
    "digest": "envman: the digest of this service's content",
}
# What `gpu:` takes out of a service.
_GPU: Final = (["deploy"], ["devices"], ["gpus"], ["runtime"])


def why(path: Path) -> str:
    """Return why envman adds the value at ``path``, which no blueprint sets."""
    last = str(path[-1]) if path else ""
    if last.startswith(LABEL_PREFIX):
        return _LABELS.get(last.removeprefix(LABEL_PREFIX), "envman: identity")
    if path == ("name",):
        return "envman: PROJECT-ENVIRONMENT[-INSTANCE]"
    if last == "labels":
        return "envman: identity"
    if path[:2] == ("networks", "default"):
        return "envman: the network of services that name none"
    if path[:1] == ("secrets",):
        return "envman: how the secret reaches containers"
    if path[2:4] in {("build", "additional_contexts"), ("build", "args")}:
        return "envman: what the registry map or the lock makes of what the build starts from"
    if path[:1] == ("services",) and path[2:3] == ("deploy",):
        return "envman: the GPU that `gpu:` asks for"
    if path[:1] == ("services",) and last == "protocol":
        return "envman: Compose's default"
    return "envman"


def why_not(path: Path) -> str:
    """Return why a Compose file has no value at ``path`` although a blueprint sets one."""
    steps = [str(step) for step in path]
    if any(
        len(steps) >= len(own) and all(one in {"*", step} for one, step in zip(own, steps, strict=False))
        for own in OWN_ATTRIBUTES
    ):
        return "envman's own"
    if steps[:1] == ["services"] and steps[2:3] == ["environment"]:
        return "the value is handed over when the stack starts"
    if steps[:1] == ["services"] and steps[2:3] in _GPU:
        return "left out: `gpu:` wants none, or the engine has none"
    if "secrets" in (*steps[:1], *steps[2:4]) and len(steps) > 1:
        return "left out: this machine has no such secret"
    return ""
