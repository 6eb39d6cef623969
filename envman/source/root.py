"""Where a project begins."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail

PROJECT_FILE: Final = "envman.yaml"


def find_root(start: Path) -> Path:
    """Return the nearest folder from ``start`` upward that holds ``envman.yaml``.

    Raises:
        EnvmanError: EV001 where there is none, EV004 where the folder's name is not UTF-8: no render could name it.
    """
    start = start.absolute()
    if ".." in start.parts:
        # One folder has one name in renders and records, however it was reached.
        start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            if any("\udc80" <= character <= "\udcff" for character in str(folder)):
                raise fail("EV004", f"{folder} is not UTF-8, as a Compose file must be", help="rename the folder")
            return folder
    raise fail(
        "EV001",
        f"no {PROJECT_FILE} in {start} or above it",
        help="`envman new NAME` starts a project, `envman init` makes one of this folder",
    )
