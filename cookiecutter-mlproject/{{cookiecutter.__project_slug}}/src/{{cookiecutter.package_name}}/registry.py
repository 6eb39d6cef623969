"""The registry: where trained models are recorded, and where the one to serve is found.

{% if cookiecutter.tracking == "mlflow" %}
With a tracking server that is MLflow. Without one it is a folder, so that tests and a first try
need nothing that runs.
"""
{% else %}
It is a folder, which services share as a volume.
"""
{% endif %}

import json
{% if cookiecutter.tracking == "mlflow" %}
import os
{% endif %}
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
{% if cookiecutter.tracking == "mlflow" %}
from functools import cached_property
from importlib.metadata import version as installed_version
from pathlib import Path
from types import ModuleType
{{ 'from typing import TYPE_CHECKING, Any, Final, Protocol' if cookiecutter.framework == 'pytorch' else 'from typing import Any, Final, Protocol' }}

import pandas as pd
{% if cookiecutter.framework == "scikit-learn" %}
import skops.io
{% endif %}
{% else %}
from pathlib import Path
from typing import Final, Protocol
{% if cookiecutter.framework == "scikit-learn" %}

import skops.io
{% endif %}
{% endif %}
{% if cookiecutter.framework == "scikit-learn" %}
from sklearn.pipeline import Pipeline
{% endif %}

from .data import Dataset
{% if cookiecutter.framework == "pytorch" %}
from .model import Pipeline, load, save
{% endif %}
from .settings import Settings

{% if cookiecutter.tracking == "mlflow" %}
# What a model needs wherever it is loaded; MLflow would otherwise find out by loading it in a new
# process, which takes longer than the training.
{% if cookiecutter.framework == "scikit-learn" %}
_REQUIREMENTS: Final = ("scikit-learn", "skops", "pandas", "numpy")
{% else %}
_REQUIREMENTS: Final = ("torch", "safetensors", "pandas", "numpy")

{% endif %}
{% endif %}
{% if cookiecutter.framework == "scikit-learn" %}
# Types in a model's file beside those that skops trusts by itself: those of numbers in arrays.
_TRUSTED: Final = ("numpy.dtype",)

{% endif %}
{% if cookiecutter.framework == "pytorch" %}
{% if cookiecutter.tracking == "mlflow" %}
if TYPE_CHECKING:
    from mlflow.models import Model, ModelSignature

{% endif %}
_FILE: Final = "model.safetensors"

{% endif %}

@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A fitted model and how it came about."""

    pipeline: Pipeline
    parameters: Mapping[str, str | int | float]
    metrics: Mapping[str, float]
    held_out: Dataset
    """The rows that it was judged by."""
    {% if cookiecutter.tracking == "mlflow" %}
    sample: pd.DataFrame
    """Some rows that it was trained on, from which its signature follows."""
    {% endif %}


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A registered model, ready to predict."""

    pipeline: Pipeline
    name: str
    version: str
    run_id: str
    metrics: Mapping[str, float]


class Registry(Protocol):
    """Where models are recorded and found."""

    def record(self, trained: TrainedModel, *, register: bool) -> str | None:
        """Take a model; keep its parameters and metrics, and give its version.

        Only with `register` is the model itself kept, and becomes the one to serve; otherwise
        there is no version.
        """

    def champion(self) -> str | None:
        """Give the version of the model to serve; None if there is none yet. Cheap."""

    def load(self, version: str) -> LoadedModel:
        """Take a version that is registered; give its model."""


class FolderRegistry:
    """Keeps models as folders: `NAME/VERSION/` and a file that names the champion's version."""

    def __init__(self, folder: Path, *, name: str, alias: str) -> None:
        """Take the folder, which need not exist yet, the model's name and the champion's alias."""
        self._folder = folder / name
        self._name = name
        self._alias = self._folder / alias

    def record(self, trained: TrainedModel, *, register: bool) -> str | None:
        """See Registry."""
        if not register:
            return None
        self._folder.mkdir(parents=True, exist_ok=True)
        version = str(1 + max(map(int, self._versions()), default=0))
        # Whole or not at all: readers see folders and files only under their final names.
        written = Path(tempfile.mkdtemp(dir=self._folder, prefix=".new-"))
        try:
{% if cookiecutter.framework == "scikit-learn" %}
            skops.io.dump(trained.pipeline, written / "model.skops")
{% else %}
            save(trained.pipeline, written / _FILE)
{% endif %}
            record = {"parameters": dict(trained.parameters), "metrics": dict(trained.metrics)}
            (written / "record.json").write_text(json.dumps(record, indent=2), encoding="utf-8")
            # Temporary folders are their owner's alone; other users only read.
            written.chmod(0o755)
            written.rename(self._folder / version)
        except BaseException:
            shutil.rmtree(written)
            raise
        pointer = self._folder / f".new-champion-{version}"
        pointer.write_text(version, encoding="utf-8")
        pointer.replace(self._alias)
        return version

    def champion(self) -> str | None:
        """See Registry."""
        try:
            return self._alias.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def load(self, version: str) -> LoadedModel:
        """See Registry."""
        folder = self._folder / version
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        return LoadedModel(
{% if cookiecutter.framework == "scikit-learn" %}
            # Loading runs no code of the file.
            pipeline=skops.io.load(folder / "model.skops", trusted=list(_TRUSTED)),
{% else %}
            pipeline=load(folder / _FILE),
{% endif %}
            name=self._name,
            version=version,
            run_id=f"{self._name}-{version}",
            metrics=record["metrics"],
        )

    def _versions(self) -> list[str]:
        return [entry.name for entry in self._folder.iterdir() if entry.name.isdecimal()]


