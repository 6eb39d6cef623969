"""What Compose refuses in a file whose every attribute has the right type (EV814).

Source: compose-go's `loader/validate.go`, `validation` and `loader/loader.go`, and its JSON Schema where that says more
than a type; each rule was tried on `docker compose config`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, Final

from envman.diagnostics import Diagnostic
from envman.language.entries import mount_target
from envman.model.attributes import DeviceRequest
from envman.model.environment import Environment
from envman.model.service import Service
from envman.model.types import size_in_bytes
from envman.source.scalars import text_of
from envman.source.tree import Path, dotted

_CONTAINER_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_PULL_POLICY: Final = re.compile(
    r"always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"
)
# Lists of which the schema wants each entry once, and that Compose does not make so itself.
_UNIQUE: Final = ("device_cgroup_rules", "external_links", "group_add", "security_opt", "volumes_from")


def refused_by_compose(environment: Environment, root: FilePath, active: Collection[str]) -> Iterator[Diagnostic]:
    """Yield what Compose would refuse in ``environment`` where the services ``active`` are, at its place.

    ``root`` is the project's folder. What a service says that does not run is no matter to Compose.
    """
    for name, service in environment.stack.services.items():
        found = list(_against_schema(environment, name, service))
        if name in active:
            found += [*_together(service), *_label_files(service, root)]
        for path, message, expected in found:
            place: Path = ("services", name, *path)
            yield Diagnostic("EV814", f"{dotted(place)}: {message}", environment.span(*place), expected)
    for kind in ("volumes", "configs", "secrets"):
        for name, entry in (environment.data.get(kind) or {}).items():
            message = _resource(kind, entry) if isinstance(entry, dict) else ""
            if message:
                yield Diagnostic("EV814", f"{kind}.{name}: {message}", environment.key_span(kind, name), "one of them")


def _resource(kind: str, entry: dict[str, Any]) -> str:
    if kind == "volumes":
        others = [one for one in ("driver", "driver_opts", "labels") if one in entry]
        return f"external, and has {others[0]}" if entry.get("external") in (True, "true") and others else ""
    sources = [one for one in ("file", "environment", "content") if entry.get(one) is not None]
    if not sources and not entry.get("external") and kind == "configs":
        return "nothing says where it comes from"
    return ""


def _label_files(service: Service, root: FilePath) -> Iterator[tuple[Path, str, str]]:
    # Of a service without profiles it is said that they are missing (EV307).
    files = [service.label_file] if isinstance(service.label_file, str) else service.label_file or []
    files = files if service.profiles else []
    for index, file in enumerate(files):
        if not (root / file).expanduser().is_file():
            yield ("label_file", index), "there is no such file", "a file that exists"


def _against_schema(environment: Environment, name: str, service: Service) -> Iterator[tuple[Path, str, str]]:
    if service.container_name is not None and not _CONTAINER_NAME.fullmatch(service.container_name):
        yield ("container_name",), "not a name for a container", "two or more letters, digits and any of _ . -"
    if service.pull_policy is not None and not _PULL_POLICY.fullmatch(service.pull_policy):
        yield ("pull_policy",), "not a policy", "always, never, missing, build, daily, weekly or every_12h"
    if isinstance(service.oom_score_adj, int) and not -1000 <= service.oom_score_adj <= 1000:
        yield ("oom_score_adj",), "out of bounds", "-1000 to 1000"
    replicas = service.deploy.replicas if service.deploy is not None else None
    for path, count in ((("scale",), service.scale), (("deploy", "replicas"), replicas)):
        if count is not None and int(count) < 0:
            yield path, "too small", "at least 0"
    yield from _twice(environment, name)


def _together(service: Service) -> Iterator[tuple[Path, str, str]]:
    if service.image == "" and service.build is None:
        yield ("image",), "empty, and there is no build", "an image"
    yield from _amounts(service)
    yield from _parts(service)
    yield from _mounted_twice(service)
    count = int(service.scale) if service.scale is not None else 1
    if service.container_name is not None and count > 1:
        yield ("scale",), f"{text_of(service.scale)} containers cannot have one container_name", "1"


def _twice(environment: Environment, name: str) -> Iterator[tuple[Path, str, str]]:
    data: dict[str, Any] = environment.data["services"][name]
    for attribute in _UNIQUE:
        items = data.get(attribute) or []
        for index, item in enumerate(items):
            if item in items[:index]:
                yield (attribute, index), f'"{item}" stands twice', "an entry that is not there yet"
    for host, addresses in (data.get("extra_hosts") or {}).items():
        if isinstance(addresses, list) and len(set(addresses)) < len(addresses):
            yield ("extra_hosts", host), "an address stands twice", "an address that is not there yet"


def _amounts(service: Service) -> Iterator[tuple[Path, str, str]]:
    """Two attributes for one amount, which must agree."""
    deploy = service.deploy
    limits = deploy.resources.limits if deploy is not None and deploy.resources is not None else None
    if limits is None:
        return
    if service.mem_limit is not None and size_in_bytes(service.mem_limit) != size_in_bytes(limits.memory or 0):
        yield ("mem_limit",), "differs from deploy.resources.limits.memory", "one of the two"
    if service.cpus is not None and float(service.cpus) != float(limits.cpus or 0):
        yield ("cpus",), "differs from deploy.resources.limits.cpus", "one of the two"
    if service.pids_limit is not None and float(service.pids_limit) != float(limits.pids or 0):
        yield ("pids_limit",), "differs from deploy.resources.limits.pids", "one of the two"


def _parts(service: Service) -> Iterator[tuple[Path, str, str]]:
    test = service.healthcheck.test if service.healthcheck is not None else None
    if isinstance(test, list) and test and test[0] not in {"CMD", "CMD-SHELL", "NONE"}:
        yield ("healthcheck", "test", 0), f'"{test[0]}" begins no test', "CMD, CMD-SHELL or NONE first"
    build = service.build
    if build is not None and build.dockerfile is not None and build.dockerfile_inline is not None:
        yield ("build", "dockerfile"), "`dockerfile_inline` stands beside it", "one of the two"
    for index, rule in enumerate((service.develop.watch if service.develop is not None else None) or ()):
        if rule.action in {"sync", "sync+restart", "sync+exec"} and not rule.target:
            yield ("develop", "watch", index), "no target", "`target:`, where the container has the path"
    for index, mount in enumerate(service.volumes or ()):
        if mount.type == "bind" and mount.source is None:  # an empty one is the project's folder
            yield ("volumes", index), "a bind without a source", "`source:`, a path"
    for path, requests in _device_requests(service):
        for index, request in enumerate(requests):
            if request.count is not None and request.device_ids:
                yield (*path, index), "count and device_ids stand beside each other", "one of the two"
    for index, file in enumerate(service.env_file or ()):
        if file.format not in {None, "", "raw"}:
            yield ("env_file", index, "format"), "not a format", '"raw", or no format'


def _mounted_twice(service: Service) -> Iterator[tuple[Path, str, str]]:
    """Yield each tmpfs whose target is another's; of two volumes with one target Compose takes the later."""
    targets = {mount_target(mount.target) for mount in service.volumes or ()}
    for index, text in enumerate(service.tmpfs or ()):
        target = mount_target(text.partition(":")[0])
        if target in targets:
            yield ("tmpfs", index), f"something is mounted at {target} already", "another target"
        targets.add(target)


def _device_requests(service: Service) -> Iterator[tuple[Path, Sequence[DeviceRequest]]]:
    if isinstance(service.gpus, list):
        yield ("gpus",), service.gpus
    resources = service.deploy.resources if service.deploy is not None else None
    if resources is not None and resources.reservations is not None and resources.reservations.devices:
        yield ("deploy", "resources", "reservations", "devices"), resources.reservations.devices
