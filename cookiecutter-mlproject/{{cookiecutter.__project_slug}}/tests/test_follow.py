"""`serve --reload` as a process, while its source is edited."""

import json
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
from urllib.error import URLError
from urllib.request import urlopen

import pytest

import {{ cookiecutter.package_name }}
from {{ cookiecutter.package_name }}.follow import libraries

_PATIENCE_SECONDS = 60
_BEFORE = "Is a tumour benign or malignant?"
# An endpoint that is answered only when a file is there.
_SLOW = """
    @app.get("/slow")
    def slow() -> str:
        import pathlib, time
        pathlib.Path("begun").touch()
        while not pathlib.Path("may-end").exists():
            time.sleep(0.01)
        return settings.model_name

    return app
"""


class _Service(NamedTuple):
    """A service that follows a copy of the source, which tests may edit."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    @property
    def source(self) -> Path:
        return self.folder / "{{ cookiecutter.package_name }}" / "api.py"

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def get(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=_PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())

    def describes_itself(self, text: str) -> bool:
        try:
            return bool(json.loads(self.get("/openapi.json"))["info"]["description"] == text)
        except URLError:
            return False  # it has not begun to listen


def _await(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def service(tmp_path: Path, port: int) -> Iterator[_Service]:
    package = Path({{ cookiecutter.package_name }}.__file__).parent
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
            _await(lambda: service.describes_itself(_BEFORE))
            yield service
        finally:
            process.terminate()


def test_it_answers_with_what_was_edited_and_survives_mistakes(service: _Service) -> None:
    before = service.source.read_text()
    service.source.write_text(before.replace(_BEFORE, "Edited."))
    _await(lambda: service.describes_itself("Edited."))
    service.source.write_text("def create_app(")
    _await(lambda: "SyntaxError: " in service.log())
    service.source.write_text(before)
    _await(lambda: service.describes_itself(_BEFORE))


def test_a_request_that_has_begun_ends_and_so_does_the_service(service: _Service) -> None:
    before = service.source.read_text()
    service.source.write_text(before.replace("\n    return app\n", _SLOW).replace(_BEFORE, "Slow."))
    _await(lambda: service.describes_itself("Slow."))
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(service.get, "/slow")
        _await((service.folder / "begun").exists)
        service.source.write_text(before)
        _await(lambda: service.describes_itself(_BEFORE))
        assert not under_way.done()
        (service.folder / "may-end").touch()
        assert under_way.result(_PATIENCE_SECONDS)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(_PATIENCE_SECONDS) == 0
    with pytest.raises(URLError, match="refused"):
        service.get("/health/live")


def test_libraries_are_those_that_the_source_imports_wherever_it_does(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(
        "import json, os.path\nfrom . import two\ndef f():\n    from a.b import c\n"
    )
    (tmp_path / "two.py").write_text("import broken from (")
    assert libraries(tmp_path) == {"json", "os.path", "a.b"}
