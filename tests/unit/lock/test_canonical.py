"""The canonical document: the same on every machine, with nothing in it that must not be shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import load

from envman.lock.canonical import Canonical, canonical_document

DEV = """\
variables:
  port: {type: port, default: auto, env: PORT}
  api_token: {type: string, default: tok-1, env: API_TOKEN}
  workers: {type: int, default: 2, env: WORKERS}
services:
  api:
    image: "busybox:1"
    ports: [{name: http, target: 80, published: "${port}"}]
    command: [serve, "--token=${api_token}", "--workers=${workers}"]
    environment: {DB_PASSWORD: literal, URL: "http://me:pw@host/", LEVEL: info}
    secrets: [key]
    gpu: optional
    configs: [{source: site, target: /site.conf}]
configs: {site: {file: ./site.conf}}
secrets: {key: {source: generate, optional: true}}
"""


def canonical(root: Path, text: str = DEV, **options: object) -> Canonical:
    return canonical_document(load(root, dev=text, **options))  # type: ignore[arg-type]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    return folder


def test_it_is_the_same_wherever_the_project_lies(tmp_path: Path, elsewhere: Path) -> None:
    assert canonical(tmp_path).data == canonical(elsewhere).data
    assert str(tmp_path) not in str(canonical(tmp_path).data)


def test_what_must_not_be_shown_is_beside_it_by_path(tmp_path: Path) -> None:
    found = canonical(tmp_path)
    assert found.withheld == {
        "services.api.command[1]": "--token=tok-1",
        "services.api.environment.DB_PASSWORD": "literal",
        "services.api.environment.URL": "http://me:pw@host/",
    }
    assert not [value for value in ("tok-1", "literal", "pw@") if value in str(found.data)]
    assert found.data["services"]["api"]["command"] == ["serve", "(withheld)", "--workers=2"]


@pytest.mark.parametrize(
    ("process", "changes"),
    [({"WORKERS": "3"}, True), ({"PORT": "8080"}, True), ({"API_TOKEN": "tok-2"}, False)],
)
def test_values_count_but_those_that_are_not_shown(tmp_path: Path, process: dict[str, str], changes: bool) -> None:
    assert (canonical(tmp_path, process=process).digest != canonical(tmp_path).digest) == changes


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("gpu: optional", "gpu: none", ["services.api"]),
        ("LEVEL: info", "LEVEL: debug", ["services.api"]),
        ("file: ./site.conf", "file: ./other.conf", ["configs.site"]),
        ("source: generate, optional: true", "source: env, variable: KEY", []),
    ],
)
def test_a_change_is_in_the_part_that_it_is_about(tmp_path: Path, old: str, new: str, parts: list[str]) -> None:
    before, after = canonical(tmp_path).parts, canonical(tmp_path, DEV.replace(old, new)).parts
    assert [part for part in before if before[part] != after[part]] == parts
    assert list(before) == ["services.api", "networks.default", "configs.site", "secrets.key"]


def test_the_content_of_a_config_counts(tmp_path: Path) -> None:
    environment = load(tmp_path, dev=DEV)
    first, second = (canonical_document(environment, {"./site.conf": one}).digest for one in ("1", "2"))
    assert first != second


def test_the_content_of_a_seccomp_profile_counts(tmp_path: Path) -> None:
    environment = load(tmp_path, dev="services: {a: {image: x, security_opt: ['seccomp=p.json']}}\n")
    first, second = (canonical_document(environment, {"p.json": one}).parts for one in ("1", "2"))
    assert [part for part in first if first[part] != second[part]] == ["services.a"]
