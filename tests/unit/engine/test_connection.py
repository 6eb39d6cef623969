"""What the engine's client raises, and the diagnostics that become of it."""

from __future__ import annotations

import errno
from typing import Any

import docker
import pytest
import requests
from docker.errors import APIError

from envman.diagnostics import Diagnostic, EnvmanError
from envman.engine.connection import connect, engine_errors
from envman.engine.endpoint import Endpoint

LOCAL = Endpoint("unix:///var/run/docker.sock", None, "the default")


def raised(error: Exception, *, connected: bool = True) -> Diagnostic:
    with pytest.raises(EnvmanError) as caught, engine_errors(LOCAL, connected=connected):
        raise error
    return caught.value.diagnostics[0]


def test_what_the_engine_refuses_is_told_in_its_own_words() -> None:
    diagnostic = raised(APIError("500", explanation="no space left on device."))
    assert (diagnostic.code, diagnostic.message) == ("EV410", "the engine refused: no space left on device")


def test_an_engine_that_goes_away_is_not_one_that_never_was() -> None:
    broken = requests.ConnectionError("aborted", ConnectionResetError(errno.ECONNRESET, "reset"))
    assert raised(broken).code == "EV408"
    assert raised(broken, connected=False).code == "EV401"


def test_an_old_engine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Old:
        class api:  # noqa: N801 - the client's attribute
            api_version = "1.41"

        def __init__(self, **options: Any) -> None:
            pass

    monkeypatch.setattr(docker, "DockerClient", Old)
    with pytest.raises(EnvmanError) as caught:
        _ = connect(LOCAL).api
    diagnostic = caught.value.diagnostics[0]
    assert (diagnostic.code, diagnostic.expected) == ("EV406", "API 1.44 (Docker 25) or newer")
    assert caught.value.exit_status == 3
