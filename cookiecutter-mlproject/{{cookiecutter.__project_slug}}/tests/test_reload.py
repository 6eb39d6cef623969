"""Models change under way: nothing is dropped, mixed up, or lost to a bad one."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

{% if cookiecutter.framework == "pytorch" %}
import numpy as np
{% endif %}
import pandas as pd
import pytest
from fastapi.testclient import TestClient
{% if cookiecutter.framework == "pytorch" %}
from numpy.typing import NDArray
{% endif %}
{% if cookiecutter.framework == "scikit-learn" %}
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline
{% endif %}

from {{ cookiecutter.package_name }}.api import create_app
from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.features import EXAMPLE
{% if cookiecutter.framework == "pytorch" %}
from {{ cookiecutter.package_name }}.model import Pipeline, fit
{% endif %}
from {{ cookiecutter.package_name }}.predict import (
    ModelInService,
    ModelUnavailableError,
    Refresher,
    predict,
)
from {{ cookiecutter.package_name }}.registry import FolderRegistry, LoadedModel, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings

_PATIENCE_SECONDS = 20


@pytest.fixture
def other(trained: TrainedModel, dataset: Split) -> TrainedModel:
    """A model that gives every row the first label."""
{% if cookiecutter.framework == "scikit-learn" %}
    pipeline = make_pipeline(DummyClassifier(strategy="most_frequent"))
    return replace(
        trained, pipeline=pipeline.fit(dataset.training.features, dataset.training.target)
    )
{% else %}
    first = dataset.training._replace(target=dataset.training.target * 0)
    return replace(trained, pipeline=fit(first, seed=7, device="cpu"))
{% endif %}


def test_requests_under_way_see_one_model_or_the_other(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel, other: TrainedModel
) -> None:
    registry.record(trained, register=True)
    expected = {
        str(version): [
            {"prediction": label, "probability": probability}
            for label, probability in predict(model.pipeline, pd.DataFrame([EXAMPLE]))
        ]
        for version, model in ((1, trained), (2, other))
    }
    seen: set[str] = set()
    swapped = threading.Event()

    with TestClient(create_app(settings, registry)) as client:
        assert client.post("/model/reload").status_code == 200

        def ask() -> int:
            requests = 0
            # At least one request begins after the swap.
            last = False
            while not last:
                last = swapped.is_set()
                response = client.post("/predict", json={"instances": [EXAMPLE]})
                assert response.status_code == 200
                body = response.json()
                assert body["predictions"] == expected[body["model_version"]]
                seen.add(body["model_version"])
                requests += 1
            return requests

        with ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(ask) for _ in range(4)]
            try:
                registry.record(other, register=True)
                for _ in range(5):
                    assert client.post("/model/reload").status_code == 200
            finally:
                swapped.set()
            assert all(asked.result() > 0 for asked in clients)
        assert client.get("/model").json()["version"] == "2"
    assert "2" in seen


class _Slow(Pipeline):{{ "  # type: ignore[misc]" if cookiecutter.framework == "scikit-learn" }}
    """A model whose prediction waits until it is allowed to end."""

    begun = threading.Event()
    may_end = threading.Event()

{% if cookiecutter.framework == "scikit-learn" %}
    def predict(self, rows: pd.DataFrame) -> object:
{% else %}
    def predict(self, rows: pd.DataFrame) -> NDArray[np.int64]:
{% endif %}
        self.begun.set()
        assert self.may_end.wait(_PATIENCE_SECONDS)
        return super().predict(rows)


class _OneModel:
    """A registry with one model, which may be exchanged."""

    def __init__(self, model: LoadedModel) -> None:
        self.model = model

    def record(self, trained: TrainedModel, *, register: bool) -> str | None:
        raise NotImplementedError

    def champion(self) -> str | None:
        return self.model.version

    def load(self, version: str) -> LoadedModel:
        assert version == self.model.version
        return self.model


def test_a_request_that_has_begun_ends_with_the_model_it_began_with(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel, other: TrainedModel
) -> None:
    registry.record(trained, register=True)
    fast = registry.load("1")
{% if cookiecutter.framework == "scikit-learn" %}
    slow = replace(fast, pipeline=_Slow(fast.pipeline.steps))
{% else %}
    slow = replace(fast, pipeline=_Slow(fast.pipeline.columns))
    slow.pipeline.load_state_dict(fast.pipeline.state_dict())
{% endif %}
    new = replace(fast, pipeline=other.pipeline, version="2")
    models = _OneModel(slow)
    _Slow.may_end.set()
    with TestClient(create_app(settings, models)) as client, ThreadPoolExecutor(1) as pool:
        assert client.post("/model/reload").status_code == 200
        _Slow.begun.clear()
        _Slow.may_end.clear()
        under_way = pool.submit(client.post, "/predict", json={"instances": [EXAMPLE]})
        assert _Slow.begun.wait(_PATIENCE_SECONDS)

        models.model = new
        assert client.post("/model/reload").json()["model"]["version"] == "2"
        assert client.post("/predict", json={"instances": [EXAMPLE]}).json()["model_version"] == "2"

        assert not under_way.done()
        _Slow.may_end.set()
        assert under_way.result(_PATIENCE_SECONDS).json()["model_version"] == "1"


def test_a_model_that_cannot_predict_does_not_replace_one_that_can(
    registry: FolderRegistry, trained: TrainedModel
) -> None:
    model = ModelInService(registry)
    registry.record(trained, register=True)
    assert model.refresh()
{% if cookiecutter.framework == "scikit-learn" %}
    unfitted = replace(trained, pipeline=make_pipeline(DummyClassifier()))
    registry.record(unfitted, register=True)
    with pytest.raises(ModelUnavailableError, match="NotFittedError"):
{% else %}
    registry.record(replace(trained, pipeline=Pipeline(trained.pipeline.columns)), register=True)
    with pytest.raises(ModelUnavailableError, match="it is not fitted"):
{% endif %}
        model.refresh()
    assert model.current is not None
    assert model.current.version == "1"


def test_a_failed_reload_says_why_and_keeps_serving(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel
) -> None:
    registry.record(trained, register=True)
    with TestClient(create_app(settings, registry)) as client:
        assert client.post("/model/reload").status_code == 200
        (settings.model_folder / settings.model_name / "1" / "{{ "model.skops" if cookiecutter.framework == "scikit-learn" else "model.safetensors" }}").unlink()
        response = client.post("/model/reload")
        assert response.status_code == 503
        assert "{{ "FileNotFoundError" if cookiecutter.framework == "scikit-learn" else "model.safetensors is no model" }}" in response.json()["detail"]
        assert client.post("/predict", json={"instances": [EXAMPLE]}).status_code == 200


def test_a_reload_without_any_model_says_what_to_do(
    settings: Settings, registry: FolderRegistry
) -> None:
    with TestClient(create_app(settings, registry)) as client:
        response = client.post("/model/reload")
    assert response.status_code == 503
    assert response.json() == {"detail": "no model is registered yet; run the train job"}


def test_a_version_in_service_is_not_loaded_again(
    registry: FolderRegistry, trained: TrainedModel
) -> None:
    model = ModelInService(registry)
    registry.record(trained, register=True)
    assert model.refresh()
    before = model.current
    assert not model.refresh()
    assert model.current is before
    assert not model.refresh(always=True)
    assert model.current is not before


class _Announcing(ModelInService):
    """Says when it has looked for a model, with what came of it."""

    def __init__(self, registry: FolderRegistry) -> None:
        super().__init__(registry)
        self.in_service = threading.Event()
        self.refused = threading.Event()

    def refresh(self, *, always: bool = False) -> bool:
        try:
            changed = super().refresh(always=always)
        except ModelUnavailableError:
            self.refused.set()
            raise
        if changed:
            self.in_service.set()
        return changed


def test_replicas_find_new_models_by_themselves(
    registry: FolderRegistry, trained: TrainedModel
) -> None:
    replicas = [_Announcing(registry) for _ in range(2)]
    refreshers = [Refresher(replica, seconds=0.01) for replica in replicas]
    try:
        for replica, refresher in zip(replicas, refreshers, strict=True):
            refresher.start()
            assert replica.refused.wait(_PATIENCE_SECONDS)
        for version in ("1", "2"):
            for replica in replicas:
                replica.in_service.clear()
            registry.record(trained, register=True)
            for replica in replicas:
                assert replica.in_service.wait(_PATIENCE_SECONDS)
                assert replica.current is not None
                assert replica.current.version == version
    finally:
        for refresher in refreshers:
            refresher.stop()
