"""Docker Compose, run in a clean environment with everything that decides given explicitly."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.engine.command import Handle, ask_docker, no_docker_command, start_folder
from envman.engine.endpoint import Endpoint, clean_environment

# 2.24 is the first with `!reset` fixed, `env_file.required` and `start_interval`.
MINIMUM_COMPOSE: Final = (2, 24)


@dataclass(frozen=True, slots=True)
class Compose:
    """Compose for one project.

    ``variables`` are what its file and the env files refer to. ``secrets`` reach it through its environment only: no
    argument, log or error has one.
    """

    endpoint: Endpoint
    project_name: str
    file: Path
    project_directory: Path
    environ: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    def argv(self, *arguments: str) -> list[str]:
        """Return the whole command line of a Compose command.

        Raises:
            EnvmanError: EV403 where there is no ``docker`` command.
        """
        from python_on_whales import DockerClient

        if shutil.which("docker", path=self.environ.get("PATH")) is None:
            raise no_docker_command()
        tls = self.endpoint.tls
        client = DockerClient(
            host=self.endpoint.host,
            tls=tls is not None and not tls.verify,
            tlsverify=tls is not None and tls.verify,
            tlscacert=tls.ca if tls else None,
            tlscert=tls.cert if tls else None,
            tlskey=tls.key if tls else None,
            compose_files=[self.file],
            compose_env_files=[os.devnull],
            compose_project_name=self.project_name,
            compose_project_directory=self.project_directory,
        )
        return [*map(str, client.docker_compose_cmd), *arguments]

    def environment(self) -> dict[str, str]:
        """Return the environment that Compose runs in."""
        return {**clean_environment(self.environ), **self.variables, **self.secrets}

    def start(self, *arguments: str) -> Handle:
        """Start a Compose command in a process group of its own, its output captured.

        Raises:
            EnvmanError: EV403, EV404, EV405 where Compose cannot be used.
        """
        argv = self.argv(*arguments)
        require_compose(self.endpoint, self.environ)
        return Handle.started(argv, {**clean_environment(self.environ), **self.variables}, self.secrets)

    def attach(self, *arguments: str) -> int:
        """Run a Compose command on this process's own terminal and return its exit status.

        Ctrl-C reaches the command, as it is in the terminal's foreground; what it makes of it is its own affair.
        """
        argv = self.argv(*arguments)
        require_compose(self.endpoint, self.environ)
        before = signal.signal(signal.SIGINT, lambda *_: None)
        process = subprocess.Popen(argv, env=self.environment(), cwd=start_folder())
        try:
            status = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
        finally:
            signal.signal(signal.SIGINT, before)
        return status if status >= 0 else 128 - status


def compose_version(endpoint: Endpoint, environ: Mapping[str, str]) -> str | None:
    """Return the version of the Compose plugin, or None where there is none; EV403 where there is no ``docker``."""
    done = ask_docker(endpoint, environ, "compose", "version", "--short")
    return done.stdout.strip().removeprefix("v") if done.returncode == 0 and done.stdout.strip() else None


_compose_checked: dict[str, str] = {}


def require_compose(endpoint: Endpoint, environ: Mapping[str, str]) -> str:
    """Make sure, once a run, that Compose is there and new enough, and return its version.

    Raises:
        EnvmanError: EV404 or EV405.
    """
    if endpoint.host in _compose_checked:
        return _compose_checked[endpoint.host]
    version = compose_version(endpoint, environ)
    if version is None:
        raise fail(
            "EV404",
            "the docker command has no Compose plugin",
            expected=f"Compose {'.'.join(map(str, MINIMUM_COMPOSE))} or newer",
            help="install `docker-compose-plugin` (`docker-compose` in Debian and Ubuntu); Docker Desktop brings it",
        )
    if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < MINIMUM_COMPOSE:
        raise fail(
            "EV405",
            f"Compose {version} is too old",
            expected=f"{'.'.join(map(str, MINIMUM_COMPOSE))} or newer",
            help="upgrade the Compose plugin",
        )
    _compose_checked[endpoint.host] = version
    return version
