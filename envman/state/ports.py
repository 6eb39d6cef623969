"""Host ports for ``published: auto``: stable per project, environment, instance, service and port."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.facts import PortKey
from envman.state.record import Record

FIRST: Final = 20000
COUNT: Final = 10000
_FILE: Final = "ports.json"
_RECORD: Final[Record[dict[str, dict[str, dict[str, int]]]]] = Record(
    dict[str, dict[str, dict[str, int]]], "remove PATH: the ports of `published: auto` are chosen anew"
)


def preferred_port(*identity: str) -> int:
    """Return the port that ``identity`` hashes to."""
    digest = hashlib.sha256("\0".join(identity).encode()).digest()
    return FIRST + int.from_bytes(digest[:8], "big") % COUNT


def allocate_ports(
    identity: tuple[str, str],
    wanted: Iterable[PortKey],
    recorded: Mapping[PortKey, int],
    reserved: frozenset[int],
    is_free: Callable[[PortKey, int], bool],
) -> dict[PortKey, int]:
    """Return a host port for each of ``wanted``.

    ``identity`` is (project, environment key). A recorded port is kept while ``is_free`` says so; ``reserved`` are
    those that other environments of this checkout hold.

    Raises:
        EnvmanError: EV505 where the whole range is taken.
    """
    allocated: dict[PortKey, int] = {}
    for key in wanted:
        taken = reserved | set(allocated.values())
        start = recorded.get(key) or preferred_port(*identity, *key)
        for step in range(COUNT):
            port = FIRST + (start - FIRST + step) % COUNT
            if port not in taken and is_free(key, port):
                allocated[key] = port
                break
        else:
            raise fail("EV505", f"no port from {FIRST} to {FIRST + COUNT - 1} is free", help="stop something first")
    return allocated


def read_ports(state: Path) -> dict[str, dict[PortKey, int]]:
    """Return the recorded ports of each environment key.

    Raises:
        EnvmanError: EV509.
    """
    return {
        environment: {(service, name): port for service, named in ports.items() for name, port in named.items()}
        for environment, ports in (_RECORD.read(state / _FILE) or {}).items()
    }


def write_ports(state: Path, environment: str, ports: Mapping[PortKey, int]) -> None:
    """Record ``ports`` as those of ``environment``; none removes the record.

    Raises:
        EnvmanError: EV008.
    """
    data: dict[str, dict[str, dict[str, int]]] = {}
    for key, recorded in {**read_ports(state), environment: ports}.items():
        for (service, name), port in sorted(recorded.items()):
            data.setdefault(key, {}).setdefault(service, {})[name] = port
    _RECORD.write(state / _FILE, data)
