from __future__ import annotations

import os
import shutil

import pytest


@pytest.fixture(scope="session")
def compose(request: pytest.FixtureRequest) -> None:
    """Only where the docker command is: ``docker compose config`` needs no engine."""
    if shutil.which("docker") is None:
        if request.config.getoption("--require-engine") or os.environ.get("ENVMAN_REQUIRE_ENGINE"):
            pytest.fail("there is no docker command, and --require-engine was given")
        pytest.skip("there is no docker command")
