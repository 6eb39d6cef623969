"""Tests of `settings`."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from {{ cookiecutter.package_name }}.settings import Settings


def test_models_bear_the_project_s_name() -> None:
    assert Settings().model_name == "{{ cookiecutter.package_name|replace('_', '-') }}"


def test_a_variable_sets_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIMUM_ACCURACY", "0.5")
    assert Settings().minimum_accuracy == 0.5


def test_a_file_sets_a_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "alias"
    file.write_text("challenger\n")
    monkeypatch.setenv("MODEL_ALIAS_FILE", str(file))
    assert Settings().model_alias == "challenger"


def test_a_setting_given_both_ways_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_NAME", "one")
    monkeypatch.setenv("MODEL_NAME_FILE", str(tmp_path / "other"))
    with pytest.raises(ValueError, match="MODEL_NAME and MODEL_NAME_FILE are both set"):
        Settings()


def test_a_value_out_of_bounds_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "70123")
    with pytest.raises(ValidationError, match="port") as raised:
        Settings()
    assert "70123" not in str(raised.value)
