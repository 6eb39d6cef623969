"""The images of a bundle onto an engine that is made up: what is refused, and what is taken back."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bundles import FakeBundle

from envman.diagnostics import EnvmanError
from envman.engine import transfer
from envman.operations.bundle import opened
from envman.operations.loading import Taken, loaded_images
from envman.operations.progress import Silent


class MadeUp:
    """An engine that has ``images``, by every name and ID that they can be asked for by, and takes what it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, architecture: str = "x86_64", images: Any = ()) -> None:
        self.architecture = architecture
        self.images: dict[str, str] = dict(images)
        self.comes: dict[str, str] = {}
        self.removed: list[str] = []
        monkeypatch.setattr(transfer, "load_images", self._load)
        monkeypatch.setattr(transfer, "tag_image", lambda _, image, name: self.images.update({name: image}))
        monkeypatch.setattr(transfer, "remove_names", lambda _, names: self._remove(list(names)))

    def facts(self) -> Any:
        return SimpleNamespace(architecture=self.architecture, operating_system="Debian GNU/Linux")

    def ask(self, *questions: Any) -> list[Any]:
        names = [one.path.removeprefix("/images/").removesuffix("/json") for one in questions]
        return [{"Id": self.images[name]} if name in self.images else None for name in names]

    def _load(self, _: Any, pieces: Any) -> None:
        for _piece in pieces:
            pass
        self.images |= self.comes

    def _remove(self, names: list[str]) -> None:
        self.removed += names
        for name in names:
            self.images.pop(name, None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return FakeBundle().write(tmp_path / "it.bundle")


def load(engine: MadeUp, path: Path, *, platform: str | None = None, fails: bool = False) -> Any:
    with opened(path) as bundle:
        engine.comes = {image.id: image.id for image in bundle.contents.images} if not engine.comes else engine.comes
        with loaded_images(engine, bundle, Silent(), Taken.REFUSE, platform) as done:  # type: ignore[arg-type]
            if fails:
                raise OSError
            return done


def test_images_for_another_platform_are_refused_unless_that_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MadeUp(monkeypatch, "aarch64")
    for platform in (None, "linux/arm64"):
        with pytest.raises(EnvmanError) as raised:
            load(engine, path, platform=platform)
        (found,) = raised.value.diagnostics
        assert found.code == "EV687"
        assert found.message == "the bundle is for linux/amd64, and this engine is linux/arm64"
    assert engine.images == {}
    assert len(load(engine, path, platform="linux/amd64").ids) == 2


def test_an_image_that_does_not_come_is_noticed_and_the_others_go_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MadeUp(monkeypatch)
    engine.comes = {"sha256:another": "sha256:another"}
    with pytest.raises(EnvmanError) as raised:
        load(engine, path)
    assert [one.code for one in raised.value.diagnostics] == ["EV689"]
    assert set(engine.images) == {"sha256:another"}
    assert len(engine.removed) == 4  # both images, by either ID that an engine may give them


def test_what_fails_later_takes_images_and_names_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = MadeUp(monkeypatch)
    with pytest.raises(EnvmanError, match="EV002"):
        load(engine, path, fails=True)
    assert engine.images == {}
    done = load(engine, path)
    assert sorted(done.names.values()) == ["api:1", "db:17"]
    assert done.fresh == ("docker.io/library/api:1", "docker.io/library/db:17")
    assert {engine.images[name] for name in done.names.values()} == set(done.ids.values())
    assert load(engine, path).fresh == ()
