"""The start of the tracking server, which stands outside the package."""

import importlib.util
import stat
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def tracking_server() -> ModuleType:
    path = Path(__file__).parents[1] / "docker" / "tracking" / "tracking_server.py"
    spec = importlib.util.spec_from_file_location("tracking_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_sqlite_on_the_volume_without_a_database(tracking_server: ModuleType) -> None:
    assert tracking_server.backend_store_uri({}) == "sqlite:////mlflow/mlflow.db"


def test_postgresql_with_a_database(tracking_server: ModuleType) -> None:
    uri = tracking_server.backend_store_uri(
        {"DATABASE_HOST": "db", "DATABASE_USER": "a@b", "DATABASE_NAME": "runs"}
    )
    assert uri == "postgresql+psycopg://a%40b@db:5432/runs"


def test_the_password_is_only_in_a_file_of_its_own(
    tracking_server: ModuleType, tmp_path: Path
) -> None:
    file = tmp_path / "pgpass"
    for _ in range(2):  # a container may start again
        tracking_server.write_password_file("a:b\\c$d", file)
    assert file.read_text() == "*:*:*:*:a\\:b\\\\c$d\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_hosts_that_are_answered(tracking_server: ModuleType) -> None:
    command = tracking_server.command({"TRACKING_ALLOWED_HOSTS": "tracking:5000"})
    assert "--allowed-hosts=tracking:5000,localhost:*,127.0.0.1:*" in command
    assert "--allowed-hosts=localhost:*,127.0.0.1:*" in tracking_server.command({})


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (403, False), (500, False)])
def test_health_is_what_the_api_says(
    tracking_server: ModuleType, status: int, *, healthy: bool
) -> None:
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass  # not a test's output

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request).start()
        assert tracking_server.is_healthy(server.server_port) is healthy
    assert asked == ["/api/2.0/mlflow/experiments/search"]
    assert not tracking_server.is_healthy(server.server_port)
