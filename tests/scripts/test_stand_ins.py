"""The contracts of the base images that blueprints use. The official images pass these as well as our stand-ins."""

from __future__ import annotations

import re
import subprocess
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

Run = Callable[..., str]


def docker(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=120)
    if check and done.returncode:
        raise AssertionError(f"docker {' '.join(arguments)}\n{done.stdout}{done.stderr}")
    return done


@pytest.fixture
def start() -> Iterator[Run]:
    """Start containers that end, volumes and all, with the test."""
    names: list[str] = []

    def run(*arguments: str) -> str:
        name = f"envman-test-{uuid.uuid4().hex[:12]}"
        names.append(name)
        docker("run", "--detach", "--name", name, *arguments)
        return name

    yield run
    for name in names:
        docker("rm", "--force", "--volumes", name)


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"envman-test-{uuid.uuid4().hex[:12]}"
    docker("volume", "create", name)
    yield name
    docker("volume", "rm", "--force", name)


def healthy(name: str) -> bool:
    """Wait for the container's health; containers that ended are not healthy."""
    script = (
        'docker events --filter container="$1" --filter event=health_status --filter event=die --format "{{.Action}}"'
    )
    with subprocess.Popen(["sh", "-c", f"exec {script}", "sh", name], stdout=subprocess.PIPE, text=True) as events:
        try:
            # The events that came before we listened are not told again, so the state counts first.
            state = docker("inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", name).stdout.split()
            if state != ["running", "starting"]:
                return state == ["running", "healthy"]
            assert events.stdout is not None
            return events.stdout.readline().strip() == "health_status: healthy"
        finally:
            events.terminate()


def health(command: str) -> list[str]:
    return ["--health-cmd", command, "--health-interval", "200ms", "--health-start-period", "60s"]


SEAWEEDFS = "chrislusf/seaweedfs:4.48"
POSTGRES_READY = "pg_isready --host 127.0.0.1 --username ml --dbname tracking"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text("pa$$ w'ord\n")
    path.chmod(0o444)
    return path


def postgres(secret: Path, *more: str) -> list[str]:
    variables = ("POSTGRES_USER=ml", "POSTGRES_DB=tracking", "POSTGRES_PASSWORD_FILE=/run/secrets/password")
    return [
        *(word for variable in variables for word in ("--env", variable)),
        *("--volume", f"{secret}:/run/secrets/password:ro"),
        *health(POSTGRES_READY),
        *more,
        "postgres:17",
    ]


def query(name: str, sql: str, password: str = "pa$$ w'ord") -> subprocess.CompletedProcess[str]:
    # By the container's own address, as only from there a password is asked for.
    script = 'psql --host "$(hostname -i)" --username ml --dbname tracking --no-align --tuples-only --command "$1"'
    return docker("exec", "--env", f"PGPASSWORD={password}", name, "sh", "-c", script, "sh", sql, check=False)


@pytest.mark.parametrize("user", [[], ["--user", "999:999"]], ids=["started as root", "started as 999"])
def test_postgres_takes_its_password_from_a_file_and_runs_as_999(start: Run, secret: Path, user: list[str]) -> None:
    name = start(*postgres(secret, *user))
    assert healthy(name), docker("logs", name)
    assert query(name, "select current_user || ' ' || current_database()").stdout == "ml tracking\n"
    assert query(name, "select 1", password="wrong").returncode == 2, "from outside the password counts"
    assert docker("exec", name, "stat", "--format", "%u:%g", "/proc/1").stdout == "999:999\n"
    assert docker("exec", name, "stat", "--format", "%U %a", "/var/lib/postgresql/data").stdout == "postgres 700\n"


def test_postgres_keeps_its_data_and_prepares_it_once(volume: str, start: Run, secret: Path, tmp_path: Path) -> None:
    initial = tmp_path / "initial"
    initial.mkdir()
    (initial / "1.sql").write_text("create table runs (id int); insert into runs values (1);")
    (initial / "2.sh").write_text(
        'psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --command "insert into runs values (2)"'
    )
    mounts = ["--volume", f"{volume}:/var/lib/postgresql/data", "--volume", f"{initial}:/docker-entrypoint-initdb.d:ro"]
    first = start(*postgres(secret, *mounts))
    assert healthy(first), docker("logs", first)
    query(first, "insert into runs values (3)")
    docker("stop", first)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", first).stdout == "0\n", "SIGINT ends it cleanly"

    second = start(*postgres(secret, *mounts))
    assert healthy(second), docker("logs", second)
    assert query(second, "select string_agg(id::text, ' ' order by id) from runs").stdout == "1 2 3\n"


