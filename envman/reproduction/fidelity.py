"""What of a copy is the same as in production: each attribute compared on the running containers.

*Same* is only what was looked at on the engine and is as production's definition has it. *Substituted* is what differs
and is what a rule of the copy's made of it. All else is *unknown*: what differs and nobody declared, what the engine
decides by itself, what no engine tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from envman.lock.lock import LockedBuild, LockedImage
from envman.model.types import truth
from envman.plan.actual import actual_form
from envman.plan.causes import show
from envman.plan.defined import defined_form, engine_name
from envman.plan.drift import WITHHELD
from envman.plan.form import COMPOSE
from envman.plan.observed import ContainerState, LocalImage, Observed
from envman.render.document import Document, Reference
from envman.reproduction.draft import CUT_OFF, NO_WAY_OUT, RULES, Substitution


class Status(StrEnum):
    """How an attribute of the copy compares with production's."""

    SAME = "same"
    SUBSTITUTED = "substituted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One attribute: production's value and the copy's (for people, without secrets), and by which rule and why."""

    subject: str
    attribute: str
    status: Status
    production: str = ""
    copy: str = ""
    rule: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A copy's report: ``environment`` is what was copied, ``copy`` the copy's name, ``source`` what it came from."""

    environment: str
    copy: str
    source: str
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many attributes are the same, substituted and unknown."""
        counted = Counter(one.status for one in self.findings)
        return {status.value: counted[status] for status in Status}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a report is made of.

    ``production`` and ``copy`` are documents of the same Compose project: production's definitions under the copy's
    name, and the copy's own. ``images`` are those on the engine by ID, ``locked`` the locked one of each service.
    ``env_files`` are the variables in each by path. ``data`` says in words what is in a volume, by key, and ``rule``
    which rule that is by.
    """

    production: Document
    copy: Document
    substitutions: Sequence[Substitution]
    observed: Observed
    images: Mapping[str, LocalImage]
    locked: Mapping[str, LockedImage | LockedBuild]
    services: Sequence[str]
    directory: str
    platform: str
    env_files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    extra: Sequence[Finding] = ()


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


def fidelity(environment: str, copy: str, source: str, evidence: Evidence) -> Fidelity:
    """Return the report on ``copy`` of ``environment``."""
    findings = [one for name in evidence.services for one in _of_service(name, evidence)]
    for kind in ("networks", "volumes"):
        findings += _of_resources(kind, evidence)
    findings += _declared_alone(evidence, findings)
    findings += evidence.extra
    order = {subject: index for index, subject in enumerate(dict.fromkeys(_whole(one) for one in findings))}
    return Fidelity(environment, copy, source, tuple(sorted(findings, key=lambda one: order[_whole(one)])))


def _whole(one: Finding) -> str:
    """Return the subject without the number of a container."""
    return one.subject.partition("[")[0]


def _declared_alone(evidence: Evidence, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield the substitutions that no attribute showed: secrets' contents, endpoints, what was left out."""
    shown = {(_whole(one), one.attribute) for one in findings}
    running = {f"service {one.service}" for one in evidence.observed.containers}
    missing = {one.subject for one in findings if one.attribute == "definition" and one.status is Status.UNKNOWN}
    for one in evidence.substitutions:
        if one.subject in missing or (one.subject.startswith("service ") and one.subject not in running):
            continue  # nothing of it is there that could be another thing
        place = (one.subject, one.attribute or "definition")
        # Where an attribute was compared and came out alike, nothing is different in the end.
        if any(subject == one.subject and one.covers(subject, attribute) for subject, attribute in shown):
            continue
        shown.add(place)
        reachable = _ways_out(one, evidence) if one.now == CUT_OFF else []
        if reachable:
            why = f"{', '.join(reachable)} leads outside: it is not cut off"
            yield Finding(*place, Status.UNKNOWN, one.was, "not cut off", why=why)
        else:
            yield Finding(*place, Status.SUBSTITUTED, one.was, one.now, one.rule, one.why)


