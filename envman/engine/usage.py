"""What containers use of the machine just now."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any, Final

from envman.engine.connection import Engine
from envman.engine.wire import Question
from envman.plan.observed import Usage

# Between the two looks that a share of processor time is the difference of.
_APART: Final = 0.25


def usages(engine: Engine, containers: Sequence[str]) -> list[Usage | None]:
    """Return the use of each of ``containers`` (IDs that run), in their order; None for one that has ended.

    `docker stats` waits a second for its second look; here all containers are looked at together, twice.
    Source: https://docs.docker.com/reference/api/engine/ (ContainerStats says how both values are worked out).
    """
    if not containers:
        return []
    questions = [Question(f"/containers/{one}/stats", {"stream": "false", "one-shot": "true"}) for one in containers]
    began = time.monotonic()
    first = engine.ask(*questions)
    time.sleep(max(0.0, _APART - (time.monotonic() - began)))
    return [_usage(before, after) for before, after in zip(first, engine.ask(*questions), strict=True)]


def _usage(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Usage | None:
    if not before or not after or not (after.get("memory_stats") or {}).get("usage"):
        return None
    old, new = before["cpu_stats"], after["cpu_stats"]
    spent = new["cpu_usage"]["total_usage"] - old["cpu_usage"]["total_usage"]
    passed = new.get("system_cpu_usage", 0) - old.get("system_cpu_usage", 0)
    processors = new.get("online_cpus") or 1
    memory = after["memory_stats"]
    stats = memory.get("stats") or {}
    # What the kernel would give back at once is not counted, as `docker stats` does not (cgroup v2, then v1).
    cache = stats.get("inactive_file", stats.get("total_inactive_file", 0))
    cpu = 100.0 * processors * spent / passed if passed > 0 else 0.0
    return Usage(cpu, max(0, int(memory["usage"]) - int(cache)), int(memory.get("limit") or 0))


def volume_sizes(engine: Engine, names: Collection[str]) -> dict[str, int]:
    """Return how many bytes those of the volumes ``names`` hold that the engine can measure."""
    if not names:
        return {}
    # It walks through all volumes on the engine.
    (found,) = engine.ask(Question("/system/df", {"type": "volume"}))
    sizes = {
        one["Name"]: int((one.get("UsageData") or {}).get("Size", -1)) for one in (found or {}).get("Volumes") or ()
    }
    return {name: size for name, size in sizes.items() if name in names and size >= 0}
