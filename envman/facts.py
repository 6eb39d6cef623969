"""What a render depends on beside the blueprint: plain values, observed elsewhere, so that rendering stays pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

# (service, the port's name or TARGET/PROTOCOL)
PortKey: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of machine, engine and checkout.

    ``ports`` are the host ports allocated to ``published: auto``; ``secrets`` says how secrets reach containers
    (files on a local engine, Compose's environment on a remote one); ``absent_secrets`` are optional ones that this
    machine does not have; ``fingerprints`` say of each secret, keyed, only whether it changed; ``files`` are the
    digests of the files whose content containers get, by path as written; ``variables`` say of each variable
    that Compose looks up by itself, keyed, only whether it changed. ``images`` are the images to use in
    place of those that the blueprint names, by name as written there: what a registry map or a lock makes of them;
    ``never_pulled`` are those of them (as written) that the engine has and no registry is asked for. ``contexts`` are
    the images that builds start from in place of those that their Dockerfiles name, by service (or job) and name.
    """

    project_directory: Path
    state_directory: Path
    checkout: str
    ports: Mapping[PortKey, int] = field(default_factory=dict)
    gpu: bool = False
    secrets: Literal["file", "environment"] = "file"
    absent_secrets: frozenset[str] = frozenset()
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    never_pulled: frozenset[str] = frozenset()
    contexts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def describe(self) -> str:
        """Return the facts in one line, for the header of a render."""
        ports = ", ".join(f"{service} {name} on {port}" for (service, name), port in sorted(self.ports.items()))
        return (
            f"secrets as {'files' if self.secrets == 'file' else 'environment'}; "
            f"GPU runtime: {'yes' if self.gpu else 'no'}; allocated ports: {ports or 'none'}"
        )
