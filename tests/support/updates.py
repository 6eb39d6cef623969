"""Projects of the real template under git, newer versions of it, and envman's `update` in them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.scaffold import new_project
from envman.shipped import shipped

PROJECT = "{{cookiecutter.__project_slug}}"
PACKAGE = "src/{{cookiecutter.package_name}}"
Edit = Callable[[Path], None]


def next_version(folder: Path, version: str, edit: Edit | None = None, **options: Any) -> Path:
    """Copy the real template to ``folder`` as ``version``, with more ``options``; ``edit`` gets its project's folder."""
    shutil.copytree(shipped("cookiecutter-mlproject"), folder)
    context = json.loads((folder / "cookiecutter.json").read_text())
    context["_version"] = version
    for name, default in options.items():
        context[name] = default
        context["__prompts__"][name] = f"What {name} to use"
    (folder / "cookiecutter.json").write_text(json.dumps(context, indent=2))
    if edit is not None:
        edit(folder / PROJECT)
    return folder


def change(path: Path, old: str, new: str) -> None:
    """Replace ``old``, which stands in the file, by ``new``."""
    text = path.read_text()
    assert old in text, f"{old!r} is not in {path.name}"
    path.write_text(text.replace(old, new))


def fresh(template: Path, work: Path, **answers: str) -> dict[str, tuple[bytes, int]]:
    """Return the files that plain cookiecutter makes of ``template``."""
    work.mkdir()
    options = [f"{name}={value}" for name, value in answers.items()]
    subprocess.run(
        [
            sys.executable,
            "-m",
            "cookiecutter",
            "--no-input",
            "--output-dir",
            str(work / "out"),
            str(template),
            *options,
        ],
        env={**os.environ, "HOME": str(work)},
        check=True,
        capture_output=True,
    )
    [made] = (work / "out").iterdir()
    return contents(made)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return contents and rights of all files of a project, but those of git and envman."""
    return {
        name: (path.read_bytes(), path.stat().st_mode & 0o100)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not (name := path.relative_to(folder).as_posix()).startswith((".git/", ".envman/", ".envman-template"))
    }


def git(folder: Path, *arguments: str) -> str:
    """Run git in ``folder`` and return what it wrote."""
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout


@dataclass
class Result:
    """A run of envman: its status, its result, the codes and texts of its diagnostics."""

    status: int
    result: Any
    diagnostics: list[dict[str, Any]]

    @property
    def codes(self) -> list[str]:
        return [one["code"] for one in self.diagnostics]

    @property
    def messages(self) -> str:
        return "\n".join(one["message"] for one in self.diagnostics)


@dataclass
class Project:
    """A project of the template, committed."""

    root: Path

    @classmethod
    def new(cls, parent: Path, *, preset: str | None = None, **answers: str) -> Project:
        made = cls(new_project("churn", parent, answers=answers, ask=None, git=True, preset=preset))
        made.commit("The project")
        return made

    def commit(self, message: str = "A change") -> None:
        git(self.root, "add", "--all")
        git(self.root, "commit", "--quiet", "--message", message)

    def update(self, template: Path | str | None = None, *options: str, status: int | None = 0) -> Result:
        where = () if template is None else ("--template", str(template))
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            ended = run(Invocation(directory=self.root), ["--format", "json", "update", *where, *options])
        document = json.loads(out.getvalue())
        assert ended == document["exit_status"]
        if status is not None:
            assert ended == status, document
        return Result(ended, document["result"], document["diagnostics"])

    def status(self) -> list[str]:
        return git(self.root, "status", "--porcelain", "--untracked-files=all").splitlines()

    def text(self, path: str) -> str:
        return (self.root / path).read_text()
