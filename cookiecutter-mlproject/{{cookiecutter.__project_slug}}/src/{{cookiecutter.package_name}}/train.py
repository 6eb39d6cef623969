"""The training job: fit a model, judge it, record it, and register it if it is good enough."""

import logging
import sys

{% if cookiecutter.framework == "scikit-learn" %}
import joblib
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

{% endif %}
from .data import DataError, Dataset, load_dataset, split
from .evaluate import GateError, check_gate, evaluate
{% if cookiecutter.framework == "scikit-learn" %}
from .features import InvalidFeaturesError, preprocessing
{% else %}
from .features import InvalidFeaturesError
{% endif %}
from .jobs import JobError, run_job
{% if cookiecutter.framework == "pytorch" %}
from .model import PARAMETERS, DeviceError, fit, model_digest
{% endif %}
from .registry import Registry, TrainedModel, open_registry
from .settings import Settings

_LOGGER = logging.getLogger(__name__)
{% if cookiecutter.framework == "scikit-learn" %}
_MODEL_PARAMETERS = {"C": 1.0, "max_iter": 1000}


def fit(training: Dataset, *, seed: int) -> Pipeline:
    """Take rows to learn from; give a fitted model. The same rows and seed give the same model."""
    model = make_pipeline(
        preprocessing(), LogisticRegression(random_state=seed, **_MODEL_PARAMETERS)
    )
    return model.fit(training.features, training.target)


def model_digest(model: Pipeline) -> str:
    """Take a fitted model; give a digest of all that it has learned.

    The same rows, seed and locked requirements give the same one.
    """
    return str(joblib.hash(model, hash_name="sha1"))
{% endif %}


def champion_metrics(registry: Registry, held_out: Dataset) -> dict[str, float] | None:
    """Take a registry and rows; give how good the model in service is on them, if it can be told.

    One that was made for other features cannot be compared, and is no obstacle.
    """
    version = registry.champion()
    if version is None:
        return None
    try:
        return evaluate(registry.load(version).pipeline, held_out)
    except (ValueError, KeyError, TypeError) as error:
        _LOGGER.warning("version %s cannot be compared: %s", version, error)
        return None


def train(settings: Settings) -> TrainedModel:
    """Take the settings; give a model that has been trained and judged, but not recorded."""
    rows = load_dataset(settings.batch_folder)
    dataset = split(rows, test_fraction=settings.test_fraction, seed=settings.seed)
{% if cookiecutter.framework == "scikit-learn" %}
    pipeline = fit(dataset.training, seed=settings.seed)
{% else %}
    pipeline = fit(dataset.training, seed=settings.seed, device=settings.device)
{% endif %}
    return TrainedModel(
        pipeline=pipeline,
        parameters={
{% if cookiecutter.framework == "scikit-learn" %}
            **_MODEL_PARAMETERS,
            "model": "LogisticRegression",
{% else %}
            **PARAMETERS,
            "model": "MLP",
{% endif %}
            "seed": settings.seed,
            "test_fraction": settings.test_fraction,
            "training_rows": len(dataset.training.features),
            "model_digest": model_digest(pipeline),
        },
        metrics=evaluate(pipeline, dataset.held_out),
        held_out=dataset.held_out,
        {% if cookiecutter.tracking == "mlflow" %}
        sample=dataset.training.features.head(100),
        {% endif %}
    )


def train_and_register(settings: Settings) -> None:
    """Take the settings; train, record the run, and register the model if it passes the gate.

{% if cookiecutter.framework == "scikit-learn" %}
    Raises JobError if it does not; the run is recorded all the same, so that the metrics can be
    looked at. Raises it, too, where there is no table to learn from.
{% else %}
    Raises JobError if it does not; the run is recorded all the same, so that the metrics can be
    looked at. Raises it, too, where there is no table to learn from, or no such device.
{% endif %}
    """
    registry = open_registry(settings)
{% if cookiecutter.framework == "scikit-learn" %}
    try:
        trained = train(settings)
    except (DataError, InvalidFeaturesError) as error:
        raise JobError(str(error)) from error
{% else %}
    try:
        trained = train(settings)
    except (DataError, DeviceError, InvalidFeaturesError) as error:
        raise JobError(str(error)) from error
{% endif %}
    _LOGGER.info("trained", extra={"metrics": dict(trained.metrics)})
    try:
        check_gate(
            trained.metrics,
            minimum_accuracy=settings.minimum_accuracy,
            champion=champion_metrics(registry, trained.held_out),
        )
    except GateError as error:
        registry.record(trained, register=False)
        raise JobError(str(error)) from error
    version = registry.record(trained, register=True)
    _LOGGER.info(
        "registered %s version %s as %s", settings.model_name, version, settings.model_alias
    )


def main() -> None:
    """Run the job and leave with its exit status."""
    sys.exit(run_job(train_and_register))