def _ways_out(one: Substitution, evidence: Evidence) -> list[str]:
    """Return the networks that a service's containers are on and that lead outside, or that nobody knows."""
    service = one.subject.partition(" ")[2]
    closed = {
        network.name
        for network in evidence.observed.networks
        if network.inspected.get("Internal") or NO_WAY_OUT.items() <= (network.inspected.get("Options") or {}).items()
    }
    attached = {
        name
        for container in evidence.observed.containers
        if container.service == service
        for name in (container.inspected.get("NetworkSettings") or {}).get("Networks") or {}
    }
    return sorted(attached - closed - {"none"})


# --- services


def _of_service(name: str, evidence: Evidence) -> Iterator[Finding]:
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
    return _compare(subject, "replicas", defined, have, _copy_replicas(subject, evidence), evidence)


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
        found[attribute] = _compare(subject, attribute, wanted, have, made, evidence)
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


def _compare(subject: str, attribute: str, wanted: Any, have: Any, made: Any, evidence: Evidence) -> Finding:
    """Compare production's value with what is there; ``made`` is what the copy's own definition says."""
    secret = isinstance(wanted, Reference) or isinstance(made, Reference)
    rule = next((one for one in evidence.substitutions if one.covers(subject, attribute)), None)
    if secret:
        return _compare_secret(subject, attribute, wanted, have)
    texts = _text(attribute, wanted), _text(attribute, have)
    if rule is not None and rule.rule == "secrets":
        # A password on a command line has no name that would tell.
        texts = WITHHELD, texts[1]
    if wanted == have:
        return Finding(subject, attribute, Status.SAME, *texts)
    if rule is None:
        return Finding(subject, attribute, Status.UNKNOWN, *texts, why="it differs, and no rule says so")
    if _agree(attribute, made, have):
        return Finding(subject, attribute, Status.SUBSTITUTED, *texts, rule.rule, rule.why)
    why = f"the copy should have {_text(attribute, made)}: somebody or something else has changed it"
    return Finding(subject, attribute, Status.UNKNOWN, *texts, why=why)


def _compare_secret(subject: str, attribute: str, wanted: Any, have: Any) -> Finding:
    """Compare a value that the copy's document does not hold: that it is another one is the copy's own doing."""
    if have is None or have == wanted:
        why = "it is not set" if have is None else "the copy has production's own value"
        return Finding(subject, attribute, Status.UNKNOWN, WITHHELD, "none" if have is None else WITHHELD, why=why)
    return Finding(subject, attribute, Status.SUBSTITUTED, WITHHELD, WITHHELD, "secrets", RULES["secrets"])


def _agree(attribute: str, made: Any, have: Any) -> bool:
    if attribute == "ports" and isinstance(made, list) and isinstance(have, list):
        # A host port that the engine chose is one.
        pairs = zip(sorted(made), sorted(have), strict=False)
        return len(made) == len(have) and all(
            one == other or (":0->" in one and one.partition("->")[2] == other.partition("->")[2])
            for one, other in pairs
        )
    return bool(made == have)


def _text(attribute: str, value: Any) -> str:
    return "none" if value in (None, [], {}) else WITHHELD if value == WITHHELD else show(attribute, value)


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
    return _compare(subject, "depends_on", defined(evidence.production), have, defined(evidence.copy), evidence)


# --- networks and volumes


