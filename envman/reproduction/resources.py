"""Networks and volumes of a copy beside production's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from envman.model.types import truth
from envman.plan.defined import engine_name
from envman.reproduction.comparison import compare
from envman.reproduction.report import Evidence, Finding, Status


def of_resources(kind: str, evidence: Evidence) -> Iterator[Finding]:
    """Yield what is found of the copy's ``networks`` or ``volumes``."""
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
            yield compare(subject, attribute, wanted.get(attribute), have.get(attribute), made.get(attribute), evidence)
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
