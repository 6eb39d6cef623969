"""`docker buildx bake`, run on the one endpoint in a clean environment."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from envman.engine.compose import Handle, no_docker_command
from envman.engine.endpoint import Endpoint, clean_environment
from envman.state.lock import held_descriptors

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

    def _argv(self, *arguments: str) -> list[str]:
        return ["docker", *self.endpoint.arguments(), "buildx", *arguments]

    def builder(self) -> Builder | None:
        """Return what would build, or None where buildx is absent or too old for envman's definitions.

        Raises:
            EnvmanError: EV403 where there is no ``docker`` command.
        """
        version = re.search(r"\d+\.\d+(?:\.\d+)?", self._ask("version"))
        if version is None or tuple(map(int, version[0].split(".")))[:2] < MINIMUM_BUILDX:
            return None
        driver = re.search(r"^Driver:\s*(\S+)", self._ask("inspect"), re.MULTILINE)
        return Builder(version[0], driver[1] if driver else "docker")

    def _ask(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                self._argv(*arguments),
                env=clean_environment(self.environ),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except FileNotFoundError:
            raise no_docker_command() from None
        return done.stdout if done.returncode == 0 else ""

    def start(
        self, definition: Mapping[str, object], targets: Sequence[str], allow: Sequence[str], *, attested: bool
    ) -> Handle:
        """Start building ``targets`` of ``definition``, which goes to standard input: it is in no file or argument."""
        allowed = [part for one in allow for part in ("--allow", one)]
        environ = clean_environment(self.environ)
        process = subprocess.Popen(
            self._argv("bake", "--file", "-", "--progress", "plain", *allowed, *targets),
            env={
                **{name: value for name, value in environ.items() if not name.startswith(_DROPPED)},
                # The blueprint's author named these paths; bake would ask whether it may read them.
                "BUILDX_BAKE_ENTITLEMENTS_FS": "0",
                # An attestation holds the time of the build, and so would each time be another image.
                **({} if attested else {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}),
                **self.secrets,
            },
            cwd=self.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=held_descriptors(),
        )
        handle = Handle(process, tuple(value for value in self.secrets.values() if value))
        assert process.stdin is not None  # it was opened with a pipe
        try:
            with process.stdin as stream:
                json.dump(definition, stream)
        except BrokenPipeError:
            pass  # it has ended; its output says why
        return handle
