"""Input that is large and valid: no limit refuses it, and its warnings fit on a screen."""

from __future__ import annotations

from pathlib import Path

import pytest
from called import Envman

API = "services:\n  api:\n    image: busybox:1.37\n"
# `envman import` and `check` together, with the list of files that an import writes.
LINES = 50


def many(line: str) -> str:
    return "".join(line.replace("#", str(number)) for number in range(600))


LARGE = {
    "fixed ports": API + "    ports:\n" + many("      - '2#:80'\n"),
    "container names": "services:\n" + many("  s#: {image: 'busybox:1.37', container_name: name#}\n"),
    "passwords": API + "    environment:\n" + many("      A#_PASSWORD: not-a-real-one\n"),
    "binds": API + "    volumes:\n" + many("      - './absent#:/data#'\n"),
    "names of volumes": API + "volumes:\n" + many("  v#: {name: name#}\n"),
    "variables without a value": API + "    environment:\n" + many("      A#: ${V#}\n"),
    "images without a tag": "services:\n" + many("  s#: {image: busybox}\n"),
}


@pytest.mark.parametrize("name", LARGE)
def test_many_warnings_refuse_nothing(
    name: str, envman: Envman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "compose.yaml").write_text(LARGE[name])
    monkeypatch.chdir(folder)
    lines = (envman("import", "compose.yaml").err + envman("check").err).count("\n")
    assert 0 < lines < LINES


def test_a_port_that_many_environments_share_refuses_nothing(envman: Envman, project: Path) -> None:
    for number in range(120):
        (project / f"blueprints/e{number}.yaml").write_text(f"{API}    ports: ['8080:80']\n")
    assert 0 < envman("check").err.count("\n") < LINES


def test_a_limit_can_be_raised(envman: Envman, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "blueprints/dev.yaml").write_text(f"{API}    ports: ['1-32000:1-32000']\n")
    assert "more than 30,000 ports" in (refused := envman("check", "dev", status=1).err)
    assert "set ENVMAN_LIMITS=10" in refused
    monkeypatch.setenv("ENVMAN_LIMITS", "2")
    envman("check", "dev")


@pytest.mark.parametrize("value", ["", "0x2", "-1", "1e3", "none"])
def test_a_limit_that_is_no_number_is_the_usual_one(
    envman: Envman, project: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("ENVMAN_LIMITS", value)
    (project / "blueprints/dev.yaml").write_text(f"{API}    ports: ['1-30000:1-30000']\n")
    envman("check", "dev")
