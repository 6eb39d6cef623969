"""What has to hold for every file that is committed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_requirements_name_versions_and_hashes_and_no_addresses() -> None:
    lines = [
        line
        for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines()
        if not line.lstrip().startswith("#")
    ]
    unexpected = [
        line
        for line in lines
        if not re.fullmatch(r"[a-z0-9-]+==[^ ;]+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line)
    ]
    assert unexpected == []


def test_shellcheck_finds_nothing() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    scripts = [ROOT / "scripts" / "engine", ROOT / "scripts" / "venv", ROOT / "scripts" / "stand-ins" / "build"]
    done = subprocess.run(
        ["shellcheck", "--external-sources", *scripts], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == ""


@pytest.mark.parametrize(
    "recipe", sorted((ROOT / "scripts" / "stand-ins").glob("*/recipe")), ids=lambda path: path.parent.name
)
def test_every_recipe_says_what_it_stands_in_for(recipe: Path) -> None:
    name, _, tag = recipe.parent.name.partition("-")
    assert recipe.read_text().startswith(f"# Stands in for {name}:{tag}: ")


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{one.name}" for one in (ROOT / "docs").glob("*.md"))]
)
def test_links_between_pages_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text())
    own = [link for link in links if "://" not in link]
    assert [link for link in own if not (ROOT / page).parent.joinpath(link).exists()] == []
