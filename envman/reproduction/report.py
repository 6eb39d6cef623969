"""A fidelity report as a value, and what it is made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from envman.lock.lock import LockedBuild, LockedImage
from envman.plan.observed import LocalImage, Observed
from envman.render.document import Document
from envman.reproduction.draft import Substitution


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
