"""The judgement: how good a model is, and whether that is good enough."""

from collections.abc import Mapping

from sklearn.metrics import accuracy_score, log_loss, precision_score, recall_score, roc_auc_score
{% if cookiecutter.framework == "scikit-learn" %}
from sklearn.pipeline import Pipeline
{% endif %}

from .data import Dataset
{% if cookiecutter.framework == "pytorch" %}
from .model import Pipeline
{% endif %}


class GateError(Exception):
    """A model that is not good enough to be registered; the message says by how much."""


def evaluate(model: Pipeline, held_out: Dataset) -> dict[str, float]:
    """Take a fitted model and rows it has not seen; give its metrics by name."""
    predicted = model.predict(held_out.features)
    probability = model.predict_proba(held_out.features)[:, 1]
    return {
        "accuracy": float(accuracy_score(held_out.target, predicted)),
        "precision": float(precision_score(held_out.target, predicted)),
        "recall": float(recall_score(held_out.target, predicted)),
        "roc_auc": float(roc_auc_score(held_out.target, probability)),
        "log_loss": float(log_loss(held_out.target, probability)),
    }


def check_gate(
    metrics: Mapping[str, float],
    *,
    minimum_accuracy: float,
    champion: Mapping[str, float] | None = None,
) -> None:
    """Take a model's metrics, and those of the one in service on the same rows, if there is one.

    Raises GateError unless they allow it to be registered.
    """
    if metrics["accuracy"] < minimum_accuracy:
        raise GateError(
            f"held-out accuracy {metrics['accuracy']:.4f} is below the minimum of "
            f"{minimum_accuracy:.4f}; the model is not registered"
        )
    if champion is not None and metrics["accuracy"] < champion["accuracy"]:
        raise GateError(
            f"held-out accuracy {metrics['accuracy']:.4f} is below the {champion['accuracy']:.4f} "
            "of the registered model; the model is not registered"
        )
