"""The template's options: every combination is baked, and makes exactly the files that its answers ask for."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from envman.scaffold import new_project, rendered
from envman.template.origin import shipped_template
from envman.template.pristine import File

Answers = dict[str, str]
Files = dict[str, File]

TEMPLATE = shipped_template()
# Every one that changes more than the version of the base image, and an answer for each that takes any text.
CHOICES: dict[str, list[str]] = {
    name: list(map(str, default))
    for name, default in TEMPLATE.context.items()
    if isinstance(default, list) and not name.startswith("_") and name != "python_version"
}
COMBINATIONS: list[Answers] = [
    dict(zip(CHOICES, values, strict=True)) for values in itertools.product(*CHOICES.values())
]
# What an answer brings, and what it takes away, beside what the default answers make.
BRINGS: dict[tuple[str, str], set[str]] = {
    ("notebook", "jupyter"): {"blueprints/notebook.yaml", "notebooks/explore.ipynb", "requirements/notebook.txt"},
}
TAKES: dict[tuple[str, str], set[str]] = {
    ("ci", "none"): {".github/workflows/ci.yml"},
    ("tracking", "none"): {
        "blueprints/postgres.yaml",
        "docker/tracking/tracking_server.py",
        "requirements/tracking.txt",
        "tests/test_tracking_server.py",
    },
}


@pytest.fixture(scope="module", autouse=True)
def _templates_are_compiled_once() -> Iterator[None]:
    """Most of a bake is Jinja, which compiles the same texts again for each."""
    compiled: dict[Any, Any] = {}
    really = jinja2.Environment.compile

    def compile_once(self: jinja2.Environment, source: str, *names: Any, **options: Any) -> Any:
        key = (source, names, *sorted(options.items()))
        if key not in compiled:
            compiled[key] = really(self, source, *names, **options)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        yield


def bake(**answers: str) -> Files:
    return rendered(TEMPLATE, {"project_name": "churn", **answers})


@pytest.fixture(scope="module")
def default() -> Files:
    return bake()


def write(files: Files, folder: Path) -> Path:
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    return folder


def text(files: Files, name: str) -> str:
    return files[name].content.decode()


def expected(default: Files, answers: Answers) -> set[str]:
    given = set(answers.items())
    brought = set().union(*(names for answer, names in BRINGS.items() if answer in given))
    taken = set().union(*(names for answer, names in TAKES.items() if answer in given))
    return (set(default) | brought) - taken


@pytest.mark.parametrize("first", next(iter(CHOICES.values())))
def test_every_combination_makes_exactly_its_files(first: str, default: Files) -> None:
    option = next(iter(CHOICES))
    for answers in COMBINATIONS:
        if answers[option] != first:
            continue
        made = bake(**answers)
        assert set(made) == expected(default, answers), answers
        for name, file in made.items():
            content = file.content.decode()
            # What GitHub fills in, ${{ }}, looks like what a template does.
            assert not re.search(r"\{%|\{#|(?<!\$)\{\{|cookiecutter", content), (answers, name)
            assert not content or (content.endswith("\n") and not content.endswith("\n\n")), (answers, name)
            assert not re.search(r"[ \t]+$", content, re.MULTILINE), (answers, name)
            assert "\n\n\n" not in content or name.endswith(".py") or name == "LICENSE", (answers, name)


def test_no_option_is_dead(default: Files) -> None:
    for option, values in CHOICES.items():
        made = [bake(**{option: value}) for value in values]
        assert default in made, option
        for one, other in itertools.combinations(made, 2):
            assert one != other, f"two answers to {option} make the same"


def test_no_folder_is_left_empty(tmp_path: Path) -> None:
    made = new_project("churn", tmp_path, answers={"ci": "none"}, ask=None, git=False)
    assert [str(path) for path in made.rglob("*") if path.is_dir() and not any(path.iterdir())] == []
    assert not (made / ".github").exists()


def test_no_answer_is_an_option_s_by_another_name() -> None:
    named = {*BRINGS, *TAKES}
    assert named <= {(option, value) for option, values in CHOICES.items() for value in values}


def test_the_workflow_is_what_github_takes(default: Files, tmp_path: Path) -> None:
    workflow = write(default, tmp_path) / ".github/workflows/ci.yml"
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        done = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(workflow)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_has_no_more_rights_than_it_needs(default: Files) -> None:
    workflow = yaml.safe_load(text(default, ".github/workflows/ci.yml"))
    assert workflow["permissions"] == {}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)(.*)", text(default, ".github/workflows/ci.yml"))
    assert len(used) == 2
    for action, comment in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    assert job["steps"][0]["with"]["persist-credentials"] is False


def test_ci_installs_the_envman_that_made_the_project(root: Path, default: Files) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    assert f"pip install envman=={version}\n" in text(default, ".github/workflows/ci.yml")
    assert json.loads((TEMPLATE.folder / "cookiecutter.json").read_text())["__envman_version"] == version


def required(tool: str) -> str:
    """Return the path of a linter; where it is not installed the test is skipped."""
    path = shutil.which(tool) or shutil.which(tool, path=str(Path(sys.executable).parent))
    if path is None:
        pytest.skip(f"{tool} is not installed")
    return path


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("shellcheck", ["scripts/ci"]),
        ("zizmor", ["--offline", "--no-progress", "--persona=pedantic", ".github"]),
        ("actionlint", [".github/workflows/ci.yml"]),
        ("hadolint", ["docker/Dockerfile", "docker/gateway/Dockerfile"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_linters_have_nothing_to_say(tool: str, arguments: list[str], default: Files, tmp_path: Path) -> None:
    done = subprocess.run(
        [required(tool), *arguments], cwd=write(default, tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("licence", "identifier", "title"),
    [
        ("proprietary", "LicenseRef-Proprietary", "Copyright (c) Ada. All rights reserved."),
        ("MIT", "MIT", "MIT License"),
        ("Apache-2.0", "Apache-2.0", "Apache License"),
    ],
)
def test_the_licence_is_named_and_there(licence: str, identifier: str, title: str) -> None:
    made = bake(licence=licence, author="Ada")
    declared = tomllib.loads(text(made, "pyproject.toml"))["project"]
    assert (declared["license"], declared["license-files"]) == (identifier, ["LICENSE"])
    assert text(made, "LICENSE").strip().startswith(title)
    assert re.search(r"Copyright (\(c\) )?Ada\b", text(made, "LICENSE"))


def test_hooks_are_the_tools_of_the_project(default: Files) -> None:
    [repository] = yaml.safe_load(text(default, ".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    for hook in repository["hooks"]:
        assert hook["entry"].split()[0] in {"ruff", "mypy", "envman"}
