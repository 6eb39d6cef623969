"""What a capture writes into a project, and when it writes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from described import captured, container

from envman.capture.suspects import find_suspects
from envman.diagnostics import EnvmanError
from envman.operations.capture import Reading, Wish, Written, write_captured


def reading(**config: Any) -> Reading:
    return Reading(captured(container(config=config)), "28.5.2")


def write(root: Path, read: Reading, *, replace: bool = False, plain: bool = False) -> Written:
    suspects = find_suspects(read.captured.data)
    secrets, kept = ([], suspects) if plain else (suspects, [])
    return write_captured(Wish(root, "prod", replace=replace), read, secrets, kept)


def refused(root: Path, read: Reading, **more: bool) -> list[str]:
    with pytest.raises(EnvmanError) as error:
        write(root, read, **more)
    return [one.code for one in error.value.diagnostics if one.code != "EV824"]


def test_a_project_is_made_around_a_first_capture(tmp_path: Path) -> None:
    written = write(tmp_path, reading(Env=["API_KEY=hunter22"]))

    assert [str(one) for one in written.files] == [
        ".gitignore", "envman.yaml", "blueprints/prod.lock", "blueprints/prod.yaml"
    ]  # fmt: skip
    assert written.variables == ("API_KEY",)
    assert (tmp_path / ".gitignore").read_text() == "/.env.prod\n"
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and "hunter22" in one.read_text()]
    assert [one.code for one in written.report] == ["EV824"]


def test_what_is_no_secret_stands_in_the_blueprint_and_is_said(tmp_path: Path) -> None:
    written = write(tmp_path, reading(Env=["API_KEY=hunter22"]), plain=True)

    assert 'API_KEY: "hunter22"' in (tmp_path / "blueprints" / "prod.yaml").read_text()
    assert [one.message for one in written.report] == [
        "web API_KEY looks secret (its name) and stands in the blueprint, as you wanted"
    ]


def test_the_same_again_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, reading())

    assert write(tmp_path, reading()).files == ()


def test_a_blueprint_and_a_lock_that_are_there_stay(tmp_path: Path) -> None:
    write(tmp_path, reading())
    before = {one: one.read_text() for one in tmp_path.rglob("*") if one.is_file()}

    assert refused(tmp_path, reading(User="7")) == ["EV011"]
    (tmp_path / "blueprints" / "prod.lock").unlink()
    assert refused(tmp_path, reading(User="7")) == ["EV801"]
    assert (tmp_path / "blueprints" / "prod.yaml").read_text() == before[tmp_path / "blueprints" / "prod.yaml"]

    write(tmp_path, reading(User="7"), replace=True)
    assert 'user: "7"' in (tmp_path / "blueprints" / "prod.yaml").read_text()


def test_a_value_that_cannot_be_taken_out_is_not_written(tmp_path: Path) -> None:
    read = reading(Env=["API_KEY=hunter22"], Hostname="hunter22")
    suspects = [one for one in find_suspects(read.captured.data) if one.is_variable]

    with pytest.raises(EnvmanError) as error:
        write_captured(Wish(tmp_path, "prod"), read, suspects, [])

    assert [one.code for one in error.value.diagnostics] == ["EV831"]
    assert list(tmp_path.iterdir()) == []


def test_the_blueprint_says_what_it_does_not(tmp_path: Path) -> None:
    read = Reading(captured(container(host={"AutoRemove": True})), "28.5.2")

    write(tmp_path, read)

    text = (tmp_path / "blueprints" / "prod.yaml").read_text()
    assert "# What it does not say:\n# - web: HostConfig.AutoRemove is left out\n" in text
