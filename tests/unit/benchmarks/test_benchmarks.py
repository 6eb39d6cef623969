"""The benchmarks compare what is equal, in turn, and say what does not hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as program
from benchmarks.bench import Bench
from benchmarks.pairs import WITH_ENGINE, WITHOUT_ENGINE
from benchmarks.projects import write_services
from benchmarks.report import as_data, table
from benchmarks.timing import Pair, Result, Series, Side, measure
from envman.cli.invocation import Invocation
from envman.cli.main import run


def writing(path: Path, word: str) -> list[str]:
    return [sys.executable, "-c", f"open({str(path)!r}, 'a').write({word!r})"]


def test_sides_run_in_turn_and_the_warm_up_does_not_count(tmp_path: Path) -> None:
    log = tmp_path / "log"
    prepared: list[str] = []
    envman = Side([writing(log, "a"), writing(log, "A")], tmp_path, lambda: prepared.append("a"))
    pair = Pair("x", "x", envman, Side([writing(log, "b")], tmp_path), 1.0)
    result = measure(pair, runs=2, environ={})
    assert log.read_text() == "aAb" + "aAb" + "baA"
    assert len(prepared) == 3
    assert [len(result.envman.seconds), len(result.compose.seconds)] == [2, 2]
    assert result.envman.memory > 1


def test_a_command_that_fails_ends_the_run(tmp_path: Path) -> None:
    failing = Side([[sys.executable, "-c", "raise SystemExit(3)"]], tmp_path)
    with pytest.raises(RuntimeError, match="ended with 3"):
        measure(Pair("x", "x", failing, failing, 1.0), runs=1, environ={})


@pytest.mark.parametrize(
    ("seconds", "memory", "verdict"), [(1.0, 10, "holds"), (3.0, 10, "MISSED"), (1.0, 99, "MISSED")]
)
def test_the_table_says_what_holds(tmp_path: Path, seconds: float, memory: float, verdict: str) -> None:
    side = Side([], tmp_path)
    envman = Series([seconds, seconds], [0.5], memory)
    result = Result(Pair("x", "a title", side, side, 1.5, 50), envman, Series([1.0], [1.0], 5))
    assert table([result]).splitlines()[-1].split("|")[-2].strip() == verdict
    data = json.loads(json.dumps(as_data([result], {})))
    assert (data["pairs"][0]["holds"], data["pairs"][0]["ratio"]) == (verdict == "holds", seconds)


@pytest.mark.parametrize(("limit", "more", "holds"), [(None, None, True), (1.4, 0.4, False), (1.6, 0.4, False),
                                                      (1.4, 0.6, False), (1.6, 0.6, True)])  # fmt: skip
def test_seconds_can_be_bounded_too(tmp_path: Path, limit: float | None, more: float | None, holds: bool) -> None:
    side = Side([], tmp_path)
    pair = Pair("x", "a title", side, side, 2.0, limit=limit, more=more)
    result = Result(pair, Series([1.5], [1.0], 5), Series([1.0], [1.0], 5))
    assert result.holds == holds


def test_both_sides_of_a_render_say_the_same(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    root = tmp_path / "project"
    write_services(root, "bench", 8)
    assert run(Invocation(directory=root), ["render", "dev", "--output", "-"]) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert all(f"service{number}:\n" in out for number in range(8))


def test_a_cold_render_finds_nothing_from_before(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    kept = [bench.cache / "envman" / "x", tmp_path / "project" / ".envman" / "dev" / "docker-compose.yml"]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.touch()
    bench.forget(tmp_path / "project")()
    assert not any(path.exists() for path in kept)


def test_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        program.main(["--only", "nonsense"])
    said = capsys.readouterr().err
    assert all(name in said for name in (*WITHOUT_ENGINE, *WITH_ENGINE))
    with pytest.raises(SystemExit):
        program.main(["--runs", "0"])
