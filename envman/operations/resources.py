"""An environment's volumes and networks."""

from __future__ import annotations

from dataclasses import dataclass

from envman.model.environment import Environment
from envman.operations.prepare import look
from envman.operations.workspace import Workspace


@dataclass(frozen=True, slots=True)
class VolumeUse:
    """A volume of an environment and the services that mount it."""

    key: str
    name: str
    exists: bool
    retain: str
    services: list[str]


@dataclass(frozen=True, slots=True)
class NetworkUse:
    """A network of an environment and the services attached to it."""

    key: str
    name: str
    exists: bool
    internal: bool
    services: list[str]


def list_volumes(workspace: Workspace, environment: Environment) -> list[VolumeUse]:
    """Return the volumes of ``environment``, those that no blueprint names any more last.

    Raises:
        EnvmanError: EV501 or EV502 where some of it is not this checkout's, EV4xx for the engine.
    """
    observed = {one.name: one for one in look(workspace, environment).volumes}
    rows = []
    for key, volume in environment.stack.volumes.items():
        name = volume.name if volume and volume.name else f"{environment.compose_project}_{key}"
        services = [
            service
            for service, one in environment.stack.services.items()
            if any(mount.type == "volume" and mount.source == key for mount in one.volumes or ())
        ]
        retain = "external" if volume and volume.is_external else volume.retain if volume else "keep"
        rows.append(VolumeUse(key, name, name in observed or retain == "external", retain, services))
    known = {row.name for row in rows}
    rows += [VolumeUse("", name, exists=True, retain="keep", services=[]) for name in observed if name not in known]
    return rows


def list_networks(workspace: Workspace, environment: Environment) -> list[NetworkUse]:
    """Return the networks of ``environment``.

    Raises:
        EnvmanError: EV501 or EV502 where some of it is not this checkout's, EV4xx for the engine.
    """
    observed = {one.name for one in look(workspace, environment).networks}
    document = workspace.offline_document(environment)
    rows = []
    for key, entry in document.data.get("networks", {}).items():
        name = (entry or {}).get("name") or f"{environment.compose_project}_{key}"
        services = [
            service
            for service, one in environment.stack.services.items()
            if key in (one.networks or ({"default": None} if not one.network_mode else {}))
        ]
        external = bool((entry or {}).get("external"))
        rows.append(NetworkUse(key, name, name in observed or external, bool((entry or {}).get("internal")), services))
    return rows
