"""What is kept of a render counts only while nothing that it came from has changed."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.secrets.store import SecretStore
from envman.state import cache as cache_module
from envman.state.cache import Entry
from envman.state.checkout import open_checkout
from envman.state.ports import write_ports
from envman.state.selection import Selection, write_selection

BASE = """
    abstract: true
    variables:
      level: {type: enum, values: [debug, info, warning], default: info, env: LOG_LEVEL}
      workers: {type: int, default: 2}
      http_port: {type: port, default: auto}
      HOST_NAME: {type: string}
      QUEUE_TAG: {type: string}
    services:
      api:
        image: "api:1"
        environment: {LEVEL: "${level}", WORKERS: "${workers}", PROJECT: "${ENVMAN_PROJECT}"}
        env_file: [api.env]
        secrets: [db, token]
        ports: [{name: http, target: 80, published: "${http_port}"}]
        volumes: ["./src:/src:ro", "./data:/data"]
        user: "1000"
    secrets:
      db: {source: generate}
      token: {source: env, variable: TOKEN, optional: true}
      authorities: {source: file, path: ca.pem, optional: true}
"""
DEV = """
    extends: base
    include:
      - parts/queue/compose.yaml
      - {path: [parts/mail.yaml, parts/mail.local.yaml], env_file: parts/mail.env}
    services:
      cron:
        extends: {service: job, file: common/jobs.yaml}
      worker:
        build: {context: docker, dockerfile: Dockerfile}
        secrets: [authorities]
"""
QUEUE = """
    services:
      queue:
        image: "queue:${QUEUE_TAG:-1}"
        env_file: [queue.env]
        extends: {file: ../../common/jobs.yaml, service: quiet}
"""
JOBS = """
    services:
      job: {image: "job:1", volumes: ["./spool:/spool"], environment: {HOSTNAME_OF: "$OUTER"}}
      quiet: {logging: {driver: none}}
"""


@dataclass
class Project:
    root: Path
    environ: dict[str, str]
    arguments: list[str] = field(default_factory=lambda: ["render", "dev"])

    @property
    def state(self) -> Path:
        return open_checkout(self.root, "churn", self.environ).state

    @property
    def entries(self) -> list[Path]:
        return sorted(Path(self.environ["XDG_CACHE_HOME"]).glob("envman/renders/*.json"))

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def set(self, name: str, value: str) -> None:
        self.environ[name] = value


@dataclass
class Outcome:
    status: int
    out: str
    err: str


@pytest.fixture
def render(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    def call(project: Project, *more: str, **environ: str) -> Outcome:
        invocation = Invocation(directory=project.root, environ={**project.environ, **environ})
        status = run(invocation, [*project.arguments, "--output", "-", *more])
        return Outcome(status, *capfd.readouterr())

    return call


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "churn"
    root.mkdir()
    names = ("XDG_STATE_HOME", "XDG_CACHE_HOME", "HOME", "NO_COLOR")
    made = Project(root, {name: os.environ[name] for name in names if name in os.environ})
    made.write("envman.yaml", "name: churn\nlanguage: 1\n")
    made.write("blueprints/base.yaml", BASE)
    made.write("blueprints/dev.yaml", DEV)
    made.write("api.env", "A=1\n")
    made.write(".env", "UNUSED=1\nHOST_NAME=${NAME_OF_HOST:-there}\n")
    made.write("docker/Dockerfile", "FROM scratch\n")
    made.write("src/api.py", "")
    made.write("data/rows", "")
    made.write("parts/queue/compose.yaml", QUEUE)
    made.write("parts/queue/queue.env", "Q=1\n")
    made.write("parts/mail.yaml", 'services: {mail: {image: "mail:${MAIL_TAG}"}}\n')
    made.write("parts/mail.local.yaml", "services: {mail: {read_only: true}}\n")
    made.write("parts/mail.env", "MAIL_TAG=1\n")
    made.write("common/jobs.yaml", JOBS.replace("$OUTER", "${HOST_NAME:-none}"))
    made.write("common/spool/job", "")
    return made


@pytest.fixture
def recalled(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each look into the cache found something."""
    found: list[bool] = []
    recall = Entry.recall

    def spied(self: Entry) -> Any:
        kept = recall(self)
        found.append(kept is not None)
        return kept

    monkeypatch.setattr(Entry, "recall", spied)
    return found


