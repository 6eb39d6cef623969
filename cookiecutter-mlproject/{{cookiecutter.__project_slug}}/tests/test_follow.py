"""`serve --reload` as a process, while its source is edited."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from {{ cookiecutter.package_name }} import api
from {{ cookiecutter.package_name }}.follow import libraries

_PATIENCE_SECONDS = 60
# What an edit adds: an endpoint, and one that is answered only when a file is there.
_ADDED = """
    @app.get("/added")
    def added() -> None:
        pass

    @app.get("/slow")
    def slow() -> None:
        import pathlib, time
        pathlib.Path("begun").touch()
        while not pathlib.Path("may-end").exists():
            time.sleep(0.01)

    return app
"""


class _Service(NamedTuple):
    """A service that follows a copy of the source, which tests may edit."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def status(self, path: str) -> int:
        """Give the status of an answer, 0 where there is none.

        A process that is told to end closes what it has accepted and not read yet.
        """
        url = f"http://127.0.0.1:{self.port}{path}"
        try:
            with urlopen(url, timeout=_PATIENCE_SECONDS) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code
        except OSError:
            return 0

    def edit(self, source: str) -> None:
        (self.folder / "{{ cookiecutter.package_name }}" / "api.py").write_text(source)


def _await(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def service(tmp_path: Path, port: int) -> Iterator[_Service]:
    package = Path(api.__file__).parent
    shutil.copytree(package, tmp_path / package.name)
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "{{ cookiecutter.package_name }}.serve", "--reload"],
            cwd=tmp_path,
            env={
                **os.environ,
                "HOST": "127.0.0.1",
                "PORT": str(port),
                "MODEL_FOLDER": str(tmp_path / "models"),
                # Compiled files are told apart by seconds, in which a test edits twice.
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdout=log,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        service = _Service(process, tmp_path, port)
        try:
            _await(lambda: service.status("/health/live") == 200)
            yield service
        finally:
            process.terminate()


@pytest.fixture
def source() -> str:
    return Path(api.__file__).read_text()


@pytest.fixture
def edited(source: str) -> str:
    return source.replace("\n    return app\n", _ADDED)


def test_it_answers_with_what_was_edited_and_survives_mistakes(
    service: _Service, source: str, edited: str
) -> None:
    assert service.status("/added") == 404
    service.edit(edited)
    _await(lambda: service.status("/added") == 200)
    service.edit("def create_app(")
    _await(lambda: "SyntaxError: " in service.log())
    service.edit(source)
    _await(lambda: service.status("/added") == 404)


def test_a_request_that_has_begun_ends_and_so_does_the_service(
    service: _Service, source: str, edited: str
) -> None:
    service.edit(edited)
    _await(lambda: service.status("/added") == 200)
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(service.status, "/slow")
        _await((service.folder / "begun").exists)
        service.edit(source)
        _await(lambda: service.status("/added") == 404)
        assert not under_way.done()
        (service.folder / "may-end").touch()
        assert under_way.result(_PATIENCE_SECONDS) == 200
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(_PATIENCE_SECONDS) == 0
    assert service.status("/health/live") == 0


def test_libraries_are_those_that_the_source_imports_wherever_it_does(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "import json, os.path\nfrom . import two\ndef f():\n    from a.b import c\n"
    )
    (tmp_path / "two.py").write_text("import broken from (")
    assert libraries(tmp_path) == {"json", "os.path", "a.b"}
