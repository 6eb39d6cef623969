"""What a value means to Compose, so that `90s` and `1m30s`, `1g` and `1024m`, `80` and `"80"` are no difference."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Final

from envman.language.paths import PathTable
from envman.model.types import seconds, size_in_bytes
from envman.source.scalars import text_of

Measure = Callable[[Any], Any]


def _command(value: Any) -> Any:
    return shlex.split(value) if isinstance(value, str) else value


def _test(value: Any) -> Any:
    return ["CMD-SHELL", value] if isinstance(value, str) else value


def _duration(value: Any) -> Any:
    return seconds(str(value))


def _share(value: Any) -> Any:
    return float(value)


_DURATIONS: Final = (
    *(f"healthcheck.{name}" for name in ("interval", "timeout", "start_period", "start_interval")),
    *(f"deploy.{name}.{field}" for name in ("update_config", "rollback_config") for field in ("delay", "monitor")),
    "deploy.restart_policy.delay",
    "deploy.restart_policy.window",
    "stop_grace_period",
)
_SIZES: Final = (
    "build.shm_size", "deploy.resources.limits.memory", "deploy.resources.reservations.memory", "mem_limit",
    "mem_reservation", "memswap_limit", "shm_size", "volumes.*.tmpfs.size",
)  # fmt: skip
_MEASURES: Final[PathTable[Measure]] = PathTable(
    {
        **{f"services.*.{name}": _duration for name in _DURATIONS},
        **{f"services.*.{name}": size_in_bytes for name in _SIZES},
        **{f"services.*.{name}": _command for name in ("command", "entrypoint")},
        **{
            f"services.*.{name}": _share
            for name in ("cpus", "deploy.resources.limits.cpus", "deploy.resources.reservations.cpus")
        },
        "services.*.healthcheck.test": _test,
    }
)
# What Compose (or, of a volume's `retain`, envman) takes for granted where nothing is written.
_DEFAULTS: Final[PathTable[Any]] = PathTable(
    {
        "networks.*.external": False,
        "networks.*.internal": False,
        "services.*.depends_on.*.required": True,
        "services.*.depends_on.*.restart": False,
        "services.*.deploy.replicas": 1,
        "services.*.env_file.*.required": True,
        "services.*.ports.*.mode": "ingress",
        "services.*.ports.*.protocol": "tcp",
        "services.*.privileged": False,
        "services.*.read_only": False,
        "services.*.volumes.*.read_only": False,
        "volumes.*.external": False,
        "volumes.*.retain": "keep",
    }
)
_EMPTY_MEANS_SOMETHING: Final = frozenset({"command", "entrypoint"})


def same(path: tuple[str, ...], left: Any, right: Any) -> bool:
    """Whether two values that are there mean the same at ``path``."""
    if left == right and type(left) is type(right):
        return True
    if any(step.startswith("x-") for step in path):
        return False  # Extensions are nobody's business but their reader's.
    return bool(_meaning(path, left) == _meaning(path, right))


def goes_without_saying(path: tuple[str, ...], value: Any) -> bool:
    """Whether leaving ``value`` out at ``path`` means the same."""
    if value in ({}, []) and path[-1] not in _EMPTY_MEANS_SOMETHING and not _is_named(path):
        return True
    default = _look_up(_DEFAULTS, path)
    return default is not None and same(path, default, value)


def _is_named(path: tuple[str, ...]) -> bool:
    """Whether the last step is a name that the author gave: that it stands there means something."""
    return len(path) == 2 or (len(path) == 4 and path[2] in {"networks", "models", "depends_on"})


def _meaning(path: tuple[str, ...], value: Any) -> Any:
    measure = _look_up(_MEASURES, path)
    if measure is not None and isinstance(value, str | int | float):
        try:
            return _texts(measure(value))
        except ValueError:
            return _texts(value)
    if value in (None, {}) and _is_named(path):
        return None
    return _texts(value)


def _texts(value: Any) -> Any:
    """Return ``value`` with its scalars as text: Compose makes no difference between ``80`` and ``"80"``."""
    if isinstance(value, dict):
        return {key: _texts(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return None if value is None else text_of(value)


def _look_up(table: PathTable[Any], path: tuple[str, ...]) -> Any:
    found: PathTable[Any] | None = table
    for step in path:
        found = found and found.below(step)
    return None if found is None else found.rule
