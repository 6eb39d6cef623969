"""The README and the stories of `docs/stories`, carried out in order as a reader would."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from pages import Step, Typed, run_steps, steps_of
from stacks import Checkout

ROOT = Path(__file__).parents[2]
PROJECT = "churn"


@dataclass(frozen=True, slots=True)
class Story:
    """A page, carried out: what each command wrote, and the project that it leaves behind."""

    typed: tuple[Typed, ...]
    project: Checkout

    def out(self, command: str) -> str:
        """Return what the one command that begins so wrote to standard output."""
        [found] = [one for one in self.typed if one.command.startswith(command)]
        return found.out


def console_commands() -> list[str]:
    """Return the commands of the README's console blocks, without their comments."""
    return [step.command for step in steps_of((ROOT / "README.md").read_text())]


def run_readme(folder: Path, name: str, authorities: Path) -> Story:
    """Run the README's commands in ``folder``, which becomes the one that the clone lies in.

    The project is called ``name``, so that it meets no other of this engine. ``pip install`` is the real one, but into
    a folder of its own and without what is installed already.
    """
    installed = folder / "installed"
    options = f"--quiet --no-deps --no-build-isolation --target '{installed}'"
    programs = _program(folder, "pip", f'-m pip "$@" {options}')
    clone = _clone(folder)
    environ = {**_own(folder, authorities), "PYTHONPATH": str(installed)}
    steps = _with((ROOT / "README.md").read_text(), {PROJECT: name})
    typed = run_steps(steps, folder=folder, cwd=clone, environ=environ, path=f"{programs}:{installed / 'bin'}")
    return Story(typed, Checkout(folder / name, name, environ))


def run_story(
    page: Path, folder: Path, name: str, authorities: Path, *, others: Mapping[str, str] = MappingProxyType({})
) -> Story:
    """Carry a page of `docs/stories` out in ``folder``, beside a clone; envman is the one of this repository.

    The project is called ``name``, but not in what was typed and written, which is to be compared with the page.
    ``others`` are words of the page and what stands for them here: addresses that only its reader can reach.
    """
    _clone(folder)
    here = {PROJECT: name, **others}
    environ = {**_own(folder, authorities), "PYTHONPATH": str(ROOT)}
    steps = _with(page.read_text(), here)
    programs = _program(folder, "envman", '-m envman "$@"')
    typed = run_steps(steps, folder=folder, cwd=folder, environ=environ, path=str(programs))

    def on_the_page(text: str) -> str:
        for word, other in here.items():
            text = text.replace(other, word)
        return text

    compared = tuple(
        Typed(on_the_page(one.command), on_the_page(one.out), on_the_page(one.err), one.expected) for one in typed
    )
    return Story(compared, Checkout(folder / name, name, environ))


def _with(page: str, here: Mapping[str, str]) -> list[Step]:
    """Return the page's steps with other words; what it shows stays as it is."""

    def put(text: str) -> str:
        for word, other in here.items():
            text = re.sub(rf"\b{re.escape(word)}\b", other, text)
        return text

    return [
        replace(step, command=put(step.command), text=None if step.text is None else put(step.text))
        for step in steps_of(page)
    ]


def _own(folder: Path, authorities: Path) -> dict[str, str]:
    own = {
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "LOCAL_USER": f"{os.getuid()}:{os.getgid()}",
    }
    return {**own, "ENVMAN_CA_CERTIFICATES": str(authorities)} if authorities.is_file() else own


def _program(folder: Path, name: str, arguments: str) -> Path:
    """Make a program that is this Python with ``arguments``; return the folder that it lies in."""
    programs = folder / "bin"
    programs.mkdir()
    program = programs / name
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}\n')
    program.chmod(0o755)
    return programs


def _clone(folder: Path) -> Path:
    clone = folder / "envman"
    clone.symlink_to(ROOT)
    return clone
