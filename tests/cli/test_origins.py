"""What explain, diff and `render --annotate` write, to the letter.

Each file of ``origins`` is a command on its first line, the exit status on its second, then standard output. They
all work on ``origins/project``.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from envman.cli.invocation import Invocation
from envman.cli.main import run

CASES = Path(__file__).parent / "origins"
# Of a checkout, and so different in every run.
_CHANGING = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{12}\b")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in (CASES / "project").iterdir():
        target = tmp_path / path.name.replace("dot.", ".", 1)
        shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def invocation(**variables: str) -> Invocation:
    return Invocation(environ={"XDG_STATE_HOME": os.environ["XDG_STATE_HOME"], **variables})


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.glob("*.txt")))
def test_a_command_writes_this(
    case: str, project: Path, capsys: pytest.CaptureFixture[str], update_golden: bool
) -> None:
    golden = CASES / case
    command = golden.read_text().splitlines()[0]
    status = run(invocation(**({"LEVEL": "trace"} if case.startswith("variable") else {})), shlex.split(command)[1:])
    captured = capsys.readouterr()
    assert "error" not in captured.err
    output = _CHANGING.sub(lambda match: "#" * len(match[0]), captured.out)
    for folder, name in ((str(project), "DIR"), (os.environ["XDG_STATE_HOME"], "STATE")):
        output = output.replace(folder, name)
    shown = f"{command}\nexit status {status}\n\n{output}"
    if update_golden:
        golden.write_text(shown)
    assert shown == golden.read_text()
    assert "hunter2" not in shown


def result(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(invocation(), ["--format", "json", *arguments]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert {one["severity"] for one in document["diagnostics"]} <= {"warning"}
    found: dict[str, Any] = document["result"]
    return found


def test_a_code_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, "explain", "ev103")
    assert (found["code"], found["title"]) == ("EV103", "not a port mapping")
    assert found["page"].startswith("# EV103: not a port mapping\n")


def test_an_explanation_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, "explain", "prod", "api.environment.LEVEL")
    (value,) = found["values"]
    assert (found["environment"], found["path"]) == ("prod", "services.api.environment.LEVEL")
    assert (value["value"], value["by"], value["written"], value["variables"]) == (
        "warning",
        "blueprint",
        '"${level}"',
        ["level"],
    )
    assert (value["place"]["file"], value["place"]["line"], value["place"]["column"]) == (
        "blueprints/base.yaml",
        11,
        14,
    )
    variable = found["variables"]["level"]
    assert (variable["value"], variable["origin"], variable["place"]["file"]) == (
        "warning",
        "default",
        "blueprints/prod.yaml",
    )
    assert [one["origin"] for one in variable["overrides"]] == ["default"]


def test_a_difference_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = result(capsys, "diff", "dev", "prod", "api.deploy")
    assert (found["left"], found["right"], found["different"]) == ("dev", "prod", True)
    (one,) = found["differences"]
    assert (one["group"], one["service"], one["path"]) == ("resources", "api", "services.api.deploy.replicas")
    assert (one["left"]["present"], one["right"]["value"]) == (False, 3)
    assert one["right"]["place"]["file"] == "blueprints/prod.yaml"


def test_the_option_of_the_command_makes_json_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(invocation(), ["diff", "dev", "prod", "--format", "json", "--exit-code"]) == 5
    document = json.loads(capsys.readouterr().out)
    assert document["exit_status"] == 5
    assert document["result"]["different"]


def test_neither_a_path_nor_all_is_wrong_usage(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(invocation(), ["explain"]) == 2
    assert "--all" in capsys.readouterr().err


def test_a_path_into_the_chosen_environment(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(invocation(), ["use", "prod"]) == 0
    capsys.readouterr()
    assert run(invocation(), ["explain", "api.deploy.replicas"]) == 0
    assert capsys.readouterr().out == "services.api.deploy.replicas\n  3  blueprints/prod.yaml:7:24\n"


def test_an_annotated_render_is_written_where_renders_are(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(invocation(), ["render", "dev", "--annotate"]) == 0
    assert capsys.readouterr().out == ".envman/dev/docker-compose.yml\n"
    assert "# blueprints/base.yaml:" in (project / ".envman/dev/docker-compose.yml").read_text()


HOSTILE = 'services:\n  api:\n    image: x\n    labels: {"\\e[31mkey": "\\x9b31m\\e]0;title\\a"}\n'


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "a", "--all"],
        ["--format", "concise", "explain", "a", "--all"],
        ["diff", "a", "b"],
        ["diff", "a", "b", "--format", "markdown"],
        ["diff", "a", "b", "--format", "concise"],
        ["render", "a", "--annotate", "--output", "-"],
    ],
)
def test_no_value_drives_the_terminal(command: list[str], project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "blueprints/a.yaml").write_text(HOSTILE)
    (project / "blueprints/b.yaml").write_text(HOSTILE.replace("title", "other"))
    assert run(invocation(), command) == 0
    output = capsys.readouterr().out
    assert "31mkey" in output
    assert output.replace("\n", "").isprintable()


UNSET = """\
variables: {IMAGE: {type: string}, PORT: {type: string}, SECRET_KEY: {type: string}, CPUS: {type: string}}
services:
  api:
    image: "${IMAGE:?name one}"
    ports: ["${PORT:?}:80", "81"]
    command: [serve, "${PORT}"]
    cpus: ${CPUS:?}
    environment: {SECRET_KEY: "${SECRET_KEY:?}", LEVEL: %s}
"""


def test_what_lacks_a_variable_is_shown_as_unset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "envman.yaml").write_text("name: shop\nlanguage: 1\n")
    for name, level in (("dev", "debug"), ("prod", '"${SECRET_KEY:?}"')):
        (tmp_path / "blueprints" / f"{name}.yaml").write_text(UNSET % level)
    monkeypatch.chdir(tmp_path)
    found = {one["path"]: one for one in result(capsys, "explain", "dev", "api")["values"]}
    unset = {path.removeprefix("services.api.") for path, one in found.items() if one["unset"]}
    assert unset == {"image", "ports[0].published", "cpus", "environment.SECRET_KEY"}
    assert found["services.api.command"]["value"] == ["serve", "${PORT}"]
    assert found["services.api.ports[1].target"]["value"] == 81
    assert run(invocation(), ["explain", "dev", "api.image"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [
        "(unset)", "blueprints/dev.yaml:4:12", '"${IMAGE:?name', 'one}"'
    ]  # fmt: skip
    assert run(invocation(CPUS="2"), ["diff", "dev", "prod"]) == 0
    assert capsys.readouterr().out == (
        "dev and prod differ in 1 value\n\nenvironment\n  api.environment.LEVEL\n"
        '    dev   "debug"  blueprints/dev.yaml:8:57\n'
        "    prod  (unset)  blueprints/prod.yaml:8:57, SECRET_KEY has no value\n"
    )
    # A mistake is one still, and so is a value that is missing where something is to run.
    assert run(invocation(), ["render", "dev", "-o", "-"]) == 1
    assert "EV208" in capsys.readouterr().err
    (tmp_path / "blueprints" / "dev.yaml").write_text(UNSET % '"${GONE:?}"')
    assert run(invocation(), ["explain", "dev", "api"]) == 1
    assert "EV203" in capsys.readouterr().err
