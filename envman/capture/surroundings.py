"""What the description of a container refers to: other containers, networks, volumes, secrets, files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from envman.capture.running import Running
from envman.capture.values import identifier
from envman.capture.values import key as as_key
from envman.diagnostics import Report
from envman.plan.form import COMPOSE, Plain

STACK: Final = "com.docker.stack.namespace"
# So many of a kind are named in one message.
_SHOWN: Final = 20
_ANONYMOUS: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(slots=True)
class Surroundings:
    """The whole of a capture while it is put together.

    ``services`` are the keys of services by the ID and the name of each of their containers. ``networks`` and
    ``volumes`` are the keys of those in use, by the engine's names. ``secrets`` and ``configs`` are the top level's
    entries by key, ``secret_files`` the secrets' keys by the path that held them. ``names`` are all keys of services.
    ``images`` are those that are mounted, ``files`` the paths of the captured machine, ``unknown`` the fields that no
    row of the table knows; each with the services that have them.
    """

    running: Running
    services: Mapping[str, str]
    report: Report
    networks: dict[str, str] = field(default_factory=dict)
    volumes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, Any]] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    secret_files: dict[str, str] = field(default_factory=dict)
    images: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, list[str]] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The keys of all services."""
        return list(dict.fromkeys(self.services.values()))

    def network(self, name: str) -> str:
        """Return the key of the network that the engine calls ``name``."""
        return self._key(self.networks, name, self.running.networks.get(name) or {}, "network")

    def volume(self, name: str) -> str | None:
        """Return the key of the volume that the engine calls ``name``; None for one without a name of its own."""
        if _ANONYMOUS.fullmatch(name):
            return None
        return self._key(self.volumes, name, self.running.volumes.get(name) or {}, "volume")

    def _key(self, known: dict[str, str], name: str, description: Plain, kind: str) -> str:
        if name in known:
            return known[name]
        wanted = name
        labels = description.get("Labels") or {}
        if self.owns(description) and labels.get(f"{COMPOSE}{kind}"):
            wanted = str(labels[f"{COMPOSE}{kind}"])
        elif self.running.name:
            wanted = name.removeprefix(f"{self.running.name}_")
        wanted = re.sub(r"[^a-zA-Z0-9._-]", "_", wanted)
        taken = set(known.values())
        known[name] = next(
            one for one in (wanted, re.sub(r"[^a-zA-Z0-9._-]", "_", name), f"{wanted}_") if one not in taken
        )
        return known[name]

    def owns(self, description: Plain) -> bool:
        """Whether a network or volume was made for the stack, by Compose or Swarm."""
        labels = description.get("Labels") or {}
        return bool(self.running.name) and self.running.name in (labels.get(f"{COMPOSE}project"), labels.get(STACK))

    def secret(self, name: str, file: str) -> str:
        """Return the key of the secret that stood in ``file`` (any text that tells it apart), called ``name`` first."""
        if file not in self.secret_files:
            self.secret_files[file] = self.new_secret(as_key(name))
        return self.secret_files[file]

    def new_secret(self, wanted: str) -> str:
        """Return the key of a new secret, whose value is a variable of whoever brings the stack up."""
        key = next(
            one for one in (wanted, *(f"{wanted}_{number}" for number in range(2, 1000))) if one not in self.secrets
        )
        self.secrets[key] = {"source": "env", "variable": identifier(key).upper()}
        return key

    def missing(self, service: str, what: str) -> None:
        """Say that ``service`` needs something that is not captured."""
        self.report.warning("EV828", f"{service}: {what}")

    def unsaid(self, service: str, what: str, help: str = "") -> None:  # noqa: A002 - the word that the reader sees
        """Say that something of ``service`` has no words in a blueprint."""
        self.report.warning("EV822", f"{service}: {what}", help=help)

    def say_what_was_gathered(self) -> None:
        """Say what many services may have in common, once for all of them."""
        for path, services in self.unknown.items():
            self.report.warning(
                "EV829",
                f"the engine says {path} of {_some(services)}, which this envman does not know",
                help="`docker inspect` shows it; if it matters, please report it",
            )
        if self.files:
            named = _some([f"{path} ({_some(services)})" for path, services in self.files.items()])
            self.report.warning(
                "EV826",
                f"mounted from the machine that was captured, without what is there: {named}",
                help="these have to be there wherever this environment is brought up",
            )


def _some(words: list[str]) -> str:
    words = list(dict.fromkeys(words))
    more = len(words) - _SHOWN
    return ", ".join(words[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
