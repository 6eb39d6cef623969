"""Lint, types and tests. `make` calls these from .venv, which has the tools; only other Pythons get environments."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "quick"]


def output_of(*command: str) -> str:
    """What a command prints, or nothing where it is absent or fails."""
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def reveal_pyenv_versions() -> None:
    """Let pyenv's shims find every version that is installed; the one in use stays the first."""
    versions = [*output_of("pyenv", "version-name").split(":"), *output_of("pyenv", "versions", "--bare").split()]
    if any(versions):
        os.environ["PYENV_VERSION"] = ":".join(dict.fromkeys(filter(None, versions)))


def other_pythons() -> list[str]:
    """The supported versions that this machine has, but for the one that runs this."""
    reveal_pyenv_versions()
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    # A shim without a version behind it and a Debian Python without venv are on PATH, too.
    return [
        version
        for version in SUPPORTED
        if version != own and output_of(f"python{version}", "-c", "import ensurepip, venv; print('usable')")
    ]


def shell_scripts() -> list[str]:
    """Every script of ours, by its first line or its directive, not by its name."""
    files = [Path(".ci/run"), *sorted(path for path in Path("scripts").rglob("*") if path.is_file())]
    marks = (b"#!/usr/bin/env bash", b"#!/bin/sh", b"# shellcheck shell=")
    return [str(path) for path in files if any(mark in path.read_bytes()[:400] for mark in marks)]


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff's rules and format; shellcheck where it is installed."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    if shutil.which("shellcheck"):
        session.run("shellcheck", "--external-sources", *shell_scripts(), external=True)
    else:
        session.warn("shellcheck is not installed: the shell scripts go unchecked")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, strict."""
    session.run("mypy")


def compile_envman(session: nox.Session) -> None:
    """Compile what tests start thousands of times, also where PYTHONDONTWRITEBYTECODE keeps Python from doing it."""
    session.run("python", "-m", "compileall", "-q", "envman")


@nox.session
def quick(session: nox.Session) -> None:
    """The tests that need no engine."""
    compile_envman(session)
    session.run("pytest", "-m", "not engine and not nightly", "--numprocesses", "auto", *session.posargs)


def run_units(session: nox.Session) -> None:
    """Run what may differ from Python to Python; the rest asks Compose or the machine."""
    if not session.python:
        session.skip("this machine has no other Python that is supported")
    session.install("--quiet", "--require-hashes", "--requirement", "requirements/dev.txt")
    session.install("--quiet", "--no-deps", "--no-build-isolation", "--editable", ".")
    compile_envman(session)
    folders = ("tests/unit", "tests/cli", "tests/errors", "tests/golden")
    session.run("pytest", "-m", "not engine", "--numprocesses", "auto", *folders, *session.posargs)


@nox.session(python=other_pythons()[-1:] or False, venv_backend="venv")
def unit(session: nox.Session) -> None:
    """What may differ from Python to Python, on the newest other one here: beside this one, the two ends."""
    run_units(session)


@nox.session(python=other_pythons()[:-1] or False, venv_backend="venv")
def between(session: nox.Session) -> None:
    """The same on those between."""
    run_units(session)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite; without an engine it fails."""
    compile_envman(session)
    session.run("pytest", "-m", "not engine and not nightly", "--numprocesses", "auto", *session.posargs)
    # Most of an engine test is waiting. Tests of one file share stacks and images, so they stay together; the files are
    # taken in the order of tests/conftest.py, the long ones first, and not by how many tests they have.
    spread = ("--numprocesses", str(2 * (os.cpu_count() or 1)), "--dist", "loadfile", "--no-loadscope-reorder")
    engine = ("-m", "engine and not nightly", "--require-engine", *spread)
    session.run("pytest", *engine, *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """What takes minutes; of each kind a smaller one is in ``tests``."""
    session.run("pytest", "-m", "nightly", "--require-engine", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Envman beside docker compose, in one run."""
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """The property tests with many more examples."""
    session.run("python", "scripts/fuzz.py", *session.posargs)
