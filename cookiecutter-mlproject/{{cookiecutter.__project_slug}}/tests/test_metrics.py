"""Tests of `metrics`."""

import json
import logging
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from {{ cookiecutter.package_name }}.api import create_app
from {{ cookiecutter.package_name }}.features import EXAMPLE
from {{ cookiecutter.package_name }}.logs import JsonFormatter
from {{ cookiecutter.package_name }}.registry import FolderRegistry, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings


@pytest.fixture
def client(
    settings: Settings, registry: FolderRegistry, trained: TrainedModel
) -> Iterator[TestClient]:
    registry.record(trained, register=True)
    with TestClient(create_app(settings, registry)) as client:
        yield client


def test_requests_predictions_and_the_model_are_measured(client: TestClient) -> None:
    answer = client.post("/predict", json={"instances": [EXAMPLE, EXAMPLE]}).json()
    label = answer["predictions"][0]["prediction"]
    client.post("/predict", json={})
    client.get("/no/such/path")
    lines = client.get("/metrics").text.splitlines()
    for expected in (
        'http_requests_total{method="POST",route="/predict",status="200"} 1.0',
        'http_requests_total{method="POST",route="/predict",status="422"} 1.0',
        'http_requests_total{method="GET",route="unknown",status="404"} 1.0',
        'http_request_duration_seconds_count{route="/predict"} 2.0',
        'predictions_total{label="' + label + '",model_version="1"} 2.0',
        "prediction_probability_count 2.0",
        'model_info{name="test-model",version="1"} 1.0',
    ):
        assert expected in lines


def test_the_measurements_are_no_part_of_the_documented_api(client: TestClient) -> None:
    assert "/metrics" not in client.get("/openapi.json").json()["paths"]


def test_every_answer_has_a_request_id_and_the_log_line_the_same(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    formatter = JsonFormatter()
    lines: list[dict[str, object]] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(  # type: ignore[method-assign]
        json.loads(formatter.format(record))
    )
    logger = logging.getLogger("{{ cookiecutter.package_name }}.metrics")
    logger.addHandler(handler)
    try:
        with caplog.at_level("INFO", logger=logger.name):
            given = client.get("/model", headers={"X-Request-ID": "from-the-gateway"})
            made = client.get("/model", headers={"X-Request-ID": "no\tid"})
            for polled in ("/health/live", "/health/ready", "/metrics"):
                assert client.get(polled).status_code == 200
    finally:
        logger.removeHandler(handler)
    assert given.headers["X-Request-ID"] == "from-the-gateway"
    assert len(made.headers["X-Request-ID"]) == 32
    assert [(line["request_id"], line["status"], line["message"]) for line in lines] == [
        ("from-the-gateway", 200, "GET /model"),
        (made.headers["X-Request-ID"], 200, "GET /model"),
    ]
