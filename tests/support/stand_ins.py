"""What an engine would have said, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envman.plan.observed import ContainerState, NetworkState, VolumeState

CHECKOUT = "0123456789ab"


def labels(
    environment: str = "dev", *, checkout: str = CHECKOUT, project: str = "churn", **more: str
) -> Mapping[str, str]:
    """Return envman's labels; ``more`` are others of envman's, such as ``instance`` and ``digest``."""
    own = {"project": project, "environment": environment, "checkout": checkout, **more}
    return {f"dev.envman.{name}": value for name, value in own.items()}


def container(service: str = "api", number: int = 1, **known: Any) -> ContainerState:
    """Return a running container of environment dev, with what is ``known`` of it."""
    found: dict[str, Any] = {
        "id": f"{service}{number}",
        "name": f"churn-dev-{service}-{number}",
        "project": "churn-dev",
        "oneoff": False,
        "state": "running",
        "health": None,
        "exit_code": None,
        "image": "b",
        "image_id": "sha256:0",
        "networks": ("churn-dev_default",),
        "created_at": 0.0,
        "labels": labels(),
        **known,
    }
    return ContainerState(service=service, number=number, **found)


def volume(key: str, **known: Any) -> VolumeState:
    """Return a volume of environment dev."""
    return VolumeState(**{"name": f"churn-dev_{key}", "driver": "local", "labels": labels(), **known})


def network(key: str, **known: Any) -> NetworkState:
    """Return a network of environment dev."""
    found = {"id": key, "name": f"churn-dev_{key}", "driver": "bridge", "internal": False, "labels": labels(), **known}
    return NetworkState(**found)
