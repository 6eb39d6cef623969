"""The running containers of a copy's services beside what production defines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from envman.plan.actual import actual_form
from envman.plan.causes import show
from envman.plan.defined import defined_form, engine_name
from envman.plan.form import COMPOSE
from envman.plan.observed import ContainerState, LocalImage
from envman.render.document import Document
from envman.reproduction.comparison import compare
from envman.reproduction.draft import RULES
from envman.reproduction.report import Evidence, Finding, Status

# Left alone by a blueprint, these are what an engine, its configuration and the kernel make them.
_ENGINE_DECIDES: Final = frozenset(
    {"runtime", "ipc", "cgroup", "logging.driver", "logging.options", "memswap_limit", "security_opt", "hostname"}
)
_DEFAULTS: Final[dict[str, Any]] = {"shm_size": 64 * 1024**2, "restart": "no", "stop_grace_period": None}
# What the form has, under these names or others.
_COMPARED: Final = frozenset(
    {
        "annotations", "cap_add", "cap_drop", "cgroup", "cgroup_parent", "command", "configs", "container_name",
        "cpu_count", "cpu_percent", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares", "cpus",
        "cpuset", "depends_on", "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "domainname",
        "entrypoint", "env_file", "environment", "extra_hosts", "group_add", "healthcheck", "hostname", "image", "init",
        "ipc", "labels", "logging", "mem_limit", "mem_reservation", "mem_swappiness", "memswap_limit", "network_mode",
        "networks", "oom_kill_disable", "oom_score_adj", "pid", "pids_limit", "ports", "privileged", "read_only",
        "restart", "runtime", "scale", "secrets", "security_opt", "shm_size", "stdin_open", "stop_grace_period",
        "stop_signal", "storage_opt", "sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode", "uts", "volumes",
        "working_dir",
    }
)  # fmt: skip
# What says nothing of a container that runs.
_NOT_RUNNING: Final = frozenset({"attach", "build", "develop", "profiles", "pull_policy", "expose"})


def of_service(name: str, evidence: Evidence) -> Iterator[Finding]:
    """Yield what is found of service ``name``: once where all its containers are alike, else of each."""
    subject = f"service {name}"
    containers = [one for one in evidence.observed.containers if one.service == name and not one.oneoff]
    wanted = evidence.production.services.get(name)
    if wanted is None:
        return
    if wanted.get("profiles") and not (evidence.copy.services.get(name) or {}).get("profiles"):
        why = RULES["endpoints"]
        yield Finding(subject, "definition", Status.SUBSTITUTED, "does not run", "a stand-in", "endpoints", why)
        return
    yield _replicas(subject, wanted, containers, evidence)
    if not containers:
        why = "no container of it runs, so nothing could be compared"
        yield Finding(subject, "definition", Status.UNKNOWN, "defined", "not running", why=why)
        return
    compared = [_of_container(name, one, evidence) for one in containers]
    for attribute in dict.fromkeys(key for one in compared for key in one):
        found = [one.get(attribute) for one in compared]
        if all(one == found[0] for one in found):
            if found[0] is not None:
                yield found[0]
            continue
        for container, finding in zip(containers, found, strict=True):
            if finding is not None:
                yield replace(finding, subject=f"{subject}[{container.number}]")


def _replicas(
    subject: str, wanted: Mapping[str, Any], containers: Sequence[ContainerState], evidence: Evidence
) -> Finding:
    replicas = (wanted.get("deploy") or {}).get("replicas")
    defined = int(replicas if replicas is not None else wanted.get("scale") or 1)
    running = sum(1 for one in containers if one.state == "running")
    ended = sum(1 for one in containers if one.state == "exited" and one.exit_code == 0)
    have = running or ended
    return compare(subject, "replicas", defined, have, _copy_replicas(subject, evidence), evidence)


def _copy_replicas(subject: str, evidence: Evidence) -> int:
    service = evidence.copy.services.get(subject.partition(" ")[2]) or {}
    replicas = (service.get("deploy") or {}).get("replicas")
    return int(replicas if replicas is not None else service.get("scale") or 1)


def _of_container(name: str, container: ContainerState, evidence: Evidence) -> dict[str, Finding]:
    """Return what is found of each attribute of ``container``."""
    subject = f"service {name}"
    image = evidence.images.get(container.image_id)
    config = image.config if image is not None else {}
    production = _form(evidence.production, name, config, evidence)
    copied = _form(evidence.copy, name, config, evidence)
    running = _by_key(actual_form(container.inspected, config), evidence.copy)
    found = {"image": _image(subject, name, container, image, evidence)}
    found["depends_on"] = _order(subject, name, container, evidence)
    decided = []
    for attribute in sorted({*production, *copied, *running}):
        wanted, made, have = (form.get(attribute, _DEFAULTS.get(attribute)) for form in (production, copied, running))
        if wanted == have and wanted is None:
            continue
        if attribute in _ENGINE_DECIDES and wanted is None and made is None:
            if _follows(attribute, have, running, container):
                continue
            decided.append(f"{attribute}={show(attribute, have)}")
            continue
        found[attribute] = compare(subject, attribute, wanted, have, made, evidence)
    if decided:
        why = "the blueprint leaves these to the engine, and production's may decide otherwise"
        found["left to the engine"] = Finding(
            subject, "left to the engine", Status.UNKNOWN, "not known", ", ".join(decided), why=why
        )
    unseen = sorted(set(evidence.production.services[name]) - _COMPARED - _NOT_RUNNING - {"deploy"})
    unseen += _unseen_attachments(evidence.production.services[name])
    unseen += _unseen_contents(evidence.production, name)
    unseen = [one for one in unseen if not one.startswith("x-")]
    if unseen:
        why = "a running container does not show these"
        found["not visible"] = Finding(subject, "not visible", Status.UNKNOWN, ", ".join(unseen), "", why=why)
    files = [one["target"] for one in evidence.copy.services[name].get("volumes") or () if one.get("type") == "bind"]
    if files:
        why = "no lock covers what is in mounted files and folders"
        found["files"] = Finding(subject, "files", Status.UNKNOWN, "not known", ", ".join(files), why=why)
    return found


def _unseen_contents(document: Document, name: str) -> list[str]:
    """Return the grants whose content is no file that is mounted: Compose copies it into the container."""
    section = document.data.get("configs", {})
    grants = document.services[name].get("configs") or ()
    return [f"configs.{one['source']}" for one in grants if not (section.get(one["source"]) or {}).get("file")]


def _follows(attribute: str, have: Any, running: Mapping[str, Any], container: ContainerState) -> bool:
    """Whether every engine would make the same of what is set: a name of its ID, as much swap again as memory."""
    if attribute == "hostname":
        return container.id.startswith(str(have))
    return bool(attribute == "memswap_limit" and have == 2 * (running.get("mem_limit") or 0))


def _unseen_attachments(service: Mapping[str, Any]) -> list[str]:
    return [
        f"networks.{key}.{attribute}"
        for key, attachment in (service.get("networks") or {}).items()
        for attribute in attachment or {}
        if attribute != "aliases"
    ]


def _form(document: Document, name: str, config: Mapping[str, Any], evidence: Evidence) -> dict[str, Any]:
    service = document.services.get(name)
    if service is None:
        return {}
    given: dict[str, Any] = {}
    for file in service.get("env_file") or ():
        given.update(evidence.env_files.get(str(file.get("path")), {}))
    if given:
        service = {**service, "environment": {**given, **(service.get("environment") or {})}}
    return _by_key(defined_form(document, service, config, evidence.directory), document)


def _by_key(form: Mapping[str, Any], document: Document) -> dict[str, Any]:
    """Return ``form`` with networks and volumes by their keys: the engine's names differ where one is production's."""
    names = {
        kind: {engine_name(document, kind, key): key for key in document.data.get(kind, {}) if not key.startswith("x-")}
        for kind in ("networks", "volumes")
    }
    renamed: dict[str, Any] = {}
    for attribute, value in form.items():
        head, _, rest = attribute.partition(".")
        if head == "networks":
            renamed[f"networks.{names['networks'].get(rest, rest)}"] = value
        elif head == "volumes" and value[0] == "volume":
            renamed[attribute] = (value[0], names["volumes"].get(value[1], value[1]), value[2])
        else:
            renamed[attribute] = value
    return renamed


def _image(subject: str, name: str, container: ContainerState, image: LocalImage | None, evidence: Evidence) -> Finding:
    """Compare the image that a container runs with the locked one: by the digest it was pulled by, else by its ID."""
    locked = evidence.locked.get(name)
    if locked is None or image is None:
        why = "the lock does not hold it" if locked is None else "the engine does not have the image any more"
        return Finding(subject, "image", Status.UNKNOWN, "not known", container.image_id, why=why)
    platform = locked.platforms.get(evidence.platform)
    wanted = locked.digest or (platform.image if platform is not None else None) or "not pushed"
    if platform is not None and platform.image == image.id:
        return Finding(subject, "image", Status.SAME, wanted, image.id)
    digests = {one.rpartition("@")[2] for one in image.digests}
    mine = {one for one in (locked.digest, platform.manifest if platform is not None else None) if one is not None}
    if digests & mine and (platform is not None or not locked.platforms):
        return Finding(subject, "image", Status.SAME, wanted, min(digests & mine))
    if digests & mine:
        why = f"the lock does not say what it is for {evidence.platform}"
        return Finding(subject, "image", Status.UNKNOWN, wanted, image.id, why=why)
    why = "the container runs another image than the locked one"
    return Finding(subject, "image", Status.UNKNOWN, wanted, image.id, why=why)


def _order(subject: str, name: str, container: ContainerState, evidence: Evidence) -> Finding:
    """Compare what a service waits for with what Compose wrote on its container."""

    def defined(document: Document) -> list[str]:
        wanted = (document.services.get(name) or {}).get("depends_on") or {}
        return sorted(f"{key}:{(one or {}).get('condition') or 'service_started'}" for key, one in wanted.items())

    label = container.labels.get(f"{COMPOSE}depends_on", "")
    have = sorted(one.rpartition(":")[0] for one in label.split(",") if one)
    return compare(subject, "depends_on", defined(evidence.production), have, defined(evidence.copy), evidence)
