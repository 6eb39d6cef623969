"""This machine's own registry map, for all projects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from envman.diagnostics import Report, Source
from envman.model.binding import bind
from envman.model.header import MachineFile
from envman.model.places import read_places
from envman.registry.places import Places
from envman.source.files import read_text
from envman.source.reader import read_tree
from envman.source.tree import node_at
from envman.source.witness import Witness, watched

FILE: Final = "registry.yaml"


def places_file(environ: Mapping[str, str]) -> Path:
    """Return ``$XDG_CONFIG_HOME/envman/registry.yaml``, by default below ``~/.config``."""
    configured = environ.get("XDG_CONFIG_HOME", "")
    # The XDG specification: a relative path in these variables is to be ignored.
    base = Path(configured) if configured.startswith("/") else Path.home() / ".config"
    return base / "envman" / FILE


def machine_places(environ: Mapping[str, str], witness: Witness | None = None) -> Places:
    """Return the registry map of this machine, empty where it has none.

    Raises:
        EnvmanError: EV428 for a map that is wrong, EV1xx for a file that is none.
    """
    path = places_file(environ)
    if witness is not None:
        path = watched(path, witness)
    if not path.exists():
        return {}
    name = str(path)
    report = Report()
    tree = read_tree(Source(name, read_text(path, name)), report)
    report.raise_errors()
    assert tree is not None  # there was no error
    bind(tree, MachineFile, report, what=FILE)
    report.raise_errors()
    places = read_places(node_at(tree, ("registry",)), report)
    report.raise_errors()
    return places
