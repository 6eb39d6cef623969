from __future__ import annotations

from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.secrets.store import SecretStore


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_values_lie_in_readable_files_inside_a_private_folder(tmp_path: Path) -> None:
    store = SecretStore.of(tmp_path / "state", "dev")
    assert store.write("password", "hunter2")
    assert store.read("password") == "hunter2"
    assert mode(store.path("password")) == 0o444
    assert mode(store.folder) == 0o700
    assert mode(store.folder.parent) == 0o700


def test_writing_the_same_value_changes_nothing(tmp_path: Path) -> None:
    store = SecretStore.of(tmp_path, "dev")
    store.write("password", "hunter2")
    assert not store.write("password", "hunter2")
    assert store.write("password", "hunter3")
    assert store.read("password") == "hunter3"


def test_environments_do_not_share_secrets(tmp_path: Path) -> None:
    SecretStore.of(tmp_path, "dev").write("password", "one")
    assert SecretStore.of(tmp_path, "prod").read("password") is None
    assert SecretStore.of(tmp_path, "dev-two").names() == []


def test_a_fingerprint_tells_only_whether_the_value_changed(tmp_path: Path) -> None:
    store = SecretStore.of(tmp_path / "one", "dev")
    store.write("password", "hunter2")
    first = store.fingerprint("password")
    assert first == store.fingerprint("password")
    store.write("password", "hunter3")
    assert store.fingerprint("password") != first
    other = SecretStore.of(tmp_path / "two", "dev")
    other.write("password", "hunter2")
    assert other.fingerprint("password") != first, "another checkout has another key"
    assert store.fingerprint("unknown") == ""


def test_the_key_is_not_listed_as_a_secret(tmp_path: Path) -> None:
    store = SecretStore.of(tmp_path, "dev")
    store.write("password", "x")
    store.fingerprint("password")
    assert store.names() == ["password"]


@pytest.mark.parametrize("content", ["", "ab12", "x" * 64])
def test_a_key_that_is_cut_off_is_not_used(tmp_path: Path, content: str) -> None:
    store = SecretStore.of(tmp_path, "dev")
    store.write("password", "hunter2")
    (tmp_path / "secrets" / ".key").write_text(content)
    with pytest.raises(EnvmanError, match="EV509"):
        store.fingerprint("password")


def test_an_empty_file_is_no_value(tmp_path: Path) -> None:
    store = SecretStore.of(tmp_path, "dev")
    store.write("password", "hunter2")
    store.path("password").chmod(0o600)
    store.path("password").write_text("")
    assert not store.has("password")
