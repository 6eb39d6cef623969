"""Tests of `api`."""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError, create_model

from {{ cookiecutter.package_name }}.api import MAXIMUM_INSTANCES, _field, create_app
from {{ cookiecutter.package_name }}.data import Split
from {{ cookiecutter.package_name }}.features import EXAMPLE, FEATURES, TABLE
from {{ cookiecutter.package_name }}.predict import LABELS
from {{ cookiecutter.package_name }}.registry import FolderRegistry, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings
from {{ cookiecutter.package_name }}.table import Category, Number


@pytest.fixture
def client(settings: Settings, registry: FolderRegistry) -> Iterator[TestClient]:
    with TestClient(create_app(settings, registry)) as client:
        yield client


@pytest.fixture
def ready(client: TestClient, registry: FolderRegistry, trained: TrainedModel) -> TestClient:
    registry.record(trained, register=True)
    assert client.post("/model/reload").status_code == 200
    return client


def test_it_is_alive_but_not_ready_without_a_model(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "alive"}
    for response in (
        client.get("/health/ready"),
        client.get("/model"),
        client.post("/predict", json={"instances": [EXAMPLE]}),
    ):
        assert response.status_code == 503
        assert "run the train job" in response.json()["detail"]


def test_it_is_ready_with_a_model(ready: TestClient) -> None:
    assert ready.get("/health/ready").json() == {"status": "ready"}


def test_it_starts_with_the_model_that_is_registered(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel
) -> None:
    registry.record(trained, register=True)
    with TestClient(create_app(settings, registry)) as client:
        assert client.get("/health/ready").status_code == 200


def test_it_says_which_model_is_in_service(ready: TestClient, trained: TrainedModel) -> None:
    assert ready.get("/model").json() == {
        "name": "test-model",
        "version": "1",
        "run_id": "test-model-1",
        "metrics": pytest.approx(trained.metrics),
    }


def test_it_predicts_row_for_row_what_the_model_does(
    ready: TestClient, trained: TrainedModel, dataset: Split
) -> None:
    features = dataset.held_out.features
    rows = [
        {name: None if pd.isna(value) or value == "" else value for name, value in row.items()}
        for row in features.to_dict(orient="records")
    ]
    response = ready.post("/predict", json={"instances": rows})
    assert response.status_code == 200
    body = response.json()
    assert body["model_version"] == "1"
    assert body["predictions"] == [
        {"prediction": LABELS[code], "probability": probability}
        for code, probability in zip(
            trained.pipeline.predict(features),
            trained.pipeline.predict_proba(features)[:, 1].tolist(),
            strict=True,
        )
    ]


def test_the_order_of_keys_does_not_matter(ready: TestClient) -> None:
    shuffled = dict(reversed(EXAMPLE.items()))
    first, second = (
        ready.post("/predict", json={"instances": [row]}).json() for row in (EXAMPLE, shuffled)
    )
    assert first == second


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"instances": []},
        {"instances": [{}]},
        {"instances": [{**EXAMPLE, "colour": 1}]},
        {"instances": [{**EXAMPLE, FEATURES[0]: {}}]},
        {"instances": [{name: EXAMPLE[name] for name in FEATURES[:-1]}]},
        {"instances": [EXAMPLE] * (MAXIMUM_INSTANCES + 1)},
        {"instances": [EXAMPLE], "threshold": 1},
    ],
    ids=[
        "nothing",
        "no-rows",
        "empty-row",
        "unknown-feature",
        "no-value",
        "missing-feature",
        "too-many",
        "unknown-key",
    ],
)
def test_what_is_no_request_is_refused(ready: TestClient, body: dict[str, Any]) -> None:
    assert ready.post("/predict", json=body).status_code == 422


def test_numbers_that_are_none_are_refused(ready: TestClient) -> None:
    if not TABLE.numbers:
        pytest.skip("the table has no numbers")
    number = next(iter(TABLE.numbers))
    body = json.dumps({"instances": [{**EXAMPLE, number: float("nan")}]})
    response = ready.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 422
    [problem] = response.json()["detail"]
    assert problem["loc"] == ["body", "instances", 0, number]
    assert "input" not in problem


def test_the_example_can_be_predicted(ready: TestClient) -> None:
    example = ready.get("/example").json()
    assert example == {"instances": [EXAMPLE]}
    assert ready.post("/predict", json=example).status_code == 200


def test_columns_have_the_rules_of_the_table() -> None:
    number = Number(kind="number", minimum=0, maximum=9, missing=True, example=3)
    name = Category(kind="category", values=("a", "b"), example="a")
    model = create_model("Row", x=_field(number), y=_field(name))
    assert model(x=None, y="other").model_dump() == {"x": None, "y": "other"}
    for wrong in ({"x": -1}, {"x": 10}, {"x": "much"}, {"y": None}, {"y": ""}, {"y": "a" * 201}):
        with pytest.raises(ValidationError):
            model(**{"x": 3, "y": "a", **wrong})


def test_the_schema_names_all_features(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Instance"]
    assert tuple(schema["required"]) == FEATURES
    assert schema["additionalProperties"] is False
