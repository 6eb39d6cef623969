"""Every code has a page, an example and a test, and something that raises it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import pytest

from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.diagnostics import EnvmanError
from envman.diagnostics.codes import CODES
from envman.diagnostics.pages import PAGES, looks_like_code, read_page
from envman.output.pages import page_text
from envman.output.style import Style

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve()
PAGE = re.compile(
    r"# (?P<code>EV\d{3}): (?P<title>[^\n]+)\n\n"
    r"(?P<text>.+?)\n\n"
    r"## Example\n\n```(?P<language>yaml|console)\n(?P<example>.+?)\n```\n\n"
    r"## What to do\n\n(?P<advice>.+)\n",
    re.DOTALL,
)
# Examples that need a second file, an engine or this machine to be in a certain state.
NOT_BY_ITSELF = {
    "EV005", "EV006", "EV009", "EV110", "EV111", "EV201", "EV202", "EV210", "EV211", "EV222", "EV225",
    "EV311", "EV313", "EV318", "EV333", "EV411", "EV412", "EV428", "EV444", "EV445", "EV504", "EV507", "EV601", "EV603", "EV604",
    "EV612", "EV662", "EV664", "EV807", "EV808", "EV809", "EV816",
}  # fmt: skip


@cache
def texts(folder: str, pattern: str) -> tuple[tuple[Path, str], ...]:
    files = (path for path in (ROOT / folder).rglob(pattern) if path.is_file() and path != HERE)
    return tuple((path, path.read_text(encoding="utf-8", errors="replace")) for path in files if path.suffix != ".pyc")


def page(code: str) -> re.Match[str]:
    match = PAGE.fullmatch(read_page(code))
    assert match is not None, f"{code}.md has not the form of a page"
    return match


def test_there_is_a_page_for_each_code_and_no_other() -> None:
    assert sorted(path.name for path in PAGES.iterdir()) == sorted(f"{code}.md" for code in CODES)


@pytest.mark.parametrize("code", CODES)
def test_a_page_has_its_parts(code: str) -> None:
    found = page(code)
    assert (found["code"], found["title"]) == (code, CODES[code].title)
    assert all(len(line) <= 100 for line in found["example"].splitlines())


@pytest.mark.parametrize("code", sorted(CODES))
def test_something_raises_the_code(code: str) -> None:
    raising = [path for path, text in texts("envman", "*.py") if f'"{code}"' in text and path.name != "codes.py"]
    assert raising, f"nothing raises {code}: remove it from codes.py, and its page"


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_test_produces_the_code(code: str) -> None:
    assert [path for path, text in texts("tests", "*") if code in text], f"no test produces {code}"


@pytest.mark.parametrize(
    "code", [code for code in CODES if code not in NOT_BY_ITSELF and page(code)["language"] == "yaml"]
)
def test_the_example_of_a_page_produces_its_code(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "blueprints").mkdir()
    monkeypatch.chdir(tmp_path)
    if code.startswith("EV8"):
        # About an import: the example is a Compose file.
        (tmp_path / "compose.yaml").write_text(page(code)["example"])
        run(Invocation(), ["--format", "json", "import", "compose.yaml"])
    else:
        (tmp_path / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
        (tmp_path / "blueprints" / "dev.yaml").write_text(page(code)["example"])
        run(Invocation(), ["--format", "json", "check"])
    found = json.loads(capsys.readouterr().out)["diagnostics"]
    assert code in {one["code"] for one in found}, [f"{one['code']} {one['message']}" for one in found]


def test_an_unknown_code_says_what_is_near() -> None:
    with pytest.raises(EnvmanError) as caught:
        read_page("EV1003")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.expected) == ("EV013", 'did you mean "EV103"?')


def test_codes_are_told_from_environments() -> None:
    assert looks_like_code("EV103")
    assert looks_like_code("ev103")
    assert not looks_like_code("ev")
    assert not looks_like_code("prod")


def test_a_page_is_plain_text_without_marks() -> None:
    text = page_text(read_page("EV103"), Style(colour=False))
    assert text.startswith("EV103: not a port mapping\n\nA port mapping is")
    assert "\n    services:\n" in text
    assert "```" not in text
    assert "\n#" not in text
    assert all(len(line) <= 88 for line in text.splitlines())
