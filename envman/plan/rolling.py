"""Which services are made anew a few containers at a time. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from envman.model.environment import Environment
from envman.model.service import Service
from envman.model.types import seconds
from envman.plan.dependencies import providers
from envman.plan.observed import ContainerState
from envman.render.document import Document

_ANONYMOUS: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Rolling:
    """How a service's containers are replaced.

    ``at_once`` of them at a time, ``delay`` seconds between two times; with ``start_first`` new ones are healthy
    before old ones stop. ``failure`` says what becomes of it when a new one does not get healthy.
    """

    service: str
    at_once: int
    delay: float
    start_first: bool
    failure: Literal["pause", "rollback", "continue"]

    def describe(self, count: int) -> str:
        """Return in words how ``count`` containers are replaced."""
        most = min(self.at_once, count)
        return f"{most} of {count} at a time, {'new ones first' if self.start_first else 'old ones stop first'}"


def rolling_of(
    environment: Environment, document: Document, name: str, containers: Iterable[ContainerState]
) -> Rolling | None:
    """Return how the ``containers`` of service ``name`` are replaced, or None where Compose does it at once.

    That is asked for with ``deploy.update_config`` (Compose specification, "update_config"; Compose itself takes no
    notice of it): ``parallelism`` 0 means all at once, ``order`` is stop-first by default, ``failure_action`` pause.
    It takes containers that run and whose names and namespaces nobody else depends on. Anonymous volumes go over to
    the next container only where Compose replaces it, and only Compose runs ``pre_stop``.
    """
    service = environment.stack.services[name]
    policy = service.deploy.update_config if service.deploy is not None else None
    running = [one for one in containers if one.state == "running"]
    if policy is None or not running or not service.replicas or service.container_name or service.pre_stop:
        return None
    if name in providers(document.services):
        return None
    if any(_ANONYMOUS.fullmatch(volume) for one in running for volume in one.volumes):
        return None
    return Rolling(
        service=name,
        at_once=int(policy.parallelism if policy.parallelism is not None else 1) or len(running),
        delay=seconds(policy.delay) if policy.delay is not None else 0.0,
        start_first=policy.order == "start-first" and not _has_fixed_port(service),
        failure={"rollback": "rollback", "continue": "continue"}.get(policy.failure_action or "", "pause"),  # type: ignore[arg-type]
    )


def _has_fixed_port(service: Service) -> bool:
    """Whether two containers of ``service`` cannot run at once, since each would take the same host port."""
    return any(port.published is not None for port in service.ports or ())
