"""Compose files made to harm an import, and files that only look odd: each is imported or refused within seconds."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from envman.cli.invocation import Invocation
from envman.cli.main import run

SECONDS = 4
BODY = "services:\n  web:\n    image: busybox:1.37\n"
ALIGNED = "# TAG                             The image's tag.\n#                                 Default: latest\n"
# Each with the status that the import ends with.
FILES = {
    "a banner": (f"{'#' * 80}\n# a stack\n{'#' * 80}\n---\n{BODY}", 0),
    "an aligned comment": (f"{ALIGNED * 10}---\n{BODY}", 0),
    "an aligned comment and no ---": (f"{ALIGNED * 10}{BODY}", 0),
    "blank lines": ("\n" * 3000 + BODY, 0),
    "lines of spaces": ((" " * 80 + "\n") * 100 + BODY, 0),
    "spaces at the end": (f"{BODY}# {' ' * 100_000}", 0),
    "hashes": (f"{'# ' * 100_000}\n{BODY}{'#' * 100_000}\n", 0),
    "many comments before a flow": ("# c\n" * 50_000 + "{services: {web: {image: busybox:1.37}}}", 0),
    "many starts": ("---\n" * 100_000 + BODY, 1),
    "many documents": (f"---\n{BODY}" * 1000, 1),
    "many directives": ("%X\n" * 50_000 + f"---\n{BODY}", 1),
    "anchors without end": (f"services: {'&a ' * 50_000}\n", 1),
    "tags without end": (f"services: {'!a ' * 50_000}\n", 1),
    "a long value": (f"{BODY}    environment: {{A: '{'a' * 500_000}'}}\n", 0),
    "a long value of signs": (f"{BODY}    environment: {{A: '{'a:/@.-=' * 70_000}'}}\n", 0),
    "a long port": (f"{BODY}    ports: ['{'1' * 300_000}:80']\n", 1),
}


@pytest.mark.parametrize("name", FILES)
def test_an_import_ends_soon(name: str, tmp_path: Path) -> None:
    text, expected = FILES[name]
    (tmp_path / "compose.yaml").write_text(text)
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "PATH": "/usr/bin:/bin"}
    start = time.process_time()
    status = run(Invocation(environ=environ), ["-C", str(tmp_path), "import", str(tmp_path / "compose.yaml")])
    assert time.process_time() - start < SECONDS
    assert status == expected
