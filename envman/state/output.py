"""What a command writes where its user says: into a file whole, and straight through to what is no file."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error
from envman.state.atomic import write_if_changed

_DESCRIPTOR: Final = re.compile(r"/dev/(?:fd/(\d{1,9})|(stdout)|(stderr))|/proc/self/fd/(\d{1,9})")


def write_output(path: Path, text: str) -> bool:
    """Write ``text`` to where a shell's ``> path`` would, and return whether a file holds it now.

    A file is written whole or not at all and keeps its mode; so does one that a link leads to. A pipe, a terminal, a
    device, or what this process has open already (``/dev/stdout``), gets the text as it comes: there is nothing to
    compare it with, and a rename would put a file in its place.

    Raises:
        EnvmanError: EV008 with the system's reason.
        BrokenPipeError: where the reader of a pipe has gone.
    """
    try:
        descriptor = _stream(path)
        if descriptor is not None:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
            return False
        real = Path(os.path.realpath(path))
        mode = stat.S_IMODE(real.stat().st_mode) if real.exists() else 0o644
    except BrokenPipeError:
        raise
    except OSError as error:
        raise fail("EV008", f"{path} cannot be written: {explain_os_error(error)}") from None
    write_if_changed(real, text, mode=mode)
    return True


def _stream(path: Path) -> int | None:
    """Return ``path``, open for writing, if it is no file that could be replaced."""
    own = _DESCRIPTOR.fullmatch(str(path))
    if own is not None:
        # Opened by its name, a file would be written over from its beginning.
        return os.dup(1 if own[2] else 2 if own[3] else int(own[1] or own[4]))
    try:
        kind = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        return None
    return os.open(path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
