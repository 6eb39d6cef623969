"""The `docker` command as a process of its own: on the one endpoint, in a clean environment."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from envman.diagnostics import EnvmanError
from envman.diagnostics.diagnostic import fail
from envman.engine.endpoint import Endpoint, clean_environment
from envman.state.lock import held_descriptors

_KEPT_LINES: Final = 400
_PATIENCE: Final = 20.0


def ask_docker(
    endpoint: Endpoint, environ: Mapping[str, str], *arguments: str, words: str = "", patience: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a `docker` command to its end, with ``words`` as its input, and return its status and what it wrote.

    Raises:
        EnvmanError: EV403 where there is no ``docker`` command.
        subprocess.TimeoutExpired: after ``patience`` seconds.
    """
    try:
        return subprocess.run(
            ["docker", *endpoint.arguments(), *arguments],
            env=clean_environment(environ),
            input=words,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=patience,
        )
    except (FileNotFoundError, PermissionError):
        raise no_docker_command() from None


def run_docker(endpoint: Endpoint, environ: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a `docker` command on this process's own standard input and output; return its status and its errors.

    The checkout's lock stays held until it has ended, whatever becomes of this process.

    Raises:
        EnvmanError: EV403 where there is no ``docker`` command.
    """
    try:
        return subprocess.run(
            ["docker", *endpoint.arguments(), *arguments],
            env=clean_environment(environ),
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            check=False,
            pass_fds=held_descriptors(),
        )
    except (FileNotFoundError, PermissionError):
        raise no_docker_command() from None


def start_folder() -> str | None:
    """Return the folder to start Compose in; None is this process's own.

    Compose 2.40 makes a URL of the folder that it is started in, and fails where the path is none: a ``%``, or a
    control character. It gets the project's folder as an argument, so any other folder will do.
    """
    here = os.getcwd()  # noqa: PTH109 - a string is wanted
    return "/" if any(character == "%" or not character.isprintable() for character in here) else None


def no_docker_command() -> EnvmanError:
    """Make the error of a machine without a ``docker`` command."""
    return fail(
        "EV403",
        "there is no docker command on PATH",
        expected="the Docker CLI with its Compose plugin",
        help="install Docker (https://docs.docker.com/engine/install/); an engine elsewhere needs the CLI here too",
    )


class Handle:
    """A `docker` command under way: its output is read all the time, so that it never waits for its reader.

    None of the values ``withheld`` gets any further than this.
    """

    def __init__(self, process: subprocess.Popen[str], withheld: tuple[str, ...]) -> None:
        self._process = process
        self._withheld = withheld
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)
        self._fresh: SimpleQueue[str | None] = SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def started(
        cls,
        argv: Sequence[str],
        environ: Mapping[str, str],
        secrets: Mapping[str, str],
        *,
        directory: Path | None = None,
        words: str | None = None,
    ) -> Handle:
        """Start ``argv`` in a process group of its own; ``words`` are its input.

        ``secrets`` are variables of it beside those of ``environ``: no argument and no output has one. The checkout's
        lock stays held until it has ended, whatever becomes of this process.
        """
        process = subprocess.Popen(
            argv,
            env={**environ, **secrets},
            cwd=directory or start_folder(),
            stdin=subprocess.DEVNULL if words is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            pass_fds=held_descriptors(),
        )
        handle = cls(process, tuple(value for value in secrets.values() if value))
        if words is not None and process.stdin is not None:
            try:
                with process.stdin as stream:
                    stream.write(words)
            except BrokenPipeError:
                pass  # it has ended; its output says why
        return handle

    def _read(self) -> None:
        assert self._process.stdout is not None  # it was opened with a pipe
        with self._process.stdout as stream:
            for raw in stream:
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
