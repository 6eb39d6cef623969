"""What a service refers to by name, in one table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from envman.model.service import SecretValue, Service
from envman.source.tree import Path

_SERVICE: Final = "service:"
# Attributes by which a service joins a namespace of another one's container.
_NAMESPACES: Final = ("network_mode", "ipc", "pid", "uts")


class Reference(NamedTuple):
    """A name that a service uses, and where.

    ``kind`` is network, volume, secret, config, model, service, optional (a service that need not be active) or build
    (a service whose image a build starts from). ``by_key`` says that a key of a mapping is the name.
    """

    kind: str
    name: str
    path: Path
    by_key: bool = False


def references(name: str, service: Service) -> Iterator[Reference]:
    """Yield what service ``name`` uses. Source: compose-go, `types/project.go` and `loader`."""
    base: Path = ("services", name)
    for network in service.networks or {}:
        yield Reference("network", network, (*base, "networks", network), by_key=True)
    for model in service.models or {}:
        yield Reference("model", model, (*base, "models", model), by_key=True)
    for index, mount in enumerate(service.volumes or ()):
        if mount.type == "volume" and mount.source:
            yield Reference("volume", mount.source, (*base, "volumes", index, "source"))
    for kind, grants in (("secret", service.secrets), ("config", service.configs)):
        for index, grant in enumerate(grants or ()):
            yield Reference(kind, grant.source, (*base, f"{kind}s", index, "source"))
    for index, grant in enumerate((service.build.secrets if service.build else None) or ()):
        yield Reference("secret", grant.source, (*base, "build", "secrets", index, "source"))
    for variable, value in (service.environment or {}).items():
        if isinstance(value, SecretValue):
            yield Reference("secret", value.secret, (*base, "environment", variable, "secret"))
    yield from service_references(name, service)


def service_references(name: str, service: Service) -> Iterator[Reference]:
    """Yield the other services that service ``name`` uses."""
    base: Path = ("services", name)
    for other, dependency in (service.depends_on or {}).items():
        kind = "optional" if dependency.required is False else "service"
        yield Reference(kind, other, (*base, "depends_on", other), by_key=True)
    for attribute in _NAMESPACES:
        value = getattr(service, attribute)
        if isinstance(value, str) and value.startswith(_SERVICE):
            yield Reference("service", value.removeprefix(_SERVICE), (*base, attribute))
    for index, link in enumerate(service.links or ()):
        yield Reference("service", link.partition(":")[0], (*base, "links", index))
    for index, source in enumerate(service.volumes_from or ()):
        other = source.partition(":")[0]
        if other != "container":
            yield Reference("service", other, (*base, "volumes_from", index))
    for context, value in ((service.build.additional_contexts if service.build else None) or {}).items():
        if value.startswith(_SERVICE):
            path = (*base, "build", "additional_contexts", context)
            yield Reference("build", value.removeprefix(_SERVICE), path)
