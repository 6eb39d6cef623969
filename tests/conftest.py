"""What all tests share: options, the isolation of the user's own folders, and the gate of the engine tests."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

# Sockets lie in temporary folders of tests' own, and may have no long path: this looks it up before any test changes it.
tempfile.gettempdir()
# In the background of a script, or under `nohup`, these are ignored; what tests start would inherit that.
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)

# The longest files first: where tests run on several workers, none of these is begun when all others are done.
LONGEST = ("main_job", "snapshots", "reproduce", "stories", "switch", "faults", "images", "lock", "rolling", "leaving")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("envman")
    group.addoption("--require-engine", action="store_true", help="fail, rather than skip, where no engine answers")
    group.addoption("--update-golden", action="store_true", help="write the golden files anew")


def engine_answers() -> bool:
    try:
        done = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    names = [f"test_{name}.py" for name in LONGEST]
    items.sort(key=lambda item: names.index(item.path.name) if item.path.name in names else len(names))
    engine_items = [item for item in items if item.get_closest_marker("engine")]
    if not engine_items or engine_answers():
        return
    if config.getoption("--require-engine") or os.environ.get("ENVMAN_REQUIRE_ENGINE"):
        raise pytest.UsageError("no Docker engine answers, and the engine tests are required: see scripts/engine")
    for item in engine_items:
        item.add_marker(pytest.mark.skip(reason="no Docker engine answers"))


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep tests away from the state, cache, selection and registry map of whoever runs them."""
    home = tmp_path_factory.mktemp("xdg")
    # What is killed, or reports a bug, leaves its temporary files.
    (home / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(home / "tmp"))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    for name in [name for name in os.environ if name.startswith(("ENVMAN_INSTANCE", "COMPOSE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    return home


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
