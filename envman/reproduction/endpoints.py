"""Rules on who a copy talks to: other hosts' endpoints, and the way outside."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from envman.model.reproduction import ALLOW, CUT
from envman.reproduction.draft import CUT_OFF, NO_WAY_OUT, Draft
from envman.reproduction.places import is_true

_HOST: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
_URL: Final = re.compile(
    rf"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]++://(?:[^/\s@]*@)?(?P<hosts>{_HOST}(?::\d+)?(?:,{_HOST}(?::\d+)?)*)"
)
_WITH_PORT: Final = re.compile(rf"(?P<host>{_HOST}):\d{{1,5}}")
_NAMED: Final = re.compile(r"(?i)(?:^|_)(?:host(?:name)?s?|server|endpoint|addr(?:ess)?|broker|domain)s?$")
_HERE: Final = frozenset({"localhost", "host.docker.internal", "gateway.docker.internal"})


def hosts_in(name: str, value: str) -> Iterator[str]:
    """Yield the hosts that the value of variable ``name`` leads to: in URLs, as ``HOST:PORT``, or by its name."""
    found = False
    for match in _URL.finditer(value):
        found = True
        yield from (one.partition(":")[0].lower() for one in match["hosts"].split(","))
    if found:
        return
    parts = [one.strip() for one in value.split(",")]
    for part in parts:
        with_port = _WITH_PORT.fullmatch(part)
        if with_port is not None and not part.replace(":", "").isdigit():
            yield with_port["host"].lower()
        elif _NAMED.search(name) and re.fullmatch(_HOST, part) and ("." in part or part.lower() in _HERE):
            yield part.lower()


def _is_elsewhere(host: str, known: frozenset[str]) -> bool:
    if host in known or host in _HERE:
        return False
    try:
        return not (ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified)
    except ValueError:
        return True


def known_names(draft: Draft) -> frozenset[str]:
    """Return the names that services of the stack answer to."""
    names: set[str] = set()
    for name, service in draft.services():
        names.add(name)
        names.update(str(service[key]) for key in ("hostname", "container_name") if service.get(key))
        for attachment in (service.get("networks") or {}).values():
            names.update((attachment or {}).get("aliases") or ())
        names.update(str(one).partition(":")[2] for one in service.get("links") or () if ":" in str(one))
    return frozenset(one.lower() for one in names)


def endpoints_of(draft: Draft) -> dict[str, dict[str, list[str]]]:
    """Return other hosts, and in which variables of which services they are named: ``{host: {service: [name]}}``."""
    known = known_names(draft)
    found: dict[str, dict[str, list[str]]] = {}
    for service, definition in draft.services():
        for variable, value in _values(draft, definition):
            for host in hosts_in(variable, value):
                if _is_elsewhere(host, known):
                    where = found.setdefault(host, {}).setdefault(service, [])
                    if variable not in where:
                        where.append(variable)
    return found


def _values(draft: Draft, service: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for file in service.get("env_file") or ():
        yield from draft.machine.env_files.get(str(file.get("path")), {}).items()
    yield from ((name, one) for name, one in (service.get("environment") or {}).items() if isinstance(one, str))
    for key in ("command", "entrypoint"):
        words = service.get(key) or ()
        text = words if isinstance(words, str) else " ".join(map(str, words))
        yield from ((key, match[0]) for match in _URL.finditer(text))
    for host, address in (service.get("extra_hosts") or {}).items():
        first = str(address[0] if isinstance(address, list) else address)
        if first != "host-gateway":
            yield "extra_hosts", f"tcp://{host}"


def endpoints(draft: Draft) -> None:
    """Give each endpoint of other hosts its stand-in, or let services to it that may go there, or cut it off."""
    services = draft.section("services")
    wanted = {host.lower(): one for host, one in draft.settings.endpoints.items()}
    stand_ins = {one for one in wanted.values() if one not in {CUT, ALLOW}}
    for name in stand_ins:
        # It runs in copies alone: its profile has kept it from running elsewhere.
        services[name].pop("profiles", None)
    for host, users in endpoints_of(draft).items():
        answer = wanted.get(host, CUT)
        for name in users:
            if name in stand_ins:
                continue
            if answer == ALLOW:
                _let_out(draft, name, f"it may talk to {host}")
            elif answer == CUT:
                if name not in draft.settings.allow:
                    draft.say("endpoints", f"service {name}", f"endpoints.{host}", host, CUT_OFF)
            else:
                _stand_in(draft, host, name, answer)


def _stand_in(draft: Draft, host: str, name: str, answer: str) -> None:
    services = draft.section("services")
    user, stand_in = services[name], services[answer]
    hosts = user.get("extra_hosts") or {}
    for written in [one for one in hosts if one.lower() == host]:
        was = hosts.pop(written)
        draft.say("endpoints", f"service {name}", "extra_hosts", f"{written}={was}", "none: a stand-in has the name")
    for network in draft.attached(user):
        aliases = draft.attach(stand_in, network).setdefault("aliases", [])
        if host not in aliases:
            aliases.append(host)
    if stand_in.get("networks"):
        _leave_default(draft, stand_in, services)
    draft.say("endpoints", f"service {name}", f"endpoints.{host}", host, f"service {answer} answers")


def _leave_default(draft: Draft, stand_in: dict[str, Any], services: dict[str, Any]) -> None:
    """A stand-in that was on no network of its own need not be on one that nobody else is on."""
    networks = stand_in["networks"]
    others = [one for one in services.values() if one is not stand_in and "default" in draft.attached(one)]
    if not others and "default" in networks and len(networks) > 1:
        del networks["default"]


def _let_out(draft: Draft, name: str, why: str) -> None:
    service = draft.section("services")[name]
    if service.get("network_mode"):
        return
    draft.section("networks").setdefault(draft.outside, {})
    draft.attach(service, draft.outside)
    draft.say(
        "outgoing", f"service {name}", f"networks.{draft.outside}", "none", f"a network that leads outside: {why}"
    )


def outgoing(draft: Draft) -> None:
    """Make every network internal; services that publish ports get one that ports can be published on."""
    services = draft.section("services")
    for name in draft.settings.allow:
        _let_out(draft, name, "it is allowed to")
    networks = draft.section("networks")
    used = {one for _, service in draft.services() for one in draft.attached(service)}
    ways_out = {draft.outside} if any(draft.outside in draft.attached(one) for one in services.values()) else set()
    for key in sorted(used - ways_out, key=lambda one: (one == "default", one)):
        made = dict(networks.get(key) or {})
        if not is_true(made.get("internal")):
            made["internal"] = True
            networks[key] = made
            whose = draft.environment.stack.networks.get(key)
            was = "not known" if whose is not None and whose.is_external else "false"
            draft.say("outgoing", f"network {key}", "internal", was, "true")
    for name, service in draft.services():
        if not service.get("ports") or service.get("network_mode") or draft.outside in draft.attached(service):
            continue
        if draft.entry not in networks:
            networks[draft.entry] = {"driver_opts": dict(NO_WAY_OUT)}
        draft.attach(service, draft.entry)
        draft.say(
            "outgoing", f"service {name}", f"networks.{draft.entry}", "none", "a network for published ports alone"
        )
    if "dns" in draft.settings.keep:
        return
    for name, service in draft.services():
        if name in draft.settings.allow:
            continue
        was = service.pop("dns", None)
        if was:
            draft.say("dns", f"service {name}", "dns", was, "the engine's")


TALKING: Final[tuple[Callable[[Draft], None], ...]] = (endpoints, outgoing)
