from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.copying import Copying, all_copying, forget_copying, read_copying, write_copying


def test_what_is_under_way_is_kept_for_each_environment_until_it_is_forgotten(tmp_path: Path) -> None:
    dev = Copying("dev", "one", ("c1", "c2"), ("dev_data",), "before-restore-1", "prod", stopping=True)
    write_copying(tmp_path, dev)
    write_copying(tmp_path, Copying("staging", "two"))
    assert read_copying(tmp_path, "dev") == dev
    assert all_copying(tmp_path) == ([dev, Copying("staging", "two")], [])
    forget_copying(tmp_path, "dev")
    forget_copying(tmp_path, "dev")
    assert read_copying(tmp_path, "dev") is None


def test_a_record_of_an_older_envman_is_read(tmp_path: Path) -> None:
    (tmp_path / "copying").mkdir()
    text = '{"environment": "dev", "snapshot": "one", "held": ["c1"], "refilling": [], "safety": "", "source": ""}'
    (tmp_path / "copying" / "dev.json").write_text(text)
    assert read_copying(tmp_path, "dev") == Copying("dev", "one", ("c1",))


def test_a_damaged_record_is_told_beside_those_of_other_environments(tmp_path: Path) -> None:
    write_copying(tmp_path, Copying("staging", "two"))
    (tmp_path / "copying" / "dev.json").write_text('{"environment": "dev", "snapshot": "a", "newer": 1}')
    with pytest.raises(EnvmanError, match="EV509"):
        read_copying(tmp_path, "dev")
    found, damaged = all_copying(tmp_path)
    assert found == [Copying("staging", "two")]
    assert [error.diagnostics[0].code for error in damaged] == ["EV509"]
