"""The demo ends what it starts, whatever happens. Its own nine steps are what `make demo` runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from stacks import await_true, docker

pytestmark = pytest.mark.engine
SCRIPTS = Path(__file__).parents[2] / "scripts"
BLUEPRINT = """
services:
  api:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    volumes: ["data:/data"]
    healthcheck: {test: [CMD, test, -f, /healthy], start_period: 60s, interval: 60s, start_interval: 100ms}
volumes: {data: null}
"""
# The demo's own machinery, with a small stack in place of the template's.
PROGRAM = f"""
import sys
sys.path.insert(0, sys.argv[1])
from demo import main

def make(demo):
    "Make."
    (demo.root / "blueprints").mkdir(parents=True)
    (demo.root / "envman.yaml").write_text(f"name: {{demo.name}}\\nlanguage: 1\\n")
    (demo.root / "blueprints/dev.yaml").write_text('''{BLUEPRINT}''')
    return "made"

def up(demo):
    "Up."
    demo.envman("up", "dev", "--timeout", sys.argv[2])
    return "up"

sys.exit(main([make, up]))
"""


def start(timeout: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(SCRIPTS), str(timeout)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def left_by(out: str) -> list[str]:
    """Return what the engine still has of the project that the demo says it made."""
    found = re.search(r"The project (demo-[0-9a-f]{6}) is made in (\S+),", out)
    assert found is not None, out
    assert not Path(found[2]).exists()
    ours = ("--filter", f"label=dev.envman.project={found[1]}")
    kinds = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))
    return [line for kind in kinds for line in docker(*kind, "--quiet", *ours).split()]


def test_after_a_step_that_fails_nothing_is_left_and_the_summary_says_which() -> None:
    out, err = start(timeout=1).communicate(timeout=120)
    assert "error[EV605]" in err
    assert re.search(r"^Make +\d+\.\d s  ok +made$", out, re.MULTILINE)
    assert re.search(r"^Up +\d+\.\d s  failed  `envman up dev --timeout` ended with status 1$", out, re.MULTILINE)
    assert left_by(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_after_an_interrupt_nothing_is_left(number: signal.Signals) -> None:
    process = start(timeout=100)
    assert process.stdout is not None
    first = process.stdout.readline()
    name = first.split()[2]
    running = ("ps", "--quiet", "--filter", f"label=dev.envman.project={name}")
    await_true(lambda: docker(*running) != "")
    process.send_signal(number)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "interrupted; the same command again goes on from what is there" in err
    assert "Traceback" not in err
    assert left_by(first + out) == []
