"""``python -m benchmarks.template``: what people wait for in a project of the template; Compose has no counterpart.

A project with the default answers is made, built, brought up and, in the end, removed. Needs an engine.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError

from benchmarks.bench import ENVMAN, Bench
from benchmarks.report import machine

_PATIENCE: Final = 120.0
_DESCRIPTION: Final = "TABLE.question"
_IMAGES: Final = (("local", "dev"), *(("prod", image) for image in ("serve", "tracking", "gateway", "prometheus")))
_HTTP: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass
class _Project:
    """A project of the template, and envman in it."""

    bench: Bench
    name: str

    @property
    def root(self) -> Path:
        return self.bench.folder / self.name

    def envman(self, *arguments: str) -> None:
        self.bench.call(*ENVMAN, *arguments, directory=self.root)

    def address(self, environment: str, service: str) -> str:
        command = [*ENVMAN, "port", environment, service, "http"]
        done = subprocess.run(
            command, cwd=self.root, env=self.bench.environ, capture_output=True, text=True, check=True
        )
        return f"http://{done.stdout.strip()}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print it, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.template", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="runs of each (default: 5)")
    runs = parser.parse_args(arguments).runs
    with _made() as project:
        print("measuring edits ...", file=sys.stderr, flush=True)
        project.envman("up", "local")
        project.envman("run", "local", "train")
        edits = _edits(project, runs)
        project.envman("down", "local")
        print("measuring prod ...", file=sys.stderr, flush=True)
        # Builds what it starts; all images of prod would want a hub with Grafana.
        _start(project)
        starts = [_start(project) for _ in range(runs)]
        sizes = [f"{image} {_size(f'{project.name}-{image}:{project.name}-{where}')} MB" for where, image in _IMAGES]
    print(f"edit of a source file until the api predicts with it: {_spread(edits)}")
    print(f"`up prod`, images there, nothing else, until all of it is healthy: {_spread(starts)}")
    print(f"images: {', '.join(sizes)}")
    about = machine()
    print(f"{about['processor']}, {about['processors']} processors, Compose {about['compose']}; load {about['load']}.")
    return 0


@contextmanager
def _made() -> Iterator[_Project]:
    with tempfile.TemporaryDirectory(prefix="envman-bench-") as folder:
        bench = Bench(Path(folder))
        project = _Project(bench, f"bench-{secrets.token_hex(3)}")
        bench.call(*ENVMAN, "new", project.name, "--no-input", directory=bench.folder)
        if authorities := os.environ.get("ENVMAN_CA_CERTIFICATES"):
            (project.root / ".env").write_text(f"ENVMAN_CA_CERTIFICATES={authorities}\n", encoding="utf-8")
        try:
            yield project
        finally:
            for environment, options in (("local", ()), ("prod", ("--confirm", "prod"))):
                project.envman("down", environment, "--volumes", "--no-snapshot", "--yes", *options)
            images = subprocess.run(
                ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", f"{project.name}-*"],
                capture_output=True,
                text=True,
                check=True,
            )
            subprocess.run(["docker", "rmi", *images.stdout.split()], check=True, capture_output=True)


def _edits(project: _Project, runs: int) -> list[float]:
    api = project.address("local", "api")
    source = project.root / "src" / project.name.replace("-", "_") / "api.py"
    before = source.read_text(encoding="utf-8")
    example = json.dumps(_ask(f"{api}/example")).encode()
    seconds = []
    for number in range(runs):
        description = f"Edit {number}"
        source.write_text(before.replace(_DESCRIPTION, f'"{description}"'), encoding="utf-8")
        started = time.perf_counter()
        while _ask(f"{api}/openapi.json")["info"]["description"] != description:
            if time.perf_counter() - started > _PATIENCE:
                raise RuntimeError("the api does not follow what is edited")
            time.sleep(0.01)
        _ask(f"{api}/predict", example)
        seconds.append(time.perf_counter() - started)
    return seconds


def _ask(url: str, body: bytes | None = None) -> Any:
    """Return what is answered; ask again where the process that was asked ended before it heard."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    for _ in range(10):
        with suppress(ConnectionError, URLError), _HTTP.open(request, timeout=_PATIENCE) as answer:
            return json.loads(answer.read())
    raise RuntimeError(f"{url} does not answer")


def _start(project: _Project) -> float:
    started = time.perf_counter()
    project.envman("up", "prod")
    seconds = time.perf_counter() - started
    project.envman("down", "prod", "--volumes", "--no-snapshot", "--yes", "--confirm", "prod")
    return seconds


def _size(image: str) -> int:
    done = subprocess.run(
        ["docker", "image", "inspect", "--format", "{{.Size}}", image], capture_output=True, text=True, check=True
    )
    return round(int(done.stdout) / 1e6)


def _spread(seconds: Sequence[float]) -> str:
    return f"{statistics.median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"


if __name__ == "__main__":
    sys.exit(main())
