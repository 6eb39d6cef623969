from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.checkout import Checkout, adopt_checkout, open_checkout, state_home


def opened(root: Path, tmp_path: Path) -> Checkout:
    root.mkdir(exist_ok=True, parents=True)
    return open_checkout(root, "churn", {"XDG_STATE_HOME": str(tmp_path / "state")})


def test_a_new_checkout_gets_an_id_that_stays(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    second = opened(tmp_path / "app", tmp_path)
    assert len(first.id) == 12
    assert (second.id, second.state, second.notice) == (first.id, first.state, "")
    assert first.state == tmp_path / "state" / "envman" / f"churn-{first.id}"


def test_state_is_private(tmp_path: Path) -> None:
    assert opened(tmp_path / "app", tmp_path).state.stat().st_mode & 0o777 == 0o700


def test_git_ignores_the_private_folder(tmp_path: Path) -> None:
    checkout = opened(tmp_path / "app", tmp_path)
    assert (checkout.private / ".gitignore").read_text() == "*\n"


def test_git_clean_does_not_lose_the_id(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    shutil.rmtree(first.private)
    assert opened(tmp_path / "app", tmp_path).id == first.id
    assert (first.private / "checkout").read_text().strip() == first.id


def test_a_folder_that_moved_is_the_same_checkout_and_says_so(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    (tmp_path / "app").rename(tmp_path / "moved")
    moved = opened(tmp_path / "moved", tmp_path)
    assert (moved.id, moved.notice) == (first.id, f"this checkout has moved here from {tmp_path / 'app'}")
    assert opened(tmp_path / "moved", tmp_path).notice == ""


def test_a_copy_is_another_checkout(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    shutil.copytree(tmp_path / "app", tmp_path / "copy")
    copy = opened(tmp_path / "copy", tmp_path)
    assert copy.id != first.id
    assert copy.notice == f"this folder is a copy of {tmp_path / 'app'}; it got an ID of its own"
    assert opened(tmp_path / "app", tmp_path).id == first.id
    assert opened(tmp_path / "copy", tmp_path).id == copy.id


def test_a_lost_state_folder_keeps_the_id_of_the_project(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    shutil.rmtree(tmp_path / "state")
    assert opened(tmp_path / "app", tmp_path).id == first.id


def test_adopting_takes_the_other_id(tmp_path: Path) -> None:
    opened(tmp_path / "app", tmp_path)
    environ = {"XDG_STATE_HOME": str(tmp_path / "state")}
    adopt_checkout(tmp_path / "app", "churn", environ, "0123456789ab")
    assert opened(tmp_path / "app", tmp_path).id == "0123456789ab"


def test_a_relative_state_home_is_ignored() -> None:
    assert state_home({"XDG_STATE_HOME": "relative"}) == Path.home() / ".local/state/envman"


def test_a_state_folder_that_is_a_file_is_diagnosed(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(EnvmanError) as caught:
        opened(tmp_path / "app", tmp_path)
    assert [one.code for one in caught.value.diagnostics] == ["EV510"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_state_folder_that_is_not_ours_is_diagnosed(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o500)
    with pytest.raises(EnvmanError) as caught:
        opened(tmp_path / "app", tmp_path)
    assert [one.code for one in caught.value.diagnostics] == ["EV510"]


def test_only_an_id_can_be_adopted(tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        adopt_checkout(tmp_path, "churn", {"XDG_STATE_HOME": str(tmp_path / "state")}, "../elsewhere")
    assert caught.value.diagnostics[0].code == "EV508"
    assert not (tmp_path / "state").exists()


def test_another_path_to_the_same_folder_is_no_move(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "app")
    reached = opened(tmp_path / "link", tmp_path)
    assert (reached.id, reached.notice) == (first.id, "")
    assert opened(tmp_path / "app", tmp_path).notice == ""