{% if cookiecutter.tracking == "mlflow" %}
{% if cookiecutter.framework == "pytorch" %}
class Safetensors:
    """How MLflow keeps a model: a flavor of the project's own, for MLflow's for PyTorch pickles."""

    @staticmethod
    def save_model(
        path: str, mlflow_model: "Model", trained: TrainedModel, signature: "ModelSignature"
    ) -> None:
        """Take a folder that MLflow keeps, and its description of the model; write both."""
        folder = Path(path)
        folder.mkdir()
        save(trained.pipeline, folder / _FILE)
        requirements = [f"{name}=={installed_version(name)}\n" for name in _REQUIREMENTS]
        (folder / "requirements.txt").write_text("".join(requirements), encoding="utf-8")
        mlflow_model.signature = signature
        mlflow_model.add_flavor("safetensors", data=_FILE)
        mlflow_model.save(str(folder / "MLmodel"))


{% endif %}
class MlflowRegistry:
    """Keeps runs and models on an MLflow tracking server."""

    def __init__(self, tracking_uri: str, *, name: str, alias: str) -> None:
        """Take the server's address, the model's name and the champion's alias."""
        self._tracking_uri = tracking_uri
        self._name = name
        self._alias = alias

    @cached_property
    def _mlflow(self) -> ModuleType:
        # Imported when it is first used: it takes seconds, in which a service can be alive already.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
{% if cookiecutter.framework == "scikit-learn" %}
        import mlflow.sklearn
{% else %}
        import mlflow
{% endif %}

        mlflow.set_tracking_uri(self._tracking_uri)
        return mlflow

    def record(self, trained: TrainedModel, *, register: bool) -> str | None:
        """See Registry. The experiment bears the model's name."""
        mlflow = self._mlflow
        mlflow.set_experiment(self._name)
        with mlflow.start_run():
            mlflow.log_params(dict(trained.parameters))
            mlflow.log_metrics(dict(trained.metrics))
            if not register:
                mlflow.end_run("FAILED")
                return None
{% if cookiecutter.framework == "scikit-learn" %}
            logged = mlflow.sklearn.log_model(
                trained.pipeline,
                name="model",
                registered_model_name=self._name,
                signature=mlflow.models.infer_signature(
                    trained.sample, trained.pipeline.predict(trained.sample)
                ),
                pip_requirements=[f"{name}=={installed_version(name)}" for name in _REQUIREMENTS],
                skops_trusted_types=list(_TRUSTED),
            )
{% else %}
            logged = mlflow.models.Model.log(
                artifact_path=None,
                flavor=Safetensors,
                name="model",
                registered_model_name=self._name,
                trained=trained,
                signature=mlflow.models.infer_signature(
                    trained.sample, trained.pipeline.predict(trained.sample)
                ),
            )
{% endif %}
        version = str(logged.registered_model_version)
        # Last of all, so that nobody finds a champion that is not yet complete.
        mlflow.MlflowClient().set_registered_model_alias(self._name, self._alias, version)
        return version

    def champion(self) -> str | None:
        """See Registry."""
        mlflow = self._mlflow
        try:
            aliases: dict[str, Any] = mlflow.MlflowClient().get_registered_model(self._name).aliases
        except mlflow.exceptions.MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return str(aliases[self._alias]) if self._alias in aliases else None

    def load(self, version: str) -> LoadedModel:
        """See Registry."""
        client = self._mlflow.MlflowClient()
        run_id = str(client.get_model_version(self._name, version).run_id)
        return LoadedModel(
{% if cookiecutter.framework == "scikit-learn" %}
            pipeline=self._mlflow.sklearn.load_model(f"models:/{self._name}/{version}"),
{% else %}
            pipeline=self._download(version),
{% endif %}
            name=self._name,
            version=version,
            run_id=run_id,
            metrics=dict(client.get_run(run_id).data.metrics),
        )

{% if cookiecutter.framework == "pytorch" %}
    def _download(self, version: str) -> Pipeline:
        with tempfile.TemporaryDirectory() as folder:
            model = self._mlflow.artifacts.download_artifacts(
                f"models:/{self._name}/{version}", dst_path=folder
            )
            return load(Path(model) / _FILE)

{% endif %}

{% endif %}
def open_registry(settings: Settings) -> Registry:
    {% if cookiecutter.tracking == "mlflow" %}
    """Take the settings; give MLflow's registry, or the folder's if no server is configured."""
    if settings.mlflow_tracking_uri:
        return MlflowRegistry(
            settings.mlflow_tracking_uri, name=settings.model_name, alias=settings.model_alias
        )
    {% else %}
    """Take the settings; give the registry in the folder that they name."""
    {% endif %}
    return FolderRegistry(
        settings.model_folder, name=settings.model_name, alias=settings.model_alias
    )
