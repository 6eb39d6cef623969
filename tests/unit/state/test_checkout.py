from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.state.checkout import Checkout, adopt_checkout, open_checkout, render_path, state_home


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
    assert (first.private / "checkout").read_text().split()[0] == first.id


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


FIRST = """\
import sys
from pathlib import Path
from envman.state.checkout import open_checkout
sys.stdin.read()
print(open_checkout(Path(sys.argv[1]), "churn", {"XDG_STATE_HOME": sys.argv[2]}).id)
"""


def test_several_first_commands_make_one_id(tmp_path: Path) -> None:
    for number in range(3):
        root = tmp_path / f"app{number}"
        root.mkdir()
        argv = [sys.executable, "-c", FIRST, str(root), str(tmp_path / "state")]
        many = [subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)]
        for process in many:
            assert process.stdin is not None
            process.stdin.close()
        told = set()
        for process in many:
            assert process.stdout is not None
            told.add(process.stdout.read().strip())
            process.stdout.close()
            process.wait()
        assert len(told) == 1
    assert len(list((tmp_path / "state" / "envman").glob("churn-*"))) == 3


def test_a_copy_whose_original_is_on_another_machine_is_another_checkout(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    shutil.copytree(tmp_path / "app", tmp_path / "copy", symlinks=True)
    copy = opened(tmp_path / "copy", tmp_path / "elsewhere")
    assert copy.id != first.id
    assert copy.notice == f"this folder is a copy of checkout {first.id}; it got an ID of its own"
    assert opened(tmp_path / "app", tmp_path).id == first.id


@pytest.mark.parametrize("asked", ["copy", "original"])
@pytest.mark.parametrize("place", ["beside", "in its place"])
def test_a_copy_never_takes_over_whichever_is_asked_first(tmp_path: Path, asked: str, place: str) -> None:
    first = opened(tmp_path / "app", tmp_path)
    original, copy = tmp_path / "moved", tmp_path / ("app" if place == "in its place" else "copy")
    (tmp_path / "app").rename(original)
    shutil.copytree(original, copy)
    for folder in (copy, original) if asked == "copy" else (original, copy):
        assert (opened(folder, tmp_path).id == first.id) == (folder == original)
    # Back in its place, it is what it was.
    shutil.rmtree(copy)
    original.rename(tmp_path / "app")
    assert opened(tmp_path / "app", tmp_path).id == first.id


def test_a_new_clone_in_the_place_of_one_that_moved_is_another_checkout(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    (tmp_path / "app").rename(tmp_path / "moved")
    assert opened(tmp_path / "app", tmp_path).id != first.id
    assert opened(tmp_path / "moved", tmp_path).id == first.id


def test_a_checkout_of_an_older_envman_is_known_and_marked(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    (first.private / "checkout").write_text(f"{first.id}\n")
    (first.state / "checkout.json").write_text(f'{{"id": "{first.id}", "project": "churn", "path": "{first.root}"}}')
    assert opened(tmp_path / "app", tmp_path).id == first.id
    shutil.copytree(tmp_path / "app", tmp_path / "copy")
    shutil.rmtree(tmp_path / "app")
    assert opened(tmp_path / "copy", tmp_path).id != first.id


def test_a_state_folder_that_was_away_for_a_while_is_found_again(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    other = opened(tmp_path / "app", tmp_path / "elsewhere")
    assert other.id == first.id
    assert opened(tmp_path / "app", tmp_path).state == first.state


def test_another_user_is_told_whose_the_checkout_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(tmp_path / "app", tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: first.root.stat().st_uid + 1)
    with pytest.raises(EnvmanError, match="EV501: this folder is a checkout of user"):
        opened(tmp_path / "app", tmp_path / "elsewhere")


def link(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize(("put", "code"), [(os.mkfifo, "EV509"), (link, "EV007"), (Path.mkdir, "EV509")])
def test_what_is_no_file_in_place_of_the_pointer(tmp_path: Path, put: Callable[[Path], None], code: str) -> None:
    (tmp_path / "app" / ".envman").mkdir(parents=True)
    put(tmp_path / "app" / ".envman" / "checkout")
    with pytest.raises(EnvmanError, match=code):
        opened(tmp_path / "app", tmp_path)


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    first = opened(tmp_path / "app", tmp_path)
    (first.state / "checkout.json").write_text("{")
    with pytest.raises(EnvmanError, match="EV509"):
        opened(tmp_path / "app", tmp_path)


@pytest.mark.parametrize("name", [".envman", ".envman/dev", ".envman/dev/docker-compose.yml"])
def test_no_link_leads_a_render_out_of_the_project(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "app" / name).parent.mkdir(parents=True)
    (tmp_path / "app" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvmanError, match="EV007"):
        render_path(tmp_path / "app", "dev")
