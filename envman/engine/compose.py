"""Docker Compose, run in a clean environment with everything that decides given explicitly."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.engine.endpoint import Endpoint, clean_environment
from envman.state.lock import held_descriptors

# 2.24 is the first with `!reset` fixed, `env_file.required` and `start_interval`.
MINIMUM_COMPOSE: Final = (2, 24)
_KEPT_LINES: Final = 400
_PATIENCE: Final = 20.0


class Handle:
    """A Compose command under way: its output is read all the time, so that it never waits for its reader."""

    def __init__(self, process: subprocess.Popen[str], withheld: tuple[str, ...]) -> None:
        self._process = process
        self._withheld = withheld
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)
        self._fresh: SimpleQueue[str | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # it was opened with a pipe
        for raw in self._process.stdout:
            line = raw.rstrip("\n")
            for value in self._withheld:
                line = line.replace(value, "******")
            self._kept.append(line)
            self._fresh.put(line)
        self._fresh.put(None)

    def lines(self) -> Iterator[str]:
        """Yield the output line by line until the command ends."""
        while (line := self._fresh.get()) is not None:
            yield line

    def poll(self) -> int | None:
        """Return the exit status, or None while the command runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Wait for the end and return the exit status."""
        status = self._process.wait()
        self._reader.join()
        return status

    def tail(self, count: int) -> str:
        """Return the last ``count`` lines of the output so far."""
        return "\n".join(list(self._kept)[-count:])

    def interrupt(self) -> None:
        """End the command as Ctrl-C would, by force only if it does not obey. Only its own process group is touched."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                self._process.wait()


@dataclass(frozen=True, slots=True)
class Compose:
    """Compose for one project. ``secrets`` reach it through its environment only: no argument, log or error has one."""

    endpoint: Endpoint
    project_name: str
    file: Path
    project_directory: Path
    environ: Mapping[str, str]
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
        return {**clean_environment(self.environ), **self.secrets}

    def start(self, *arguments: str) -> Handle:
        """Start a Compose command in a process group of its own, its output captured.

        Raises:
            EnvmanError: EV403, EV404, EV405 where Compose cannot be used.
        """
        argv = self.argv(*arguments)
        require_compose(self.endpoint, self.environ)
        process = subprocess.Popen(
            argv,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=held_descriptors(),
        )
        return Handle(process, tuple(value for value in self.secrets.values() if value))

    def attach(self, *arguments: str) -> int:
        """Run a Compose command on this process's own terminal and return its exit status.

        Ctrl-C reaches the command, as it is in the terminal's foreground; what it makes of it is its own affair.
        """
        argv = self.argv(*arguments)
        require_compose(self.endpoint, self.environ)
        before = signal.signal(signal.SIGINT, lambda *_: None)
        process = subprocess.Popen(argv, env=self.environment())
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
    try:
        done = subprocess.run(
            ["docker", *endpoint.arguments(), "compose", "version", "--short"],
            env=clean_environment(environ),
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise no_docker_command() from None
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


def no_docker_command() -> Exception:
    """Make the error of a machine without a ``docker`` command."""
    return fail(
        "EV403",
        "there is no docker command on PATH",
        expected="the Docker CLI with its Compose plugin",
        help="install Docker (https://docs.docker.com/engine/install/); an engine elsewhere needs the CLI here too",
    )
