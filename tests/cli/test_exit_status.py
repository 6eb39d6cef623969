"""0 done, 1 the input is wrong, 2 usage, 3 the engine refused or is away, 4 a bug, 5 differs, 130 interrupted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from called import Envman, without_engine

from envman.plan.plan import Action, Plan, Step


def test_done(envman: Envman) -> None:
    done = envman("check")
    assert done.out == "2 environments checked: nothing to complain about\n"
    assert done.err == ""


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["check", "nope"], "EV003"),
        (["render", "nope"], "EV003"),
        (["render", "base"], "EV009"),
        (["render"], "EV010"),
        (["render", "dev", "--set", "log_level"], "EV209"),
        (["render", "dev", "--set", "log_levle=info"], "EV209"),
        (["render", "dev", "--set", "log_level=loud"], "EV205"),
        (["render", "dev", "--instance", "a-b"], "EV004"),
        (["use", "nope"], "EV003"),
        (["secrets", "show", "dev", "nope"], "EV511"),
        (["secrets", "show", "dev", "token"], "EV504"),
        (["exec", "dev", "api"], "EV607"),
        (["-C", "/", "check"], "EV001"),
    ],
)
def test_the_input_is_wrong(envman: Envman, words: list[str], code: str) -> None:
    done = envman(*words, status=1)
    assert f"error[{code}]" in done.err
    assert done.out == "" or words[0] == "check"


def test_all_that_is_wrong_is_told_in_one_run(envman: Envman, project: Path) -> None:
    (project / "blueprints/dev.yaml").write_text("services: {api: {imge: b, user: 5}}\n")
    (project / "blueprints/prod.yaml").write_text("extends: bse\n")
    done = envman("check", status=1)
    assert [word for word in ("EV105", "EV106", "EV201") if word not in done.err] == []
    assert done.out == "2 environments checked: 3 errors\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--bogus"],
        ["bogus"],
        ["render", "--bogus"],
        ["render", "dev", "extra"],
        ["check", "--set"],
        ["--format", "xml", "check"],
        ["up", "--timeout", "soon"],
        ["up", "--timeout", "0"],
        ["secrets", "bogus"],
        ["secrets", "show", "dev"],
        ["new"],
        [],
    ],
)
def test_usage(envman: Envman, words: list[str]) -> None:
    done = envman(*words, status=2)
    assert done.out == ""
    assert done.err.startswith(("Usage: envman", "Error: Option"))


def test_a_misspelt_command_gets_a_near_match(envman: Envman) -> None:
    assert "'render'" in envman("rendr", status=2).err


@pytest.mark.parametrize(
    "words",
    [["status"], ["ps", "dev"], ["up", "dev"], ["down", "dev"], ["plan", "dev"], ["images", "dev"], ["volumes", "dev"]],
)
def test_the_engine_is_away(envman: Envman, words: list[str]) -> None:
    done = without_engine(envman, *words)
    assert "error[EV401]" in done.err
    assert "no-engine.sock" in done.err
    assert done.out == ""


@pytest.mark.parametrize(("steps", "status"), [((Step(Action.CREATE, "service", "api"),), 5), ((), 0)])
def test_something_differs_and_the_command_was_asked_to_say_so(
    envman: Envman, monkeypatch: pytest.MonkeyPatch, steps: tuple[Step, ...], status: int
) -> None:
    monkeypatch.setattr("envman.operations.plan.preview", lambda *_: Plan(steps))
    assert envman("plan", "dev").err == ""
    assert envman("plan", "dev", "--exit-code", status=status).out != ""
    shown = [{"action": "create", "kind": "service", "name": "api", "causes": [], "data": []}] if steps else []
    document = envman("--format", "json", "plan", "dev", "--exit-code", status=status).document
    assert document["result"] == {"environment": "dev", "steps": shown}


def test_a_bug_names_a_log_file_that_holds_no_values(
    envman: Envman, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    value = f"hunter{1 + 1}"  # the log quotes lines of source, so this one must not hold it

    def broken(text: object) -> None:
        raise RuntimeError(f"{value} {text}")

    monkeypatch.setattr("envman.project.open_project", broken)
    monkeypatch.setattr("envman.operations.workspace.open_project", broken)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    done = envman("render", "dev", "--set", f"log_level={value}", status=4)
    (log,) = tmp_path.glob("envman-bug-*.log")
    assert "error[EV901]" in done.err
    assert str(log) in done.err
    assert value not in done.err + log.read_text()
    assert "RuntimeError" in log.read_text()


def test_interrupted(envman: Envman, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("envman.operations.workspace.open_project", interrupt)
    assert "interrupted" in envman("render", "dev", status=130).err
    assert envman("--format", "json", "render", "dev", status=130).document["exit_status"] == 130


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_without_a_traceback(project: Path, number: signal.Signals) -> None:
    reader, writer = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", WAITS, "-C", str(project), "secrets", "set", "dev", "token"],
            stdin=reader,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "reading\n"
        process.send_signal(number)
        _, err = process.communicate(timeout=30)
    finally:
        os.close(reader)
        os.close(writer)
    assert process.returncode == 130
    assert err == "\ninterrupted; the same command again goes on from what is there\n"


# Says when it is about to wait for what nobody will write.
WAITS = """\
import sys
from envman.cli.main import main
read = sys.stdin.read
class Input:
    isatty = sys.stdin.isatty
    def read(self):
        print("reading", flush=True)
        return read()
sys.stdin = Input()
main()
"""


def test_a_reader_that_goes_away_is_no_error(project: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "envman", "-C", str(project), "render", "dev", "-o", "-"],
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