def _of_resources(kind: str, evidence: Evidence) -> Iterator[Finding]:
    present: Mapping[str, Any] = {
        one.name: one for one in (evidence.observed.networks if kind == "networks" else evidence.observed.volumes)
    }
    sections = evidence.production.data.get(kind, {}), evidence.copy.data.get(kind, {})
    for key in dict.fromkeys((*sections[0], *sections[1])):
        if key.startswith("x-"):
            continue
        subject = f"{kind[:-1]} {key}"
        found = present.get(engine_name(evidence.copy, kind, key))
        if found is None:
            # A volume or network that no service uses is made by nobody.
            if key in sections[0] and key in sections[1] and _is_used(kind, key, evidence):
                yield Finding(subject, "definition", Status.UNKNOWN, "defined", "not there", why="it is not there")
            continue
        entries = [section.get(key) for section in sections]
        if entries[0] is None and key not in sections[0]:
            yield _added(subject, evidence)
            continue
        if (entries[0] or {}).get("external"):
            continue  # its rule says all that is known
        form = _network_form if kind == "networks" else _volume_form
        wanted, made = (form(one or {}) for one in entries)
        have = _network_actual(found.inspected) if kind == "networks" else _volume_actual(found)
        for attribute in sorted({*wanted, *made}):
            yield _compare(
                subject, attribute, wanted.get(attribute), have.get(attribute), made.get(attribute), evidence
            )
        if kind == "volumes":
            words = evidence.data.get(key, "whatever the copy wrote since it was made")
            rule = "volumes"
            yield Finding(
                subject, "content", Status.SUBSTITUTED, "production's", words, rule, "production's data is not here"
            )


def _is_used(kind: str, key: str, evidence: Evidence) -> bool:
    for name in evidence.services:
        service = evidence.copy.services.get(name) or {}
        if kind == "networks" and not service.get("network_mode") and key in (service.get("networks") or ("default",)):
            return True
        if kind == "volumes" and any(one.get("source") == key for one in service.get("volumes") or ()):
            return True
    return False


def _added(subject: str, evidence: Evidence) -> Finding:
    rule = next((one for one in evidence.substitutions if one.covers(subject, "definition")), None)
    if rule is not None:
        return Finding(subject, "definition", Status.SUBSTITUTED, rule.was, rule.now, rule.rule, rule.why)
    key = subject.partition(" ")[2]
    users = [one for one in evidence.substitutions if one.attribute == f"networks.{key}"]
    if users:
        return Finding(subject, "definition", Status.SUBSTITUTED, "none", users[0].now, users[0].rule, users[0].why)
    why = "production's definition does not have it, and no rule added it"
    return Finding(subject, "definition", Status.UNKNOWN, "none", "there", why=why)


def _network_form(entry: Mapping[str, Any]) -> dict[str, Any]:
    pools = (entry.get("ipam") or {}).get("config") or ()
    subnets = sorted(str(one["subnet"]) for one in pools if one.get("subnet"))
    return {
        "driver": entry.get("driver") or "bridge",
        "internal": entry.get("internal") is not None and truth(entry["internal"]),
        "attachable": entry.get("attachable") is not None and truth(entry["attachable"]),
        "enable_ipv6": entry.get("enable_ipv6") is not None and truth(entry["enable_ipv6"]),
        "driver_opts": {key: str(one) for key, one in (entry.get("driver_opts") or {}).items()},
        **({"subnets": subnets} if subnets else {}),
    }


def _network_actual(inspected: Mapping[str, Any]) -> dict[str, Any]:
    pools = (inspected.get("IPAM") or {}).get("Config") or ()
    return {
        "driver": inspected.get("Driver"),
        "internal": bool(inspected.get("Internal")),
        "attachable": bool(inspected.get("Attachable")),
        "enable_ipv6": bool(inspected.get("EnableIPv6")),
        "driver_opts": dict(inspected.get("Options") or {}),
        "subnets": sorted(str(one["Subnet"]) for one in pools if one.get("Subnet")),
    }


def _volume_form(entry: Mapping[str, Any]) -> dict[str, Any]:
    options = {key: str(one) for key, one in (entry.get("driver_opts") or {}).items()}
    return {"driver": entry.get("driver") or "local", "driver_opts": options}


def _volume_actual(found: Any) -> dict[str, Any]:
    return {"driver": found.driver, "driver_opts": dict(found.options)}
