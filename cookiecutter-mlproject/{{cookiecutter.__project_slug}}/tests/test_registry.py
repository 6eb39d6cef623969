"""Tests of `registry`."""

{% if cookiecutter.tracking == "mlflow" %}
from collections.abc import Callable
from pathlib import Path

{% endif %}
import numpy as np
import pytest

from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.registry import (
    FolderRegistry,
    {% if cookiecutter.tracking == "mlflow" %}
    MlflowRegistry,
    {% endif %}
    Registry,
    TrainedModel,
    open_registry,
)
from {{ cookiecutter.package_name }}.settings import Settings


{% if cookiecutter.tracking == "mlflow" %}
def _folder(path: Path) -> Registry:
    return FolderRegistry(path / "models", name="test-model", alias="champion")


def _mlflow(path: Path) -> Registry:
    return MlflowRegistry((path / "mlflow").as_uri(), name="test-model", alias="champion")


@pytest.fixture(params=[_folder, _mlflow], ids=["folder", "mlflow"])
def any_registry(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Registry:
    # MLflow's own store in a folder: not for production, and so only on request, but it needs no
    # server.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    make: Callable[[Path], Registry] = request.param
    return make(tmp_path)
{% else %}
@pytest.fixture
def any_registry(registry: FolderRegistry) -> Registry:
    return registry
{% endif %}


def test_there_is_no_champion_at_first(any_registry: Registry) -> None:
    assert any_registry.champion() is None


def test_a_model_comes_back_as_it_was(
    any_registry: Registry, trained: TrainedModel, dataset: Split
) -> None:
    version = any_registry.record(trained, register=True)
    assert version == "1"
    assert any_registry.champion() == version
    loaded = any_registry.load(version)
    assert (loaded.name, loaded.version) == ("test-model", version)
    assert loaded.run_id
    assert loaded.metrics == pytest.approx(trained.metrics)
    np.testing.assert_array_equal(
        loaded.pipeline.predict_proba(dataset.held_out.features),
        trained.pipeline.predict_proba(dataset.held_out.features),
    )


def test_the_last_one_registered_is_the_champion(
    any_registry: Registry, trained: TrainedModel
) -> None:
    any_registry.record(trained, register=True)
    assert any_registry.record(trained, register=True) == "2"
    assert any_registry.champion() == "2"
    assert any_registry.load("1").version == "1"


def test_what_is_not_registered_has_no_version(
    any_registry: Registry, trained: TrainedModel
) -> None:
    assert any_registry.record(trained, register=False) is None
    assert any_registry.champion() is None


def test_nothing_unfinished_stays_behind(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel
) -> None:
    registry.record(trained, register=True)
    names = sorted(path.name for path in (settings.model_folder / "test-model").iterdir())
    assert names == ["1", "champion"]


def test_the_settings_choose_the_registry(settings: Settings) -> None:
    assert isinstance(open_registry(settings), FolderRegistry)
    {% if cookiecutter.tracking == "mlflow" %}
    server = settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:9"})
    assert isinstance(open_registry(server), MlflowRegistry)
    {% endif %}
