"""A lock's file."""

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.lock.lock import Lock, plain
from envman.lock.text import lock_text, read_lock, sealed

IMAGE = {"digest": "sha256:" + "1" * 64, "platforms": {"linux/amd64": {"image": "sha256:" + "2" * 64}}}


def a_lock(**values: object) -> Lock:
    return sealed(
        **{
            "environment": "prod",
            "document": "sha256:" + "0" * 64,
            "made_with": {"envman": "0.1.0"},
            "images": {"docker.io/library/redis:7": IMAGE, "docker.io/library/busybox:1": IMAGE},
            "variables": {"workers": {"value": 3, "origin": "blueprints/prod.yaml:3:5"}},
            **values,
        }
    )


def write(root: Path, text: str) -> None:
    (root / "blueprints").mkdir(exist_ok=True)
    (root / "blueprints/prod.lock").write_text(text)


def test_a_lock_is_read_as_it_was_written(tmp_path: Path) -> None:
    write(tmp_path, lock_text(a_lock()))

    lock = read_lock(tmp_path, "prod")

    assert lock is not None
    assert plain(lock) == plain(a_lock())
    assert lock_text(lock) == lock_text(a_lock())
    assert list(plain(lock)["images"]) == ["docker.io/library/busybox:1", "docker.io/library/redis:7"]


def test_an_environment_without_a_lock_has_none(tmp_path: Path) -> None:
    assert read_lock(tmp_path, "prod") is None


def test_a_change_by_hand_is_seen(tmp_path: Path) -> None:
    write(tmp_path, lock_text(a_lock()).replace("1" * 64, "3" * 64, 1))

    with pytest.raises(EnvmanError) as caught:
        read_lock(tmp_path, "prod")

    assert [one.code for one in caught.value.diagnostics] == ["EV531"]


def test_the_lock_of_a_newer_envman_is_not_guessed_at(tmp_path: Path) -> None:
    write(tmp_path, "lock: 99\nsomething: else\n")

    with pytest.raises(EnvmanError) as caught:
        read_lock(tmp_path, "prod")

    assert [one.code for one in caught.value.diagnostics] == ["EV530"]
