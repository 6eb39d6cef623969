"""`--format json`: one document, whatever happens. Its shapes are what programs rely on."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from called import Envman, without_engine


def result(envman: Envman, *words: str) -> Any:
    document = envman("--format", "json", *words).document
    assert list(document) == ["exit_status", "diagnostics", "result"]
    assert document["exit_status"] == 0
    assert document["diagnostics"] == []
    return document["result"]


def test_check(envman: Envman) -> None:
    assert result(envman, "check") == {"environments": ["dev", "prod"], "errors": 0, "warnings": 0}
    assert result(envman, "check", "dev") == {"environments": ["dev"], "errors": 0, "warnings": 0}


def test_render(envman: Envman, project: Path) -> None:
    file = str(project / ".envman/dev/docker-compose.yml")
    assert result(envman, "render", "dev") == {"environment": "dev", "file": file}
    shown = result(envman, "render", "dev", "--output", "-")
    assert shown == {"environment": "dev", "text": Path(file).read_text()}


def test_use(envman: Envman) -> None:
    assert result(envman, "use") == {"environment": None, "instance": None}
    assert result(envman, "use", "dev", "--instance", "two") == {"environment": "dev", "instance": "two"}
    assert result(envman, "use") == {"environment": "dev", "instance": "two"}


def test_secrets(envman: Envman, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"secret": "token", "source": "generate", "stored": False}
    assert result(envman, "secrets", "list", "dev") == [missing]
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter2\n"))
    assert result(envman, "secrets", "set", "dev", "token") == {
        "environment": "dev",
        "secret": "token",
        "changed": True,
    }
    assert result(envman, "secrets", "list", "dev") == [{**missing, "stored": True}]
    assert result(envman, "secrets", "show", "dev", "token") == {
        "environment": "dev",
        "secret": "token",
        "value": "hunter2",
    }


def test_init(envman: Envman, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    made = result(envman, "-C", str(folder), "init")
    assert made["folder"] == str(folder)
    assert "envman.yaml" in made["files"]
    assert all((folder / name).is_file() for name in made["files"])


def test_new(envman: Envman, tmp_path: Path) -> None:
    made = result(envman, "-C", str(tmp_path), "new", "fraud", "--no-input", "--no-git")
    assert made == {"project": "fraud", "folder": str(tmp_path / "fraud")}
    assert (tmp_path / "fraud/envman.yaml").is_file()


def test_what_is_wrong_is_in_the_document(envman: Envman, project: Path) -> None:
    (project / "blueprints/dev.yaml").write_text("services:\n  api: {imge: b, image: c}\n")
    done = envman("--format", "json", "check", "dev", status=1)
    assert done.document == {
        "exit_status": 1,
        "diagnostics": [
            {
                "code": "EV105",
                "severity": "error",
                "title": "unknown attribute",
                "message": 'unknown attribute "imge" in services.api',
                "place": {"file": "blueprints/dev.yaml", "line": 2, "column": 9, "end_line": 2, "end_column": 13},
                "expected": 'did you mean "image"?',
                "notes": [],
                "help": "start the name with x- if it is an extension of your own",
                "detail": "",
            }
        ],
        "result": {"environments": ["dev"], "errors": 1, "warnings": 0},
    }


@pytest.mark.parametrize(
    ("words", "status", "code"),
    [
        (["render", "nope"], 1, "EV003"),
        (["bogus"], 2, "EV902"),
        (["render", "--bogus"], 2, "EV902"),
        (["--bogus"], 2, "EV902"),
        ([], 2, "EV902"),
        (["secrets"], 2, "EV902"),
        (["up", "--timeout", "soon"], 2, "EV902"),
    ],
)
def test_a_failure_is_a_document_too(envman: Envman, words: list[str], status: int, code: str) -> None:
    document = envman("--format", "json", *words, status=status).document
    assert document["exit_status"] == status
    assert document["result"] is None
    assert [one["code"] for one in document["diagnostics"]] == [code]


def test_an_engine_that_is_away_is_one_as_well(envman: Envman) -> None:
    document = without_engine(envman, "--format", "json", "status").document
    assert document["exit_status"] == 3
    assert [one["code"] for one in document["diagnostics"]] == ["EV401"]


def test_warnings_come_with_a_result(envman: Envman, project: Path) -> None:
    text = "services: {api: {image: b, environment: {A: {secret: s}}}}\nsecrets: {s: {source: generate}}\n"
    (project / "blueprints/dev.yaml").write_text(text)
    document = envman("--format", "json", "render", "dev").document
    assert [(one["code"], one["severity"]) for one in document["diagnostics"]] == [("EV309", "warning")]
    assert document["result"]["environment"] == "dev"


def test_a_document_can_be_written_whatever_it_says(envman: Envman, project: Path) -> None:
    (project / "blueprints/dev.yaml").write_text("services: {api: {image: b, 名前: 値}}\n")
    done = envman("--format", "json", "check", "dev", "\udcff", status=1)
    assert done.out.encode()
    assert '"名前"' in done.document["diagnostics"][0]["message"]
