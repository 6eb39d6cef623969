"""The engine's description of containers, images and Swarm services, as short as a test wants them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envman.capture.running import Running
from envman.capture.stack import Captured, capture

IMAGE = "sha256:" + "1" * 64
DIGEST = "sha256:" + "2" * 64
ENGINE: dict[str, Any] = {
    "Name": "host", "Architecture": "x86_64", "CgroupVersion": "2", "DefaultRuntime": "runc",
    "LoggingDriver": "json-file", "ServerVersion": "28.5.2",
}  # fmt: skip


def image(**config: Any) -> dict[str, Any]:
    """Return the description of an image with a digest, as ``app:1``."""
    return {
        "Id": IMAGE, "RepoTags": ["app:1"], "RepoDigests": [f"app@{DIGEST}"], "Architecture": "amd64", "Os": "linux",
        "Config": config,
    }  # fmt: skip


def container(
    name: str = "web", *, config: Mapping[str, Any] | None = None, host: Mapping[str, Any] | None = None,
    networks: Mapping[str, Any] | None = None, labels: Mapping[str, str] | None = None, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """Return a running container of image ``app:1`` on the engine's default network."""
    identity = more.pop("Id", f"{name}id".ljust(64, "0"))
    return {
        "Id": identity, "Name": f"/{name}", "Image": IMAGE, "State": {"Status": "running"},
        "Config": {"Image": "app:1", "Hostname": identity[:12], "Labels": dict(labels or {}), **(config or {})},
        "HostConfig": {"NetworkMode": "bridge", "CgroupnsMode": "private", "IpcMode": "private", **(host or {})},
        "NetworkSettings": {"Networks": dict(networks or {})},
        **more,
    }  # fmt: skip


def of_compose(project: str, service: str, number: int = 1, **labels: str) -> dict[str, str]:
    """Return the labels that Compose gives a container."""
    given = {"project": project, "service": service, "container-number": str(number), **labels}
    return {f"com.docker.compose.{name.replace('__', '.')}": value for name, value in given.items()}


def captured(*containers: dict[str, Any], name: str = "", **running: Any) -> Captured:
    """Return the capture of ``containers``, whose image the engine has."""
    running.setdefault("images", {IMAGE: image(), "app:1": image()})
    return capture(Running(name=name, engine=ENGINE, containers=containers, **running))


def service(*, key: str = "web", **described: Any) -> dict[str, Any]:
    """Return what one container becomes."""
    found: dict[str, Any] = captured(container(key, **described)).data["services"][key]
    return found


def codes(found: Captured) -> list[str]:
    """Return the codes of what is said of a capture."""
    return [one.code for one in found.report]