def test_postgres_without_a_password_refuses_to_start() -> None:
    done = docker("run", "--rm", "postgres:17", check=False)
    assert done.returncode == 1
    assert "superuser password is not specified" in done.stderr


def test_postgres_refuses_a_variable_and_its_file_at_once() -> None:
    variables = ["--env", "POSTGRES_PASSWORD=x", "--env", "POSTGRES_PASSWORD_FILE=/etc/hostname"]
    done = docker("run", "--rm", *variables, "postgres:17", check=False)
    assert done.returncode == 1
    assert "both POSTGRES_PASSWORD and POSTGRES_PASSWORD_FILE are set (but are exclusive)" in done.stderr


def test_postgres_can_dump(start: Run, secret: Path) -> None:
    name = start(*postgres(secret))
    assert healthy(name), docker("logs", name)
    assert "PostgreSQL database dump" in docker("exec", name, "pg_dump", "--username", "ml", "tracking").stdout


SITE = textwrap.dedent(
    """
    server {
        listen 8080;
        location /health { return 200 "fine"; }
        location / { root /usr/share/nginx/html; index index.html; }
    }
    """
)


@pytest.mark.parametrize("user", [[], ["--user", "101:101"]], ids=["started as root", "started as 101"])
def test_nginx_serves_on_a_read_only_root(start: Run, tmp_path: Path, user: list[str]) -> None:
    site = tmp_path / "default.conf"
    site.write_text(SITE)
    name = start(
        *("--read-only", "--tmpfs", "/var/cache/nginx:uid=101,gid=101", "--tmpfs", "/run:uid=101,gid=101", *user),
        *("--volume", f"{site}:/etc/nginx/conf.d/default.conf:ro"),
        "nginx:1.28",
    )
    page = docker(
        "run", "--rm", "--network", f"container:{name}", "busybox:1.37", "wget", "-qO-", "http://127.0.0.1:8080/health"
    )
    assert page.stdout == "fine"
    assert "GET /health" in docker("logs", name).stdout
    docker("stop", name)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout == "0\n", "SIGQUIT ends it cleanly"


def test_nginx_works_for_user_101(start: Run) -> None:
    name = start("nginx:1.28")
    assert docker("exec", name, "id", "-u", "nginx").stdout == "101\n"
    assert docker("exec", name, "nginx", "-t").stderr.endswith("test is successful\n")


