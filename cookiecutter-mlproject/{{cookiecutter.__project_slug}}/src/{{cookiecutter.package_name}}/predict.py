"""Prediction: from rows to labels, and the one model that is in service."""

import logging
import threading
from typing import Final, NamedTuple

import pandas as pd
{% if cookiecutter.framework == "scikit-learn" %}
from sklearn.pipeline import Pipeline
{% endif %}

from .features import EXAMPLE, TABLE, check_features
{% if cookiecutter.framework == "pytorch" %}
from .model import Pipeline
{% endif %}
from .registry import LoadedModel, Registry

_LOGGER = logging.getLogger(__name__)


# What answers call the codes 0 and 1 that models are trained with.
LABELS: Final = tuple(TABLE.labels.values())


class Prediction(NamedTuple):
    """What a model says of one row."""

    label: str
    """One of LABELS."""
    probability: float
    """The probability of the second one."""


class ModelUnavailableError(Exception):
    """No model could be brought into service; the message says why."""


def predict(model: Pipeline, rows: pd.DataFrame) -> list[Prediction]:
    """Take a model and rows; give one prediction a row, in their order.

    Raises InvalidFeaturesError for rows that cannot be predicted.
    """
    features = check_features(rows)
    codes = model.predict(features)
    probabilities = model.predict_proba(features)[:, 1]
    return [
        Prediction(LABELS[int(code)], float(probability))
        for code, probability in zip(codes, probabilities, strict=True)
    ]


class ModelInService:
    """The model that predicts now, and the way to another one.

    Whoever predicts takes `current` once and keeps it for the request: the swap is one assignment,
    so a request sees the old model or the new one, never a mixture and never none.
    """

    def __init__(self, registry: Registry) -> None:
        """Take the registry that models come from; nothing is loaded yet."""
        self._registry = registry
        self._one_refresh_at_a_time = threading.Lock()
        self._current: LoadedModel | None = None

    @property
    def current(self) -> LoadedModel | None:
        """Give the model that predicts now; None until one has been loaded."""
        return self._current

    def refresh(self, *, always: bool = False) -> bool:
        """Bring the champion into service; give whether the version is another one now.

        A version that is in service already is loaded again only with `always`. Raises
        ModelUnavailableError, and keeps the present model, if there is no champion, if it cannot
        be reached or loaded, or if it cannot predict a row that every model must.
        """
        with self._one_refresh_at_a_time:
            before = self._current
            try:
                version = self._registry.champion()
                if version is None:
                    raise ModelUnavailableError("no model is registered yet; run the train job")
                if before is not None and before.version == version and not always:
                    return False
                loaded = self._registry.load(version)
                predict(loaded.pipeline, pd.DataFrame([EXAMPLE]))
            except ModelUnavailableError:
                raise
            # Whatever a registry, a network or a file can do wrong must not cost the model that
            # is in service.
            except Exception as error:
                raise ModelUnavailableError(f"{type(error).__name__}: {error}") from error
            self._current = loaded
        changed = before is None or before.version != loaded.version
        if changed:
            _LOGGER.info("model %s version %s is in service", loaded.name, loaded.version)
        return changed


class Refresher:
    """A thread that brings new champions into service as they are registered.

    Each replica has one, so that all of them follow a training without being told.
    """

    def __init__(self, model: ModelInService, *, seconds: float) -> None:
        """Take the model and the pause between looks; 0 means to look once, at the start."""
        self._model = model
        self._seconds = seconds
        self._looked = threading.Event()
        self._stopped = threading.Event()
        # A daemon: a registry that does not answer must not keep a process from leaving.
        self._thread = threading.Thread(target=self._run, name="model-refresh", daemon=True)

    def start(self) -> None:
        """Look for a model now, in the background, and then again and again."""
        self._thread.start()

    def wait_for_first_look(self, *, seconds: float) -> None:
        """Return when the first look is done, whatever came of it, or after so many seconds."""
        self._looked.wait(seconds)

    def stop(self) -> None:
        """Look no more; a look that is under way is not waited for."""
        self._stopped.set()

    def _run(self) -> None:
        reason = ""
        while True:
            try:
                self._model.refresh()
                reason = ""
            except ModelUnavailableError as error:
                # Said once, not every few seconds.
                if str(error) != reason:
                    reason = str(error)
                    _LOGGER.warning("no new model: %s", reason)
            self._looked.set()
            # Without any model, people wait for the one that is being trained.
            seconds = min(self._seconds, 2) if self._model.current is None else self._seconds
            if not seconds or self._stopped.wait(seconds):
                return
