"""Reading a project's files, and refusing what is not one of them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from envman.diagnostics import Source, Span
from envman.diagnostics.diagnostic import fail
from envman.diagnostics.limits import HELP, limit
from envman.source.witness import note_read

# A blueprint of 1,000 services has about 1 MB.
LARGEST = 4 * 1024 * 1024


def read_source(path: Path, *, root: Path, confidential: bool = False) -> Source:
    """Return the text of ``path``, named relative to ``root``.

    Raises:
        EnvmanError: EV002 where it is no readable regular file or not UTF-8, EV007 where it leads out of ``root``,
            EV110 where it is larger than ``LARGEST`` bytes.
    """
    name = shown(path, root)
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(root)):
        raise fail("EV007", f"{name} leads out of the project, to {real}", help="copy the file into the project")
    return Source(name, decode(_read_bytes(path, name), name), confidential=confidential)


def read_text(path: Path, name: str) -> str:
    """Return the text of ``path``, which may lie anywhere, as ``name``.

    Raises:
        EnvmanError: EV002 where it is no readable regular file or not UTF-8, EV110 where it is too large.
    """
    return decode(_read_bytes(path, name), name)


def examine(path: Path, name: str) -> None:
    """Make sure that ``path`` is a file which can be read to its end.

    Raises:
        EnvmanError: EV002 where it is no readable regular file, EV110 where it is too large.
    """
    _read_bytes(path, name)


def _read_bytes(path: Path, name: str) -> bytes:
    with os.fdopen(_open(path, name), "rb") as stream:
        data = stream.read(limit(LARGEST) + 1)
    note_read(path, data)
    return data


def _open(path: Path, name: str) -> int:
    try:
        # A FIFO would block in open(); without O_NONBLOCK no check could come in time.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise fail("EV002", f"{name}: {explain_os_error(error)}") from None
    # Not fdopen() at once: it refuses a folder with a traceback of its own.
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise fail("EV002", f"{name} is not a regular file", help="envman reads plain files only")
    if status.st_size > (most := limit(LARGEST)):
        os.close(descriptor)
        message = f"{name} has {status.st_size:,} bytes; {most:,} are the most that envman reads"
        raise fail("EV110", message, help=HELP)
    return descriptor


def decode(data: bytes, name: str) -> str:
    """Return ``data`` as text.

    Raises:
        EnvmanError: EV002 where it is not UTF-8 or holds a NUL byte, with the place.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8-sig")) + 1
        source = Source(name, data.decode("utf-8", "replace"))
        raise fail(
            "EV002",
            f"{name} is not UTF-8",
            Span(source, line, column, line, column + 1),
            expected=f"byte 0x{data[error.start]:02x} cannot stand here",
            help="save the file as UTF-8",
        ) from None
    position = text.find("\x00")
    if position >= 0:
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        span = Span(Source(name, text.replace("\x00", "\N{REPLACEMENT CHARACTER}")), line, column, line, column + 1)
        raise fail("EV002", f"{name} holds a NUL byte", span, expected="text")
    return text


def shown(path: Path, root: Path) -> str:
    """Return ``path`` relative to ``root`` where it lies below it, else as it is."""
    try:
        return str(path.relative_to(root))
    except ValueError:
        return str(path)


def explain_os_error(error: OSError) -> str:
    """Return the operating system's reason in its own lower-case words, without the path."""
    known = {errno.ENOENT: "there is no such file", errno.EACCES: "permission denied", errno.EISDIR: "is a folder"}
    return known.get(error.errno or 0, (error.strerror or str(error)).lower())
