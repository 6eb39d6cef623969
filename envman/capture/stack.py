"""A stack that runs to the data of a blueprint: services, and the networks, volumes, configs and secrets they use."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from envman.capture.attachments import attachment_attributes
from envman.capture.fields import fields_of, is_set
from envman.capture.grouping import grouped, label, name_of
from envman.capture.host import host_attributes, profiles, unsaid
from envman.capture.image import Image, image_of, other_platform
from envman.capture.mounts import mount_attributes
from envman.capture.process import depends_on, missing_dependencies, process_attributes
from envman.capture.resources import network_entries, volume_entries
from envman.capture.running import Running
from envman.capture.surroundings import Surroundings
from envman.capture.swarm import key_of, service_attributes
from envman.diagnostics import Report
from envman.plan.form import COMPOSE, Plain

# What a reader wants to see first; the rest follows by name.
_FIRST: Final = (
    "image", "platform", "pull_policy", "entrypoint", "command", "environment", "secrets", "configs", "depends_on",
    "ports", "expose", "network_mode", "networks", "links", "volumes", "tmpfs", "healthcheck", "restart", "deploy",
)  # fmt: skip
# Places that programs write to at any time: what lies there is nobody's configuration.
_VOLATILE: Final = ("/tmp", "/run", "/var", "/root", "/home", "/dev", "/proc", "/sys")  # noqa: S108
# Where the engine puts its own init, by whether /sbin is a link.
_OF_ENGINE: Final = frozenset({"/sbin/docker-init", "/usr/sbin/docker-init"})


@dataclass(frozen=True, slots=True)
class Captured:
    """What a running stack is as a blueprint: ``data`` with every value still in it.

    ``files`` are what it needs beside it, by path; ``images`` what runs, with where each is used; ``report`` says what
    could not be kept.
    """

    name: str
    data: dict[str, Any]
    files: Mapping[str, str]
    images: Mapping[str, tuple[Image, tuple[str, ...]]]
    report: Report


def capture(running: Running) -> Captured:
    """Return what ``running`` is as a blueprint."""
    report = Report()
    groups = grouped(running.containers)
    services = {
        name: key for key, members in groups.items() for one in members for name in (str(one["Id"]), name_of(one))
    }
    services |= {str(one["ID"]): key_of(one) for one in running.services}
    around = Surroundings(running, services, report)
    images: dict[str, tuple[Image, list[str]]] = {}
    made: dict[str, dict[str, Any]] = {}
    files: dict[str, str] = {}
    for key, members in groups.items():
        made[key] = _service(key, members, around, images)
        for one in members:
            files |= profiles(one)
    for one in sorted(running.services, key=key_of):
        made[key_of(one)] = _swarm_service(one, around, images)
    _set_jobs_aside(groups, made, around)
    around.say_what_was_gathered()
    _note_images_of_mounts(around, images)
    ordered = {key: _ordered(attributes) for key, attributes in made.items()}
    fixed = {
        network
        for one in made.values()
        for network, attachment in (one.get("networks") or {}).items()
        if attachment and {"ipv4_address", "ipv6_address"} & set(attachment)
    }
    data = {
        "services": ordered,
        "networks": network_entries(around, fixed),
        "volumes": volume_entries(around),
        "configs": around.configs,
        "secrets": around.secrets,
    }
    return Captured(
        running.name,
        {section: entries for section, entries in data.items() if entries},
        files,
        {name: (image, tuple(dict.fromkeys(used))) for name, (image, used) in sorted(images.items())},
        report,
    )


def _service(
    key: str, members: list[Plain], around: Surroundings, images: dict[str, tuple[Image, list[str]]]
) -> dict[str, Any]:
    forms = [_attributes(key, one, around) for one in members]
    first, *others = forms
    for member, other in zip(members[1:], others, strict=True):
        differing = sorted(name for name in {*first, *other} if first.get(name) != other.get(name))
        if differing:
            around.report.warning(
                "EV825",
                f"{name_of(member)} differs from {name_of(members[0])} in {', '.join(differing)}",
                help=f"service {key} is what the first of them is",
            )
    if len(members) > 1:
        first["deploy"] = {"replicas": len(members), **first.get("deploy", {})}
    container = members[0]
    image = image_of(around.running.image_of(container), str(container["Image"]), str(container["Config"]["Image"]))
    return {**_named_image(key, image, around, images), **first}


def _attributes(key: str, container: Plain, around: Surroundings) -> dict[str, Any]:
    description = around.running.image_of(container)
    if not description:
        around.report.warning(
            "EV830",
            f"the engine no longer has the image of {name_of(container)}",
            help="so all of its configuration is written out, also what the image brings",
        )
    image: Plain = description.get("Config") or {}
    _say_what_is_lost(key, container, around)
    attributes = {
        **process_attributes(container, image, around.running.engine),
        **host_attributes(container, around.running.engine),
        **mount_attributes(container, key, image, around),
        **attachment_attributes(container, key, image, around),
    }
    platform = other_platform(description, around.running.engine)
    if platform is not None:
        attributes["platform"] = platform
    if label(container, f"{COMPOSE}service"):
        dependencies = depends_on(container, around.names)
        if dependencies:
            attributes["depends_on"] = dependencies
        for name in missing_dependencies(container, around.names):
            around.missing(key, f"depends on {name}, which is not captured")
    return attributes


def _say_what_is_lost(key: str, container: Plain, around: Surroundings) -> None:
    for field in fields_of(container):
        if not is_set(field.value):
            continue
        if field.row is None:
            around.unknown.setdefault(field.path, []).append(key)
        elif field.row.kind == "lost":
            around.unsaid(key, f"{field.path} is left out", field.row.into)
    for what in unsaid(container):
        around.unsaid(key, what)
    host = container.get("HostConfig") or {}
    mounted = [str(one["Destination"]) for one in container.get("Mounts") or ()] + list(host.get("Tmpfs") or {})
    added = around.running.added.get(str(container.get("Id")), ())
    written = [
        path
        for path in added
        if not _is_volatile(path)
        and not any(_within(path, one) or _within(one, path) for one in mounted)
        # Of a folder that was made, what is in it.
        and not any(other != path and _within(other, path) for other in added)
    ]
    if written:
        shown = ", ".join(written[:3]) + (f" and {len(written) - 3} more" if len(written) > 3 else "")
        around.report.warning(
            "EV827",
            f"{key}: written into the container itself: {shown}",
            help="Compose puts configs with `content:` there; write what is needed into the blueprint or a volume",
        )


def _is_volatile(path: str) -> bool:
    return path in _OF_ENGINE or any(_within(path, one) for one in _VOLATILE)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(posixpath.join(folder, ""))


def _named_image(
    key: str, image: Image, around: Surroundings, images: dict[str, tuple[Image, list[str]]]
) -> dict[str, Any]:
    images.setdefault(image.key, (image, []))[1].append(f"services.{key}")
    if image.digest is not None:
        return {"image": image.name}
    by_name = image.name == image.called
    around.report.warning(
        "EV823",
        f"{image.called} of {key} has no digest, only an ID: it was neither pulled nor pushed"
        + ("" if by_name else ", and its name leads elsewhere now"),
        help=f"the {'lock' if by_name else 'blueprint and the lock'} holds it to the ID; "
        "`docker save` and `docker load` bring it to another engine",
    )
    return {"image": image.name, "pull_policy": "never"}


def _swarm_service(service: Plain, around: Surroundings, images: dict[str, tuple[Image, list[str]]]) -> dict[str, Any]:
    key = key_of(service)
    called = str(service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"])
    description = around.running.images.get(called) or {}
    if not description:
        around.report.warning(
            "EV830",
            f"this engine does not have the image of {key}",
            help="so all of its configuration is written out, also what the image brings",
        )
    image = image_of(description, str(description.get("Id") or called), called)
    attributes = service_attributes(service, description.get("Config") or {}, around)
    named = _named_image(key, image, around, images)
    # `docker stack deploy` knows no pull_policy.
    return {"image": named["image"], **attributes}


def _set_jobs_aside(groups: Mapping[str, list[Plain]], made: dict[str, dict[str, Any]], around: Surroundings) -> None:
    """Put what ran to its end, and what nothing waits for, behind a profile: `up` would take its end for a failure."""
    awaited = {name for one in made.values() for name in one.get("depends_on") or {}}
    for key, members in groups.items():
        states = [one.get("State") or {} for one in members]
        if any(one.get("Status") != "exited" for one in states) or made[key].get("restart"):
            continue
        code = states[0].get("ExitCode")
        if code or key in awaited:
            if code:
                around.report.warning("EV832", f"{key} had ended with status {code} when it was captured")
            continue
        made[key]["profiles"] = ["jobs"]
        around.report.warning(
            "EV832",
            f"{key} had done its work when it was captured: it is behind the profile jobs",
            help=f"`envman run ENV {key}` runs it",
        )


def _note_images_of_mounts(around: Surroundings, images: dict[str, tuple[Image, list[str]]]) -> None:
    for called, users in around.images.items():
        description = around.running.images.get(called) or {}
        image = image_of(description, str(description.get("Id") or called), called)
        images.setdefault(image.key, (image, []))[1].extend(users)


def _ordered(attributes: dict[str, Any]) -> dict[str, Any]:
    names = [*(name for name in _FIRST if name in attributes), *sorted(set(attributes) - set(_FIRST))]
    return {name: attributes[name] for name in names}
