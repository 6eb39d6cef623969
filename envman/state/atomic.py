"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error


def write_whole(path: Path, text: str, *, mode: int = 0o644, folder_mode: int = 0o755, durable: bool = True) -> None:
    """Write ``text`` to ``path`` through a temporary file and a rename; missing folders are made.

    Without ``durable`` the disk is not waited for: after a power cut the file may be torn.

    Raises:
        EnvmanError: EV008 with the system's reason; ``path`` is then as it was.
    """
    import tempfile

    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
        temporary = None
        if durable:
            _keep_name(path.parent)
    except OSError as error:
        raise fail("EV008", f"{path} cannot be written: {explain_os_error(error)}") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def write_new(path: Path, text: str, *, mode: int = 0o600) -> bool:
    """Write ``text`` to ``path`` unless something is there already; return whether it was written.

    Of several processes that do so at once, one writes, and the others find what it has written.

    Raises:
        EnvmanError: EV008 with the system's reason.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    write_whole(temporary, text, mode=mode)
    try:
        # Unlike a rename, this fails where there is a file of that name.
        os.link(temporary, path)
        _keep_name(path.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise fail("EV008", f"{path} cannot be written: {explain_os_error(error)}") from None
    finally:
        temporary.unlink(missing_ok=True)
    return True


def private_folder(folder: Path, *, below: Path) -> None:
    """Make ``folder``, and let nobody but this user into it and the folders above it as far as ``below``.

    The process's umask has no part in it.

    Raises:
        OSError: where that cannot be.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in (folder, *folder.parents):
        if not one.is_relative_to(below):
            break
        if one.stat().st_mode & 0o777 != 0o700:
            one.chmod(0o700)


def _keep_name(folder: Path) -> None:
    """Wait until the disk has the folder too: a rename is not on it before."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_if_changed(path: Path, text: str, *, mode: int = 0o644, durable: bool = False) -> bool:
    """Write ``text`` to ``path`` unless it is there already; return whether it was written.

    Most of it can be made again, and is not ``durable``: a file that a power cut has torn differs, and is written anew.

    Raises:
        EnvmanError: EV008 with the system's reason; ``path`` is then as it was.
    """
    try:
        if path.read_text(encoding="utf-8") == text:
            return False
    except (OSError, UnicodeDecodeError):
        pass
    write_whole(path, text, mode=mode, durable=durable)
    return True
