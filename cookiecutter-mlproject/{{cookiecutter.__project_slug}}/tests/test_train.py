"""Tests of `train`."""

from collections.abc import Callable

import numpy as np
import pytest

from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.evaluate import GateError, check_gate, evaluate
from {{ cookiecutter.package_name }}.features import FEATURES
from {{ cookiecutter.package_name }}.jobs import JobError, run_job
from {{ cookiecutter.package_name }}.registry import FolderRegistry, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings
from {{ cookiecutter.package_name }}.train import champion_metrics, train, train_and_register


def test_training_again_gives_the_same_model(trained: TrainedModel, dataset: Split) -> None:
    again = train(Settings())
    assert again.metrics == trained.metrics
    assert again.parameters["model_digest"] == trained.parameters["model_digest"]
    np.testing.assert_array_equal(
        again.pipeline.predict_proba(dataset.held_out.features),
        trained.pipeline.predict_proba(dataset.held_out.features),
    )


def test_the_order_of_rows_does_not_matter(trained: TrainedModel, dataset: Split) -> None:
    features = dataset.held_out.features
    np.testing.assert_allclose(
        trained.pipeline.predict_proba(features.iloc[::-1])[::-1],
        trained.pipeline.predict_proba(features),
        {% if cookiecutter.framework == "pytorch" %}
        atol=1e-6,
        {% endif %}
    )


def test_metrics_are_those_of_rows_held_out(trained: TrainedModel, dataset: Split) -> None:
    assert evaluate(trained.pipeline, dataset.held_out) == trained.metrics


def test_the_gate_lets_a_model_at_the_minimum_pass() -> None:
    check_gate({"accuracy": 0.94}, minimum_accuracy=0.94)


def test_the_gate_says_what_is_missing() -> None:
    with pytest.raises(GateError, match=r"accuracy 0\.9399 is below the minimum of 0\.9400"):
        check_gate({"accuracy": 0.9399}, minimum_accuracy=0.94)


def test_another_seed_gives_another_digest(trained: TrainedModel) -> None:
    other = train(Settings(seed=8))
    assert other.parameters["model_digest"] != trained.parameters["model_digest"]


def test_the_gate_compares_with_the_model_in_service() -> None:
    check_gate({"accuracy": 0.95}, minimum_accuracy=0.9, champion={"accuracy": 0.95})
    with pytest.raises(GateError, match=r"0\.9500 is below the 0\.9600 of the registered model"):
        check_gate({"accuracy": 0.95}, minimum_accuracy=0.9, champion={"accuracy": 0.96})


def test_a_worse_model_does_not_replace_a_better_one(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel, dataset: Split
) -> None:
    registry.record(trained, register=True)
    better = champion_metrics(registry, dataset.held_out)
    assert better == pytest.approx(trained.metrics)
    # Trained on next to nothing, and judged by the rows that are left.
    with pytest.raises(JobError, match="of the registered model"):
        train_and_register(
            settings.model_copy(update={"test_fraction": 0.98, "minimum_accuracy": 0})
        )
    assert registry.champion() == "1"


def test_a_champion_for_other_features_is_no_obstacle(
    registry: FolderRegistry, trained: TrainedModel, dataset: Split
) -> None:
    assert champion_metrics(registry, dataset.held_out) is None
    registry.record(trained, register=True)
    other = dataset.held_out._replace(
        features=dataset.held_out.features.rename(columns={FEATURES[0]: "other"})
    )
    assert champion_metrics(registry, other) is None


def test_a_good_model_becomes_the_champion(settings: Settings, registry: FolderRegistry) -> None:
    train_and_register(settings)
    assert registry.champion() == "1"
    train_and_register(settings)
    assert registry.champion() == "2"


def test_a_model_that_fails_the_gate_is_not_registered(
    settings: Settings, registry: FolderRegistry
) -> None:
    train_and_register(settings)
    with pytest.raises(JobError, match="is below the minimum"):
        train_and_register(settings.model_copy(update={"minimum_accuracy": 1.0}))
    assert registry.champion() == "1"


def _fail(_: Settings) -> None:
    raise JobError("no luck")


def _stop(_: Settings) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("job", "status"),
    [(lambda _: None, 0), (_fail, 1), (_stop, 130)],
    ids=["done", "failed", "stopped"],
)
def test_a_job_tells_how_it_ended(job: Callable[[Settings], None], status: int) -> None:
    assert run_job(job) == status


def test_a_job_refuses_a_setting_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIMUM_ACCURACY", "very high")
    assert run_job(lambda _: None) == 2
