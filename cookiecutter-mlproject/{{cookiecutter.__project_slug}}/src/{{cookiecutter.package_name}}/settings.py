"""What can be set from outside, read from the environment and nowhere else."""

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)


class FileSource(PydanticBaseSettingsSource):
    """Reads the setting `NAME` from the file that `NAME_FILE` names.

    Container engines hand secrets over as files; official images read them by the same names.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Take one setting's field and name; give its value, its name, and that it is no JSON.

        The value is None where no file is named. A setting that is given both ways is an error,
        because neither would be the obvious one to believe.
        """
        del field
        variable = field_name.upper()
        path = os.environ.get(f"{variable}_FILE", "")
        if not path:
            return None, field_name, False
        if variable in os.environ:
            raise ValueError(f"{variable} and {variable}_FILE are both set; unset one of them")
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n"), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Give the values of all settings that have a file."""
        read = (
            self.get_field_value(field, name)
            for name, field in self.settings_cls.model_fields.items()
        )
        return {name: value for value, name, _ in read if value is not None}


class Settings(BaseSettings):
    """The settings of every part; each is an environment variable of the same name."""

    model_config = SettingsConfigDict(frozen=True, hide_input_in_errors=True)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"
    """`auto`: text on a terminal, JSON elsewhere."""

    {% if cookiecutter.tracking == "mlflow" %}
    mlflow_tracking_uri: str = ""
    """The tracking server; empty means the model folder instead."""
    {% endif %}
    model_name: str = (__package__ or "model").replace("_", "-")
    """The name under which models are registered."""
    model_alias: str = "champion"
    """The registered model that is served: the one that bears this alias."""
    model_folder: Path = Path("models")
    {% if cookiecutter.tracking == "mlflow" %}
    """Where models are kept when there is no tracking server."""
    {% else %}
    """Where models are kept."""
    {% endif %}

    seed: int = 7
{% if cookiecutter.framework == "pytorch" %}
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """What to train on; `auto` is a GPU where there is one. Models predict on the CPU."""
{% endif %}
    test_fraction: float = Field(default=0.25, gt=0, lt=1)
    minimum_accuracy: float = Field(default=0.75, ge=0, le=1)
    """The accuracy on held-out rows below which no model is registered."""

    host: str = "0.0.0.0"  # noqa: S104 - a container's own network; what is published is decided outside
    port: int = Field(default=8000, ge=1, le=65535)
    model_refresh_seconds: float = Field(default=10, ge=0)
    """How often the service looks for a new model; 0 means only when it is told to."""

    batch_folder: Path = Path("/data")
    """The folder of data: `raw/` with the table to learn from, `in/` with CSV files to score, and
    `processed/` with what jobs make of them."""
    maximum_drift: float = Field(default=0, ge=0)
    """The drift of the probabilities from which on the drift job fails; 0: it only reports."""
    batch_sample: bool = True
    """Whether a batch job without input writes a sample and scores that."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the sources in order: arguments, then variables, then the files they name."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, FileSource(settings_cls)
