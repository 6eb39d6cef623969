"""What a project keeps for editors: the JSON Schema that its blueprints point to.

It lies in ``.envman/``, which is in no repository, because it belongs to the envman that is installed rather than to
the project; `new` and `init` write it, `check` writes it where it is missing.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Final

from envman.diagnostics import EnvmanError
from envman.state.atomic import write_if_changed
from envman.state.checkout import PRIVATE, ignore_private, private_path

SCHEMA_FILE: Final = "schema.json"


def schema_text() -> str:
    """Return the JSON Schema of a blueprint as text."""
    from envman.language.authoring import blueprint_schema
    from envman.version import installed_version

    return json.dumps(blueprint_schema(installed_version()), indent=1, ensure_ascii=False) + "\n"


def write_schema(root: Path) -> Path:
    """Write the schema for the project at ``root`` and return its path.

    Raises:
        EnvmanError: EV008 where it cannot be written.
    """
    path = private_path(root, SCHEMA_FILE)
    ignore_private(root)
    write_if_changed(path, schema_text())
    return path


def provide_schema(root: Path) -> None:
    """Write the schema where there is none, as in a fresh clone; where that cannot be, editors do without."""
    if not (root / PRIVATE / SCHEMA_FILE).exists():
        with suppress(EnvmanError):
            write_schema(root)
