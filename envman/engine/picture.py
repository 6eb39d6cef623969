"""A stack as one short text: it changes when anything does that a plan could depend on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from typing import Final

from envman.plan.observed import ContainerState, Observed

# A listing tells whole seconds.
_SETTLED: Final = 2.0


def picture(observed: Observed, images: Mapping[str, str]) -> str:
    """Return what stands for ``observed`` and for ``images`` (reference to ID).

    Times are in it only of containers that were observed with details: a listing tells about when they started.
    """
    containers = [
        [one.id, one.name, one.state, one.health, one.exit_code, one.image_id, one.oneoff, dict(one.labels),
         one.networks, one.mounts, one.ports and sorted((p.host_ip, p.host_port, p.container_port) for p in one.ports),
         one.started_at if one.inspected else None]
        for one in sorted(observed.containers, key=lambda one: one.id)
    ]  # fmt: skip
    volumes = [
        [one.name, one.driver, dict(one.labels), dict(one.options)]
        for one in sorted(observed.volumes, key=lambda one: one.name)
    ]
    networks = [
        [one.id, one.name, one.driver, one.internal, dict(one.labels), one.inspected.get("Options")]
        for one in sorted(observed.networks, key=lambda one: one.id)
    ]
    text = json.dumps([containers, volumes, networks, dict(images)], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def settled(one: ContainerState) -> bool:
    """Whether a running container has run long enough to say that it does not end at once; others always have."""
    return one.state != "running" or (one.started_at is not None and time.time() - one.started_at >= _SETTLED)
