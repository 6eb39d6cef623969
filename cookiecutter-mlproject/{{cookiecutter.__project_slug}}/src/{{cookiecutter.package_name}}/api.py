"""The service: predictions over HTTP, from the model that the registry calls its champion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal

import pandas as pd
from fastapi import FastAPI, HTTPException, Request, status
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, create_model

from .features import EXAMPLE, TABLE
from .metrics import Measured, Metrics
from .predict import LABELS, ModelInService, ModelUnavailableError, Refresher, predict
from .registry import LoadedModel, Registry, open_registry
from .settings import Settings
from .table import Column, Number

MAXIMUM_INSTANCES = 1000
_LONGEST_NAME = 200
_FIRST_LOOK_SECONDS = 15


def _field(column: Column) -> Any:  # noqa: ANN401 - a type, as pydantic takes it
    """Take a column; give the type and the rules of its values in requests."""
    examples = [] if column.example is None else [column.example]
    kind: Any
    if isinstance(column, Number):
        kind = Annotated[FiniteFloat, Field(ge=column.minimum, le=column.maximum)]
        rules = Field(examples=examples)
    else:
        kind = Annotated[str, Field(min_length=1, max_length=_LONGEST_NAME)]
        rules = Field(examples=examples, description=f"Known: {', '.join(column.values)}")
    return (kind | None if column.missing else kind, rules)


Instance = create_model(
    "Instance",
    __config__=ConfigDict(extra="forbid", title="One row, by its features"),
    **{name: _field(column) for name, column in TABLE.columns.items()},
)


class PredictionRequest(BaseModel):
    """The rows to predict."""

    model_config = ConfigDict(extra="forbid")

    instances: Annotated[list[Instance], Field(min_length=1, max_length=MAXIMUM_INSTANCES)]


class InstancePrediction(BaseModel):
    """What the model says of one row."""

    prediction: Annotated[str, Field(json_schema_extra={"enum": list(LABELS)})]
    probability: Annotated[float, Field(ge=0, le=1, description=f"Of {LABELS[1]}")]


class PredictionResponse(BaseModel):
    """Predictions in the order of the rows, all by one version of the model."""

    model_version: str
    predictions: list[InstancePrediction]


class ModelDescription(BaseModel):
    """The model in service."""

    name: str
    version: str
    run_id: str
    metrics: dict[str, float]


class ReloadResponse(BaseModel):
    """The model in service after a reload."""

    changed: bool
    model: ModelDescription


class Health(BaseModel):
    """A state that is as it should be."""

    status: Literal["alive", "ready"]


def _describe(model: LoadedModel) -> ModelDescription:
    return ModelDescription(
        name=model.name, version=model.version, run_id=model.run_id, metrics=dict(model.metrics)
    )


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with a request, and where, but do not send its values back.

    FastAPI's own answer does, which gives away data and fails for NaN, for that is no JSON.
    """
    assert isinstance(error, RequestValidationError)
    detail = [{name: one[name] for name in ("loc", "msg", "type")} for one in error.errors()]
    return JSONResponse({"detail": detail}, status.HTTP_422_UNPROCESSABLE_CONTENT)


def create_app(settings: Settings | None = None, registry: Registry | None = None) -> FastAPI:
    """Take settings and a registry, or find them in the environment; give the service.

    It starts without a model, because a stack comes up before its first training: alive, but not
    ready.
    """
    settings = settings or Settings()
    model = ModelInService(registry or open_registry(settings))
    refresher = Refresher(model, seconds=settings.model_refresh_seconds)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        refresher.start()
        # Where a model is registered, the service is ready as soon as it answers at all. Where none
        # can be had it starts all the same.
        await asyncio.to_thread(refresher.wait_for_first_look, seconds=_FIRST_LOOK_SECONDS)
        yield
        refresher.stop()

    app = FastAPI(
        title=settings.model_name,
        description=TABLE.question,
        version="1",
        lifespan=lifespan,
        exception_handlers={RequestValidationError: _refuse},
    )
    metrics = Metrics()
    app.add_middleware(Measured, metrics=metrics)

    def in_service() -> LoadedModel:
        if (current := model.current) is None:
            raise HTTPException(
                status.HTTP_503_SERVICE_UNAVAILABLE, "no model is in service yet; run the train job"
            )
        return current

    # These are plain functions, so that a long prediction keeps a thread busy and not the loop.

    @app.get("/health/live", tags=["health"])
    def live() -> Health:
        """Tell that the process answers."""
        return Health(status="alive")

    @app.get("/health/ready", tags=["health"])
    def ready() -> Health:
        """Tell that there is a model to predict with; 503 if there is none."""
        in_service()
        return Health(status="ready")

    @app.post("/predict", tags=["prediction"])
    def predict_instances(request: PredictionRequest) -> PredictionResponse:
        """Predict up to 1000 rows."""
        current = in_service()
        rows = pd.DataFrame([instance.model_dump() for instance in request.instances])
        predictions = predict(current.pipeline, rows)
        metrics.count_predictions(predictions, model_version=current.version)
        return PredictionResponse(
            model_version=current.version,
            predictions=[
                InstancePrediction(prediction=label, probability=probability)
                for label, probability in predictions
            ],
        )

    @app.get("/example", tags=["prediction"])
    def example() -> PredictionRequest:
        """Give a request that `/predict` takes."""
        return PredictionRequest(instances=[Instance(**EXAMPLE)])

    @app.get("/model", tags=["model"])
    def describe_model() -> ModelDescription:
        """Describe the model in service."""
        return _describe(in_service())

    @app.post("/model/reload", tags=["model"])
    def reload_model() -> ReloadResponse:
        """Load the champion, try it, and swap it in; requests under way end with the old one."""
        try:
            changed = model.refresh(always=True)
        except ModelUnavailableError as error:
            raise HTTPException(status.HTTP_503_SERVICE_UNAVAILABLE, str(error)) from error
        return ReloadResponse(changed=changed, model=_describe(in_service()))

    @app.get("/metrics", include_in_schema=False)
    def measurements() -> Response:
        """Give what was measured, for Prometheus."""
        current = model.current
        text = metrics.text((current.name, current.version) if current is not None else None)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    return app
