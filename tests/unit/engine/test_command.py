"""Commands as processes of their own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from envman.engine.command import Handle

ENVIRON = {"PATH": os.defpath}


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_a_command_gets_its_words_secrets_and_directory_and_no_output_has_a_secret(tmp_path: Path) -> None:
    handle = Handle.started(
        shell('cat; echo; echo "$TOKEN and ${EMPTY}."; pwd; exit 3'),
        ENVIRON,
        {"TOKEN": "s3cret", "EMPTY": ""},
        directory=tmp_path,
        words="héllo",
    )
    assert list(handle.lines()) == ["héllo", "****** and .", str(tmp_path.resolve())]
    assert handle.wait() == 3
    assert handle.tail(1) == str(tmp_path.resolve())


def test_a_command_without_words_has_an_empty_input() -> None:
    handle = Handle.started(shell("cat; echo end"), ENVIRON, {})
    assert (list(handle.lines()), handle.wait()) == (["end"], 0)


def test_a_command_that_ends_before_it_has_read_its_words_speaks_for_itself() -> None:
    handle = Handle.started(shell("echo refused; exit 2"), ENVIRON, {}, words="x" * (1 << 22))
    assert (list(handle.lines()), handle.wait()) == (["refused"], 2)


def test_a_command_that_is_interrupted_ends() -> None:
    handle = Handle.started([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"], {}, {})
    assert next(handle.lines()) == "up"
    handle.interrupt()
    assert handle.wait() != 0
