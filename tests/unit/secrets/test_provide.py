from __future__ import annotations

import os
from pathlib import Path

import pytest
from environments import load

from envman.diagnostics import Report
from envman.model.environment import Environment
from envman.secrets.provide import absent_secrets, provide_secrets
from envman.secrets.store import SecretStore

API = "services: {api: {image: busybox}}\n"


def provide(
    environment: Environment, root: Path, volumes: list[str] | None = None
) -> tuple[SecretStore, list[str], Report]:
    report = Report()
    store = SecretStore.of(root / "state", environment.key)
    made = provide_secrets(environment, store, root, volumes=volumes or [], report=report)
    return store, made, report


def test_a_generated_secret_is_made_once(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: generate, length: 40}}\n")
    store, made, _ = provide(environment, tmp_path)
    value = store.read("token")
    assert made == ["token"]
    assert value is not None
    assert len(value) == 40
    _, made, _ = provide(environment, tmp_path, volumes=["churn-dev_db"])
    assert made == []
    assert store.read("token") == value


def test_a_lost_secret_is_not_made_anew_while_data_may_need_it(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: generate}}\n")
    store, made, report = provide(environment, tmp_path, volumes=["churn-dev_db"])
    assert made == []
    assert store.read("token") is None
    assert [(one.code, str(one.span)) for one in report] == [("EV503", "blueprints/dev.yaml:2:11")]


def test_a_generated_secret_that_was_cut_off_counts_as_lost(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: generate}}\n")
    store, _, _ = provide(environment, tmp_path)
    store.path("token").chmod(0o600)
    store.path("token").write_text("")
    _, made, report = provide(environment, tmp_path, volumes=["churn-dev_db"])
    assert made == []
    assert [one.code for one in report] == ["EV503"]


def test_a_value_from_the_process_follows_it(tmp_path: Path) -> None:
    blueprint = API + "secrets: {token: {source: env, variable: TOKEN}}\n"
    store, _, _ = provide(load(tmp_path, dev=blueprint, process={"TOKEN": "one"}), tmp_path)
    assert store.read("token") == "one"
    provide(load(tmp_path, dev=blueprint, process={"TOKEN": "two"}), tmp_path)
    assert store.read("token") == "two"


def test_a_missing_variable_is_named_at_its_place(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: env, variable: TOKEN}}\n")
    _, _, report = provide(environment, tmp_path)
    assert [(one.code, one.message, str(one.span)) for one in report] == [
        ("EV504", 'secret "token" has no value: TOKEN is not set', "blueprints/dev.yaml:2:42")
    ]


def test_a_file_is_copied_so_that_any_user_can_read_it(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: file, path: token.txt}}\n")
    (tmp_path / "token.txt").write_text("hunter2")
    (tmp_path / "token.txt").chmod(0o600)
    store, _, _ = provide(environment, tmp_path)
    assert store.path("token").stat().st_mode & 0o777 == 0o444


def test_a_missing_file_is_named_without_a_value(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: file, path: token.txt}}\n")
    _, _, report = provide(environment, tmp_path)
    assert [one.message for one in report] == ['secret "token" cannot be read from token.txt: there is no such file']


def test_a_fifo_in_place_of_its_file_is_not_waited_for(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + "secrets: {token: {source: file, path: token.txt}}\n")
    os.mkfifo(tmp_path / "token.txt")
    _, _, report = provide(environment, tmp_path)
    assert [one.code for one in report] == ["EV504"]


@pytest.mark.parametrize(
    ("declaration", "present"),
    [
        ("{source: file, path: '', optional: true}", False),
        ("{source: file, path: missing, optional: true}", False),
        ("{source: file, path: there, optional: true}", True),
        ("{source: env, variable: NOT_SET, optional: true}", False),
        ("{source: env, variable: SET, optional: true}", True),
        ("{source: generate, optional: true}", True),
    ],
)
def test_optional_secrets_may_be_absent(declaration: str, present: bool, tmp_path: Path) -> None:
    environment = load(tmp_path, dev=API + f"secrets: {{token: {declaration}}}\n", process={"SET": "x", "EMPTY": ""})
    (tmp_path / "there").write_text("x")
    absent = absent_secrets(environment, tmp_path)
    assert absent == (frozenset() if present else {"token"})
    store, _, report = provide(environment, tmp_path)
    assert list(report) == []
    assert store.has("token") is present
