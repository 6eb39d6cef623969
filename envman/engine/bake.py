"""`docker buildx bake`, run on the one endpoint in a clean environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.engine.command import Handle, ask_docker
from envman.engine.endpoint import Endpoint, clean_environment

# The oldest that Compose itself would give its builds to.
MINIMUM_BUILDX: Final = (0, 17)
# What bake or its builds would read of the environment although the definition says it.
_DROPPED: Final = ("BUILDX_BAKE_", "BUILDKIT_PROGRESS", "BUILDX_METADATA_", "BUILDX_NO_DEFAULT_", "SOURCE_DATE_EPOCH")


@dataclass(frozen=True, slots=True)
class Builder:
    """What would build: buildx's version, and the driver of the builder (``docker``: the engine itself)."""

    version: str
    driver: str


@dataclass(frozen=True, slots=True)
class Buildx:
    """Buildx for one endpoint. ``secrets`` reach it through its environment only."""

    endpoint: Endpoint
    environ: Mapping[str, str]
    secrets: Mapping[str, str]
    directory: Path

    def builder(self) -> Builder | None:
        """Return what would build, or None where buildx is absent or too old for envman's definitions.

        Raises:
            EnvmanError: EV403 where there is no ``docker`` command.
        """
        version = re.search(r"(?<!\d)\d+\.\d+(?:\.\d+)?", self._ask("version"))
        if version is None or tuple(map(int, version[0].split(".")))[:2] < MINIMUM_BUILDX:
            return None
        driver = re.search(r"^Driver:\s*(\S+)", self._ask("inspect"), re.MULTILINE)
        return Builder(version[0], driver[1] if driver else "docker")

    def _ask(self, *arguments: str) -> str:
        done = ask_docker(self.endpoint, self.environ, "buildx", *arguments)
        return done.stdout if done.returncode == 0 else ""

    def start(
        self, definition: Mapping[str, object], targets: Sequence[str], allow: Sequence[str], *, attested: bool
    ) -> Handle:
        """Start building ``targets`` of ``definition``, which goes to standard input: it is in no file or argument."""
        allowed = [part for one in allow for part in ("--allow", one)]
        environ = clean_environment(self.environ)
        clean = {
            **{name: value for name, value in environ.items() if not name.startswith(_DROPPED)},
            # The blueprint's author named these paths; bake would ask whether it may read them.
            "BUILDX_BAKE_ENTITLEMENTS_FS": "0",
            # An attestation holds the time of the build, and so would each time be another image.
            **({} if attested else {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}),
        }
        bake = ["docker", *self.endpoint.arguments(), "buildx", "bake", "--file", "-", "--progress", "plain"]
        return Handle.started(
            [*bake, *allowed, *targets], clean, self.secrets, directory=self.directory, words=json.dumps(definition)
        )
