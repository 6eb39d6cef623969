"""Projects on a real engine: unique names, everything removed, no sleeps but between looks at a condition."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from forked import Forker, starts_alike
from results import check_result

# The engine needs seconds to start what publishes so many ports.
MANY_PORTS = ", ".join(f"'{port}'" for port in range(1000, 1080))
SLEEPER = "{image: busybox:1.37, init: true, command: [sleep, infinity]}"


def docker(*arguments: str, check: bool = True) -> str:
    """Run the docker command and return what it wrote."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"docker {' '.join(arguments)}: {done.stderr}")
    return done.stdout.strip()


def await_true(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Return when ``condition`` holds; fail if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.05)


def starting(container: str) -> bool:
    """Return whether the engine is just starting ``container``: until it has, it answers nothing about it alone."""
    asked = ["docker", "inspect", "--format", "{{.State.Status}}", container]
    with subprocess.Popen(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        for _ in range(3):
            # What is slow on a busy machine is so as well.
            docker("ps", "--all", "--filter", f"name={container}")
        if process.poll() is None:
            process.kill()
            return True
        assert process.communicate()[0].strip() != "running", f"{container} runs already"
    return False


_PATIENCE = 240
_started: set[frozenset[str]] = set()


@cache
def _forker() -> Forker:
    made = Forker()
    atexit.register(made.close)
    return made


def start(
    folder: Path, arguments: Sequence[str], environ: Mapping[str, str], stdin: str
) -> subprocess.CompletedProcess[str]:
    """Run envman in ``folder`` and return its status and what it wrote."""
    words = ["--directory", str(folder), *arguments]
    # A verb with its options imports the same each time.
    kind = frozenset([*arguments[:1], *(word.partition("=")[0] for word in arguments if word.startswith("-"))])
    if kind in _started and starts_alike(environ):
        return _forker().run(words, stdin=stdin, environ=environ, timeout=_PATIENCE)
    _started.add(kind)
    return subprocess.run(
        [sys.executable, "-m", "envman", *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
        env=environ,
    )


@dataclass
class Done:
    """A command that has ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)["result"]


@dataclass
class Checkout:
    """A project's folder, and envman in it."""

    root: Path
    name: str
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, **blueprints: str) -> Checkout:
        (self.root / "blueprints").mkdir(parents=True, exist_ok=True)
        (self.root / "envman.yaml").write_text(f"name: {self.name}\nlanguage: 1\n")
        for blueprint, text in blueprints.items():
            (self.root / "blueprints" / f"{blueprint}.yaml").write_text(textwrap.dedent(text))
        return self

    def argv(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "envman", "--directory", str(self.root), *arguments]

    def run(self, *arguments: str, status: int | None = 0, stdin: str = "", **environ: str) -> Done:
        done = start(self.root, arguments, {**os.environ, **self.environ, **environ}, stdin)
        if status is not None:
            assert done.returncode == status, (
                f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        assert "Traceback" not in done.stderr
        check_result(arguments, done.stdout)
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.argv(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environ},
        )

    def containers(self, environment: str, *filters: str, everything: bool = True) -> list[str]:
        """Return the names of the environment's containers."""
        wanted = [f"label=com.docker.compose.project={self.name}-{environment}", *filters]
        options = [part for one in wanted for part in ("--filter", one)]
        return docker("ps", *(["--all"] if everything else []), "--format", "{{.Names}}", *options).split()

    def container_ids(self, environment: str) -> set[str]:
        label = f"label=com.docker.compose.project={self.name}-{environment}"
        return set(docker("ps", "--all", "--quiet", "--no-trunc", "--filter", label).split())

    def volumes(self, environment: str) -> list[str]:
        label = f"label=com.docker.compose.project={self.name}-{environment}"
        return docker("volume", "ls", "--quiet", "--filter", label).split()

    def sh(self, environment: str, service: str, command: str) -> str:
        """Run a shell command in the service's first container."""
        return docker("exec", f"{self.name}-{environment}-{service}-1", "sh", "-c", command)


def remove_project(name: str) -> None:
    """Remove everything of the projects whose Compose name begins with ``name``."""
    label = f"label=dev.envman.project={name}"
    ids = docker("ps", "--all", "--quiet", "--filter", label).split()
    if ids:
        docker("rm", "--force", "--volumes", *ids)
    for kind in ("volume", "network"):
        left = docker(kind, "ls", "--quiet", "--filter", label).split()
        if left:
            docker(kind, "rm", *left)
    # By name: an ID would take every other name of the same image with it.
    images = docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={name}-*").split()
    if images:
        docker("rmi", "--force", *dict.fromkeys(images))
    # What lost its name to a later build. Another test may remove a layer that they share at the same moment.
    unnamed = ("images", "--quiet", "--no-trunc", "--filter", "dangling=true")
    left = docker(*unnamed, "--filter", f"label=dev.envman.built-for={name}").split()
    if left:
        docker("rmi", "--force", *dict.fromkeys(left), check=False)
