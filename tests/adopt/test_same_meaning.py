"""An imported Compose file, rendered, means to Compose what it meant before.

``cases/NAME.yaml`` is one file, ``cases/NAME/`` a folder of files that override each other in the order of their names
(``dot.env`` is its ``.env``).
"""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from composed import understood

from envman.adopt.document import read_compose_file
from envman.adopt.variables import find_variables
from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.diagnostics import Report, Source
from envman.source.dotenv import parse_dotenv

pytestmark = pytest.mark.engine

CASES = Path(__file__).parent / "cases"
# These have files that other files bring in; which ones Compose is given, their folder alone tells.
OTHER_FILES = Path(__file__).parent / "other_files"
GIVEN = {"extends_override": ("1.yaml", "2.yaml")}
# What cases refer to and Compose wants to be there.
FILES = {
    "one.env": "IN_FILE=1\nQUOTED='a b'\n",
    "two.env": "IN_FILE=2\n",
    "labels.txt": "from.file=1\n",
    "conf/x.conf": "listen 80\n",
    "three.env": "IN_FILE=3\n",
    "more.txt": "from.more=1\n",
    "token.txt": "x\n",
    "secrets/one.txt": "x\n",
    "spec.json": "{}\n",
}


def lay_out(case: str, folder: Path) -> list[Path]:
    """Put the case's files into ``folder`` and return the Compose files in order."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    source = CASES / case
    if source.is_file():
        return [Path(shutil.copy(source, folder / "compose.yaml"))]
    files = []
    for path in sorted(source.iterdir()):
        target = folder / path.name.replace("dot.", ".", 1)
        shutil.copy(path, target)
        if target.suffix == ".yaml":
            files.append(target)
    return files


def import_and_render(files: list[Path], root: Path, environ: dict[str, str], *options: str) -> tuple[Path, str]:
    """Import ``files`` below ``root``, render, and return the render and the blueprint."""
    invocation = Invocation(environ=environ)
    arguments = ["--directory", str(root), "import", *map(str, files), "--environment", "imported", *options]
    assert run(invocation, arguments) == 0
    out = root / "out" / "docker-compose.yml"
    assert run(Invocation(environ=environ), ["--directory", str(root), "render", "imported", "--output", str(out)]) == 0
    return out, (root / "blueprints" / "imported.yaml").read_text()


def without_default(files: list[Path]) -> list[str]:
    """Return the variables that nothing gives a value where the process does not."""
    trees = [tree for file in files for tree in read_compose_file(file, Report())]
    dotenv = files[0].parent / ".env"
    known = parse_dotenv(Source(".env", dotenv.read_text() if dotenv.exists() else ""), Report())
    used = find_variables(trees)
    return [name for name, one in used.items() if not one.operators & {"-", ":-"} and name not in known]


def project_of(render: Path) -> tuple[str, ...]:
    name = re.search(r'^name: "?([\w-]+)', render.read_text(), re.MULTILINE)
    assert name is not None
    return ("--project-name", name[1])


@pytest.mark.parametrize("stand_in", ["", "8080"], ids=["unset", "set"])
@pytest.mark.parametrize("case", sorted(path.name for path in CASES.iterdir()))
def test_means_the_same(case: str, stand_in: str, tmp_path: Path) -> None:
    files = lay_out(case, tmp_path)
    environ = dict.fromkeys(without_default(files), stand_in) if stand_in else {"TWO": "2", "THREE": "3"}
    before = understood(files, tmp_path, environ=environ)
    render, _ = import_and_render(files, tmp_path, environ)

    after = understood([render], tmp_path, environ=environ, options=project_of(render))

    assert isinstance(before, dict), before
    assert after == before


@pytest.mark.skipif(find_spec("envman.language.include") is None, reason="the language knows no include yet")
@pytest.mark.parametrize("case", sorted(path.name for path in OTHER_FILES.iterdir()))
def test_other_files_mean_the_same(case: str, tmp_path: Path) -> None:
    shutil.copytree(OTHER_FILES / case, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob("dot.*"):
        path.rename(path.with_name(path.name.removeprefix("dot")))
    files = [tmp_path / name for name in GIVEN.get(case, ("compose.yaml",))]
    before = understood(files, tmp_path)
    render, _ = import_and_render(files, tmp_path, {})

    after = understood([render], tmp_path, options=project_of(render))

    assert isinstance(before, dict), before
    assert after == before
