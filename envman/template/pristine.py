"""The files that a template made, kept in the project as it made them: ``.envman-template.tar.xz``.

They are what a project's changes are told from. Kept in the project they are there in every clone, however it came
about (shallow, squashed, unpacked from an archive), whatever version of envman is installed, and for any template.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final, NamedTuple

from envman.diagnostics.diagnostic import fail
from envman.source.files import explain_os_error
from envman.template.origin import Template
from envman.template.record import RECORD_FILE, Record, record_text

PRISTINE_FILE: Final = ".envman-template.tar.xz"
# The shipped template makes 50 files of 600 kB; the archive comes from a repository, which is anybody's.
MOST_FILES: Final = 5_000
MOST_BYTES: Final = 64 * 1024 * 1024
_PRESET: Final = 9


class File(NamedTuple):
    """A file's content, and whether it can be executed: all that git knows of one."""

    content: bytes
    executable: bool = False


Files = Mapping[str, File]


def read_files(folder: Path) -> dict[str, File]:
    """Return the files below ``folder`` by their path in it, sorted."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            executable = bool(path.stat().st_mode & stat.S_IXUSR)
            found[path.relative_to(folder).as_posix()] = File(path.read_bytes(), executable)
    return found


def digest_of(files: Files) -> str:
    """Return a digest of all paths, contents and rights to execute."""
    total = hashlib.sha256()
    for path, file in sorted(files.items()):
        content = hashlib.sha256(file.content).hexdigest()
        total.update(f"{'x' if file.executable else '-'} {content} {path}\0".encode())
    return f"sha256:{total.hexdigest()}"


def pack(files: Files) -> bytes:
    """Return ``files`` as an archive that ``tar`` can read: the same files are the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, file in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(file.content)
            member.mode = 0o755 if file.executable else 0o644
            archive.addfile(member, io.BytesIO(file.content))
    return lzma.compress(buffer.getvalue(), preset=_PRESET | lzma.PRESET_EXTREME)


def read_pristine(root: Path, record: Record) -> dict[str, File]:
    """Return the files that the template of ``record`` made for the project at ``root``.

    Raises:
        EnvmanError: EV706 where the archive is missing, damaged, or does not belong to the record.
    """
    path = root / PRISTINE_FILE
    try:
        with path.open("rb") as stream:
            files = _unpack(stream.read(MOST_BYTES + 1))
    except OSError as error:
        raise _damaged(f"{PRISTINE_FILE} cannot be read: {explain_os_error(error)}") from None
    except (lzma.LZMAError, tarfile.TarError, EOFError, ValueError, UnicodeError):
        raise _damaged(f"{PRISTINE_FILE} is damaged") from None
    if digest_of(files) != record.digest:
        raise _damaged(f"{PRISTINE_FILE} holds other files than {RECORD_FILE} says")
    return files


def _damaged(message: str) -> Exception:
    return fail(
        "EV706",
        message,
        help=f"take {RECORD_FILE} and {PRISTINE_FILE} from one and the same commit: "
        f"git checkout COMMIT -- {RECORD_FILE} {PRISTINE_FILE}",
    )


def _unpack(packed: bytes) -> dict[str, File]:
    decompressor = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=256 * 1024 * 1024)
    data = decompressor.decompress(packed, max_length=MOST_BYTES)
    if not decompressor.eof:
        raise ValueError("too large, or cut off")
    files: dict[str, File] = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is None or len(files) >= MOST_FILES or member.name in files or not is_inside(member.name):
                raise ValueError(member.name)
            files[member.name] = File(stream.read(), bool(member.mode & 0o100))
    return files


def is_inside(path: str) -> bool:
    """Whether ``path`` names a file below the project's root that a template may make."""
    parts = PurePosixPath(path).parts
    clean = path == str(PurePosixPath(path)) and not path.startswith("/") and "\\" not in path
    plain = not any(character < " " or character == "\x7f" for character in path)
    return bool(parts) and clean and plain and ".." not in parts and ".git" not in {part.lower() for part in parts}


def write_files(folder: Path, files: Files) -> None:
    """Write ``files`` into the empty folder ``folder``."""
    for path, file in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        if file.executable:
            os.chmod(target, 0o755)  # noqa: PTH101, S103 - what the template says


def kept(template: Template, answers: Mapping[str, str], files: Files) -> dict[str, File]:
    """Return the two files that a project keeps of ``template``, which made ``files`` of ``answers``."""
    text = record_text(
        template.name,
        template.version,
        digest=digest_of(files),
        answers=answers,
        source=template.source,
        pristine=PRISTINE_FILE,
    )
    return {RECORD_FILE: File(text.encode()), PRISTINE_FILE: File(pack(files))}
