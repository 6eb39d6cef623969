"""One model's way from a laptop to production and back, as the example tells it; production is an engine of its own."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from forward import Forward
from private_engine import PrivateEngine
from real_registry import RealRegistry
from stacks import remove_project

ROOT = Path(__file__).parents[2]

# Its parts are in the suite of each run: the page to production, lock, promote, capture, reproduce.
pytestmark = [pytest.mark.nightly, pytest.mark.timeout(900)]


def test_a_model_goes_to_production_and_production_comes_back(tmp_path: Path) -> None:
    name = f"t{secrets.token_hex(4)}"
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "envman").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m envman "$@"\n')
    (programs / "envman").chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    with (
        RealRegistry() as registry,
        PrivateEngine("postgres:17", disk="6g") as production,
        Forward(production, registry.port),
    ):
        try:
            done = subprocess.run(
                [str(ROOT / "examples/from-laptop-to-production"), str(folder)],
                env={
                    **{key: value for key, value in os.environ.items() if not key.startswith("XDG_")},
                    "PATH": f"{programs}:{os.environ['PATH']}",
                    "PYTHONPATH": str(ROOT),
                    "NAME": name,
                    "REGISTRY": f"{registry.address}/team",
                    "PRODUCTION": production.host,
                },
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                text=True, check=False, timeout=850,
            )  # fmt: skip
            left = production.docker("volume", "ls", "--quiet")
        finally:
            remove_project(name)
            registry.forget_on_engine()
    assert done.returncode == 0, done.stdout[-6000:]
    assert left == "", "it removes what it has made"
    _holds(done.stdout, folder)


def _holds(told: str, folder: Path) -> None:
    # What production runs is what is locked, until somebody changes it.
    assert "prod runs as it is locked" in told
    assert "tracking-1: mem_limit 1536m -> 900m" in told
    assert "captured 4 services: api, db, gateway, tracking" in told
    assert "569 rows, model version 1: the same" in told
    answers = [json.loads((folder / f"{which}.json").read_text()) for which in ("production", "copy")]
    assert answers[0] == answers[1]
    assert len(answers[0]["predictions"]) == 569
    report = (folder / "fidelity.md").read_text()
    counts = re.search(r"(\d+) same, (\d+) substituted, (\d+) unknown", report)
    assert counts is not None
    same, substituted, _ = map(int, counts.groups())
    assert same > 100
    assert substituted >= 4
    assert re.search(r"service api \| image \| sha256:[0-9a-f]{64}", report)
    assert re.search(r"secret db\\_password \| content \| production.s \| generated \| secrets", report)
