"""What operations refuse, and how they say that another program failed, without an engine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from environments import load

from envman.diagnostics import EnvmanError
from envman.engine.endpoint import Endpoint
from envman.model.active import enabled_services
from envman.operations import carry_out, prepare


def workspace(root: Path, host: str = "unix:///var/run/docker.sock") -> Any:
    engine = SimpleNamespace(facts=lambda: SimpleNamespace(gpu=False))
    return SimpleNamespace(
        engine=engine, endpoint=Endpoint(host, None, "DOCKER_HOST"), project=SimpleNamespace(root=root)
    )


def test_a_gpu_that_is_required_and_not_there(tmp_path: Path) -> None:
    environment = load(tmp_path, dev="services: {train: {image: x, gpu: required}, api: {image: x, gpu: optional}}")
    with pytest.raises(EnvmanError) as caught:
        prepare.impossible(workspace(tmp_path), environment).raise_errors()
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == ("EV411", "train requires a GPU, and the engine offers none")
    assert str(diagnostic.span) == "blueprints/dev.yaml:1:35"


def test_who_asks_for_a_gpu_without_saying_so_is_warned(tmp_path: Path) -> None:
    text = "services: {%s: {image: x, runtime: nvidia%s}, calm: {image: x, runtime: nvidia, gpu: none}}"
    found = list(prepare.impossible(workspace(tmp_path), load(tmp_path, dev=text % ("train", ""))))
    assert [(one.code, one.severity, one.message, str(one.span)) for one in found] == [
        ("EV411", "warning", "train asks for a GPU, and the engine offers none", "blueprints/dev.yaml:1:39")
    ]
    # Who is not started needs none.
    behind = load(tmp_path, dev=text % ("later", ", profiles: [later]"))
    assert not prepare.impossible(workspace(tmp_path), behind.only(enabled_services(behind)))


def test_files_of_the_project_are_not_on_a_remote_engine(tmp_path: Path) -> None:
    environment = load(tmp_path, dev='services: {api: {image: x, volumes: ["./src:/src", "data:/data"]}}')
    prepare.impossible(workspace(tmp_path), environment).raise_errors()
    with pytest.raises(EnvmanError) as caught:
        prepare.impossible(workspace(tmp_path, "ssh://gpu-box"), environment).raise_errors()
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message) == (
        "EV311",
        "api mounts ./src of this project, but the engine is at ssh://gpu-box",
    )


def test_what_compose_says_when_it_fails_is_passed_on(tmp_path: Path) -> None:
    handle = SimpleNamespace(lines=lambda: iter(()), wait=lambda: 1, tail=lambda _: "its own words")
    prepared: Any = SimpleNamespace(
        compose=SimpleNamespace(start=lambda *_: handle), environment=SimpleNamespace(name="dev")
    )
    with pytest.raises(EnvmanError) as caught:
        carry_out.run(prepared, "restart")
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.message, diagnostic.detail) == (
        "EV610",
        "Compose failed on dev",
        "its own words",
    )