def edit(name: str, old: str, new: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        path = project.root / name
        text = path.read_text()
        assert old in text
        status = path.stat()
        path.write_text(text.replace(old, new))
        # As an edit within the clock's resolution would leave it.
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return change


def settled(project: Project) -> None:
    store = SecretStore.of(project.state, "dev")
    store.write("db", "first")
    store.fingerprint("db")  # makes the key: a render that makes it has changed what it came from


def other_secret(project: Project) -> None:
    SecretStore.of(project.state, "dev").write("db", "second")


def lose_checkout(project: Project) -> None:
    shutil.rmtree(project.root / ".envman")
    shutil.rmtree(project.environ["XDG_STATE_HOME"])


SEEN: dict[str, Callable[[Project], None]] = {
    "the environment's blueprint": edit("blueprints/dev.yaml", "worker:", "batch:"),
    "a parent": edit("blueprints/base.yaml", "api:1", "api:2"),
    "the project's name": edit("envman.yaml", "churn", "other"),
    "an env file": edit("api.env", "A=1", "A=2"),
    ".env": lambda project: project.write(".env", "level=debug\nLOG_LEVEL=debug\n"),
    ".env.dev that was not there": lambda project: project.write(".env.dev", "LOG_LEVEL=debug\n"),
    "a variable of the process": lambda project: project.set("LOG_LEVEL", "warning"),
    "a setting": lambda project: project.arguments.extend(["--set", "workers=3"]),
    "the instance": lambda project: project.arguments.extend(["--instance", "bob"]),
    "the instance in the environment": lambda project: project.set("ENVMAN_INSTANCE", "bob"),
    "the chosen instance": lambda project: write_selection(project.state, Selection("dev", "bob")),
    "a recorded port": lambda project: write_ports(project.state, "dev", {("api", "http"): 23456}),
    "another environment's port": lambda project: write_ports(
        project.state, "prod", {("api", "http"): int(published(project))}
    ),
    "a secret's value": other_secret,
    "a secret from the environment": lambda project: project.set("TOKEN", "t"),
    "a secret from a file": lambda project: project.write("ca.pem", "x"),
    "a Dockerfile that went": lambda project: (project.root / "docker" / "Dockerfile").unlink(),
    "a folder that went": lambda project: shutil.rmtree(project.root / "src"),
    "an env file that went": lambda project: (project.root / "api.env").unlink(),
    "a blueprint that went": lambda project: (project.root / "blueprints" / "base.yaml").unlink(),
    "a mistake": lambda project: project.write("blueprints/dev.yaml", "extends: base\nservices: []\n"),
    "an included file": edit("parts/queue/compose.yaml", "queue:$", "broker:$"),
    "a second file of an include": edit("parts/mail.local.yaml", "true", "false"),
    "a file that a service extends": edit("common/jobs.yaml", "job:1", "job:2"),
    "a file that an included service extends": edit("common/jobs.yaml", "driver: none", "driver: local"),
    "an include's env file": edit("parts/mail.env", "1", "2"),
    "an include's .env that was not there": lambda project: project.write("parts/queue/.env", "QUEUE_TAG=2\n"),
    "an include's .env that leads nowhere": lambda project: (project.root / "parts" / "mail.env").unlink(),
    "an env file of an included service": edit("parts/queue/queue.env", "Q=1", "Q=2"),
    "an env file of an included service that went": lambda project: (project.root / "parts/queue/queue.env").unlink(),
    "an included file that went": lambda project: (project.root / "parts" / "mail.yaml").unlink(),
    "an extended file that went": lambda project: (project.root / "common" / "jobs.yaml").unlink(),
    "an included file that became a link": lambda project: became_a_link(project, "parts/mail.yaml"),
    "a bind that an extended service brings, which went": lambda project: shutil.rmtree(project.root / "common/spool"),
    "a bind that went": lambda project: shutil.rmtree(project.root / "data"),
    ".env that leads nowhere": lambda project: leads_nowhere(project, ".env"),
    ".env.dev that leads nowhere": lambda project: leads_nowhere(project, ".env.dev"),
    "an env file that became a FIFO": lambda project: became_a_fifo(project, "api.env"),
    "an env file that became too large": lambda project: project.write("api.env", "A=1\n" * 1_100_000),
    "a variable that .env refers to": lambda project: project.set("NAME_OF_HOST", "here"),
    "annotations": lambda project: project.arguments.append("--annotate"),
    "a lost checkout": lose_checkout,
    "another state folder": lambda project: project.set("XDG_STATE_HOME", project.environ["XDG_STATE_HOME"] + "2"),
}


def became_a_link(project: Project, name: str) -> None:
    path = project.root / name
    outside = project.root.parent / path.name
    path.rename(outside)
    path.symlink_to(outside)


def leads_nowhere(project: Project, name: str) -> None:
    path = project.root / name
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def became_a_fifo(project: Project, name: str) -> None:
    path = project.root / name
    path.unlink()
    os.mkfifo(path)


def published(project: Project) -> str:
    render = (project.root / ".envman" / "dev" / "docker-compose.yml").read_text()
    return render.partition('published: "')[2].partition('"')[0]


@pytest.mark.parametrize("change", SEEN.values(), ids=SEEN)
def test_a_change_is_seen(
    project: Project,
    render: Callable[..., Outcome],
    recalled: list[bool],
    change: Callable[[Project], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    settled(project)
    run(Invocation(directory=project.root, environ=project.environ), ["render", "dev"])
    capfd.readouterr()
    before = render(project)
    assert (before.status, before.err) == (0, "")
    assert recalled[-1], "nothing was kept"
    change(project)
    after = render(project)
    fresh = render(project, "--no-cache")
    assert after == fresh
    assert after != before


UNSEEN: dict[str, Callable[[Project], None]] = {
    "nothing": lambda _: None,
    "a file that no blueprint names": lambda project: project.write("README.md", "x"),
    "a variable that nothing reads": lambda project: project.set("SHLVL", "7"),
    "a file beside an included one": lambda project: project.write("parts/queue/README.md", "x"),
    "another environment": lambda project: project.write("parts/other.yaml", "services: {}"),
    "a file inside a mounted folder": lambda project: project.write("src/more.py", "x"),
    "a render that went": lambda project: shutil.rmtree(project.root / ".envman" / "dev", ignore_errors=True),
}


@pytest.mark.parametrize("change", UNSEEN.values(), ids=UNSEEN)
def test_what_makes_no_difference_is_not_rendered_anew(
    project: Project, render: Callable[..., Outcome], recalled: list[bool], change: Callable[[Project], None]
) -> None:
    settled(project)
    before = render(project)
    change(project)
    assert render(project) == before
    assert recalled == [False, True]


def test_the_render_is_written_where_it_is_gone(project: Project, render: Callable[..., Outcome]) -> None:
    text = render(project).out
    assert run(Invocation(directory=project.root, environ=project.environ), ["render", "dev"]) == 0
    assert (project.root / ".envman" / "dev" / "docker-compose.yml").read_text() == text


def test_a_copied_checkout_is_not_taken_for_the_first(project: Project, render: Callable[..., Outcome]) -> None:
    before = render(project).out
    copy = project.root.parent / "copy"
    shutil.copytree(project.root, copy)
    other = render(Project(copy, project.environ)).out
    assert other != before
    assert render(project).out == before


def test_a_blueprint_that_became_a_link_out_of_the_project_is_refused(
    project: Project, render: Callable[..., Outcome]
) -> None:
    render(project)
    blueprint = project.root / "blueprints" / "dev.yaml"
    outside = project.root.parent / "dev.yaml"
    blueprint.rename(outside)
    blueprint.symlink_to(outside)
    after = render(project)
    assert (after.status, "EV007" in after.err) == (1, True)


def test_a_blueprint_that_became_a_fifo_is_not_waited_for(project: Project, render: Callable[..., Outcome]) -> None:
    render(project)
    blueprint = project.root / "blueprints" / "dev.yaml"
    blueprint.unlink()
    os.mkfifo(blueprint)
    after = render(project)
    assert (after.status, "EV002" in after.err) == (1, True)


def test_another_envman_does_not_use_it(
    project: Project, render: Callable[..., Outcome], recalled: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    render(project)
    monkeypatch.setattr(cache_module, "code_fingerprint", lambda: "another")
    render(project)
    assert recalled == [False, False]


def test_the_fingerprint_changes_with_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "envman"
    (package / "state").mkdir(parents=True)
    (package / "state" / "cache.py").write_text("")
    (package / "other.py").write_text("1")
    monkeypatch.setattr(cache_module, "__file__", str(package / "state" / "cache.py"))
    first = cache_module.code_fingerprint()
    assert cache_module.code_fingerprint() == first
    (package / "other.py").write_text("22")
    assert cache_module.code_fingerprint() != first


def test_what_is_warned_of_is_warned_of_each_time(
    project: Project, render: Callable[..., Outcome], recalled: list[bool]
) -> None:
    shutil.rmtree(project.root / "src")
    first = render(project)
    assert "EV307" in first.err
    assert render(project) == first
    assert recalled == [False, False]


@pytest.mark.parametrize("arguments", [["--no-cache"], []])
def test_it_can_be_switched_off(
    project: Project, render: Callable[..., Outcome], recalled: list[bool], arguments: list[str]
) -> None:
    assert render(project, *arguments, **({} if arguments else {"ENVMAN_NO_CACHE": "1"})).status == 0
    assert recalled == []
    assert project.entries == []


def test_nobody_else_can_read_it_and_it_holds_no_secret(project: Project, render: Callable[..., Outcome]) -> None:
    settled(project)
    SecretStore.of(project.state, "dev").write("db", "first-secret-value")
    project.write(".env", "TOKEN=second-secret-value\n")
    project.set("TOKEN", "third-secret-value")
    render(project)
    (entry,) = project.entries
    assert (entry.stat().st_mode & 0o777, entry.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert "secret-value" not in entry.read_text()


def test_a_cache_that_cannot_be_written_is_no_problem(project: Project, render: Callable[..., Outcome]) -> None:
    blocked = Path(project.environ["XDG_CACHE_HOME"])
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("a file")
    assert render(project).status == 0


def test_only_so_many_are_kept(
    project: Project, render: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "_KEPT", 2)
    for number in range(1, 5):
        render(project, "--set", f"workers={number}")
    assert len(project.entries) == 2


def mangle(data: bytes, position: int, kind: str) -> bytes:
    position %= len(data)
    if kind == "cut":
        return data[:position]
    if kind == "flip":
        return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
    return data[:position] + b"x" + data[position:]


@given(position=st.integers(min_value=0, max_value=10**6), kind=st.sampled_from(["cut", "flip", "insert"]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_broken_entry_is_ignored(project: Project, render: Callable[..., Outcome], position: int, kind: str) -> None:
    fresh = render(project, "--no-cache")
    render(project)
    (entry,) = project.entries
    entry.write_bytes(mangle(entry.read_bytes(), position, kind))
    assert render(project) == fresh


@pytest.mark.parametrize("body", [[], {}, {"code": 1}, {"code": None, "state": 3}, "x", None])
def test_an_entry_of_another_shape_is_ignored(project: Project, render: Callable[..., Outcome], body: Any) -> None:
    fresh = render(project)
    (entry,) = project.entries
    entry.write_bytes(b"seal\n" + json.dumps(body).encode())
    assert render(project) == fresh
