"""The README's commands, run in order as a reader would type them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from stacks import Checkout

ROOT = Path(__file__).parents[2]
PROJECT = "churn"
# One shell for all of them, so that `cd` and variables last; each command's output in files of its own.
_COMMAND = """
printf '%s' {number} >"$RECORD/last"
{{
{command}
}} >"$RECORD/{number}.out" 2>"$RECORD/{number}.err" </dev/null
"""


@dataclass(frozen=True, slots=True)
class Typed:
    """A command of the README and what it wrote."""

    command: str
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Story:
    """The README's console block, carried out: what each command wrote, and the project that it leaves behind."""

    typed: tuple[Typed, ...]
    project: Checkout

    def out(self, command: str) -> str:
        """Return what the one command that begins so wrote to standard output."""
        [found] = [one for one in self.typed if one.command.startswith(command)]
        return found.out


def console_commands() -> list[str]:
    """Return the commands of the README's console blocks, without their comments."""
    text = (ROOT / "README.md").read_text()
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    return [re.sub(r"\s+# .*", "", line.removeprefix("$ ")) for line in lines if line.startswith("$ ")]


def run_readme(folder: Path, name: str, authorities: Path) -> Story:
    """Run the README's commands in ``folder``, which becomes the one that the clone lies in.

    The project is called ``name``, so that it meets no other of this engine. ``pip install`` is the real one, but into
    a folder of its own and without what is installed already.
    """
    clone, programs, installed, record = (folder / name for name in ("envman", "bin", "installed", "record"))
    for one in (programs, record):
        one.mkdir()
    clone.symlink_to(ROOT)
    pip = programs / "pip"
    options = f"--quiet --no-deps --no-build-isolation --target '{installed}'"
    pip.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pip "$@" {options}\n')
    pip.chmod(0o755)
    environ = {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(installed),
    }
    if authorities.is_file():
        environ["ENVMAN_CA_CERTIFICATES"] = str(authorities)
    commands = [re.sub(rf"\b{PROJECT}\b", name, one) for one in console_commands()]
    script = "set -euo pipefail\n" + "".join(
        _COMMAND.format(number=number, command=command) for number, command in enumerate(commands)
    )
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=clone,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith("ENVMAN_")},
            **environ,
            "PATH": f"{programs}:{installed / 'bin'}:{os.environ['PATH']}",
            # So that `cd ..` leads out of the link, as it would out of a clone.
            "PWD": str(clone),
            "RECORD": str(record),
        },
        check=False,
        timeout=900,
    )

    def written(number: int, stream: str) -> str:
        file = record / f"{number}.{stream}"
        return file.read_text() if file.exists() else ""

    typed = tuple(Typed(one, written(number, "out"), written(number, "err")) for number, one in enumerate(commands))
    if done.returncode != 0:
        last = typed[int((record / "last").read_text())]
        raise AssertionError(f"`{last.command}` ended with {done.returncode}:\n{last.out[-2000:]}{last.err[-6000:]}")
    return Story(typed, Checkout(folder / name, name, environ))
