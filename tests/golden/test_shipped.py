"""The shipped blueprints as Compose files, to the byte. `pytest --update-golden` writes them anew; read what it wrote.

They are rendered with fixed facts, of which nothing is true of any machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from envman.diagnostics import Report
from envman.facts import Facts
from envman.model.environment import Environment
from envman.operations.workspace import automatic_ports
from envman.project import load_environment, open_project
from envman.render.compose import render
from envman.shipped import shipped

GOLDEN = Path(__file__).parent / "shipped"
ENVIRONMENTS = ("dev", "local", "prod", "staging")


def load(root: Path, name: str, *, settings: dict[str, str], instance: str | None) -> Environment:
    if not (root / "blueprints").exists():
        shutil.copytree(shipped("blueprints"), root / "blueprints")
        (root / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    report = Report()
    environment = load_environment(open_project(root), name, report, settings=settings, process={}, instance=instance)
    assert environment is not None, [one.message for one in report]
    assert list(report) == [], "a shipped blueprint gives no warning"
    return environment


def text(root: Path, name: str, *, settings: dict[str, str], instance: str | None = None, **known: Any) -> str:
    environment = load(root, name, settings=settings, instance=instance)
    ports = {key: 20000 + number for number, key in enumerate(automatic_ports(environment))}
    facts = Facts(
        project_directory=Path("/project"),
        state_directory=Path("/state"),
        checkout="0123456789ab",
        ports=ports,
        **known,
    )
    return render(environment, facts).text()


CASES: dict[str, dict[str, Any]] = {
    **{name: {"name": name, "settings": {}} for name in ENVIRONMENTS},
    "prod-instance-on-a-remote-engine": {
        "name": "prod",
        "settings": {"http_port": "8443", "image_tag": "1.2.3"},
        "instance": "two",
        "secrets": "environment",
        "fingerprints": {"db_password": "f00d"},
    },
}


@pytest.mark.parametrize("case", CASES)
def test_these_bytes(case: str, tmp_path: Path, update_golden: bool) -> None:
    golden = GOLDEN / f"{case}.yml"
    made = text(tmp_path, **CASES[case]).encode()
    if update_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(made)
    assert made == golden.read_bytes()


@pytest.mark.parametrize("case", CASES)
def test_two_runs_are_byte_for_byte_the_same(case: str, tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    assert text(tmp_path / "one", **CASES[case]) == text(tmp_path / "other", **CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_another_reader_of_yaml_reads_it(case: str) -> None:
    document = yaml.safe_load((GOLDEN / f"{case}.yml").read_text())
    assert document["name"].startswith("churn-")
    assert set(document) >= {"services", "networks", "volumes"}


def test_every_shipped_environment_is_here_and_nothing_else() -> None:
    concrete = {
        path.stem for path in shipped("blueprints").glob("*.yaml") if "\nabstract: true\n" not in path.read_text()
    }
    assert concrete == set(ENVIRONMENTS)
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


def test_staging_is_prod_with_few_differences() -> None:
    prod, staging = (yaml.safe_load((GOLDEN / f"{name}.yml").read_text()) for name in ("prod", "staging"))
    assert list(prod["services"]) == list(staging["services"])
    assert prod["volumes"].keys() == staging["volumes"].keys()


def test_no_golden_file_holds_a_value_of_a_secret() -> None:
    for path in GOLDEN.iterdir():
        for name, secret in yaml.safe_load(path.read_text())["secrets"].items():
            assert set(secret) <= {"file", "environment"}, f"{path.name}: {name}"