def test_python_makes_virtual_environments_and_installs_into_itself() -> None:
    script = """
        set -eu
        test "$(command -v python)" = /usr/local/bin/python
        test "$(command -v python3)" = /usr/local/bin/python3
        test "$(command -v pip)" = /usr/local/bin/pip
        python -c 'import sys; assert sys.version_info[:2] == (3, 13); import ssl, sqlite3, ctypes, lzma, zoneinfo'
        python -m venv /tmp/venv
        /tmp/venv/bin/pip --version
        mkdir -p /tmp/package && cd /tmp/package
        printf '%s\\n' '[project]' 'name = "own"' 'version = "1"' > pyproject.toml
        test -s /etc/ssl/certs/ca-certificates.crt
        pip install --no-index --dry-run pip
        ! pip list 2>&1 | grep -i externally
    """
    done = docker("run", "--rm", "python:3.13-slim", "sh", "-c", script, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_python_has_no_command_but_itself() -> None:
    assert (
        docker("inspect", "--format", "{{json .Config.Cmd}} {{.Config.User}}", "python:3.13-slim").stdout
        == '["python3"] \n'
    )


def test_busybox_serves_and_fetches(start: Run) -> None:
    name = start("busybox:1.37", "sh", "-c", "echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp")
    # Its wget does not try again, and the server may be a moment late.
    fetch = "for try in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:8080/ && exit; usleep 200000; done; exit 1"
    assert docker("exec", name, "sh", "-c", fetch).stdout == "hello\n"


@pytest.mark.parametrize("applet", ["sh", "httpd", "nc", "wget", "sleep", "tar", "awk", "vi", "sha256sum"])
def test_busybox_has(applet: str) -> None:
    docker("run", "--rm", "busybox:1.37", "which", applet)


def test_prometheus_runs_as_nobody_and_keeps_its_data_where_volumes_are_mounted(volume: str, start: Run) -> None:
    hard = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--volume", f"{volume}:/prometheus")
    name = start(*hard, *health("wget -q --spider http://127.0.0.1:9090/-/ready"), "prom/prometheus:v2.53.3")
    assert healthy(name), docker("logs", name)
    assert docker("exec", name, "stat", "-c", "%u:%g", "/proc/1").stdout == "65534:65534\n"
    assert "wal" in docker("exec", name, "ls", "/prometheus").stdout.split()
    docker("stop", name)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout == "0\n", "SIGTERM ends it cleanly"


def test_prometheus_brings_promtool() -> None:
    checked = (
        "--entrypoint",
        "promtool",
        "prom/prometheus:v2.53.3",
        "check",
        "config",
        "/etc/prometheus/prometheus.yml",
    )
    assert "SUCCESS" in docker("run", "--rm", *checked).stdout


def test_the_exporter_of_postgres_takes_its_password_from_a_file(start: Run, secret: Path) -> None:
    # It takes passwords neither with spaces nor with apostrophes.
    secret.write_text("pa$$word\n")
    database = start(*postgres(secret))
    assert healthy(database), docker("logs", database)
    # That the server trusts its own address says nothing of the password, so it is asked for by another.
    address = docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", database).stdout.strip()
    variables = (
        f"DATA_SOURCE_URI={address}:5432/tracking?sslmode=disable",
        *("DATA_SOURCE_USER=ml", "DATA_SOURCE_PASS_FILE=/run/secrets/password"),
    )
    name = start(
        *(word for variable in variables for word in ("--env", variable)),
        *("--read-only", "--cap-drop", "ALL", "--volume", f"{secret}:/run/secrets/password:ro"),
        *health("wget -qO- http://127.0.0.1:9187/metrics | grep -q '^pg_up 1'"),
        "prometheuscommunity/postgres-exporter:v0.17.1",
    )
    assert healthy(name), docker("logs", name)
    assert docker("inspect", "--format", "{{.Config.User}}", name).stdout.strip() in {"65534:65534", "nobody"}


def test_the_exporter_of_nginx_tells_that_there_is_none(start: Run) -> None:
    name = start("--read-only", "--cap-drop", "ALL", "nginx/nginx-prometheus-exporter:1.4")
    fetch = (
        "for try in 1 2 3 4 5 6 7 8 9; do wget -qO- http://127.0.0.1:9113/metrics && exit; usleep 200000; done; exit 1"
    )
    page = docker("run", "--rm", "--network", f"container:{name}", "busybox:1.37", "sh", "-c", fetch).stdout
    assert re.search(r"^nginx_up 0$", page, re.MULTILINE)


def test_seaweedfs_is_one_program_that_serves_s3_as_its_user_on_a_read_only_root(start: Run) -> None:
    hard = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--user", "1000:1000")
    # Its entry point, which starts as root, would give the folder to the user.
    folder = ("--tmpfs", "/data:uid=1000,gid=1000")
    serve = ("weed", SEAWEEDFS, "mini", "-dir=/data", "-bucket=b", "-ip=127.0.0.1", "-ip.bind=0.0.0.0")
    asked = health("wget -q -O /dev/null http://127.0.0.1:8333/healthz")
    name = start(*hard, *folder, *asked, "--entrypoint", *serve)
    assert healthy(name), docker("logs", name)
    assert docker("exec", name, "id", "-un").stdout == "seaweed\n"
    assert docker("exec", name, "stat", "-c", "%u:%g", "/proc/1").stdout == "1000:1000\n"
    assert "version 8000GB 4.48 " in docker("exec", name, "weed", "version").stdout
    docker("stop", name)
    assert docker("inspect", "--format", "{{.State.ExitCode}}", name).stdout == "0\n", "SIGTERM ends it cleanly"
