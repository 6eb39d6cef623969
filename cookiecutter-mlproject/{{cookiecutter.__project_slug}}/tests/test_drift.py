"""Tests of `drift`."""

import json
from pathlib import Path

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.drift import (
    PROBABILITY,
    measure,
    measure_drift,
    measure_names,
    report,
)
from {{ cookiecutter.package_name }}.features import FEATURES
from {{ cookiecutter.package_name }}.jobs import JobError
from {{ cookiecutter.package_name }}.registry import FolderRegistry, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings


@pytest.fixture
def inputs(settings: Settings, registry: FolderRegistry, trained: TrainedModel) -> Path:
    registry.record(trained, register=True)
    folder = settings.batch_folder / "in"
    folder.mkdir(parents=True)
    return folder


def test_the_same_values_have_not_moved() -> None:
    values = np.arange(1000)
    assert measure(values, values).index == 0


def test_shifted_values_have_moved_the_more_the_further() -> None:
    values = np.random.default_rng(7).normal(size=2000)
    near, far = measure(values, values + 0.1), measure(values, values + 2)
    assert near.index < 0.1
    assert far.index > 0.25
    assert near.now.sum() == pytest.approx(1)


def test_a_column_with_one_value_can_be_measured() -> None:
    assert measure(np.zeros(10), np.zeros(5)).index == pytest.approx(0)
    assert measure(np.zeros(10), np.ones(5)).index >= 0


def test_what_is_missing_more_often_has_moved() -> None:
    values = np.arange(1000.0)
    gaps = np.where(values % 2, np.nan, values)
    assert measure(values, gaps).index > 0.25
    assert measure(gaps, gaps).index == 0
    assert measure(np.full(5, np.nan), values).index > 0.25


def test_names_have_moved_where_their_shares_have() -> None:
    then, now = ["a"] * 50 + ["b"] * 50, ["a"] * 50 + ["new"] * 50
    assert measure_names(then, then, ("a", "b")).index == 0
    assert measure_names(then, now, ("a", "b")).index > 0.25


def test_the_report_names_every_column_with_the_worst_first() -> None:
    values = np.arange(1000)
    found = {"calm": measure(values, values), "wild<": measure(values, values + 900)}
    page = report(found, title="T")
    assert page.index("wild&lt;") < page.index("calm")
    assert page.count("<svg") == 2
    assert "wild<" not in page


def test_held_out_rows_are_like_those_the_model_learned_from(
    settings: Settings, inputs: Path, dataset: Split
) -> None:
    dataset.held_out.features.to_csv(inputs / "a.csv", index=False)
    measure_drift(settings)
    written = json.loads((settings.batch_folder / "processed/drift/drift.json").read_text())
    assert written["model_version"] == "1"
    assert list(written["index"]) == [PROBABILITY, *FEATURES]
    assert written["index"][PROBABILITY] < 0.25
    page = (settings.batch_folder / "processed/drift/report.html").read_text()
    assert page.startswith("<!doctype html>")


def test_a_limit_makes_a_drift_an_error(settings: Settings, inputs: Path, dataset: Split) -> None:
    positive = dataset.held_out.features[dataset.held_out.target == 1]
    positive.to_csv(inputs / "a.csv", index=False)
    with pytest.raises(JobError, match="have moved by"):
        measure_drift(settings.model_copy(update={"maximum_drift": 0.25}))


def test_without_input_or_model_it_says_what_to_run(
    settings: Settings, registry: FolderRegistry, dataset: Split
) -> None:
    del registry
    with pytest.raises(JobError, match="run the batch job"):
        measure_drift(settings)
    folder = settings.batch_folder / "in"
    folder.mkdir(parents=True)
    dataset.held_out.features.to_csv(folder / "a.csv", index=False)
    with pytest.raises(JobError, match="run the train job"):
        measure_drift(settings)
