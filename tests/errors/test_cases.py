"""Bad input and the exact text it gets. Each folder of ``cases`` is one: files, ``command``, ``expected``.

``expected`` holds the exit status on its first line, then standard error, to the letter.
"""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from envman.cli.invocation import Invocation
from envman.cli.main import run

CASES = Path(__file__).parent / "cases"
OUR_FILES = {"command", "expected"}


@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_bad_input_gets_this_text(
    case: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    update_golden: bool,
) -> None:
    folder = CASES / case
    for path in folder.iterdir():
        if path.name not in OUR_FILES:
            target = tmp_path / path.name.replace("dot.", ".", 1)
            shutil.copytree(path, target) if path.is_dir() else shutil.copy(path, target)
    monkeypatch.chdir(tmp_path)
    command = shlex.split((folder / "command").read_text())

    status = run(Invocation(), command)

    shown = f"exit status {status}\n{capsys.readouterr().err}".replace(str(tmp_path), "DIR")
    expected = folder / "expected"
    if update_golden:
        expected.write_text(shown)
    assert shown == expected.read_text()
    assert "Traceback" not in shown
