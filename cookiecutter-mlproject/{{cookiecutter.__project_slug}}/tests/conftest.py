"""What several tests need: data, a trained model, and a registry that needs no server."""

import socket
from pathlib import Path

import pytest

from {{ cookiecutter.package_name }}.data import Split, load_dataset, split
from {{ cookiecutter.package_name }}.registry import FolderRegistry, TrainedModel
from {{ cookiecutter.package_name }}.settings import Settings
from {{ cookiecutter.package_name }}.train import train


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        model_name="test-model",
        model_folder=tmp_path / "models",
        batch_folder=tmp_path / "data",
        model_refresh_seconds=0,
    )


@pytest.fixture(scope="session")
def dataset() -> Split:
    defaults = Settings()
    return split(load_dataset(), test_fraction=defaults.test_fraction, seed=defaults.seed)


@pytest.fixture(scope="session")
def trained() -> TrainedModel:
    return train(Settings())


@pytest.fixture
def registry(settings: Settings) -> FolderRegistry:
    return FolderRegistry(
        settings.model_folder, name=settings.model_name, alias=settings.model_alias
    )


@pytest.fixture
def port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
