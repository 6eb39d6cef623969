"""What tells the entries of a list apart, so that lists are compared entry by entry and not by position.

These are the identities by which layers are merged (`language/merge.py`); lists that are sets to Compose are compared
as sets. Every other list has an order that matters and is compared as a whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from envman.language.entries import mount_target
from envman.language.paths import PathTable
from envman.source.scalars import text_of

Identity: TypeAlias = Callable[[Any], str]


def _field(entry: Any, *names: str) -> str:
    if isinstance(entry, dict):
        return next((text_of(entry[name]) for name in names if entry.get(name) not in (None, "")), "")
    return text_of(entry) if isinstance(entry, str | int | float | bool) else ""


def _port(entry: Any) -> str:
    if isinstance(entry, dict) and not entry.get("name"):
        return f"{_field(entry, 'target')}/{(_field(entry, 'protocol') or 'tcp').lower()}"
    return _field(entry, "name")


def _mount(entry: Any) -> str:
    return mount_target(_field(entry, "target"))


def _tmpfs(entry: Any) -> str:
    return mount_target(_field(entry).partition(":")[0])


def _secret(entry: Any) -> str:
    return _field(entry, "target", "source").removeprefix("/run/secrets/")


def _config(entry: Any) -> str:
    return _field(entry, "target", "source").removeprefix("/")


def _named(*names: str) -> Identity:
    return lambda entry: _field(entry, *names)


_SETS: Final = (
    "build.entitlements", "build.platforms", "build.tags", "cap_add", "cap_drop", "deploy.placement.constraints",
    "device_cgroup_rules", "dns_opt", "expose", "external_links", "extra_hosts.*", "group_add", "links",
    "networks.*.aliases", "networks.*.link_local_ips", "profiles", "security_opt", "volumes_from",
)  # fmt: skip
_IDENTITIES: Final[PathTable[Identity]] = PathTable(
    {
        "networks.*.ipam.config": _named("subnet"),
        "profiles": text_of,
        "services.*.build.secrets": _secret,
        "services.*.configs": _config,
        "services.*.devices": _named("target", "source"),
        "services.*.env_file": _named("path"),
        "services.*.ports": _port,
        "services.*.secrets": _secret,
        "services.*.tmpfs": _tmpfs,
        "services.*.volumes": _mount,
        **{
            f"services.*.blkio_config.{name}": _named("path")
            for name in (
                "device_read_bps",
                "device_read_iops",
                "device_write_bps",
                "device_write_iops",
                "weight_device",
            )
        },
        **dict.fromkeys((f"services.*.{name}" for name in _SETS), text_of),
    }
)
# Of two files that set a variable the later one counts.
_ORDERED: Final = ("env_file",)


def by_identity(
    path: tuple[str, ...], left: list[Any], right: list[Any]
) -> tuple[dict[str, int], dict[str, int]] | None:
    """Return the places of the entries of two lists at ``path`` by their identity, or None for a list that is a whole.

    Entries of one identity are told apart by all that they hold.
    """
    table: PathTable[Identity] | None = _IDENTITIES
    for step in path:
        table = table and table.below(step)
    if table is None or table.rule is None:
        return None
    rule = table.rule
    twice = {name for side in (left, right) for name, count in Counter(map(rule, side)).items() if count > 1}

    def places(side: list[Any]) -> dict[str, int]:
        found: dict[str, int] = {}
        for index, entry in enumerate(side):
            name = rule(entry)
            if name in twice and isinstance(entry, dict):
                name += "".join(f" {key}={text_of(entry[key])}" for key in ("host_ip", "published") if entry.get(key))
            found[name if name not in found else f"{name} #{index}"] = index
        return found

    ours, theirs = places(left), places(right)
    if path[-1] in _ORDERED:
        common = [name for name in ours if name in theirs]
        if common != [name for name in theirs if name in ours]:
            return None
    return ours, theirs
