"""The river runs one way, and heavy packages are loaded only by what needs them."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "envman"

# From the spring to the mouth; a module may import only what stands in an earlier row (or its own package).
RIVER = [
    {"envman", "version", "shipped"},
    {"diagnostics"},
    {"source", "registry"},
    {"model"},
    {"language"},
    {"project", "facts"},
    {"checks", "render"},
    {"explanation"},
    {"difference"},
    {"plan", "state", "adopt", "template", "starter"},
    {"secrets", "snapshot", "lock"},
    {"bundle"},
    {"engine", "scaffold"},
    {"operations"},
    {"output"},
    {"cli"},
    {"__main__"},
]
RANK = {name: rank for rank, names in enumerate(RIVER) for name in names}
ONLY_IMPORTERS = {
    "docker": {"engine"},
    "urllib3": {"engine"},
    "python_on_whales": {"engine"},
    "cookiecutter": {"scaffold"},
    "typer": {"cli"},
    "click": {"cli"},
}
HEAVY = ["pydantic", "pydantic_core", "docker", "python_on_whales", "cookiecutter", "yaml", "rich"]
# What no reading of blueprints needs: each costs more than a tenth of a render.
NOT_FOR_RENDERING = ["typer", "pydantic", "docker", "python_on_whales", "cookiecutter", "rich", "importlib.metadata"]


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "shipped_files" not in path.parts)


def room(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "envman" if parts == ("__init__",) else parts[0]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            yield from (f"{module}.{alias.name}" for alias in node.names) if module == "envman" else [module]


def test_every_room_has_a_place_in_the_river() -> None:
    assert {room(path) for path in modules()} == set(RANK)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    here = room(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] in ONLY_IMPORTERS:
            assert here in ONLY_IMPORTERS[parts[0]], f"{here} must not import {parts[0]}"
        if parts[0] != "envman":
            continue
        there = parts[1] if len(parts) > 1 and parts[1] in RANK else "envman"
        assert there == here or RANK[there] < RANK[here], f"{here} must not import {there}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 450


# A command's own help is not among them: typer itself reads a command's parameters with pydantic.
@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from envman.cli.main import run\n"
        "from envman.cli.invocation import Invocation\n"
        f"status = run(Invocation(), {arguments!r})\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.stderr.write(f'{status} {loaded}')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "0 []"


def loaded_by_render(root: Path, *arguments: str) -> set[str]:
    program = (
        "import sys\n"
        "from envman.cli.main import run\n"
        "from envman.cli.invocation import Invocation\n"
        f"status = run(Invocation(), ['-C', {str(root)!r}, 'render', 'dev', *{arguments!r}])\n"
        "sys.stderr.write(repr((status, sorted(sys.modules))))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    status, modules = ast.literal_eval(done.stderr)
    assert status == 0
    return set(modules)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "blueprints").mkdir()
    (tmp_path / "envman.yaml").write_text("name: churn\nlanguage: 1\n")
    (tmp_path / "blueprints" / "dev.yaml").write_text("services: {api: {image: 'api:1', ports: ['80']}}\n")
    return tmp_path


def test_a_render_loads_only_what_it_needs(root: Path) -> None:
    loaded = loaded_by_render(root, "--no-cache")
    assert {"yaml", "pydantic_core", "envman.project"} <= loaded
    assert not loaded & set(NOT_FOR_RENDERING)


def test_a_render_of_unchanged_input_reads_no_yaml_and_validates_nothing(root: Path) -> None:
    loaded_by_render(root)
    loaded = loaded_by_render(root)
    assert not loaded & {*NOT_FOR_RENDERING, *HEAVY, "tempfile", "difflib", "envman.project", "envman.operations"}


def test_looking_without_an_engine_loads_neither_client() -> None:
    program = (
        "import sys\n"
        "import envman.operations.workspace, envman.operations.up, envman.operations.switch, envman.checks\n"
        "loaded = [name for name in ('docker', 'python_on_whales', 'cookiecutter') if name in sys.modules]\n"
        "sys.stdout.write(str(loaded))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]"
