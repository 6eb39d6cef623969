"""Tests of `batch`."""

from pathlib import Path

import pandas as pd
import pytest

from {{ cookiecutter.package_name }}.batch import score_folder
from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.features import EXAMPLE, FEATURES
from {{ cookiecutter.package_name }}.jobs import JobError
from {{ cookiecutter.package_name }}.predict import LABELS
from {{ cookiecutter.package_name }}.registry import FolderRegistry, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings


@pytest.fixture
def incoming(settings: Settings) -> Path:
    folder = settings.batch_folder / "in"
    folder.mkdir(parents=True)
    return folder


def test_every_file_is_scored_as_the_model_predicts(
    settings: Settings,
    incoming: Path,
    registry: FolderRegistry,
    trained: TrainedModel,
    dataset: Split,
) -> None:
    registry.record(trained, register=True)
    features = dataset.held_out.features.reset_index(drop=True)
    features.assign(row=[f"r{row}" for row in features.index]).to_csv(
        incoming / "a.csv", index=False
    )
    features.head(3).to_csv(incoming / "b.csv", index=False)

    score_folder(settings)

    out = settings.batch_folder / "processed"
    assert sorted(path.name for path in out.iterdir()) == ["a.csv", "b.csv"]
    scored = pd.read_csv(out / "a.csv")
    assert list(scored["row"]) == [f"r{row}" for row in features.index]
    assert set(scored["model_version"]) == {1}
    assert list(scored["prediction"]) == [
        LABELS[code] for code in trained.pipeline.predict(features)
    ]
    assert scored["probability"].tolist() == pytest.approx(
        trained.pipeline.predict_proba(features)[:, 1].tolist(), rel=1e-12
    )


def test_without_input_a_sample_is_scored(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel, dataset: Split
) -> None:
    registry.record(trained, register=True)
    score_folder(settings)
    scored = pd.read_csv(settings.batch_folder / "processed" / "sample.csv")
    assert len(scored) == len(dataset.held_out.features)


def test_without_input_and_sample_there_is_nothing_to_do(settings: Settings) -> None:
    score_folder(settings.model_copy(update={"batch_sample": False}))
    assert not list((settings.batch_folder / "processed").iterdir())


def test_without_a_model_it_says_what_to_do(settings: Settings) -> None:
    with pytest.raises(JobError, match="no model is registered yet; run the train job"):
        score_folder(settings)


def test_a_bad_file_does_not_keep_the_others_from_being_scored(
    settings: Settings,
    incoming: Path,
    registry: FolderRegistry,
    trained: TrainedModel,
    caplog: pytest.LogCaptureFixture,
) -> None:
    registry.record(trained, register=True)
    bad = pd.DataFrame([EXAMPLE]).drop(columns=FEATURES[0]).assign(other=1)
    bad.to_csv(incoming / "bad.csv", index=False)
    (incoming / "empty.csv").write_text("")
    pd.DataFrame([EXAMPLE]).to_csv(incoming / "good.csv", index=False)

    with pytest.raises(JobError, match="2 of 3 files could not be scored"):
        score_folder(settings)

    assert [path.name for path in (settings.batch_folder / "processed").iterdir()] == ["good.csv"]
    assert f"bad.csv: missing columns: {FEATURES[0]}" in caplog.text
